"""Commands that print until somebody ends them: `stats`, `events`, `logs --follow`. (`docker stats NAME` does not end on
a signal where its output is no terminal, against Docker's daemon neither: that is the client's.)"""

import os
import signal

import pytest

from harness import settings
from harness.waiting import wait_for

COMMANDS = {"stats": ["stats"], "events": ["events", "--since", "0"], "logs": ["logs", "--follow"]}


@pytest.fixture
def container(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "echo hi; sleep 1000")
    return name


def begin(cli, what: str, container: str):
    """The command, after the first line that it printed."""
    client = cli.popen(*COMMANDS[what], *([container] if what == "logs" else []))
    assert client.stdout.readline()
    return client


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("what", COMMANDS)
def test_a_signal_ends_it(cli, container, what, number):
    client = begin(cli, what, container)
    client.send_signal(number)
    # The real client catches it, which in a shell looks the same; its `events` sometimes ends with 0, as if by itself.
    caught = (128 + number, 0) if cli.client == "docker" else (128 + number,)
    assert client.wait(20 * settings.PATIENCE) in (*caught, -number)
    assert client.communicate()[1] == b""


@pytest.mark.parametrize("what", COMMANDS)
def test_it_ends_when_nobody_reads_any_more(daemon, name, what):
    """At once, although nothing comes that could not be printed; as in `logs --follow web | grep -m 1 ready`."""
    cli = daemon.cli("skiff")
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "echo hi; sleep 1000")
    client = begin(cli, what, name)
    client.stdout.close()
    assert client.wait(20 * settings.PATIENCE) in (128 + signal.SIGPIPE, -signal.SIGPIPE)
    assert client.stderr.read() == b""


def test_the_daemon_forgets_who_has_left(daemon, name):
    cli = daemon.cli("skiff")
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "echo hi; sleep 1000")
    folder = f"/proc/{daemon.process.pid}/fd"

    def sockets() -> int:
        return sum(1 for one in os.scandir(folder) if _is_socket(one.path))

    before = sockets()
    for what in COMMANDS:
        client = begin(cli, what, name)
        client.kill()
        client.communicate()
    wait_for(lambda: sockets() <= before, 20, "the end of the connections")


def _is_socket(path: str) -> bool:
    try:
        return os.readlink(path).startswith("socket:")
    except FileNotFoundError:
        return False
