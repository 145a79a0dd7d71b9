"""Somebody who can write where a container's mounts are made, or in the volume that they come from, exchanges folders for
links while containers start. Nothing outside may be made, shown or changed."""

import contextlib
import ctypes
import os
import threading

import pytest

from harness import settings

pytestmark = pytest.mark.skiff_only

LIBC = ctypes.CDLL(None, use_errno=True)
EXCHANGE = 2
STARTS = 150 if settings.SOAK else 12


@contextlib.contextmanager
def exchanging(first, second):
    """Exchanges two names over and over, in another thread."""
    ended = threading.Event()
    count = [0]

    def work() -> None:
        while not ended.is_set():
            # -100: AT_FDCWD
            if LIBC.renameat2(-100, os.fsencode(first), -100, os.fsencode(second), EXCHANGE) == 0:
                count[0] += 1
            ended.wait(0.0002)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield count
    finally:
        ended.set()
        thread.join()
    assert count[0] > 20, "nothing was exchanged"


@pytest.fixture
def skiff(daemon):
    return daemon.cli("skiff")


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/secret").write_text("secret")
    before = tree(folder)
    yield folder
    assert tree(folder) == before, "something outside has changed"


def tree(folder) -> dict[str, tuple]:
    return {str(path): (path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_mtime_ns) for path in [folder, *folder.rglob("*")]}


def test_mount_targets(skiff, tmp_path, outside):
    """Below a bind mount that others write to: a file's, a folder's and a tmpfs's place."""
    shared = tmp_path / "shared"
    (shared / "place").mkdir(parents=True)
    (shared / "trap").symlink_to(outside)
    (tmp_path / "f").write_text("file")
    (tmp_path / "d").mkdir()
    options = ["-v", f"{shared}:/s", "-v", f"{tmp_path}/f:/s/place/deep/file", "-v", f"{tmp_path}/d:/s/place/other/folder",
               "--mount", "type=tmpfs,target=/s/place/deep/t"]
    with exchanging(shared / "place", shared / "trap"):
        for _ in range(STARTS):
            # What cannot be mounted fails; what is started must not see the trap's target.
            done = skiff("run", "--rm", *options, "busybox", "sh", "-c", f"cat {outside}/deep/secret /s/place/deep/secret; true", status=None)
            assert "secret" not in done.stdout


def test_subpaths_of_a_volume(skiff, daemon, name, outside):
    volume = f"{name}-volume"
    try:
        skiff("run", "--rm", "-v", f"{volume}:/v", "busybox", "sh", "-c", f"mkdir -p /v/place/deep; ln -s {outside} /v/trap; ln -s ../../../../../../../../.. /v/up")
        data = daemon.data_root / "volumes" / volume / "_data"
        (data / "place/deep/own").write_text("own")
        seen = set()
        for trap in ("trap", "up"):
            with exchanging(data / "place", data / trap):
                for _ in range(STARTS):
                    mount = f"type=volume,source={volume},target=/m,volume-subpath=place/deep"
                    done = skiff("run", "--rm", "--mount", mount, "busybox", "sh", "-c", "ls /m; touch /m/new", status=None)
                    assert "secret" not in done.stdout
                    seen.add(done.returncode == 0)
        assert seen, "starts"
    finally:
        daemon.remove_containers()
        daemon.api("DELETE", f"/volumes/{volume}?force=1")


def test_a_bind_source_with_a_mapped_owner(skiff, tmp_path):
    """The owner is that of what is mounted, not of what the path leads to a moment later."""
    place, trap = tmp_path / "place", tmp_path / "trap"
    place.mkdir()
    trap.mkdir()
    os.chown(place, 1111, 1111)
    os.chown(trap, 2222, 2222)
    with exchanging(place, trap):
        for _ in range(STARTS):
            out = skiff.out("run", "--rm", "-v", f"{place}:/m:U", "busybox", "stat", "-c", "%u:%g", "/m")
            assert out == "0:0"


def test_volumes_from_a_container_that_changes_its_volume(skiff, daemon, name, outside):
    """The second container's file mount lies in a volume of the first, which goes on exchanging."""
    volume = f"{name}-volume"
    try:
        skiff("create", "--name", name, "-v", f"{volume}:/v", "busybox")
        data = daemon.data_root / "volumes" / volume / "_data"
        (data / "place").mkdir()
        (data / "trap").symlink_to(outside)
        with exchanging(data / "place", data / "trap"):
            for _ in range(STARTS):
                skiff("run", "--rm", "--volumes-from", name, "-v", "/etc/hostname:/v/place/deep/name:ro", "busybox", "true", status=None)
    finally:
        daemon.remove_containers()
        daemon.api("DELETE", f"/volumes/{volume}?force=1")
