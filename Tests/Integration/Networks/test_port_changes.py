"""`skiff port add` and `port rm`: published ports of a container change while it runs."""

import json
import socket

import pytest

from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def skiff(daemon):
    return daemon.cli("skiff")


def pid(daemon, name: str) -> int:
    return daemon.inspect(name)["State"]["Pid"]


def test_a_port_is_added_and_taken_back(skiff, daemon, hosts, name):
    hosts.container(name, ports={"80/tcp": 18080})
    before = pid(daemon, name)
    assert skiff.out("port", "add", name, "18081:80") == "80/tcp -> 0.0.0.0:18080\n80/tcp -> 0.0.0.0:18081\n" \
        "80/tcp -> [::]:18080\n80/tcp -> [::]:18081"
    assert hosts.host.reaches("tcp", "127.0.0.1", 18081) and hosts.outside.reaches("tcp", hosts.outside.HOST[4], 18081)
    assert hosts.host.reaches("tcp", "::1", 18081)
    assert skiff.out("port", "rm", name, "18080:80") == ""
    assert hosts.host.fails_to_reach("tcp", "127.0.0.1", 18080) and hosts.host.fails_to_reach("tcp", "::1", 18080)
    assert hosts.host.reaches("tcp", "127.0.0.1", 18081)
    facts = daemon.inspect(name)
    assert facts["State"]["Pid"] == before
    assert facts["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "", "HostPort": "18081"}]}
    assert {one["HostPort"] for one in facts["NetworkSettings"]["Ports"]["80/tcp"]} == {"18081"}
    assert skiff.out("ps", "--format", "{{.Ports}}").startswith("0.0.0.0:18081->80/tcp")


def test_every_form_of_a_port(skiff, daemon, hosts, name):
    hosts.container(name)
    assert skiff.out("container", "port", "add", name, "127.0.0.1:18082:80/udp", "80", "18083-18084:80") != ""
    ports = daemon.inspect(name)["NetworkSettings"]["Ports"]
    assert ports["80/udp"] == [{"HostIp": "127.0.0.1", "HostPort": "18082"}]
    numbers = sorted({int(one["HostPort"]) for one in ports["80/tcp"]})
    assert len(numbers) == 2 and 18083 in numbers
    assert hosts.host.reaches("udp", "127.0.0.1", 18082)
    for number in numbers:
        assert hosts.host.reaches("tcp", "127.0.0.1", number)
    # Without a port of the host: whatever leads there.
    skiff("container", "port", "rm", name, "80")
    ports = daemon.inspect(name)["NetworkSettings"]["Ports"]
    assert not ports.get("80/tcp") and ports["80/udp"]
    assert all(hosts.host.fails_to_reach("tcp", "127.0.0.1", number) for number in numbers)


def test_what_cannot_be_is_refused_and_changes_nothing(skiff, daemon, hosts, name):
    hosts.container(f"{name}-other", ports={"80/tcp": 18085})
    hosts.container(name, ports={"80/tcp": 18086})
    before = daemon.inspect(name)["NetworkSettings"]["Ports"]
    assert "18085" in skiff("port", "add", name, "18087:80", "18085:80", status=1).stderr
    assert hosts.host.fails_to_reach("tcp", "127.0.0.1", 18087)
    assert "18099" in skiff("port", "rm", name, "18099:80", status=1).stderr
    assert "No such container: nosuch" in skiff("port", "add", "nosuch", "1:1", status=1).stderr
    assert "invalid" in skiff("port", "add", name, "x", status=1).stderr
    assert "at least 2" in skiff("port", "add", name, status=1).stderr
    assert daemon.inspect(name)["NetworkSettings"]["Ports"] == before
    skiff("run", "-d", "--name", f"{name}-host", "--network", "host", "busybox", "sleep", "1000")
    assert skiff("port", "add", f"{name}-host", "18088:80", status=1).stderr
    answer = daemon.api("POST", f"/skiff/containers/{name}/ports/add", {})
    assert answer.status == 400 and "PortBindings" in answer.message


def test_a_connection_goes_on_and_ports_last(skiff, daemon, hosts, name):
    """Adding and removing others leaves a connection alone; what was added is there after a restart."""
    skiff("run", "-d", "--name", name, "-p", "18080:7", "busybox", "nc", "-ll", "-p", "7", "-e", "cat")
    address = daemon.inspect(name)["NetworkSettings"]["Gateway"]

    def echo() -> socket.socket:
        try:
            one = socket.create_connection((address, 18080), timeout=5)
        except OSError:
            return None
        one.settimeout(5)
        one.sendall(b"a")
        try:
            return one if one.recv(1) == b"a" else None
        except OSError:
            return None

    stream = wait_for(echo, 20, "the echo")
    skiff("port", "add", name, "18081:7")
    skiff("port", "add", name, "18082:7/udp")
    skiff("port", "rm", name, "18081:7")
    stream.sendall(b"b")
    assert stream.recv(1) == b"b"
    stream.close()
    skiff("restart", "-t", "0", name)
    facts = daemon.inspect(name)
    assert set(facts["HostConfig"]["PortBindings"]) == {"7/tcp", "7/udp"}
    assert {one["HostPort"] for one in facts["NetworkSettings"]["Ports"]["7/udp"]} == {"18082"}


def test_a_container_that_does_not_run_gets_them_when_it_starts(skiff, daemon, name):
    skiff("create", "--name", name, "busybox", "sleep", "1000")
    assert skiff.out("port", "add", name, "18080:80") == ""
    skiff("start", name)
    assert skiff.out("port", name, "80").splitlines()[0] == "0.0.0.0:18080"
    skiff("stop", "-t", "0", name)
    skiff("port", "rm", name, "18080:80")
    assert not daemon.inspect(name)["HostConfig"]["PortBindings"]


def test_docker_does_not_know_the_commands(daemon, name):
    """Under the name docker, `port add` are the ports of a container called `add`."""
    assert "No such container: add" in daemon.cli("docker")("port", "add", "80", status=1).stderr


def test_added_ports_survive_the_daemon(new_daemon):
    engine = new_daemon()
    cli = engine.cli("skiff")
    cli("run", "-d", "--name", "kept", "busybox", "sleep", "1000")
    cli("port", "add", "kept", "18090:80")
    engine.restart_after_kill()
    ports = json.loads(cli.out("inspect", "-f", "{{json .NetworkSettings.Ports}}", "kept"))
    assert {one["HostPort"] for one in ports["80/tcp"]} == {"18090"}
    cli("port", "rm", "kept", "18090:80")
    assert not engine.inspect("kept")["NetworkSettings"]["Ports"].get("80/tcp")
