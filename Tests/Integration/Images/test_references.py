"""What names mean in pulls: the grammar and its errors, platforms and variants, tags with digests, old manifests."""

import json

import pytest
from harness.registries import DOCKER_LIST, INDEX, Blobs, HostileRegistry

pytestmark = pytest.mark.skiff_only

HEX = "0123456789abcdef" * 4
WRONG = [
    "", ":justtag", "@sha256:" + HEX, "repo@sha256:ffff", "validname@invaliddigest:" + HEX * 2, "Uppercase:tag",
    "test:5000/Uppercase/lowercase:tag", "a/" * 128 + "a:tag", "aa/asdf$$^/aa", "xn--n3h.com/myimage:xn--n3h.com@" + HEX,
    "-foo/bar", "foo/bar-", "foo-/bar", "foo.com/Foo", "foo//bar", "foo__.bar", "foo___bar", "foo..bar", "a_-b",
    "foo:", "foo:bar:baz", "foo@bar", "foo@sha256:" + HEX[:63], "foo@sha256:" + HEX.upper(), "foo@md5:" + HEX[:32],
    "foo@sha512:" + HEX, "foo@sha256:" + HEX + "0", "[::1/foo", "[fe80::1%eth0]:5000/foo", "host:port/foo", "host:/foo",
    "a b", "foo:" + "t" * 129, "foo:-dash", "foo:.dot", "/foo", "foo/", "http://foo/bar", "foo/bar@", "foo:tag@",
    HEX, "foo\tbar", "föö", "foo:täg", "localhost:5000/", "a" * 256, "-", ".foo", "foo.",
]


@pytest.mark.docker28
@pytest.mark.parametrize("name", WRONG)
def test_errors_of_names_are_dockers(daemon, name):
    docker, skiff = daemon.cli("docker"), daemon.cli("skiff")
    for command in (("pull", "--", name), ("tag", "--", "busybox", name), ("image", "push", "--", name)):
        expected, got = docker(*command, status=None), skiff(*command, status=None)
        assert expected.returncode != 0
        assert (got.returncode, got.stderr) == (expected.returncode, expected.stderr), command


@pytest.mark.parametrize("name, tag", [
    ("foo", "latest/x"), ("foo", "a b"), ("foo", "sha256:ffff"), ("foo", "-x"), ("FOO", "x"), (HEX, "x"),
    ("foo:a:b", ""), ("foo", "sha256:" + HEX.upper()), ("", "x"),
])
def test_wrong_names_over_the_api(daemon, name, tag):
    answer = daemon.api("POST", f"/images/create?fromImage={name}&tag={tag.replace(' ', '%20')}")
    assert answer.status == 400 and answer.message


@pytest.fixture
def machines():
    """A registry with an index for many machines, in OCI's and in Docker's form; every image says what it is for."""
    blobs = Blobs()
    members: dict[str, list[dict]] = {INDEX: [], DOCKER_LIST: []}
    for architecture, variant in (("arm", "v6"), ("arm", "v7"), ("arm64", None), ("386", None), ("amd64", None),
                                  ("ppc64le", None)):
        for media_type in members:
            text = f"{architecture}{variant or ''}"
            descriptor = blobs.simple(text, text + media_type, architecture, variant=variant,
                                      docker=media_type == DOCKER_LIST)
            members[media_type].append(descriptor | {"platform": {"os": "linux", "architecture": architecture} | (
                {"variant": variant} if variant else {})})
    # What is no image at all, as some builders add it.
    members[INDEX].insert(0, members[INDEX][0] | {"platform": {"os": "unknown", "architecture": "unknown"}})
    blobs.index("oci", members[INDEX])
    blobs.index("docker", members[DOCKER_LIST], DOCKER_LIST)
    blobs.index("nested", [blobs.index("inner", members[INDEX]) | {"platform": {"os": "linux", "architecture": "amd64"}}])
    blobs.index("none", [])
    with HostileRegistry(blobs) as server:
        yield server


