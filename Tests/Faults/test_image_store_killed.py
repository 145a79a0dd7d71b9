"""kill -9 of the daemon while images come and go, and disks that are full in the middle of it."""

import gzip
import hashlib
import http.client
import json
import os
import random
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from harness import settings
from harness.archives import docker_archive, layer
from harness.registries import Blobs, HostileRegistry
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only

LAYERS, FILES, SIZE = 4, 8, 60_000


def content(image: int, number: int, file: int) -> str:
    return random.Random(f"{image} {number} {file}").randbytes(SIZE // 2).hex()


@pytest.fixture(scope="module")
def blobs():
    """Two images of four layers; one layer is common to them."""
    made = Blobs()
    for image in range(2):
        plain = [layer({f"l{number}/f{file}": content(image if number else 9, number, file) for file in range(FILES)})
                 for number in range(LAYERS)]
        made.image(f"v{image}", [gzip.compress(one, 1, mtime=0) for one in plain],
                   ["sha256:" + hashlib.sha256(one).hexdigest() for one in plain])
    return made


def attempt(engine, method: str, path: str, **options) -> None:
    """A request whose daemon may be killed meanwhile."""
    try:
        engine.api(method, path, **options)
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        pass


def stored(engine) -> tuple[set[str], set[str]]:
    """Folders of layers, and blobs."""
    layers = {path.name for path in (engine.data_root / "overlay2").iterdir() if len(path.name) == 64}
    return layers, {path.name for path in (engine.data_root / "content/blobs/sha256").iterdir()}


def assert_no_orphans(engine, arrivals: bool = False) -> None:
    """What lies on the disk is what the images have that are listed, whole."""
    images = [engine.api("GET", f"/images/{one['Id']}/json").json for one in engine.api("GET", "/images/json?all=1").json]
    wanted = {one[7:] for image in images for one in image["RootFS"]["Layers"]}

    def clean() -> bool:
        layers, found = stored(engine)
        hidden = [name for folder in (".staging", ".trash") for name in os.listdir(engine.data_root / "overlay2" / folder)]
        left = [] if arrivals else os.listdir(engine.data_root / "content/arrivals")
        return layers == wanted and len(found) <= len(wanted) and not hidden and not left

    wait_for(clean, 30, "a store without orphans")
    for image in images:
        for folder in image["GraphDriver"]["Data"].get("LowerDir", "").split(":") + [
                image["GraphDriver"]["Data"]["UpperDir"]]:
            assert not folder or len(os.listdir(folder)) > 0, folder


def assert_content(engine, image: int, reference: str) -> None:
    """Every file of the image is what it should be."""
    facts = engine.api("GET", f"/images/{reference}/json").json
    data = facts["GraphDriver"]["Data"]
    folders = [data["UpperDir"], *data.get("LowerDir", "").split(":")]
    for number in range(LAYERS):
        for file in range(FILES):
            paths = [Path(folder) / f"l{number}/f{file}" for folder in folders if folder]
            [path] = [path for path in paths if path.exists()]
            assert path.read_text() == content(image if number else 9, number, file)


def test_kills_during_pull_and_prune_leave_nothing_wrong(new_daemon, blobs):
    """Whatever is visible after a kill is whole, nothing else is on the disk, and the next try succeeds."""
    engine = new_daemon(images=())
    generator = random.Random()
    print("seed", seed := generator.randrange(1 << 30))
    generator.seed(seed)

    def drip(handler, kind, digest, data):
        """Pulls take long enough for kills to hit every part of them."""
        if kind != "blob" or data is None or len(data) < 10_000:
            return False
        start = int((handler.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        for at in range(start, len(data), 1 << 16):
            handler.wfile.write(data[at:at + (1 << 16)])
            time.sleep(0.02)
        return True

    with HostileRegistry(blobs, drip) as server:
        def pull(tag: int):
            attempt(engine, "POST", f"/images/create?fromImage={server.host}/one&tag=v{tag}", timeout=120)

        def prune(delay: float = 0):
            time.sleep(delay)
            attempt(engine, "POST", '/images/prune?filters={"dangling":["false"]}', timeout=120)

        for number in range(settings.short_or_long(5, 100)):
            work = [threading.Thread(target=pull, args=(0,)), threading.Thread(target=pull, args=(1,))]
            if number % 2:
                work.append(threading.Thread(target=prune, args=(generator.uniform(0, 0.3),)))
            for one in work:
                one.start()
            time.sleep(generator.uniform(0, 0.4))
            engine.kill()
            for one in work:
                one.join()
            engine.start()
            for image in engine.api("GET", "/images/json").json:
                for reference in image["RepoTags"]:
                    assert_content(engine, int(reference[-1]), reference)
            assert_no_orphans(engine, arrivals=True)
            if number % 4 == 3:
                prune()
        for tag in range(2):
            pull(tag)
            assert_content(engine, tag, f"{server.host}/one:v{tag}")
    assert_no_orphans(engine)
    prune()
    assert_no_orphans(engine)
    assert stored(engine) == (set(), set())


def archive(folder: Path, megabytes: int) -> Path:
    """An image of four layers with so many megabytes each."""
    plain = [layer({f"l{number}": random.Random(number).randbytes(megabytes * 500_000).hex()}) for number in range(4)]
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["true"]},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(one).hexdigest() for one in plain]},
              "history": [{"created_by": "test"} for _ in plain]}
    return docker_archive(folder / f"large{megabytes}.tar", config, plain, f"large:{megabytes}")


