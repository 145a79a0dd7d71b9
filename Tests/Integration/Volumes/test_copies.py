"""`volume clone`, `snapshot`, `export`, `import`, `rename`, which Docker does not have."""

import io
import os
import subprocess
import tarfile
import threading

import pexpect
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


def test_rename(skiff, volumes, filled):
    running = skiff.out("run", "-d", "-v", "data:/v:ro", "busybox", "sleep", "1000")
    created = skiff.out("create", "--mount", "type=volume,src=data,dst=/w", "busybox", "cat", "/w/dir/file")
    skiff("volume", "create", "other")
    before = listing(volumes, "data")
    skiff("volume", "rename", "data", "fresh")
    assert listing(volumes, "fresh") == before
    assert skiff.out("volume", "ls", "-q").split() == ["fresh", "other"]
    facts = volumes.inspect(running)
    assert facts["Mounts"][0]["Name"] == "fresh" and facts["HostConfig"]["Binds"] == ["fresh:/v:ro"]
    assert facts["Mounts"][0]["Source"] == f"{volumes.data_root}/volumes/fresh/_data"
    assert volumes.inspect(created)["HostConfig"]["Mounts"][0]["Source"] == "fresh"
    # One that runs goes on, and starts again; one that did not run finds its files.
    assert skiff.out("exec", running, "cat", "/v/dir/file") == "one"
    skiff("restart", "-t", "0", running)
    assert skiff.out("exec", running, "cat", "/v/dir/file") == "one"
    assert skiff.out("start", "-a", created) == "one"
    assert "volume is in use" in skiff("volume", "rm", "fresh", status=1).stderr
    assert "a volume other exists already" in skiff("volume", "rename", "fresh", "other", status=1).stderr
    assert "get data: no such volume" in skiff("volume", "rename", "data", "x1", status=1).stderr
    assert "includes invalid characters" in skiff("volume", "rename", "fresh", "a/b", status=1).stderr


def test_rename_of_what_is_mounted(skiff, volumes, mounts):
    skiff("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "mem")
    running = skiff.out("run", "-d", "-v", "mem:/v", "busybox", "sh", "-c", "echo 1 > /v/x; sleep 1000")
    skiff("volume", "rename", "mem", "fresh")
    assert len(mounts.of(volumes, "fresh")) == 1 and not mounts.of(volumes, "mem")
    skiff("kill", running)
    mounts.gone(volumes, "fresh")
    assert skiff.out("volume", "inspect", "-f", "{{.Options.type}}", "fresh") == "tmpfs"


def test_progress_on_a_terminal(skiff, volumes):
    skiff("run", "--rm", "-v", "data:/v", "busybox", "sh", "-c", "head -c 3000000 /dev/urandom > /v/x")
    terminal = skiff.terminal("volume", "clone", "data", "copy")
    terminal.expect("copy: Copying")
    terminal.expect("copy\r\n")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_containers_that_come_and_go_while_a_volume_is_copied(skiff, volumes, filled):
    """Copies, starts, stops and renames side by side: each is done or refused for a reason, and nothing is stuck."""
    names = [skiff.out("create", "-v", "data:/v", "busybox", "sh", "-c", "while sleep 0.05; do date > /v/now; done")
             for _ in range(3)]
    failures = []

    def start_and_kill(name: str) -> None:
        for _ in range(6):
            for operation in ("start", "kill"):
                answer = volumes.api("POST", f"/containers/{name}/{operation}")
                if answer.status not in (204, 304) and "is not running" not in answer.message:
                    failures.append(answer.body)

    threads = [threading.Thread(target=start_and_kill, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for number in range(6):
        answer = volumes.api("POST", f"/skiff/volumes/data/clone?to=copy{number}")
        if answer.status != 200 or b'"error"' in answer.body:
            failures.append(answer.body)
    for thread in threads:
        thread.join()
    assert not failures
    for name in names:
        assert volumes.inspect(name)["State"]["Status"] == "exited"
    assert skiff.out("volume", "ls", "-q").split() == [*[f"copy{number}" for number in range(6)], "data"]
