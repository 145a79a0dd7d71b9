"""`-v`, `--mount` and `--tmpfs` with the options of the docker command, by what programs in containers see."""

import json
import os

import pytest

from harness.waiting import wait_for


def mounts(cli, name: str) -> dict[str, dict]:
    return {mount["Destination"]: mount for mount in json.loads(cli.out("inspect", "-f", "{{json .Mounts}}", name))}


@pytest.fixture
def volume(daemon, name):
    """The name of a volume, which goes with the test."""
    yield f"{name}-volume"
    daemon.remove_containers()
    daemon.api("DELETE", f"/volumes/{name}-volume?force=1")


def write(cli, volume: str, script: str) -> None:
    cli("run", "--rm", "-v", f"{volume}:/v", "busybox", "sh", "-c", f"cd /v; {script}")


class TestVolumesFrom:
    def test_a_container_gets_the_mounts_of_another(self, cli, name, volume, tmp_path):
        (tmp_path / "file").write_text("from the host")
        cli("run", "--name", name, "-v", f"{volume}:/data", "-v", f"{tmp_path}:/bound:ro", "-v", "/anonymous", "busybox", "sh", "-c",
            "echo named > /data/x; echo anonymous > /anonymous/x")
        script = "cat /data/x /anonymous/x /bound/file; echo more >> /data/x; touch /bound/y 2>/dev/null || echo read-only"
        out = cli.out("run", "--rm", "--volumes-from", name, "busybox", "sh", "-c", script)
        assert out.split("\n") == ["named", "anonymous", "from the hostread-only"]
        assert cli.out("run", "--rm", "--volumes-from", name, "busybox", "cat", "/data/x") == "named\nmore"

    def test_read_only(self, cli, name, volume):
        cli("run", "--name", name, "-v", f"{volume}:/data", "busybox", "true")
        for mode, words in (("ro", "read-only"), ("rw", "written"), ("z", "written")):
            out = cli.out("run", "--rm", "--volumes-from", f"{name}:{mode}", "busybox", "sh", "-c",
                          "touch /data/y 2>/dev/null && echo written || echo read-only")
            assert out == words, mode

    def test_what_is_asked_for_replaces_what_is_inherited(self, cli, name, volume):
        write(cli, volume, "echo own > x")
        cli("run", "--name", name, "-v", "/data", "-v", "/other", "busybox", "sh", "-c", "echo inherited | tee /data/x /other/x")
        options = ["--volumes-from", name, "-v", f"{volume}:/data"]
        assert cli.out("run", "--rm", *options, "busybox", "cat", "/data/x", "/other/x") == "own\ninherited"
        assert cli.out("run", "--rm", "--volumes-from", name, "--tmpfs", "/data", "busybox", "ls", "/data") == ""

    def test_the_last_of_several_wins(self, cli, name):
        for number in (1, 2):
            cli("run", "--name", f"{name}-{number}", "-v", "/data", "busybox", "sh", "-c", f"echo {number} > /data/x")
        options = ["--volumes-from", f"{name}-1", "--volumes-from", f"{name}-2"]
        assert cli.out("run", "--rm", *options, "busybox", "cat", "/data/x") == "2"

    def test_inspect(self, cli, name, volume, tmp_path):
        cli("create", "--name", name, "-v", f"{volume}:/data:ro", "-v", f"{tmp_path}:/bound:rw", "busybox")
        cli("create", "--name", f"{name}-2", "--volumes-from", f"{name}:ro", "busybox")
        found = mounts(cli, f"{name}-2")
        assert found["/data"]["Name"] == volume and found["/data"]["Mode"] == "" and found["/data"]["RW"] is False
        assert found["/bound"] == {
            "Type": "bind", "Source": str(tmp_path), "Destination": "/bound", "Mode": "", "RW": False, "Propagation": "rprivate"}
        assert cli.out("inspect", "-f", "{{json .HostConfig.VolumesFrom}}", f"{name}-2") == json.dumps([f"{name}:ro"])

    def test_an_anonymous_volume_stays_until_its_last_container_goes(self, cli, daemon, name):
        cli("create", "--name", name, "-v", "/data", "busybox")
        cli("create", "--name", f"{name}-2", "--volumes-from", name, "busybox")
        volume = mounts(cli, name)["/data"]["Name"]
        cli("rm", "-v", name)
        assert (daemon.data_root / "volumes" / volume).is_dir()
        cli("rm", "-v", f"{name}-2")
        wait_for(lambda: not (daemon.data_root / "volumes" / volume).exists(), 10)

    @pytest.mark.parametrize(("text", "words"), [
        ("nosuch", "No such container: nosuch"), ("{}:nocopy", "invalid mode: nocopy"), ("{}:rshared", "invalid mode: rshared"),
        ("{}:bad", "invalid mode: bad"), ("", "volumes-from specification cannot be an empty string"),
    ])
    def test_refusals(self, cli, name, text, words):
        cli("create", "--name", name, "busybox")
        done = cli("create", "--volumes-from", text.format(name), "busybox", status=None)
        assert done.returncode != 0 and words in done.stderr


