"""Attached clients, terminals, exec sessions, logs under load."""

import json
import signal
import subprocess
import time

import pytest

from harness.shim import Failed
from harness.waiting import wait_for


def test_terminal_has_size_is_resized_and_echoes(shim):
    client = shim.client(tty=True)
    daemon = shim.run(
        "sh", tty=True, clients=[client], options={"stdin": True}, openStdin=True,
        process={"consoleSize": {"height": 33, "width": 99}})
    client.send(b"stty size\n")
    client.read_until(b"33 99\r\n")
    daemon.call("resize", {"width": 120, "height": 40})
    client.send(b"stty size\n")
    client.read_until(b"40 120\r\n")
    client.send(b"exit 6\n")
    assert daemon.event("exited")["code"] == 6
    assert client.read_all()[0].endswith(b"exit 6\r\n")


def test_interrupt_key_reaches_the_foreground_program(shim):
    client = shim.client(tty=True)
    daemon = shim.run("sh", tty=True, clients=[client], options={"stdin": True}, openStdin=True)
    # What says so is in the foreground itself.
    client.send(b"sh -c \"echo r''eady; exec sleep 1000\"\n")
    client.read_until(b"ready\r\n")
    client.send(b"\x03")
    client.send(b"echo code $?\n")
    client.read_until(b"code 130\r\n")
    daemon.call("delete", {"force": True})


def test_detach_keys_end_the_session_and_a_broken_sequence_is_forwarded(shim):
    client = shim.client(tty=True)
    daemon = shim.run("cat", "-v", tty=True, clients=[client], options={"stdin": True}, openStdin=True)
    client.send(b"a\x10b\n")
    client.read_until(b"a^Pb\r\n")
    client.send(b"\x10")
    client.send(b"\x11never\n")
    client.read_all()
    assert daemon.event("attachEnded", id=client.id)["reason"] == "detached"
    again = shim.attach(daemon, shim.client(tty=True), stdin=True, detachKeys=b"x".hex(), logs=True)
    again.send(b"more\n")
    assert b"never" not in again.read_until(b"more\r\nmore\r\n")
    again.send(b"x")
    again.read_all()
    assert daemon.call("state")["status"] == "running"


def test_replay_is_followed_by_live_output_without_gap_or_double(shim):
    daemon = shim.run("sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
    expected = "".join(f"line {number}\n" for number in range(20000)).encode()
    clients = []
    for _ in range(5):
        try:
            clients.append(shim.attach(daemon, shim.client(), logs=True))
        except Failed:
            break
    assert clients
    for client in clients:
        assert client.read_all()[0] == expected


def test_replay_alone_ends_by_itself(shim):
    daemon = shim.run("sh", "-c", "echo a; echo b >&2; printf c; sleep 1000")
    wait_for(lambda: shim.log.stat().st_size > 100, 5, "output")
    client = shim.attach(daemon, shim.client(), logs=True, stream=False)
    out, err = client.read_all()
    assert (out, err) == (b"a\n", b"b\n")


def test_unfinished_line_belongs_to_the_replay(shim):
    first = shim.client()
    daemon = shim.run("sh", "-c", "printf begun; read x; echo ' ended'", clients=[first], openStdin=True)
    # What a client has is in the log's hands, too.
    first.read_until(b"begun")
    client = shim.attach(daemon, shim.client(), logs=True)
    client.read_until(b"begun")
    daemon.call("closeStdin")
    assert client.read_until(b" ended\n")
    assert daemon.event("exited")["code"] == 0
    assert shim.log_text() == "begun ended\n"


def test_slow_client_holds_the_container_back_and_loses_nothing(shim):
    client = shim.client()
    count = 1_000_000
    daemon = shim.run("seq", str(count), clients=[client])

    sizes: list[int] = []

    def is_held_back() -> bool:
        """The program sleeps, and the log has not grown for ten looks at both."""
        state = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]
        sizes.append(shim.log.stat().st_size if state == "S" else -len(sizes) - 1)
        return len(sizes) > 10 and 0 < sizes[-1] == min(sizes[-10:]) == max(sizes[-10:])

    pid = daemon.call("state")["pid"]
    wait_for(is_held_back, 60, "the container being held back")
    assert daemon.call("state")["status"] == "running"
    expected = "".join(f"{number}\n" for number in range(1, count + 1)).encode()
    assert client.read_all()[0] == expected
    assert daemon.event("exited")["code"] == 0
    assert shim.log_text().encode() == expected


