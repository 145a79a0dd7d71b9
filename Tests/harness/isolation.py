"""Gives the test process namespaces of its own: no test touches the host's network, and what other programs of the
host mount or unmount meanwhile is not taken for a test's doing."""

import ctypes
import os
import subprocess
from pathlib import Path

CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x00020000
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def enter_own_network() -> None:
    """Call before any thread exists: threads and children made later are inside."""
    _check(_libc.unshare(CLONE_NEWNET), "unshare(CLONE_NEWNET)")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def enter_own_mounts() -> None:
    """Whether `/` is shared, as systemd makes it, stays as it was; with whom it is shared ends here."""
    shared = any(
        line.split()[4] == "/" and " shared:" in line.split(" - ")[0]
        for line in Path("/proc/self/mountinfo").read_text().splitlines())
    _check(_libc.unshare(CLONE_NEWNS), "unshare(CLONE_NEWNS)")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    if shared:
        subprocess.run(["mount", "--make-rshared", "/"], check=True)


def adopt_orphans() -> None:
    """Shims whose daemon was killed become children of this process: leftovers are found by descent."""
    _check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(PR_SET_CHILD_SUBREAPER)")
