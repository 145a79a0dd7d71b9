"""macvlan and ipvlan with what this guest's kernel has and many others lack: ipvlan, VLANs, dummy interfaces."""

import pytest

pytestmark = [pytest.mark.skiff_only, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def without_networks(engine, skiff):
    """What a failed test left does not fail the next."""
    yield
    engine.remove_containers()
    skiff("network", "prune", "-f")


@pytest.fixture
def parent(engine):
    assert engine.run("ip", "link", "add", "lan0", "type", "dummy").returncode == 0
    engine.run("ip", "link", "set", "lan0", "up")
    yield "lan0"
    engine.run("ip", "link", "delete", "lan0")


def link(engine, container: str, *words: str) -> str:
    pid = engine.inspect(container)["State"]["Pid"]
    return engine.run("nsenter", f"--net=/proc/{pid}/ns/net", "ip", *words).stdout


def pair(engine, skiff, network: str) -> str:
    """Two containers; the second is reached from the first. Returns what the first's interface is."""
    for name in ("one", "two"):
        skiff("run", "-d", "--name", name, "--network", network, "busybox", "sleep", "1000")
    address = engine.inspect("two")["NetworkSettings"]["Networks"][network]["IPAddress"]
    skiff("exec", "one", "ping", "-c", "1", "-W", "30", address)
    shown = link(engine, "one", "-d", "link", "show", "eth0")
    skiff("rm", "-f", "one", "two")
    return shown


@pytest.mark.parametrize("mode", ["l2", "l3", "l3s"])
def test_ipvlan_in_every_mode(engine, skiff, parent, mode):
    skiff("network", "create", "-d", "ipvlan", "-o", f"parent={parent}", "-o", f"ipvlan_mode={mode}",
          "--subnet", "192.0.2.0/24", "ip")
    assert f"ipvlan  mode {mode}" in pair(engine, skiff, "ip")
    skiff("network", "rm", "ip")


def test_an_ipvlan_has_its_parents_address_and_no_other(engine, skiff, parent):
    skiff("network", "create", "-d", "ipvlan", "-o", f"parent={parent}", "--subnet", "192.0.2.0/24", "ip")
    refused = skiff("run", "--network", "ip", "--mac-address", "02:42:00:00:00:09", "busybox", "true", status=125)
    assert "ipvlan interfaces do not support custom mac address assignment" in refused.stderr
    refused = skiff("network", "create", "-d", "ipvlan", "-o", f"parent={parent}", "-o", "ipvlan_mode=l3",
                    "--subnet", "198.51.100.0/24", "other", status=1)
    assert "network ip is already using parent interface lan0" in refused.stderr
    skiff("network", "rm", "ip")


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan"])
def test_a_vlan_is_made_for_its_networks_and_goes_with_the_last(engine, skiff, parent, driver):
    options = ["-d", driver, "-o", f"parent={parent}.50"]
    skiff("network", "create", *options, "--subnet", "192.0.2.0/24", "first")
    skiff("network", "create", *options, "--subnet", "198.51.100.0/24", "second")
    made = engine.run("ip", "-d", "link", "show", f"{parent}.50").stdout
    assert "vlan protocol 802.1Q id 50" in made and "UP" in made
    assert driver in pair(engine, skiff, "first")
    skiff("network", "rm", "first")
    assert engine.run("ip", "link", "show", f"{parent}.50").returncode == 0
    skiff("network", "rm", "second")
    assert engine.run("ip", "link", "show", f"{parent}.50").returncode != 0


def test_a_vlan_that_was_there_stays(engine, skiff, parent):
    engine.run("ip", "link", "add", "link", parent, "name", f"{parent}.7", "type", "vlan", "id", "7")
    skiff("network", "create", "-d", "macvlan", "-o", f"parent={parent}.7", "--subnet", "192.0.2.0/24", "lan")
    skiff("network", "rm", "lan")
    assert engine.run("ip", "link", "show", f"{parent}.7").returncode == 0


def test_a_network_without_a_parent_stands_on_a_dummy(engine, skiff):
    skiff("network", "create", "-d", "macvlan", "closed")
    assert "dm-" in engine.run("ip", "-o", "link", "show", "type", "dummy").stdout
    assert "macvlan" in pair(engine, skiff, "closed")
    skiff("network", "rm", "closed")
    assert "dm-" not in engine.run("ip", "-o", "link").stdout


def test_networks_come_back_with_the_daemon(engine, skiff, parent):
    skiff("network", "create", "-d", "macvlan", "-o", f"parent={parent}.60", "--subnet", "192.0.2.0/24", "lan")
    engine.kill()
    # As after a reboot: what was made is gone.
    engine.run("ip", "link", "delete", f"{parent}.60")
    engine.start()
    assert "macvlan" in pair(engine, skiff, "lan")
    skiff("network", "rm", "lan")
    assert engine.run("ip", "link", "show", f"{parent}.60").returncode != 0
