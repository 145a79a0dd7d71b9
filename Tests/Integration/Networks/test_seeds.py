"""The lines about networks of the documents that Skiff replaces, as they are written there."""

import json

import pytest

from harness import settings
from harness.waiting import wait_for


def test_the_walk_through(cli, daemon, nginx_image, name):
    """S079 to S084."""
    network = f"{name}-net"
    cli("network", "create", "--driver", "bridge", "--subnet", "10.10.0.0/24", "--gateway", "10.10.0.1", network)
    cli("run", "-d", "--name", f"{name}-web", "--network", network, "nginx")
    cli("run", "-d", "--name", f"{name}-existing", "busybox", "sleep", "1000")
    assert "NETWORK ID" in cli.out("network", "ls").splitlines()[0] and network in cli.out("network", "ls")
    cli("network", "connect", network, f"{name}-existing")
    [facts] = json.loads(cli.out("network", "inspect", network))
    assert facts["IPAM"]["Config"] == [{"Subnet": "10.10.0.0/24", "Gateway": "10.10.0.1"}]
    containers = {one["Name"]: one["IPv4Address"] for one in facts["Containers"].values()}
    assert containers == {f"{name}-web": "10.10.0.2/24", f"{name}-existing": "10.10.0.3/24"}
    shown = cli.out("exec", f"{name}-existing", "ip", "-o", "-4", "addr")
    assert "eth0" in shown and "eth1" in shown and "10.10.0.3/24" in shown
    wait_for(lambda: "Welcome to nginx" in daemon.curl("http://10.10.0.2/"), 20, "nginx at its own address")


def test_names_within_a_network_and_none_on_the_default_bridge(cli, debian_image, name):
    """S315 to S317, S413: by name in a network of one's own, by address only on the default bridge."""
    cli("network", "create", name)
    cli("run", "-d", "--name", f"{name}-db", "--network", name, "--network-alias", "database", debian_image, "sleep", "1000")
    cli("run", "-d", "--name", f"{name}-plain", debian_image, "sleep", "1000")

    def address(of: str, *network: str) -> str:
        done = cli("run", "--rm", *network, debian_image, "getent", "ahostsv4", of, status=None)
        return done.stdout.split()[0] if done.returncode == 0 else ""
    wanted = cli.out("inspect", "-f", f'{{{{(index .NetworkSettings.Networks "{name}").IPAddress}}}}', f"{name}-db")
    assert address(f"{name}-db", "--network", name) == wanted and address("database", "--network", name) == wanted
    quick = ("--dns-option", "timeout:1", "--dns-option", "attempts:1")
    assert address(f"{name}-db", *quick) == "" and address(f"{name}-plain", *quick) == ""
    # Whoever joins later knows the names at once.
    cli("network", "connect", name, f"{name}-plain")
    out = cli.out("exec", f"{name}-plain", "getent", "ahostsv4", "database")
    assert out.split()[0] == wanted


def test_isolation_of_two_networks(cli, hosts, name):
    """S317: no way from one bridge to another, but by a published port."""
    hosts.network(f"{name}-a")
    hosts.network(f"{name}-b")
    hosts.container(f"{name}-web", f"{name}-a", {"80/tcp": 18080})
    other = hosts.container(f"{name}-other", f"{name}-b")
    assert other.fails_to_reach("tcp", hosts.address(f"{name}-web", f"{name}-a", 4), 80)
    if settings.ENGINE == "skiff":
        assert other.reaches("tcp", hosts.outside.HOST[4], 18080)
        assert hosts.outside.reaches("tcp", hosts.outside.HOST[4], 18080)


def test_masquerade_to_the_outside(cli, hosts, name):
    """S318: a server elsewhere sees the host's address."""
    hosts.outside.serve(7000)
    network = hosts.network(name)
    inside = hosts.container(f"{name}-one", network["Name"])
    assert inside.ask("tcp", hosts.outside.ADDRESS[4], 7000, 20) == hosts.outside.HOST[4]


def test_none_cannot_be_joined_with_another(cli, name):
    """S223 to S226."""
    cli("network", "create", f"{name}-net")
    cli("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "1000")
    assert cli.out("exec", name, "ls", "/sys/class/net").split() == ["lo"]
    assert cli("network", "connect", f"{name}-net", name, status=1).stderr


@pytest.mark.skiff_only
def test_the_rule_is_visible(cli, daemon, name):
    """S049: the translation of a published port is there while the container runs, and not afterwards."""
    def rules() -> str:
        return daemon.run("nft", "list", "ruleset").stdout
    assert "18080" not in rules()
    cli("run", "-d", "--name", name, "-p", "18080:80", "busybox", "sleep", "1000")
    address = cli.out("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name)
    assert "18080" in rules() and f"{address} . 80" in rules()
    cli("stop", "-t", "0", name)
    wait_for(lambda: "18080" not in rules(), 10, "the end of the rule")


def test_an_overlay_is_refused_by_its_name(cli, name):
    """S228: without other hosts."""
    done = cli("network", "create", "-d", "overlay", name, status=1)
    assert "overlay" in done.stderr or "swarm manager" in done.stderr


def test_an_endpoint_without_a_network_mode(daemon, name):
    """S256: `EndpointsConfig` may name the bridge by itself."""
    answer = daemon.api("POST", f"/containers/create?name={name}", {
        "Image": "busybox", "Cmd": ["sleep", "1000"], "NetworkingConfig": {"EndpointsConfig": {"bridge": {}}}})
    assert answer.status == 201
    assert daemon.api("POST", f"/containers/{name}/start").status == 204
    assert list(daemon.inspect(name)["NetworkSettings"]["Networks"]) == ["bridge"]
