"""Networks and containers for tests of who reaches whom."""

import pytest

from harness.traffic import Namespace, Outside


class Hosts:
    """The engine's host, another machine, and containers by name, each with its network namespace."""

    def __init__(self, engine):
        self.engine = engine
        self.host = Namespace(engine.process.pid)
        self.outside = Outside(self.host)
        self.containers: dict[str, Namespace] = {}

    def network(self, name: str, *subnets: str, **members) -> dict:
        body = {"Name": name, "EnableIPv6": any(":" in one for one in subnets), **members}
        if subnets:
            body["IPAM"] = {"Config": [{"Subnet": one} for one in subnets]}
        answer = self.engine.api("POST", "/networks/create", body)
        assert answer.status == 201, answer.body
        return self.engine.api("GET", f"/networks/{name}").json

    def container(self, name: str, network: str = "bridge", ports: dict[str, int] | None = None, **members) -> Namespace:
        """`ports`: the host's by the container's, as {"80/tcp": 8080}. A server answers on the container's port 80."""
        bindings = {port: [{"HostIp": "", "HostPort": str(number)}] for port, number in (ports or {}).items()}
        body = {"Image": "busybox", "Cmd": ["sleep", "1000"],
                "HostConfig": {"NetworkMode": network, "PortBindings": bindings}, **members}
        answer = self.engine.api("POST", f"/containers/create?name={name}", body)
        assert answer.status == 201, answer.body
        answer = self.engine.api("POST", f"/containers/{name}/start")
        assert answer.status == 204, answer.body
        self.containers[name] = Namespace(self.engine.inspect(name)["State"]["Pid"])
        self.containers[name].serve(80)
        return self.containers[name]

    def settings(self, name: str, network: str) -> dict:
        return self.engine.inspect(name)["NetworkSettings"]["Networks"][network]

    def address(self, name: str, network: str, version: int) -> str:
        return self.settings(name, network)["IPAddress" if version == 4 else "GlobalIPv6Address"]

    def close(self) -> None:
        for one in self.containers.values():
            one.close()
        self.host.close()
        self.outside.close()


@pytest.fixture
def hosts(daemon):
    made = Hosts(daemon)
    yield made
    made.close()
