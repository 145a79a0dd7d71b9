"""Collection, crashes, the end, metrics, the access log, and copies of another registry."""

import os
import random
import signal
import socket
import ssl
import threading

import pytest
import requests
from harness import settings
from harness.registry import digest
from harness.waiting import wait_for


def files(registry) -> set[str]:
    return {name for _, _, names in os.walk(registry.folder / "root/blobs") for name in names}


def test_collector_takes_what_nobody_uses(registries):
    registry = registries("--grace", "0s", "--upload-timeout", "0s", "--collect-untagged", "--collect-interval", "0")
    kept = registry.push_image("a", "kept", b"kept")
    gone = registry.push_image("a", "gone", b"gone")
    subject = {"mediaType": "x", "digest": gone, "size": 1}
    registry.push_image("a", "signature", b"signature", {"subject": subject})
    registry.ask("DELETE", "/v2/a/manifests/signature", 202)
    orphan = registry.push_blob("a", b"orphan")
    registry.ask("PATCH", registry.begin("a"), 202, data=b"unfinished")
    registry.collect()
    assert registry.error("GET", f"/v2/a/blobs/{orphan}", 404) == "BLOB_UNKNOWN"
    assert len(registry.ask("GET", f"/v2/a/referrers/{gone}", 200).json()["manifests"]) == 1
    registry.ask("DELETE", "/v2/a/manifests/gone", 202)
    registry.collect()
    assert registry.ask("GET", f"/v2/a/referrers/{gone}", 200).json()["manifests"] == []
    registry.ask("GET", f"/v2/a/manifests/{kept}", 200)
    registry.ask("GET", f"/v2/a/blobs/{digest(b'kept')}", 200)
    config = digest(b'{"architecture":"amd64","os":"linux"}')
    assert files(registry) == {name.split(":")[1] for name in (config, digest(b"kept"))}
    assert os.listdir(registry.folder / "root/uploads") == []


def test_grace_keeps_what_is_being_pushed(registry):
    name = registry.push_blob("a", b"a layer whose manifest is still to come")
    registry.collect()
    registry.ask("HEAD", f"/v2/a/blobs/{name}", 200)


def test_collection_under_pushes_breaks_no_image(registries):
    """Without any grace a push may be refused, but what was accepted is whole."""
    registry = registries("--grace", "0s", "--collect-untagged", "--collect-interval", "0")
    accepted: list[tuple[str, bytes]] = []
    lock = threading.Lock()

    def push(number: int) -> None:
        for turn in range(15):
            # The same few layers again and again, so that one's push meets another's removal.
            layer = f"layer {(number + turn) % 4}".encode() * 1000
            tag = f"t{number}-{turn}"
            try:
                registry.push_image(f"r{number}", tag, layer)
            except AssertionError as error:
                assert "MANIFEST_BLOB_UNKNOWN" in str(error), error
                continue
            if turn % 3 == 0:
                registry.ask("DELETE", f"/v2/r{number}/manifests/{tag}", 202)
            else:
                with lock:
                    accepted.append((f"/v2/r{number}", tag))
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            push(number)
        except BaseException as error:
            failures.append(error)
    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        registry.collect()
    assert not failures, failures
    registry.collect()
    for path, tag in accepted:
        manifest = registry.ask("GET", f"{path}/manifests/{tag}", 200).json()
        for part in [manifest["config"], *manifest["layers"]]:
            assert digest(registry.ask("GET", f"{path}/blobs/{part['digest']}", 200).content) == part["digest"]


def test_kill_dash_nine_leaves_no_wrong_content(registry):
    generator = random.Random(1)
    known: set[str] = set()
    for turn in range(6):
        contents = [generator.randbytes(generator.randrange(1, 400_000)) for _ in range(4)]

        def push(content: bytes) -> None:
            try:
                known.add(registry.push_blob("a", content))
            except (AssertionError, requests.RequestException):
                pass  # The server was killed.
        threads = [threading.Thread(target=push, args=(content,)) for content in contents]
        for thread in threads:
            thread.start()
        if turn % 2:
            threads[0].join()
        registry.kill()
        for thread in threads:
            thread.join()
        registry.start()
        for content in contents:
            answer = registry.ask("GET", f"/v2/a/blobs/{digest(content)}")
            assert answer.content == content if answer.status_code == 200 else answer.status_code == 404
        for name in known:
            registry.ask("HEAD", f"/v2/a/blobs/{name}", 200)
    registry.stop()
    registry.flags = ("--grace", "0s", "--upload-timeout", "0s")
    registry.start()
    registry.collect()
    assert files(registry) == set() and os.listdir(registry.folder / "root/uploads") == []


