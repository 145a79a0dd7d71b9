"""Archives of other programs load here, and ours load there."""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from harness import images, settings

pytestmark = pytest.mark.skiff_only


class Tools:
    """podman, skopeo and buildah with a store of their own."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        (folder / "registries.conf").write_text('unqualified-search-registries = ["docker.io"]\n')
        self.policy = ["--signature-policy", str(folder / "policy.json")]
        self.roots = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]
        self.environment = {
            "PATH": f"{settings.PEERS}/usr/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(folder), "TMPDIR": str(folder),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"), "BUILDAH_ISOLATION": "chroot"}

    def run(self, name: str, *arguments: str) -> str:
        program = settings.peer(name)
        assert program, f"{name} is missing: scripts/peers fetches it"
        done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=self.environment)
        assert done.returncode == 0, f"{name} {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def podman(self, *arguments: str) -> str:
        return self.run("podman", *self.roots, *arguments)

    def buildah(self, *arguments: str) -> str:
        return self.run("buildah", *self.roots, *arguments)

    def skopeo(self, source: str, target: str) -> None:
        self.run("skopeo", "--insecure-policy", "copy", "-q", source, target)

    def podman_image(self) -> str:
        """BusyBox in podman's store."""
        self.podman("load", "-q", *self.policy, "-i", str(images.archive("busybox", "docker")))
        return self.podman("images", "--format", "{{.Repository}}:{{.Tag}}").split()[0]

    def buildah_image(self) -> str:
        return self.buildah("pull", "-q", *self.policy, f"oci-archive:{images.archive('busybox', 'oci')}").strip()


@pytest.fixture
def tools():
    folder = Path(tempfile.mkdtemp(prefix="pm", dir=settings.SCRATCH))  # podman takes no long names
    yield Tools(folder)
    shutil.rmtree(folder, ignore_errors=True)


def docker_save(target: Path, reference) -> None:
    """20.10: v1 folders with VERSION, json and layer.tar, `repositories`, and manifest.json."""
    target.write_bytes(reference.api("GET", "/images/get?names=busybox:latest").body)
    with tarfile.open(target) as archive:
        names = archive.getnames()
        assert "repositories" in names and any(name.endswith("/VERSION") for name in names)


def docker_save_since_25(tools: Tools, target: Path) -> None:
    """An OCI layout whose layers are plain, with manifest.json beside it, folders and all."""
    folder = tools.folder / "new"
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, kind: str) -> dict:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    with tarfile.open(images.archive("busybox", "docker")) as old:
        entry = json.load(old.extractfile("manifest.json"))[0]
        config = put(old.extractfile(entry["Config"]).read(), "application/vnd.oci.image.config.v1+json")
        layers = [put(old.extractfile(one).read(), "application/vnd.oci.image.layer.v1.tar") for one in entry["Layers"]]
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = put(json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}).encode(), kind)
    manifest["annotations"] = {"io.containerd.image.name": "docker.io/library/busybox:latest",
                               "org.opencontainers.image.ref.name": "latest"}
    (folder / "index.json").write_text(json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    names = [f"blobs/sha256/{one['digest'][7:]}" for one in layers]
    (folder / "manifest.json").write_text(json.dumps([{
        "Config": f"blobs/sha256/{config['digest'][7:]}", "RepoTags": ["busybox:latest"], "Layers": names,
        "LayerSources": {one["digest"]: one for one in layers}}]))
    pack(folder, target)


def pack(folder: Path, target: Path) -> None:
    subprocess.run(["tar", "-C", folder, "-cf", target, "."], check=True)


def podman_save(form: str):
    def make(tools: Tools, target: Path) -> None:
        image = tools.podman_image()
        if form != "oci-dir":
            return tools.podman("save", "-q", "--format", form, "-o", str(target), image)
        tools.podman("save", "-q", "--format", form, "-o", str(tools.folder / "layout"), image)
        return pack(tools.folder / "layout", target)
    return make


def skopeo_copy(form: str, source: str = "oci"):
    def make(tools: Tools, target: Path) -> None:
        origin = f"{source}-archive:{images.archive('busybox', source)}"
        if form != "oci":
            return tools.skopeo(origin, f"{form}:{target}:busybox:latest")
        tools.skopeo(origin, f"oci:{tools.folder}/layout:busybox:latest")
        return pack(tools.folder / "layout", target)
    return make


def buildah_push(form: str):
    def make(tools: Tools, target: Path) -> None:
        tools.buildah("push", "-q", *tools.policy, tools.buildah_image(), f"{form}:{target}:busybox:latest")
    return make


SOURCES = {
    "docker-save-20.10": None, "docker-save-25": docker_save_since_25,
    "podman-docker-archive": podman_save("docker-archive"), "podman-oci-archive": podman_save("oci-archive"),
    "podman-oci-dir": podman_save("oci-dir"), "skopeo-docker-archive": skopeo_copy("docker-archive"),
    "skopeo-oci-archive": skopeo_copy("oci-archive"), "skopeo-oci-dir": skopeo_copy("oci"),
    "skopeo-docker-to-oci": skopeo_copy("oci-archive", "docker"), "buildah-oci-archive": buildah_push("oci-archive"),
    "buildah-docker-archive": buildah_push("docker-archive"),
}


@pytest.mark.parametrize("source", ["docker-save-20.10", "docker-save-25", "podman-oci-dir", "skopeo-oci-dir"])
def test_folders_load(source, tools, reference, new_daemon):
    """`skiff load -i FOLDER`: an OCI layout, or what `docker save` wrote, unpacked. The same image as from the archive."""
    target, folder = tools.folder / "archive.tar", tools.folder / "unpacked"
    SOURCES[source](tools, target) if SOURCES[source] else docker_save(target, reference)
    folder.mkdir()
    subprocess.run(["tar", "-C", folder, "-xf", target], check=True)
    target.unlink()
    engine = new_daemon(images=())
    cli = engine.cli("skiff")
    out = cli.out("load", "-i", str(folder))
    assert out.startswith("Loaded image"), out
    [image] = engine.api("GET", "/images/json").json
    assert cli.out("run", "--rm", "--network", "none", image["Id"], "busybox", "echo", "ok") == "ok"


def test_folders_without_an_image_are_refused(tmp_path, new_daemon):
    engine = new_daemon(images=())
    done = engine.cli("skiff")("load", "-i", str(tmp_path), status=None)
    assert done.returncode == 1 and "neither index.json" in done.stderr and str(tmp_path) in done.stderr
    (tmp_path / "index.json").write_text("{}")
    # What is no file is passed over, what leads elsewhere is not read.
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / ("n" * 200)).write_text("x")
    (tmp_path / "elsewhere").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    done = engine.cli("skiff")("load", "-i", str(tmp_path), status=None)
    assert done.returncode == 1 and "index.json" in done.stderr, done.stderr


