"""What may come in: blobs, manifests and unfinished uploads, counted together."""

import os

import pytest
from harness.registry import digest

HALF = b"h" * 50_000


@pytest.mark.parametrize("flag, denied", [("--quota", "b"), ("--repository-quota", "a")])
def test_quota(registries, flag, denied):
    registry = registries(flag, "100k")
    registry.push_blob("a", b"1" * 60_000)
    for answer in (
        registry.ask("POST", f"/v2/{denied}/blobs/uploads/?digest={digest(b'2' * 60_000)}", data=b"2" * 60_000),
        registry.ask("PATCH", registry.begin(denied), data=iter([b"2" * 60_000])),
    ):
        assert answer.status_code == 403 and answer.json()["errors"][0]["code"] == "DENIED", answer.text
    registry.push_blob(denied, b"3" * 30_000)


def uploads(registry) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(registry.folder / "root/uploads"))


@pytest.mark.parametrize("flag", ["--quota", "--repository-quota"])
def test_uploads_that_never_end_do_not_fill_the_disk(registries, flag):
    """Several at once, each below the quota: the oldest ones that wait make room for the next."""
    registry = registries(flag, "120k")
    for _ in range(6):
        registry.ask("PATCH", registry.begin("a"), 202, data=HALF)
        assert uploads(registry) <= 120 << 10
    # What is left of them keeps nobody from pushing.
    registry.push_blob("a", b"p" * 100_000)
    assert uploads(registry) <= 20 << 10


def test_unfinished_uploads_are_counted_after_a_restart(registries):
    registry = registries("--repository-quota", "120k")
    kept = registry.begin("a")
    registry.ask("PATCH", kept, 202, data=HALF)
    registry.kill()
    registry.start()
    other = registry.begin("a")
    registry.ask("PATCH", other, 202, data=HALF)
    # The third has no place beside them: the one that has waited longest goes.
    registry.ask("PATCH", registry.begin("a"), 202, data=HALF)
    assert registry.error("GET", kept, 404) == "BLOB_UPLOAD_UNKNOWN"
    registry.ask("GET", other, 204)


def test_an_upload_over_the_quota_leaves_nothing(registries):
    registry = registries("--quota", "100k")
    location = registry.begin("a")
    registry.ask("PATCH", location, 403, data=iter([HALF, HALF, HALF]))
    assert uploads(registry) == 0 and registry.error("GET", location, 404) == "BLOB_UPLOAD_UNKNOWN"
    registry.push_blob("a", b"p" * 90_000)


def test_an_upload_that_does_not_fit_takes_no_others_place(registries):
    registry = registries("--repository-quota", "100k")
    waiting = registry.begin("a")
    registry.ask("PATCH", waiting, 202, data=HALF)
    registry.ask("PATCH", registry.begin("a"), 403, data=b"x" * 200_000)
    registry.ask("PUT", f"{waiting}?digest={digest(HALF)}", 201)


def test_manifests_are_counted(registries):
    registry = registries("--repository-quota", "100k")

    def push(number: int) -> int:
        document = b'{"schemaVersion":2,"mediaType":"application/x","n":%d,"pad":"%s"}' % (number, HALF[:30_000])
        return registry.ask("PUT", f"/v2/a/manifests/t{number}", data=document,
                            headers={"Content-Type": "application/x"}).status_code
    assert [push(number) for number in range(4)] == [201, 201, 201, 403]
    registry.ask("DELETE", "/v2/a/manifests/" + registry.ask("GET", "/v2/a/manifests/t0", 200).headers[
        "Docker-Content-Digest"], 202)
    assert push(3) == 201


def test_an_upload_that_goes_on_for_too_long_is_ended(registries):
    registry = registries("--upload-lifetime", "0s")
    location = registry.begin("a")
    assert registry.error("PATCH", location, 400, data=b"x") == "BLOB_UPLOAD_INVALID"
    assert registry.error("GET", location, 404) == "BLOB_UPLOAD_UNKNOWN" and uploads(registry) == 0


def test_whoever_only_begins_uploads_keeps_nobody_out(registry):
    first = registry.begin("a")
    for _ in range(1000):
        last = registry.begin("a")
    registry.ask("GET", last, 204)
    assert registry.error("GET", first, 404) == "BLOB_UPLOAD_UNKNOWN"
    registry.push_blob("b", b"another repository")