def test_pushes_deletions_and_collections_under_kill_dash_nine(registries):
    """Whatever is interrupted where: a tag that can be read leads to an image that is whole, and what is left over when
    everything has been deleted is nothing."""
    flags = ("--grace", "0s", "--collect-untagged", "--collect-interval", "0")
    registry = registries(*flags)
    generator = random.Random(7)
    layers = [generator.randbytes(generator.randrange(1, 200_000)) for _ in range(5)]
    repositories = ["a", "b/c"]

    def disturb(seed: int, stop: threading.Event) -> None:
        own = random.Random(seed)
        while not stop.is_set():
            name, tag = own.choice(repositories), f"t{own.randrange(4)}"
            try:
                if own.random() < 0.65:
                    registry.push_image(name, tag, own.choice(layers))
                else:
                    registry.ask("DELETE", f"/v2/{name}/manifests/{tag}")
            except (AssertionError, requests.RequestException):
                pass  # Killed, or its layers were collected in the middle: refused, which is right.

    for turn in range(settings.short_or_long(6, 60)):
        stop = threading.Event()
        threads = [threading.Thread(target=disturb, args=(turn * 10 + number, stop)) for number in range(3)]
        for thread in threads:
            thread.start()
        # A collection at work, or just begun, when the end comes.
        registry.collect()
        registry.process.send_signal(signal.SIGUSR1)
        if turn % 2:
            wait_for(lambda: registry.ask("GET", "/v2/_catalog").status_code == 200, 30)
        registry.kill()
        stop.set()
        for thread in threads:
            thread.join()
        registry.start()
        check_everything(registry)
    for name in registry.ask("GET", "/v2/_catalog", 200).json()["repositories"]:
        for tag in tags(registry, name):
            registry.ask("DELETE", f"/v2/{name}/manifests/{tag}", 202)
    registry.stop()
    registry.flags = (*flags, "--upload-timeout", "0s")
    registry.start()
    registry.collect()
    assert files(registry) == set() and os.listdir(registry.folder / "root/uploads") == []


def tags(registry, name: str) -> list[str]:
    answer = registry.ask("GET", f"/v2/{name}/tags/list")
    return answer.json()["tags"] if answer.status_code == 200 else []


def check_everything(registry) -> None:
    for name in registry.ask("GET", "/v2/_catalog", 200).json()["repositories"]:
        for tag in tags(registry, name):
            manifest = registry.ask("GET", f"/v2/{name}/manifests/{tag}", 200).json()
            for part in [manifest["config"], *manifest["layers"]]:
                content = registry.ask("GET", f"/v2/{name}/blobs/{part['digest']}", 200).content
                assert digest(content) == part["digest"] and len(content) == part["size"]


def test_a_link_in_the_store_leads_nowhere(registry, tmp_path):
    """Who can write into the store can do worse; a restored backup with links in it must not serve other files."""
    name = registry.push_blob("a", b"content")
    secret = tmp_path / "secret"
    secret.write_text("content")
    path = next((registry.folder / "root/blobs").rglob(name.split(":")[1]))
    path.unlink()
    path.symlink_to(secret)
    answer = registry.ask("GET", f"/v2/a/blobs/{name}", 500)
    assert b"content" != answer.content and str(registry.folder).encode() not in answer.content


