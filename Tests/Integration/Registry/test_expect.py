"""Clients that ask before they send a body (`Expect: 100-continue`)."""

import base64
import socket
import ssl

import pytest
from harness.registry import digest

CONTENT = b"a body that is sent only when it is asked for"
TOKEN = base64.b64encode(b"alice:secret").decode()


class Client:
    """Sends a head, and what comes back is read as it is."""

    def __init__(self, registry, certificate):
        plain = socket.create_connection((registry.address, registry.port), 60)
        if registry.scheme == "https":
            context = ssl.create_default_context(cafile=str(certificate[0]))
            plain = context.wrap_socket(plain, server_hostname=registry.address)
        self.socket = plain
        self.bytes = plain.makefile("rb")

    def head(self, method: str, target: str, **fields: str) -> None:
        lines = [f"{method} {target} HTTP/1.1", "Host: registry", *(f"{name}: {value}" for name, value in fields.items())]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self.bytes.readline().split()[1])
        fields = {}
        while line := self.bytes.readline().strip():
            name, value = line.decode().split(":", 1)
            fields[name.lower()] = value.strip()
        return status, fields, self.bytes.read(int(fields.get("content-length", 0)))


@pytest.fixture(params=["http", "https"])
def guarded(request, registries, passwords, certificate):
    flags = ["--htpasswd", str(passwords)]
    if request.param == "https":
        flags += ["--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1])]
    registry = registries(*flags, scheme=request.param)
    registry.session.verify = str(certificate[0])
    registry.session.auth = ("alice", "secret")
    return registry


def waiting(size: int, **more: str) -> dict[str, str]:
    return {"Content-Length": str(size), "Expect": "100-continue", **more}


@pytest.mark.parametrize("method, target", [
    ("POST", "/v2/a/blobs/uploads/?digest=" + digest(CONTENT)), ("PUT", "/v2/a/manifests/t"),
    ("PATCH", "/v2/a/blobs/uploads/3d5ef1f0-0000-4000-8000-000000000000"),
])
def test_a_refused_push_is_not_asked_for_its_body(guarded, certificate, method, target):
    client = Client(guarded, certificate)
    client.head(method, target, **waiting(1 << 40))
    status, fields, _ = client.answer()
    assert status == 401 and fields["connection"] == "close"
    # Nothing was sent, and nothing is waited for.
    assert client.bytes.read() == b""


def test_an_accepted_push_is_asked_for_its_body_and_goes_on(guarded, certificate):
    client = Client(guarded, certificate)
    for turn in range(2):
        content = CONTENT + bytes([turn])
        client.head("POST", f"/v2/a/blobs/uploads/?digest={digest(content)}",
                    **waiting(len(content), Authorization=f"Basic {TOKEN}"))
        assert client.answer()[0] == 100
        client.socket.sendall(content)
        assert client.answer()[0] == 201
        assert guarded.ask("GET", f"/v2/a/blobs/{digest(content)}", 200).content == content


def test_a_manifest_that_is_too_large_is_not_asked_for(guarded, certificate):
    client = Client(guarded, certificate)
    client.head("PUT", "/v2/a/manifests/t", **waiting(1 << 30, Authorization=f"Basic {TOKEN}"))
    assert client.answer()[0] == 413


def test_a_body_that_comes_unasked_is_no_request(guarded, certificate):
    """After a refusal the client may send its body all the same: none of it is taken for another request."""
    client = Client(guarded, certificate)
    smuggled = b"GET /v2/ HTTP/1.1\r\nHost: registry\r\nAuthorization: Basic " + TOKEN.encode() + b"\r\n\r\n"
    client.head("PUT", "/v2/a/manifests/t", **waiting(len(smuggled)))
    assert client.answer()[0] == 401
    try:
        client.socket.sendall(smuggled)
        assert client.bytes.read() == b""
    except OSError:
        pass  # The server has waited long enough and is gone.
