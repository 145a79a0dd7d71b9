"""Requests that no client makes: members of every type and size where others belong, in every route with a body or a query.

What is thrown is random, but the same each time. The daemon lives on, and every refusal is one that a client can read."""

import copy
import json
import os
import random
import socket
import urllib.parse

import pytest

from harness import settings
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only
V = "/v1.51"

NUMBERS = [0, -1, 1, 5, 2**31, -2**31, 2**32, 2**53 + 1, 2**63 - 1, -2**63, 2**63, 2**64, -2**64, 1e308, -1e308, 1.5, 10**40]
#: No absolute path leads to a place where a folder could be made.
TEXTS = [
    "", " ", "x", "\0", "a\0b", "a\nb", "\n127.0.0.1 evil", "a\rb", "\x1b[2J", "\ud7ff\U0001f600", "/dev/null/x", "../../x", ".", "..", "-",
    "/", "a:b:c:d", ":", "=", "=x", "a=b\nc=d", "%00", "%s%n", "0-9223372036854775807", "0-99999999", "1-0", "1-65535:1-65535",
    "9" * 40, "-9" * 9, "1e9", "0x10", "NaN", "1.7976931348623157e308", "x" * 5000, "[::1]:0", "255.255.255.256", "::/0", "0.0.0.0/0",
    "2999-01-01T00:00:00Z", "9223372036854775807.999999999", "-9223372036854775808", "true", "null", "{}", "container:", "host", "none",
]
OTHERS = [None, True, False, [], {}, [None], {"": None}, [[]], [{}], {"x": {}}, [""] * 300, {str(n): n for n in range(300)}]

HEALTH = {"Test": ["CMD", "true"], "Interval": 10**9, "Timeout": 10**9, "Retries": 3, "StartPeriod": 10**9, "StartInterval": 10**9}
HOST = {
    "Memory": 64 << 20, "MemorySwap": 128 << 20, "MemoryReservation": 32 << 20, "MemorySwappiness": 10, "NanoCpus": 10**9, "CpuShares": 100,
    "CpuPeriod": 0, "CpuQuota": 0, "CpusetCpus": "0", "CpusetMems": "0", "PidsLimit": 100, "BlkioWeight": 0, "OomKillDisable": False,
    "BlkioDeviceReadBps": [{"Path": "/dev/null", "Rate": 10**6}], "ShmSize": 1 << 20, "OomScoreAdj": 100, "Init": False, "Privileged": False,
    "CapAdd": ["NET_ADMIN"], "CapDrop": ["CHOWN"], "Dns": ["10.0.0.1"], "DnsOptions": ["ndots:1"], "DnsSearch": ["example.org"],
    "ExtraHosts": ["a:10.0.0.1"], "GroupAdd": ["0"], "IpcMode": "private", "PidMode": "", "UTSMode": "", "CgroupnsMode": "private",
    "NetworkMode": "none", "Links": [], "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "0"}]}, "PublishAllPorts": False,
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "AutoRemove": False, "ReadonlyRootfs": True, "SecurityOpt": ["no-new-privileges"],
    "Sysctls": {"net.ipv4.ip_forward": "0"}, "Tmpfs": {"/t": "size=1m"}, "Ulimits": [{"Name": "nofile", "Soft": 100, "Hard": 100}],
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}}, "Devices": [], "DeviceCgroupRules": ["c 1:3 rwm"],
    "Mounts": [{"Type": "tmpfs", "Target": "/m", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o1777}}], "ConsoleSize": [24, 80],
    "StorageOpt": {}, "MaskedPaths": ["/proc/kcore"], "ReadonlyPaths": ["/proc/sys"], "Annotations": {"a": "b"}, "Runtime": "runc",
}
CREATE = {
    "Image": "busybox", "Cmd": ["true"], "Entrypoint": None, "Env": ["A=b"], "User": "0:0", "WorkingDir": "/tmp", "Hostname": "h", "Domainname": "d",
    "Tty": False, "OpenStdin": False, "StdinOnce": False, "AttachStdin": False, "AttachStdout": True, "AttachStderr": True, "Labels": {"k": "v"},
    "ExposedPorts": {"80/tcp": {}}, "Volumes": {}, "StopSignal": "TERM", "StopTimeout": 0, "Healthcheck": HEALTH, "MacAddress": "",
    "NetworkDisabled": False, "HostConfig": HOST, "NetworkingConfig": {"EndpointsConfig": {"none": {"Aliases": [], "IPAMConfig": {}}}},
}
UPDATE = {key: HOST[key] for key in (
    "Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuShares", "CpuPeriod", "CpuQuota", "CpusetCpus", "CpusetMems", "PidsLimit",
    "BlkioWeight", "RestartPolicy", "Ulimits")}
