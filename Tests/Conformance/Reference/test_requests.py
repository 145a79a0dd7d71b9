"""The same requests to Skiff and to Debian's Docker 20.10: status, words, and members of the answers.

Statuses are equal, but for Docker's 500 where the client is to blame (docs/differences.md). Words are equal, but for the
first letter's case and for the requests in `OTHER_WORDS`."""

import json
import re
import time
import urllib.parse

import pytest

from harness import settings
from harness.hijack import Hijacked, demultiplex
from harness.waiting import wait_for

pytestmark = [
    pytest.mark.skipif(not settings.peer("dockerd"), reason="no dockerd; scripts/peers puts Debian's in place"),
]
V = "/v1.41"


def create(body: dict, query: str = "") -> tuple[str, str, dict]:
    return "POST", f"/containers/create{query}", {"Image": "busybox", **body}


def host(**members) -> tuple[str, str, dict]:
    return create({"HostConfig": members})


#: Requests that both engines refuse, without a container.
REFUSED = [
    ("POST", "/containers/create", {}), ("POST", "/containers/create", {"Image": "", "Hostname": "x"}),
    create({}, "?name=a/b"), create({"Image": "UPPER"}), create({"Image": "nosuch"}),
    create({"StopSignal": "FOO"}) if settings.ENGINE == "docker" else create({}, "?name=-"),
    create({"Env": ["=x"]}), create({"WorkingDir": "x"}),
    create({"Healthcheck": {"Interval": 5}}), create({"Healthcheck": {"Retries": -1}}),
    host(Memory=5), host(MemorySwap=50_000_000), host(NanoCpus=1, CpuPeriod=5), host(NanoCpus=900_000_000_000),
    host(CpuPeriod=5), host(CpuQuota=5), host(CpusetCpus="99"), host(CpusetMems="99"), host(OomScoreAdj=5000),
    host(ShmSize=-1), host(CgroupnsMode="foo"), host(Binds=["/a:b"]), host(Binds=["/a:/b:foo"]),
    host(Binds=["/a:/b", "/c:/b"]), host(Binds=["/a:/"]), host(Mounts=[{"Type": "bind", "Target": "/x"}]),
    host(Mounts=[{"Type": "bind", "Source": "/nosuch", "Target": "/x"}]),
    host(Mounts=[{"Type": "tmpfs", "Source": "/nosuch", "Target": "/x"}]), host(Mounts=[{"Type": "foo", "Target": "/x"}]),
    host(Binds=["/a:/b:ro,rw"]), host(Binds=["/a:/b:nocopy"]), host(Binds=["name:/b:rshared"]), host(Binds=["a:/b:shared,slave"]),
    host(Binds=["/a:/b:c:d"]), host(Binds=[":/b"]), host(Binds=["a/b:/c"]), host(Binds=["name::ro"]),
    host(Binds=["/a:/b"], Tmpfs={"/b": ""}), host(Binds=["/a:/b"], Mounts=[{"Type": "tmpfs", "Target": "/b"}]),
    host(VolumesFrom=["nosuch"]), host(VolumesFrom=[""]), host(VolumesFrom=["x:nocopy"]), host(VolumesFrom=["x:rshared"]),
    host(VolumesFrom=["x:bad"]), host(Mounts=[{"Type": "volume", "Target": "/x", "ReadOnly": True}]),
    host(Mounts=[{"Type": "volume", "Source": "a/b", "Target": "/x"}]), host(Mounts=[{"Type": "tmpfs", "Target": "x"}]),
    host(Mounts=[{"Type": "tmpfs", "Target": "/"}]), host(Mounts=[{"Type": "bind", "Source": "x", "Target": "/x"}]),
    host(Mounts=[{"Type": "bind", "Source": "/usr", "Target": "/x", "BindOptions": {"Propagation": "foo"}}]),
    host(Mounts=[{"Type": "bind", "Source": "/usr", "Target": "/x", "VolumeOptions": {}}]),
    host(Mounts=[{"Type": "volume", "Target": "/x", "BindOptions": {}}]), host(Mounts=[{"Type": "tmpfs", "Target": "/x", "BindOptions": {}}]),
    host(Mounts=[{"Type": "volume", "Source": "name", "Target": "/x", "VolumeOptions": {"DriverConfig": {"Name": "nosuch"}}}]),
    host(Binds=["name:/x"], VolumeDriver="nosuch"),
    host(CapAdd=["FOO"]), host(CapDrop=["FOO"]), host(SecurityOpt=["foo"]), host(SecurityOpt=["foo=bar"]),
    host(AutoRemove=True, RestartPolicy={"Name": "always"}), host(LogConfig={"Type": "json-file", "Config": {"foo": "bar"}}),
    host(ExtraHosts=["foo"]), host(Links=["nosuch:a"]), host(NetworkMode="host", Links=["a:b"]),
    host(PortBindings={"foo": [{}]}), host(PortBindings={"80/tcp": [{"HostPort": "foo"}]}),
    host(PortBindings={"80/tcp": [{"HostPort": "99999"}]}),
    ("GET", "/nowhere", None), ("GET", "/containers/nosuch/json", None), ("GET", "/exec/nosuch/json", None),
    ("GET", "/networks/nosuch", None), ("GET", "/images/nosuch/history", None),
    ("GET", "/containers/json?filters={}".format(urllib.parse.quote('{"a":["b"]}')), None),
    ("GET", "/images/json?filters={}".format(urllib.parse.quote('{"a":["b"]}')), None),
    ("GET", "/networks?filters={}".format(urllib.parse.quote('{"a":["b"]}')), None),
    ("GET", "/networks?filters={}".format(urllib.parse.quote('{"type":["foo"]}')), None),
    ("POST", "/images/nosuch/tag?repo=x", None), ("DELETE", "/images/nosuch", None),
    ("DELETE", "/containers/nosuch", None), ("DELETE", "/containers/nosuch/alias?link=1", None),
]

