"""A removal that fails half-way, and one that an engine's end has cut short."""

import os
import subprocess

import pytest

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
