"""A removal that fails half-way, and one that an engine's end has cut short."""

import os
import random
import subprocess
import time

import pytest

from harness import settings
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def engine(new_daemon):
    return new_daemon()


def _within(engine, *command: str) -> None:
    """Runs a command in the daemon's mount namespace, wherever that is."""
    subprocess.run(["nsenter", f"--mount=/proc/{engine.process.pid}/ns/mnt", *command], check=True)


def test_a_container_whose_files_cannot_be_removed_stays_and_is_removed_later(engine):
    cli = engine.cli("skiff")
    identifier = cli.out("create", "--name", "stuck", "busybox", "true")
    folder = engine.data_root / "containers" / identifier
    # What is mounted somewhere cannot be removed, whoever asks.
    _within(engine, "mount", "--bind", str(folder), str(folder))
    try:
        done = cli("rm", "stuck", status=1)
        assert "cannot remove container" in done.stderr and "Device or resource busy" in done.stderr
        assert cli.out("ps", "-a", "--format", "{{.Names}} {{.State}}") == "stuck dead"
        # One that is being removed has no size, and hides nobody else's.
        assert cli.out("ps", "-a", "--size", "--format", "{{.Names}}") == "stuck"
        assert "marked for removal" in cli("start", "stuck", status=1).stderr
        # The name is taken as long as anything of it is there.
        assert "is already in use" in cli("create", "--name", "stuck", "busybox", "true", status=1).stderr
    finally:
        _within(engine, "umount", str(folder))
    cli("rm", "stuck")
    assert cli.out("ps", "-aq") == "" and not folder.exists()
    cli("rm", cli.out("create", "--name", "stuck", "busybox", "true"))


def test_a_removal_that_was_cut_short_is_done_at_the_next_start(engine):
    cli = engine.cli("skiff")
    identifier = cli.out("create", "--name", "stuck", "busybox", "true")
    folder = engine.data_root / "containers" / identifier
    _within(engine, "mount", "--bind", str(folder), str(folder))
    try:
        cli("rm", "stuck", status=1)
    finally:
        _within(engine, "umount", str(folder))
    engine.restart_after_kill()
    assert cli.out("ps", "-aq") == "" and not folder.exists()
    assert not [name for name in os.listdir(engine.data_root / "overlay2") if identifier in name]


def test_a_removal_that_was_cut_short_takes_the_volumes_it_was_to_take(engine):
    cli = engine.cli("skiff")
    for options, left in ((["-v"], 0), ([], 1)):
        identifier = cli.out("create", "--name", "stuck", "-v", "/anonymous", "busybox", "true")
        folder = engine.data_root / "containers" / identifier
        _within(engine, "mount", "--bind", str(folder), str(folder))
        try:
            cli("rm", *options, "stuck", status=1)
            assert len(_volumes(engine)) == 1
        finally:
            _within(engine, "umount", str(folder))
        engine.restart_after_kill()
        assert cli.out("ps", "-aq") == "" and not folder.exists()
        assert len(_volumes(engine)) == left


def _volumes(engine) -> list[str]:
    return sorted(path.name for path in (engine.data_root / "volumes").iterdir() if path.is_dir())


def test_removals_that_are_killed_anywhere_leave_no_volume(engine):
    cli = engine.cli("skiff")
    for _ in range(settings.short_or_long(6, 100)):
        names = [cli.out("create", "-v", "/one", "-v", "/two", "busybox", "true") for _ in range(4)]
        removal = cli.popen("rm", "-v", *names)
        time.sleep(random.uniform(0, 0.03))
        engine.restart_after_kill()
        removal.communicate()
        left = cli.out("ps", "-aq").split()
        assert len(_volumes(engine)) == 2 * len(left), left
        if left:
            cli("rm", "-v", *left)
        assert _volumes(engine) == []


def test_containers_that_remove_themselves_do_so_although_the_daemon_ends(engine):
    """Whether their end is seen by the daemon that is told to end, or by the next."""
    cli = engine.cli("skiff")
    for _ in range(settings.short_or_long(3, 30)):
        for _ in range(3):
            cli("run", "-d", "--rm", "-v", "/data", "busybox", "sleep", "1000")
        for identifier in cli.out("ps", "-q").split():
            os.kill(engine.inspect(identifier)["State"]["Pid"], 9)
        assert engine.stop() == 0
        engine.start()
        wait_for(lambda: cli.out("ps", "-aq") == "", 20, "the removal of the containers")
        wait_for(lambda: not _volumes(engine), 20, "the removal of their volumes")


def test_a_size_that_cannot_be_read_is_an_error(engine):
    cli = engine.cli("skiff")
    identifier = cli.out("create", "--name", "broken", "busybox", "true")
    assert engine.api("GET", "/containers/json?all=1&size=1").json[0]["SizeRootFs"] > 100_000
    layer = engine.data_root / "overlay2" / identifier / "diff"
    layer.rename(layer.with_name("away"))
    layer.touch()
    for path in ("/containers/json?all=1&size=1", "/containers/broken/json?size=1"):
        answer = engine.api("GET", path)
        assert answer.status == 500 and "Not a directory" in answer.message, answer.body
    layer.unlink()
    layer.with_name("away").rename(layer)
    assert engine.api("GET", "/containers/broken/json?size=1").json["SizeRootFs"] > 100_000
