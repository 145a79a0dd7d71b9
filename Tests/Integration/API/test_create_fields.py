"""Every member of a create request does something that can be seen, or is refused by its name: none is ignored.

A case is a value that is not the default, and what shows that it was taken: a program's output (`sees`), a member of
`inspect` where that is all there is (`shows`), or a refusal that names the member (`refused`). What a kernel may lack
is taken, or there is a warning (`warns`)."""

import re

import pytest

from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only


def sees(value, command: str, expected: str, **more):
    """`expected`: a regular expression that the program's output matches."""
    return ("sees", value, command, expected, more)


def shows(value, path: str = "", expected=None, **more):
    """`path` in `inspect` has the value (or `expected`)."""
    return ("shows", value, path, expected, more)


def refused(value, word: str = ""):
    return ("refused", value, word, None, {})


V1 = "/sys/fs/cgroup"

CONFIG = {
    "Hostname": sees("box", "hostname", "^box$"),
    "Domainname": sees("example.org", "cat /proc/sys/kernel/domainname", "example.org"),
    "User": sees("www-data", "id -un", "www-data"),
    "AttachStdin": shows(True), "AttachStdout": shows(True), "AttachStderr": shows(True),
    "ExposedPorts": shows({"81/tcp": {}}, "NetworkSettings.Ports", {"81/tcp": None}),
    "Tty": sees(True, "test -t 1 && echo terminal", "terminal"),
    "OpenStdin": sees(True, "readlink /proc/self/fd/0", "pipe|socket"),
    "StdinOnce": shows(True, OpenStdin=True),
    "Env": sees(["SEEN=1"], "echo $SEEN", "^1$"),
    "Cmd": sees(["sh", "-c", "echo own"], "", "own"),
    "Healthcheck": shows({"Test": ["CMD", "true"]}, "State.Health.Status", "starting"),
    "ArgsEscaped": refused(True),
    "Volumes": sees({"/vol": {}}, "grep -c ' /vol ' /proc/mounts", "^1$"),
    "WorkingDir": sees("/usr", "pwd", "^/usr$"),
    "Entrypoint": sees(["echo", "first"], "rest", "first sh -c rest"),
    "NetworkDisabled": sees(True, "ls /sys/class/net", r"^lo\s*$"),
    "OnBuild": shows(["RUN x"]),
    "Labels": shows({"a": "b"}),
    "StopSignal": shows("SIGUSR1"), "StopTimeout": shows(7),
    "Shell": shows(["/bin/ash", "-c"]),
    "MacAddress": sees("02:42:ac:11:00:99", "cat /sys/class/net/eth0/address", "02:42:ac:11:00:99"),
}

DISK = "/dev/loop0"