class TestSubpath:
    def test_of_a_volume(self, cli, volume):
        write(cli, volume, "mkdir -p a/b; echo deep > a/b/x; echo file > f; ln -s a/b inside")
        for subpath, command, expected in (("a/b", "cat /m/x", "deep"), ("f", "cat /m", "file"), ("inside", "cat /m/x", "deep"),
                                           ("a/../a/./b", "cat /m/x", "deep")):
            mount = f"type=volume,source={volume},target=/m,volume-subpath={subpath}"
            assert cli.out("run", "--rm", "--mount", mount, "busybox", "sh", "-c", command) == expected, subpath

    def test_writes_go_to_the_volume(self, cli, volume):
        write(cli, volume, "mkdir a")
        cli("run", "--rm", "--mount", f"type=volume,source={volume},target=/m,volume-subpath=a", "busybox", "touch", "/m/new")
        write(cli, volume, "test -f a/new")

    @pytest.mark.parametrize(("subpath", "words"), [
        ("../other", "subpath must be a relative path within the volume"), ("/etc", "subpath must be a relative path within the volume"),
        ("a/../../x", "subpath must be a relative path within the volume"), ("missing", "cannot access path missing: no such file"),
        ("out", "cannot access path out"), ("up/x", "cannot access path up/x"), ("magic", "cannot access path magic"),
    ])
    def test_never_leads_out_of_the_volume(self, cli, volume, subpath, words):
        write(cli, volume, "ln -s /etc out; ln -s ../../.. up; ln -s /proc/self/root magic")
        mount = f"type=volume,source={volume},target=/m,volume-subpath={subpath}"
        done = cli("run", "--rm", "--mount", mount, "busybox", "ls", "/m", status=None)
        assert done.returncode != 0 and words in done.stderr and not done.stdout


class TestImages:
    def test_are_mounted_read_only(self, cli, name):
        out = cli.out("run", "--name", name, "--mount", "type=image,source=busybox,target=/image", "busybox", "sh", "-c",
                      "ls /image/bin/busybox; touch /image/x 2>&1; ls /image/proc 2>&1 | head -1")
        assert "/image/bin/busybox" in out and "Read-only file system" in out
        found = mounts(cli, name)["/image"]
        assert (found["Type"], found["Name"], found["RW"], found["Mode"]) == ("image", "busybox", False, "")
        request = json.loads(cli.out("inspect", "-f", "{{json .HostConfig.Mounts}}", name))
        assert request == [{"Type": "image", "Source": "busybox", "Target": "/image"}]

    def test_a_part(self, cli):
        mount = "type=image,source=busybox,target=/m,image-subpath=bin"
        assert "busybox" in cli.out("run", "--rm", "--mount", mount, "busybox", "ls", "/m").split("\n")
        mount = "type=image,source=busybox,target=/m,image-subpath=bin/busybox"
        assert cli.out("run", "--rm", "--mount", mount, "busybox", "sh", "-c", "test -f /m && echo file") == "file"
        mount = "type=image,source=busybox,target=/m,image-subpath=nosuch"
        done = cli("run", "--rm", "--mount", mount, "busybox", "true", status=None)
        assert "cannot access path nosuch" in done.stderr

    def test_a_container_keeps_the_image(self, cli, daemon, name):
        archive = b"".join([_tar_header("kept", 5), b"kept\n".ljust(512, b"\0"), bytes(1024)])
        assert daemon.api("POST", "/images/create?fromSrc=-&repo=mounted", archive, {"Content-Type": "application/x-tar"}).status == 200
        cli("create", "--name", name, "--mount", "type=image,source=mounted,target=/m", "busybox", "cat", "/m/kept")
        done = cli("rmi", "mounted", status=1)
        assert "conflict" in done.stderr
        cli("rmi", "-f", "mounted")
        assert cli.out("start", "-a", name) == "kept"
        assert cli.out("run", "--rm", "--volumes-from", name, "busybox", "cat", "/m/kept") == "kept"

    def test_one_that_is_not_there(self, cli):
        done = cli("create", "--mount", "type=image,source=nosuch,target=/m", "busybox", status=None)
        assert done.returncode != 0 and "No such image: nosuch" in done.stderr
        assert "Unable to find image" not in done.stderr, "the client pulls nothing"


