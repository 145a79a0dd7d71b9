"""Waiting for a condition instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

from . import settings

Value = TypeVar("Value")


def wait_for(condition: Callable[[], Value], seconds: float = 10, what: str = "the condition") -> Value:
    """Calls `condition` until it returns something true, and returns that; fails after `seconds`."""
    deadline = time.monotonic() + seconds * settings.PATIENCE
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s (last: {value!r})")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
