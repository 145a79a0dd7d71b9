"""The container endpoints, request by request."""

import json
import time
import urllib.parse

import pytest

from harness import settings
from harness.hijack import Hijacked, demultiplex
from harness.waiting import wait_for


#: Docker 20.10 answers 500 to some requests that are the client's fault.
BAD = (400,) if settings.ENGINE == "skiff" else (400, 500)


def create(daemon, *command: str, name: str | None = None, **fields) -> str:
    answer = daemon.api("POST", "/containers/create" + (f"?name={name}" if name else ""),
                        {"Image": "busybox", "Cmd": list(command) or None, **fields})
    assert answer.status == 201, answer.body
    return answer.json["Id"]


def start(daemon, *command: str, **fields) -> str:
    identifier = create(daemon, *command, **fields)
    assert daemon.api("POST", f"/containers/{identifier}/start").status == 204
    return identifier


def test_create_answers_201_with_id_and_warnings(daemon):
    answer = daemon.api("POST", "/containers/create?name=first", {"Image": "busybox"})
    assert answer.status == 201 and len(answer.json["Id"]) == 64 and answer.json["Warnings"] in ([], None)
    assert daemon.inspect("first")["Config"]["Cmd"] == ["sh"]


def test_create_refuses(daemon):
    def status(query: str, body) -> tuple[int, str]:
        answer = daemon.api("POST", f"/containers/create{query}", body)
        return answer.status, answer.message

    assert status("", {"Image": "nosuch"}) == (404, "No such image: nosuch:latest")
    assert status("?name=-bad", {"Image": "busybox"})[0] == 400
    create(daemon, name="taken")
    code, message = status("?name=taken", {"Image": "busybox"})
    assert code == 409 and message.startswith('Conflict. The container name "/taken" is already in use by container')
    assert status("", {"Image": "busybox", "HostConfig": {"Memory": 1000}})[0] in BAD
    assert status("", {"Image": "busybox", "HostConfig": {"Binds": ["relative:/x:ro:rw:no"]}})[0] in BAD


def test_create_without_an_image(daemon):
    answer = daemon.api("POST", "/containers/create", {})
    assert answer.status == 400


def test_start_stop_and_their_304(daemon):
    identifier = create(daemon, "sleep", "1000")
    assert daemon.api("POST", f"/containers/{identifier}/start").status == 204
    assert daemon.api("POST", f"/containers/{identifier}/start").status == 304
    assert daemon.api("POST", f"/containers/{identifier}/stop?t=0").status == 204
    assert daemon.api("POST", f"/containers/{identifier}/stop").status == 304
    assert daemon.api("POST", f"/containers/{identifier}/restart?t=0").status == 204
    assert daemon.inspect(identifier)["State"]["Running"]


def test_kill_pause_rename_and_their_conflicts(daemon):
    identifier = create(daemon, "sleep", "1000", name="one")
    assert daemon.api("POST", f"/containers/{identifier}/kill").status == 409
    assert daemon.api("POST", f"/containers/{identifier}/pause").status == 409
    daemon.api("POST", f"/containers/{identifier}/start")
    assert daemon.api("POST", f"/containers/{identifier}/kill?signal=NOSUCH").status == 400
    assert daemon.api("POST", f"/containers/{identifier}/kill?signal=SIGWINCH").status == 204
    assert daemon.api("POST", f"/containers/{identifier}/kill?signal=28").status == 204
    assert daemon.api("POST", f"/containers/{identifier}/pause").status == 204
    assert daemon.api("POST", f"/containers/{identifier}/pause").status == 409
    assert daemon.api("POST", f"/containers/{identifier}/unpause").status == 204
    assert daemon.api("POST", f"/containers/{identifier}/unpause").status in (409, 500)
    assert daemon.api("POST", f"/containers/{identifier}/rename?name=two").status == 204
    assert daemon.inspect("two")["Id"] == identifier
    assert daemon.api("POST", f"/containers/{identifier}/rename?name=").status in (400, 500)


def test_unknown_containers_are_404_everywhere(daemon):
    for method, path in (("POST", "start"), ("POST", "stop"), ("POST", "restart"), ("POST", "kill"), ("POST", "wait"),
                         ("POST", "rename?name=new"), ("POST", "pause"), ("POST", "unpause"), ("GET", "top"),
                         ("GET", "logs?stdout=1"), ("POST", "resize?h=1&w=1"), ("GET", "json"), ("POST", "exec")):
        body = {"Cmd": ["true"]} if path == "exec" else None
        answer = daemon.api(method, f"/containers/nobody/{path}", body)
        assert answer.status == 404 and answer.message.endswith("No such container: nobody"), (path, answer.status, answer.body)
    assert daemon.api("DELETE", "/containers/nobody").status == 404
    assert daemon.api("POST", "/containers/nobody/attach?stream=1&stdout=1").status == 404


