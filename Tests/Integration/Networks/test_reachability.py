"""Who reaches whom, and as whom he is seen, by real connections: over both versions of IP, TCP and UDP, and with the
bridges' packets passing the host's rules or not."""

import ipaddress
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import settings
from harness.traffic import Outside

PUBLISHED = 18080

#: From whom, to where, and as whom he is seen; None where nothing may arrive.
TABLE = {
    ("outside", "published"): "outside",
    ("host", "published"): "host",
    ("host", "localhost"): "gateway of one",
    ("host", "server"): "gateway of one",
    ("server", "published"): "gateway of one",
    ("server", "server"): "server",
    ("neighbour", "server"): "neighbour",
    ("neighbour", "published"): "gateway of one",
    ("stranger", "server"): None,
    ("stranger", "published"): "gateway of one",
    ("prisoner", "server"): None,
    ("prisoner", "published"): None,
    ("prisoner", "inmate"): "prisoner",
    ("host", "inmate"): "gateway of closed",
    ("stranger", "inmate"): None,
    ("neighbour", "inmate"): None,
    # With a route to the containers, past the published ports.
    ("outside", "server"): None,
    ("outside", "inmate"): None,
    ("server", "outside"): "host",
    ("stranger", "outside"): "host",
    ("prisoner", "outside"): None,
}
SUBNETS = {"one": ("10.91.1.0/24", "fd91:1::/64"), "two": ("10.91.2.0/24", "fd91:2::/64"),
           "closed": ("10.91.3.0/24", "fd91:3::/64")}
MEMBERS = {"server": "one", "neighbour": "one", "stranger": "two", "prisoner": "closed", "inmate": "closed"}


@pytest.fixture(params=[0, 1])
def netfilter(request, hosts):
    """Whether packets between the ports of a bridge pass the host's rules."""
    kinds = ("bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables")
    if not Path("/proc/sys/net", kinds[0]).exists():
        pytest.skip("this kernel has no br_netfilter")
    before = [hosts.host.run("cat", f"/proc/sys/net/{kind}").strip() for kind in kinds]
    for kind in kinds:
        hosts.host.setting(kind, str(request.param))
    yield request.param
    for kind, value in zip(kinds, before):
        hosts.host.setting(kind, value)


def make(hosts) -> None:
    for name, subnets in SUBNETS.items():
        hosts.network(name, *subnets, Internal=name == "closed")
    for name, network in MEMBERS.items():
        ports = {"80/tcp": PUBLISHED, "80/udp": PUBLISHED} if name == "server" else None
        hosts.container(name, network, ports)
    hosts.outside.serve(80)
    hosts.outside.run("ip", "route", "add", "10.91.0.0/16", "via", Outside.HOST[4])
    hosts.outside.run("ip", "-6", "route", "add", "fd91::/16", "via", Outside.HOST[6])


def names_of_addresses(hosts) -> dict[str, str]:
    names = {Outside.ADDRESS[4]: "outside", Outside.ADDRESS[6]: "outside", Outside.HOST[4]: "host", Outside.HOST[6]: "host"}
    for name, network in MEMBERS.items():
        for version in (4, 6):
            names[hosts.address(name, network, version)] = name
    for network, subnets in SUBNETS.items():
        for subnet in subnets:
            names[str(ipaddress.ip_network(subnet)[1])] = f"gateway of {network}"
    return names


def target(hosts, to: str, version: int) -> tuple[str, int]:
    if to == "published":
        return Outside.HOST[version], PUBLISHED
    if to == "localhost":
        return {4: "127.0.0.1", 6: "::1"}[version], PUBLISHED
    if to == "outside":
        return Outside.ADDRESS[version], 80
    return hosts.address(to, MEMBERS[to], version), 80


@pytest.mark.skiff_only
def test_the_matrix(hosts, netfilter):
    make(hosts)
    names = names_of_addresses(hosts)
    spaces = {"outside": hosts.outside, "host": hosts.host, **hosts.containers}

    def ask(row) -> str | None:
        version, protocol, (who, to) = row
        address, port = target(hosts, to, version)
        seconds = 1 if TABLE[who, to] is None else 15 * settings.PATIENCE
        seen = spaces[who].ask(protocol, address, port, seconds)
        return names.get(seen, seen)

    rows = [(version, protocol, pair) for version in (4, 6) for protocol in ("tcp", "udp") for pair in TABLE]
    with ThreadPoolExecutor(8) as pool:
        seen = dict(zip(rows, pool.map(ask, rows)))
    wrong = {row: answer for row, answer in seen.items() if answer != TABLE[row[2]]}
    assert wrong == {}


@pytest.mark.skipif(settings.ENGINE != "skiff", reason="Docker's proxy does not serve UDP clients of IPv6 as this one")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_clients_over_ipv6_of_a_container_without(hosts, protocol):
    """On the default bridge: they go through the forwarder."""
    hosts.container("plain", "bridge", {f"80/{protocol}": PUBLISHED})
    gateway = hosts.settings("plain", "bridge")["Gateway"]
    assert hosts.host.ask(protocol, "::1", PUBLISHED, 15 * settings.PATIENCE) == gateway
    assert hosts.outside.ask(protocol, Outside.HOST[6], PUBLISHED, 15 * settings.PATIENCE) == gateway
    assert hosts.outside.ask(protocol, Outside.HOST[4], PUBLISHED, 15 * settings.PATIENCE) == Outside.ADDRESS[4]


def test_two_networks_of_one_container(hosts):
    """What is asked on either is answered; the two networks still do not reach each other."""
    hosts.network("one", *SUBNETS["one"])
    hosts.network("two", *SUBNETS["two"])
    both = hosts.container("both", "one")
    assert hosts.engine.api("POST", "/networks/two/connect", {"Container": "both"}).status == 200
    left, right = hosts.container("left", "one"), hosts.container("right", "two")
    for version in (4, 6):
        for protocol in ("tcp", "udp"):
            assert left.reaches(protocol, hosts.address("both", "one", version), 80)
            assert right.reaches(protocol, hosts.address("both", "two", version), 80)
            assert both.reaches(protocol, hosts.address("left", "one", version), 80)
            assert both.reaches(protocol, hosts.address("right", "two", version), 80)
            if version == 4 or settings.ENGINE == "skiff":  # Docker 20.10 has no rules for IPv6.
                assert left.fails_to_reach(protocol, hosts.address("right", "two", version), 80)
