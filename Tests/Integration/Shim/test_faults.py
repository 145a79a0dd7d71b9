"""Daemons and shims that die at any moment; many containers in a row and at once."""

import contextlib
import os
import random
import signal
import time

import pytest

from harness.settings import short_or_long
from harness.shim import is_alive
from harness.waiting import wait_for


def test_daemon_that_dies_at_any_moment_leaves_a_container_that_ran_or_nothing(new_shim):
    chance = random.Random(1)
    for number in range(short_or_long(25, 400)):
        shim = new_shim()
        daemon = shim.spawn()
        daemon.send("create", shim.spec("sh", "-c", "echo x; exit 3"))
        if number == 0:
            daemon.call("start")
        elif chance.random() < 0.7:
            daemon.send("start")
        time.sleep(chance.choice([0, 0.001, 0.003, 0.006, 0.01, 0.02]) * chance.random())
        daemon.socket.close()
        assert shim.wait_gone() == 0
        assert shim.cgroups() == []
        left = set(os.listdir(shim.folder))
        if "exit.json" in left:
            assert shim.exit_record()["code"] == 3 and shim.log_text() == "x\n"
            assert left == {"exit.json", "state.json"}
        else:
            assert left == set() and number > 0
        shim.close()


def test_shim_that_dies_at_any_moment_takes_its_container_along(new_shim):
    chance = random.Random(2)
    for _ in range(short_or_long(15, 200)):
        shim = new_shim()
        daemon = shim.spawn()
        daemon.send("create", shim.spec("sleep", "1000"))
        daemon.send("start")
        time.sleep(0.03 * chance.random())
        shim.process.send_signal(signal.SIGKILL)
        shim.process.wait()
        daemon.until_end()
        for arguments in [reply[1] for reply in daemon.replies.values()]:
            if "pid" in arguments:
                wait_for(lambda: not is_alive(arguments["pid"]), 5, "the container's end")
        shim.close()


def test_no_line_is_lost_while_daemons_come_and_go(shim):
    count = short_or_long(100_000, 2_000_000)
    shim.run("seq", str(count)).close()
    while shim.process.poll() is None:
        try:
            daemon = shim.connect()
        except (ConnectionRefusedError, FileNotFoundError):
            continue
        daemon.send("state")
        daemon.close()
    assert shim.exit_record()["code"] == 0
    assert shim.log_text() == "".join(f"{number}\n" for number in range(1, count + 1))


def test_short_programs_always_have_their_exit_code_and_output(new_shim):
    for number in range(short_or_long(30, 1000)):
        shim = new_shim()
        client = shim.client()
        daemon = shim.run("sh", "-c", f"echo {number}; exit {number % 256}", clients=[client])
        assert daemon.event("exited")["code"] == number % 256
        assert client.read_all()[0] == f"{number}\n".encode()
        assert shim.log_text() == f"{number}\n"
        shim.close()


def test_many_short_execs_leave_nothing_in_the_shim(shim):
    daemon = shim.run("sleep", "1000")

    def open_descriptors() -> list[str]:
        folder = f"/proc/{shim.process.pid}/fd"
        found = []
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(f"{folder}/{name}"))
        return sorted(found)

    before = None
    for number in range(short_or_long(50, 1000)):
        client = shim.client()
        shim.exec(daemon, f"e{number}", "echo", str(number), clients=[client])
        assert client.read_all()[0] == f"{number}\n".encode()
        assert daemon.event("execExited", execID=f"e{number}")["code"] == 0
        client.close()
        # With the first one's end, what the shim makes behind a start is there too.
        before = before or open_descriptors()
    wait_for(lambda: len(open_descriptors()) <= len(before), 20, f"no more descriptors than {before}")
    with open(f"/proc/{shim.process.pid}/task/{shim.process.pid}/children") as children:
        assert children.read().split() == [str(shim.started["pid"])]


@pytest.mark.parametrize("count", [20])
def test_many_containers_at_once(new_shim, count):
    shims = [new_shim() for _ in range(count)]
    clients = []
    for number, shim in enumerate(shims):
        client = shim.client()
        clients.append(client)
        shim.run("sh", "-c", f"read x; echo $x {number}", clients=[client], options={"stdin": True}, openStdin=True)
    for client in clients:
        client.send(b"hello\n")
    for number, client in enumerate(clients):
        assert client.read_all()[0] == f"hello {number}\n".encode()
    for shim in shims:
        assert shim.wait_gone() == 0