@pytest.fixture
def small_disk():
    """A tmpfs of 30 MB for a daemon's data root."""
    folder = Path(tempfile.mkdtemp(prefix="sktd-", dir=settings.SCRATCH))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30000000", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    os.rmdir(folder)


def used(folder: Path) -> int:
    space = os.statvfs(folder)
    return (space.f_blocks - space.f_bfree) * space.f_frsize


def assert_as_before(engine, folder: Path, before: int) -> None:
    assert_no_orphans(engine)
    # The database's log and the daemon's own may have grown.
    wait_for(lambda: used(folder) < before + 3_000_000, 30, "the space of what failed")
    assert engine.process.poll() is None


def test_a_full_disk_in_the_middle_of_a_load(small_disk, new_daemon, tmp_path):
    engine = new_daemon(scratch=small_disk)
    cli = engine.cli("docker")
    before = used(small_disk)
    for _ in range(3):
        done = cli("load", "-i", str(archive(tmp_path, 12)), status=1)
        assert "no space left on device" in done.stderr.lower(), done.stderr
        assert_as_before(engine, small_disk, before)
    cli("load", "-i", str(archive(tmp_path, 1)))
    assert cli.out("run", "--rm", "--network", "none", "busybox", "echo", "ok") == "ok"


def test_a_full_disk_in_the_middle_of_a_pull(small_disk, new_daemon):
    engine = new_daemon(scratch=small_disk)
    cli = engine.cli("docker")
    before = used(small_disk)
    blobs = Blobs()
    for tag, size in (("large", 12), ("small", 1)):
        plain = [layer({f"l{number}": random.Random(number).randbytes(size * 500_000).hex()}) for number in range(3)]
        blobs.image(tag, [gzip.compress(one, 1, mtime=0) for one in plain],
                    ["sha256:" + hashlib.sha256(one).hexdigest() for one in plain])
    with HostileRegistry(blobs) as server:
        for _ in range(3):
            done = cli("pull", f"{server.host}/full:large", status=1)
            assert "no space left on device" in done.stderr.lower(), done.stderr
            assert_as_before(engine, small_disk, before)
        cli("pull", f"{server.host}/full:small")
    assert cli.out("run", "--rm", "--network", "none", "busybox", "echo", "ok") == "ok"


def test_a_disk_that_others_fill_meanwhile(small_disk, new_daemon, tmp_path):
    """Not a byte is left: what fails says so, and everything works again when there is space."""
    engine = new_daemon(scratch=small_disk)
    cli = engine.cli("docker")
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"x" * 65536)
                file.flush()
        except OSError:
            pass
    done = cli("load", "-i", str(archive(tmp_path, 1)), status=1)
    assert "no space left on device" in done.stderr.lower() or "disk is full" in done.stderr.lower(), done.stderr
    assert cli.out("images", "--format", "{{.Repository}}") == "busybox"
    filler.unlink()
    cli("load", "-i", str(archive(tmp_path, 1)))
    assert cli.out("images", "--format", "{{.Repository}}", "large") == "large"
    engine.restart_after_kill()
    assert_no_orphans(engine)
