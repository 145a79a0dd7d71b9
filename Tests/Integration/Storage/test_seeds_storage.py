"""The lines about storage of the documents that Skiff replaces, as they are written there."""

import ctypes
import json
import os
import subprocess

import pytest

from harness.waiting import wait_for


@pytest.fixture
def postgres_image(shared_engine):
    shared_engine.have("postgres:13")
    return "postgres:13"


@pytest.fixture
def volume(cli, daemon, name):
    """S232: a volume with a name."""
    volume = f"{name}-data"
    assert cli.out("volume", "create", volume) == volume
    yield volume
    daemon.remove_containers()
    daemon.api("DELETE", f"/volumes/{volume}?force=1")


def test_a_database_keeps_its_data_over_its_container(daemon, postgres_image, name):
    """S231 to S237: PostgreSQL on a named volume, `rm -f`, and a new container."""
    cli, volume = daemon.cli(), f"{name}-data"
    assert cli.out("volume", "create", volume) == volume

    def query(container: str, text: str) -> str:
        done = cli("exec", container, "psql", "-U", "postgres", "-tAc", text, status=None)
        return done.stdout.strip() if done.returncode == 0 else ""

    options = ["-e", "POSTGRES_PASSWORD=x", "-v", f"{volume}:/var/lib/postgresql/data"]
    cli("run", "-d", "--name", f"{name}-db", *options, postgres_image)
    wait_for(lambda: "ready to accept" in cli("logs", f"{name}-db").stderr.split("init process complete")[-1]
             and query(f"{name}-db", "select 1") == "1", 120, "PostgreSQL")
    assert query(f"{name}-db", "create table kept (word text); insert into kept values ('kept') returning word").startswith("CREATE")
    [facts] = json.loads(cli.out("volume", "inspect", volume))
    assert facts["Mountpoint"] == str(daemon.data_root / "volumes" / volume / "_data") and facts["Driver"] == "local"
    assert {"base", "pg_wal", "postgresql.conf"} <= set(os.listdir(facts["Mountpoint"]))
    # As it is: no time to write anything out.
    cli("rm", "-f", f"{name}-db")
    assert volume in cli.out("volume", "ls", "-q").split() and "local" in cli.out("volume", "ls").split("\n", 1)[1]
    cli("run", "-d", "--name", f"{name}-new", *options, postgres_image)
    wait_for(lambda: query(f"{name}-new", "select word from kept") == "kept", 120, "the data in a new container")
    assert cli("volume", "rm", volume, status=1).stderr.count("volume is in use") == 1
    cli("rm", "-f", f"{name}-new")
    cli("volume", "rm", volume)


def test_a_named_volume_survives_and_is_shared(cli, volume, name):
    """S235 to S237, S309: another container, at the same time too, and a copy of it all as an archive."""
    cli("run", "--name", name, "-v", f"{volume}:/data", "busybox", "sh", "-c", "echo one > /data/one; chmod 640 /data/one")
    cli("rm", "-f", name)
    cli("run", "-d", "--name", name, "-v", f"{volume}:/data", "busybox", "sleep", "1000")
    assert cli.out("run", "--rm", "-v", f"{volume}:/elsewhere", "busybox", "sh", "-c", "echo two > /elsewhere/two; cat /elsewhere/one") == "one"
    assert cli.out("exec", name, "cat", "/data/two") == "two"
    archive = cli("run", "--rm", "-v", f"{volume}:/data:ro", "busybox", "tar", "cf", "-", "-C", "/data", ".").raw
    other = cli("run", "--rm", "-i", "-v", "/restored", "busybox", "sh", "-c", "cd /restored && tar xf - && cat one two && stat -c %a one", input=archive)
    assert other.stdout.split() == ["one", "two", "640"]


def test_prune_takes_what_nobody_named(cli, volume, name):
    """S238: with a question, anonymous volumes only unless asked for all."""
    cli("run", "--name", name, "-v", "/data", "busybox", "true")
    anonymous = cli.out("inspect", "-f", "{{(index .Mounts 0).Name}}", name)
    cli("rm", name)
    done = cli("volume", "prune", input="n\n", status=None)
    assert "WARNING! This will remove anonymous local volumes" in done.stdout
    assert anonymous in cli.out("volume", "ls", "-q").split()
    assert anonymous in cli.out("volume", "prune", input="y\n")
    left = cli.out("volume", "ls", "-q").split()
    assert volume in left and anonymous not in left
    assert volume in cli.out("volume", "prune", "-a", "-f")


def test_a_bind_mount_is_live_in_both_directions(cli, daemon, nginx_image, name, tmp_path):
    """S240 to S244, S313: a folder of the host as a web server's pages."""
    (tmp_path / "index.html").write_text("first")
    tmp_path.chmod(0o755)
    cli("run", "-d", "--name", name, "-v", f"{tmp_path}:/usr/share/nginx/html", "nginx")
    address = cli.out("inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", name)
    wait_for(lambda: daemon.curl(f"http://{address}/") == "first", 30, "the page")
    (tmp_path / "index.html").write_text("second")
    assert daemon.curl(f"http://{address}/") == "second"
    cli("exec", name, "touch", "/usr/share/nginx/html/new.txt")
    assert (tmp_path / "new.txt").exists()
    (tmp_path / "new.txt").unlink()
    cli("exec", name, "test", "!", "-e", "/usr/share/nginx/html/new.txt")