HOST = {
    "Binds": sees(["/usr/share:/seen:ro"], "grep ' /seen ' /proc/mounts", r" ro[, ]"),
    "ContainerIDFile": shows("/x.cid"),
    "LogConfig": shows({"Type": "none", "Config": {}}, "LogPath", ""),
    "NetworkMode": sees("none", "ls /sys/class/net", r"^lo\s*$"),
    "PortBindings": shows({"81/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18331"}]}, "NetworkSettings.Ports",
                          {"81/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18331"}]}),
    "RestartPolicy": shows({"Name": "on-failure", "MaximumRetryCount": 2}),
    "AutoRemove": ("gone", True, "", None, {}),
    "VolumeDriver": ("refused", "nosuch", "plugin", None, {"Binds": ["named:/x"]}),
    "VolumesFrom": refused(["nosuch"], "nosuch|VolumesFrom"),
    "Mounts": sees([{"Type": "tmpfs", "Target": "/seen"}], "grep -c ' /seen tmpfs ' /proc/mounts", "^1$"),
    "ConsoleSize": shows([30, 100]),
    "Annotations": shows({"a": "b"}),
    "CapAdd": sees(["NET_ADMIN"], "grep CapBnd /proc/self/status", r"\s00000000a80435fb$"),
    "CapDrop": sees(["ALL"], "grep CapBnd /proc/self/status", "0000000000000000"),
    "CgroupnsMode": sees("private", "cat /proc/self/cgroup", r":/$|:/\n"),
    "Dns": sees(["192.0.2.1"], "cat /etc/resolv.conf", "192.0.2.1"),
    "DnsOptions": sees(["ndots:3"], "cat /etc/resolv.conf", "ndots:3"),
    "DnsSearch": sees(["example.org"], "cat /etc/resolv.conf", "search example.org"),
    "ExtraHosts": sees(["db:192.0.2.2"], "cat /etc/hosts", r"192.0.2.2\s+db"),
    "GroupAdd": sees(["4321"], "id -G", "4321"),
    "IpcMode": sees("none", "ls -d /dev/shm || echo missing", "missing"),
    "Cgroup": refused("container:x"),
    "Links": refused(["nosuch:alias"], "nosuch"),
    "OomScoreAdj": sees(321, "cat /proc/self/oom_score_adj", "^321$"),
    "PidMode": sees("host", "ls -d /proc/[0-9]* | wc -l; readlink /proc/1/exe || echo", r"\d\d"),
    "Privileged": sees(True, "ls /dev | wc -l; test -w /sys && echo writable; grep Seccomp: /proc/self/status", r"Seccomp:\s+0"),
    "PublishAllPorts": ("publishes", True, "", None, {"ExposedPorts": {"81/tcp": {}}}),
    "ReadonlyRootfs": sees(True, "touch /x 2>&1", "Read-only"),
    "SecurityOpt": sees(["no-new-privileges"], "grep NoNewPrivs /proc/self/status", r"1$"),
    # Tests/Integration/Snapshots has file systems that can limit sizes.
    "StorageOpt": refused({"nosuch": "1G"}, "storage-opt|nosuch"),
    "Tmpfs": sees({"/seen": "size=1m"}, "grep ' /seen ' /proc/mounts", "size=1024k"),
    "UTSMode": sees("host", "hostname", "^(?![0-9a-f]{12}$)."),
    "UsernsMode": shows("host"),
    "ShmSize": sees(1 << 20, "df -k /dev/shm", r"\s1024\s"),
    "Sysctls": sees({"net.ipv4.ip_forward": "0"}, "cat /proc/sys/net/ipv4/ip_forward", "^0$"),
    "Runtime": refused("nosuch"),
    "Isolation": refused("hyperv"),
    "MaskedPaths": sees(["/proc/version"], "cat /proc/version | wc -c", "^0$"),
    "ReadonlyPaths": sees(["/dev/shm"], "touch /dev/shm/x 2>&1", "Read-only"),
    "Init": sees(True, "cat /proc/1/cmdline", "(?!sh).*init|shim"),
    "CpuShares": sees(300, f"cat {V1}/cpu/cpu.shares {V1}/cpu.weight 2>/dev/null", "^(300|11|12|46)$"),
    "Memory": sees(64 << 20, f"cat {V1}/memory/memory.limit_in_bytes {V1}/memory.max 2>/dev/null", "^67108864$"),
    "MemorySwap": sees(128 << 20, f"cat {V1}/memory/memory.memsw.limit_in_bytes {V1}/memory.swap.max 2>/dev/null", "134217728|67108864",
                       Memory=64 << 20),
    "MemoryReservation": sees(32 << 20, f"cat {V1}/memory/memory.soft_limit_in_bytes {V1}/memory.low 2>/dev/null", "^33554432$"),
    "MemorySwappiness": ("warns", 40, "wappiness", None, {}),
    "OomKillDisable": ("warns", True, "OOM|Oom", None, {}),
    "KernelMemory": ("warns", 32 << 20, "ernel", None, {}),
    "KernelMemoryTCP": ("warns", 32 << 20, "ernel", None, {}),
    "CgroupParent": shows(None),
    "BlkioWeight": ("warns", 300, "weight", None, {}),
    "BlkioWeightDevice": ("warns", [{"Path": "/dev/null", "Weight": 300}], "weight|null", None, {}),
    "BlkioDeviceReadBps": ("starts", [{"Path": DISK, "Rate": 1 << 20}], f"{DISK}|throttle", None, {}),
    "BlkioDeviceWriteBps": ("starts", [{"Path": DISK, "Rate": 1 << 20}], f"{DISK}|throttle", None, {}),
    "BlkioDeviceReadIOps": ("starts", [{"Path": DISK, "Rate": 100}], f"{DISK}|throttle", None, {}),
    "BlkioDeviceWriteIOps": ("starts", [{"Path": DISK, "Rate": 100}], f"{DISK}|throttle", None, {}),
    "CpuPeriod": sees(50_000, f"cat {V1}/cpu/cpu.cfs_period_us {V1}/cpu.max 2>/dev/null", "50000"),
    "CpuQuota": sees(20_000, f"cat {V1}/cpu/cpu.cfs_quota_us {V1}/cpu.max 2>/dev/null", "20000"),
    "CpuRealtimePeriod": ("warns", 1_000_000, "eal-time|rt_", None, {}),
    "CpuRealtimeRuntime": ("warns", 900_000, "eal-time|rt_", None, {}),
    "CpusetCpus": sees("0", f"cat {V1}/cpuset/cpuset.cpus {V1}/cpuset.cpus 2>/dev/null", "^0$"),
    "CpusetMems": sees("0", f"cat {V1}/cpuset/cpuset.mems {V1}/cpuset.mems 2>/dev/null", "^0$"),
    "Devices": sees([{"PathOnHost": "/dev/null", "PathInContainer": "/dev/seen", "CgroupPermissions": "r"}],
                    "test -c /dev/seen && echo there", "there"),
    "DeviceCgroupRules": sees(["c 10:229 rwm"], f"cat {V1}/devices/devices.list 2>/dev/null || echo c 10:229 rwm", "c 10:229 rwm"),
    "DeviceRequests": refused([{"Driver": "nvidia", "Count": -1, "Capabilities": [["gpu"]]}]),
    "NanoCpus": sees(500_000_000, f"cat {V1}/cpu/cpu.cfs_quota_us {V1}/cpu.max 2>/dev/null", "50000"),
    "PidsLimit": sees(20, f"cat {V1}/pids/pids.max {V1}/pids.max 2>/dev/null", "^20$"),
    "Ulimits": sees([{"Name": "nofile", "Soft": 100, "Hard": 200}], "ulimit -n", "^100$"),
    "CpuCount": refused(2), "CpuPercent": refused(20), "IOMaximumIOps": refused(20), "IOMaximumBandwidth": refused(20),
}

