"""`network create, ls, inspect, rm, prune, connect, disconnect`, and what `run` says about networks."""

import json
import re
import time

import pytest

from harness import settings
from harness.waiting import wait_for


def inspect(cli, network: str) -> dict:
    [facts] = json.loads(cli.out("network", "inspect", network))
    return facts


def interfaces(cli, name: str) -> dict[str, str]:
    """Each interface of a container with its IPv4 address."""
    lines = cli.out("exec", name, "ip", "-4", "-o", "addr").splitlines()
    return {line.split()[1]: line.split()[3] for line in lines}


def test_a_network_with_everything(cli, name):
    made = cli.out(
        "network", "create", "--subnet", "10.92.0.0/16", "--ip-range", "10.92.5.0/24", "--gateway", "10.92.0.254",
        "--aux-address", "router=10.92.5.0", "--aux-address", "x=10.92.5.1", "--label", "a=b", "--attachable",
        "-o", "com.docker.network.driver.mtu=1400", "-o", "com.docker.network.bridge.name=skt-named", name)
    facts = inspect(cli, name)
    assert re.fullmatch("[0-9a-f]{64}", made) and facts["Id"] == made and facts["Attachable"] and not facts["Internal"]
    assert facts["IPAM"]["Config"] == [{
        "Subnet": "10.92.0.0/16", "IPRange": "10.92.5.0/24", "Gateway": "10.92.0.254",
        "AuxiliaryAddresses": {"router": "10.92.5.0", "x": "10.92.5.1"}}]
    assert facts["Labels"] == {"a": "b"} and facts["Options"]["com.docker.network.driver.mtu"] == "1400"
    cli("run", "-d", "--name", f"{name}-one", "--network", name, "busybox", "sleep", "1000")
    # The first of the range that is neither the gateway's nor named.
    assert interfaces(cli, f"{name}-one")["eth0"] == "10.92.5.2/16"
    assert cli.out("exec", f"{name}-one", "cat", "/sys/class/net/eth0/mtu") == "1400"
    assert "default via 10.92.0.254" in cli.out("exec", f"{name}-one", "ip", "route")
    assert list(inspect(cli, name)["Containers"].values())[0]["IPv4Address"] == "10.92.5.2/16"
    assert "10.92.0.254/16" in cli.out(
        "run", "--rm", "--network", "host", "busybox", "ip", "-4", "addr", "show", "skt-named")


def test_networks_by_name_id_and_prefix(cli, name):
    made = cli.out("network", "create", name)
    assert cli.out("network", "inspect", "-f", "{{.Name}}", name, made, made[:10]) == "\n".join([name] * 3)
    shown = cli.out("network", "ls", "--filter", f"name={name}", "--format", "{{.ID}} {{.Name}} {{.Driver}} {{.Scope}}")
    assert shown == f"{made[:12]} {name} bridge local"
    assert cli.out("network", "ls", "-q", "--no-trunc", "--filter", f"id={made[:7]}") == made
    assert cli.out("network", "rm", made[:12]) == made[:12]
    assert f"network {name} not found" in cli("network", "inspect", name, status=1).stderr


def test_several_are_removed_and_every_failure_is_told(cli, name):
    cli("network", "create", f"{name}-a")
    cli("network", "create", f"{name}-b")
    done = cli("network", "rm", f"{name}-a", "nosuch", f"{name}-b", status=1)
    assert done.stdout.split() == [f"{name}-a", f"{name}-b"] and "network nosuch not found" in done.stderr
    assert cli("network", "rm", "-f", "nosuch").stderr == ""


def test_a_network_in_use_stays(cli, name):
    cli("network", "create", name)
    cli("run", "-d", "--name", f"{name}-one", "--network", name, "busybox", "sleep", "1000")
    assert "has active endpoints" in cli("network", "rm", name, status=1).stderr
    cli("network", "prune", "-f")
    assert inspect(cli, name)["Name"] == name
    cli("stop", "-t", "0", f"{name}-one")
    # As Docker: a container that does not run is none that uses it, and cannot start any more.
    cli("network", "rm", name)
    assert re.search("network [^ ]+ not found", cli("start", f"{name}-one", status=1).stderr)


def test_prune_and_its_filters(cli, name):
    for suffix, *options in (["a"], ["b", "--label", "keep"], ["c", "--label", "kind=x"]):
        cli("network", "create", *options, f"{name}-{suffix}")
    assert cli.out("network", "ls", "--filter", "dangling=true", "--filter", f"name={name}", "--format", "{{.Name}}") == \
        f"{name}-a\n{name}-b\n{name}-c"
    assert cli.out("network", "prune", "-f", "--filter", "label=kind=x") == f"Deleted Networks:\n{name}-c"
    assert cli.out("network", "prune", "-f", "--filter", "until=1h") == ""
    assert cli.out("network", "prune", "-f", "--filter", "label!=keep") == f"Deleted Networks:\n{name}-a"
    assert "WARNING! This will remove all custom networks" in cli.out("network", "prune", input="n\n")
    assert f"{name}-b" in cli.out("network", "prune", input="y\n")
    assert cli.out("network", "ls", "-q", "--filter", "type=custom") == ""


