"""Options of bridge networks, by real connections; and what each version of the interface shows."""

import pytest

from harness.traffic import Outside

pytestmark = pytest.mark.skiff_only
BRIDGE = "com.docker.network.bridge."


def test_without_communication_only_published_ports_are_reached(hosts):
    hosts.network("quiet", "10.95.1.0/24", "fd95:1::/64", Options={f"{BRIDGE}enable_icc": "false"})
    hosts.container("web", "quiet", {"80/tcp": 18080})
    other = hosts.container("other", "quiet")
    for version in (4, 6):
        assert other.fails_to_reach("tcp", hosts.address("web", "quiet", version), 80)
        assert other.reaches("tcp", Outside.HOST[version], 18080)


def test_without_masquerade_containers_keep_their_addresses(hosts):
    hosts.network("plain", "10.95.2.0/24", Options={f"{BRIDGE}enable_ip_masquerade": "false"})
    inside = hosts.container("inside", "plain")
    hosts.outside.serve(7000)
    hosts.outside.run("ip", "route", "add", "10.95.2.0/24", "via", Outside.HOST[4])
    assert inside.ask("tcp", Outside.ADDRESS[4], 7000, 20) == hosts.address("inside", "plain", 4)


def test_ports_are_bound_where_the_network_says(hosts):
    hosts.network("bound", "10.95.3.0/24", Options={f"{BRIDGE}host_binding_ipv4": "127.0.0.3"})
    hosts.container("web", "bound", {"80/tcp": 18080})
    assert {one["HostIp"] for one in hosts.engine.inspect("web")["NetworkSettings"]["Ports"]["80/tcp"]} == {"127.0.0.3"}
    assert hosts.host.reaches("tcp", "127.0.0.3", 18080)
    assert hosts.host.fails_to_reach("tcp", "127.0.0.1", 18080)


def test_a_routed_network_is_reached_at_its_published_ports(hosts):
    """Without translation: by the container's own address, and under the client's."""
    modes = {f"{BRIDGE}gateway_mode_ipv4": "routed", f"{BRIDGE}gateway_mode_ipv6": "routed"}
    hosts.network("routed", "10.95.4.0/24", "fd95:4::/64", Options=modes)
    web = hosts.container("web", "routed", {"80/tcp": 0})
    web.serve(81)
    hosts.outside.serve(7000)
    hosts.outside.run("ip", "route", "add", "10.95.4.0/24", "via", Outside.HOST[4])
    hosts.outside.run("ip", "-6", "route", "add", "fd95:4::/64", "via", Outside.HOST[6])
    for version in (4, 6):
        address = hosts.address("web", "routed", version)
        assert hosts.outside.ask("tcp", address, 80, 20) == Outside.ADDRESS[version]
        assert hosts.outside.fails_to_reach("tcp", address, 81)
        assert web.ask("tcp", Outside.ADDRESS[version], 7000, 20) == address


def test_an_isolated_network_knows_no_host(hosts):
    modes = {f"{BRIDGE}gateway_mode_ipv4": "isolated", f"{BRIDGE}gateway_mode_ipv6": "isolated"}
    hosts.network("alone", "10.95.5.0/24", "fd95:5::/64", Internal=True, Options=modes)
    one = hosts.container("one", "alone")
    hosts.container("two", "alone")
    for version in (4, 6):
        assert one.reaches("tcp", hosts.address("two", "alone", version), 80)
    assert "10.95.5." not in hosts.host.run("ip", "address") and "fd95:5:" not in hosts.host.run("ip", "address")


def test_a_network_of_ipv6_only(hosts):
    hosts.network("six", "fd95:6::/64", EnableIPv4=False)
    hosts.container("one", "six")
    two = hosts.container("two", "six")
    assert hosts.address("one", "six", 4) == "" and two.reaches("tcp", hosts.address("one", "six", 6), 80)
    assert hosts.engine.api("GET", "/v1.51/networks/six").json["EnableIPv4"] is False


def test_members_by_version(daemon, name):
    """What a version did not have is neither taken nor shown."""
    body = {"Name": name, "EnableIPv4": False, "EnableIPv6": True, "IPAM": {"Config": [{"Subnet": "fd95:7::/64"}]}}
    assert daemon.api("POST", "/v1.47/networks/create", body).status == 201
    facts = {version: daemon.api("GET", f"/v1.{version}/networks/{name}").json for version in (24, 41, 46, 47, 51)}
    assert ["EnableIPv4" in facts[version] for version in facts] == [False, False, False, True, True]
    assert facts[51]["EnableIPv4"] is True and len(facts[51]["IPAM"]["Config"]) == 2
    member = {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"NetworkMode": name},
              "NetworkingConfig": {"EndpointsConfig": {name: {"GwPriority": 7}}}}
    assert daemon.api("POST", f"/v1.47/containers/create?name={name}-old", member).status == 201
    assert daemon.api("POST", f"/v1.51/containers/create?name={name}-new", member).status == 201

    def endpoint(of: str, version: int) -> dict:
        return daemon.api("GET", f"/v1.{version}/containers/{name}-{of}/json").json["NetworkSettings"]["Networks"][name]
    assert endpoint("old", 51)["GwPriority"] == 0 and endpoint("new", 51)["GwPriority"] == 7
    assert ["GwPriority" in endpoint("new", version) for version in (24, 47, 48)] == [False, False, True]
    assert ["DNSNames" in endpoint("new", version) for version in (24, 43, 44)] == [False, False, True]
