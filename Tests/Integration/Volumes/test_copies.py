"""`volume clone`, `snapshot`, `export`, `import`, `rename`, which Docker does not have."""

import io
import os
import subprocess
import tarfile

import pytest

from harness.waiting import wait_for

FILL = """
mkdir -p /v/dir/deep; echo one > /v/dir/file; ln /v/dir/file /v/dir/hard; ln -s ../etc/passwd /v/link; mkfifo /v/fifo
dd if=/dev/zero of=/v/sparse bs=1 count=1 seek=10000000 2>/dev/null; chown 7:8 /v/dir/file; chmod 4750 /v/dir/file
chmod 700 /v; touch -d @1000000000 /v/dir/deep; head -c 3000000 /dev/urandom > /v/random; mknod /v/dev c 1 3
"""


@pytest.fixture
def filled(skiff):
    skiff("run", "--rm", "-v", "data:/v", "busybox", "sh", "-c", FILL)
    return "data"


def listing(daemon, volume: str) -> str:
    """Names, kinds, owners, modes, times, sizes, links and checksums of everything in a volume."""
    return subprocess.run(
        "find . -printf '%P %y %U:%G %m %n %s %l ' ! -type d -printf '%T@' -type f -printf '\\n' -exec sha256sum {} + -o "
        "-printf '\\n' | sort", shell=True, capture_output=True, text=True, check=True,
        cwd=daemon.data_root / "volumes" / volume / "_data").stdout


def test_clone(skiff, volumes, filled):
    skiff("volume", "create", "--label", "a=b", "labelled")
    assert skiff.out("volume", "clone", filled, "copy") == "copy"
    assert listing(volumes, "copy") == listing(volumes, filled)
    sparse = os.stat(volumes.data_root / "volumes/copy/_data/sparse")
    assert sparse.st_blocks * 512 < 1 << 20
    skiff("run", "--rm", "-v", "copy:/v", "busybox", "sh", "-c", "echo changed > /v/dir/file")
    assert (volumes.data_root / "volumes/data/_data/dir/file").read_text() == "one\n"
    skiff("volume", "clone", "labelled", "second")
    assert skiff.out("volume", "inspect", "-f", "{{.Labels}}", "second") == "map[a:b]"
    assert "a volume copy exists already" in skiff("volume", "clone", filled, "copy", status=1).stderr
    assert "get nosuch: no such volume" in skiff("volume", "clone", "nosuch", "other", status=1).stderr
    assert "includes invalid characters" in skiff("volume", "clone", filled, "a!b", status=1).stderr
    assert sorted(path.name for path in (volumes.data_root / "volumes").iterdir()) == ["copy", "data", "labelled", "second"]


def test_snapshots(skiff, volumes, filled):
    before = listing(volumes, filled)
    assert skiff.out("volume", "snapshot", "create", filled, "first") == "first"
    skiff("run", "--rm", "-v", "data:/v", "busybox", "sh", "-c", "rm -r /v/dir; echo new > /v/new")
    automatic = skiff.out("volume", "snapshot", "create", filled)
    assert skiff.out("volume", "snapshot", "ls", "-q", filled).split() == sorted([automatic, "first"])
    table = skiff.out("volume", "snapshot", "ls", filled).splitlines()
    assert table[0].split()[0] == "SNAPSHOT" and len(table) == 3
    assert "has a snapshot first already" in skiff("volume", "snapshot", "create", filled, "first", status=1).stderr
    running = skiff.out("run", "-d", "-v", "data:/v", "busybox", "sleep", "1000")
    refused = skiff("volume", "snapshot", "restore", filled, "first", status=1)
    assert f"volume is in use - [{running}]: stop these containers first" in refused.stderr
    skiff("kill", running)
    assert skiff.out("volume", "snapshot", "restore", filled, "first") == filled
    assert listing(volumes, filled) == before
    skiff("start", running)
    assert skiff.out("exec", running, "cat", "/v/dir/file") == "one"
    skiff("rm", "-f", running)
    skiff("volume", "snapshot", "restore", filled, automatic)
    assert (volumes.data_root / "volumes/data/_data/new").exists()
    assert skiff.out("volume", "snapshot", "rm", filled, "first", automatic) == f"first\n{automatic}"
    assert "no such snapshot: first" in skiff("volume", "snapshot", "rm", filled, "first", status=1).stderr
    assert "no such snapshot: first" in skiff("volume", "snapshot", "restore", filled, "first", status=1).stderr


def test_export_and_import(skiff, volumes, filled, tmp_path):
    archive = tmp_path / "data.tar"
    skiff("volume", "export", "-o", archive, filled)
    piped = skiff("volume", "export", filled).raw
    with tarfile.open(fileobj=io.BytesIO(piped)) as tar:
        assert {"./dir/file", "dir/file"} & set(tar.getnames())
    assert skiff.out("volume", "import", "one", archive) == "one"
    assert skiff.out("volume", "import", "two", input=piped) == "two"
    assert listing(volumes, "one") == listing(volumes, "two") == listing(volumes, filled)
    assert "a volume one exists already" in skiff("volume", "import", "one", archive, status=1).stderr
    (tmp_path / "no.tar").write_bytes(b"this is no archive" * 1000)
    assert skiff("volume", "import", "bad", tmp_path / "no.tar", status=1).stderr
    assert "get nosuch: no such volume" in skiff("volume", "export", "nosuch", status=1).stderr
    assert sorted(path.name for path in (volumes.data_root / "volumes").iterdir()) == ["data", "one", "two"]


def test_containers_are_paused_for_a_copy(skiff, volumes, filled):
    running = skiff.out("run", "-d", "-v", "data:/v", "busybox", "sleep", "1000")
    other = skiff.out("run", "-d", "busybox", "sleep", "1000")
    seen = skiff.popen("events", "--filter", "event=pause", "--filter", "event=unpause", "--format",
                       "{{.Action}} {{.Actor.ID}}", text=True)
    try:
        wait_for(lambda: volumes.api("GET", "/info").json["NEventsListener"] > 0, 10, "a listener")
        skiff("volume", "clone", filled, "copy")
        skiff("volume", "clone", "--no-pause", filled, "second")
        skiff("volume", "export", filled)
        lines = [seen.stdout.readline().strip() for _ in range(4)]
        skiff("pause", other)
        assert seen.stdout.readline().strip() == f"pause {other}"
        assert lines == [f"pause {running}", f"unpause {running}"] * 2
    finally:
        seen.kill()
        seen.communicate()
    # One that somebody has paused stays so.
    skiff("pause", running)
    skiff("volume", "clone", filled, "third")
    assert skiff.out("inspect", "-f", "{{.State.Status}}", running) == "paused"


def test_what_is_mounted_is_copied(skiff, volumes, tmp_path, mounts):
    (tmp_path / "file").write_text("of the host")
    skiff("volume", "create", "-o", "type=none", "-o", f"device={tmp_path}", "-o", "o=bind", "host")
    skiff("volume", "clone", "host", "copy")
    assert (volumes.data_root / "volumes/copy/_data/file").read_text() == "of the host"
    assert skiff.out("volume", "inspect", "-f", "{{len .Options}}", "copy") == "0"
    skiff("volume", "snapshot", "create", "host", "snap")
    refused = skiff("volume", "snapshot", "restore", "host", "snap", status=1)
    assert "its files are not the engine's own" in refused.stderr
    assert not mounts.of(volumes, "host")