def test_system_prune_takes_networks(cli, name):
    cli("network", "create", "--label", "own", name)
    assert f"Deleted Networks:\n{name}\n" in cli.out("system", "prune", "-f", "--filter", "label=own")


def test_two_networks_joined_by_one_container(cli, name):
    """S084, S104: a second interface appears in the running container, and goes again."""
    front, back, web = f"{name}-front", f"{name}-back", f"{name}-web"
    cli("network", "create", "--subnet", "10.92.1.0/24", front)
    cli("network", "create", "--subnet", "10.92.2.0/24", back)
    cli("run", "-d", "--name", web, "--network", front, "busybox", "sleep", "1000")
    before = cli.out("inspect", "-f", "{{.State.Pid}}", web)
    cli("network", "connect", "--alias", "other", "--ip", "10.92.2.77", back, web)
    assert interfaces(cli, web) == {"lo": "127.0.0.1/8", "eth0": "10.92.1.2/24", "eth1": "10.92.2.77/24"}
    networks = json.loads(cli.out("inspect", "-f", "{{json .NetworkSettings.Networks}}", web))
    assert set(networks) == {front, back} and networks[back]["IPAMConfig"] == {"IPv4Address": "10.92.2.77"}
    assert "other" in networks[back]["Aliases"] and networks[back]["IPAddress"] == "10.92.2.77"
    assert "already exists in network" in cli("network", "connect", back, web, status=1).stderr
    cli("network", "disconnect", back, web)
    assert set(interfaces(cli, web)) == {"lo", "eth0"} and inspect(cli, back)["Containers"] == {}
    assert "is not connected to" in cli("network", "disconnect", back, web, status=1).stderr
    cli("network", "disconnect", front, web)
    assert set(interfaces(cli, web)) == {"lo"}
    cli("network", "connect", back, web)
    assert "10.92.2.2/24" in interfaces(cli, web).values()
    assert "default via 10.92.2.1" in cli.out("exec", web, "ip", "route")
    assert cli.out("inspect", "-f", "{{.State.Pid}}", web) == before


def test_connections_of_a_container_that_does_not_run(cli, name):
    one, two, web = f"{name}-one", f"{name}-two", f"{name}-web"
    cli("network", "create", "--subnet", "10.92.1.0/24", one)
    cli("network", "create", "--subnet", "10.92.2.0/24", two)
    cli("create", "--name", web, "--network", one, "busybox", "sleep", "1000")
    cli("network", "connect", "--ip", "10.92.2.9", two, web)
    assert inspect(cli, two)["Containers"] == {}
    cli("start", web)
    assert interfaces(cli, web) == {"lo": "127.0.0.1/8", "eth0": "10.92.1.2/24", "eth1": "10.92.2.9/24"}
    cli("restart", "-t", "0", web)
    assert interfaces(cli, web)["eth1"] == "10.92.2.9/24"
    cli("stop", "-t", "0", web)
    cli("network", "disconnect", two, web)
    cli("start", web)
    assert set(interfaces(cli, web)) == {"lo", "eth0"}


@pytest.mark.skiff_only
def test_run_on_several_networks(cli, name):
    one, two, web = f"{name}-one", f"{name}-two", f"{name}-web"
    cli("network", "create", "--subnet", "10.92.1.0/24", "--ipv6", "--subnet", "fd92:1::/64", one)
    cli("network", "create", "--subnet", "10.92.2.0/24", two)
    cli("run", "-d", "--name", web, "--network", f"name={one},ip=10.92.1.9,ip6=fd92:1::9,alias=a,mac-address=02:42:0a:5c:01:63",
        "--network", f"name={two},alias=b,gw-priority=1", "busybox", "sleep", "1000")
    assert interfaces(cli, web) == {"lo": "127.0.0.1/8", "eth0": "10.92.1.9/24", "eth1": "10.92.2.2/24"}
    assert "fd92:1::9/64" in cli.out("exec", web, "ip", "-6", "addr", "show", "eth0")
    assert cli.out("exec", web, "cat", "/sys/class/net/eth0/address") == "02:42:0a:5c:01:63"
    # The higher number gives the way out.
    assert "default via 10.92.2.1 dev eth1" in cli.out("exec", web, "ip", "route")
    networks = json.loads(cli.out("inspect", "-f", "{{json .NetworkSettings.Networks}}", web))
    assert networks[two]["GwPriority"] == 1 and networks[one]["MacAddress"] == "02:42:0a:5c:01:63"
    assert networks[one]["IPAMConfig"] == {"IPv4Address": "10.92.1.9", "IPv6Address": "fd92:1::9"}


