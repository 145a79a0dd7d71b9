"""What is wrong is refused with a clear message and the right status, and leaves nothing behind.

Every test here takes `machine`, and ends by comparing it with what it was before."""

import gzip
import io
import json
import pathlib
import shutil
import tarfile

import pytest

from harness import images, settings
from harness.archives import image_with_layers


@pytest.fixture(autouse=True)
def nothing_left(machine, cli):
    """Mounts, links, rules, control groups, processes and folders are as before, without any clean-up."""
    images_before = cli.out("images", "-aq")
    yield
    if settings.ENGINE == "skiff":
        machine.assert_unchanged()
    assert cli.out("ps", "-aq") == ""
    assert cli.out("images", "-aq") == images_before


def test_an_unknown_image(cli):
    done = cli("run", "--rm", "--pull", "never", "nosuch/image:1", "true", status=125)
    assert "No such image: nosuch/image:1" in done.stderr


@pytest.mark.parametrize("reference", ["UPPER", "a b", "x:", ":tag", "x@sha256:123", "-x", "x:" + "t" * 200])
def test_an_invalid_reference(cli, reference):
    done = cli("create", "--pull", "never", "--", reference, status=None)
    assert done.returncode in (1, 125)
    assert "invalid reference format" in done.stderr or "invalid tag format" in done.stderr or \
        "must be lowercase" in done.stderr, done.stderr


def test_a_missing_program(cli):
    done = cli("run", "--rm", "busybox", "nosuchprogram", status=127)
    assert 'exec: "nosuchprogram": executable file not found in $PATH' in done.stderr
    done = cli("run", "--rm", "busybox", "/no/such/program", status=127)
    assert "no such file or directory" in done.stderr


def test_a_program_that_is_not_executable(cli):
    done = cli("run", "--rm", "busybox", "/etc/passwd", status=126)
    assert "permission denied" in done.stderr.lower()


@pytest.mark.docker28
def test_a_folder_is_no_program(cli):
    done = cli("run", "--rm", "busybox", "/etc", status=126)
    assert "directory" in done.stderr or "permission denied" in done.stderr.lower()


def test_a_failed_start_keeps_a_container_without_rm(cli, name):
    cli("run", "--name", name, "busybox", "nosuchprogram", status=127)
    facts = json.loads(cli.out("inspect", name))[0]["State"]
    assert facts["Status"] == "created" and facts["ExitCode"] == 127 and "executable file not found" in facts["Error"]
    cli("rm", name)


def test_a_bad_flag(cli):
    done = cli("run", "--nosuchflag", "busybox", status=125)
    assert "unknown flag: --nosuchflag" in done.stderr
    done = cli("nosuchcommand", status=None)
    assert done.returncode != 0 and "nosuchcommand" in done.stderr


