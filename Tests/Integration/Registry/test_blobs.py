"""Blobs: every way in, parts of them out, and what is refused."""

import os
import socket

import pytest
from harness.registry import digest
from harness.waiting import wait_for

CONTENT = bytes(range(256)) * 400


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_blob_comes_back_as_it_went_in(registry, algorithm):
    name = registry.push_blob("a/b", CONTENT, algorithm)
    answer = registry.ask("GET", f"/v2/a/b/blobs/{name}", 200)
    assert answer.content == CONTENT
    assert answer.headers["Docker-Content-Digest"] == name
    head = registry.ask("HEAD", f"/v2/a/b/blobs/{name}", 200)
    assert head.headers["Content-Length"] == str(len(CONTENT)) and not head.content


def test_large_blob_comes_back_whole(registry):
    content = os.urandom(1 << 20) * 20
    name = registry.push_blob("big", content)
    assert digest(registry.ask("GET", f"/v2/big/blobs/{name}", 200).content) == name


def test_single_post_and_streamed_patch(registry):
    registry.ask("POST", f"/v2/a/blobs/uploads/?digest={digest(CONTENT)}", 201, data=CONTENT)
    location = registry.begin("b")
    answer = registry.ask("PATCH", location, 202, data=iter([CONTENT[:7], CONTENT[7:]]))
    assert answer.headers["Range"] == f"0-{len(CONTENT) - 1}"
    registry.ask("PUT", f"{location}?digest={digest(CONTENT)}", 201)
    assert registry.ask("GET", f"/v2/b/blobs/{digest(CONTENT)}", 200).content == CONTENT


def test_chunks_have_to_come_in_order(registry):
    location = registry.begin("a")
    registry.ask("PATCH", location, 202, data=CONTENT[:100], headers={"Content-Range": "0-99"})
    refused = registry.ask("PATCH", location, 416, data=CONTENT[:100], headers={"Content-Range": "0-99"})
    assert refused.headers["Range"] == "0-99"
    assert registry.error("PATCH", location, 416, data=b"x", headers={"Content-Range": "200-200"}) == "BLOB_UPLOAD_INVALID"
    assert registry.error("PATCH", location, 400, data=b"x", headers={"Content-Range": "100-110"}) == "SIZE_INVALID"
    assert registry.ask("GET", location, 204).headers["Range"] == "0-99"
    registry.ask("PUT", f"{location}?digest={digest(CONTENT)}", 201, data=CONTENT[100:],
                 headers={"Content-Range": f"100-{len(CONTENT) - 1}"})


@pytest.mark.parametrize("asked, status, part", [
    ("bytes=0-0", 206, CONTENT[:1]), ("bytes=100-", 206, CONTENT[100:]), ("bytes=-10", 206, CONTENT[-10:]),
    (f"bytes=5-{1 << 60}", 206, CONTENT[5:]), ("bytes=102400-", 416, None), ("bytes=-0", 416, None),
    ("bytes=9-3", 200, CONTENT), ("lines=1-2", 200, CONTENT), ("bytes=0-1,4-5", 200, CONTENT),
])
def test_ranges(registry, asked, status, part):
    name = registry.push_blob("a", CONTENT)
    answer = registry.ask("GET", f"/v2/a/blobs/{name}", status, headers={"Range": asked})
    if part is not None:
        assert answer.content == part
    else:
        assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


def test_wrong_digest_is_refused_and_nothing_is_left(registry):
    other = digest(b"other")
    assert registry.error("PUT", f"{registry.begin('a')}?digest={other}", 400, data=CONTENT) == "DIGEST_INVALID"
    assert registry.error("GET", f"/v2/a/blobs/{other}", 404) == "BLOB_UNKNOWN"
    assert os.listdir(registry.folder / "root/uploads") == []


