"""kill -9 of the daemon in the middle of a commit, and of an archive that goes in."""

import os
import subprocess

import pytest

from harness.engine import engine_under_test
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def engine():
    engine = engine_under_test()
    engine.start()
    engine.have("busybox")
    yield engine
    engine.close()


def test_a_commit_that_is_killed_leaves_nothing(engine):
    cli = engine.cli("skiff")
    cli.out("run", "-d", "--name", "box", "busybox", "sleep", "100000")
    cli.out("exec", "box", "sh", "-c", "dd if=/dev/urandom of=/big bs=1M count=200 2>/dev/null")
    overlay = engine.data_root / "overlay2"
    images = len(engine.api("GET", "/images/json?all=1").json)
    layers = {name for name in os.listdir(overlay) if len(name) == 64}
    for _ in range(3):
        commit = cli.popen("commit", "box", "half:1")
        wait_for(lambda: os.listdir(overlay / ".staging") or commit.poll() is not None, 30, "a layer on its way")
        engine.kill()
        commit.communicate(timeout=60)
        engine.start()
        found = engine.api("GET", "/images/json?all=1").json
        if len(found) > images:
            cli("rmi", "half:1")
        wait_for(lambda: not os.listdir(overlay / ".staging"), 30, "nothing on its way")
        wait_for(lambda: {name for name in os.listdir(overlay) if len(name) == 64} == layers, 30, "the same layers")
        # The container goes on; one that stood still for the commit can be woken.
        if cli.out("inspect", "-f", "{{.State.Status}}", "box") == "paused":
            cli("unpause", "box")
        assert cli.out("exec", "box", "stat", "-c", "%s", "/big") == str(200 << 20)
    cli.out("commit", "box", "whole:1")
    assert cli.out("run", "--rm", "whole:1", "stat", "-c", "%s", "/big") == str(200 << 20)


def test_no_mount_is_left_by_a_copy_that_is_killed(engine, tmp_path):
    (tmp_path / "big").write_bytes(os.urandom(64 << 20))
    cli = engine.cli("skiff")
    cli.out("create", "--name", "stopped", "-v", "data:/data", "busybox", "cat")
    copy = cli.popen("cp", str(tmp_path / "big"), "stopped:/data/big", stdin=subprocess.DEVNULL)
    engine.kill()
    copy.communicate(timeout=60)
    engine.start()
    mounts = open(f"/proc/{engine.process.pid}/mounts").read()
    assert f"{engine.data_root}/containers" not in mounts
    cli("cp", str(tmp_path / "big"), "stopped:/data/big")
    assert cli.out("run", "--rm", "-v", "data:/d", "busybox", "stat", "-c", "%s", "/d/big") == str(64 << 20)