def test_a_damaged_blob_is_repaired_by_a_push(registry):
    content = b"content" * 20_000
    name = registry.push_blob("a", content)
    path = next((registry.folder / "root/blobs").rglob(name.split(":")[1]))
    os.truncate(path, 100)
    registry.push_blob("a", content)
    assert registry.ask("GET", f"/v2/a/blobs/{name}", 200).content == content


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_client_that_takes_nothing_is_left(registries, certificate, scheme):
    """Whoever asks for a large blob and does not read it keeps neither connection nor file for ever."""
    tls = ["--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1])] if scheme == "https" else []
    registry = registries(*tls, scheme=scheme)
    registry.session.verify = str(certificate[0])
    name = registry.push_blob("a", bytes(32 << 20))
    registry.stop()
    registry.flags = (*tls, "--idle-timeout", "5s")
    registry.start()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    sock.connect((registry.address, registry.port))
    if tls:
        sock = ssl.create_default_context(cafile=str(certificate[0])).wrap_socket(sock, server_hostname=registry.address)
    sock.sendall(f"GET /v2/a/blobs/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert sock.recv(4) == b"HTTP"
    blob = name.split(":")[1]
    files = f"/proc/{registry.process.pid}/fd"

    def reads_blob() -> bool:
        for number in os.listdir(files):
            try:
                if os.readlink(f"{files}/{number}").endswith(blob):
                    return True
            except FileNotFoundError:
                pass
        return False
    wait_for(lambda: not reads_blob(), 120, "the end of the connection")
    sock.close()


def test_lists_have_an_end(registry):
    for number in (0, 1, 2):
        registry.push_image("a", f"t{number}")
    assert registry.ask("GET", "/v2/a/tags/list?n=999999999", 200).json()["tags"] == ["t0", "t1", "t2"]


def test_sigterm_lets_a_request_end(registry):
    location = registry.begin("a")
    content = b"y" * 100_000
    with socket.create_connection(("127.0.0.1", registry.port)) as client:
        client.sendall(f"PUT {location}?digest={digest(content)} HTTP/1.1\r\nHost: x\r\n"
                       f"Content-Length: {len(content)}\r\n\r\n".encode() + content[:50_000])
        uploads = registry.folder / "root/uploads"
        wait_for(lambda: [f for f in uploads.iterdir() if f.stat().st_size == 50_000], 30)
        registry.process.send_signal(signal.SIGTERM)

        def refuses():
            try:
                socket.create_connection(("127.0.0.1", registry.port)).close()
            except OSError:
                return True
        wait_for(refuses, 30)
        client.sendall(content[50_000:])
        assert client.recv(100).startswith(b"HTTP/1.1 201 ")
    assert registry.process.wait(60) == 0


def test_a_folder_serves_one_registry(registry, registries):
    with pytest.raises(AssertionError, match="another skiff-registry uses"):
        registries(name="registry")


def test_metrics_and_access_log(registries, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "access.log"
    registry = registries("--metrics", f"tcp://127.0.0.1:{port}", "--access-log", str(log))
    name = registry.push_blob("a", b"content")
    registry.ask("GET", f"/v2/a/blobs/{name}", 200, headers={"User-Agent": 'x"y'})
    registry.ask("GET", "/v2/a/blobs/sha256:0", 400)
    line = f'"GET /v2/a/blobs/{name} HTTP/1.1" 200 7 "-" "x_y"'
    wait_for(lambda: line in log.read_text() and " 400 " in log.read_text(), 30)

    def metrics():
        return registry.ask("GET", f"http://127.0.0.1:{port}/metrics", 200).text
    wait_for(lambda: 'requests_total{operation="blob",method="GET",code="200"} 1\n' in metrics(), 30)
    assert "skiff_registry_stored_bytes 7\n" in metrics() and "skiff_registry_sent_bytes_total" in metrics()
    log.rename(tmp_path / "old.log")
    registry.process.send_signal(signal.SIGHUP)
    wait_for(log.exists, 30)


@pytest.fixture
def cached(registries):
    upstream = registries(name="upstream")
    cache = registries("--proxy", f"http://{upstream.host}", "--proxy-lifetime", "0s", name="cache")
    return upstream, cache


def test_cache_serves_what_it_has_seen_without_upstream(cached):
    upstream, cache = cached
    layer = os.urandom(2_000_000)
    name = upstream.push_image("a/b", "t", layer)
    manifest = cache.ask("GET", "/v2/a/b/manifests/t", 200)
    assert digest(manifest.content) == name
    for part in [manifest.json()["config"], *manifest.json()["layers"]]:
        got = cache.ask("GET", f"/v2/a/b/blobs/{part['digest']}", 200).content
        assert digest(got) == part["digest"]
    assert cache.error("GET", "/v2/a/b/manifests/nothing", 404) == "MANIFEST_UNKNOWN"
    assert cache.error("GET", f"/v2/a/b/blobs/{digest(b'nothing')}", 404) == "BLOB_UNKNOWN"
    moved = upstream.push_image("a/b", "t", b"another")
    assert cache.ask("GET", "/v2/a/b/manifests/t", 200).headers["Docker-Content-Digest"] == moved
    assert cache.error("POST", "/v2/a/b/blobs/uploads/", 405) == "UNSUPPORTED"
    upstream.kill()
    assert cache.ask("GET", f"/v2/a/b/blobs/{digest(layer)}", 200).content == layer
    assert cache.ask("GET", "/v2/a/b/manifests/t", 200).headers["Docker-Content-Digest"] == moved
    assert cache.error("GET", "/v2/a/b/manifests/never", 502) == "UNAVAILABLE"


def test_cache_asks_upstream_once_for_many(cached, tmp_path):
    upstream, cache = cached
    layer = os.urandom(3_000_000)
    name = upstream.push_blob("a", layer)
    results: list[bool] = []

    def pull() -> None:
        results.append(requests.get(f"{cache.url}/v2/a/blobs/{name}", timeout=60).content == layer)
    threads = [threading.Thread(target=pull) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 6