def test_a_change_on_the_host_wakes_a_watcher(cli, name, tmp_path):
    """S242: what tools for development live on: who watches the folder in the container is told of the host's changes."""
    (tmp_path / "src").mkdir()
    cli("run", "-d", "--name", name, "-v", "./src:/app/src", "busybox", "sleep", "1000", cwd=tmp_path)
    root = f"/proc/{cli.out('inspect', '-f', '{{.State.Pid}}', name)}/root"
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    try:
        # IN_CREATE | IN_CLOSE_WRITE
        assert libc.inotify_add_watch(watch, f"{root}/app/src".encode(), 0x100 | 0x8) > 0
        (tmp_path / "src/index.js").write_text("edited")
        assert b"index.js" in os.read(watch, 4096)
    finally:
        os.close(watch)
    assert cli.out("exec", name, "cat", "/app/src/index.js") == "edited"


def test_missing_sources(cli, tmp_path):
    """S245: `-v` makes the folder, `--mount` refuses."""
    done = cli("run", "--rm", "--mount", f"type=bind,source={tmp_path}/a,target=/a", "busybox", "true", status=125)
    assert "bind source path does not exist" in done.stderr and not (tmp_path / "a").exists()
    cli("run", "--rm", "-v", f"{tmp_path}/a:/a", "busybox", "true")
    assert (tmp_path / "a").is_dir()


def test_tmpfs_is_never_on_the_disk_and_gone_after_the_stop(cli, daemon, name):
    """S246 and those after it: in memory, of the size that was asked for, empty after a restart."""
    cli("run", "-d", "--name", name, "--tmpfs", "/tmp:rw,size=100m", "busybox", "sleep", "1000")
    cli("exec", name, "sh", "-c", "echo skiff-secret-in-memory > /tmp/secret; df -m /tmp | grep -q ' 100 '")
    found = subprocess.run(["grep", "-rl", "skiff-secret-in-memory", daemon.data_root / "overlay2", daemon.data_root / "volumes"],
                           capture_output=True, text=True)
    assert found.stdout == ""
    cli("stop", "-t", "0", name)
    cli("start", name)
    assert cli.out("exec", name, "ls", "/tmp") == ""


def test_the_layers_folders(cli, daemon, name):
    """S259: the folders of the union, and `inspect`."""
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "echo own > /own; exec sleep 1000")
    data = json.loads(cli.out("inspect", "-f", "{{json .GraphDriver.Data}}", name))
    assert set(data) >= {"LowerDir", "MergedDir", "UpperDir", "WorkDir"}
    wait_for(lambda: os.path.exists(f"{data['UpperDir']}/own"), 20)
    folder = daemon.data_root / "overlay2" / cli.out("inspect", "-f", "{{.Id}}", name)
    assert {"diff", "lower", "merged", "work"} <= set(os.listdir(folder))
    with open(f"{data['MergedDir']}/own") as file:
        assert file.read() == "own\n"


def test_an_image_is_as_it_was(cli, name):
    """S307, S419: what a container writes is in its own layer, and gone with it."""
    before = cli.out("image", "inspect", "-f", "{{.Id}} {{.RootFS.Layers}}", "busybox")
    cli("run", "--name", name, "busybox", "sh", "-c", "echo x > /bin/new; rm /bin/true")
    assert cli.out("run", "--rm", "busybox", "sh", "-c", "test -e /bin/new || echo none; ls /bin/true") == "none\n/bin/true"
    assert cli.out("image", "inspect", "-f", "{{.Id}} {{.RootFS.Layers}}", "busybox") == before


def test_volume_commands(cli, volume, name):
    """S308, S310 to S312: inside the data folder, made, listed, removed; not while it is used."""
    assert "VOLUME NAME" in cli.out("volume", "ls").split("\n")[0]
    cli("create", "--name", name, "-v", f"{volume}:/v", "busybox")
    assert "volume is in use" in cli("volume", "rm", volume, status=1).stderr
    cli("rm", name)
    assert cli.out("volume", "rm", volume) == volume


def test_what_monitoring_tools_mount(cli, tmp_path):
    """S314: the host's /proc and /sys, read-only; a file and a folder at once."""
    (tmp_path / "f").write_text("file")
    options = ["-v", "/proc:/host/proc:ro", "-v", "/sys:/sys:ro", "-v", f"{tmp_path}/f:/conf/f:ro", "-v", f"{tmp_path}:/all:ro"]
    out = cli.out("run", "--rm", *options, "busybox", "sh", "-c",
                  "cat /host/proc/version; ls -d /sys/class/net; cat /conf/f /all/f; echo; echo 1 2>/dev/null > /host/proc/sys/vm/drop_caches || echo read-only")
    assert "Linux version" in out and "/sys/class/net" in out and "filefile" in out and out.endswith("read-only")
