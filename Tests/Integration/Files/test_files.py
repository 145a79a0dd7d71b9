"""`cp`, `diff`, `export`, `commit` and the archive API, as the real docker command and skiff see them."""

import base64
import io
import json
import os
import tarfile

import pytest

BOX = ("-d", "busybox", "sleep", "100000")


@pytest.fixture
def box(cli):
    """A running container, and a function that runs a shell line in it."""
    cli.out("run", "--name", "box", "-v", "/volume", "--tmpfs", "/scratch", *BOX)
    return lambda line: cli.out("exec", "box", "sh", "-c", line)


def members(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_a_file_goes_in_and_out(cli, box, tmp_path):
    source = tmp_path / "in"
    source.write_bytes(os.urandom(1 << 20))
    source.chmod(0o751)
    os.utime(source, (1_500_000_000, 1_500_000_000))
    cli("cp", str(source), "box:/root/renamed")
    assert box("stat -c '%a %Y %s' /root/renamed") == f"751 1500000000 {1 << 20}"
    cli("cp", "box:/root/renamed", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == source.read_bytes()
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o751
    # Over a file that is there, and into a directory that is.
    cli("cp", "box:/root/renamed", str(tmp_path / "out"))
    (tmp_path / "folder").mkdir()
    cli("cp", "box:/root/renamed", str(tmp_path / "folder"))
    assert (tmp_path / "folder/renamed").read_bytes() == source.read_bytes()


def test_slashes_and_dots_say_what_is_copied_where(cli, box, tmp_path):
    source = tmp_path / "dir"
    (source / "sub").mkdir(parents=True)
    (source / "sub/file").write_text("x")
    cli("cp", str(source), "box:/new")
    assert box("cat /new/sub/file") == "x"
    cli("cp", str(source), "box:/new")
    assert box("cat /new/dir/sub/file") == "x"
    box("mkdir /content")
    cli("cp", f"{source}/.", "box:/content")
    assert box("ls /content") == "sub"
    cli("cp", "box:/new/sub/.", str(tmp_path / "made"))
    assert os.listdir(tmp_path / "made") == ["file"]
    (tmp_path / "there").mkdir()
    cli("cp", "box:/new/sub", str(tmp_path / "there"))
    assert (tmp_path / "there/sub/file").read_text() == "x"
    for arguments, message in (
        (["box:/new", str(tmp_path / "made/file")], "cannot copy directory"),
        (["box:/new/sub/file", str(tmp_path / "none") + "/"], "no such directory"),
        (["box:/absent", str(tmp_path)], "Could not find the file /absent in container box"),
        ([str(tmp_path / "made/file"), "box:/absent/x"], "Could not find the file /absent in container box"),
        ([str(tmp_path / "absent"), "box:/"], "no such file or directory"),
        ([str(tmp_path), str(tmp_path)], "must specify at least one container source"),
    ):
        refused = cli("cp", *arguments, status=None)
        assert refused.returncode == 1 and message in refused.stderr, (arguments, refused.stderr)


def test_volumes_and_tmpfs_of_running_containers(cli, box, tmp_path):
    (tmp_path / "f").write_text("content")
    for place in ("/volume", "/scratch"):
        cli("cp", str(tmp_path / "f"), f"box:{place}/f")
        assert box(f"cat {place}/f") == "content"
        cli("cp", f"box:{place}/f", str(tmp_path / "back"))
        assert (tmp_path / "back").read_text() == "content"


def test_containers_that_do_not_run(cli, daemon, tmp_path):
    (tmp_path / "f").write_text("content")
    cli.out("create", "--name", "box", "-v", "data:/made/volume", "busybox", "cat", "/f", "/made/volume/f")
    cli("cp", str(tmp_path / "f"), "box:/f")
    cli("cp", str(tmp_path / "f"), "box:/made/volume/f")
    assert cli.out("start", "-a", "box") == "contentcontent"
    cli("cp", "box:/made/volume/f", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "content"
    assert cli.out("run", "--rm", "-v", "data:/d", "busybox", "cat", "/d/f") == "content"
    daemon.remove_containers()
    cli("volume", "rm", "data")


def test_read_only_places_are_refused(cli, daemon, tmp_path):
    (tmp_path / "f").write_text("x")
    cli.out("run", "--name", "box", "--read-only", "-v", f"{tmp_path}:/bound:ro", "-v", "/volume", *BOX)
    for place, message in (("/", "container rootfs is marked read-only"),
                           ("/bound/", "mounted volume is marked read-only")):
        refused = cli("cp", str(tmp_path / "f"), f"box:{place}", status=None)
        assert refused.returncode == 1 and message in refused.stderr
    cli("cp", str(tmp_path / "f"), "box:/volume/")


def test_links(cli, box, tmp_path):
    box("mkdir /real; echo -n x > /real/file; ln -s real /link; ln -s /real/file /filelink; ln -s nowhere /broken")
    cli("cp", "box:/link", str(tmp_path / "copied"))
    assert os.readlink(tmp_path / "copied") == "real"
    cli("cp", "box:/link/", str(tmp_path / "followed"))
    assert (tmp_path / "followed/file").read_text() == "x"
    cli("cp", "-L", "box:/filelink", str(tmp_path / "content"))
    assert (tmp_path / "content").read_text() == "x"
    cli("cp", "box:/broken", str(tmp_path / "broken"))
    assert os.readlink(tmp_path / "broken") == "nowhere"
    # A link of the container's leads where it does in the container, never on this machine.
    box("ln -s /etc /escape; ln -s ../../../../../.. /up")
    (tmp_path / "new").write_text("new")
    cli("cp", str(tmp_path / "new"), "box:/escape/")
    assert box("cat /etc/new") == "new" and not os.path.exists("/etc/new")
    cli("cp", str(tmp_path / "new"), "box:/up/")
    assert box("cat /new") == "new" and not os.path.exists("/new")


def test_standard_streams(cli, box):
    box("mkdir -p /out/sub; echo -n x > /out/sub/file")
    done = cli("cp", "box:/out", "-")
    assert list(members(done.raw)) == ["out", "out/sub", "out/sub/file"]
    cli("cp", "-", "box:/volume", input=done.raw)
    assert box("cat /volume/out/sub/file") == "x"
    refused = cli("cp", "-", "box:/out/sub/file", status=None, input=done.raw)
    assert refused.returncode == 1 and "must be a directory" in refused.stderr


def test_owners(cli, daemon, tmp_path):
    source = tmp_path / "f"
    source.write_text("x")
    os.chown(source, 1234, 5678)
    cli.out("run", "--name", "box", "--user", "www-data", *BOX)
    cli("cp", str(source), "box:/tmp/kept")
    cli("cp", "-a", str(source), "box:/tmp/given")
    owner = ("exec", "box", "stat", "-c", "%u:%g")
    assert cli.out(*owner, "/tmp/kept") == "1234:5678"
    if cli.client == "skiff":
        assert cli.out(*owner, "/tmp/given") == "33:33"


@pytest.mark.skiff_only
def test_between_containers(cli, daemon, client, box):
    if client != "skiff":
        pytest.skip("docker refuses it")
    cli.out("run", "--name", "other", *BOX)
    box("mkdir /dir; echo -n x > /dir/file")
    cli("cp", "box:/dir", "other:/new")
    cli("cp", "box:/dir/file", "other:/renamed")
    cli("cp", "box:/dir/.", "other:/tmp")
    assert cli.out("exec", "other", "cat", "/new/file", "/renamed", "/tmp/file") == "xxx"


def test_diff(cli, box):
    box("echo x > /new; rm /bin/wget; mkdir /dir; touch /dir/in; chmod 700 /tmp")
    lines = cli.out("diff", "box").splitlines()
    for line in ("A /new", "C /bin", "D /bin/wget", "A /dir", "A /dir/in", "C /tmp"):
        assert line in lines, lines
    assert not any("/proc" in line or "resolv.conf" in line for line in lines)


def test_export_has_the_root_without_what_is_mounted(cli, box, tmp_path):
    box("echo -n kept > /kept; echo x > /volume/hidden; rm /bin/wget; echo x > /scratch/hidden")
    target = tmp_path / "all.tar"
    cli("export", "-o", str(target), "box")
    found = members(target.read_bytes())
    assert found["kept"].size == 4 and "bin/sh" in found and "volume" in found
    assert not {"bin/wget", "volume/hidden", "scratch/hidden"} & set(found)
    assert not any(name.startswith("proc/") for name in found)
    cli("stop", "-t", "0", "box")
    cli("export", "-o", str(target), "box")
    assert members(target.read_bytes())["kept"].size == 4


def test_commit(cli, daemon, box):
    box("echo -n made > /made; rm /bin/wget; rm -r /var; mkdir /var; touch /var/only")
    image = cli.out("commit", "-m", "why", "-a", "who", "-c", "ENV A=b", "-c", 'CMD ["cat", "/made"]', "box", "made:1")
    try:
        assert cli.out("run", "--rm", "made:1") == "made"
        assert cli.out("run", "--rm", "made:1", "sh", "-c", "ls /var; echo $A; ls /bin/wget; true") == "only\nb"
        described = json.loads(cli.out("image", "inspect", "made:1"))[0]
        assert (described["Id"], described["Author"], described["Comment"]) == (image, "who", "why")
        base = json.loads(cli.out("image", "inspect", "busybox"))[0]
        assert described["RootFS"]["Layers"][:-1] == base["RootFS"]["Layers"]
        assert cli.out("history", "--format", "{{.Comment}}", "made:1").splitlines()[0] == "why"
        assert cli.out("inspect", "-f", "{{.State.Status}}", "box") == "running"
        refused = cli("commit", "-c", "FROM x", "box", status=None)
        assert refused.returncode == 1 and "from is not a valid change command" in refused.stderr.lower()
        # A container that changed nothing adds no layer.
        cli.out("create", "--name", "idle", "busybox")
        cli.out("commit", "idle", "same:1")
        same = json.loads(cli.out("image", "inspect", "same:1"))[0]
        assert same["RootFS"]["Layers"] == base["RootFS"]["Layers"]
        cli("rmi", "same:1")
    finally:
        daemon.remove_containers()
        cli("rmi", "-f", "made:1", status=None)


def test_sizes(cli, box):
    box("dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null")
    described = json.loads(cli.out("container", "inspect", "--size", "box"))[0]
    assert described["SizeRw"] == 3 << 20 and described["SizeRootFs"] > described["SizeRw"]
    assert "3.15MB (virtual" in cli.out("ps", "-s", "--format", "{{.Size}}")


def test_archive_api(daemon):
    daemon.api("POST", "/containers/create?name=api", {"Image": "busybox", "Cmd": ["true"]})
    head = daemon.api("HEAD", "/containers/api/archive?path=/bin/sh")
    assert head.status == 200
    stat = json.loads(base64.b64decode(head.headers["X-Docker-Container-Path-Stat"]))
    assert set(stat) == {"name", "size", "mode", "mtime", "linkTarget"} and stat["name"] == "sh"
    assert daemon.api("HEAD", "/containers/api/archive?path=/none").status == 404
    assert daemon.api("GET", "/containers/api/archive").status == 400
    assert daemon.api("GET", "/containers/none/archive?path=/").status == 404
    directory = json.loads(base64.b64decode(
        daemon.api("HEAD", "/containers/api/archive?path=/bin").headers["X-Docker-Container-Path-Stat"]))
    assert directory["mode"] & 1 << 31
