"""kill -9 of the daemon: containers do not notice, and nothing is lost."""

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

import pytest

from harness import images, settings
from harness.hijack import Hijacked
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only

COUNT = "i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; [ $((i % 50)) -ne 0 ] || sleep 0.02; done; exit {code}"


def numbers(text: str) -> list[int]:
    return [int(line.split()[1]) for line in text.splitlines()]


@pytest.fixture
def engine(new_daemon):
    return new_daemon()


def test_no_line_is_lost_while_containers_write(engine):
    """Containers write all the time while the daemon is killed and started again and again."""
    cli = engine.cli("skiff")
    lines, containers = settings.short_or_long(3_000, 30_000), settings.short_or_long(3, 10)
    ids = [cli.out("run", "-d", "busybox", "sh", "-c", COUNT.format(lines=lines, code=20 + number))
           for number in range(containers)]
    kills = settings.short_or_long(5, 100)
    for _ in range(kills):
        time.sleep(random.uniform(0.02, 0.15))
        engine.restart_after_kill()
    for number, one in enumerate(ids):
        assert cli.out("wait", one, timeout=120) == str(20 + number)
        assert numbers(cli("logs", one).stdout) == list(range(1, lines + 1))


def test_everything_works_on_a_container_from_before(engine):
    cli = engine.cli("docker")
    identifier = cli.out("run", "-d", "-i", "--name", "old", "busybox", "sh", "-c",
                         "echo up; while read line; do echo got $line; done; exit 7")
    before = engine.inspect("old")
    engine.restart_after_kill()
    assert engine.inspect("old") == before
    assert cli.out("ps", "-q", "--no-trunc") == identifier
    assert cli.out("logs", "old") == "up"
    assert cli.out("exec", "old", "echo", "ok") == "ok"
    assert "sh -c" in cli.out("top", "old")
    stream = Hijacked(engine, "/containers/old/attach?stream=1&stdin=1&stdout=1")
    stream.send(b"after\n")
    assert stream.frame() == ("stdout", b"got after\n")
    stream.close()
    cli("pause", "old")
    cli("unpause", "old")
    started = time.monotonic()
    cli("stop", "-t", "1", "old")
    assert time.monotonic() - started < 8 * settings.PATIENCE  # the default is 10
    assert engine.inspect("old")["State"]["Status"] == "exited"
    assert cli.out("start", "old") == "old"
    cli("rm", "-f", "old")


def test_stop_of_an_obedient_program_after_a_crash(engine):
    cli = engine.cli("skiff")
    cli("run", "-d", "--name", "obedient", "busybox", "sh", "-c", "trap 'exit 4' TERM; echo ready; while :; do sleep 0.1; done")
    wait_for(lambda: cli.out("logs", "obedient") == "ready", 10)
    engine.restart_after_kill()
    started = time.monotonic()
    cli("stop", "obedient")
    assert time.monotonic() - started < 8 * settings.PATIENCE  # SIGKILL would come after 10
    assert engine.inspect("obedient")["State"]["ExitCode"] == 4


def test_what_ended_meanwhile_has_its_real_exit_code(engine, tmp_path):
    cli = engine.cli("skiff")
    wait = "while [ ! -e /signs/end ]; do sleep 0.05; done"
    more = {"quick": [], "gone": ["--rm"], "oom": ["--memory", "16m", "--memory-swap", "16m"]}
    ends = {"quick": f"echo said; {wait}; exit 33", "gone": wait,
            "oom": f"{wait}; a=x; while :; do a=$a$a; done"}
    for name, end in ends.items():
        cli("run", "-d", "--name", name, "-v", f"{tmp_path}:/signs:ro", *more[name], "busybox", "sh", "-c", end)
    pids = [engine.inspect(name)["State"]["Pid"] for name in ends]
    assert all(pids)
    engine.kill()
    (tmp_path / "end").touch()
    wait_for(lambda: not any(_alive(pid) for pid in pids), 60, "the end of the containers")
    engine.start()
    state = engine.inspect("quick")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 33)
    assert cli.out("logs", "quick") == "said" and cli.out("wait", "quick") == "33"
    state = engine.inspect("oom")["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (137, True)
    wait_for(lambda: engine.api("GET", "/containers/gone/json").status == 404, 10, "the removal of the --rm container")


def test_an_end_on_record_is_not_replaced_by_what_is_left_of_the_run(engine):
    """The daemon died while it removed the folder of a run that had ended: `exit.json` is gone, `state.json` is not."""
    cli = engine.cli("skiff")
    cli("run", "-d", "--name", "ended", "busybox", "sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")
    wait_for(lambda: cli.out("logs", "ended") == "ready", 20, "the trap")
    left = engine.exec_root / "shims" / engine.inspect("ended")["Id"]
    state = (left / "state.json").read_bytes()
    cli("stop", "ended")
    wait_for(lambda: not left.exists(), 10, "the removal of the run's folder")
    before = engine.inspect("ended")["State"]
    assert before["ExitCode"] == 7
    engine.kill()
    left.mkdir()
    (left / "state.json").write_bytes(state)
    engine.start()
    assert engine.inspect("ended")["State"] == before
    assert not left.exists()


def test_a_removal_under_way_stays_one_where_a_run_has_left_something(engine):
    """Some files are gone already: made an ordinary container again, it could never be started."""
    cli = engine.cli("skiff")
    cli("run", "--name", "going", "busybox", "true")
    one = engine.inspect("going")["Id"]
    busy = engine.data_root / "containers" / one / "busy"
    busy.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "busy", busy], check=True)
    try:
        cli("rm", "going", status=1)
        assert engine.inspect("going")["State"]["Status"] == "dead"
        engine.kill()
    finally:
        subprocess.run(["umount", busy], check=True)
    (engine.exec_root / "shims" / one).mkdir()
    engine.start()
    wait_for(lambda: engine.api("GET", f"/containers/{one}/json").status == 404, 20, "the end of the removal")