EXEC = {"Cmd": ["true"], "Env": ["A=b"], "User": "0", "WorkingDir": "/", "Tty": False, "AttachStdout": True, "Privileged": False,
        "DetachKeys": "ctrl-p", "ConsoleSize": [1, 1]}

#: Method, path, parameters of the query, body. What waits for a container or never ends is left out or has an end.
ROUTES = [
    ("POST", "/containers/create", ["name", "platform"], CREATE), ("POST", "/containers/{id}/update", [], UPDATE),
    ("POST", "/containers/{id}/exec", [], EXEC), ("POST", "/exec/{exec}/start", [], {"Detach": True, "Tty": False, "ConsoleSize": [1, 1]}),
    ("POST", "/exec/{exec}/resize", ["h", "w"], None), ("GET", "/exec/{exec}/json", [], None),
    ("GET", "/containers/json", ["all", "limit", "size", "filters"], None), ("GET", "/containers/{id}/json", ["size"], None),
    ("GET", "/containers/{id}/logs", ["stdout", "stderr", "tail", "since", "until", "timestamps", "details"], None),
    ("GET", "/containers/{id}/top", ["ps_args"], None), ("GET", "/containers/{id}/stats?stream=0&one-shot=1", ["x"], None),
    ("POST", "/containers/{id}/start", ["detachKeys"], None), ("POST", "/containers/{other}/stop", ["t", "signal"], None),
    ("POST", "/containers/{other}/restart", ["t", "signal"], None), ("POST", "/containers/{id}/kill?signal={text}", [], None),
    ("POST", "/containers/{id}/resize", ["h", "w"], None), ("POST", "/containers/{id}/rename", ["name"], None),
    ("POST", "/containers/{other}/wait", ["condition"], None), ("POST", "/containers/prune", ["filters"], None),
    ("POST", "/containers/{other}/attach", ["logs", "stdout", "detachKeys"], None), ("DELETE", "/containers/{text}", ["v", "link"], None),
    ("GET", "/images/json", ["all", "filters", "digests", "shared-size", "manifests"], None), ("GET", "/images/{text}/json", ["manifests"], None),
    ("GET", "/images/busybox/history", ["platform"], None), ("POST", "/images/{text}/tag", ["repo", "tag"], None),
    ("POST", "/images/busybox/tag", ["repo", "tag"], None), ("DELETE", "/images/{text}", ["force", "noprune", "platforms"], None),
    ("POST", "/images/create?fromSrc=-", ["repo", "tag", "message", "changes", "platform"], None), ("POST", "/images/prune", ["filters"], None),
    ("GET", "/images/get", ["names", "platform"], None), ("GET", "/images/{text}/get", ["platform"], None),
    ("POST", "/images/load", ["quiet", "platform"], None), ("GET", "/networks", ["filters"], None), ("GET", "/networks/{text}", ["verbose", "scope"], None),
    ("GET", "/events?until=1", ["since", "filters"], None), ("GET", "/system/df", ["type"], None), ("GET", "/containers/{text}/json", ["size"], None),
    ("POST", "/auth", [], {"username": "a", "password": "b", "serveraddress": "127.0.0.1:1"}),
]
FILTERS = ["label", "name", "id", "status", "ancestor", "exited", "health", "publish", "expose", "before", "since", "until", "dangling",
           "reference", "type", "event", "container", "driver", "scope", "network", "volume", "is-task", "label!"]


