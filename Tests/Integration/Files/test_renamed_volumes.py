"""Files of a container whose volume has another name by now."""

import pytest


@pytest.mark.skiff_only
def test_files_of_a_renamed_volume_are_reached(daemon, tmp_path):
    cli = daemon.cli()
    (tmp_path / "file").write_text("in")
    try:
        cli("volume", "create", "before")
        cli("create", "--name", "box", "-v", "before:/data", "busybox")
        assert daemon.api("POST", "/skiff/volumes/before/rename?to=after").status in (200, 204)
        cli("cp", str(tmp_path / "file"), "box:/data/file")
        shown = cli.out("run", "--rm", "-v", "after:/data", "busybox", "cat", "/data/file")
        assert shown.strip() == "in"
        cli("cp", "box:/data/file", str(tmp_path / "out"))
        assert (tmp_path / "out").read_text() == "in"
    finally:
        daemon.remove_containers()
        for name in ("before", "after"):
            daemon.api("DELETE", f"/volumes/{name}?force=1")
