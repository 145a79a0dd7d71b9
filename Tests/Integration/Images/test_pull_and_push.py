"""pull, push, login and what belongs to them, against Debian's docker-registry."""

import gzip
import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import settings
from harness.archives import image_with_layers, layer
from harness.registries import PASSWORD, USER, Blobs, DebianRegistry, HostileRegistry

pytestmark = pytest.mark.skiff_only


@pytest.fixture(scope="module")
def locked(tmp_path_factory, addresses):
    """With TLS and a password, on an address that is not the loopback's."""
    with DebianRegistry(tmp_path_factory.mktemp("locked"), 5902, address="10.199.0.1", tls=True, password=True) as one:
        yield one


@pytest.fixture
def loaded(daemon, tmp_path):
    """An image of three layers, loaded plain."""
    archive = image_with_layers(
        tmp_path, "three:latest", [{"one": "1" * 5000}, {"two": "2", "here": ("link", "one")}])
    with archive.open("rb") as data:
        assert daemon.api("POST", "/images/load", body=data.read()).status == 200
    yield "three"
    for image in daemon.api("GET", "/images/json").json:
        if any("three" in name for name in image["RepoTags"] + (image["RepoDigests"] or [])):
            daemon.api("DELETE", f"/images/{image['Id']}?force=1")


def digest_of(text: str) -> str:
    return next(word for line in text.splitlines() for word in line.split() if word.startswith("sha256:"))


def test_push_and_pull_give_the_same_image(cli, daemon, registry, loaded, name):
    there = f"{registry.host}/team/{name}:1"
    identifier = cli.out("image", "inspect", "-f", "{{.Id}}", loaded)
    cli("tag", loaded, there)
    pushed = cli.out("push", there)
    assert f"The push refers to repository [{registry.host}/team/{name}]" in pushed
    assert pushed.count(": Pushed") == 3
    digest = digest_of(pushed)
    # Once more: everything is there, and it is the same manifest.
    again = cli.out("push", there)
    assert again.count(": Layer already exists") == 3 and digest_of(again) == digest
    cli("rmi", there, loaded)
    pulled = cli.out("pull", there)
    assert f"Digest: {digest}" in pulled and f"Status: Downloaded newer image for {there}" in pulled
    assert pulled.count(": Pull complete") + pulled.count(": Already exists") == 3
    assert cli.out("image", "inspect", "-f", "{{.Id}}", there) == identifier
    assert cli.out("image", "inspect", "-f", "{{index .RepoDigests 0}}", there) == f"{registry.host}/team/{name}@{digest}"
    assert cli.out("run", "--rm", there, "busybox", "cat", "/here")[:3] == "111"
    assert f"Status: Image is up to date for {there}" in cli.out("pull", there)
    assert cli.out("pull", "-q", f"{registry.host}/team/{name}@{digest}") == f"{registry.host}/team/{name}@{digest}"
    cli("tag", there, loaded)


def test_another_repository_gets_the_layers_by_mount(cli, registry, loaded, name):
    first, second = f"{registry.host}/{name}/a", f"{registry.host}/{name}/b"
    cli("tag", loaded, first)
    cli("push", first)
    cli("tag", loaded, second)
    assert cli.out("push", second).count(f": Mounted from {name}/a") == 3


def test_run_pulls_what_is_missing(cli, registry, loaded, name):
    there = f"{registry.host}/{name}:latest"
    cli("tag", loaded, there)
    cli("push", there)
    cli("rmi", there)
    done = cli("run", "--rm", there, "busybox", "echo", "ok")
    assert done.stdout == "ok\n" and f"Unable to find image '{there}' locally" in done.stderr


def test_what_is_not_there_is_said_in_dockers_words(cli, registry, name):
    there = f"{registry.host}/{name}:nosuch"
    done = cli("pull", there, status=1)
    assert f"manifest for {there} not found: manifest unknown: manifest unknown" in done.stderr
    done = cli("push", there, status=1)
    assert "does not exist" in done.stderr
    done = cli("pull", "127.0.0.1:1/x", status=1)
    assert 'dial tcp 127.0.0.1:1: connect: connection refused' in done.stderr


def test_all_tags_of_a_repository(cli, registry, loaded, name):
    there = f"{registry.host}/{name}"
    for tag in ("a", "b"):
        cli("tag", loaded, f"{there}:{tag}")
    cli("push", "--all-tags", there)
    cli("rmi", f"{there}:a", f"{there}:b")
    cli("pull", "--all-tags", there)
    assert sorted(cli.out("images", "--format", "{{.Tag}}", there).split()) == ["a", "b"]


def test_search_finds_repositories_of_a_registry(cli, registry, loaded, name):
    there = f"{registry.host}/team/{name}"
    cli("tag", loaded, there)
    cli("push", there)
    assert cli.out("search", "--format", "{{.Name}}", f"{registry.host}/{name}") == there


