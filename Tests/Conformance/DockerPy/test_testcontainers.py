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


def test_folders_and_volumes(daemon, tmp_path):
    """The library's own option, which takes folders of the host and names of volumes."""
    (tmp_path / "index.html").write_text("from the host")
    tmp_path.chmod(0o755)
    waiting = LogMessageWaitStrategy("Launching nginx").with_startup_timeout(60)
    served = DockerContainer("nginx").with_exposed_ports(80).waiting_for(waiting)
    served.with_volume_mapping(str(tmp_path), "/usr/share/nginx/html", "ro").with_volume_mapping("kept-by-tests", "/kept", "rw")
    try:
        with served as container:
            address = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(80)}/"
            assert urllib.request.urlopen(address, timeout=20).read() == b"from the host"
            assert container.exec(["touch", "/usr/share/nginx/html/x"]).exit_code != 0
            assert container.exec(["touch", "/kept/x"]).exit_code == 0
        assert (daemon.data_root / "volumes/kept-by-tests/_data/x").exists()
    finally:
        daemon.remove_containers()
        daemon.api("DELETE", "/volumes/kept-by-tests?force=1")