def _alive(pid: int) -> bool:
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_published_ports_go_on_without_the_daemon(engine):
    cli = engine.cli("skiff")
    cli("run", "-d", "--name", "web", "-p", "18095:80", "busybox", "sh", "-c",
        "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nalive' | nc -l -p 80 >/dev/null; done")
    wait_for(lambda: engine.curl("http://127.0.0.1:18095/") == "alive", 10)
    engine.kill()
    for _ in range(5):
        wait_for(lambda: engine.curl("http://127.0.0.1:18095/") == "alive", 5)
    engine.start()
    wait_for(lambda: engine.curl("http://127.0.0.1:18095/") == "alive", 5)
    assert cli.out("port", "web", "80").startswith("0.0.0.0:18095")
    done = cli("run", "-d", "-p", "18095:80", "busybox", status=125)
    assert "port is already allocated" in done.stderr
    cli("rm", "-f", "web")
    cli("run", "-d", "--name", "again", "-p", "18095:80", "busybox", "sleep", "1000")


def test_addresses_are_not_given_twice_after_a_crash(engine):
    cli = engine.cli("skiff")
    for number in range(3):
        cli("run", "-d", "--name", f"a{number}", "busybox", "sleep", "1000")
    engine.restart_after_kill()
    for number in range(3):
        cli("run", "-d", "--name", f"b{number}", "busybox", "sleep", "1000")
    addresses = [engine.inspect(f"{kind}{number}")["NetworkSettings"]["IPAddress"]
                 for kind in "ab" for number in range(3)]
    assert len(set(addresses)) == 6 and all(addresses)


def test_kills_in_the_middle_of_every_operation(engine):
    """The daemon dies at random moments under load; afterwards every container is whole or absent, all can be removed,
    and (the fixture checks it) the machine is as it was."""
    cli = engine.cli("skiff")
    end = threading.Event()

    def work(worker: int) -> None:
        chance = random.Random(worker)
        serial = 0
        while not end.is_set():
            serial += 1
            name = f"w{worker}-{serial}"
            for step in (("create", "--name", name, "-p", str(20000 + worker * 1000 + serial % 1000), "busybox", "sleep",
                          "1000"), ("start", name), ("exec", name, "true"), ("rename", name, f"{name}r"),
                         ("stop", "-t", "0", f"{name}r"), ("rm", "-f", name, f"{name}r")):
                if end.is_set():
                    return
                if chance.random() < 0.9:
                    cli(*step, status=None, timeout=60)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for one in workers:
        one.start()
    try:
        for _ in range(settings.short_or_long(6, 200)):
            time.sleep(random.uniform(0.05, 0.6))
            engine.restart_after_kill()
    finally:
        end.set()
        for one in workers:
            one.join()
    left = json.loads(engine.api("GET", "/containers/json?all=1").body)
    # The running ones go first: the long form leaves about as many as the bridge has addresses.
    for one in sorted(left, key=lambda one: one["State"] != "running"):
        facts = engine.inspect(one["Id"])
        assert facts["State"]["Status"] in ("created", "running", "exited"), facts["State"]
        if facts["State"]["Status"] == "running":
            assert _alive(facts["State"]["Pid"]), facts["State"]
            assert cli.out("exec", one["Id"], "echo", "ok") == "ok"
        else:
            cli("start", one["Id"])
        cli("rm", "-f", one["Id"])
    assert cli.out("ps", "-aq") == ""
    assert cli.out("run", "--rm", "busybox", "echo", "ok") == "ok"


def test_clients_see_the_end_of_a_killed_daemon(engine):
    """Nothing that outlives the daemon holds its clients' connections: they would wait for an answer for ever."""
    clients = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    for client in clients:
        client.settimeout(30 * settings.PATIENCE)
        client.connect(str(engine.socket))
        client.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
    # The shim, and with the port skiff-net, start while the clients are there.
    engine.cli("skiff")("run", "-d", "--name", "web", "-p", "18098:80", "busybox", "sleep", "1000")
    _start_every_program(engine)
    engine.kill()
    assert [client.recv(1) for client in clients] == [b""] * len(clients)
    for client in clients:
        client.close()
    engine.start()
    assert engine.inspect("web")["State"]["Running"]


