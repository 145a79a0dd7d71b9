"""`manifest create, annotate, inspect, push, rm`: the output of docker and skiff is the same, byte for byte."""

import base64
import json

import pytest
import requests
from harness.registries import DOCKER_LIST, DOCKER_TYPES, INDEX, OCI_TYPES, Blobs, put_image, put_manifest
from harness.registry import Registry

pytestmark = [pytest.mark.skiff_only, pytest.mark.docker28]

#: Docker's registry makes something else of a list for those who do not ask for one.
ACCEPT = {"Accept": ", ".join((*(types[0] for types in (OCI_TYPES, DOCKER_TYPES)), INDEX, DOCKER_LIST))}


@pytest.fixture(scope="module", params=["debian", "skiff"])
def there(request, registry, tmp_path_factory):
    """Docker's registry and Skiff's, with images for two machines in each family."""
    own = Registry(tmp_path_factory.mktemp("own")) if request.param == "skiff" else None
    host = own.host if own else registry.host
    for family, docker in (("d", True), ("o", False)):
        for architecture in ("amd64", "arm64"):
            blobs = Blobs()
            descriptor = blobs.simple(architecture, f"{family} for {architecture}", architecture, docker=docker)
            put_image(f"http://{host}", f"m/{family}", architecture, blobs, descriptor)
    yield host
    if own:
        own.kill()


def clients(daemon):
    return daemon.cli("docker"), daemon.cli("skiff")


def both(daemon, *arguments, status=0) -> str:
    """What docker and skiff print, each with lists of its own, which has to be the same."""
    outputs = []
    for number, cli in enumerate(clients(daemon)):
        folder = daemon.client_config.parent / f"client{number}"
        done = cli(*arguments, status=status, env={"DOCKER_CONFIG": str(folder)})
        outputs.append((done.stdout, done.stderr))
    assert outputs[0] == outputs[1]
    return "".join(outputs[0])


@pytest.mark.parametrize("family", ["d", "o"])
def test_a_list_is_put_together_as_docker_does(daemon, there, family):
    name = f"{there}/m/{family}"
    annotate = ["manifest", "annotate", "--os", "linux", "--arch", "arm64", "--variant", "v8", "--os-version", "1.2",
                "--os-features", "a,b", f"{name}:all"]
    both(daemon, "manifest", "create", "--insecure", f"{name}:all", f"{name}:amd64", f"{name}:arm64")
    assert "--amend" in both(daemon, "manifest", "create", "--insecure", f"{name}:all", f"{name}:amd64", status=1)
    both(daemon, *annotate, f"{name}:arm64")
    assert "does not exist in" in both(daemon, *annotate, f"{name}:nosuch", status=1)
    for wrong in (["--arch", "arm65"], ["--os", "foo"]):
        assert "unsupported os/arch" in both(
            daemon, "manifest", "annotate", *wrong, f"{name}:all", f"{name}:arm64", status=1)
    for flags in ([], ["-v"]):
        shown = both(daemon, "manifest", "inspect", *flags, f"{name}:all")
        assert '"os.version": "1.2"' in shown
        both(daemon, "manifest", "inspect", *flags, f"{name}:all", f"{name}:arm64")
    digest = both(daemon, "manifest", "push", "--insecure", "-p", f"{name}:all").strip()
    stored = requests.get(f"http://{there}/v2/m/{family}/manifests/all", headers=ACCEPT).json()
    assert stored["manifests"][1]["platform"]["variant"] == "v8"
    for flags in ([], ["-v"]):
        both(daemon, "manifest", "inspect", "--insecure", *flags, f"{name}:all")
        single = both(daemon, "manifest", "inspect", "--insecure", *flags, f"{name}:amd64")
        both(daemon, "manifest", "inspect", "--insecure", *flags, f"{name}@{digest}")
    raw = base64.b64decode(json.loads(single)["Raw"])
    assert raw == requests.get(
        f"http://{there}/v2/m/{family}/manifests/amd64", headers=ACCEPT).content
    assert both(daemon, "manifest", "rm", f"{name}:all", f"{name}:none", status=1).count("No such manifest") == 2
    assert "No such manifest" in both(daemon, "manifest", "push", f"{name}:all", status=1)
    assert "is a manifest list" in both(
        daemon, "manifest", "create", "--insecure", f"{name}:new", f"{name}:all", status=1)
    assert "no such manifest" in both(
        daemon, "manifest", "create", "--insecure", f"{name}:new", f"{name}:nosuch", status=1)
    assert "no such manifest" in both(daemon, "manifest", "inspect", "--insecure", f"{name}:nosuch", status=1)


def test_a_list_takes_manifests_of_another_repository_along(daemon, there):
    both(daemon, "manifest", "create", "--insecure", f"{there}/m/copy:all", f"{there}/m/d:amd64", f"{there}/m/d:arm64")
    assert both(daemon, "manifest", "push", "--insecure", f"{there}/m/copy:all").count("Pushed ref") == 2
    both(daemon, "manifest", "rm", f"{there}/m/copy:all")
    cli = daemon.cli("skiff")
    cli("pull", f"{there}/m/copy:all")
    cli("rmi", f"{there}/m/copy:all")


def test_a_list_begun_by_docker_is_pushed_by_skiff(daemon, there):
    docker, skiff = clients(daemon)
    docker("manifest", "create", "--insecure", f"{there}/m/o:mixed", f"{there}/m/o:amd64", f"{there}/m/o:arm64")
    skiff("manifest", "annotate", "--variant", "v8", f"{there}/m/o:mixed", f"{there}/m/o:arm64")
    assert '"variant": "v8"' in docker.out("manifest", "inspect", f"{there}/m/o:mixed")
    assert skiff.out("manifest", "push", "--purge", f"{there}/m/o:mixed").startswith("sha256:")
    skiff("manifest", "rm", f"{there}/m/o:mixed", status=1)


def test_bytes_of_a_pushed_manifest_stay(daemon, there):
    """What one puts into a registry with odd blanks comes out with them."""
    blobs = Blobs()
    descriptor = blobs.simple("odd", "odd")
    put_image(f"http://{there}", "m/odd", "plain", blobs, descriptor)
    odd = json.dumps(json.loads(blobs.content[descriptor["digest"]]), indent=7).encode() + b"\n\n"
    put_manifest(f"http://{there}", "m/odd", "odd", odd, descriptor["mediaType"])
    shown = json.loads(both(daemon, "manifest", "inspect", "--insecure", "-v", f"{there}/m/odd:odd"))
    assert base64.b64decode(shown["Raw"]) == odd
