"""A container's life under its shim: output, log, exit, failures."""

import json
import os
import signal

import pytest

from harness.shim import BUSYBOX, Failed, is_alive
from harness.tracing import held_after_its_next_fork
from harness.waiting import wait_for


def test_output_reaches_client_and_log_and_the_exit_is_on_record(shim):
    client = shim.client()
    daemon = shim.run("sh", "-c", "echo out; echo err >&2; exit 7", clients=[client])
    assert client.read_all() == (b"out\n", b"err\n")
    exited = daemon.event("exited")
    assert (exited["code"], exited["pid"], exited["containerID"]) == (7, shim.started["pid"], shim.id)
    assert {k: v for k, v in exited.items() if k != "descriptors"} == shim.exit_record()
    assert daemon.event("attachEnded")["reason"] == "drained"
    daemon.until_end()
    assert shim.wait_gone() == 0
    assert shim.log_text("stdout") == "out\n" and shim.log_text("stderr") == "err\n"
    assert shim.cgroups() == [] and not (shim.folder / "shim.sock").exists()


def test_stdin_ends_with_the_clients_half_close(shim):
    client = shim.client()
    shim.run("cat", clients=[client], options={"stdin": True}, openStdin=True, stdinOnce=True)
    data = os.urandom(300_000).hex().encode()
    client.send(data)
    client.end_input()
    assert client.read_all()[0] == data


@pytest.mark.parametrize("tty", [False, True])
def test_a_half_closed_client_gets_all_that_is_said_later(shim, tty):
    """Stdin that does not end with its client stays open, and so does the client's way to the output."""
    first = shim.client(tty=tty)
    daemon = shim.run(
        "sh", "-c", "stty -echo 2>/dev/null; echo ready; read a; echo got $a; read b; echo got $b; exit 4", tty=tty,
        clients=[first], options={"stdin": True}, openStdin=True, process={"terminal": tty})
    first.read_until(b"ready")
    first.send(b"one\n")
    first.end_input()
    first.read_until(b"got one")
    # By now the shim has seen the end of the first client's input, or sees it together with what follows.
    second = shim.attach(daemon, shim.client(tty=tty), stdin=True)
    second.send(b"two\n")
    first.read_until(b"got two")
    first.raw = b""
    first.mine.settimeout(20)
    assert first.mine.recv(100) in (b"", b"\r\n", b"\n")
    assert daemon.event("exited")["code"] == 4
    assert daemon.event("attachEnded", id=first.id)["reason"] == "drained"


def test_input_that_the_daemon_had_read_comes_first(shim):
    client = shim.client()
    shim.run(
        "cat", clients=[client], openStdin=True, stdinOnce=True,
        options={"stdin": True, "buffered": b"early ".hex(), "inputEnded": False})
    client.send(b"late")
    client.end_input()
    assert client.read_all()[0] == b"early late"


def test_last_line_without_line_feed_is_logged(shim):
    daemon = shim.run("printf", "a\\nb")
    daemon.event("exited")
    assert [entry["log"] for entry in shim.log_entries()] == ["a\n", "b"]


def test_a_program_that_ends_at_once_is_started_and_exits(new_shim):
    for _ in range(20):
        shim = new_shim()
        daemon = shim.run("true")
        assert daemon.event("exited")["code"] == 0


def test_a_process_that_fails_before_its_maker_looks_at_it_tells_why(shim):
    daemon = shim.spawn()
    spec = shim.spec("true")
    # One of the first things that the process does for itself, and longer than any kernel takes.
    spec["spec"]["hostname"] = "x" * 100
    with held_after_its_next_fork(shim.process.pid) as child:
        request = daemon.send("create", spec)
        wait_for(lambda: not is_alive(child()), 20, "the end of the container's process")
    with pytest.raises(Failed, match="hostname: sethostname"):
        daemon.reply(request)
    assert shim.wait_gone() == 0
    assert shim.cgroups() == []


@pytest.mark.parametrize("command, code, wording", [
    (["/nonexistent"], 127, "no such file or directory"),
    (["nonexistent"], 127, "executable file not found in $PATH"),
    (["/etc/passwd"], 126, "permission denied"),
])
def test_program_that_cannot_run_is_an_error_that_leaves_nothing(shim, command, code, wording):
    with pytest.raises(Failed, match=wording.replace("$", r"\$")) as failure:
        shim.run(*command)
    assert failure.value.exit_code == code
    assert shim.wait_gone() == 0
    assert shim.cgroups() == [] and not os.listdir(shim.folder)


def test_killed_container_reports_its_signal(shim):
    daemon = shim.run("sleep", "1000")
    os.kill(shim.started["pid"], signal.SIGKILL)
    exited = daemon.event("exited")
    assert (exited["code"], exited["signal"]) == (137, 9)


