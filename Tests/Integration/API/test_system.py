"""_ping, version, info, negotiation and errors."""

import json
import socket

import pytest

from harness import settings
from harness.engine import UnixHTTPConnection


def test_ping_and_its_headers(daemon):
    for method in ("GET", "HEAD"):
        answer = daemon.api(method, "/_ping")
        assert answer.status == 200 and answer.body == (b"OK" if method == "GET" else b"")
        assert answer.headers["Ostype"] == "linux" and answer.headers["Docker-Experimental"] == "false"
        assert answer.headers["Api-Version"]
        assert "no-cache" in answer.headers["Cache-Control"]


@pytest.mark.skiff_only
def test_the_version_of_the_interface(daemon):
    answer = daemon.api("GET", "/_ping")
    assert answer.headers["Api-Version"] == "1.51" and answer.headers["Builder-Version"] == "1"


def test_every_path_works_with_and_without_a_version(daemon):
    for prefix in ("", "/v1.24", "/v1.30", "/v1.40", "/v1.41"):
        assert daemon.api("GET", f"{prefix}/version").status == 200
        assert daemon.api("GET", f"{prefix}/containers/json").json == []


@pytest.mark.skiff_only
def test_versions_out_of_range_are_refused(daemon):
    answer = daemon.api("GET", "/v1.99/version")
    assert answer.status == 400
    assert answer.message == "client version 1.99 is too new. Maximum supported API version is 1.51"
    answer = daemon.api("GET", "/v1.12/version")
    assert answer.status == 400
    assert answer.message.startswith("client version 1.12 is too old. Minimum supported API version is 1.24")
    assert daemon.api("GET", "/v1.51/version").status == 200


def test_version_lists_the_components(daemon):
    facts = daemon.api("GET", "/version").json
    components = {one["Name"]: one for one in facts["Components"]}
    assert {"Engine", "containerd", "runc"} <= set(components)
    assert set(components) & {"docker-init", "init"}
    assert facts["Os"] == "linux" and facts["Arch"] in ("amd64", "arm64") and facts["ApiVersion"]
    details = components["Engine"]["Details"]
    for key in ("ApiVersion", "Arch", "BuildTime", "Experimental", "GitCommit", "KernelVersion", "MinAPIVersion", "Os"):
        assert isinstance(details[key], str), key


def test_info(daemon):
    facts = daemon.api("GET", "/info").json
    assert facts["Driver"] == "overlay2" and facts["OSType"] == "linux" and facts["NCPU"] >= 1
    assert facts["MemTotal"] > 1 << 20 and facts["DefaultRuntime"] == "runc" and "runc" in facts["Runtimes"]
    assert facts["DockerRootDir"] == str(daemon.data_root)
    assert facts["CgroupDriver"] in ("cgroupfs", "systemd") and facts["CgroupVersion"] in ("1", "2")
    assert facts["Containers"] == 0 and facts["Images"] >= 1
    assert facts["LoggingDriver"] == "json-file" and any("seccomp" in one for one in facts["SecurityOptions"])
    assert {"bridge", "host", "null"} <= set(facts["Plugins"]["Network"])


def test_info_counts_by_state(daemon):
    cli = daemon.cli()
    cli("create", "busybox")
    cli("run", "-d", "busybox", "sleep", "100")
    paused = cli.out("run", "-d", "busybox", "sleep", "100")
    cli("pause", paused)
    facts = daemon.api("GET", "/info").json
    assert [facts[key] for key in ("Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped")] == \
        [3, 1, 1, 1]


def test_errors_are_json_with_a_message(daemon):
    answer = daemon.api("GET", "/nowhere")
    assert answer.status == 404 and answer.message == "page not found"
    answer = daemon.api("GET", "/containers/nobody/json")
    assert answer.status == 404 and answer.message == "No such container: nobody"
    assert answer.headers["Content-Type"].startswith("application/json")


def test_broken_bodies_are_refused(daemon):
    for body in (b"{", b"[]", b'{"Image": 5}', b'{"HostConfig": {"Memory": "much"}}'):
        answer = daemon.api("POST", "/containers/create", body, {"Content-Type": "application/json"})
        assert answer.status == 400 or settings.ENGINE != "skiff", (body, answer.status, answer.body)


def test_the_host_header_does_not_matter(daemon):
    for host in ("", "docker", "a:b:c", "%2Fvar%2Frun%2Fdocker.sock", "x" * 200):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(5)
        connection.connect(str(daemon.socket))
        connection.sendall(f"GET /_ping HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while more := connection.recv(4096):
            data += more
        if settings.ENGINE == "skiff":
            assert data.startswith(b"HTTP/1.1 200"), (host, data)


def test_one_connection_serves_many_requests(daemon):
    connection = UnixHTTPConnection(str(daemon.socket))
    for _ in range(50):
        connection.request("GET", "/containers/json")
        assert json.loads(connection.getresponse().read()) == []
    connection.close()


def test_garbage_does_not_hurt(daemon):
    for data in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /containers/create HTTP/1.1\r\n"
                 b"Content-Length: nine\r\n\r\n", b"x" * 100_000):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(5)
        connection.connect(str(daemon.socket))
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096)
        except OSError:
            pass
        connection.close()
    assert daemon.api("GET", "/_ping").status == 200
