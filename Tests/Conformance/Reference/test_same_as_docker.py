"""`inspect`, `ps`, `images` and the files in a container as Debian's Docker 20.10 gives them, field by field.

Both engines get the same commands over the same version of the interface. What may differ is listed here and explained
in docs/differences.md; everything else is compared for presence, type and, where it is not an accident of the moment,
value."""

import json
import re
import time
import urllib.parse

import pytest

from harness import settings
from harness.waiting import wait_for

pytestmark = [
    pytest.mark.skipif(not settings.peer("dockerd"), reason="no dockerd; scripts/peers puts Debian's in place"),
]

VERSION = "/v1.41"

#: Paths whose value is an accident: ids, times, addresses, folders.
ACCIDENTS = re.compile(
    r"^(Id|Created|State\.(Pid|StartedAt|FinishedAt)|ResolvConfPath|HostnamePath|HostsPath|LogPath|Name"
    r"|GraphDriver\.Data\..*|Config\.Hostname|NetworkSettings\.(SandboxID|SandboxKey|EndpointID|Gateway|IPAddress"
    r"|IPPrefixLen|MacAddress)|NetworkSettings\.Networks\.(bridge|none|host)\.(NetworkID|EndpointID|Gateway|IPAddress|IPPrefixLen"
    r"|MacAddress)|HostConfig\.CgroupParent)$")

#: Paths that may be absent or differ, each with its reason (see docs/differences.md).
ALLOWED = {
    "AppArmorProfile": "set where the kernel has AppArmor",
    **{f"HostConfig.{field}": "an older docker command sends null where Skiff answers [], and no ReadOnlyNonRecursive"
       for field in ("BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "Mounts",
                     "Ulimits") if not settings.docker_client_is_current()},
    "HostConfig.MaskedPaths": "Docker 20.10 lists fewer than today's default",
    "HostConfig.ReadonlyPaths": "the same",
}

RUNS = {
    "plain": ["busybox", "sleep", "1000"],
    "options": ["-e", "A=1", "-l", "x=y", "-w", "/tmp", "-u", "www-data", "--memory", "64m", "--cpus", "0.5",
                "--pids-limit", "50", "--read-only", "--cap-add", "SYS_PTRACE", "--cap-drop", "CHOWN", "--tmpfs", "/t:size=1m",
                "--ulimit", "nofile=100:200", "--add-host", "db:10.0.0.1", "--dns", "192.0.2.1", "--shm-size", "16m",
                "--stop-signal", "INT", "--stop-timeout", "3", "--oom-score-adj", "100", "--security-opt",
                "no-new-privileges", "--sysctl", "net.ipv4.ip_forward=0", "--hostname", "box", "--init",
                "-v", "/usr/share:/share:ro", "--mount", "type=bind,source=/usr/lib,target=/lib2,readonly",
                "--expose", "81", "-p", "127.0.0.1:18201:80", "busybox", "sleep", "1000"],
    "terminal": ["-it", "--network", "none", "busybox"],
    "host": ["--network", "host", "--pid", "host", "--ipc", "host", "--uts", "host", "busybox", "sleep", "1000"],
    "entrypoint": ["--entrypoint", "sleep", "--rm", "busybox", "1000"],
}


def flat(value, path: str = "") -> dict:
    """`{"a": {"b": [1]}}` → `{"a.b": [1]}`; empty objects stay."""
    if isinstance(value, dict) and value:
        found = {}
        for key, one in value.items():
            found |= flat(one, f"{path}.{key}" if path else key)
        return found
    return {path: value}


def differences(theirs, ours) -> list[str]:
    left, right = flat(theirs), flat(ours)
    for one in (left, right):
        if isinstance(one.get("Mounts"), list):
            # Docker's order differs from call to call, and whether it lists the mounts of --tmpfs does too.
            listed = [mount for mount in one["Mounts"] if mount["Type"] != "tmpfs"]
            one["Mounts"] = sorted(listed, key=lambda mount: mount["Destination"])
    lines = []
    for path in sorted(set(left) | set(right)):
        if path in ALLOWED:
            continue
        if path not in right:
            lines.append(f"{path}: missing; Docker has {left[path]!r}")
        elif path not in left:
            lines.append(f"{path}: Docker has no such field; ours is {right[path]!r}")
        elif ACCIDENTS.match(path):
            if type(left[path]) is not type(right[path]):
                lines.append(f"{path}: Docker has {left[path]!r}, ours is {right[path]!r}")
        elif left[path] != right[path]:
            lines.append(f"{path}: Docker has {left[path]!r}, ours is {right[path]!r}")
    return lines


@pytest.fixture
def pair(reference, daemon):
    return reference, daemon


@pytest.fixture(autouse=True)
def clean(pair):
    yield
    for engine in pair:
        engine.remove_containers()