def test_dead_client_does_not_hold_the_container_back(shim):
    client = shim.client()
    daemon = shim.run("seq", "400000", clients=[client])
    client.read_until(b"100\n")
    client.mine.close()
    assert daemon.event("attachEnded")["reason"] == "disconnected"
    assert daemon.event("exited")["code"] == 0
    assert shim.log_text().endswith("\n400000\n")


def test_client_that_reads_late_gets_everything_and_keeps_nobody(shim):
    """As one whose output goes to a pager: the daemon has long been told of the end, and may start anew."""
    client, deaf = shim.client(), shim.client()
    daemon = shim.run("seq", "100000", clients=[client, deaf])
    assert daemon.event("exited")["code"] == 0
    daemon.until_end()
    assert not (shim.folder / "shim.sock").exists()
    assert shim.process.poll() is None
    assert client.read_all()[0] == "".join(f"{number}\n" for number in range(1, 100_001)).encode()
    deaf.mine.close()
    assert shim.wait_gone() == 0


@pytest.mark.parametrize("wants_input", [False, True])
def test_input_that_nobody_read_does_not_turn_the_end_into_an_error(shim, wants_input):
    """A client of `run -i` sends more than the program takes; the end of the stream is an end all the same."""
    client = shim.client()
    shim.run("sh", "-c", "read go; echo done", clients=[client], options={"stdin": wants_input}, openStdin=True,
             stdinOnce=True)
    client.send(b"go\n" + bytes(100_000))
    if not wants_input:
        shim.connections[0].call("closeStdin")
    assert client.read_all()[0] == b"done\n"


def test_removal_does_not_wait_for_clients(shim):
    client = shim.client()
    daemon = shim.run("sh", "-c", "seq 100000; sleep 1000", clients=[client])
    # Until the client, which reads nothing, holds the program back: then there is more than its socket takes.
    sizes = [0]

    def held_back() -> bool:
        sizes.append(shim.log.stat().st_size)
        time.sleep(0.2)
        return sizes[-1] == sizes[-2] > 1_000_000

    wait_for(held_back, 20, "output")
    daemon.call("delete", {"force": True})
    daemon.until_end()
    assert shim.process.poll() is None
    client.mine.close()
    assert shim.wait_gone() == 0


def test_grandchild_with_the_pipe_does_not_keep_the_container(shim):
    """With the host's PID namespace nobody else ends what the program leaves."""
    namespaces = [{"type": kind} for kind in ("network", "mount", "ipc", "uts")]
    daemon = shim.run("sh", "-c", "sleep 1000 & echo $!", linux={"namespaces": namespaces})
    assert daemon.event("exited")["code"] == 0
    pid = int(shim.log_text())
    wait_for(lambda: not _exists(pid), 5, "the end of what was left")