def _start_every_program(engine) -> None:
    """skiff-net has started when it answers; nothing outlives the daemon that `exec` and `top` start."""
    control = socket.socket(socket.AF_UNIX)
    control.settimeout(30 * settings.PATIENCE)
    path = engine.exec_root / "network/skiff-net.sock"
    wait_for(path.exists, 10, "the control socket of skiff-net")
    control.connect(str(path))
    control.sendall(b'{"id":1,"op":"list"}\n')
    assert b'"keys"' in control.recv(65536)
    control.close()
    cli = engine.cli("skiff")
    assert cli.out("exec", "web", "echo", "ok") == "ok"
    assert "sleep" in cli.out("top", "web")


def _number(path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def test_a_socket_that_only_a_child_of_the_dead_daemon_holds(engine):
    """As of a daemon that was killed in the middle of starting a shim: the next one takes the place."""
    engine.kill()
    engine.socket.unlink()
    script = ("import socket, subprocess, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen();"
              "print(subprocess.Popen(['sleep', '1000'], pass_fds=[s.fileno()], stdout=-3, stderr=-3).pid)")
    done = subprocess.run([sys.executable, "-c", script, engine.socket], capture_output=True, text=True, check=True)
    try:
        before = engine.socket.stat().st_ino
        engine.launch()
        wait_for(lambda: _number(engine.socket) not in (None, before), 30, "a socket of its own")
        wait_for(lambda: engine.cli("skiff")("version", status=None).returncode == 0, 30, "an answer")
    finally:
        os.kill(int(done.stdout), 9)


def test_a_load_that_was_cut_off_leaves_nothing(engine):
    data = images.archive("debian:bookworm-slim").read_bytes()
    before = sorted(path.name for path in (engine.data_root / "overlay2").iterdir())
    for share in (0.2, 0.6, 0.95):
        thread = threading.Thread(target=lambda: _quietly(engine, data))
        thread.start()
        time.sleep(0.1 + share * 0.4)
        engine.restart_after_kill()
        thread.join()
        if engine.api("GET", "/images/debian:bookworm-slim/json").status == 200:
            engine.api("DELETE", "/images/debian:bookworm-slim")
    wait_for(lambda: sorted(path.name for path in (engine.data_root / "overlay2").iterdir()) == before, 15,
             "the clean-up of half unpacked layers")
    engine.load("debian:bookworm-slim", form="oci")
    assert engine.cli("skiff").out("run", "--rm", "debian:bookworm-slim", "cat", "/etc/debian_version").startswith("12")


def _quietly(engine, data: bytes) -> None:
    try:
        engine.api("POST", "/images/load?quiet=1", data, {"Content-Type": "application/x-tar"})
    except OSError:
        pass


def test_attached_streams_outlive_the_daemon(engine):
    """The shim holds the client's socket, so a session goes on while no daemon runs."""
    cli = engine.cli("skiff")
    cli("run", "-d", "-i", "--name", "talk", "busybox", "cat")
    stream = Hijacked(engine, "/containers/talk/attach?stream=1&stdin=1&stdout=1")
    stream.send(b"one\n")
    assert stream.frame() == ("stdout", b"one\n")
    engine.kill()
    stream.send(b"two\n")
    assert stream.frame() == ("stdout", b"two\n")
    engine.start()
    stream.send(b"three\n")
    assert stream.frame() == ("stdout", b"three\n")
    stream.close()


def test_a_shim_that_is_killed_takes_its_container_with_it(engine):
    """And the cause is on record: nothing runs on unseen."""
    cli = engine.cli("skiff")
    identifier = cli.out("run", "-d", "--name", "victim", "busybox", "sleep", "1000")
    pid = engine.inspect("victim")["State"]["Pid"]
    shim = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
    assert "skiff-shim" in open(f"/proc/{shim}/cmdline").read()
    os.kill(shim, 9)
    wait_for(lambda: not _alive(pid), 5, "the end of the container")
    wait_for(lambda: engine.inspect("victim")["State"]["Status"] == "exited", 5)
    state = engine.inspect("victim")["State"]
    assert state["ExitCode"] != 0 and state["Error"], state
    assert cli.out("start", identifier) == identifier
    assert engine.inspect("victim")["State"]["Running"]


def test_flushed_rules_come_back(engine):
    cli = engine.cli("skiff")
    cli("run", "-d", "--name", "web", "-p", "18096:80", "busybox", "sh", "-c",
        "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nalive' | nc -l -p 80 >/dev/null; done")
    wait_for(lambda: engine.curl("http://127.0.0.1:18096/") == "alive", 10)
    assert engine.run("nft", "flush", "ruleset").returncode == 0
    engine.restart_after_kill()
    wait_for(lambda: engine.curl("http://127.0.0.1:18096/") == "alive", 10, "the published port after a flush")
