"""docker-py's network interface, as it comes from PyPI."""

import docker
import pytest
from docker.errors import APIError, NotFound
from docker.types import EndpointConfig, IPAMConfig, IPAMPool

from harness import settings


@pytest.fixture
def client(daemon):
    connection = docker.DockerClient(base_url=daemon.host, timeout=int(60 * settings.PATIENCE))
    yield connection
    connection.close()


def test_life_of_a_network(client):
    pool = IPAMPool(subnet="10.93.0.0/24", gateway="10.93.0.254", iprange="10.93.0.128/25",
                    aux_addresses={"reserved": "10.93.0.130"})
    network = client.networks.create("py", driver="bridge", ipam=IPAMConfig(pool_configs=[pool]), labels={"a": "1"},
                                     options={"com.docker.network.driver.mtu": "1400"}, check_duplicate=True,
                                     attachable=True)
    assert network.attrs["IPAM"]["Config"] == [{
        "Subnet": "10.93.0.0/24", "IPRange": "10.93.0.128/25", "Gateway": "10.93.0.254",
        "AuxiliaryAddresses": {"reserved": "10.93.0.130"}}]
    assert [one.name for one in client.networks.list(names=["py"])] == ["py"]
    assert [one.id for one in client.networks.list(filters={"label": "a=1"}, greedy=True)] == [network.id]
    container = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="member")
    network.connect(container, ipv4_address="10.93.0.200", aliases=["one", "two"])
    network.reload()
    assert [one.name for one in network.containers] == ["member"]
    container.reload()
    endpoint = container.attrs["NetworkSettings"]["Networks"]["py"]
    assert endpoint["IPAddress"] == "10.93.0.200" and endpoint["IPAMConfig"] == {"IPv4Address": "10.93.0.200"}
    assert {"one", "two"} <= set(endpoint["Aliases"]) and endpoint["NetworkID"] == network.id
    with pytest.raises(APIError) as caught:
        network.remove()
    assert caught.value.status_code == 403
    network.disconnect(container)
    network.remove()
    with pytest.raises(NotFound):
        client.networks.get("py")


def test_a_container_created_on_a_network(client):
    client.networks.create("first", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet="10.93.1.0/24")]))
    config = {"first": EndpointConfig(client.api._version, aliases=["a"], ipv4_address="10.93.1.7")}
    container = client.containers.create("busybox", ["sleep", "1000"], network="first", networking_config=config)
    container.start()
    container.reload()
    assert container.attrs["NetworkSettings"]["Networks"]["first"]["IPAddress"] == "10.93.1.7"
    assert container.attrs["HostConfig"]["NetworkMode"] == "first"


def test_prune(client):
    made = [client.networks.create(f"pruned{number}") for number in range(2)]
    assert set(client.networks.prune()["NetworksDeleted"]) == {one.name for one in made}
    assert client.networks.prune()["NetworksDeleted"] is None


def test_duplicates_and_missing_ones(client):
    client.networks.create("twice")
    with pytest.raises(APIError) as caught:
        client.networks.create("twice", check_duplicate=True)
    assert caught.value.status_code in (403, 409) and "already exists" in caught.value.explanation
    with pytest.raises(NotFound):
        client.api.connect_container_to_network("nosuch", "twice")
    with pytest.raises(NotFound):
        client.api.connect_container_to_network("x", "nosuch")
    with pytest.raises(NotFound):
        client.api.remove_network("nosuch")
