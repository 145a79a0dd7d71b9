"""Pulls from a registry that cuts, lies, refuses and runs in circles: no wrong content, a clear error, the next try."""

import gzip
import hashlib
import http.client
import json
import random
import threading

import pytest

from harness import settings
from harness.archives import layer
from harness.registries import Blobs, HostileRegistry
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only


@pytest.fixture(scope="module")
def engine(request):
    """A daemon of its own, which gives up soon."""
    from harness.engine import engine_under_test
    one = engine_under_test(config={"max-download-attempts": 3}).start()
    yield one
    one.close()


def noise(size: int, seed: int) -> str:
    return random.Random(seed).randbytes(size // 2).hex()


@pytest.fixture
def blobs() -> Blobs:
    made = Blobs()
    layers = [layer({"marker": "good", "a": noise(900_000, 1)}), layer({"b": noise(300_000, 2)}), layer({"c": "small"})]
    made.image("latest", [gzip.compress(one, 1, mtime=0) for one in layers],
               ["sha256:" + hashlib.sha256(one).hexdigest() for one in layers])
    return made


def pull(engine, server, tag="latest", timeout=120) -> str:
    """Pulls; returns the error, or an empty text."""
    answer = engine.api("POST", f"/images/create?fromImage={server.host}/x&tag={tag}", timeout=timeout * settings.PATIENCE)
    if answer.status != 200:
        return answer.message
    lines = [json.loads(line) for line in answer.body.splitlines()]
    return lines[-1].get("error", "")


def forget(engine, server) -> None:
    engine.api("DELETE", f"/images/{server.host}/x:latest?force=1")
    assert engine.api("POST", "/images/prune").status == 200


def layers_on_disk(engine) -> list[str]:
    return sorted(one.name for one in (engine.data_root / "overlay2").iterdir() if len(one.name) == 64)


def assert_nothing(engine) -> None:
    assert engine.api("GET", "/images/json").json == []
    wait_for(lambda: layers_on_disk(engine) == [], 30, "no layer on the disk")
    assert list((engine.data_root / "content/blobs/sha256").iterdir()) == []
    wait_for(lambda: not list((engine.data_root / "overlay2/.staging").iterdir()), 30, "an empty staging folder")


def test_connections_that_end_at_any_byte_are_continued(engine, blobs):
    generator = random.Random(7)

    def cut(handler, kind, digest, data):
        if kind != "blob" or data is None or len(data) < 1000:
            return False
        server.send(handler, digest, data, cut=generator.randrange(1, 120_000))
        return True

    with HostileRegistry(blobs, cut) as server:
        assert pull(engine, server) == ""
        assert any("Range" in fields for _, _, fields in server.requests)
        forget(engine, server)
        assert_nothing(engine)


@pytest.mark.parametrize("tells_digest", [True, False])
def test_manifest_that_ends_with_its_connection_needs_a_digest(engine, blobs, tells_digest):
    """Without a length, a cut answer looks whole: a last line end that is missing would make it another manifest."""
    def answer(handler, kind, digest, data):
        if kind != "manifest":
            return False
        handler.protocol_version = "HTTP/1.0"
        handler.send_response(200)
        handler.send_header("Content-Type", blobs.types[digest])
        if tells_digest:
            handler.send_header("Docker-Content-Digest", digest)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)
        handler.close_connection = True
        return True

    with HostileRegistry(blobs, answer) as server:
        error = pull(engine, server)
        if tells_digest:
            assert error == ""
            forget(engine, server)
        else:
            assert "neither how long it is nor which digest it has" in error
        assert_nothing(engine)


