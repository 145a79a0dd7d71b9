"""Image archives made for one test."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from . import images

#: What a layer holds: path → text, ("link", target) for a symbolic and ("hard", target) for a hard link, ("fifo",),
#: ("device", major, minor) for one of characters.
Entries = dict[str, str | tuple]
TYPES = {"link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE, "device": tarfile.CHRTYPE}


def layer(entries: Entries) -> bytes:
    """An uncompressed layer. Paths are written as they are given, whatever they point to."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            if isinstance(content, tuple):
                info.type = TYPES[content[0]]
                if content[0] == "device":
                    info.devmajor, info.devminor = content[1:]
                elif content[1:]:
                    info.linkname = content[1]
                archive.addfile(info)
            else:
                info.size = len(content.encode())
                archive.addfile(info, io.BytesIO(content.encode()))
    return data.getvalue()


def image_with_layers(
    folder: Path, reference: str, layers: list[Entries], diff_ids: list[str] | None = None, **config
) -> Path:
    """A `docker save` archive: BusyBox and the given layers over it. `diff_ids` replaces those of the layers."""
    files = {}
    with tarfile.open(images.archive("busybox", "docker")) as archive:
        for one in archive:
            if one.isfile():
                files[one.name] = archive.extractfile(one).read()
    manifest = json.loads(files["manifest.json"])[0]
    settings = json.loads(files[manifest["Config"]]) | config
    blobs = [files[path] for path in manifest["Layers"]]
    known = [f"sha256:{hashlib.sha256(blob).hexdigest()}" for blob in blobs]
    added = [layer(entries) for entries in layers]
    settings["rootfs"]["diff_ids"] = known + (
        diff_ids or [f"sha256:{hashlib.sha256(blob).hexdigest()}" for blob in added])
    settings["history"] = [{"created_by": "test"} for _ in blobs + added]
    return docker_archive(folder / f"{reference.replace(':', '_')}.tar", settings, blobs + added, reference)


def docker_archive(target: Path, config: dict, layers: list[bytes], reference: str) -> Path:
    text = json.dumps(config).encode()
    image = hashlib.sha256(text).hexdigest()
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": f"{image}.json", "RepoTags": [reference], "Layers": names}]
    files = [(f"{image}.json", text), ("manifest.json", json.dumps(manifest).encode()), *zip(names, layers)]
    with tarfile.open(target, "w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target