class Hostile:
    """What is thrown; the same for the same seed."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def value(self):
        return copy.deepcopy(self.random.choice(self.random.choice([NUMBERS, TEXTS, OTHERS])))

    def text(self) -> str:
        return str(self.random.choice(self.random.choice([NUMBERS, TEXTS])))

    def changed(self, template):
        """The body with one to three values, at any depth, replaced."""
        body = copy.deepcopy(template)
        for _ in range(self.random.randint(1, 3)):
            at, key = body, None
            while True:
                keys = list(at) if isinstance(at, dict) else range(len(at)) if isinstance(at, list) else []
                key = self.random.choice(list(keys)) if keys else None
                if key is None or not isinstance(at[key], (dict, list)) or not at[key] or self.random.random() < 0.15:
                    break
                at = at[key]
            # The program stays what it is: it ends at once.
            if key is None or at is body and key in ("Image", "Cmd", "Entrypoint"):
                continue
            if isinstance(at, dict) and self.random.random() < 0.1:
                at[self.text()] = self.value()
            else:
                at[key] = self.value()
        return body

    def filters(self) -> str:
        pairs = {self.random.choice(FILTERS): self.random.choice([[self.text()], {self.text(): True}, self.value()])
                 for _ in range(self.random.randint(1, 2))}
        return self.random.choice([json.dumps(pairs), self.text()])

    def query(self, names: list[str]) -> str:
        chosen = [name for name in names if self.random.random() < 0.7]
        return urllib.parse.urlencode([(name, self.filters() if name == "filters" else self.text()) for name in chosen],
                                      errors="replace")

    def bytes(self, body) -> bytes:
        data = json.dumps(body).encode()
        kind = self.random.random()
        if kind < 0.04:
            return data[:self.random.randrange(len(data))]
        if kind < 0.06:
            return b"[" * 100_000
        if kind < 0.08:
            return data.replace(b'"', b'"\xff\xfe', 1)
        return data


def containers(daemon) -> set[str]:
    return {one["Id"] for one in daemon.api("GET", f"{V}/containers/json?all=1").json}


@pytest.mark.parametrize("seed", range(settings.short_or_long(4, 60)))
def test_random_requests_are_answered(new_daemon, seed):
    # Of its own: what others need would be pruned.
    daemon = new_daemon()
    hostile = Hostile(seed)
    running = daemon.api("POST", f"{V}/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"]}).json["Id"]
    stopped = daemon.api("POST", f"{V}/containers/create", {"Image": "busybox", "Cmd": ["true"]}).json["Id"]
    assert daemon.api("POST", f"{V}/containers/{running}/start").status == 204
    run = daemon.api("POST", f"{V}/containers/{running}/exec", {"Cmd": ["true"]}).json["Id"]
    for _ in range(150):
        method, path, names, template = hostile.random.choice(ROUTES)
        path = path.format(id=running, other=stopped, exec=run, text=urllib.parse.quote(hostile.text(), safe=""))
        query = hostile.query(names)
        target = V + path + ("&" if "?" in path else "?") * bool(query) + query
        body = hostile.bytes(hostile.changed(template)) if template else b"" if "fromSrc" in path else None
        case = f"seed {seed}: {method} {target} {body!r:.3000}"
        try:
            answer = daemon.api(method, target, body, {"Content-Type": "application/json"})
        except (OSError, ValueError) as error:
            raise AssertionError(f"{case}: {error!r}") from error
        assert daemon.process.poll() is None, f"the daemon ended: {case}"
        assert 101 <= answer.status < 600, case
        if answer.status >= 400:
            assert isinstance(answer.message, str) and answer.message, case
        if path == "/containers/create" and answer.status == 201:
            made = answer.json["Id"]
            # What was taken is whole: it can be shown, started or refused by the runtime, and removed.
            assert daemon.api("GET", f"{V}/containers/{made}/json").status == 200, case
            started = daemon.api("POST", f"{V}/containers/{made}/start")
            assert started.status == 204 or started.message, case
            # One of --rm goes by itself.
            assert daemon.api("DELETE", f"{V}/containers/{made}?force=1&v=1").status in (204, 404, 409), case
        assert running in containers(daemon), case
    assert daemon.api("GET", "/_ping").status == 200


OBEDIENT = ["sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done"]
LARGEST = [2**63 - 1, 2**63 // 1000 + 1, 2**53, 2**32]


def obedient(daemon, **members) -> str:
    """A running container that ends on SIGTERM."""
    made = daemon.api("POST", f"{V}/containers/create", {"Image": "busybox", "Cmd": OBEDIENT, **members})
    assert made.status == 201, made.body
    one = made.json["Id"]
    assert daemon.api("POST", f"{V}/containers/{one}/start").status == 204
    wait_for(lambda: b"up" in daemon.api("GET", f"{V}/containers/{one}/logs?stdout=1").body, 20)
    return one


@pytest.mark.parametrize("number", LARGEST)
def test_the_longest_times(daemon, number):
    """Times that overflow when they are added to or multiplied."""
    probe = {"Test": ["CMD", "true"], "Interval": number, "Timeout": number, "StartPeriod": number, "Retries": 3}
    one = obedient(daemon, StopTimeout=number, Healthcheck=probe if number % 1000 == 0 else {**probe, "StartInterval": number},
                   HostConfig={"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": number}})
    assert daemon.api("POST", f"{V}/containers/{one}/stop").status == 204
    for query in (f"restart?t={number}", f"restart?t=-{number}", f"stop?t={number}"):
        other = obedient(daemon)
        assert daemon.api("POST", f"{V}/containers/{other}/{query}").status == 204
    for query in (f"logs?stdout=1&since={number}", f"logs?stdout=1&until={number}", f"logs?stdout=1&tail={number}",
                  f"logs?stdout=1&since=-{number}.5"):
        assert daemon.api("GET", f"{V}/containers/{one}/{query}").status in (200, 400)
    assert daemon.api("GET", "/_ping").status == 200


@pytest.mark.parametrize("members", [
    {"Env": ["A=a\0b"]}, {"Cmd": ["a\0b"]}, {"Hostname": "a\nb"}, {"HostConfig": {"Binds": ["/etc\0/x:/y"]}},
    {"HostConfig": {"ExtraHosts": ["a:10.0.0.1\n10.0.0.2 evil"]}}, {"HostConfig": {"Dns": ["10.0.0.1\noptions x"]}},
    {"HostConfig": {"DnsSearch": ["a\nb"]}}, {"HostConfig": {"DnsOptions": ["a\nb"]}}, {"Domainname": "a\nb"}], ids=str)
def test_texts_that_would_not_stay_what_they_are(daemon, members):
    answer = daemon.api("POST", f"{V}/containers/create", {"Image": "busybox", "Cmd": ["true"], **members})
    assert answer.status == 400 and answer.message


def descriptors(daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def leave(daemon, request: bytes, sent: int, reads: bool) -> None:
    """A client that sends so many bytes of a request, perhaps waits for the first of the answer, and goes away."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20 * settings.PATIENCE)
        client.connect(str(daemon.socket))
        client.sendall(request[:sent])
        if reads and sent == len(request):
            client.recv(64)


