"""File systems of one's own, on loop devices: the data roots of these tests' daemons."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)


class FileSystems:
    """Mounts in this process's mount namespace, which end with the test."""

    def __init__(self):
        self.mounted: list[Path] = []

    def make(self, kind: str, *options: str, mount: str = "", size: str = "400M") -> Path:
        """A new file system of a kind; skips the test where the machine lacks what it needs."""
        if not os.path.exists("/dev/loop-control"):
            pytest.skip("there are no loop devices")
        if not shutil.which(f"mkfs.{kind}"):
            pytest.skip(f"mkfs.{kind} is missing")
        folder = self._folder()
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(int(size[:-1]) << 20)
        made = run(f"mkfs.{kind}", "-q", *options, str(image))
        assert made.returncode == 0, made.stderr
        return self._mount(folder / "fs", "-o", f"loop,{mount}" if mount else "loop", "-t", kind, str(image))

    def overlay(self) -> Path:
        """An overlay, which carries no other: what a container has for its own files."""
        folder = self._folder()
        for name in ("lower", "upper", "work"):
            (folder / name).mkdir()
        options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        return self._mount(folder / "fs", "-t", "overlay", "-o", options, "overlay")

    def _folder(self) -> Path:
        # Sockets lie below it, whose paths must be short.
        return Path(tempfile.mkdtemp(prefix="skfs-", dir="/tmp"))

    def _mount(self, target: Path, *arguments: str) -> Path:
        target.mkdir()
        done = run("mount", *arguments, str(target))
        if done.returncode != 0:
            shutil.rmtree(target.parent)
            pytest.skip(f"this kernel does not mount it: {done.stderr.strip()}")
        self.mounted.append(target)
        return target

    def close(self) -> None:
        for target in reversed(self.mounted):
            done = run("umount", str(target))
            assert done.returncode == 0, done.stderr
            shutil.rmtree(target.parent)


@pytest.fixture
def file_systems():
    systems = FileSystems()
    yield systems
    systems.close()


# Named before `new_daemon` among a test's arguments: they have to be there before it looks at the machine.


@pytest.fixture
def btrfs(file_systems) -> Path:
    return file_systems.make("btrfs")


@pytest.fixture
def ext4(file_systems) -> Path:
    return file_systems.make("ext4")


@pytest.fixture
def overlay(file_systems) -> Path:
    return file_systems.overlay()