@pytest.mark.parametrize("options, words", [
    (("-p", "80:99999"), "invalid"),
    (("-p", "a:b"), "invalid"),
    (("--memory", "x"), "invalid"),
    (("--cpus", "x"), "invalid"),
    (("-e", "=x"), "invalid environment variable"),
    (("-v", "a:b:c:d"), "invalid"),
    (("--ulimit", "nofile=200:100"), "ulimit soft limit must be less than or equal to hard limit"),
    (("--ulimit", "nosuch=1"), "invalid ulimit type"),
    (("--cap-add", "NOSUCH"), "nosuch"),
    (("--security-opt", "nosuch"), "nosuch"),
    (("--network", "container:nobody"), "nobody"),
    (("--network", "nosuch"), "nosuch"),
    (("--ipc", "nosuch"), "ipc"),
    (("--name", "-x"), "container name"),
    (("--add-host", "x"), "bad format for add-host"),
    (("--log-driver", "nosuch"), "nosuch"),
    (("--stop-signal", "NOSUCH"), "signal"),
    (("--sysctl", "kernel.nosuch=1"), "sysctl"),
    (("--device", "/dev/nosuch"), "/dev/nosuch"),
    (("--tmpfs", "relative"), "relative"),
    (("--runtime", "nosuch"), "nosuch"),
    (("--cpuset-cpus", "99"), "cpu"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_a_bad_value(cli, options, words):
    done = cli("run", "--rm", "--pull", "never", *options, "busybox", "true", status=None)
    # The client takes the words "no such file or directory" for a missing program.
    assert done.returncode == (127 if "/dev/nosuch" in options else 125), done
    assert words.lower() in done.stderr.lower(), done.stderr


def test_a_mount_source_that_does_not_exist(cli, tmp_path):
    done = cli("run", "--rm", "--mount", f"type=bind,source={tmp_path}/none,target=/x", "busybox", "true", status=125)
    assert f"bind source path does not exist: {tmp_path}/none" in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_mount_target_that_is_not_absolute(cli, tmp_path):
    done = cli("run", "--rm", "-v", f"{tmp_path}:relative", "busybox", "true", status=125)
    assert "mount path must be absolute" in done.stderr


def test_a_link_out_of_the_root_is_not_followed(cli, tmp_path):
    """A mount target below a symbolic link stays inside the container."""
    outside = tmp_path / "outside"
    outside.mkdir()
    archive = image_with_layers(tmp_path, "escape:latest", [{"trap": ("link", str(outside))}])
    cli("load", "-i", str(archive))
    cli("run", "--rm", "--tmpfs", "/trap/inner", "busybox", "true")
    cli("run", "--rm", "--tmpfs", "/trap/inner", "escape", "true", status=None)
    assert list(outside.iterdir()) == []
    cli("rmi", "escape")


# MARK: archives


def test_an_archive_that_is_none(cli, tmp_path):
    for number, data in enumerate((b"", b"not an archive" * 100, b"\x1f\x8b" + b"\0" * 50)):
        file = tmp_path / f"{number}.tar"
        file.write_bytes(data)
        done = cli("load", "-i", str(file), status=None)
        assert "Loaded image" not in done.stdout
        if data:
            assert done.returncode != 0 and done.stderr.strip()


@pytest.mark.parametrize("form", ["docker", pytest.param("oci", marks=pytest.mark.skiff_only)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_archive(cli, tmp_path, form, share):
    data = images.archive("hello-world" if share == 0.1 else "alpine", form).read_bytes()
    file = tmp_path / "short.tar"
    file.write_bytes(data[:int(len(data) * share)])
    done = cli("load", "-i", str(file), status=None)
    assert done.returncode != 0 and "Loaded image" not in done.stdout, done


@pytest.mark.skiff_only
def test_a_blob_that_does_not_match_its_digest(cli, tmp_path):
    data = bytearray(images.archive("alpine").read_bytes())
    # Somewhere in the middle of the only layer.
    data[len(data) // 2] ^= 0xFF
    file = tmp_path / "corrupt.tar"
    file.write_bytes(data)
    done = cli("load", "-i", str(file), status=1)
    assert "sha256:" in done.stderr and "digest" in done.stderr.lower()


def test_a_layer_that_does_not_match_its_diff_id(cli, tmp_path):
    archive = image_with_layers(tmp_path, "wrong:latest", [{"file": "x\n"}], diff_ids=["sha256:" + "0" * 64])
    done = cli("load", "-i", str(archive), status=1)
    assert "sha256:" + "0" * 64 in done.stderr


@pytest.mark.parametrize("entries", [
    {"../escaped": "x\n"},
    {"/../../escaped": "x\n"},
    {"a/../../escaped": "x\n"},
    {"to": ("link", "/tmp/skiff-escape"), "to/escaped": "x\n"},
    {"to": ("link", "../../../../../../../../tmp/skiff-escape"), "to/escaped": "x\n"},
    {"up": ("link", ".."), "up/escaped": "x\n"},
    {"hard": ("hard", "../../../../../../../../etc/passwd")},
    {"to": ("link", "/etc"), "hard": ("hard", "to/passwd")},
    {"to": ("link", "/tmp/skiff-escape"), "to/.wh.keep": ""},
    {"to": ("link", "/tmp/skiff-escape"), "to/.wh..wh..opq": ""},
], ids=["dots", "absolute dots", "inner dots", "absolute link", "relative link", "parent link", "hard link",
        "hard link through link", "whiteout through link", "opaque through link"])
def test_a_layer_that_wants_out(cli, tmp_path, daemon, entries):
    """Refused, or kept inside its own root: nothing outside is made, changed or linked."""
    outside = pathlib.Path("/tmp/skiff-escape")
    shutil.rmtree(outside, ignore_errors=True)
    outside.mkdir()
    (outside / "keep").write_text("kept\n")
    try:
        archive = image_with_layers(tmp_path, "escape:latest", [entries])
        before = pathlib.Path("/etc/passwd").stat().st_nlink
        done = cli("load", "-i", str(archive), status=None)
        assert [one.name for one in outside.iterdir()] == ["keep"]
        assert pathlib.Path("/etc/passwd").stat().st_nlink == before
        for folder in (daemon.folder, daemon.data_root, daemon.data_root / "overlay2"):
            assert not (folder / "escaped").exists()
        if done.returncode == 0:
            cli("rmi", "escape")
        else:
            assert done.stderr.strip()
    finally:
        shutil.rmtree(outside)


def test_a_bomb_of_names_is_refused_or_harmless(cli, tmp_path):
    """Names longer than the file system allows."""
    archive = image_with_layers(tmp_path, "long:latest", [{"x" * 300: "x\n"}])
    done = cli("load", "-i", str(archive), status=None)
    assert done.returncode != 0 and done.stderr.strip()


def test_a_manifest_that_names_missing_files(cli, tmp_path):
    file = tmp_path / "bad.tar"
    with tarfile.open(file, "w") as archive:
        data = json.dumps([{"Config": "none.json", "RepoTags": ["x:1"], "Layers": ["none/layer.tar"]}]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    done = cli("load", "-i", str(file), status=1)
    assert done.stderr.strip()


def test_a_manifest_that_points_outside(cli, tmp_path):
    file = tmp_path / "bad.tar"
    with tarfile.open(file, "w") as archive:
        data = json.dumps([{"Config": "../../../../etc/hostname", "RepoTags": ["x:1"], "Layers": []}]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    done = cli("load", "-i", str(file), status=1)
    assert done.stderr.strip()


def test_an_image_for_another_architecture_says_so(cli, tmp_path):
    """It runs all the same: the programs may be this machine's, or the kernel may have an emulator for them."""
    archive = image_with_layers(tmp_path, "foreign:latest", [{"file": "x\n"}], architecture="s390x")
    cli("load", "-i", str(archive))
    done = cli("run", "--rm", "foreign", "true")
    assert "WARNING" in done.stderr and "s390x" in done.stderr, done.stderr
    cli("rmi", "foreign")


def test_compressed_twice(cli, tmp_path):
    file = tmp_path / "twice.tar.gz"
    file.write_bytes(gzip.compress(gzip.compress(images.archive("hello-world", "docker").read_bytes())))
    done = cli("load", "-i", str(file), status=None)
    assert "Loaded image" not in done.stdout