#: Only the status is compared: Docker's words are Go's, its runtime's, or those of an older version.
OTHER_WORDS = [
    r"UPPER", r"CpusetCpus", r"/images/json\?filters=%7B%22dangling", r"foo.*PortBindings", r"AutoRemove",
    r'"Image": ""', r"/containers/create \{\}",
]


def words(message: str) -> str:
    return message[:1].lower() + message[1:]


@pytest.fixture
def pair(reference, daemon):
    yield reference, daemon
    reference.remove_containers()


@pytest.mark.parametrize("request_", REFUSED, ids=lambda one: " ".join(map(str, one[1:]))[:90])
def test_refusals(pair, request_):
    method, path, body = request_
    theirs, ours = (engine.api(method, V + path, body) for engine in pair)
    assert theirs.status >= 400 and (ours.status == theirs.status or (theirs.status == 500 and 400 <= ours.status < 500)), (
        theirs.status, theirs.body, ours.status, ours.body)
    text = f"{path} {json.dumps(body)}"
    if not any(re.search(pattern, text) for pattern in OTHER_WORDS):
        assert words(ours.message) == words(theirs.message)


def test_headers(pair):
    """`Api-Version` is the daemon's own, whatever version a path names."""
    theirs, ours = ([engine.api("GET", path).headers for path in ("/_ping", "/v1.24/_ping", "/v1.30/containers/json")]
                    for engine in pair)
    assert {one["Api-Version"] for one in theirs} == {"1.41"}
    assert {one["Api-Version"] for one in ours} == {"1.51" if settings.ENGINE == "skiff" else "1.41"}
    for key in ("Content-Type", "Ostype", "Docker-Experimental", "Cache-Control", "Pragma"):
        assert [one[key] for one in theirs] == [one[key] for one in ours], key


def members(value) -> set[str]:
    """Names of members, with those below; those of a list are those of all its elements."""
    if isinstance(value, dict):
        return {name for key, one in value.items() for name in {key} | {f"{key}.{below}" for below in members(one)}}
    return {name for one in value for name in members(one)} if isinstance(value, list) else set()


#: Members whose own members are names of things.
OPEN = re.compile(r"(Runtimes|IndexConfigs|Containers|Options)\..*")


@pytest.mark.parametrize("path", ["/info", "/version", "/networks/bridge", "/networks/host", "/networks/none", "/networks",
                                  "/images/json", "/images/busybox/history"])
def test_members_of_answers(pair, path):
    found = []
    for engine in pair:
        engine.cli()("run", "-d", "--name", "one", "busybox", "sleep", "1000")
        names = members(engine.api("GET", V + path).json)
        found.append({name for name in names if not OPEN.match(name)})
    assert found[0] ^ found[1] == set()


