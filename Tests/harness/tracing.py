"""Stops a process at a chosen moment, by ptrace(2)."""

import contextlib
import ctypes
import os
from collections.abc import Callable, Iterator

CONT, DETACH, SEIZE, GETEVENTMSG = 7, 17, 0x4206, 0x4201
FORK_OPTIONS = 1 << 1 | 1 << 2 | 1 << 3  # fork, vfork, clone
ALL_KINDS = 0x40000000  # __WALL

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, pid: int, data=0) -> None:
    if _libc.ptrace(request, pid, None, data) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace {request} of {pid}: {os.strerror(error)}")


@contextlib.contextmanager
def held_after_its_next_fork(pid: int) -> Iterator[Callable[[], int]]:
    """The process stops inside the call that makes its next child, until the block's end; the child runs.
    Gives a function that waits for that and returns the child's pid."""
    _ptrace(SEIZE, pid, FORK_OPTIONS)
    children: list[int] = []

    def child() -> int:
        while not children:
            _, status = os.waitpid(pid, ALL_KINDS)
            assert os.WIFSTOPPED(status), f"process {pid} ended: {status:#x}"
            if status >> 16 in (1, 2, 3):
                number = ctypes.c_ulong()
                _ptrace(GETEVENTMSG, pid, ctypes.addressof(number))
                os.waitpid(number.value, ALL_KINDS)
                _ptrace(DETACH, number.value)
                children.append(number.value)
            else:
                stopped = os.WSTOPSIG(status)
                _ptrace(CONT, pid, 0 if status >> 16 else stopped)
        return children[0]

    yield child
    _ptrace(DETACH, pid)
