"""Names on networks that users make: who is found by what name, and that it goes on whatever happens around it."""

import os
import signal
import subprocess
import sys

import pytest

from harness.waiting import wait_for

# Asks 127.0.0.11 in the network namespace that it runs in; prints the answer's code and addresses.
ASK = r"""
import random, socket, struct, sys
name, kind = sys.argv[1], int(sys.argv[2])
number = random.randrange(65536)
labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
question = labels + b"\0" + struct.pack("!HH", kind, 1)
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(float(sys.argv[3]))
asker.connect(("127.0.0.11", 53))
asker.send(struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + question)
answer = asker.recv(65536)
assert struct.unpack("!H", answer[:2])[0] == number
at, records = 12 + len(question), []
for _ in range(struct.unpack("!H", answer[6:8])[0]):
    length = struct.unpack("!H", answer[at + 10:at + 12])[0]
    data = answer[at + 12:at + 12 + length]
    records.append(socket.inet_ntop(socket.AF_INET if length == 4 else socket.AF_INET6, data))
    at += 12 + length
print(answer[3] & 15, *records)
"""


def resolve(pid: int, name: str, kind: int = 1, seconds: float = 10) -> tuple[int, list[str]] | None:
    """The code and the addresses that a container is told; None where nobody answers."""
    done = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", ASK, name, str(kind), str(seconds)],
                          capture_output=True, text=True)
    if done.returncode:
        return None
    code, *addresses = done.stdout.split()
    return int(code), addresses


def pid_of(engine, name: str) -> int:
    return engine.inspect(name)["State"]["Pid"]


def address(engine, name: str, network: str) -> str:
    return engine.inspect(name)["NetworkSettings"]["Networks"][network]["IPAddress"]


@pytest.fixture
def network(daemon, name):
    """Internal, so that names that are not known fail at once wherever the tests run."""
    made = []

    def make(suffix: str = "", **members) -> str:
        answer = daemon.api("POST", "/networks/create", {"Name": name + suffix, "Internal": True, **members})
        assert answer.status == 201, answer.body
        made.append(name + suffix)
        return name + suffix

    yield make
    daemon.remove_containers()
    for one in made:
        daemon.api("DELETE", f"/networks/{one}")


def test_containers_find_each_other(cli, daemon, network, name):
    net, other = network(), network("2")
    ids = {}
    for one in ("a", "b"):
        ids[one] = cli.out("run", "-d", "--name", f"{name}-{one}", "--network", net, "--network-alias", "both",
                           "busybox", "sleep", "1000")
    cli("run", "-d", "--name", f"{name}-far", "--network", other, "busybox", "sleep", "1000")
    addresses = {one: address(daemon, f"{name}-{one}", net) for one in ids}
    asker = pid_of(daemon, f"{name}-a")
    for own in (f"{name}-b", f"{name}-B", f"{name}-b.{net}", ids["b"][:12]):
        assert resolve(asker, own) == (0, [addresses["b"]]), own
    # A name without such an address is known all the same.
    assert resolve(asker, f"{name}-b", kind=28) == (0, [])
    several = [resolve(asker, "both")[1] for _ in range(4)]
    assert all(sorted(one) == sorted(addresses.values()) for one in several)
    assert several[0] != several[1] and several[0] == several[2]
    assert resolve(asker, f"{name}-far") == (2, [])
    # What runs in a container asks the same way.
    assert cli.out("exec", f"{name}-a", "cat", "/etc/resolv.conf").splitlines()[0] == "nameserver 127.0.0.11"
    assert "ndots:0" in cli.out("exec", f"{name}-a", "cat", "/etc/resolv.conf")
    assert addresses["b"] in cli.out("exec", f"{name}-a", "nslookup", f"{name}-b")
    back = cli.out("exec", f"{name}-a", "nslookup", addresses["b"])
    assert f"{name}-b.{net}" in back


def test_names_follow_connections_and_new_names(cli, daemon, network, name):
    net, other = network(), network("2")
    web, db = f"{name}-web", f"{name}-db"
    cli("run", "-d", "--name", web, "--network", net, "busybox", "sleep", "1000")
    cli("run", "-d", "--name", db, "busybox", "sleep", "1000")
    asker, told = pid_of(daemon, web), pid_of(daemon, db)
    assert resolve(asker, db) == (2, [])
    assert "127.0.0.11" not in cli.out("exec", db, "cat", "/etc/resolv.conf")
    cli("network", "connect", "--alias", "postgres", net, db)
    for own in (db, "postgres"):
        wait_for(lambda own=own: resolve(asker, own) == (0, [address(daemon, db, net)]), 10, f"the name {own}")
    # The one from the default bridge is told names from now on.
    assert resolve(told, web) == (0, [address(daemon, web, net)])
    assert "127.0.0.11" in cli.out("exec", db, "cat", "/etc/resolv.conf")
    cli("rename", db, f"{db}2")
    wait_for(lambda: resolve(asker, f"{db}2") == (0, [address(daemon, f"{db}2", net)]), 10, "the new name")
    assert resolve(asker, db) == (2, [])
    cli("network", "connect", other, f"{db}2")
    assert resolve(asker, f"{db}2") == (0, [address(daemon, f"{db}2", net)])
    cli("network", "disconnect", net, f"{db}2")
    wait_for(lambda: resolve(asker, f"{db}2") == (2, []), 10, "the end of the name")
    assert (pid_of(daemon, web), pid_of(daemon, f"{db}2")) == (asker, told)
    cli("network", "connect", net, f"{db}2")
    cli("rm", "-f", f"{db}2")
    wait_for(lambda: resolve(asker, f"{db}2") == (2, []), 10, "the end of the container's name")


@pytest.mark.skiff_only
def test_names_go_on_without_the_daemon_and_without_the_resolver(new_daemon):
    engine = new_daemon()
    cli = engine.cli("skiff")
    cli("network", "create", "--internal", "names")
    for one in ("web", "db"):
        cli("run", "-d", "--name", one, "--network", "names", "busybox", "sleep", "1000")
    web, expected = pid_of(engine, "web"), (0, [address(engine, "db", "names")])
    assert resolve(web, "db") == expected
    first = resolver_pid(engine)
    engine.kill()
    assert resolve(web, "db") == expected
    engine.restart_after_kill()
    assert resolve(web, "db") == expected
    assert resolver_pid(engine) == first
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: resolve(web, "db", seconds=0.5) == expected, 30, "the names")
    assert resolver_pid(engine) != first
    # While no daemon runs, the end of a container lets go of its network.
    engine.kill()
    os.kill(web, signal.SIGKILL)
    second = resolver_pid(engine)
    wait_for(lambda: descriptors_named(second, "[pidfd]") == 1, 30, "the end of the container's sockets")
    engine.restart_after_kill()
    db = pid_of(engine, "db")
    wait_for(lambda: resolve(db, "web") == (2, []), 10, "the end of the container's name")
    cli("rm", "-f", "web", "db")
    cli("network", "rm", "names")


def resolver_pid(engine) -> int:
    found = subprocess.run(["ss", "-Hlxp"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in found.splitlines() if str(engine.folder) in line and "skiff-net.sock" in line]
    assert len(lines) == 1, found
    return int(lines[0].split("pid=")[1].split(",")[0])


def descriptors_named(pid: int, what: str) -> int:
    folder = f"/proc/{pid}/fd"
    return sum(what in os.readlink(f"{folder}/{one}") for one in os.listdir(folder))