def test_signals_go_to_process_1(shim):
    client = shim.client()
    daemon = shim.run(
        "sh", "-c", "trap 'echo got it; exit 3' TERM; echo ready; while :; do sleep 0.01; done", clients=[client])
    client.read_until(b"ready\n")
    daemon.call("signal", {"number": int(signal.SIGTERM)})
    assert daemon.event("exited")["code"] == 3
    assert shim.log_text() == "ready\ngot it\n"


def test_end_of_the_shim_is_the_end_of_the_container(shim):
    shim.run("sleep", "1000")
    shim.process.send_signal(signal.SIGKILL)
    wait_for(lambda: not is_alive(shim.started["pid"]), 5, "the container's end")
    assert not (shim.folder / "exit.json").exists()


def test_container_that_is_not_started_goes_with_its_daemon(shim):
    daemon = shim.spawn()
    created = daemon.call("create", shim.spec("sleep", "1000"))
    for descriptor in created["descriptors"]:
        os.close(descriptor)
    assert is_alive(created["pid"])
    daemon.close()
    assert shim.wait_gone() == 0
    assert not is_alive(created["pid"]) and shim.cgroups() == [] and not os.listdir(shim.folder)


def test_container_survives_its_daemon_and_the_next_one_takes_over(shim):
    first = shim.run("sh", "-c", "echo one; while [ ! -e /tmp/go ]; do sleep 0.01; done; echo two; exit 5")
    first.close()
    second = shim.connect()
    state = second.call("state")
    assert (state["status"], state["pid"], state["containerID"]) == ("running", shim.started["pid"], shim.id)
    client = shim.attach(second, shim.client(), logs=True)
    waiting = second.send("wait")
    (shim.root / "tmp/go").touch()
    try:
        assert second.reply(waiting)["code"] == 5
    finally:
        (shim.root / "tmp/go").unlink()
    assert client.read_all()[0] == b"one\ntwo\n"


def test_exit_without_a_daemon_is_found_on_disk(shim):
    daemon = shim.run("sh", "-c", "read x; exit 9", openStdin=True)
    number = daemon.send("closeStdin")
    daemon.close()
    assert number and shim.wait_gone() == 0
    assert shim.exit_record()["code"] == 9


def test_delete_ends_a_running_container_only_by_force(shim):
    daemon = shim.run("sleep", "1000")
    with pytest.raises(Failed, match="is running"):
        daemon.call("delete", {})
    daemon.call("delete", {"force": True})
    assert shim.wait_gone() == 0
    assert shim.exit_record()["cause"] == "killedByShim" and shim.cgroups() == []


def test_pause_stops_everything_until_resume(shim):
    client = shim.client()
    daemon = shim.run("sh", "-c", "while :; do echo tick; sleep 0.01; done", clients=[client])
    client.read_until(b"tick")
    daemon.call("pause")
    assert daemon.call("state")["status"] == "paused"
    with pytest.raises(Failed, match="paused already"):
        daemon.call("pause")
    size = shim.log.stat().st_size
    client.mine.settimeout(0.3)
    with pytest.raises(TimeoutError):
        while client.mine.recv(65536):
            pass
    assert shim.log.stat().st_size - size < 400
    daemon.call("resume")
    wait_for(lambda: shim.log.stat().st_size > size + 400, 5, "more output")
    daemon.call("pause")
    daemon.call("delete", {"force": True})


def test_memory_limit_is_enforced_reported_and_changed(shim):
    limit = {"resources": {"memory": {"limit": 16 << 20, "swap": 16 << 20}}}
    daemon = shim.run("sh", "-c", "read x; dd if=/dev/zero of=/dev/null bs=100M count=1; read x", openStdin=True, linux=limit)
    daemon.call("update", {"resources": {"memory": {"limit": 24 << 20, "swap": 24 << 20}}})
    client = shim.attach(daemon, shim.client(), stdin=True)
    client.send(b"go\n")
    daemon.event("outOfMemory")
    assert daemon.call("state")["outOfMemory"] is True
    client.send(b"end\n")
    assert daemon.event("exited")["outOfMemory"] is True


def test_one_snapshot_is_not_used_twice(new_shim, tmp_path):
    lock = str(tmp_path / "lock")
    first, second, third = new_shim(), new_shim(), new_shim()
    daemon = first.run("sleep", "1000", lockPath=lock)
    with pytest.raises(Failed, match="in use") as failure:
        second.run("true", lockPath=lock)
    assert failure.value.code == "conflict" and second.cgroups() == []
    daemon.call("delete", {"force": True})
    third.run("true", lockPath=lock).event("exited")


def test_snapshot_of_a_killed_shim_is_free_when_its_container_is_gone(new_shim, tmp_path):
    lock = str(tmp_path / "lock")
    first, second = new_shim(), new_shim()
    first.run("sleep", "1000", lockPath=lock)
    first.process.send_signal(signal.SIGKILL)
    second.run("true", lockPath=lock).event("exited")


