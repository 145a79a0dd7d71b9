"""A data root on btrfs: copies share their blocks, and `size` limits what a volume holds."""

import subprocess

import pytest

from harness import settings

pytestmark = pytest.mark.skiff_only


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def btrfs(tmp_path_factory):
    """A folder on btrfs, on a loop device."""
    if "btrfs" not in open("/proc/filesystems").read().split():
        pytest.skip("this kernel has no btrfs")
    folder = tmp_path_factory.mktemp("btrfs")
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(1 << 30)
    run("mkfs.btrfs", "-q", str(image))
    mount = folder / "mount"
    mount.mkdir()
    done = subprocess.run(["mount", "-o", "loop", str(image), str(mount)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no loop device: {done.stderr}")
    yield mount
    run("umount", "-l", str(mount))


def used(folder) -> int:
    """Bytes that are used on the disk, once all of it is there."""
    run("btrfs", "filesystem", "sync", str(folder))
    lines = run("btrfs", "filesystem", "df", "--raw", str(folder)).splitlines()
    return int(next(line for line in lines if line.startswith("Data")).rsplit("used=", 1)[1])


def test_copies_share_their_blocks(btrfs, new_daemon):
    daemon = new_daemon(scratch=btrfs)
    cli = daemon.cli("skiff")
    cli("run", "--rm", "-v", "data:/v", "busybox", "sh", "-c", "head -c 50000001 /dev/urandom > /v/big; echo 1 > /v/small")
    before = used(btrfs)
    answer = daemon.api("POST", "/skiff/volumes/data/clone?to=copy")
    told = answer.body.decode().splitlines()[-1]
    assert '"SharedBytes":50000003' in told.replace(" ", "") and '"Bytes":50000003' in told.replace(" ", "")
    cli("volume", "snapshot", "create", "data", "snap")
    assert used(btrfs) - before < 5_000_000
    cli("run", "--rm", "-v", "data:/v", "busybox", "sh", "-c", "echo changed > /v/small; rm /v/big")
    data = daemon.data_root / "volumes"
    assert (data / "copy/_data/small").read_text() == "1\n" and (data / "copy/_data/big").stat().st_size == 50_000_001
    cli("volume", "snapshot", "restore", "data", "snap")
    assert (data / "data/_data/small").read_text() == "1\n"
    assert (data / "data/_data/big").read_bytes() == (data / "copy/_data/big").read_bytes()


def test_a_limit(btrfs, new_daemon):
    daemon = new_daemon(scratch=btrfs)
    cli = daemon.cli("docker")
    skiff = daemon.cli("skiff")
    cli("volume", "create", "-o", "size=10m", "small")
    write = ["busybox", "dd", "if=/dev/zero", "of=/v/big", "bs=1M", "count=20", "conv=fsync"]
    cli("run", "--rm", "-v", "small:/v", "busybox", "sh", "-c", "head -c 5000000 /dev/urandom > /v/fits; sync")
    refused = cli("run", "--rm", "-v", "small:/v", *write, status=None)
    assert "Disk quota exceeded" in refused.stderr or "No space left" in refused.stderr
    cli("run", "--rm", "-v", "small:/v", "busybox", "rm", "-f", "/v/big")
    # Its copies have the same limit; so has what an image fills.
    skiff("volume", "clone", "small", "copy")
    skiff("volume", "snapshot", "create", "small", "snap")
    skiff("volume", "snapshot", "restore", "small", "snap")
    cli("volume", "create", "-o", "size=10m", "filled")
    cli("create", "-v", "filled:/bin", "busybox")
    for name in ("copy", "small", "filled"):
        refused = cli("run", "--rm", "-v", f"{name}:/v", *write, status=None)
        assert "Disk quota exceeded" in refused.stderr or "No space left" in refused.stderr, name
    daemon.remove_containers()
    cli("volume", "rm", "copy", "small", "filled")
    assert not list((daemon.data_root / "volumes").iterdir())


@pytest.mark.skipif(settings.ENGINE != "skiff", reason="about Skiff only")
def test_a_limit_is_refused_where_there_is_none(daemon):
    kind = run("stat", "-f", "-c", "%T", str(daemon.data_root))
    if kind == "btrfs":
        pytest.skip("the tests' own folder is on btrfs")
    answer = daemon.api("POST", "/volumes/create", {"Name": "small", "DriverOpts": {"size": "10m"}})
    assert answer.status == 400 and "create small: quota size requested but no quota support" in answer.message
    assert not list((daemon.data_root / "volumes").iterdir())
