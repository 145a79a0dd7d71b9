"""Clients that attach to a container that runs."""

import os
import select
import signal
import socket
import threading

import pytest

from harness import settings
from harness.hijack import Hijacked
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only


def _shim(engine, container: str) -> int:
    pid = engine.inspect(container)["State"]["Pid"]
    return int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])


def test_a_client_is_answered_when_it_is_attached(daemon, name):
    """What the container says behind the answer reaches it, even if the container ends at once."""
    cli = daemon.cli("skiff")
    cli("run", "-d", "-i", "--name", name, "busybox", "sh", "-c", "read line; echo got $line")
    shim = _shim(daemon, name)
    os.kill(shim, signal.SIGSTOP)
    try:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20 * settings.PATIENCE)
        client.connect(str(daemon.socket))
        client.sendall(f"POST /containers/{name}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n"
                       "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\ntyped\n".encode())
        # However long: there is nobody yet who would serve it.
        assert not select.select([client], [], [], 0.3)[0]
    finally:
        os.kill(shim, signal.SIGCONT)
    received = b""
    while more := client.recv(65536):
        received += more
    head, _, stream = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ") and b"Upgrade: tcp" in head and b"multiplexed-stream" in head
    assert stream == b"\x01\0\0\0\0\0\0\x0agot typed\n"
    client.close()


def test_every_client_gets_the_last_words_of_a_container(daemon, name):
    cli = daemon.cli("skiff")
    for number in range(settings.short_or_long(10, 300)):
        cli("run", "-d", "-i", "--name", f"{name}{number}", "busybox", "sh", "-c", "read line; echo got $line; exit 3")
        watcher = Hijacked(daemon, f"/containers/{name}{number}/attach?stream=1&stdout=1&stderr=1")
        typist = Hijacked(daemon, f"/containers/{name}{number}/attach?stream=1&stdin=1&stdout=1")
        typist.send(b"it\n")
        assert watcher.frames() == typist.frames() == {"stdout": b"got it\n"}


def test_an_attach_does_not_wait_for_a_stop(daemon, name):
    cli = daemon.cli("skiff")
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "trap 'echo told' TERM; echo ready; while :; do sleep 0.1; done")
    wait_for(lambda: cli.out("logs", name) == "ready", 10, "the trap")
    stop = threading.Thread(target=lambda: cli("stop", "-t", "60", name))
    events = daemon.stream(f"/events?filters=%7B%22container%22%3A%5B%22{name}%22%5D%7D")
    stop.start()
    try:
        assert b'"kill"' in events.readline()  # the stop has begun
        client = Hijacked(daemon, f"/containers/{name}/attach?stream=1&stdout=1&logs=1")
        received = b""
        while b"told" not in received:
            received += client.frame()[1]
    finally:
        cli("kill", name)
        stop.join()
        events.close()
    assert received == b"ready\ntold\n" and client.frames() == {}


def test_a_container_that_goes_while_a_client_attaches(daemon, name):
    """The client is answered nevertheless, and sees the end."""
    cli = daemon.cli("skiff")
    cli("run", "-d", "-i", "--name", name, "busybox", "cat")
    shim = _shim(daemon, name)
    os.kill(shim, signal.SIGSTOP)
    answers = []
    client = threading.Thread(
        target=lambda: answers.append(Hijacked(daemon, f"/containers/{name}/attach?stream=1&stdout=1")))
    log = daemon.log.stat().st_size
    client.start()
    wait_for(lambda: f"/containers/{name}/attach?" in daemon.log.read_bytes()[log:].decode(), 10, "the request")
    os.kill(shim, signal.SIGKILL)
    client.join()
    assert answers[0].status == 101 and answers[0].frames() == {}