#: Wrong for `import --change`, each in a way of its own; the last are right.
CHANGES = [
    "BAD", "RUN x", "run x", "FROM x", "ADD a b", "MAINTAINER x", "ENV", "ENV x", "ENV =x", "ENV a=b c", "EXPOSE", "EXPOSE x",
    "EXPOSE 80/x", "EXPOSE 99999", "VOLUME", "VOLUME []", "USER", "USER a b", "WORKDIR", "WORKDIR --foo", "LABEL", "LABEL x",
    "LABEL =x", "HEALTHCHECK", "HEALTHCHECK x", "HEALTHCHECK CMD", "HEALTHCHECK --interval=x CMD y", "HEALTHCHECK --foo=1 CMD y",
    "ONBUILD", "ONBUILD FROM x", "ONBUILD ONBUILD x", "CMD --foo x", "# x", "RUN x\nCMD y", "CMD y\nBAD", "ENV a=b\nRUN x",
    "CMD", "ENTRYPOINT", "LABEL a b", "# x\nENV a=b \\\n c=d\n\nCMD y",
]


@pytest.mark.parametrize("change", CHANGES)
def test_changes_of_an_import(pair, change):
    path = f"{V}/images/create?fromSrc=-&repo=imported&changes={urllib.parse.quote(change)}"
    found = []
    for engine in pair:
        # The end of an empty archive.
        answer = engine.api("POST", path, bytes(10240), {"Content-Type": "application/x-tar"})
        found.append((answer.status, answer.message if answer.status != 200 else b"error" in answer.body))
        if answer.status == 200:
            config = engine.api("GET", f"{V}/images/imported/json").json["Config"]
            found[-1] += tuple(config[key] for key in ("Cmd", "Entrypoint", "Env", "Labels"))
            assert engine.api("DELETE", f"{V}/images/imported").status == 200
    assert found[0] == found[1]


def test_networks_are_dockers(pair):
    def plain(engine, name: str) -> dict:
        facts = engine.api("GET", f"{V}/networks/{name}").json
        for key in ("Id", "Created", "IPAM"):
            facts.pop(key)
        facts["Options"].pop("com.docker.network.bridge.name", None)
        return facts

    for name in ("bridge", "host", "none"):
        assert plain(pair[0], name) == plain(pair[1], name)


#: What a life looks like on a quiet machine. On a busy one Docker may tell of a `stop` before the `die` that it waited
#: for, or of a `kill` after the end that it brought: its own order is not compared.
LIFE = """create connect start pause unpause kill resize rename top exec_create exec_start exec_die kill die disconnect stop
connect start kill die disconnect stop connect start restart kill die disconnect destroy tag untag""".split()


def test_a_life_in_events(pair):
    """The same actions with the same attributes, and Skiff's in the order in which they happen."""
    seen = []
    for engine in pair:
        since = int(time.time())
        time.sleep(1.1)
        api = engine.api
        one = api("POST", f"{V}/containers/create?name=one", {
            "Image": "busybox", "Cmd": ["sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done"],
            "Labels": {"k": "v"}}).json["Id"]
        starts = 0

        def started() -> None:
            """Without its trap the program would not obey, and be killed later."""
            nonlocal starts
            starts += 1
            wait_for(lambda: api("GET", f"{V}/containers/{one}/logs?stdout=1").body.count(b"up\n") == starts, 20, "the trap")

        api("POST", f"{V}/containers/one/start")
        started()
        for path in ("pause", "unpause", "kill?signal=WINCH", "resize?h=1&w=1", "rename?name=uno", "top"):
            api("GET" if path == "top" else "POST", f"{V}/containers/{'uno' if path == 'top' else 'one'}/{path}")
        run = api("POST", f"{V}/containers/uno/exec", {"Cmd": ["sh", "-c", "exit 5"], "AttachStdout": True}).json["Id"]
        stream = Hijacked(engine, f"{V}/exec/{run}/start", {"Detach": False, "Tty": False})
        stream.frames()
        wait_for(lambda: not api("GET", f"{V}/exec/{run}/json").json["Running"], 20, "the end of the exec")
        api("POST", f"{V}/containers/uno/stop?t=60")
        api("POST", f"{V}/containers/uno/start")
        started()
        api("POST", f"{V}/containers/uno/restart?t=60")
        started()
        api("DELETE", f"{V}/containers/uno?force=1")
        api("POST", f"{V}/images/busybox/tag?repo=other&tag=1")
        api("DELETE", f"{V}/images/other:1")
        time.sleep(1.1)
        lines = api("GET", f"{V}/events?since={since + 1}&until={int(time.time())}").body.splitlines()
        seen.append([plain_event(json.loads(line), one, run) for line in lines])
    assert [event["Action"].split(":")[0] for event in seen[1]] == LIFE
    theirs, ours = (sorted(json.dumps(event, sort_keys=True) for event in events) for events in seen)
    assert theirs == ours