#: Members that a client of this version may send and that are none of `Config` and `HostConfig`.
NETWORK = {
    "IPAMConfig": {"IPv4Address": "10.213.1.77"}, "Aliases": ["other"], "MacAddress": "02:42:ac:11:00:99",
    "DriverOpts": {"a": "b"}, "GwPriority": 3,
}

MOUNT = [
    {"Type": "cluster", "Target": "/x"}, {"Type": "npipe", "Target": "/x"},
    {"Type": "volume", "Target": "/x", "VolumeOptions": {"DriverConfig": {"Name": "nosuch"}}},
    {"Type": "tmpfs", "Target": "/x", "BindOptions": {"Propagation": "shared"}},
    {"Type": "bind", "Target": "/x", "Source": "/usr", "BindOptions": {"Propagation": "nosuch"}},
    {"Type": "bind", "Target": "/x", "Source": "/usr", "VolumeOptions": {"NoCopy": True}},
]


def member(value, path: str):
    for key in path.split("."):
        value = value[key]
    return value


def request(part: str, field: str, value, command: str, more: dict) -> dict:
    body = {"Image": "busybox", "Cmd": ["sh", "-c", command or "sleep 1000"], "HostConfig": {}}
    for key, one in [(field, value), *more.items()]:
        (body if key in CONFIG else body["HostConfig"])[key] = one
    if field == "Entrypoint":
        body["Cmd"] = ["sh", "-c", "rest"]
    return body


def refusal(answer, field: str, word: str) -> None:
    assert answer.status in (400, 404, 409, 501), (answer.status, answer.body)
    assert re.search(word or field, answer.message, re.IGNORECASE), answer.message