def _tar_header(name: str, size: int) -> bytes:
    import tarfile
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf()


class TestBinds:
    def test_read_only_goes_down_to_mounts_below(self, cli, tmp_path):
        (tmp_path / "inner").mkdir()
        os.system(f"mount -t tmpfs inner {tmp_path}/inner")
        try:
            script = "touch /m/x 2>/dev/null && echo top; touch /m/inner/x 2>/dev/null && echo inner; echo end"
            base = f"type=bind,source={tmp_path},target=/m"
            for mount, expected in (
                (base, "top inner end"), (base + ",readonly", "end"), (base + ",readonly,bind-recursive=writable", "inner end"),
                (base + ",readonly,bind-recursive=readonly,bind-propagation=rprivate", "end"),
                (base + ",readonly,bind-recursive=enabled", "end"), (base + ",bind-recursive=disabled", "top inner end"),
            ):
                assert cli.out("run", "--rm", "--mount", mount, "busybox", "sh", "-c", script).split() == expected.split(), mount
            assert cli.out("run", "--rm", "-v", f"{tmp_path}:/m:ro", "busybox", "sh", "-c", script) == "end"
            seen = cli.out("run", "--rm", "--mount", base + ",bind-recursive=disabled", "busybox", "grep", "-c", " /m", "/proc/mounts")
            assert seen == "1"
        finally:
            os.system(f"umount {tmp_path}/inner")

    @pytest.mark.parametrize(("version", "expected"), [("v1.43", "inner end"), ("v1.44", "end")])
    def test_read_only_meant_the_top_only(self, daemon, name, tmp_path, version, expected):
        (tmp_path / "inner").mkdir()
        os.system(f"mount -t tmpfs inner {tmp_path}/inner")
        try:
            script = "touch /m/x 2>/dev/null && echo top; touch /m/inner/x 2>/dev/null && echo inner; echo end"
            body = {"Image": "busybox", "Cmd": ["sh", "-c", script], "HostConfig": {"Binds": [f"{tmp_path}:/m:ro"]}}
            assert daemon.api("POST", f"/{version}/containers/create?name={name}", body).status == 201
            assert daemon.cli().out("start", "-a", name).split() == expected.split()
        finally:
            os.system(f"umount {tmp_path}/inner")

    def test_a_read_only_mount_of_the_host_stays_read_only(self, cli, tmp_path):
        os.system(f"mount -t tmpfs -o ro only {tmp_path}")
        try:
            done = cli("run", "--rm", "-v", f"{tmp_path}:/m", "busybox", "touch", "/m/x", status=1)
            assert "Read-only" in done.stderr
        finally:
            os.system(f"umount {tmp_path}")

    def test_missing_sources(self, cli, name, tmp_path):
        cli("create", "--name", name, "-v", f"{tmp_path}/made/deep:/m", "busybox", "true")
        assert not (tmp_path / "made").exists()
        cli("start", "-a", name)
        assert (tmp_path / "made/deep").is_dir()
        if cli.client == "skiff":  # the docker command knows it from 29 on
            cli("run", "--rm", "--mount", f"type=bind,source={tmp_path}/third,target=/m,bind-create-src=true", "busybox", "true")
            assert (tmp_path / "third").is_dir()
        done = cli("run", "--rm", "--mount", f"type=bind,source={tmp_path}/fourth,target=/m", "busybox", "true", status=125)
        assert f"bind source path does not exist: {tmp_path}/fourth" in done.stderr

    def test_a_relative_source(self, cli, tmp_path):
        (tmp_path / "src").mkdir()
        (tmp_path / "src/x").write_text("relative")
        assert cli.out("run", "--rm", "-v", "./src:/m", "busybox", "cat", "/m/x", cwd=tmp_path) == "relative"
        assert cli.out("run", "--rm", "--mount", "type=bind,source=./src,target=/m", "busybox", "cat", "/m/x", cwd=tmp_path) == "relative"

    def test_a_file(self, cli, tmp_path):
        (tmp_path / "f").write_text("one\n")
        assert cli.out("run", "--rm", "-v", f"{tmp_path}/f:/new/place/f", "busybox", "cat", "/new/place/f") == "one"
        cli("run", "--rm", "-v", f"{tmp_path}/f:/etc/passwd", "busybox", "sh", "-c", "echo two >> /etc/passwd")
        assert (tmp_path / "f").read_text() == "one\ntwo\n"

    def test_nested_targets_hide_nothing(self, cli, tmp_path):
        for folder in ("a", "b", "c"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "x").write_text(folder)
        options = ["-v", f"{tmp_path}/c:/m/n/o", "-v", f"{tmp_path}/a:/m", "--mount", f"type=bind,source={tmp_path}/b,target=/m/n"]
        assert cli.out("run", "--rm", *options, "busybox", "cat", "/m/x", "/m/n/x", "/m/n/o/x") == "abc"

    def test_etc_as_a_whole_leaves_the_containers_own_files(self, cli, tmp_path):
        (tmp_path / "passwd").write_text("root:x:0:0::/:/bin/sh\n")
        out = cli.out("run", "--rm", "--hostname", "box", "-v", f"{tmp_path}:/etc", "busybox", "cat", "/etc/hostname")
        assert out == "box"

    def test_dev_as_a_whole_leaves_the_containers_own_shared_memory(self, cli):
        out = cli.out("run", "--rm", "--shm-size", "3m", "-v", "/dev:/dev", "busybox", "grep", " /dev/shm ", "/proc/mounts")
        assert "size=3072k" in out

    def test_propagation_needs_a_shared_mount(self, cli, tmp_path):
        os.system(f"mount -t tmpfs own {tmp_path}; mount --make-private {tmp_path}")
        try:
            done = cli("run", "--rm", "-v", f"{tmp_path}:/m:rshared", "busybox", "true", status=125)
            assert f"path {tmp_path} is mounted on {tmp_path} but it is not a shared mount" in done.stderr
            done = cli("run", "--rm", "-v", f"{tmp_path}:/m:rslave", "busybox", "true", status=125)
            assert f"path {tmp_path} is mounted on {tmp_path} but it is not a shared or slave mount" in done.stderr
            os.system(f"mount --make-shared {tmp_path}")
            assert "shared:" in cli.out("run", "--rm", "-v", f"{tmp_path}:/m:rshared", "busybox", "grep", " /m ", "/proc/self/mountinfo")
            assert "master:" in cli.out("run", "--rm", "-v", f"{tmp_path}:/m:rslave", "busybox", "grep", " /m ", "/proc/self/mountinfo")
        finally:
            os.system(f"umount {tmp_path}")

    def test_the_engines_own_folders_are_slaves(self, cli, daemon, name):
        source = str(daemon.data_root)
        cli("run", "--name", name, "-v", f"{source}:/m:ro", "busybox", "true")
        assert mounts(cli, name)["/m"]["Propagation"] == "rslave"
        done = cli("create", "-v", f"{source}:/m:rprivate", "busybox", status=None)
        assert "must use either propagation mode \"rslave\" or \"rshared\"" in done.stderr


