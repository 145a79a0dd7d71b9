"""`keep-compressed-layers: false`: compressed layers go where they can be made again, and a push gives the same digest."""

import gzip
import hashlib
import io
import json
import random
import shutil
import subprocess
import sysconfig
import tarfile
import zlib
from pathlib import Path

import pytest
from harness.archives import image_with_layers, layer
from harness.registries import Blobs, put_image
from harness.registry import Registry

pytestmark = pytest.mark.skiff_only


@pytest.fixture(scope="module")
def plain() -> bytes:
    """An archive of what layers hold: text, a program, noise."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = {name: (folder / name).read_text()[:25_000] for name in ("argparse.py", "doctest.py")}
    files["program"] = Path("/bin/ls").read_bytes()[:25_000].decode("latin-1")
    files["noise"] = random.Random(5).randbytes(3_000).decode("latin-1")
    files["zeros"] = "\0" * 30_000
    return layer(files)


def raw(data: bytes, *, level: int = 6, strategy: int = zlib.Z_DEFAULT_STRATEGY, flush: int = 0) -> bytes:
    """A gzip file by zlib; with `flush`, after each so many bytes a block ends at a byte's end."""
    maker = zlib.compressobj(level, zlib.DEFLATED, 31, 8, strategy)
    parts = [data[start:start + flush] for start in range(0, len(data), flush)] if flush else [data]
    body = b"".join(maker.compress(part) + (maker.flush(zlib.Z_FULL_FLUSH) if flush else b"") for part in parts)
    return body + maker.flush()


def by_program(*command: str):
    return lambda data: subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def named(data: bytes) -> bytes:
    """With a name and a time in its head."""
    target = io.BytesIO()
    with gzip.GzipFile("layer.tar", "wb", 6, target, 1_600_000_000) as file:
        file.write(data)
    return target.getvalue()


#: Makes a blob of an archive, and whether that can be dropped.
COMPRESSORS = {
    "zlib-1": (lambda data: raw(data, level=1), True),
    "zlib-4": (lambda data: raw(data, level=4), True),
    "zlib-6": (raw, True),
    "zlib-9": (lambda data: raw(data, level=9), True),
    "flushed": (lambda data: raw(data, flush=20_000), True),
    "fixed": (lambda data: raw(data, strategy=zlib.Z_FIXED), True),
    "named": (named, True),
    "gzip": (by_program("gzip", "-nc"), True),
    "gzip-9": (by_program("gzip", "-9c"), True),
    "padded": (lambda data: raw(data) + bytes(512), True),
    "stored": (lambda data: raw(data, level=0), True),
    "members": (lambda data: raw(data[:50_000]) + raw(data[50_000:]), False),
    "zstd": (by_program("zstd", "-qc"), False),
}


@pytest.fixture(scope="module")
def engine():
    from harness.engine import engine_under_test
    one = engine_under_test(config={"keep-compressed-layers": False}).start()
    yield one
    one.close()


def pull(engine, there: str) -> None:
    answer = engine.api("POST", f"/images/create?fromImage={there}&tag=1", timeout=300)
    assert answer.status == 200 and b'"error"' not in answer.body, answer.body


def push(engine, source: str, there: str) -> str:
    assert engine.api("POST", f"/images/{source}:1/tag?repo={there}&tag=1").status == 201
    answer = engine.api("POST", f"/images/{there}/push?tag=1", headers={"X-Registry-Auth": "e30="}, timeout=300)
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert "aux" in lines[-1], lines[-1]
    return lines[-1]["aux"]["Digest"]


def kept(engine) -> list[str]:
    return sorted(one.name for one in (engine.data_root / "content/blobs/sha256").iterdir())


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_push_after_a_drop_gives_the_same_digest(engine, registry, plain, tmp_path, compressor):
    make, is_dropped = COMPRESSORS[compressor]
    if compressor == "zstd" and not shutil.which("zstd"):
        pytest.skip("zstd is not installed")
    # A layer of its own for each, or the store would have it already.
    own = plain[:-1024] + layer({"own": compressor})
    blobs = Blobs()
    blob = make(own)
    descriptor = blobs.image("1", [blob], ["sha256:" + hashlib.sha256(own).hexdigest()])
    name = f"dropped/{compressor}"
    put_image(f"http://{registry.host}", name, "1", blobs, descriptor)
    there = f"{registry.host}/{name}"
    pull(engine, there)
    digest = hashlib.sha256(blob).hexdigest()
    assert (digest not in kept(engine)) == is_dropped
    folder = engine.data_root / "overlay2" / hashlib.sha256(own).hexdigest()
    form = folder / "form.zst"
    assert form.exists() == is_dropped and (folder / "recipe.zst").exists() == is_dropped
    if is_dropped:
        assert form.stat().st_size < len(blob) / 3
    # A registry that has never seen it, so nothing can be taken over from there.
    with Registry(tmp_path / "fresh") as fresh:
        assert push(engine, there, f"{fresh.host}/{name}") == descriptor["digest"]
        again = fresh.ask("GET", f"/v2/{name}/blobs/sha256:{digest}", 200).content
        assert again == blob
        engine.api("DELETE", f"/images/{fresh.host}/{name}:1?force=1")
    engine.api("DELETE", f"/images/{there}:1?force=1")