@pytest.mark.parametrize("case", RUNS)
def test_inspect_of_a_running_container(pair, case):
    seen = []
    for engine in pair:
        engine.cli()("run", "-d", "--name", "compared", *RUNS[case])
        seen.append(engine.api("GET", f"{VERSION}/containers/compared/json").json)
    assert differences(*seen) == []


#: Mounts of every kind that 20.10 knows, those of another container among them.
MOUNTS = ["-v", "compared:/named", "-v", "compared:/again:ro", "-v", "/usr/share:/share:ro,rslave", "-v", "/usr:/usr2:z", "-v", "/anonymous",
          "--mount", "type=volume,source=compared,target=/third,readonly,volume-nocopy",
          "--mount", "type=bind,source=/usr/lib,target=/lib2,bind-propagation=rprivate,readonly", "--mount", "type=volume,target=/fourth"]


def test_mounts_of_inspections(pair):
    seen = []
    for engine in pair:
        cli = engine.cli()
        try:
            cli("create", "--name", "compared", *MOUNTS, "--mount", "type=tmpfs,target=/t,tmpfs-size=1m", "busybox")
            # 20.10 looks for a volume where the other container has a tmpfs.
            cli("create", "--name", "donor", *MOUNTS, "busybox")
            cli("create", "--name", "heir", "--volumes-from", "donor:ro", "-v", "/usr/bin:/share", "busybox")
            for name in ("compared", "heir"):
                facts = engine.api("GET", f"{VERSION}/containers/{name}/json").json
                for mount in facts["Mounts"]:
                    # An anonymous volume's name, and where the data root is.
                    mount["Name"] = re.sub(r"^[0-9a-f]{64}$", "anonymous", mount.get("Name", ""))
                    mount["Source"] = re.sub(r".*/volumes/[^/]*/_data$", "volume", mount["Source"])
                kept = {key: facts["HostConfig"][key] for key in ("Binds", "VolumesFrom", "Tmpfs", "VolumeDriver", "Mounts") if key in facts["HostConfig"]}
                # The command sends them in whatever order its map has.
                kept["Binds"] = sorted(kept["Binds"] or [])
                for mount in kept.get("Mounts", []):
                    mount.get("BindOptions", {}).pop("ReadOnlyNonRecursive", None)
                listed = sorted(facts["Mounts"], key=lambda mount: mount["Destination"])
                seen += [(name, mount) for mount in [*listed, kept]]
        finally:
            engine.remove_containers()
            engine.api("DELETE", "/volumes/compared?force=1")
    half = len(seen) // 2
    for theirs, ours in zip(seen[:half], seen[half:], strict=True):
        assert ours == theirs


def test_inspect_of_created_ended_and_paused_containers(pair):
    seen = [[], []]
    for box, engine in zip(seen, pair):
        cli = engine.cli()
        cli("create", "--name", "created", "busybox", "true")
        cli("run", "--name", "ended", "busybox", "sh", "-c", "exit 3", status=3)
        cli("run", "--name", "missing", "busybox", "nosuchprogram", status=127)
        cli("run", "-d", "--name", "paused", "busybox", "sleep", "1000")
        cli("pause", "paused")
        for name in ("created", "ended", "missing", "paused"):
            box.append(engine.api("GET", f"{VERSION}/containers/{name}/json").json)
        cli("unpause", "paused")
    for theirs, ours in zip(*seen):
        assert [line for line in differences(theirs, ours) if not line.startswith("State.Error: ")] == []
        assert bool(theirs["State"]["Error"]) == bool(ours["State"]["Error"])


def test_list_of_containers(pair):
    seen = []
    for engine in pair:
        cli = engine.cli()
        cli("run", "-d", "--name", "listed", "-l", "a=b", "-p", "18202:80", "-v", "/usr/share:/share", "busybox", "sleep", "9999")
        one = engine.api("GET", f"{VERSION}/containers/json").json[0]
        one["Ports"].sort(key=json.dumps)
        one["Status"] = re.sub(r"\d+|About a|Less than a", "N", one["Status"])
        seen.append(one)
    accidents = ("Id", "Created", "NetworkSettings.Networks.bridge.", "Status")
    lines = [line for line in differences(*seen) if not line.startswith(accidents)]
    assert lines == []


def test_image_fields(pair):
    seen = [engine.api("GET", f"{VERSION}/images/busybox/json").json for engine in pair]
    lines = [line for line in differences(*seen)
             if not line.startswith(("Size", "VirtualSize", "Metadata.", "GraphDriver", "RepoDigests"))]
    assert lines == []


