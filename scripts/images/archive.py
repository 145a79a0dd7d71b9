"""Layer blobs and the two archive forms: OCI layout and `docker save`."""

import gzip
import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

#: Every time stamp in an archive is this one or older, so that the same recipe gives the same digests.
EPOCH = 1_700_000_000
CREATED = "2023-11-14T22:13:20Z"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@dataclass(frozen=True)
class Blob:
    path: Path
    digest: str
    size: int
    #: Digest of the uncompressed archive.
    diff_id: str


def pack(root: Path, target: Path) -> Blob:
    """Writes the layer of folder `root` to `target` (tar, gzip) and returns its digests."""
    command = [
        "tar", "--create", "--directory", str(root), "--sort=name", "--numeric-owner", "--format=posix",
        "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime", f"--mtime=@{EPOCH}", "--clamp-mtime",
        "--xattrs", "--xattrs-include=security.capability", "--xattrs-include=user.*", "."]
    plain, packed = hashlib.sha256(), _HashingFile(target)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tar, packed:
        with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=6, mtime=0) as stream:
            while chunk := tar.stdout.read(1 << 20):
                plain.update(chunk)
                stream.write(chunk)
    if tar.returncode != 0:
        raise SystemExit(f"make-images: tar of {root} failed with {tar.returncode}")
    return Blob(target, packed.digest, target.stat().st_size, f"sha256:{plain.hexdigest()}")


class _HashingFile(io.RawIOBase):
    """A file for writing that knows the digest of what went into it."""

    def __init__(self, path: Path):
        self._file, self._hash = path.open("wb"), hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()
        super().close()

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


@dataclass(frozen=True)
class Picture:
    """A named image, ready to be written: its reference, its configuration, its layers bottom up."""

    reference: str
    config: bytes
    layers: tuple[Blob, ...]

    @property
    def image_id(self) -> str:
        return hashlib.sha256(self.config).hexdigest()


def configure(reference: str, settings: dict, layers: list[tuple[str, Blob]], stands_for: str | None) -> Picture:
    labels = {"dev.skiff.stand-in": stands_for} if stands_for else {}
    config = {
        "architecture": ARCHITECTURE,
        "config": {**settings, **({"Labels": labels} if labels else {})},
        "created": CREATED,
        "history": [
            {"created": CREATED, "created_by": f"scripts/make-images: layer {name}"} for name, _ in layers
        ] + [{"created": CREATED, "created_by": "scripts/make-images: configuration", "empty_layer": True}],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [blob.diff_id for _, blob in layers]},
    }
    text = json.dumps(config, separators=(",", ":"), sort_keys=True).encode()
    return Picture(reference, text, tuple(blob for _, blob in layers))


class _Archive:
    """A tar file with deterministic members, each written once."""

    def __init__(self, path: Path):
        self._path, self._part = path, path.with_name(path.name + ".part")
        self._tar = tarfile.open(self._part, "w", format=tarfile.PAX_FORMAT)
        self._names: set[str] = set()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._tar.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()

    def _member(self, name: str, size: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, EPOCH, 0o644
        return info

    def folder(self, name: str) -> None:
        if name not in self._names:
            self._names.add(name)
            info = self._member(name, 0)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            self._tar.addfile(info)

    def data(self, name: str, data: bytes) -> None:
        if name not in self._names:
            self._names.add(name)
            self._tar.addfile(self._member(name, len(data)), io.BytesIO(data))

    def file(self, name: str, path: Path) -> None:
        if name not in self._names:
            self._names.add(name)
            with path.open("rb") as source:
                self._tar.addfile(self._member(name, path.stat().st_size), source)


def _json(value) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _split(reference: str) -> tuple[str, str]:
    name, _, tag = reference.partition(":")
    return name, tag or "latest"


def write_oci(pictures: list[Picture], target: Path) -> None:
    """An OCI image layout in a tar file; blobs that images share are in it once."""
    manifests = []
    with _Archive(target) as archive:
        archive.data("oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        for folder in ("blobs", "blobs/sha256"):
            archive.folder(folder)
        for picture in pictures:
            manifest = _json({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {
                    "mediaType": "application/vnd.oci.image.config.v1+json",
                    "digest": f"sha256:{picture.image_id}",
                    "size": len(picture.config),
                },
                "layers": [{
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": blob.digest, "size": blob.size,
                } for blob in picture.layers],
            })
            digest = hashlib.sha256(manifest).hexdigest()
            for blob in picture.layers:
                archive.file(f"blobs/sha256/{blob.digest.removeprefix('sha256:')}", blob.path)
            archive.data(f"blobs/sha256/{picture.image_id}", picture.config)
            archive.data(f"blobs/sha256/{digest}", manifest)
            name, tag = _split(picture.reference)
            manifests.append({
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": f"sha256:{digest}", "size": len(manifest),
                "annotations": {
                    "io.containerd.image.name": f"docker.io/library/{name}:{tag}",
                    "org.opencontainers.image.ref.name": tag,
                },
            })
        archive.data("index.json", _json({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}))


def write_docker(pictures: list[Picture], target: Path) -> None:
    """What `docker save` wrote before it wrote OCI layouts: manifest.json and uncompressed layers."""
    manifest, repositories = [], {}
    with _Archive(target) as archive:
        for picture in pictures:
            paths = []
            for blob in picture.layers:
                folder = blob.diff_id.removeprefix("sha256:")
                archive.folder(folder)
                plain = blob.path.with_suffix(".tar")
                if not plain.exists():
                    part = plain.with_suffix(".part")
                    with gzip.open(blob.path) as source, part.open("wb") as out:
                        shutil.copyfileobj(source, out, 1 << 20)
                    part.replace(plain)
                archive.data(f"{folder}/VERSION", b"1.0")
                archive.file(f"{folder}/layer.tar", plain)
                paths.append(f"{folder}/layer.tar")
            archive.data(f"{picture.image_id}.json", picture.config)
            name, tag = _split(picture.reference)
            manifest.append({
                "Config": f"{picture.image_id}.json", "RepoTags": [f"{name}:{tag}"], "Layers": paths})
            repositories.setdefault(name, {})[tag] = paths[-1].split("/")[0]
        archive.data("manifest.json", _json(manifest))
        archive.data("repositories", _json(repositories))