@pytest.mark.parametrize("method, path, status, code", [
    ("GET", "/v2/a/blobs/sha256:abc", 400, "DIGEST_INVALID"),
    ("GET", "/v2/a/blobs/md5:d41d8cd98f00b204e9800998ecf8427e", 400, "DIGEST_INVALID"),
    ("GET", "/v2/A/blobs/" + digest(b""), 400, "NAME_INVALID"),
    ("GET", "/v2/../../etc/blobs/" + digest(b""), 400, "NAME_INVALID"),
    ("GET", "/v2/%2e%2e/blobs/" + digest(b""), 400, "NAME_INVALID"),
    ("POST", "/v2/a/blobs/uploads/?digest-algorithm=md5", 400, "DIGEST_INVALID"),
    ("PATCH", "/v2/a/blobs/uploads/../../../x", 404, "UNSUPPORTED"),
    ("PATCH", "/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000", 404, "BLOB_UPLOAD_UNKNOWN"),
    ("PUT", "/v2/a/blobs/" + digest(b""), 405, "UNSUPPORTED"),
    ("GET", "/elsewhere", 404, "UNSUPPORTED"),
])
def test_refusals(registry, method, path, status, code):
    import requests
    # As it stands: clients tidy dots in paths away.
    prepared = requests.Request(method, registry.url).prepare()
    prepared.url = registry.url + path
    answer = registry.session.send(prepared, timeout=60)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) in [(status, code), (404, "UNSUPPORTED")]


def test_mount_takes_a_blob_along(registry):
    name = registry.push_blob("from", CONTENT)
    registry.ask("POST", f"/v2/to/blobs/uploads/?mount={name}&from=from", 201)
    registry.ask("POST", f"/v2/other/blobs/uploads/?mount={name}", 201)
    registry.ask("POST", f"/v2/third/blobs/uploads/?mount={name}&from=nowhere", 202)
    for repository in ("to", "other"):
        assert registry.ask("GET", f"/v2/{repository}/blobs/{name}", 200).content == CONTENT
    assert registry.error("HEAD".replace("HEAD", "GET"), f"/v2/third/blobs/{name}", 404) == "BLOB_UNKNOWN"


def test_cancelled_upload_is_gone(registry):
    location = registry.begin("a")
    registry.ask("PATCH", location, 202, data=CONTENT)
    registry.ask("DELETE", location, 204)
    registry.ask("GET", location, 404)
    assert os.listdir(registry.folder / "root/uploads") == []


def test_upload_goes_on_after_kill_dash_nine(registry):
    location = registry.begin("a")
    registry.ask("PATCH", location, 202, data=CONTENT[:5000])
    registry.kill()
    registry.start()
    assert registry.ask("GET", location, 204).headers["Range"] == "0-4999"
    registry.ask("PUT", f"{location}?digest={digest(CONTENT)}", 201, data=CONTENT[5000:],
                 headers={"Content-Range": f"5000-{len(CONTENT) - 1}"})
    assert registry.ask("GET", f"/v2/a/blobs/{digest(CONTENT)}", 200).content == CONTENT


def test_cut_upload_keeps_what_came(registry):
    location = registry.begin("a")
    with socket.create_connection(("127.0.0.1", registry.port)) as client:
        client.sendall(f"PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n".encode() + CONTENT[:3000])
    # The upload is busy until the server has seen the end.
    wait_for(lambda: registry.ask("GET", location).status_code == 204, 30)
    assert registry.ask("GET", location, 204).headers["Range"] == "0-2999"
    registry.ask("PATCH", location, 202, data=CONTENT[3000:])
    registry.ask("PUT", f"{location}?digest={digest(CONTENT)}", 201)


def test_deletion_concerns_one_repository(registry):
    name = registry.push_blob("a", CONTENT)
    registry.push_blob("b", CONTENT)
    registry.ask("DELETE", f"/v2/a/blobs/{name}", 202)
    registry.ask("DELETE", f"/v2/a/blobs/{name}", 404)
    registry.ask("GET", f"/v2/a/blobs/{name}", 404)
    registry.ask("GET", f"/v2/b/blobs/{name}", 200)