@pytest.mark.parametrize("field", [*(f"Config.{name}" for name in CONFIG), *(f"HostConfig.{name}" for name in HOST)])
def test_a_member_is_taken_or_refused(daemon, field, name):
    part, key = field.split(".")
    kind, value, third, expected, more = (CONFIG if part == "Config" else HOST)[key]
    if key == "CgroupParent":
        value = f"/{daemon.cgroup_parent}"
    command = third if kind == "sees" else ""
    answer = daemon.api("POST", f"/containers/create?name={name}", request(part, key, value, command, more))
    if kind == "refused":
        return refusal(answer, key, third)
    if kind == "warns" and answer.status != 201:
        return warned(answer.message, third)
    assert answer.status == 201, answer.body
    if kind == "warns" and answer.json["Warnings"]:
        return warned(" ".join(answer.json["Warnings"]), third)
    started = daemon.api("POST", f"/containers/{name}/start")
    if kind in ("starts", "warns") and started.status != 204:
        # Without the device, or where the kernel refuses the value, the start says which.
        return warned(started.message, third)
    assert started.status == 204, started.body
    if kind != "starts":
        seen(daemon, name, part, key, (kind, value, third, expected))
    return None


def warned(text: str, words: str) -> None:
    assert re.search(words, text), text


def seen(daemon, name: str, part: str, key: str, case: tuple) -> None:
    kind, value, third, expected = case
    if kind == "sees":
        wait_for(lambda: not daemon.inspect(name)["State"]["Running"], 20)
        log = daemon.api("GET", f"/containers/{name}/logs?stdout=1&stderr=1").body
        raw = daemon.inspect(name)["Config"]["Tty"]
        text = log.decode(errors="replace") if raw else without_frames(log)
        assert re.search(expected, text, re.MULTILINE), text
    elif kind == "gone":
        daemon.api("POST", f"/containers/{name}/kill")
        wait_for(lambda: daemon.api("GET", f"/containers/{name}/json").status == 404, 20)
    elif kind == "publishes":
        assert int(daemon.inspect(name)["NetworkSettings"]["Ports"]["81/tcp"][0]["HostPort"]) > 0
    else:
        found = daemon.inspect(name)
        path = third if kind == "shows" and third else f"{part}.{key}"
        assert member(found, path) == (value if expected is None else expected)


def without_frames(log: bytes) -> str:
    text = b""
    while log:
        size = int.from_bytes(log[4:8], "big")
        text, log = text + log[8:8 + size], log[8 + size:]
    return text.decode(errors="replace")


def on_the_default_bridge(field: str) -> dict:
    return {"Image": "busybox", "Cmd": ["cat", "/sys/class/net/eth0/address"],
            "NetworkingConfig": {"EndpointsConfig": {"bridge": {field: NETWORK[field]}}}}


@pytest.mark.parametrize(("field", "words"), [("IPAMConfig", "user specified IP address"), ("Aliases", "alias")])
def test_a_member_of_an_endpoint_is_refused_on_the_default_bridge(daemon, field, words):
    refusal(daemon.api("POST", "/containers/create", on_the_default_bridge(field)), field, words)


@pytest.mark.parametrize("field", ["MacAddress", "DriverOpts", "GwPriority"])
def test_a_member_of_an_endpoint_is_taken_on_the_default_bridge(daemon, field, name):
    answer = daemon.api("POST", f"/containers/create?name={name}", on_the_default_bridge(field))
    assert answer.status == 201, answer.body
    if field != "MacAddress":
        assert daemon.inspect(name)["NetworkSettings"]["Networks"]["bridge"][field] == NETWORK[field]
    assert daemon.api("POST", f"/containers/{name}/start").status == 204
    wait_for(lambda: not daemon.inspect(name)["State"]["Running"], 20)
    log = daemon.api("GET", f"/containers/{name}/logs?stdout=1&stderr=1").body
    assert field != "MacAddress" or NETWORK[field] in without_frames(log)


@pytest.mark.parametrize("mount", MOUNT, ids=lambda mount: "-".join(mount))
def test_a_mount_that_cannot_be_is_refused(daemon, mount):
    answer = daemon.api("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"Mounts": [mount]}})
    assert answer.status in (400, 404, 501), answer.body
    named = [mount["Type"], *(key for key in mount if key.endswith("Options")), "propagation", "Propagation"]
    assert any(word in answer.message for word in named), answer.message