def test_clients_that_leave_at_any_moment_leave_nothing_open(daemon):
    """Descriptors, and whatever waits for such a client."""
    chance = random.Random(7)
    one = daemon.api("POST", f"{V}/containers/create", {
        "Image": "busybox", "Cmd": ["sh", "-c", "while :; do echo line; sleep 0.1; done"], "OpenStdin": True}).json["Id"]
    assert daemon.api("POST", f"{V}/containers/{one}/start").status == 204

    def request(method: str, path: str, body: bytes = b"", more: str = "") -> bytes:
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if method == "POST" else ""
        return f"{method} {V}{path} HTTP/1.1\r\nHost: x\r\n{length}{more}\r\n".encode() + body

    upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n"

    def requests() -> list[bytes]:
        run = daemon.api("POST", f"{V}/containers/{one}/exec", {"Cmd": ["cat"], "AttachStdout": True, "AttachStdin": True})
        return [
            request("POST", f"/exec/{run.json['Id']}/start", b'{"Detach": false, "Tty": false}', upgrade),
            request("POST", f"/containers/{one}/attach?stream=1&stdin=1&stdout=1&logs=1", more=upgrade),
            request("POST", f"/containers/{one}/attach?stream=1&stdout=1"),
            request("GET", f"/containers/{one}/logs?follow=1&stdout=1"), request("POST", f"/containers/{one}/wait"),
            request("GET", "/events"), request("GET", f"/containers/{one}/stats"), request("GET", "/containers/json?size=1"),
            request("GET", "/images/busybox/get"), request("POST", "/images/load", bytes(4000)),
            request("POST", "/containers/create", json.dumps(CREATE).encode()),
        ]

    def round_(reads_always: bool) -> None:
        for text in requests():
            whole = reads_always or chance.random() < 0.5
            # Whoever waits for the end of a container has no answer to wait for.
            waits = (reads_always or chance.random() < 0.5) and b"/wait" not in text and b"/events" not in text
            leave(daemon, text, len(text) if whole else chance.randrange(1, len(text)), waits)

    round_(True)
    before = descriptors(daemon)
    rounds = settings.short_or_long(12, 200)
    for _ in range(rounds):
        round_(False)
    # A descriptor a round would be more; threads and the database may have opened a few for good.
    wait_for(lambda: descriptors(daemon) < before + rounds, 60, "the end of the descriptors")
    assert daemon.api("GET", f"{V}/containers/{one}/json").json["State"]["Running"]
