"""docker-py, as it comes from PyPI, against the daemon's socket."""

import io
import tarfile

import docker
import pytest
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound
from docker.types import DriverConfig, Mount

from harness import images, settings
from harness.waiting import wait_for


@pytest.fixture
def client(daemon):
    connection = docker.DockerClient(base_url=daemon.host, timeout=int(60 * settings.PATIENCE))
    yield connection
    connection.close()


def test_run_gives_the_output(client):
    assert client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\n"


def test_a_failing_program_raises_with_its_status(client):
    with pytest.raises(ContainerError) as caught:
        client.containers.run("busybox", ["sh", "-c", "echo wrong >&2; exit 3"], remove=True)
    assert caught.value.exit_status == 3 and caught.value.stderr == b"wrong\n"


def test_life_cycle(client):
    container = client.containers.create("busybox", ["sleep", "1000"], name="py", labels={"a": "1"},
                                         environment={"X": "y"}, mem_limit="64m", ports={"80/tcp": 18097})
    assert container.status == "created"
    container.start()
    container.reload()
    assert container.status == "running" and container.labels == {"a": "1"}
    assert container.ports["80/tcp"][0]["HostPort"] == "18097"
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.rename("py2")
    assert client.containers.get("py2").id == container.id
    container.restart(timeout=0)
    container.stop(timeout=0)
    assert container.wait()["StatusCode"] == 137
    container.remove()
    with pytest.raises(NotFound):
        client.containers.get("py2")


def test_exec(client):
    container = client.containers.run("busybox", ["sleep", "1000"], detach=True)
    assert container.exec_run(["sh", "-c", "echo out; exit 5"]) == (5, b"out\n")
    code, streams = container.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True)
    assert (code, streams) == (0, (b"out\n", b"err\n"))
    assert b"33" in container.exec_run("id -u", user="www-data").output
    lines = b"".join(container.exec_run(["seq", "1", "1000"], stream=True).output)
    assert lines.split()[-1] == b"1000"


def test_exec_over_a_socket(client):
    container = client.containers.run("busybox", ["sleep", "1000"], detach=True)
    _, stream = container.exec_run("cat", stdin=True, socket=True)
    raw = stream._sock
    raw.sendall(b"ping\n")
    raw.settimeout(10)
    assert raw.recv(100)[8:] == b"ping\n"
    raw.close()


def test_logs_and_their_stream(client):
    container = client.containers.run("busybox", ["sh", "-c", "echo one; echo two >&2; sleep 0.5; echo three"],
                                      detach=True)
    assert b"".join(container.logs(stream=True, follow=True)) == b"one\ntwo\nthree\n"
    assert container.logs(stdout=True, stderr=False) == b"one\nthree\n"
    assert container.logs(tail=1) == b"three\n"


def test_attach(client):
    container = client.containers.create("busybox", ["cat"], stdin_open=True)
    stream = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    stream._sock.sendall(b"hello\n")
    stream._sock.settimeout(10)
    assert stream._sock.recv(100)[8:] == b"hello\n"
    stream.close()


def test_top_inspect_list(client):
    container = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="listed")
    assert container.top()["Processes"][0][-1] == "sleep 1000"
    assert [one.name for one in client.containers.list()] == ["listed"]
    assert client.containers.list(filters={"status": "exited"}) == []


def test_images(client):
    loaded = client.images.load(images.archive("hello-world", "docker").read_bytes())
    assert loaded[0].tags == ["hello-world:latest"]
    assert loaded[0].tag("py/hello", "1")
    assert client.images.get("py/hello:1").id == loaded[0].id
    assert b"manifest.json" in b"".join(client.images.get("py/hello:1").save())
    client.images.remove("py/hello:1")
    client.images.remove("hello-world")
    with pytest.raises(ImageNotFound):
        client.images.get("hello-world")
    assert "busybox:latest" in [tag for one in client.images.list() for tag in one.tags]


def test_events(client):
    events = client.events(decode=True, filters={"event": "die"})
    container = client.containers.run("busybox", ["true"], detach=True)
    assert next(events)["Actor"]["ID"] == container.id
    events.close()
    wait_for(lambda: client.containers.get(container.id).status == "exited", 5)


def test_system(client):
    assert client.ping() is True
    assert client.version()["Os"] == "linux" and client.info()["Driver"] == "overlay2"
    with pytest.raises(APIError) as caught:
        client.containers.create("busybox", name="no/slash")
    assert caught.value.status_code == 400