class TestTemporary:
    def test_mount_and_its_options(self, cli, name):
        mount = "type=tmpfs,target=/t,tmpfs-size=3m,tmpfs-mode=1750"
        out = cli.out("run", "--name", name, "--mount", mount, "busybox", "sh", "-c", "grep ' /t ' /proc/mounts; stat -c %a /t")
        assert "size=3072k" in out and "noexec" in out and out.endswith("\n1750")
        assert mounts(cli, name)["/t"] == {
            "Type": "tmpfs", "Source": "", "Destination": "/t", "Mode": "", "RW": True, "Propagation": ""}

    def test_more_options_of_the_interface(self, daemon, name):
        mount = {"Type": "tmpfs", "Target": "/t", "ReadOnly": True, "TmpfsOptions": {"Options": [["exec"]]}}
        body = {"Image": "busybox", "Cmd": ["grep", " /t ", "/proc/mounts"], "HostConfig": {"Mounts": [mount]}}
        assert daemon.api("POST", f"/containers/create?name={name}", body).status == 201
        assert daemon.inspect(name)["HostConfig"]["Mounts"] == [mount]
        out = daemon.cli().out("start", "-a", name)
        assert " ro," in out and "noexec" not in out and "nosuid" in out

    def test_tmpfs_is_shown_where_docker_shows_it(self, cli, name):
        cli("create", "--name", name, "--tmpfs", "/t:size=1m", "busybox")
        assert mounts(cli, name) == {}
        assert cli.out("inspect", "-f", "{{json .HostConfig.Tmpfs}}", name) == '{"/t":"size=1m"}'

    def test_a_read_only_root_with_places_to_write(self, cli, volume):
        out = cli.out("run", "--rm", "--read-only", "--tmpfs", "/run", "--mount", "type=tmpfs,target=/t", "-v", f"{volume}:/v", "busybox",
                      "sh", "-c", "for p in /run /t /v /etc; do touch $p/x 2>/dev/null && echo $p; done; true")
        assert out.split() == ["/run", "/t", "/v"]