def test_login_with_tls_and_password(cli, daemon, locked, loaded, tmp_path, new_daemon, name):
    other = new_daemon(config={"insecure-registries": ["10.199.0.0/16"]})
    client = type(cli)(cli.client, other)
    there = f"{locked.host}/{name}:1"
    client("tag", "busybox", there)
    assert "no basic auth credentials" in client("push", there, status=1).stderr
    wrong = client("login", "-u", USER, "--password-stdin", locked.host, input="wrong", status=1)
    assert "401 Unauthorized" in wrong.stderr
    assert "Login Succeeded" in client.out("login", "-u", USER, "--password-stdin", locked.host, input=PASSWORD)
    assert locked.host in json.loads((other.client_config / "config.json").read_text())["auths"]
    client("push", there)
    client("rmi", there)
    client("pull", there)
    assert PASSWORD not in other.log_text()
    assert f"Removing login credentials for {locked.host}" in client.out("logout", locked.host)
    client("rmi", there)
    assert "no basic auth credentials" in client("pull", there, status=1).stderr


def test_unknown_certificate_is_refused(cli, locked, name):
    done = cli("pull", f"{locked.host}/{name}", status=1)
    assert "failed to verify certificate" in done.stderr


def test_distribution_tells_digest_and_platforms(daemon, cli, registry, loaded, name):
    there = f"{registry.host}/{name}:1"
    cli("tag", loaded, there)
    digest = digest_of(cli.out("push", there))
    answer = daemon.api("GET", f"/distribution/{there}/json").json
    assert answer["Descriptor"]["digest"] == digest
    assert [one["os"] for one in answer["Platforms"]] == ["linux"]


def test_index_gives_the_image_for_the_platform(cli, daemon, name):
    blobs = Blobs()
    entries = []
    for architecture, variant in (("arm64", "v8"), ("amd64", None), ("arm", "v7")):
        plain = layer({"arch": architecture})
        descriptor = blobs.image(
            architecture, [gzip.compress(plain, mtime=0)], ["sha256:" + hashlib.sha256(plain).hexdigest()], architecture)
        platform = {"os": "linux", "architecture": architecture} | ({"variant": variant} if variant else {})
        entries.append(descriptor | {"platform": platform})
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
    blobs.tags["latest"] = blobs.put(json.dumps(index).encode(), index["mediaType"])["digest"]
    with HostileRegistry(blobs) as server:
        there = f"{server.host}/{name}"
        cli("pull", there)
        first = cli.out("image", "inspect", "-f", "{{.Id}}", there)
        assert cli.out("image", "inspect", "-f", "{{.Architecture}}", there) == "amd64"
        cli("pull", "--platform", "linux/arm64", there)
        assert cli.out("image", "inspect", "-f", "{{.Architecture}}", there) == "arm64"
        done = cli("pull", "--platform", "linux/s390x", there, status=1)
        assert "no matching manifest for linux/s390x in the manifest list entries" in done.stderr
        cli("rmi", "-f", there, first)


@pytest.mark.parametrize("client", ["skopeo", "podman"])
def test_other_clients_read_what_was_pushed(daemon, registry, loaded, client, name, tmp_path, request):
    program = settings.peer(client)
    assert program, f"{client} is missing: scripts/peers fetches it"
    there = f"{registry.host}/{name}:1"
    daemon.api("POST", f"/images/{loaded}/tag?repo={registry.host}/{name}&tag=1")
    answer = daemon.api("POST", f"/images/{registry.host}/{name}/push?tag=1", timeout=60)
    digest = [json.loads(line) for line in answer.body.splitlines()][-1]["aux"]["Digest"]
    if client == "skopeo":
        out = subprocess.run(
            [program, "inspect", "--tls-verify=false", f"docker://{there}"], stdout=subprocess.PIPE, check=True)
        assert json.loads(out.stdout)["Digest"] == digest
        target = tmp_path / "layout"
        subprocess.run(
            [program, "--insecure-policy", "copy", "-q", "--src-tls-verify=false", f"docker://{there}", f"oci:{target}:1"],
            check=True)
        # And back, as another image.
        subprocess.run(
            [program, "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"oci:{target}:1",
             f"docker://{registry.host}/{name}:2"], check=True)
    else:
        short = Path(tempfile.mkdtemp(prefix="pm", dir=settings.SCRATCH))  # podman takes no long names
        request.addfinalizer(lambda: shutil.rmtree(short, ignore_errors=True))
        (short / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        trust = ["--signature-policy", str(short / "policy.json"), "--tls-verify=false"]
        roots = ["--root", str(short / "root"), "--runroot", str(short / "run"), "--storage-driver", "vfs"]
        subprocess.run([program, *roots, "pull", "-q", *trust, there], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([program, *roots, "tag", there, f"{registry.host}/{name}:2"], check=True)
        subprocess.run(
            [program, *roots, "push", "-q", *trust, f"{registry.host}/{name}:2"], check=True)
    lines = [json.loads(line) for line in
             daemon.api("POST", f"/images/create?fromImage={registry.host}/{name}&tag=2", timeout=60).body.splitlines()]
    assert "error" not in lines[-1], lines[-1]
    assert lines[-1]["status"].startswith("Status: ")
