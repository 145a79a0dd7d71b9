"""Tests of what this project's CI machine does not have: cgroup v2, AppArmor, systemd. `make vm` boots a guest (see
scripts/vm) and runs them in it; anywhere else they are skipped."""

import os
from pathlib import Path

import pytest

from harness.guest import GuestEngine

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    if os.environ.get("SKIFF_VM") == "1":
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="runs in the guest of scripts/vm; make vm"))


@pytest.fixture(scope="session")
def engine():
    """One daemon for all tests: a system call is sixty times as slow in the guest."""
    engine = GuestEngine()
    engine.start()
    engine.have("busybox")
    yield engine
    engine.close()


@pytest.fixture
def skiff(engine):
    yield engine.cli("skiff")
    engine.remove_containers()
    engine.assert_no_groups()
