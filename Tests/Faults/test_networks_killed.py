"""kill -9 of the daemon at any moment of a change of networks: what it says afterwards is what is there, and it works."""

import json
import random
import subprocess
import time

import pytest

from harness import settings
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only

KILLS = settings.short_or_long(8, 100)


@pytest.fixture
def engine(new_daemon):
    return new_daemon()


def interrupted(engine, *command: str) -> None:
    """Starts a command, and kills the daemon somewhere in the middle of it."""
    client = engine.cli("docker").popen(*command)
    time.sleep(random.uniform(0.0, 0.08))
    engine.restart_after_kill()
    client.communicate(timeout=60 * settings.PATIENCE)


def interfaces(cli, container: str) -> list[str]:
    listed = cli.out("exec", container, "ls", "/sys/class/net").split()
    return sorted(one for one in listed if one.startswith("eth"))


def reaches(cli, container: str, address: str) -> bool:
    return cli("exec", container, "ping", "-c", "1", "-w", "2", address, status=None).returncode == 0


def networks_of(engine, container: str) -> dict:
    return engine.inspect(container)["NetworkSettings"]["Networks"]


def host_links(engine) -> list[str]:
    return [line.split()[0].split("@")[0] for line in engine.run("ip", "-br", "link").stdout.splitlines()]


def test_connect_and_disconnect_are_done_or_not_done(engine):
    cli = engine.cli("docker")
    cli("network", "create", "side")
    cli("run", "-d", "--name", "peer", "--network", "side", "busybox", "sleep", "1000")
    cli("run", "-d", "--name", "web", "-p", "18080:80", "busybox", "sleep", "1000")
    before = engine.inspect("web")["State"]["Pid"]
    peer = networks_of(engine, "peer")["side"]["IPAddress"]
    for number in range(KILLS):
        verb = "disconnect" if "side" in networks_of(engine, "web") else "connect"
        interrupted(engine, "network", verb, "side", "web")
        connected = networks_of(engine, "web")
        # What is told is what the container has, and what it has works.
        wait_for(lambda: len(interfaces(cli, "web")) == len(connected), 10, f"{len(connected)} interfaces")
        wait_for(lambda: reaches(cli, "web", peer) == ("side" in connected), 10, f"{verb} {number}")
        assert set(connected) in ({"bridge"}, {"bridge", "side"})
        assert engine.inspect("web")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"] == "18080"
        assert engine.inspect("web")["State"]["Pid"] == before
        default = cli.out("exec", "web", "ip", "route").splitlines()[0]
        assert default.startswith("default via") and "eth0" in default
    cli("rm", "-f", "web", "peer")
    cli("network", "rm", "side")
    wait_for(lambda: not [one for one in host_links(engine) if one.startswith(("veth", "br-"))], 10,
             "the interfaces' end")


def test_networks_are_made_and_removed_whole(engine):
    cli = engine.cli("docker")
    for _ in range(KILLS):
        exists = "half" in cli.out("network", "ls", "--format", "{{.Name}}").split()
        interrupted(engine, "network", *(["rm", "half"] if exists else ["create", "half"]))
        names = cli.out("network", "ls", "--format", "{{.Name}}").split()
        bridges = [one for one in host_links(engine) if one.startswith("br-")]
        if "half" in names:
            identifier = json.loads(cli.out("network", "inspect", "half"))[0]["Id"]
            assert bridges == [f"br-{identifier[:12]}"]
            cli("run", "--rm", "--network", "half", "busybox", "true")
        else:
            wait_for(lambda: not [one for one in host_links(engine) if one.startswith("br-")], 10,
                     "the end of the bridge")
    cli("network", "prune", "-f")


def test_ports_that_change_are_published_or_not(engine):
    cli = engine.cli("skiff")
    cli("run", "-d", "--name", "web", "busybox", "sh", "-c", "while :; do echo hello | nc -l -p 80; done")
    for _ in range(KILLS):
        published = engine.inspect("web")["NetworkSettings"]["Ports"].get("80/tcp")
        verb = "rm" if published else "add"
        client = cli.popen("port", verb, "web", "18080:80")
        time.sleep(random.uniform(0.0, 0.05))
        engine.restart_after_kill()
        client.communicate(timeout=60 * settings.PATIENCE)
        published = engine.inspect("web")["NetworkSettings"]["Ports"].get("80/tcp")
        answer = engine.run("sh", "-c", "nc -w 2 127.0.0.1 18080 </dev/null")
        assert (answer.stdout == "hello\n") == bool(published), (published, answer)
    cli("rm", "-f", "web")


def test_bridges_and_interfaces_deleted_by_hand_are_back_after_a_restart(engine):
    cli = engine.cli("docker")
    cli("network", "create", "side")
    cli("run", "-d", "--name", "peer", "--network", "side", "busybox", "sleep", "1000")
    cli("run", "-d", "--name", "web", "--network", "side", "busybox", "sleep", "1000")
    bridge = next(one for one in host_links(engine) if one.startswith("br-"))
    for victim in (bridge, next(one for one in host_links(engine) if one.startswith("veth"))):
        engine.run("ip", "link", "del", victim)
        engine.restart_after_kill()
        for one, other in (("web", "peer"), ("peer", "web")):
            address = networks_of(engine, other)["side"]["IPAddress"]
            wait_for(lambda: reaches(cli, one, address), 10, f"{one} to {other}")
    cli("rm", "-f", "web", "peer")
    cli("network", "rm", "side")


def test_a_container_that_ends_while_its_networks_change_leaves_nothing(engine):
    docker, skiff = engine.cli("docker"), engine.cli("skiff")
    docker("network", "create", "side")
    docker("create", "--name", "web", "busybox", "sleep", "1000")
    for number in range(settings.short_or_long(12, 200)):
        docker("start", "web")
        connected = "side" in networks_of(engine, "web")
        changes = [
            docker.popen("network", "disconnect" if connected else "connect", "side", "web"),
            skiff.popen("port", "rm" if engine.inspect("web")["HostConfig"]["PortBindings"] else "add", "web", "18080:80")]
        time.sleep(random.uniform(0.0, 0.06))
        docker("kill", "web", status=None)
        for one in changes:
            one.communicate(timeout=60 * settings.PATIENCE)
        wait_for(lambda: engine.inspect("web")["State"]["Status"] == "exited", 10, f"the end {number}")
        assert not any(one["IPAddress"] for one in networks_of(engine, "web").values())
        wait_for(lambda: not [one for one in host_links(engine) if one.startswith("veth")], 10, "the interfaces' end")
        # Nobody holds the port, and nothing is translated.
        docker("run", "--rm", "-p", "18080:80", "busybox", "true")
        assert "18080" not in engine.run("nft", "list", "ruleset").stdout
    docker("rm", "web")
    docker("network", "rm", "side")