class TestDrivers:
    def test_a_label_and_no_copy(self, cli, daemon, name, volume):
        mount = f"type=volume,source={volume},target=/etc,volume-label=color=green,volume-nocopy"
        cli("create", "--name", name, "--mount", mount, "busybox")
        assert json.loads((daemon.data_root / "volumes" / volume / "volume.json").read_text())["labels"] == {"color": "green"}
        assert list((daemon.data_root / "volumes" / volume / "_data").iterdir()) == []
        request = json.loads(cli.out("inspect", "-f", "{{json .HostConfig.Mounts}}", name))
        assert request[0]["VolumeOptions"]["Labels"] == {"color": "green"} and request[0]["VolumeOptions"]["NoCopy"] is True

    def test_options_reach_the_driver(self, cli, daemon, name, volume):
        mount = (f"type=volume,source={volume},target=/t,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs,"
                 "\"volume-opt=o=size=5m,uid=1000\"")
        cli("create", "--name", name, "--mount", mount, "busybox")
        record = json.loads((daemon.data_root / "volumes" / volume / "volume.json").read_text())
        assert record["options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=5m,uid=1000"}

    def test_a_driver_that_is_not_there(self, cli):
        for options in (["--volume-driver", "nosuch", "-v", "some:/x"], ["--mount", "type=volume,target=/x,volume-driver=nosuch"]):
            done = cli("create", "--pull", "never", *options, "busybox", status=None)
            assert "plugin \"nosuch\" not found" in done.stderr


#: Texts of `-v` and what is said of them, in Docker's words.
REFUSED = [
    ("/a:/b:ro,rw", "invalid mode: ro,rw"), ("/a:/b:z,Z", "invalid mode: z,Z"), ("/a:/b:shared,slave", "invalid mode: shared,slave"),
    ("/a:/b:ro,", "invalid mode: ro,"), ("/a:/", "destination can't be '/'"), ("/a:b", "mount path must be absolute"),
    ("name:/b:rshared", "field BindOptions must not be specified"), ("/a:/b:nocopy", "field VolumeOptions must not be specified"),
    ("a/b:/c", "includes invalid characters for a local volume name"), ("x:/y", "volume name is too short"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_refused_volumes(daemon, text, words):
    answer = daemon.api("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"Binds": [text]}})
    assert answer.status == 400 and words in answer.message


@pytest.mark.parametrize("options", [
    ["-v", "/usr:/x", "-v", "/etc:/x"], ["-v", "/usr:/x", "--mount", "type=bind,source=/etc,target=/x/"], ["-v", "/usr:/x", "--tmpfs", "/x"],
])
def test_two_mounts_on_one_place(cli, options):
    assert "Duplicate mount point: /x" in cli("create", *options, "busybox", status=None).stderr


@pytest.mark.parametrize("mode", ["z", "Z", "consistent", "cached", "delegated", "ro,Z", "rw,cached"])
def test_modes_without_effect_are_taken_and_shown(cli, name, tmp_path, mode):
    cli("create", "--name", name, "-v", f"{tmp_path}:/m:{mode}", "busybox")
    assert mounts(cli, name)["/m"]["Mode"] == mode


def test_the_whole_host_read_only(cli):
    """As cAdvisor and its like have it: all that is mounted below, nothing of it writable."""
    out = cli.out("run", "--rm", "-v", "/:/rootfs:ro", "busybox", "sh", "-c",
                  "ls -d /rootfs/proc/1 /rootfs/etc/passwd; touch /rootfs/tmp/x 2>/dev/null || echo read-only; touch /rootfs/dev/shm/x 2>/dev/null || echo too")
    assert out.split() == ["/rootfs/etc/passwd", "/rootfs/proc/1", "read-only", "too"]