def plain_event(event: dict, container: str, run: str) -> dict:
    assert event.pop("timeNano") // 1_000_000_000 == event.pop("time")
    if event["Type"] in ("network", "image"):
        event["Actor"]["ID"] = ""
        event.pop("id", None)
    return json.loads(json.dumps(event).replace(container, "CONTAINER").replace(run, "EXEC"))


def test_exec_is_told_as_docker_does(pair):
    seen = []
    for engine in pair:
        engine.cli()("run", "-d", "--name", "one", "busybox", "sleep", "1000")
        run = engine.api("POST", f"{V}/containers/one/exec", {
            "Cmd": ["sh", "-c", "echo hi; exit 5"], "AttachStdout": True, "AttachStderr": True, "User": "www-data",
            "Env": ["A=b"], "WorkingDir": "/tmp"}).json["Id"]
        before = engine.api("GET", f"{V}/exec/{run}/json").json
        stream = Hijacked(engine, f"{V}/exec/{run}/start", {"Detach": False, "Tty": False})
        assert (stream.status, stream.frames()) == (101, {"stdout": b"hi\n"})
        after = wait_for(
            lambda: (now := engine.api("GET", f"{V}/exec/{run}/json").json) and not now["Running"] and now, 20)
        assert after.pop("Pid") > 0
        for facts in (before, after):
            facts.pop("ContainerID")
            facts.pop("ID")
            # Docker forgets an exec minutes after its end; what it says of that beforehand is an accident.
            facts.pop("CanRemove")
        seen.append((before, after))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("upgrade", [False, True])
def test_streams_begin_as_dockers(pair, upgrade):
    seen = []
    for engine in pair:
        engine.cli()("run", "-d", "--name", "one", "busybox", "sh", "-c", "echo early; sleep 1000")
        wait_for(lambda: engine.api("GET", f"{V}/containers/one/logs?stdout=1").body, 20)
        stream = Hijacked(engine, f"{V}/containers/one/attach?stream=1&stdout=1&logs=1", upgrade=upgrade)
        keys = ("content-type", "connection", "upgrade")
        seen.append((stream.status, {key: stream.headers.get(key) for key in keys}, stream.frame()))
        stream.close()
    assert seen[0] == seen[1]


LOGS = ["stdout=1", "stderr=1", "stdout=1&stderr=1&tail=1", "stdout=1&tail=0", "stdout=1&tail=all", "stdout=1&tail=-1",
        "stdout=1&tail=x", "stdout=1&details=1", "stdout=1&follow=1", "stdout=1&since=4000000000", "stdout=1&until=5",
        "stdout=1&timestamps=1&tail=1"]


def test_logs_are_dockers(pair):
    seen = []
    for engine in pair:
        engine.api("POST", f"{V}/containers/create?name=two", {
            "Image": "busybox", "Cmd": ["sh", "-c", "printf 'a\\nb\\nc'; echo err >&2"], "Labels": {"k": "v w"},
            "Env": ["E=f&g"], "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"labels": "k,z", "env": "E"}}}})
        engine.api("POST", f"{V}/containers/two/start")
        engine.api("POST", f"{V}/containers/two/wait")
        found = {}
        for query in LOGS:
            streams = demultiplex(engine.api("GET", f"{V}/containers/two/logs?{query}").body)
            found[query] = {
                stream: re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]{15,18}Z", b"TIME", data) for stream, data in streams.items()}
        seen.append(found)
    # Which of the streams has the last line is a race of the program.
    for found in seen:
        found.pop("stdout=1&stderr=1&tail=1")
        found.pop("stdout=1&timestamps=1&tail=1")
    assert seen[0] == seen[1]


def test_columns_of_top_are_ps_own(pair):
    seen = []
    for engine in pair:
        engine.cli()("run", "-d", "--name", "one", "busybox", "sleep", "1000")
        found = []
        for arguments in ("", "aux", "-o pid,user,args", "-eo pid,comm", "-ax", "-o cmd", "-o foo"):
            answer = engine.api("GET", f"{V}/containers/one/top?ps_args={urllib.parse.quote(arguments)}")
            found.append(answer.json.get("Titles") or words(answer.message))
        seen.append(found)
    assert seen[0] == seen[1]