@pytest.mark.parametrize("lie", ["digest", "longer", "shorter", "manifest"])
def test_lies_about_length_and_digest_are_found(engine, blobs, lie):
    def answer(handler, kind, digest, data):
        if lie == "manifest" and kind == "manifest":
            server.send(handler, digest, data + b" ")
            return True
        if kind != "blob" or data is None or len(data) < 1000:
            return False
        if lie == "digest":
            server.send(handler, digest, data[:500] + bytes([data[500] ^ 1]) + data[501:])
        elif lie == "longer":
            server.send(handler, digest, data, length=len(data) + 10)
        elif lie == "shorter":
            server.send(handler, digest, data[:-10], length=len(data) - 10)
        else:
            return False
        return True

    with HostileRegistry(blobs, answer) as server:
        error = pull(engine, server)
        assert error, "a lie went through"
        assert_nothing(engine)
        server.mischief = None
        assert pull(engine, server) == ""
        forget(engine, server)
        assert_nothing(engine)


def test_failures_that_pass_are_waited_for(engine, blobs):
    """500, 429 with Retry-After and 408 in turn: each request succeeds at its second try."""
    seen, turns, lock = set(), [500, 429, 408], threading.Lock()

    def stumble(handler, kind, digest, data):
        with lock:
            if kind == "ping" or handler.path in seen:
                return False
            seen.add(handler.path)
            status = turns[len(seen) % 3]
        server.error(handler, status, fields={"Retry-After": "0"} if status == 429 else None)
        return True

    with HostileRegistry(blobs, stumble) as server:
        assert pull(engine, server) == ""
        forget(engine, server)


@pytest.mark.parametrize("status", [500, 429, 401, 403])
def test_failures_that_stay_are_told(engine, blobs, status):
    def refuse(handler, kind, digest, data):
        if kind != "blob":
            return False
        server.error(handler, status, "DENIED", {"WWW-Authenticate": 'Basic realm="x"'} if status == 401 else None)
        return True

    with HostileRegistry(blobs, refuse) as server:
        assert pull(engine, server)
        assert_nothing(engine)
        server.mischief = None
        assert pull(engine, server) == ""
        forget(engine, server)


def test_circle_of_redirects_ends(engine, blobs):
    def circle(handler, kind, digest, data):
        if kind != "blob":
            return False
        server.error(handler, 307, fields={"Location": handler.path})
        return True

    with HostileRegistry(blobs, circle) as server:
        assert "redirects" in pull(engine, server)
        assert len(server.requests) < 100


