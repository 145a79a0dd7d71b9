"""Manifests, tags, lists and referrers."""

import json

import pytest
from harness.registry import INDEX, MANIFEST, digest


def test_manifest_comes_back_in_its_bytes_by_tag_and_digest(registry):
    name = registry.push_image("a/b", "v1")
    for reference in ("v1", name):
        answer = registry.ask("GET", f"/v2/a/b/manifests/{reference}", 200)
        assert digest(answer.content) == name == answer.headers["Docker-Content-Digest"]
        assert answer.headers["Content-Type"] == MANIFEST
        head = registry.ask("HEAD", f"/v2/a/b/manifests/{reference}", 200)
        assert head.headers["Content-Length"] == str(len(answer.content))
    tag = answer.headers["ETag"]
    registry.ask("GET", "/v2/a/b/manifests/v1", 304, headers={"If-None-Match": tag})


def test_manifest_without_its_blobs_is_refused(registry):
    config = {"mediaType": "x", "digest": digest(b"nowhere"), "size": 7}
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
    assert registry.error("PUT", "/v2/a/manifests/t", 400, data=json.dumps(document),
                          headers={"Content-Type": MANIFEST}) == "MANIFEST_BLOB_UNKNOWN"
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [config]}
    assert registry.error("PUT", "/v2/a/manifests/t", 400, data=json.dumps(index),
                          headers={"Content-Type": INDEX}) == "MANIFEST_BLOB_UNKNOWN"


@pytest.mark.parametrize("body, kind", [
    (b"", MANIFEST), (b"{", MANIFEST), (b"[]", MANIFEST), (b"{}", MANIFEST), (b'{"schemaVersion":2}', INDEX),
    (b'{"schemaVersion":2,"mediaType":"a/b","config":{}}', MANIFEST), (b"\xff\xfe", MANIFEST),
    (b'{"schemaVersion":2,"config":{"digest":"sha256:short"}}', MANIFEST),
    (b'{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1+prettyjws"),
    (b"[" * 100_000, MANIFEST),
])
def test_broken_manifests_are_refused(registry, body, kind):
    assert registry.error("PUT", "/v2/a/manifests/t", 400, data=body, headers={"Content-Type": kind}) == "MANIFEST_INVALID"


def test_manifest_over_the_limit_is_told_so(registries):
    registry = registries("--max-manifest", "64k")
    body = b'{"x":"' + b"a" * 100_000 + b'"}'
    assert registry.error("PUT", "/v2/a/manifests/t", 413, data=body, headers={"Content-Type": MANIFEST}) == "MANIFEST_INVALID"


def test_tags_come_in_pages(registry):
    for number in range(7):
        registry.push_image("a", f"v{number}")
    assert registry.ask("GET", "/v2/a/tags/list", 200).json() == {"name": "a", "tags": [f"v{n}" for n in range(7)]}
    seen, path = [], "/v2/a/tags/list?n=3"
    while path:
        answer = registry.ask("GET", path, 200)
        seen.append(answer.json()["tags"])
        path = answer.links.get("next", {}).get("url")
    assert seen == [["v0", "v1", "v2"], ["v3", "v4", "v5"], ["v6"]]
    assert registry.ask("GET", "/v2/a/tags/list?n=0", 200).json()["tags"] == []
    assert registry.error("GET", "/v2/a/tags/list?n=-1", 400) == "PAGINATION_NUMBER_INVALID"
    assert registry.error("GET", "/v2/nowhere/tags/list", 404) == "NAME_UNKNOWN"


def test_catalog_comes_in_pages(registry):
    for name in ("b", "a/x", "c"):
        registry.push_image(name, "t")
    first = registry.ask("GET", "/v2/_catalog?n=2", 200)
    assert first.json() == {"repositories": ["a/x", "b"]}
    assert registry.ask("GET", first.links["next"]["url"], 200).json() == {"repositories": ["c"]}


def test_deleted_manifest_takes_its_tags_along(registry):
    name = registry.push_image("a", "one")
    registry.push_image("a", "two")
    registry.push_image("a", "other", b"another layer")
    registry.ask("DELETE", "/v2/a/manifests/one", 202)
    registry.ask("GET", f"/v2/a/manifests/{name}", 200)
    registry.ask("DELETE", f"/v2/a/manifests/{name}", 202)
    assert registry.error("GET", "/v2/a/manifests/two", 404) == "MANIFEST_UNKNOWN"
    assert registry.ask("GET", "/v2/a/tags/list", 200).json()["tags"] == ["other"]


def test_referrers_are_listed_and_filtered(registry):
    image = registry.push_image("a", "image")
    subject = {"mediaType": MANIFEST, "digest": image, "size": 1}
    notes = {"k": "v"}
    signature = registry.push_image("a", "s", b"1", {"subject": subject, "artifactType": "x/signature", "annotations": notes})
    registry.push_image("a", "b", b"2", {"subject": subject, "artifactType": "x/sbom"})
    answer = registry.ask("GET", f"/v2/a/referrers/{image}", 200)
    assert answer.headers["Content-Type"] == INDEX and len(answer.json()["manifests"]) == 2
    answer = registry.ask("GET", f"/v2/a/referrers/{image}", 200, params={"artifactType": "x/signature"})
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    [found] = answer.json()["manifests"]
    assert (found["digest"], found["artifactType"], found["annotations"]) == (signature, "x/signature", notes)
    assert registry.ask("GET", f"/v2/nowhere/referrers/{image}", 200).json()["manifests"] == []
    page = registry.ask("GET", f"/v2/a/referrers/{image}?n=1", 200)
    rest = registry.ask("GET", page.links["next"]["url"], 200)
    assert len(page.json()["manifests"]) == len(rest.json()["manifests"]) == 1


def test_lists_of_large_referrers_come_in_pages(registry):
    """Annotations may be as large as manifests: what is answered at once has to stay small."""
    subject = registry.push_image("a", "subject")
    pushed = {
        registry.push_image("a", f"s{number}", b"signature", {
            "subject": {"mediaType": MANIFEST, "digest": subject, "size": 1},
            "annotations": {"large": f"{number}" * 900_000}})
        for number in range(5)}
    found, path = [], f"/v2/a/referrers/{subject}"
    while path:
        answer = registry.ask("GET", path, 200)
        assert len(answer.content) < 4 << 20
        found += [one["digest"] for one in answer.json()["manifests"]]
        path = answer.links.get("next", {}).get("url")
    assert len(found) == 5 and set(found) == pushed


def test_push_by_digest_sets_the_tags_that_are_named(registry):
    registry.push_image("a", "first")
    content = registry.ask("GET", "/v2/a/manifests/first", 200).content
    answer = registry.ask("PUT", f"/v2/a/manifests/{digest(content, 'sha512')}?tag=x&tag=y", 201, data=content,
                          headers={"Content-Type": MANIFEST})
    assert answer.headers["OCI-Tag"].replace(" ", "").split(",") == ["x", "y"]
    assert registry.ask("GET", "/v2/a/manifests/x", 200).headers["Docker-Content-Digest"].startswith("sha512:")