def oci_archive(target: Path, name: str, blob: bytes, plain: bytes, compressor: str) -> str:
    """An image of one layer as skopeo and buildah write it; returns its manifest's digest."""
    def put(archive: tarfile.TarFile, path: str, data: bytes) -> None:
        info = tarfile.TarInfo(path)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))

    def described(kind: str, data: bytes) -> dict:
        return {"mediaType": f"application/vnd.oci.image.{kind}", "size": len(data),
                "digest": "sha256:" + hashlib.sha256(data).hexdigest()}

    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(plain).hexdigest()]}}).encode()
    kind = "layer.v1.tar+zstd" if compressor == "zstd" else "layer.v1.tar+gzip"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                           "config": described("config.v1+json", config), "layers": [described(kind, blob)]}).encode()
    entry = described("manifest.v1+json", manifest)
    entry["annotations"] = {"io.containerd.image.name": name}
    with tarfile.open(target, "w") as archive:
        for data in (blob, config, manifest):
            put(archive, f"blobs/sha256/{hashlib.sha256(data).hexdigest()}", data)
        put(archive, "index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode())
        put(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    return entry["digest"]


@pytest.mark.parametrize("compressor", ["zlib-6", "gzip-9", "stored", "members", "zstd"])
def test_loaded_layers_are_dropped_too(engine, plain, tmp_path, compressor):
    """An archive whose layers are compressed: what can be made again goes, and a push gives what was in the archive."""
    make, is_dropped = COMPRESSORS[compressor]
    if compressor == "zstd" and not shutil.which("zstd"):
        pytest.skip("zstd is not installed")
    own = plain[:-1024] + layer({"own": "loaded " + compressor})
    blob = make(own)
    with Registry(tmp_path / "fresh") as fresh:
        name = f"{fresh.host}/loaded/{compressor}"
        expected = oci_archive(tmp_path / "oci.tar", f"{name}:1", blob, own, compressor)
        answer = engine.api("POST", "/images/load", body=(tmp_path / "oci.tar").read_bytes())
        assert answer.status == 200 and b'"error"' not in answer.body, answer.body
        digest = hashlib.sha256(blob).hexdigest()
        folder = engine.data_root / "overlay2" / hashlib.sha256(own).hexdigest()
        assert (digest not in kept(engine)) == is_dropped
        assert ((folder / "form.zst").exists(), (folder / "recipe.zst").exists()) == (is_dropped, is_dropped)
        assert not (folder / "blob").exists()
        assert push(engine, name, name) == expected
        assert fresh.ask("GET", f"/v2/loaded/{compressor}/blobs/sha256:{digest}", 200).content == blob
        # The same archive again finds it all there, and the image is what it was.
        answer = engine.api("POST", "/images/load", body=(tmp_path / "oci.tar").read_bytes())
        assert answer.status == 200 and b'"error"' not in answer.body, answer.body
        assert push(engine, name, name) == expected
        engine.api("DELETE", f"/images/{name}:1?force=1")
    assert digest not in kept(engine) and not folder.exists()


def test_own_layers_keep_their_digest(engine, registry, plain, tmp_path):
    """An image that was loaded plain, pushed, pulled again and pushed elsewhere: one digest."""
    first = f"{registry.host}/own"
    archive = image_with_layers(tmp_path, "own-plain:1", [{"text": plain.decode("latin-1")}])
    assert engine.api("POST", "/images/load", body=archive.read_bytes()).status == 200
    assert engine.api("POST", f"/images/own-plain:1/tag?repo={first}&tag=1").status == 201
    digest = push(engine, first, first)
    with Registry(tmp_path / "fresh") as fresh:
        assert push(engine, first, f"{fresh.host}/own") == digest
        from harness.engine import engine_under_test
        other = engine_under_test(config={"keep-compressed-layers": False}).start()
        try:
            pull(other, f"{fresh.host}/own")
            assert kept(other) == []
            with Registry(tmp_path / "third") as third:
                assert push(other, f"{fresh.host}/own", f"{third.host}/own") == digest
        finally:
            other.close()
        engine.api("DELETE", f"/images/{fresh.host}/own:1?force=1")
    engine.api("DELETE", f"/images/{first}:1?force=1")