def test_ids_can_be_shortened_when_they_stay_unique(daemon):
    identifier = create(daemon)
    for length in (64, 12, 8):
        assert daemon.inspect(identifier[:length])["Id"] == identifier


def test_delete(daemon):
    identifier = start(daemon, "sleep", "1000")
    answer = daemon.api("DELETE", f"/containers/{identifier}")
    assert answer.status == 409 and "running" in answer.message
    assert daemon.api("DELETE", f"/containers/{identifier}?force=1&v=1").status == 204
    assert daemon.api("DELETE", f"/containers/{identifier}").status == 404


def test_the_three_conditions_of_wait(daemon):
    identifier = create(daemon, "sh", "-c", "exit 5")
    assert daemon.api("POST", f"/containers/{identifier}/wait?condition=not-running").json["StatusCode"] == 0
    # The head of the answer comes when the engine waits, the rest when it has happened.
    next_exit, removed = (
        daemon.stream(f"/containers/{identifier}/wait?condition={condition}", method="POST")
        for condition in ("next-exit", "removed"))
    assert (next_exit.status, removed.status) == (200, 200)
    daemon.api("POST", f"/containers/{identifier}/start")
    assert daemon.api("POST", f"/containers/{identifier}/wait").json["StatusCode"] == 5
    assert json.loads(next_exit.read())["StatusCode"] == 5
    daemon.api("DELETE", f"/containers/{identifier}")
    assert json.loads(removed.read())["StatusCode"] == 5
    if settings.ENGINE == "skiff":  # Docker 20.10 takes it for not-running.
        assert daemon.api("POST", f"/containers/{create(daemon)}/wait?condition=never").status == 400


def test_list_filters(daemon):
    one = start(daemon, "sleep", "1000", name="one", Labels={"kind": "a"})
    two = create(daemon, "true", name="two", Labels={"kind": "b"})

    def ids(filters: dict, more: str = "all=1") -> set[str]:
        return {found["Id"] for found in daemon.api("GET", f"/containers/json?{more}&filters={quoted(filters)}").json}

    assert ids({}) == {one, two} and ids({}, "all=0") == {one} and ids({}, "limit=1") == {two}
    assert ids({"status": ["created"]}) == {two} and ids({"status": {"running": True}}) == {one}
    assert ids({"name": ["on"]}) == {one} and ids({"name": ["^/two$"]}) == {two}
    assert ids({"label": ["kind"]}) == {one, two} and ids({"label": ["kind=b"]}) == {two}
    assert ids({"id": [one[:10]]}) == {one} and ids({"ancestor": ["busybox"]}) == {one, two}
    assert ids({"before": ["two"]}) == {one} and ids({"since": ["one"]}) == {two}
    assert ids({"exited": ["0"]}) == set() and ids({"health": ["none"]}) == {one, two}
    assert ids({"is-task": ["false"]}) == {one, two} and ids({"is-task": ["true"]}) == set()
    assert ids({"network": ["bridge"]}) >= {one} and ids({"network": ["host"]}) == set()
    answer = daemon.api("GET", "/containers/json?filters=" + quoted({"nonsense": ["x"]}))
    assert answer.status == 400


def quoted(value) -> str:
    return urllib.parse.quote(json.dumps(value))


