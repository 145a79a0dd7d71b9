"""load, save, import, tag, rmi, history, images."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile

import pytest

from harness import images, settings
from harness.archives import image_with_layers


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive if one.isfile()}


@pytest.mark.parametrize("form", ["docker", pytest.param("oci", marks=pytest.mark.skiff_only)])
def test_load_of_both_archive_forms(cli, form):
    out = cli.out("load", "-i", str(images.archive("busybox", form)))
    assert out.endswith("Loaded image: busybox:latest")
    assert cli.out("run", "--rm", "busybox", "echo", "ok") == "ok"


def test_load_from_standard_input(cli):
    data = images.archive("hello-world", "docker").read_bytes()
    assert "Loaded image: hello-world:latest" in cli.out("load", input=data)
    cli("rmi", "hello-world")


@pytest.mark.skiff_only
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_layers_of_every_compression(cli, daemon, tmp_path, compression):
    """The same image with its layer stored in three ways; the diff id stays."""
    layout = rewrite_layers(images.archive("busybox"), tmp_path, compression, f"squeezed:{compression}")
    cli("load", "-i", str(layout))
    assert cli.out("run", "--rm", f"squeezed:{compression}", "busybox", "echo", "ok") == "ok"
    cli("rmi", f"squeezed:{compression}")


def rewrite_layers(source, folder, compression: str, reference: str):
    """Writes the OCI layout `source` again with its layers stored otherwise."""
    blobs = folder / "layout/blobs/sha256"
    with tarfile.open(source) as archive:
        archive.extractall(folder / "layout")
    index = json.loads((folder / "layout/index.json").read_text())

    def put(data: bytes) -> dict:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    suffix = {"none": "", "gzip": "+gzip", "zstd": "+zstd"}[compression]
    for layer in manifest["layers"]:
        plain = subprocess.run(["gzip", "-dc", blobs / layer["digest"][7:]], stdout=subprocess.PIPE, check=True).stdout
        if compression != "none":
            plain = subprocess.run([compression, "-c"], input=plain, stdout=subprocess.PIPE, check=True).stdout
        layer.update(put(plain), mediaType=f"application/vnd.oci.image.layer.v1.tar{suffix}")
    name, tag = reference.split(":")
    index["manifests"][0].update(
        put(json.dumps(manifest).encode()),
        annotations={"io.containerd.image.name": f"docker.io/library/{reference}",
                     "org.opencontainers.image.ref.name": tag})
    (folder / "layout/index.json").write_text(json.dumps(index))
    target = folder / "layout.tar"
    subprocess.run(["tar", "-C", folder / "layout", "-cf", target, "."], check=True)
    return target


def test_save_gives_an_archive_that_loads(cli, daemon, new_daemon, tmp_path):
    cli("save", "-o", str(tmp_path / "saved.tar"), "busybox")
    files = members((tmp_path / "saved.tar").read_bytes())
    manifest = json.loads(files["manifest.json"])
    assert manifest[0]["RepoTags"] == ["busybox:latest"]
    other = new_daemon(images=()).cli(cli.client)
    other("load", "-i", str(tmp_path / "saved.tar"))
    assert other.out("images", "-q", "--no-trunc") == cli.out("images", "-q", "--no-trunc", "busybox")
    assert other.out("run", "--rm", "busybox", "echo", "ok") == "ok"


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_reads_what_save_writes(cli, tmp_path):
    cli("save", "-o", str(tmp_path / "saved.tar"), "busybox")
    out = subprocess.run(["skopeo", "inspect", "--config", f"docker-archive:{tmp_path}/saved.tar"],
                         capture_output=True, text=True, check=True).stdout
    assert json.loads(out)["config"]["Cmd"] == ["sh"]


def test_several_images_in_one_archive(cli, shared_engine, tmp_path):
    shared_engine.load("hello-world")
    cli("save", "-o", str(tmp_path / "both.tar"), "busybox", "hello-world")
    out = cli.out("load", "-i", str(tmp_path / "both.tar"))
    assert {"Loaded image: busybox:latest", "Loaded image: hello-world:latest"} <= set(out.split("\n"))
    cli("rmi", "hello-world")


def test_import_of_a_plain_archive(cli, tmp_path):
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    subprocess.run(["tar", "-C", root, "-cf", tmp_path / "root.tar", "."], check=True)
    identifier = cli.out("import", "-c", 'CMD ["/bin/busybox", "echo", "imported"]', "-m", "by hand",
                         str(tmp_path / "root.tar"), "mine:1")
    assert identifier.startswith("sha256:")
    assert cli.out("run", "--rm", "mine:1") == "imported"
    assert cli.out("history", "--no-trunc", "--format", "{{.Comment}}", "mine:1") == "by hand"
    cli("rmi", "mine:1")


def test_tag_and_untag(cli, daemon):
    cli("tag", "busybox", "another/name:v1")
    assert cli.out("run", "--rm", "another/name:v1", "echo", "ok") == "ok"
    assert cli.out("rmi", "another/name:v1") == "Untagged: another/name:v1"
    assert cli.out("images", "-q", "another/name") == ""
    assert cli.out("images", "-q", "busybox") != ""


def test_an_image_in_use_is_kept(cli, name):
    cli("tag", "busybox", "used:1")
    cli("create", "--name", name, "used:1")
    assert "Untagged: used:1" in cli.out("rmi", "used:1")
    done = cli("rmi", "busybox", status=1)
    assert "conflict: unable to remove repository reference" in done.stderr and "is using its referenced image" in \
        done.stderr


def test_images_columns_and_filters(cli):
    lines = cli.out("images").split("\n")
    assert lines[0].split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert cli.out("images", "--format", "{{.Repository}}:{{.Tag}}", "busybox") == "busybox:latest"
    assert cli.out("images", "--filter", "reference=busy*", "--format", "{{.Repository}}") == "busybox"
    assert cli.out("images", "-q", "--no-trunc", "busybox").startswith("sha256:")
    assert cli.out("images", "nosuch", "-q") == ""


def test_filters_of_images(cli, tmp_path):
    (tmp_path / "root").mkdir()
    subprocess.run(["tar", "-C", tmp_path / "root", "-cf", tmp_path / "root.tar", "."], check=True)
    cli("import", "-c", "LABEL kind=a", str(tmp_path / "root.tar"), "labelled:1")
    cli("import", "-c", "LABEL kind=b", str(tmp_path / "root.tar"))
    names = ("--format", "{{.Repository}}")

    def found(*filters: str) -> list[str]:
        return sorted(cli.out("images", *names, *(word for one in filters for word in ("--filter", one))).split())

    assert found("label=kind=a") == ["labelled"] and found("label=kind") == ["<none>", "labelled"]
    assert found("label=kind", "dangling=true") == ["<none>"] and found("label=kind", "dangling=false") == ["labelled"]
    assert found("label=nosuch") == [] and found("reference=labelled:*") == ["labelled"]
    assert found("since=busybox", "label=kind=a") == ["labelled"] and "busybox" in found("before=labelled:1")
    assert "labelled" not in found("before=labelled:1")
    cli("rmi", "labelled:1", *cli.out("images", "-q", "--filter", "label=kind=b").split())


def test_history(cli, debian_image, nginx_image):
    lines = cli.out("history", "--no-trunc", "--format", "{{.CreatedBy}}", "nginx").split("\n")
    assert lines == ["scripts/make-images: configuration", "scripts/make-images: layer nginx",
                     "scripts/make-images: layer debian"]


def test_inspect_of_an_image(cli, nginx_image):
    facts = json.loads(cli.out("image", "inspect", "nginx"))[0] if cli.client == "docker" else \
        json.loads(cli.out("inspect", "nginx"))[0]
    assert facts["Config"]["StopSignal"] == "SIGQUIT" and facts["Config"]["ExposedPorts"] == {"80/tcp": {}}
    assert facts["Os"] == "linux" and len(facts["RootFS"]["Layers"]) == 2 and facts["Size"] > 10_000_000
    assert set(facts["GraphDriver"]["Data"]) >= {"LowerDir", "MergedDir", "UpperDir", "WorkDir"}
    assert facts["GraphDriver"]["Name"] == "overlay2"


def test_images_share_their_base(cli, daemon, nginx_image, debian_image):
    first = json.loads(cli.out("inspect", "nginx"))[0]["RootFS"]["Layers"]
    second = json.loads(cli.out("inspect", "debian:bookworm-slim"))[0]["RootFS"]["Layers"]
    assert first[:1] == second


def test_ten_containers_share_one_image(cli, daemon, name, debian_image):
    """Each has its own view of a file that one of them changes, and none has a copy of the image."""
    ids = [cli.out("run", "-d", "--name", f"{name}{number}", "debian:bookworm-slim", "sleep", "1000")
           for number in range(10)]
    cli("exec", ids[0], "sh", "-c", "echo changed >/etc/debian_version")
    assert cli.out("exec", ids[1], "cat", "/etc/debian_version") != "changed"
    lowers = {json.loads(cli.out("inspect", "--format", "{{json .GraphDriver.Data}}", one))["LowerDir"].split(":", 1)[1]
              for one in ids}
    assert len(lowers) == 1
    upper = json.loads(cli.out("inspect", "--format", "{{json .GraphDriver.Data}}", ids[0]))["UpperDir"]
    assert open(f"{upper}/etc/debian_version").read() == "changed\n"


def test_whiteouts_and_opaque_folders(cli, tmp_path):
    """Deleted files stay deleted, and a folder that a later layer replaces shows nothing of the earlier one."""
    archive = image_with_layers(tmp_path, "whiteouts:latest", [
        {"gone": "x\n", "kept/file": "kept text\n", "replaced/old": "x\n"},
        {".wh.gone": "", "replaced/.wh..wh..opq": "", "replaced/new": "y\n"},
    ])
    cli("load", "-i", str(archive))
    out = cli.out("run", "--rm", "whiteouts", "sh", "-c", "ls /gone /kept /replaced 2>&1; cat /kept/file; ls -a /replaced")
    assert "/gone: No such file" in out and "old" not in out and "new" in out and "kept text" in out
    cli("rmi", "whiteouts")


def test_file_attributes_survive(cli, debian_image):
    out = cli.out("run", "--rm", "debian:bookworm-slim", "sh", "-c",
                  "stat -c '%a %U:%G' /usr/bin/passwd /tmp /etc/shadow /root; readlink /bin; "
                  "stat -c %i /usr/bin/perl /usr/bin/perl5.36.0 | uniq | wc -l")
    assert out.split("\n") == ["4755 root:root", "1777 root:root", "640 root:shadow", "700 root:root", "usr/bin", "1"]


def test_an_image_can_be_removed_and_loaded_again(cli):
    for _ in range(settings.short_or_long(3, 30)):
        cli("load", "-i", str(images.archive("hello-world", "docker")))
        cli("rmi", "hello-world")
    assert cli.out("images", "-q", "hello-world") == ""