def test_columns_of_the_client(pair):
    outputs = []
    for engine in pair:
        cli = engine.cli()
        cli("run", "-d", "--name", "listed", "-p", "127.0.0.1:18203:80", "busybox", "sleep", "9999")
        wait_for(lambda: cli.out("ps", "-q"), 5)
        text = cli.out("ps", "--format", "{{.Image}}|{{.Command}}|{{.Ports}}|{{.Names}}|{{.LocalVolumes}}|{{.Networks}}|{{.State}}")
        outputs.append(text)
    assert outputs[0] == outputs[1]


FILES = {
    "mounts": "awk '{print $2, $3}' /proc/mounts | sort",
    "masked": "ls -ld /proc/kcore /proc/keys /proc/timer_list /proc/scsi /sys/firmware 2>/dev/null | awk '{print $1, $NF}'",
    "devices": "ls -l /dev | awk '{print $1, $3, $4, $NF}'",
    "limits": "ulimit -a",
    "status": "grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Umask)' /proc/self/status",
    "environment": "env | grep -v HOSTNAME | sort",
    "hosts": "sed 's/[0-9a-f]\\{12\\}/ID/; s/172[0-9.]*/IP/; s/10\\.213[0-9.]*/IP/' /etc/hosts",
    "links": "ls -l /etc/mtab /dev/fd /dev/stdin 2>&1 | awk '{print $1, $(NF-2), $NF}'",
    "sysctl": "cd /proc/sys/net/ipv4; cat ip_unprivileged_port_start ping_group_range ip_forward",
    "folders": "stat -c '%a %u:%g %n' / /tmp /proc /sys /dev /dev/shm /dev/pts /dev/mqueue /etc/hosts /etc/hostname /etc/resolv.conf",
}


@pytest.mark.parametrize("what", FILES)
def test_what_a_program_sees(pair, what):
    theirs, ours = (engine.cli().out("run", "--rm", "busybox", "sh", "-c", FILES[what], status=None) for engine in pair)
    assert ours == theirs


#: Filters of `events`; several of a key are alternatives, several keys have to match all.
EVENT_FILTERS = [
    {}, {"type": ["container"]}, {"type": ["image"]}, {"type": ["network"]}, {"type": ["volume"]}, {"type": ["bogus"]},
    {"event": ["die"]}, {"event": ["create", "destroy"]}, {"event": ["exec_create"]}, {"event": ["exec_start"]},
    {"container": ["ev-one"]}, {"container": ["nope"]}, {"image": ["busybox"]}, {"image": ["busybox:latest"]},
    {"image": ["ev-image"]}, {"image": ["ev-image:1"]}, {"label": ["tier"]}, {"label": ["tier=front"]},
    {"label": ["tier=back"]}, {"label": ["tier=front", "x"]}, {"scope": ["local"]}, {"scope": ["swarm"]},
    {"type": ["container"], "event": ["die"], "container": ["ev-one"]},
]


def test_filters_of_events(pair):
    """The same life in both engines; what each filter leaves of it."""
    found = []
    for engine in pair:
        cli, since = engine.cli("docker"), time.time()
        cli("run", "--name", "ev-one", "--label", "tier=front", "--label", "x", "busybox", "sh", "-c", "exit 3", status=3)
        cli("create", "--name", "ev-two", "busybox", "true")
        cli("tag", "busybox", "ev-image:1")
        cli("rename", "ev-two", "ev-renamed")
        cli("rm", "ev-renamed")
        cli("rmi", "ev-image:1")
        cli("run", "-d", "--name", "ev-three", "busybox", "sleep", "1000")
        cli("exec", "ev-three", "true")
        cli("kill", "ev-three")
        cli("wait", "ev-three")
        wait_for(lambda: _is_over(_events(engine, since, {})), 20, "the last event")
        found.append([_told(_events(engine, since, filters)) for filters in EVENT_FILTERS])
    for filters, theirs, ours in zip(EVENT_FILTERS, *found):
        assert theirs == ours, filters


def _events(engine, since: float, filters: dict) -> list[dict]:
    times = f"since={since:.6f}&until={time.time():.6f}"
    answer = engine.api("GET", f"{VERSION}/events?{times}&filters={urllib.parse.quote(json.dumps(filters))}")
    assert answer.status == 200, answer.body
    return [json.loads(line) for line in answer.body.splitlines()]


def _is_over(history: list[dict]) -> bool:
    """Whether the end of the last container and of its connection are in it."""
    kinds = [(one["Type"], one["Action"]) for one in history]
    died = any(one["Action"] == "die" and one["Actor"]["Attributes"]["name"] == "ev-three" for one in history)
    return died and kinds.count(("network", "disconnect")) == 2


def _told(events: list[dict]) -> list[tuple[str, str, str]]:
    """Without order: a network's events come when they come. Images are named by their ids, which differ."""
    return sorted(
        (one["Type"], one["Action"], one["Actor"]["Attributes"].get("name", "").split(":")[0]) for one in events)
