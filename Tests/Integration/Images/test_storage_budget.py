"""storage-budget: the images that were used least recently go before there are too many bytes."""

import gzip
import hashlib
import os
import random
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import settings
from harness.archives import image_with_layers, layer
from harness.registries import Blobs, HostileRegistry
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only

MEGABYTE = 1_000_000


def noise(size: int, seed: int | str) -> str:
    """Text that does not compress to nothing."""
    return random.Random(seed).randbytes(size // 2).hex()


def load(cli, folder: Path, name: str, size: int) -> None:
    archive = image_with_layers(folder, f"{name}:1", [{name: noise(size, name)}])
    cli("load", "-i", str(archive))
    archive.unlink()


def names(cli) -> list[str]:
    return sorted(cli.out("images", "--format", "{{.Repository}}").split())


def test_least_recently_used_images_go(new_daemon, tmp_path):
    engine = new_daemon(config={"storage-budget": "16mb"})
    cli = engine.cli("docker")
    for name in ("first", "second", "third"):
        load(cli, tmp_path, name, 4 * MEGABYTE)
    assert names(cli) == ["busybox", "first", "second", "third"]
    # The oldest is used again, by a container that is gone, and the next one by a container that stays.
    cli("run", "--rm", "first:1", "true")
    cli("create", "--name", "user", "second:1", "true")
    load(cli, tmp_path, "fourth", 4 * MEGABYTE)
    assert names(cli) == ["busybox", "first", "fourth", "second"], "the third is the oldest that frees anything"
    total = engine.api("GET", "/system/df?type=image").json["LayersSize"]
    assert total <= 16 << 20
    log = engine.log_text()
    assert "images were evicted to keep the storage budget" in log and "third:1" in log

    def seen() -> list[str]:
        return cli.out("events", "--since", "1h", "--until", "0s", "--filter", "type=image", "--format",
                       "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.reason}}").splitlines()

    # Clients send whole seconds.
    wait_for(lambda: "untag third:1 storage budget" in seen(), 10)
    assert any(line.startswith("delete sha256:") and line.endswith("storage budget") for line in seen())
    assert cli("start", "-a", "user").returncode == 0


def test_last_use_outlives_the_daemon(new_daemon, tmp_path):
    engine = new_daemon(config={"storage-budget": "14mb"})
    cli = engine.cli("docker")
    for name in ("first", "second"):
        load(cli, tmp_path, name, 4 * MEGABYTE)
    cli("tag", "busybox", "other")
    engine.restart_after_kill()
    load(cli, tmp_path, "third", 4 * MEGABYTE)
    load(cli, tmp_path, "fourth", 4 * MEGABYTE)
    assert "first" not in names(cli) and "fourth" in names(cli) and "second" in names(cli)


def test_images_in_use_stay_and_it_is_told(new_daemon, tmp_path):
    engine = new_daemon(config={"storage-budget": "6mb"})
    cli = engine.cli("docker")
    for name in ("first", "second"):
        load(cli, tmp_path, name, 4 * MEGABYTE)
        cli("create", f"{name}:1", "true")
    assert {"first", "second"} <= set(names(cli))
    assert "the storage budget is exceeded and all images that are left are in use" in engine.log_text()


@pytest.fixture
def small_disk():
    """A tmpfs of 48 MB for a daemon's data root."""
    folder = Path(tempfile.mkdtemp(prefix="sktd-", dir=settings.SCRATCH))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={48 * MEGABYTE}", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    os.rmdir(folder)


def test_a_small_disk_takes_any_number_of_images(small_disk, new_daemon):
    """Each pull would fill the disk if nothing went; none fails."""
    engine = new_daemon(config={"storage-budget": "60%"}, scratch=small_disk)
    cli = engine.cli("docker")
    blobs = Blobs()
    for number in range(settings.short_or_long(6, 30)):
        plain = layer({f"file{number}": noise(5 * MEGABYTE, number)})
        blobs.image(f"v{number}", [gzip.compress(plain, 1, mtime=0)], ["sha256:" + hashlib.sha256(plain).hexdigest()])
    with HostileRegistry(blobs) as server:
        for tag in blobs.tags:
            cli("pull", f"{server.host}/many:{tag}")
    space = os.statvfs(small_disk)
    assert (space.f_blocks - space.f_bfree) / space.f_blocks < 0.75
    kept = cli.out("images", "--format", "{{.Tag}}").split()
    assert list(blobs.tags)[-1] in kept and "v0" not in kept


def test_what_other_files_take_makes_images_go(small_disk, new_daemon, tmp_path):
    """A share of the disk counts everything on it, also what comes while nobody pulls."""
    engine = new_daemon(config={"storage-budget": "70%"}, scratch=small_disk)
    cli = engine.cli("docker")
    load(cli, tmp_path, "first", 6 * MEGABYTE)
    load(cli, tmp_path, "second", 6 * MEGABYTE)
    assert {"first", "second"} <= set(names(cli))
    (small_disk / "other").write_bytes(os.urandom(24 * MEGABYTE))
    wait_for(lambda: "first" not in names(cli), 90, "the eviction")


@pytest.mark.parametrize("value", ["0", "much", "100%", "-1g", "x%"])
def test_budgets_that_are_none_are_refused(value):
    done = subprocess.run([settings.BUILD / "skiffd", f"--storage-budget={value}", "--validate"], capture_output=True,
                          text=True)
    assert done.returncode != 0 and "storage-budget" in done.stderr