def _exists(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_rotation_under_load_loses_no_line(shim):
    log = {"path": str(shim.log), "maxSize": 100_000, "maxFiles": 300}
    daemon = shim.run("seq", "200000", log=log)
    daemon.event("exited")
    files = sorted(shim.base.glob("log.json.*"), key=lambda path: -int(path.suffix[1:])) + [shim.log]
    assert len(files) > 20 and all(path.stat().st_size < 100_100 for path in files)
    text = "".join(entry["log"] for path in files for entry in shim.log_entries(path))
    assert text == "".join(f"{number}\n" for number in range(1, 200_001))


def test_rotation_keeps_as_many_files_as_asked(shim):
    daemon = shim.run("seq", "100000", log={"path": str(shim.log), "maxSize": 50_000, "maxFiles": 3})
    daemon.event("exited")
    names = sorted(path.name for path in shim.base.glob("log.json*"))
    assert names == ["log.json", "log.json.1", "log.json.2"]
    assert shim.log_text().endswith("100000\n")


def test_long_lines_are_cut_and_joined_by_readers(shim):
    daemon = shim.run("sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo y")
    daemon.event("exited")
    lines = [entry["log"] for entry in shim.log_entries()]
    assert [len(line) for line in lines] == [16384, 16384, 7233, 2]


def test_many_execs_at_once_have_their_own_streams_and_codes(shim):
    daemon = shim.run("sleep", "1000")
    clients = {}
    for number in range(12):
        client = clients[f"exec{number}"] = shim.client()
        shim.exec(
            daemon, f"exec{number}", "sh", "-c", f"cat; echo done {number} >&2; exit {number}", clients=[client],
            options={"stdin": True}, openStdin=True)
    assert len(daemon.call("state")["execs"]) == 12
    for number, client in enumerate(clients.values()):
        client.send(f"hello {number}".encode())
        client.end_input()
    for number, (name, client) in enumerate(clients.items()):
        assert client.read_all() == (f"hello {number}".encode(), f"done {number}\n".encode())
        assert daemon.event("execExited", execID=name)["code"] == number
    state = daemon.call("state")
    assert "execs" not in state and len(state["endedExecs"]) == 12
    assert shim.log.read_text() == ""


def test_exec_with_a_terminal_is_resized_and_detached(shim):
    daemon = shim.run("sleep", "1000")
    client = shim.client(tty=True)
    shim.exec(daemon, "e", "sh", tty=True, clients=[client], options={"stdin": True}, openStdin=True)
    daemon.call("resize", {"execID": "e", "width": 77, "height": 11})
    client.send(b"stty size\n")
    client.read_until(b"11 77\r\n")
    client.send(b"\x10\x11")
    client.read_all()
    assert daemon.event("attachEnded", id=client.id, execID="e")["reason"] == "detached"
    assert [exec["execID"] for exec in daemon.call("state")["execs"]] == ["e"]
    daemon.call("signal", {"execID": "e", "number": int(signal.SIGHUP)})
    assert daemon.event("execExited", execID="e")["code"] == 129


def test_detached_exec_runs_without_streams(shim):
    daemon = shim.run("sleep", "1000")
    shim.exec(daemon, "e", "sh", "-c", "echo nobody reads this; exit 8")
    assert daemon.event("execExited", execID="e")["code"] == 8


@pytest.mark.parametrize("command, code", [(["/nonexistent"], 127), (["/etc/passwd"], 126)])
def test_exec_that_cannot_run_leaves_the_stream_to_the_daemon(shim, command, code):
    daemon = shim.run("sleep", "1000")
    client = shim.client()
    with pytest.raises(Failed) as failure:
        shim.exec(daemon, "e", *command, clients=[client])
    assert failure.value.exit_code == code
    client.theirs.sendall(b"still usable")
    assert client.mine.recv(100) == b"still usable"
    assert "execs" not in daemon.call("state")


def test_exec_session_ends_although_a_background_process_keeps_its_output(shim):
    daemon = shim.run("sleep", "1000")
    client = shim.client()
    shim.exec(daemon, "e", "sh", "-c", "sleep 1000 & echo started", clients=[client])
    begun = time.monotonic()
    assert client.read_all()[0] == b"started\n"
    assert time.monotonic() - begun < 60  # the background process takes 1000


def test_running_execs_end_with_the_container(shim):
    daemon = shim.run("sleep", "1000")
    client = shim.client()
    shim.exec(daemon, "e", "sleep", "1000", clients=[client])
    daemon.call("signal", {"number": 9})
    assert daemon.event("execExited", execID="e")["code"] == 137
    assert daemon.event("exited")["code"] == 137
    assert client.read_all() == (b"", b"")
    assert shim.wait_gone() == 0


def test_full_disk_does_not_stop_the_container_and_is_noted(shim, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
    try:
        log = disk / "log.json"
        daemon = shim.run(
            "sh", "-c", "seq 60000; touch /tmp/written; read x; echo last",
            log={"path": str(log), "maxFiles": 1}, openStdin=True)
        warning = daemon.event("warning")["message"]
        assert "No space left" in warning
        wait_for((shim.root / "tmp/written").exists, 10, "the container going on")
        log_size = log.stat().st_size
        assert 100_000 < log_size <= 256 * 1024
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        daemon.call("closeStdin")
        assert daemon.event("exited")["code"] == 0
        texts = [json.loads(line)["log"] for line in log.read_text().splitlines()]
        assert "last\n" in texts
        notes = [index for index, text in enumerate(texts) if "log lines were lost" in text]
        assert notes, texts[-3:]
        assert [int(text) for text in texts[: notes[0]]] == list(range(1, notes[0] + 1)), "a hole before the note"
        lost = sum(int(texts[index].split()[1]) for index in notes)
        assert lost + len(texts) - len(notes) == 60001
    finally:
        (shim.root / "tmp/written").unlink(missing_ok=True)
        subprocess.run(["umount", "-l", disk], check=True)
