"""Command line of scripts/make-images, and the cache."""

import argparse
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import archive
import roots
from recipes import IMAGES, LACKING, LAYERS

FORMS = {"oci": archive.write_oci, "docker": archive.write_docker}


def default_cache() -> Path:
    if value := os.environ.get("SKIFF_IMAGE_CACHE"):
        return Path(value)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skiff" / "test-images"


def layer_key(name: str) -> str:
    """Digest of all that decides what the layer holds: recipe, files, base, the code that makes it."""
    layer = LAYERS[name]
    digest = hashlib.sha256(json.dumps(dataclasses.asdict(layer), sort_keys=True).encode())
    digest.update(layer_key(layer.base).encode() if layer.base else b"-")
    sources = [Path(roots.__file__), Path(archive.__file__)]
    if layer.files:
        sources += sorted(path for path in (roots.HERE / "rootfs" / layer.files).rglob("*") if path.is_file())
    if layer.kind == "hello":
        sources.append(roots.HERE / "hello/hello.c")
    for path in sources:
        digest.update(path.name.encode() + path.read_bytes())
    digest.update(f"{roots.SUITE} {roots.MIRROR}".encode())
    return digest.hexdigest()[:20]


class Cache:
    """Layers below `layers/<name>-<key>`: layer.tgz, layer.json, and root/ where another layer builds on it."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "layers").mkdir(parents=True, exist_ok=True)
        (folder / "archives").mkdir(exist_ok=True)

    def prune(self) -> None:
        """Removes what no run has used for two weeks: recipes that have changed since, on every branch."""
        known = {f"{name}-{layer_key(name)}" for name in LAYERS}
        oldest = time.time() - 14 * 86400
        for place in [*(self.folder / "layers").iterdir(), *(self.folder / "archives").iterdir()]:
            if place.name not in known and place.stat().st_mtime < oldest:
                shutil.rmtree(place)

    def _place(self, name: str) -> Path:
        return self.folder / "layers" / f"{name}-{layer_key(name)}"

    def root(self, name: str) -> Path:
        self.layer(name)
        return self._place(name) / "root"

    def layer(self, name: str) -> archive.Blob:
        place, record = self._place(name), self._place(name) / "layer.json"
        if not record.exists():
            self._make(name, place)
        os.utime(place)
        facts = json.loads(record.read_text())
        return archive.Blob(place / "layer.tgz", facts["digest"], facts["size"], facts["diffID"])

    def _make(self, name: str, place: Path) -> None:
        layer, started = LAYERS[name], time.monotonic()
        base = self.root(layer.base) if layer.base else None
        print(f"make-images: layer {name} …", file=sys.stderr, flush=True)
        shutil.rmtree(place, ignore_errors=True)
        building = Path(tempfile.mkdtemp(prefix=".building-", dir=self.folder / "layers"))
        try:
            root = building / "root"
            root.mkdir(mode=0o755)
            roots.fill(layer, root, base, self.folder)
            blob = archive.pack(root, building / "layer.tgz")
            if name not in {other.base for other in LAYERS.values()}:
                shutil.rmtree(root)
            (building / "layer.json").write_text(json.dumps(
                {"digest": blob.digest, "size": blob.size, "diffID": blob.diff_id}))
            building.chmod(0o755)
            building.rename(place)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        print(f"make-images: layer {name}: {blob.size:,} bytes in {time.monotonic() - started:.1f} s",
              file=sys.stderr, flush=True)

    def picture(self, reference: str) -> archive.Picture:
        image = IMAGES[reference]
        names, layers = image.layer, []
        while names:
            layers.insert(0, (names, self.layer(names)))
            names = LAYERS[names].base
        return archive.configure(reference, image.config, layers, image.stands_for)

    def archive(self, reference: str, form: str) -> Path:
        picture = self.picture(reference)
        folder = self.folder / "archives" / f"{file_name(reference, form)}-{archive_key(picture)}"
        target = folder / file_name(reference, form)
        folder.mkdir(exist_ok=True)
        if not target.exists():
            FORMS[form]([picture], target)
            target.chmod(0o444)
        os.utime(folder)
        return target


def archive_key(picture: archive.Picture) -> str:
    return hashlib.sha256(picture.image_id.encode() + Path(archive.__file__).read_bytes()).hexdigest()[:12]


def file_name(reference: str, form: str) -> str:
    return f"{reference.replace(':', '_').replace('/', '_')}.{form}.tar"


def deliver(source: Path, folder: Path) -> Path:
    """Puts the archive into `folder`, as a reflink or hard link where the file system allows it."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / source.name
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make-images", description="Makes container images from Debian packages, without a registry.")
    parser.add_argument("images", nargs="*", metavar="IMAGE",
                        help="names to make (by default all but those that --list shows as made on demand)")
    parser.add_argument("--format", choices=FORMS, default="oci",
                        help="oci: an OCI layout in a tar file (default); docker: the classic form of `docker save`")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also put the archives there")
    parser.add_argument("--bundle", type=Path, metavar="FILE",
                        help="write one archive that holds all of them, shared layers once")
    parser.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR",
                        help="default: $SKIFF_IMAGE_CACHE, else $XDG_CACHE_HOME/skiff/test-images (%(default)s)")
    parser.add_argument("--list", action="store_true", help="print the names that can be made, and stop")
    parser.add_argument("--refresh", action="store_true", help="forget the cache: today's package versions")
    return parser.parse_args()


def show_list() -> None:
    for name, image in IMAGES.items():
        notes = [f"stand-in: {image.stands_for}"] if image.stands_for else []
        notes += ["made on demand"] if image.on_demand else []
        print(f"{name:32} {'; '.join(notes)}".rstrip())
    for name, reason in LACKING.items():
        print(f"{name:32} lacking: {reason}")


def enter_private_mounts() -> None:
    """Whatever is mounted while a root is filled disappears with this process, however it ends."""
    if os.geteuid() != 0:
        raise SystemExit("make-images: needs root (chroot, overlay, device nodes); run it with sudo")
    if os.environ.get("SKIFF_MAKE_IMAGES_PRIVATE") != "1":
        os.environ["SKIFF_MAKE_IMAGES_PRIVATE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def main() -> None:
    wanted = options()
    if wanted.list:
        return show_list()
    names = [name.removesuffix(":latest") if name not in IMAGES else name for name in wanted.images]
    names = names or [name for name, image in IMAGES.items() if not image.on_demand]
    for name in names:
        if name not in IMAGES and (reason := LACKING.get(name.partition(":")[0])):
            raise SystemExit(f"make-images: {name} is lacking: {reason}")
        if name not in IMAGES:
            raise SystemExit(f"make-images: no recipe for {name!r}; see scripts/make-images --list")
    enter_private_mounts()
    cache = Cache(wanted.cache.resolve())
    with (cache.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if wanted.refresh:
            for folder in ("layers", "archives", "apt/lists"):
                shutil.rmtree(cache.folder / folder, ignore_errors=True)
            cache = Cache(cache.folder)
        cache.prune()
        if wanted.bundle:
            FORMS[wanted.format]([cache.picture(name) for name in names], wanted.bundle.resolve())
            print(wanted.bundle)
            return
        for name in names:
            path = cache.archive(name, wanted.format)
            print(deliver(path, wanted.output.resolve()) if wanted.output else path)
    if not wanted.images:
        for name, reason in LACKING.items():
            print(f"make-images: lacking {name}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