def test_list_fields(daemon):
    identifier = start(daemon, "sleep", "1000", name="listed", ExposedPorts={"80/tcp": {}},
                       HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "18086"}]}})
    one = daemon.api("GET", "/containers/json").json[0]
    assert one["Id"] == identifier and one["Names"] == ["/listed"] and one["Image"] == "busybox"
    assert one["Command"] == "sleep 1000" and one["State"] == "running" and one["Status"].startswith("Up ")
    assert abs(one["Created"] - time.time()) < 60 and one["ImageID"].startswith("sha256:")
    assert {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 18086, "Type": "tcp"} in one["Ports"]
    assert one["HostConfig"]["NetworkMode"] and one["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]


def test_top(daemon):
    identifier = start(daemon, "sleep", "1000")
    facts = daemon.api("GET", f"/containers/{identifier}/top").json
    assert facts["Titles"][:3] == ["UID", "PID", "PPID"] and facts["Processes"][0][-1] == "sleep 1000"
    facts = daemon.api("GET", f"/containers/{identifier}/top?ps_args=-o%20pid,comm").json
    assert facts["Titles"] == ["PID", "COMMAND"] and facts["Processes"][0][1] == "sleep"


def test_logs_are_framed_and_chosen(daemon):
    identifier = start(daemon, "sh", "-c", "echo out; echo err >&2")
    daemon.api("POST", f"/containers/{identifier}/wait")
    path = f"/containers/{identifier}/logs"
    answer = daemon.api("GET", f"{path}?stdout=1&stderr=1")
    assert demultiplex(answer.body) == {"stdout": b"out\n", "stderr": b"err\n"}
    assert demultiplex(daemon.api("GET", f"{path}?stderr=1").body) == {"stderr": b"err\n"}
    assert daemon.api("GET", path).status == 400
    assert daemon.api("GET", f"{path}?stdout=1&tail=x").status in (200, 400)


@pytest.mark.parametrize("tty", [False, True])
def test_attach_of_a_running_container(daemon, tty):
    identifier = start(daemon, "cat", OpenStdin=True, StdinOnce=True, Tty=tty, AttachStdin=True)
    stream = Hijacked(daemon, f"/containers/{identifier}/attach?stream=1&stdin=1&stdout=1&stderr=1")
    assert stream.status == 101 and stream.headers["upgrade"] == "tcp"
    if tty:
        stream.send(b"hello\n\x04")
        assert b"hello\r\nhello\r\n" in stream.raw()
    else:
        stream.send(b"hello\n")
        assert stream.frame() == ("stdout", b"hello\n")
        stream.send(b"more\n")
        stream.finish_input()
        assert stream.frames() == {"stdout": b"more\n"}
    stream.close()
    assert daemon.api("POST", f"/containers/{identifier}/wait").json["StatusCode"] == 0


def test_attach_before_start_sees_the_first_byte(daemon):
    for _ in range(settings.short_or_long(5, 100)):
        identifier = create(daemon, "sh", "-c", "echo first; echo second >&2; read x; echo $x", OpenStdin=True,
                            StdinOnce=True, AttachStdin=True)
        stream = Hijacked(daemon, f"/containers/{identifier}/attach?stream=1&stdin=1&stdout=1&stderr=1")
        assert stream.status == 101
        stream.send(b"third\n")
        daemon.api("POST", f"/containers/{identifier}/start")
        assert stream.frames() == {"stdout": b"first\nthird\n", "stderr": b"second\n"}
        stream.close()


def test_attach_replays_the_log(daemon):
    identifier = start(daemon, "sh", "-c", "echo early; sleep 1000")
    wait_for(lambda: daemon.api("GET", f"/containers/{identifier}/logs?stdout=1").body, 5)
    stream = Hijacked(daemon, f"/containers/{identifier}/attach?logs=1&stream=1&stdout=1")
    assert stream.frame() == ("stdout", b"early\n")
    stream.close()
    stream = Hijacked(daemon, f"/containers/{identifier}/attach?logs=1&stdout=1")
    assert stream.frames() == {"stdout": b"early\n"}


def test_two_clients_see_the_same_output(daemon):
    # The answer to an attach comes before the client is attached; a line that was read proves that it is.
    identifier = start(daemon, "sh", "-c", "read one; read two; seq 1 1000", OpenStdin=True)
    streams = [Hijacked(daemon, f"/containers/{identifier}/attach?stream=1&stdin=1&stdout=1") for _ in range(2)]
    for stream in streams:
        stream.send(b"go\n")
    wanted = "".join(f"{number}\n" for number in range(1, 1001)).encode()
    assert [stream.frames()["stdout"] for stream in streams] == [wanted, wanted]


def test_detach_keys_of_a_terminal(daemon):
    identifier = start(daemon, "sh", Tty=True, OpenStdin=True)
    stream = Hijacked(daemon, f"/containers/{identifier}/attach?stream=1&stdin=1&stdout=1")
    stream.send(b"\x10\x11")
    stream.raw()
    assert daemon.inspect(identifier)["State"]["Running"]
    stream = Hijacked(daemon, f"/containers/{identifier}/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,z")
    stream.send(b"\x01z")
    stream.raw()
    assert daemon.inspect(identifier)["State"]["Running"]


def test_resize(daemon):
    identifier = start(daemon, "sh", Tty=True, OpenStdin=True)
    assert daemon.api("POST", f"/containers/{identifier}/resize?h=17&w=91").status == 200
    stream = Hijacked(daemon, f"/containers/{identifier}/attach?stream=1&stdin=1&stdout=1")
    stream.send(b"stty size; exit\n")
    assert b"17 91" in stream.raw()
    identifier = start(daemon, "sleep", "1000")
    assert daemon.api("POST", f"/containers/{identifier}/resize?h=17&w=91").status == 200
    assert daemon.api("POST", f"/containers/{identifier}/resize?h=x&w=91").status == 400


def test_exec(daemon):
    identifier = start(daemon, "sleep", "1000")
    answer = daemon.api("POST", f"/containers/{identifier}/exec", {
        "Cmd": ["sh", "-c", "cat; echo err >&2; exit 4"], "AttachStdin": True, "AttachStdout": True,
        "AttachStderr": True})
    assert answer.status == 201
    run = answer.json["Id"]
    stream = Hijacked(daemon, f"/exec/{run}/start", {"Detach": False, "Tty": False})
    assert stream.status == 101
    wait_for(lambda: daemon.api("GET", f"/exec/{run}/json").json["Running"], 5, "the program")
    stream.send(b"through\n")
    stream.finish_input()
    assert stream.frames() == {"stdout": b"through\n", "stderr": b"err\n"}
    facts = wait_for(lambda: (one := daemon.api("GET", f"/exec/{run}/json").json) and not one["Running"] and one, 5)
    assert facts["ExitCode"] == 4 and facts["ContainerID"] == identifier
    assert facts["ProcessConfig"]["entrypoint"] == "sh"
    if settings.ENGINE == "skiff":  # Docker 20.10 upgrades first and fails then.
        assert daemon.api("POST", f"/exec/{run}/start", {}).status == 409
    assert daemon.api("GET", "/exec/nosuch/json").status == 404


def test_exec_detached_and_resized(daemon):
    identifier = start(daemon, "sleep", "1000")
    run = daemon.api("POST", f"/containers/{identifier}/exec", {"Cmd": ["sleep", "500"], "Tty": True}).json["Id"]
    assert daemon.api("POST", f"/exec/{run}/start", {"Detach": True, "Tty": True}).status == 200
    wait_for(lambda: daemon.api("GET", f"/exec/{run}/json").json["Running"], 5)
    assert daemon.api("POST", f"/exec/{run}/resize?h=10&w=20").status in (200, 201)
    assert run in daemon.inspect(identifier)["ExecIDs"]


def test_exec_takes_the_size_of_its_terminal(daemon):
    identifier = start(daemon, "sleep", "1000")
    for where in ("create", "start"):
        size = {"ConsoleSize": [17, 91]}
        run = daemon.api("POST", f"/containers/{identifier}/exec", {
            "Cmd": ["stty", "size"], "Tty": True, "AttachStdin": True, "AttachStdout": True,
            **(size if where == "create" else {})}).json["Id"]
        stream = Hijacked(daemon, f"/exec/{run}/start", {"Tty": True, **(size if where == "start" else {})})
        assert b"17 91" in stream.raw(), where


def test_exec_needs_a_running_container(daemon):
    identifier = create(daemon)
    assert daemon.api("POST", f"/containers/{identifier}/exec", {"Cmd": ["true"]}).status == 409
    identifier = start(daemon, "sleep", "1000")
    assert daemon.api("POST", f"/containers/{identifier}/exec", {}).status in (400, 500)


def test_events_live(daemon):
    stream = daemon.stream("/events?filters=" + quoted({"type": ["container"]}))
    identifier = start(daemon, "sh", "-c", "exit 3", name="eventful")
    daemon.api("POST", f"/containers/{identifier}/wait")
    daemon.api("DELETE", f"/containers/{identifier}")
    seen = []
    while not seen or seen[-1]["Action"] != "destroy":
        seen.append(json.loads(stream.readline()))
    stream.close()
    assert [one["Action"] for one in seen] == ["create", "start", "die", "destroy"]
    assert all(one["Type"] == "container" and one["Actor"]["ID"] == identifier for one in seen)
    die = seen[2]["Actor"]["Attributes"]
    assert die["exitCode"] == "3" and die["name"] == "eventful" and die["image"] == "busybox"
    assert all(one["timeNano"] // 1_000_000_000 == one["time"] for one in seen)


@pytest.mark.skiff_only
def test_what_is_not_built_is_refused_by_name(daemon):
    for field, value in (("Runtime", "nosuch"), ("Isolation", "hyperv")):
        answer = daemon.api("POST", "/containers/create", {"Image": "busybox", "HostConfig": {field: value}})
        assert answer.status in (400, 501), (field, answer.status)
        assert field.lower() in answer.message.lower() or str(value) in answer.message, (field, answer.message)
