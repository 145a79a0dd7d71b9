"""testcontainers, as it comes from PyPI. Its reaper is an image of its own and stays off."""

import urllib.request

import pytest
from testcontainers.core import config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy


@pytest.fixture(autouse=True)
def environment(daemon, nginx_image, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", daemon.host)
    monkeypatch.setattr(config.testcontainers_config, "ryuk_disabled", True)


def test_a_server_is_started_used_and_removed(daemon):
    waiting = LogMessageWaitStrategy("Launching nginx").with_startup_timeout(60)
    with DockerContainer("nginx").with_exposed_ports(80).with_env("A", "b").waiting_for(waiting) as container:
        address = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(80)}/"
        assert b"Welcome to nginx" in urllib.request.urlopen(address, timeout=20).read()
        assert container.exec(["printenv", "A"]).output == b"b\n"
        output, errors = container.get_logs()
        assert b"Launching nginx" in output + errors
        identifier = container.get_wrapped_container().id
    assert daemon.api("GET", f"/containers/{identifier}/json").status == 404
