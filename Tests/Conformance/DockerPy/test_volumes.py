"""docker-py's volume interface, as it comes from PyPI."""

import docker
import pytest
from docker.errors import APIError, NotFound
from docker.types import Mount

from harness import settings


@pytest.fixture
def client(daemon):
    connection = docker.DockerClient(base_url=daemon.host, timeout=int(60 * settings.PATIENCE))
    yield connection
    daemon.remove_containers()
    for volume in connection.volumes.list():
        volume.remove(force=True)
    connection.close()


def test_life_of_a_volume(client):
    volume = client.volumes.create("py", driver="local", labels={"a": "1"},
                                   driver_opts={"type": "tmpfs", "device": "tmpfs", "o": "size=1m"})
    assert volume.attrs["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    assert client.volumes.get("py").attrs == volume.attrs
    client.volumes.create("other")
    assert [one.name for one in client.volumes.list(filters={"label": "a=1"})] == ["py"]
    container = client.containers.run("busybox", ["sleep", "1000"], detach=True, volumes={"py": {"bind": "/v", "mode": "rw"}})
    assert [one.name for one in client.volumes.list(filters={"dangling": True})] == ["other"]
    assert "1024" in container.exec_run(["df", "/v"]).output.decode()
    with pytest.raises(APIError) as caught:
        volume.remove()
    assert caught.value.status_code == 409 and container.id in caught.value.explanation
    container.remove(force=True)
    volume.remove()
    with pytest.raises(NotFound):
        client.volumes.get("py")
    with pytest.raises(NotFound):
        volume.remove()


def test_a_mount_keeps_what_is_written(client):
    mount = Mount("/v", "kept", type="volume", labels={"made": "by-mount"})
    client.containers.run("busybox", ["sh", "-c", "echo 1 > /v/x"], mounts=[mount], remove=True)
    assert client.volumes.get("kept").attrs["Labels"] == {"made": "by-mount"}
    assert client.containers.run("busybox", ["cat", "/v/x"], mounts=[mount], remove=True) == b"1\n"


def test_prune_and_disk_usage(client):
    client.volumes.create("named")
    anonymous = client.volumes.create()
    usage = {one["Name"]: one["UsageData"] for one in client.df()["Volumes"]}
    assert usage["named"]["RefCount"] == 0 and usage[anonymous.name]["Size"] >= 0
    assert client.volumes.prune()["VolumesDeleted"] == [anonymous.name]
    assert client.volumes.prune(filters={"all": True})["VolumesDeleted"] == ["named"]