CHOICES = [
    (None, "amd64", ""), ("linux/amd64", "amd64", ""), ("linux/x86_64", "amd64", ""), ("linux/arm64", "arm64", ""),
    ("linux/arm64/v8", "arm64", ""), ("linux/aarch64", "arm64", ""), ("linux/arm", "arm", "v7"),
    ("linux/arm/v7", "arm", "v7"), ("linux/arm/v6", "arm", "v6"), ("linux/arm/v8", "arm", "v7"),
    ("linux/armhf", "arm", "v7"), ("linux/386", "386", ""), ("linux/ppc64le", "ppc64le", ""),
]


@pytest.mark.parametrize("form", ["oci", "docker"])
@pytest.mark.parametrize("wanted, architecture, variant", CHOICES)
def test_platform_chooses(daemon, machines, form, wanted, architecture, variant):
    cli = daemon.cli("skiff")
    there = f"{machines.host}/x:{form}"
    cli("pull", *(["--platform", wanted] if wanted else []), there)
    shown = json.loads(cli.out("image", "inspect", there))[0]
    assert (shown["Architecture"], shown.get("Variant", "")) == (architecture, variant)
    cli("rmi", "-f", there)


def test_platform_that_is_not_there(daemon, machines):
    cli = daemon.cli("skiff")
    for tag in ("oci", "docker"):
        for platform in ("linux/s390x", "windows/amd64", "linux/arm/v5"):
            done = cli("pull", "--platform", platform, f"{machines.host}/x:{tag}", status=1)
            assert f"no matching manifest for {platform} in the manifest list entries" in done.stderr
    assert "no matching manifest" in cli("pull", f"{machines.host}/x:none", status=1).stderr
    assert "invalid platform" in cli("pull", "--platform", "a/b/c/d", f"{machines.host}/x:oci", status=1).stderr
    # A single image is for what it is for.
    done = cli("pull", "--platform", "linux/s390x", f"{machines.host}/x:amd64", status=1)
    assert "does not match the specified platform" in done.stderr


def test_index_in_an_index(daemon, machines):
    cli = daemon.cli("skiff")
    cli("pull", f"{machines.host}/x:nested")
    assert cli.out("image", "inspect", "-f", "{{.Architecture}}", f"{machines.host}/x:nested") == "amd64"
    cli("rmi", "-f", f"{machines.host}/x:nested")


def test_tag_and_digest(daemon, machines):
    """The digest decides, as Docker has it; the image gets no tag."""
    docker, skiff = daemon.cli("docker"), daemon.cli("skiff")
    digest = machines.blobs.tags["arm64"]
    name = f"{machines.host}/x"
    for cli in (docker, skiff):
        cli("pull", f"{name}:amd64@{digest}")
        shown = json.loads(cli.out("image", "inspect", f"{name}@{digest}"))[0]
        assert shown["Architecture"] == "arm64" and shown["RepoTags"] == []
        assert shown["RepoDigests"] == [f"{name}@{digest}"]
        assert cli("image", "inspect", f"{name}:amd64", status=1)
        cli("rmi", "-f", f"{name}@{digest}")


def test_manifests_of_schema_1_are_refused_by_name(daemon):
    blobs = Blobs()
    for tag, media_type in (("signed", "application/vnd.docker.distribution.manifest.v1+prettyjws"),
                            ("plain", "application/json")):
        content = json.dumps({"schemaVersion": 1, "name": "x", "tag": tag, "fsLayers": [], "history": []}).encode()
        blobs.tags[tag] = blobs.put(content, media_type)["digest"]
    blobs.tags["odd"] = blobs.put(b'{"schemaVersion": 2}', "text/html")["digest"]
    blobs.tags["broken"] = blobs.put(b'{"schemaVersion": 2', INDEX)["digest"]
    with HostileRegistry(blobs) as server:
        cli = daemon.cli("skiff")
        for tag in ("signed", "plain"):
            assert "schema 1" in cli("pull", f"{server.host}/x:{tag}", status=1).stderr
        assert '"text/html", which is not supported' in cli("pull", f"{server.host}/x:odd", status=1).stderr
        assert "damaged" in cli("pull", f"{server.host}/x:broken", status=1).stderr