def test_user_and_groups_are_names_of_the_container(shim):
    client = shim.client()
    shim.run("id", clients=[client], user="alice", groupAdd=["staff"])
    assert client.read_all()[0] == b"uid=1000(alice) gid=1000(alice) groups=50(staff),1000(alice)\n"


def test_an_unknown_field_or_operation_is_refused(shim):
    daemon = shim.run("sleep", "1000")
    for operation, arguments in [("dance", {}), ("resize", {"width": 1, "height": 1, "depth": 1}), ("signal", {"number": "9"})]:
        with pytest.raises(Failed):
            daemon.call(operation, arguments)
    assert daemon.call("state")["status"] == "running"


def test_a_connection_that_talks_nonsense_is_closed_and_the_container_goes_on(shim):
    daemon = shim.run("sleep", "1000")
    stranger = shim.connect()
    stranger.socket.sendall(b"\xff" * 64)
    stranger.until_end()
    other = shim.connect()
    other.send_frame(b"[1,2")
    other.until_end()
    assert daemon.call("state")["status"] == "running"


def test_init_reaps_forwards_signals_and_keeps_the_exit_code(shim):
    client = shim.client()
    daemon = shim.run(
        "sh", "-c", "trap 'exit 4' USR1; sleep 0.01 & ps -o pid,args; echo r''eady; while :; do sleep 0.01; done",
        clients=[client], useInit=True)
    lines = client.read_until(b"ready\n").decode(errors="replace").splitlines()  # with the frames' heads
    assert any(line.split()[:2] == ["1", "/sbin/docker-init"] for line in lines)
    daemon.call("signal", {"number": int(signal.SIGUSR1)})
    assert daemon.event("exited")["code"] == 4


def test_hooks_after_start_and_end_run_in_their_order(shim):
    """They get the state on their standard input; one that fails is reported, and changes nothing else."""
    trace = shim.base / "trace"

    def hook(name: str, status: int = 0) -> dict:
        script = f"{{ echo {name}; cat; echo; }} >> {trace}; exit {status}"
        return {"path": BUSYBOX, "args": ["sh", "-c", script]}

    daemon = shim.spawn()
    request = shim.spec("sh", "-c", "exit 3")
    # More than a pipe holds, and the first hook reads none of it.
    request["spec"]["annotations"] = {"a": "b" * 100_000}
    request["spec"]["hooks"] = {
        "prestart": [{"path": BUSYBOX, "args": ["true"]}, hook("prestart")], "poststart": [hook("poststart1", 1), hook("poststart2")],
        "poststop": [hook("poststop1", 1), hook("poststop2")]}
    created = daemon.call("create", request)
    for descriptor in created["descriptors"]:
        os.close(descriptor)
    daemon.call("start")
    warnings = [daemon.event("warning")["message"] for _ in range(2)]
    assert daemon.event("exited")["code"] == 3
    # What ran after the end ran before it was told.
    lines = trace.read_text().splitlines()
    assert lines[0::2] == ["prestart", "poststart1", "poststart2", "poststop1", "poststop2"]
    states = [json.loads(line) for line in lines[1::2]]
    assert [state["status"] for state in states] == ["creating", "running", "running", "stopped", "stopped"]
    assert states[1]["pid"] == created["pid"] and states[1]["annotations"] == {"a": "b" * 100_000}
    assert states[1]["id"] == shim.id and "pid" not in states[3]
    assert [warning.split(" (")[0] for warning in warnings] == ["poststart hook 0", "poststop hook 0"]


def test_the_bare_root_shows_what_a_mount_covers(shim, tmp_path_factory):
    """For what `export` and `diff` read while the container runs; gone with the container, as its lock is."""
    base = tmp_path_factory.mktemp("overlay")
    for name in ("upper", "work", "volume"):
        (base / name).mkdir()
    (base / "volume/inside").touch()
    daemon = shim.spawn()
    request = shim.spec("sh", "-c", "touch /new; exec sleep 1000", root={
        "lower": [str(shim.root)], "upper": str(base / "upper"), "work": str(base / "work")})
    request["spec"]["mounts"].append(
        {"destination": "/tmp", "type": "bind", "source": str(base / "volume"), "options": ["rbind", "rw"]})
    for descriptor in daemon.call("create", request)["descriptors"]:
        os.close(descriptor)
    started = daemon.call("start")
    try:
        [tree] = daemon.call("root")["descriptors"]
    except Failed as failure:
        assert failure.code == "unsupported"
        pytest.skip("this kernel copies no detached mount")
    try:
        wait_for((base / "upper/new").exists, 20, "the container's file")
        assert os.listdir(f"/proc/{started['pid']}/root/tmp") == ["inside"]
        assert os.listdir(f"/proc/self/fd/{tree}/tmp") == []
        assert "new" in os.listdir(f"/proc/self/fd/{tree}")
    finally:
        os.close(tree)
    daemon.call("delete", {"force": True})
    assert shim.wait_gone() == 0
