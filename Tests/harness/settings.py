"""Where things are and how long a test may wait; everything can be set from the environment."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

#: The engine under test: `skiff` (default) or `docker`, which runs the same tests against Debian's dockerd to
#: prove the tests themselves.
ENGINE = os.environ.get("SKIFF_TEST_ENGINE", "skiff")

#: Command line clients that tests with `cli` run with.
CLIENTS = os.environ.get("SKIFF_TEST_CLIENTS", "docker skiff" if ENGINE == "skiff" else "docker").split()

#: Folder with the built executables.
BUILD = Path(os.environ.get("SKIFF_BUILD") or PROJECT / ".build/debug").resolve()

#: The OCI runtime under test; another one's path proves the tests themselves.
RUNTIME = Path(os.environ.get("SKIFF_TEST_RUNTIME") or BUILD / "skiff-runtime")

#: Long forms: many kills, many containers.
SOAK = os.environ.get("SKIFF_SOAK") == "1"

#: Factor on every deadline, for slow machines (a kernel in an emulator: 5 to 10).
PATIENCE = float(os.environ.get("SKIFF_TEST_PATIENCE", "1"))

#: Parent of the daemons' temporary folders.
SCRATCH = Path(os.environ.get("SKIFF_TEST_DIR") or "/tmp")

#: Programs of Debian's engines, put there by scripts/peers; PATH is searched after it.
PEERS = Path(
    os.environ.get("SKIFF_PEERS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skiff/peers")


def short_or_long(short: int, long: int) -> int:
    """A count: small in CI, large with SKIFF_SOAK=1."""
    return long if SOAK else short


def peer(name: str) -> str | None:
    """Path of a peer's program, or nil."""
    path = os.pathsep.join([str(PEERS / "usr/bin"), str(PEERS / "usr/sbin"), os.environ["PATH"]])
    return shutil.which(name, path=path)


def docker_client() -> str | None:
    """The newest docker command: one that the machine has comes before Debian's."""
    return os.environ.get("SKIFF_TEST_DOCKER") or shutil.which("docker") or peer("docker")


@functools.cache
def docker_client_is_current() -> bool:
    """Whether the docker command is of version 28 or newer, the one that skiff copies; Debian's is of 2020."""
    client = docker_client()
    version = subprocess.run([client, "--version"], capture_output=True, text=True).stdout if client else ""
    major = re.search(r"version (\d+)\.", version)
    return bool(major) and int(major[1]) >= 28