def test_a_volume_without_a_source_is_anonymous(client, daemon):
    container = client.containers.create("busybox", ["sh", "-c", "echo kept > /data/x"], volumes=["/data"])
    [mount] = container.attrs["Mounts"]
    assert (mount["Type"], mount["Destination"], mount["RW"]) == ("volume", "/data", True) and len(mount["Name"]) == 64
    assert container.attrs["HostConfig"]["Binds"] == ["/data"]
    container.start()
    container.wait()
    with open(mount["Source"] + "/x") as file:
        assert file.read() == "kept\n"
    container.remove(v=True)
    for wrong in (["/data:ro"], ["data"]):
        with pytest.raises(APIError) as caught:
            client.api.create_container("busybox", "true", host_config={"Binds": wrong})
        assert caught.value.status_code == 400 and "invalid volume specification" in caught.value.explanation


def test_mounts(client, daemon, tmp_path):
    """Every kind of `docker.types.Mount`, and `volumes_from`."""
    (tmp_path / "f").write_text("host")
    mounts = [
        Mount("/bound", str(tmp_path), type="bind", read_only=True, propagation="rprivate"),
        Mount("/named", "py-mounts", type="volume", labels={"a": "b"}, no_copy=True),
        Mount("/opted", "py-opted", driver_config=DriverConfig("local", {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"})),
        Mount("/memory", "", type="tmpfs", tmpfs_size="2m", tmpfs_mode=0o1750),
    ]
    try:
        script = "cat /bound/f; echo; touch /bound/x 2>/dev/null || echo read-only; touch /named/x; grep -E ' /(opted|memory) ' /proc/mounts; stat -c %a /memory"
        first = client.containers.create("busybox", ["sh", "-c", script], mounts=mounts)
        first.start()
        assert first.wait()["StatusCode"] == 0
        lines = first.logs().decode().split("\n")
        assert lines[:2] == ["host", "read-only"] and lines[-2] == "1750"
        assert "size=1024k" in "".join(line for line in lines if " /opted " in line)
        assert "size=2048k" in "".join(line for line in lines if " /memory " in line)
        shown = {mount["Destination"]: mount for mount in first.attrs["Mounts"]}
        assert {name: mount["Type"] for name, mount in shown.items()} == {
            "/bound": "bind", "/named": "volume", "/opted": "volume", "/memory": "tmpfs"}
        assert client.volumes.get("py-mounts").attrs["Labels"] == {"a": "b"}
        assert client.volumes.get("py-opted").attrs["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
        out = client.containers.run("busybox", ["sh", "-c", "ls /named; touch /named/y || echo read-only"], remove=True,
                                    volumes_from=[f"{first.id}:ro"], stderr=True)
        assert out.split(b"\n")[0] == b"x" and b"read-only" in out
        with pytest.raises(APIError) as caught:
            client.containers.create("busybox", "true", mounts=[Mount("/x", "/no/such/place", type="bind")])
        assert caught.value.status_code == 400 and "bind source path does not exist" in caught.value.explanation
    finally:
        daemon.remove_containers()
        for volume in ("py-mounts", "py-opted"):
            daemon.api("DELETE", f"/volumes/{volume}?force=1")


def test_archives(client):
    container = client.containers.run("busybox", ["sleep", "1000"], detach=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("in.txt")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"text"))
    assert container.put_archive("/tmp", packed.getvalue())
    assert container.exec_run("cat /tmp/in.txt").output == b"text"
    pieces, status = container.get_archive("/tmp/in.txt")
    assert (status["name"], status["size"], status["linkTarget"]) == ("in.txt", 4, "")
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        assert tar.extractfile("in.txt").read() == b"text"
    with pytest.raises(NotFound):
        container.get_archive("/none")


def test_diff_export_and_commit(client):
    container = client.containers.run("busybox", ["sleep", "1000"], detach=True)
    container.exec_run("touch /new")
    assert {"Path": "/new", "Kind": 1} in container.diff()
    with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as tar:
        assert "new" in tar.getnames()
    image = container.commit("pymade", "1", message="why", author="who", changes="ENV A=b",
                             conf={"Cmd": ["ls", "/new"]})
    try:
        assert image.attrs["Comment"] == "why" and "A=b" in image.attrs["Config"]["Env"]
        assert client.containers.run("pymade:1", remove=True) == b"/new\n"
    finally:
        client.images.remove("pymade:1", force=True)
