"""What goes over the wire in pulls and pushes: continued layers, uploads in one piece and in several, mounts, nothing twice."""

import gzip
import hashlib
import http.client
import json
import random
import threading

import pytest
from harness import settings
from harness.archives import layer
from harness.engine import UnixHTTPConnection
from harness.registries import Blobs, put_image
from harness.registry import Registry
from harness.relay import CutConnection, Relay
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only

MIB = 1 << 20


@pytest.fixture(scope="module", params=["debian", "skiff"])
def target(request, registry, tmp_path_factory):
    """Docker's registry, and Skiff's."""
    if request.param == "debian":
        yield registry.host
        return
    own = Registry(tmp_path_factory.mktemp("own"))
    yield own.host
    own.kill()


def noise(size: int, seed: int) -> str:
    return random.Random(seed).randbytes(size // 2).hex()


def stock(host: str, name: str, sizes: list[int]) -> tuple[Blobs, list[int]]:
    """An image of layers that hardly compress below half of `sizes`; returns their sizes over the wire."""
    layers = [layer({f"file{number}": noise(size, number)}) for number, size in enumerate(sizes)]
    packed = [gzip.compress(one, 1, mtime=0) for one in layers]
    blobs = Blobs()
    descriptor = blobs.image("1", packed, ["sha256:" + hashlib.sha256(one).hexdigest() for one in layers])
    put_image(f"http://{host}", name, "1", blobs, descriptor)
    return blobs, [len(one) for one in packed]


def pull(engine, there: str, tag: str = "1") -> str:
    """Returns the error, or an empty text."""
    answer = engine.api("POST", f"/images/create?fromImage={there}&tag={tag}", timeout=120)
    return answer.message if answer.status != 200 else json.loads(answer.body.splitlines()[-1]).get("error", "")


def forget(engine, there: str) -> None:
    engine.api("DELETE", f"/images/{there}:1?force=1")
    assert engine.api("POST", "/images/prune").status == 200


def test_interrupted_layer_goes_on_where_it_was(new_daemon, target):
    """The server cuts each layer twice; all in all it sends every byte about once."""
    _, sizes = stock(target, "cut", [3 * MIB, 3 * MIB])
    cuts: dict[str, int] = {}

    def cut(exchange):
        if exchange.sent > 400_000 and cuts.get(exchange.path, 0) < 2:
            cuts[exchange.path] = cuts.get(exchange.path, 0) + 1
            raise CutConnection

    engine = new_daemon(images=())
    with Relay(target, while_sending=cut) as relay:
        assert pull(engine, f"{relay.host}/cut") == ""
        assert len(cuts) == 2 and set(cuts.values()) == {2}
        # What was on its way when the connection broke may come twice: a socket's buffers, no more.
        assert sum(sizes) <= relay.bytes_of_blobs() < sum(sizes) + 4096 + 4 * 600_000
        ranges = [int(one.fields["Range"][6:].rstrip("-")) for one in relay.seen("GET", "/blobs/") if "Range" in one.fields]
        assert len(ranges) >= 4 and min(ranges) > 0
        forget(engine, f"{relay.host}/cut")


def test_interrupted_layer_goes_on_after_kill_of_the_daemon(new_daemon, target):
    """kill -9 in the middle of a layer: the next daemon asks for the rest only, and asks for no layer that it has."""
    _, sizes = stock(target, "killed", [200_000, 6 * MIB])
    engine = new_daemon(images=())
    arrivals = engine.data_root / "content/arrivals"
    stalled, gate = threading.Event(), threading.Event()

    def stall(exchange):
        if exchange.sent > sizes[1] // 2 and not gate.is_set():
            stalled.set()
            gate.wait(60 * settings.PATIENCE)
            raise CutConnection

    with Relay(target, while_sending=stall) as relay:
        there = f"{relay.host}/killed"

        def attempt():
            try:
                pull(engine, there)
            except (OSError, http.client.HTTPException):
                pass  # the daemon was killed

        thread = threading.Thread(target=attempt)
        thread.start()
        assert stalled.wait(60 * settings.PATIENCE)
        # All that was sent has reached the disk, but for what the last read holds.
        wait_for(lambda: sum(one.stat().st_size for one in arrivals.iterdir()) > sizes[1] // 3, 60, "bytes on the disk")
        engine.kill()
        gate.set()
        thread.join()
        before, stored = relay.bytes_of_blobs(), max(one.stat().st_size for one in arrivals.iterdir())
        relay.exchanges.clear()
        engine.start()
        assert engine.api("GET", "/images/json").json == []
        assert pull(engine, there) == ""
        after = relay.bytes_of_blobs()
        starts = [one.fields["Range"] for one in relay.seen("GET", "/blobs/") if "Range" in one.fields]
        assert f"bytes={stored}-" in starts
        assert after <= sum(sizes) - stored + 4096, f"{before} bytes before, {after} after, of {sum(sizes)}"
        assert not list(arrivals.iterdir())
        forget(engine, there)


def push(engine, there: str) -> tuple[str, str]:
    """Returns the error and the digest."""
    answer = engine.api("POST", f"/images/{there}/push?tag=1", headers={"X-Registry-Auth": "e30="}, timeout=120)
    lines = [json.loads(line) for line in answer.body.splitlines()]
    return lines[-1].get("error", ""), lines[-1].get("aux", {}).get("Digest", "")


def test_known_blob_goes_up_in_one_request(new_daemon, target):
    """What was pulled is pushed elsewhere in one PUT per blob: POST, PUT with all of it, no PATCH."""
    engine = new_daemon(images=())
    _, sizes = stock(target, "whole", [MIB])
    with Relay(target) as relay:
        assert pull(engine, f"{relay.host}/whole") == ""
        engine.api("POST", f"/images/{relay.host}/whole:1/tag?repo=127.0.0.1:1/away&tag=1")
        with Registry(engine.folder / "fresh") as fresh, Relay(fresh.host) as upload:
            engine.api("POST", f"/images/{relay.host}/whole:1/tag?repo={upload.host}/whole&tag=1")
            error, digest = push(engine, f"{upload.host}/whole")
            assert error == "" and digest
            puts = [one for one in upload.seen("PUT", "/blobs/uploads/") if one.received]
            assert sorted(one.received for one in puts)[-1] == sizes[0] and not upload.seen("PATCH")
            assert all("Content-Length" in one.fields for one in puts)
            # Again: every blob is found, nothing is sent.
            upload.exchanges.clear()
            assert push(engine, f"{upload.host}/whole") == ("", digest)
            assert upload.bytes_of_uploads() == 0 and not upload.seen("POST")
            assert {one.status for one in upload.seen("HEAD", "/blobs/")} == {200}
            # To another repository: taken over from the first.
            upload.exchanges.clear()
            engine.api("POST", f"/images/{relay.host}/whole:1/tag?repo={upload.host}/team/other&tag=1")
            assert push(engine, f"{upload.host}/team/other") == ("", digest)
            mounts = [one for one in upload.seen("POST", "mount=sha256") if "from=whole" in one.path]
            assert mounts and {one.status for one in mounts} == {201}
            assert upload.bytes_of_uploads() < 10_000  # the configuration


def test_broken_upload_goes_on(new_daemon, target, request):
    """A PUT that breaks is followed by pieces; a piece that breaks goes on where the registry says it is, or, where it
    has forgotten the upload (Docker's), the upload begins again."""
    engine = new_daemon(images=())
    size = 40 * MIB
    _, sizes = stock(target, "broken", [size])
    assert sizes[0] > 17 * MIB  # more than a piece
    with Registry(engine.folder / "source") as source:
        stock(source.host, "broken", [size])
        assert pull(engine, f"{source.host}/broken") == ""
        engine.api("POST", f"/images/{source.host}/broken:1/tag?repo=placeholder&tag=1")
    breaks: list[str] = []

    def break_off(exchange):
        if exchange.method == "PUT" and exchange.received > 5 * MIB and breaks.count("PUT") < 1 or \
                exchange.method == "PATCH" and exchange.received > 5 * MIB and breaks.count("PATCH") < 2:
            breaks.append(exchange.method)
            raise CutConnection

    with Relay(target, while_receiving=break_off) as relay:
        there = f"{relay.host}/goes-on"
        engine.api("POST", f"/images/placeholder:1/tag?repo={there}&tag=1")
        error, digest = push(engine, there)
        assert error == "" and digest
        assert breaks == ["PUT", "PATCH", "PATCH"]
        if "skiff" in request.node.name:
            # It kept what had come of the pieces: less than a piece went twice.
            assert relay.bytes_of_uploads() < sizes[0] + 5 * MIB + 3 * 6 * MIB
            assert relay.seen("GET", "/blobs/uploads/")
        assert pull(engine, there) == ""


def test_upload_that_always_breaks_is_given_up(new_daemon, target):
    engine = new_daemon(config={"max-download-attempts": 3})

    def break_off(exchange):
        if exchange.received > 100_000:
            raise CutConnection

    with Relay(target, while_receiving=break_off) as relay:
        engine.api("POST", f"/images/busybox:latest/tag?repo={relay.host}/never&tag=1")
        assert push(engine, f"{relay.host}/never")[0]
        assert len(relay.exchanges) < 60
        relay.while_receiving = None
        assert push(engine, f"{relay.host}/never")[0] == ""


def test_two_pulls_share_and_one_that_leaves_disturbs_nobody(new_daemon, target):
    """Three pulls of one image: each layer is fetched once. One client leaves, then the one whose connections fetch: the
    last gets its image. When nobody is left, the connection is closed at once."""
    _, sizes = stock(target, "shared", [2 * MIB, 2 * MIB])
    engine = new_daemon(images=())
    gate = threading.Event()

    def hold(exchange):
        if exchange.sent > 200_000:
            gate.wait(60 * settings.PATIENCE)

    with Relay(target, while_sending=hold) as relay:
        there = f"{relay.host}/shared"
        clients = []
        for _ in range(3):
            connection = UnixHTTPConnection(str(engine.socket), 120)
            connection.request("POST", f"/images/create?fromImage={there}&tag=1")
            clients.append((connection, connection.getresponse()))
            # In this order: the first is the one that fetches.
            wait_for(lambda: len(relay.seen("GET", "/manifests/1")) >= len(clients), 60, "a pull's beginning")
        wait_for(lambda: sum(one.sent > 200_000 for one in relay.seen("GET", "/blobs/")) >= 2, 60, "both layers held")
        config_requests = 3
        assert len(relay.seen("GET", "/blobs/")) <= 2 + config_requests
        clients[1][1].close()
        clients[1][0].close()
        clients[0][1].close()
        clients[0][0].close()
        gate.set()
        lines = [json.loads(line) for line in clients[2][1].read().splitlines()]
        assert "error" not in lines[-1], lines[-1]
        # Taken over from where the first was.
        assert relay.bytes_of_blobs() < sum(sizes) + 8 * 600_000
        forget(engine, there)

        # Nobody left: the connection ends.
        gate.clear()
        relay.exchanges.clear()
        connection = UnixHTTPConnection(str(engine.socket), 120)
        connection.request("POST", f"/images/create?fromImage={there}&tag=1")
        response = connection.getresponse()
        wait_for(lambda: any(one.sent > 200_000 for one in relay.seen("GET", "/blobs/")), 60, "a layer held")
        response.close()
        connection.close()
        arrivals = engine.data_root / "overlay2/.staging"
        wait_for(lambda: not list(arrivals.iterdir()), 30, "the end of the pull")
        gate.set()
        wait_for(lambda: any(one.is_broken for one in relay.exchanges), 30, "closed connections")
        assert engine.api("GET", "/images/json").json == []
        assert pull(engine, there) == ""
        forget(engine, there)