def test_redirect_takes_no_credentials_along(engine, blobs):
    import base64
    store = HostileRegistry(blobs)
    with store:
        def lead_away(handler, kind, digest, data):
            if "Authorization" not in handler.headers:
                server.error(handler, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="x"'})
                return True
            if kind != "blob":
                return False
            server.error(handler, 307, fields={"Location": f"http://{store.host}/blobs/{digest}"})
            return True

        with HostileRegistry(blobs, lead_away) as server:
            field = base64.urlsafe_b64encode(json.dumps({"username": "u", "password": "p"}).encode()).decode()
            answer = engine.api("POST", f"/images/create?fromImage={server.host}/x&tag=latest",
                                headers={"X-Registry-Auth": field}, timeout=60)
            assert b'"error"' not in answer.body
            assert store.requests and all("Authorization" not in fields for _, _, fields in store.requests)
            forget(engine, server)


def test_manifest_without_end_is_refused(engine, blobs):
    def endless(handler, kind, digest, data):
        if kind != "manifest":
            return False
        handler.send_response(200)
        handler.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        handler.send_header("Content-Length", str(10 << 30))
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            pass
        handler.close_connection = True
        return True

    with HostileRegistry(blobs, endless) as server:
        assert "larger than" in pull(engine, server)


@pytest.mark.parametrize("size", [2**63 - 1, 2**62, 2**60, -1, -(2**63), 2**64, 1.5, "1"])
@pytest.mark.parametrize("part", ["layers", "config"])
def test_sizes_beyond_every_number_are_refused(new_daemon, blobs, size, part):
    """Whatever a manifest announces, with a budget that reckons with it: an error, and the daemon goes on."""
    engine = new_daemon(images=(), config={"max-download-attempts": 1, "storage-budget": "1g"})
    manifest = json.loads(blobs.content[blobs.tags["latest"]])
    for one in manifest["layers"] if part == "layers" else [manifest["config"]]:
        one["size"] = size
    kind = "application/vnd.oci.image.manifest.v1+json"
    blobs.tags["latest"] = blobs.put(json.dumps(manifest).encode(), kind)["digest"]
    with HostileRegistry(blobs) as server:
        assert pull(engine, server)
        assert engine.process.poll() is None and engine.api("GET", "/_ping").status == 200
        assert_nothing(engine)


def test_bearer_token_is_fetched_for_the_repository(engine, blobs):
    def tokens(handler, kind, digest, data):
        if handler.path.startswith("/token"):
            body = json.dumps({"token": "abc", "expires_in": 300}).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
            return True
        if handler.headers.get("Authorization") == "Bearer abc":
            return False
        server.error(handler, 401, "UNAUTHORIZED", {
            "WWW-Authenticate": f'Bearer realm="http://{server.host}/token",service="s"'})
        return True

    with HostileRegistry(blobs, tokens) as server:
        assert pull(engine, server) == ""
        asked = [path for _, path, _ in server.requests if path.startswith("/token")]
        assert any("scope=repository%3Ax%3Apull" in path and "service=s" in path for path in asked)
        assert len(asked) <= 7
        forget(engine, server)


def test_two_pulls_fetch_each_layer_once(engine, blobs):
    gate = threading.Event()

    def hold(handler, kind, digest, data):
        if kind == "blob" and data is not None and len(data) > 1000:
            gate.wait(60)
        return False

    with HostileRegistry(blobs, hold) as server:
        errors = []
        threads = [threading.Thread(target=lambda: errors.append(pull(engine, server))) for _ in range(2)]
        for thread in threads:
            thread.start()
        wait_for(lambda: sum("/manifests/" in path for _, path, _ in server.requests) >= 2, 60, "both pulls")
        gate.set()
        for thread in threads:
            thread.join()
        assert errors == ["", ""]
        large = [digest for digest, kind in blobs.types.items() if kind.endswith("tar+gzip")]
        for digest in large:
            assert sum(path.endswith(digest) and "/blobs/" in path for _, path, _ in server.requests) == 1
        forget(engine, server)


def test_pull_goes_on_after_kill_of_the_daemon(new_daemon, blobs):
    engine = new_daemon(images=())
    reached, gate = threading.Event(), threading.Event()
    half = 200_000

    def stall(handler, kind, digest, data):
        if kind != "blob" or data is None or len(data) < half + 1000:
            return False
        if handler.headers.get("Range"):
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:half])
        reached.set()
        gate.wait(60)
        handler.close_connection = True
        return True

    with HostileRegistry(blobs, stall) as server:
        def attempt():
            try:
                pull(engine, server)
            except (OSError, http.client.HTTPException):
                pass  # the daemon was killed

        thread = threading.Thread(target=attempt)
        thread.start()
        assert reached.wait(60)
        arrivals = engine.data_root / "content/arrivals"
        wait_for(lambda: sum(one.stat().st_size for one in arrivals.iterdir()) > 0, 60, "bytes on the disk")
        engine.kill()
        gate.set()
        thread.join()
        engine.start()
        assert engine.api("GET", "/images/json").json == []
        assert pull(engine, server) == ""
        continued = [fields["Range"] for _, _, fields in server.requests if "Range" in fields]
        assert continued and all(one != "bytes=0-" for one in continued)
        assert list(arrivals.iterdir()) == []
        forget(engine, server)
        assert_nothing(engine)


def test_pull_of_a_client_that_leaves_ends(engine, blobs):
    reached, gone = threading.Event(), threading.Event()

    def drip(handler, kind, digest, data):
        if kind != "blob" or data is None or len(data) < 300_000:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        try:
            for start in range(0, len(data) - 1):
                handler.wfile.write(data[start:start + 1])
                reached.set()
                if gone.wait(0.05):
                    break
        except OSError:
            gone.set()
        handler.close_connection = True
        return True

    with HostileRegistry(blobs, drip) as server:
        from harness.engine import UnixHTTPConnection
        connection = UnixHTTPConnection(str(engine.socket), 60)
        connection.request("POST", f"/images/create?fromImage={server.host}/x&tag=latest")
        response = connection.getresponse()
        assert reached.wait(60 * settings.PATIENCE)
        response.close()
        connection.close()
        assert gone.wait(60 * settings.PATIENCE), "the daemon went on reading"
        wait_for(lambda: not list((engine.data_root / "overlay2/.staging").iterdir()), 60, "an empty staging folder")
        forget(engine, server)
        assert_nothing(engine)