@pytest.mark.parametrize("source", SOURCES)
def test_archives_of_others_load(source, tools, reference, new_daemon):
    target = tools.folder / "archive.tar"
    if SOURCES[source] is None:
        docker_save(target, reference)
    else:
        SOURCES[source](tools, target)
    engine = new_daemon(images=())
    cli = engine.cli("docker")
    out = cli.out("load", "-i", str(target))
    [image] = engine.api("GET", "/images/json").json
    if source in ("podman-oci-dir", "skopeo-docker-to-oci") and not image["RepoTags"]:
        cli("tag", image["Id"], "busybox:latest")
    else:
        assert "busybox" in out, out
    name = next((tag for tag in cli.out("images", "--format", "{{.Repository}}:{{.Tag}}").split() if "busybox" in tag))
    assert cli.out("run", "--rm", "--network", "none", name, "busybox", "echo", "ok") == "ok"
    # The same once more, and as a whole: nothing is stored twice.
    size = engine.api("GET", "/system/df?type=image").json["LayersSize"]
    cli("load", "-i", str(target))
    assert engine.api("GET", "/system/df?type=image").json["LayersSize"] == size


@pytest.mark.parametrize("form", ["plain", "compressed"])
def test_our_archives_load_elsewhere(form, tools, reference, new_daemon):
    """Of layers that came plain, and of those that came compressed and are saved so."""
    engine = new_daemon(images=())
    engine.load("busybox", form={"plain": "docker", "compressed": "oci"}[form])
    identifier = engine.api("GET", "/images/busybox/json").json["Id"]
    target = tools.folder / "ours.tar"
    target.write_bytes(engine.api("GET", "/images/get?names=busybox:latest").body)
    with target.open("rb") as data:
        answer = reference.api("POST", "/images/load?quiet=1", data, {"Content-Type": "application/x-tar"})
    assert b'"error"' not in answer.body and b"Loaded image: busybox:latest" in answer.body, answer.body
    assert reference.api("GET", "/images/busybox/json").json["Id"] == identifier
    assert "busybox:latest" in tools.podman("load", "-q", *tools.policy, "-i", str(target))
    assert tools.podman("image", "inspect", "--format", "{{.Id}}", "busybox").strip() == identifier[7:]
    tools.skopeo(f"docker-archive:{target}", f"docker-archive:{tools.folder}/again.tar:busybox:latest")
    tools.skopeo(f"oci-archive:{target}", f"oci:{tools.folder}/layout:one")
    layout = tools.folder / "layout"
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads((layout / "blobs/sha256" / index["manifests"][0]["digest"][7:]).read_text())
    assert manifest["config"]["digest"] == identifier
    tools.buildah("pull", "-q", *tools.policy, f"oci-archive:{target}")