def test_a_configuration_without_a_network_and_one_from_it(cli, name):
    cli("network", "create", "--config-only", "--subnet", "10.92.3.0/24", "--label", "a=b",
        "-o", "com.docker.network.driver.mtu=1300", f"{name}-config")
    assert inspect(cli, f"{name}-config")["ConfigOnly"] is True
    cli("network", "create", "--config-from", f"{name}-config", name)
    facts = inspect(cli, name)
    assert facts["ConfigFrom"] == {"Network": f"{name}-config"} and facts["IPAM"]["Config"][0]["Subnet"] == "10.92.3.0/24"
    assert cli.out("run", "--rm", "--network", name, "busybox", "cat", "/sys/class/net/eth0/mtu") == "1300"
    assert cli("run", "--rm", "--network", f"{name}-config", "busybox", "true", status=None).returncode == 125
    assert cli("network", "rm", f"{name}-config", status=1).stderr


def test_subnets_that_are_taken_are_named(cli, daemon, name):
    cli("network", "create", "--subnet", "10.92.4.0/24", name)
    assert "Pool overlaps with other one on this address space" in cli(
        "network", "create", "--subnet", "10.92.0.0/16", f"{name}-b", status=1).stderr
    assert f"network with name {name} already exists" in cli("network", "create", name, status=1).stderr
    assert "operation is not permitted on predefined bridge network" in cli("network", "create", "bridge", status=1).stderr
    assert "bridge is a pre-defined network and cannot be removed" in cli("network", "rm", "bridge", status=1).stderr


def test_internal_has_no_way_out(cli, name):
    cli("network", "create", "--internal", "--subnet", "10.92.5.0/24", name)
    if settings.ENGINE == "skiff":  # Docker 20.10 has a default route that leads nowhere.
        out = cli.out("run", "--rm", "--network", name, "busybox", "ip", "route")
        assert out.split()[0] == "10.92.5.0/24" and "default" not in out
    assert inspect(cli, name)["Internal"] is True


def test_host_none_and_containers_networks_are_not_joined(cli, name):
    cli("network", "create", name)
    for mode in ("host", "none"):
        cli("run", "-d", "--name", f"{name}-{mode}", "--network", mode, "busybox", "sleep", "1000")
        done = cli("network", "connect", name, f"{name}-{mode}", status=1)
        assert "cannot be connected to" in done.stderr or "cannot attach" in done.stderr, done.stderr
    cli("run", "-d", "--name", f"{name}-guest", "--network", f"container:{name}-none", "busybox", "sleep", "1000")
    assert cli("network", "connect", name, f"{name}-guest", status=1).stderr


@pytest.mark.parametrize("wrong", [
    ["--ip", "10.92.9.9"], ["--ip", "10.92.6.1"], ["--mac-address", "x"], ["--ip6", "fd00::5"]], ids=" ".join)
def test_addresses_that_cannot_be(cli, name, wrong):
    cli("network", "create", "--subnet", "10.92.6.0/24", name)
    assert cli("run", "--rm", "--network", name, *wrong, "busybox", "true", status=125).stderr


def test_events_of_networks(cli, daemon, name):
    since = f"{time.time():.6f}"
    cli("network", "create", name)
    cli("run", "-d", "--name", f"{name}-one", "busybox", "sleep", "1000")
    cli("network", "connect", name, f"{name}-one")
    cli("network", "disconnect", name, f"{name}-one")
    cli("network", "rm", name)

    def actions() -> list[str]:
        text = cli.out("events", "--since", since, "--until", f"{time.time():.6f}", "--filter", f"network={name}",
                       "--filter", "type=network", "--format", "{{.Action}}")
        return list(dict.fromkeys(text.split()))  # Docker 20.10 tells of an end twice.
    wait_for(lambda: "destroy" in actions(), 10, "the events")
    assert actions() == ["create", "connect", "disconnect", "destroy"]


@pytest.mark.skiff_only
def test_networks_survive_the_daemon(new_daemon):
    engine = new_daemon()
    cli = engine.cli("docker")
    cli("network", "create", "--subnet", "10.92.7.0/24", "--label", "a=b", "kept")
    cli("run", "-d", "--name", "one", "--network", "kept", "busybox", "sleep", "1000")
    cli("network", "connect", "bridge", "one")
    before = (inspect(cli, "kept"), interfaces(cli, "one"), engine.inspect("one")["NetworkSettings"])
    engine.restart_after_kill()
    assert (inspect(cli, "kept"), interfaces(cli, "one"), engine.inspect("one")["NetworkSettings"]) == before
    cli("network", "disconnect", "kept", "one")
    cli("network", "rm", "kept")
    engine.restart_after_kill()
    assert "not found" in cli("network", "inspect", "kept", status=1).stderr