def test_head_that_drips_ends_with_the_client(engine, blobs):
    """A byte of the head now and then: the pull ends when its client leaves, and keeps nobody else from pulling.
    (The limit of time for a head is the unit tests' to show.)"""
    gone = threading.Event()

    def drip(handler, kind, digest, data):
        if kind != "manifest" or gone.is_set():
            return False
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not gone.wait(0.05):
                handler.wfile.write(b"x")
                handler.wfile.flush()
        except OSError:
            gone.set()
        handler.close_connection = True
        return True

    with HostileRegistry(blobs, drip) as server, HostileRegistry(blobs) as other:
        from harness.engine import UnixHTTPConnection
        connections = []
        for _ in range(40):  # more than the engine has threads for short work
            connection = UnixHTTPConnection(str(engine.socket), 60)
            connection.request("POST", f"/images/create?fromImage={server.host}/x&tag=latest")
            connections.append(connection)
        wait_for(lambda: sum("/manifests/" in path for _, path, _ in server.requests) >= 40, 60, "forty pulls")
        assert pull(engine, other) == ""
        assert engine.api("GET", "/containers/json?all=1").status == 200
        for connection in connections:
            connection.close()
        assert gone.wait(60 * settings.PATIENCE), "the daemon went on reading"
        forget(engine, other)
        assert_nothing(engine)
        assert pull(engine, server) == ""
        forget(engine, server)


@pytest.mark.parametrize("bomb", ["zeros", "entries", "long-name", "numbers"])
def test_layers_that_burst_are_told_and_leave_nothing(engine, bomb):
    """A layer that has not what its configuration says, however large it unpacks to."""
    import io
    import tarfile
    target = io.BytesIO()
    if bomb == "zeros":
        target.write(layer({"zeros": "\0" * (16 << 20)}))
    elif bomb == "entries":
        with tarfile.open(fileobj=target, mode="w") as archive:
            for number in range(1_000):
                archive.addfile(tarfile.TarInfo(f"d/{number}"))
    elif bomb == "long-name":
        info = tarfile.TarInfo("x" * 200_000)
        target.write(info.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
    else:
        info = tarfile.TarInfo("file")
        block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
        block[124:136] = b"\x80" + b"\xff" * 11  # a size that no number holds
        target.write(bytes(block) + bytes(1024))
    blobs = Blobs()
    blobs.image("latest", [gzip.compress(target.getvalue(), 9, mtime=0)], ["sha256:" + "0" * 64])
    with HostileRegistry(blobs) as server:
        assert pull(engine, server)
        assert_nothing(engine)


def test_everything_in_turn(engine, blobs):
    """Each request meets another mischief, and the next one of its kind is served: in the end the image is there."""
    generator, lock, seen = random.Random(11), threading.Lock(), {}

    def meddle(handler, kind, digest, data):
        with lock:
            count = seen[handler.path] = seen.get(handler.path, 0) + 1
            choice = generator.randrange(5)
        if kind == "ping" or count > 2 or data is None:
            return False
        if choice == 0:
            server.error(handler, 500)
        elif choice == 1:
            server.error(handler, 429, fields={"Retry-After": "0"})
        elif choice == 2:
            handler.close_connection = True
        elif choice == 3 and len(data) > 100:
            server.send(handler, digest, data, cut=generator.randrange(1, len(data)))
        else:
            return False
        return True

    with HostileRegistry(blobs, meddle) as server:
        from harness.engine import engine_under_test
        patient = engine_under_test(config={"max-download-attempts": 6}).start()
        try:
            assert pull(patient, server) == ""
            forget(patient, server)
            assert_nothing(patient)
        finally:
            patient.close()
