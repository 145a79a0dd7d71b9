"""The clients that people use push and pull, over TLS and with a password."""

import json
import os
import shutil
import subprocess

import pytest
from harness.registry import INDEX, MANIFEST

needs_skopeo = pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")


@pytest.fixture(params=["basic", "token"])
def secured(request, registries, passwords, certificate):
    registry = registries("--auth", request.param, "--htpasswd", str(passwords), "--tls-cert", str(certificate[0]),
                          "--tls-key", str(certificate[1]), scheme="https")
    registry.session.verify = str(certificate[0])
    return registry


def layout(folder, count: int) -> str:
    """An OCI layout folder with an index of so many images."""
    import hashlib
    import tarfile
    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def put(content: bytes, kind: str, **more) -> dict:
        name = hashlib.sha256(content).hexdigest()
        (folder / "blobs/sha256" / name).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": len(content), **more}
    manifests = []
    for number in range(count):
        (folder / "file").write_bytes(os.urandom(200_000))
        with tarfile.open(folder / "layer.tar", "w") as tar:
            tar.add(folder / "file", "file")
        layer = (folder / "layer.tar").read_bytes()
        architecture = ["amd64", "arm64", "riscv64"][number]
        config = json.dumps({"architecture": architecture, "os": "linux", "config": {}, "rootfs": {
            "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": put(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [put(layer, "application/vnd.oci.image.layer.v1.tar")]}).encode()
        manifests.append(put(manifest, MANIFEST, platform={"architecture": architecture, "os": "linux"}))
    index = put(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode(), INDEX)
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [
        index | {"annotations": {"org.opencontainers.image.ref.name": "t"}}]}))
    return index["digest"]


@needs_skopeo
def test_skopeo_copies_an_index_there_and_back(secured, tmp_path):
    name = layout(tmp_path / "source", 3)
    remote = f"docker://{secured.host}/team/app:v1"
    options = ["--all", "--preserve-digests"]
    subprocess.run(["skopeo", "copy", *options, "--dest-tls-verify=false", "--dest-creds", "alice:secret",
                    f"oci:{tmp_path}/source:t", remote], check=True, capture_output=True, timeout=120)
    subprocess.run(["skopeo", "copy", *options, "--src-tls-verify=false", "--src-creds", "alice:secret", remote,
                    f"oci:{tmp_path}/target:t"], check=True, capture_output=True, timeout=120)
    source, target = (sorted(os.listdir(tmp_path / side / "blobs/sha256")) for side in ("source", "target"))
    assert target == source
    seen = subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false", "--creds", "alice:secret", remote],
                          check=True, capture_output=True, timeout=120).stdout
    assert (tmp_path / "source/blobs/sha256" / name.split(":")[1]).read_bytes() == seen
    refused = subprocess.run(["skopeo", "inspect", "--tls-verify=false", "--creds", "alice:wrong", remote],
                             capture_output=True, text=True, timeout=120)
    assert refused.returncode != 0


@needs_skopeo
def test_skopeo_lists_tags_and_deletes(secured, tmp_path):
    layout(tmp_path / "source", 1)
    remote = f"docker://{secured.host}/app"
    for tag in ("b", "a"):
        subprocess.run(["skopeo", "copy", "--all", "--dest-tls-verify=false", "--dest-creds", "alice:secret",
                        f"oci:{tmp_path}/source:t", f"{remote}:{tag}"], check=True, capture_output=True, timeout=120)
    listed = subprocess.run(["skopeo", "list-tags", "--tls-verify=false", "--creds", "alice:secret", remote],
                            check=True, capture_output=True, timeout=120).stdout
    assert json.loads(listed)["Tags"] == ["a", "b"]
    subprocess.run(["skopeo", "delete", "--tls-verify=false", "--creds", "alice:secret", f"{remote}:a"], check=True,
                   capture_output=True, timeout=120)
    gone = subprocess.run(["skopeo", "inspect", "--tls-verify=false", "--creds", "alice:secret", f"{remote}:a"],
                          capture_output=True, text=True, timeout=120)
    assert gone.returncode != 0 and "manifest" in gone.stderr
