"""Volumes of which the driver local mounts something while containers run with them."""

import json
import subprocess

import pytest


TMPFS = ("-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,uid=5,nosuid")


def test_tmpfs_is_there_while_somebody_uses_it(cli, daemon, mounts):
    cli("volume", "create", *TMPFS, "mem")
    one = cli.out("run", "-d", "-v", "mem:/t", "busybox", "sleep", "1000")
    two = cli.out("run", "-d", "-v", "mem:/u", "busybox", "sleep", "1000")
    [line] = mounts.of(daemon, "mem")
    assert line[2] == "tmpfs" and {"size=1024k", "uid=5", "nosuid"} <= set(line[3].split(","))
    cli("exec", one, "sh", "-c", "echo shared > /t/x")
    assert cli.out("exec", two, "cat", "/u/x") == "shared"
    assert "No space left" in cli("exec", one, "dd", "if=/dev/zero", "of=/t/y", "bs=1M", "count=2", status=None).stderr
    cli("rm", "-f", one)
    assert len(mounts.of(daemon, "mem")) == 1
    cli("kill", two)
    mounts.gone(daemon, "mem")
    cli("start", two)
    assert len(mounts.of(daemon, "mem")) == 1 and cli.out("exec", two, "ls", "/u") == ""


def test_bind(cli, daemon, tmp_path, mounts):
    (tmp_path / "file").write_text("of the host")
    cli("volume", "create", "-o", "type=none", "-o", f"device={tmp_path}", "-o", "o=bind", "host")
    cli("volume", "create", "-o", "type=none", "-o", f"device={tmp_path}", "-o", "o=bind,ro", "readonly")
    assert cli.out("run", "--rm", "-v", "host:/t", "busybox", "sh", "-c", "cat /t/file; echo 1 > /t/new") == "of the host"
    assert (tmp_path / "new").read_text() == "1\n"
    assert "Read-only" in cli("run", "--rm", "-v", "readonly:/t", "busybox", "touch", "/t/x", status=1).stderr
    mounts.gone(daemon, "host")
    cli("volume", "rm", "host", "readonly")
    assert (tmp_path / "file").exists()


def test_an_empty_one_is_filled_from_the_image(cli, daemon, tmp_path, mounts):
    cli("volume", "create", "-o", "type=none", "-o", f"device={tmp_path}", "-o", "o=bind", "host")
    cli("create", "-v", "host:/bin", "busybox")
    names = {path.name for path in tmp_path.iterdir()}
    assert "busybox" in names or "sh" in names
    assert not [name for name in names if name.startswith(".skiff")]
    assert not mounts.of(daemon, "host")


def test_a_mount_on_the_command_line_makes_one(cli, daemon, mounts):
    out = cli.out("run", "--rm", "--mount", "type=volume,src=mem,dst=/t,volume-opt=type=tmpfs,volume-opt=device=tmpfs,"
                  "volume-opt=o=size=2m", "busybox", "df", "/t")
    assert "2048" in out
    facts = json.loads(cli.out("volume", "inspect", "mem"))[0]
    assert facts["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=2m"}


@pytest.mark.parametrize("kind,device,options,message", [
    ("none", "/nonexistent", "bind", "mount /nonexistent:{path}, flags: 0x1000: no such file or directory"),
    ("nfs", ":/x", "addr=127.0.0.1,rw", "mount :/x:{path}, data: addr=127.0.0.1: no such device (this kernel has no "
     "filesystem 'nfs'"),
    ("cifs", "//127.0.0.1/x", "username=a", "mount //127.0.0.1/x:{path}, data: username=a: no such device"),
    ("ext4", "/dev/nonexistent", "", "mount /dev/nonexistent:{path}: no such file or directory"),
])
def test_what_cannot_be_mounted(cli, daemon, kind, device, options, message, mounts):
    known = open("/proc/filesystems").read().split()
    if kind in ("nfs", "cifs") and kind in known:
        pytest.skip(f"this kernel has {kind}")
    cli("volume", "create", "-o", f"type={kind}", "-o", f"device={device}", "-o", f"o={options}", "vol")
    path = f"{daemon.data_root}/volumes/vol/_data"
    container = cli.out("create", "-v", "vol:/t", "busybox", "true")
    failed = cli("start", container, status=1)
    expected = f"error while mounting volume '{path}': failed to mount local volume: {message.format(path=path)}"
    assert expected in failed.stderr
    assert daemon.inspect(container)["State"]["ExitCode"] == 128
    assert not mounts.of(daemon, "vol")


def test_a_filesystem_on_a_device(cli, daemon, tmp_path, mounts):
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    device = subprocess.run(["losetup", "-f", "--show", str(image)], capture_output=True, text=True)
    if device.returncode:
        pytest.skip(f"no loop device: {device.stderr}")
    device = device.stdout.strip()
    try:
        cli("volume", "create", "-o", "type=ext4", "-o", f"device={device}", "disk")
        cli("run", "--rm", "-v", "disk:/t", "busybox", "sh", "-c", "echo kept > /t/x")
        mounts.gone(daemon, "disk")
        assert cli.out("run", "--rm", "-v", "disk:/t", "busybox", "cat", "/t/x") == "kept"
        mounts.gone(daemon, "disk")
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


@pytest.mark.skiff_only
def test_users_are_counted_again_after_a_crash(new_daemon, mounts):
    daemon = new_daemon()
    cli = daemon.cli()
    for name in ("stays", "goes"):
        cli("volume", "create", *TMPFS, name)
    stays = cli.out("run", "-d", "-v", "stays:/t", "busybox", "sleep", "1000")
    goes = cli.out("run", "-d", "-v", "goes:/t", "busybox", "sleep", "1000")
    cli("exec", stays, "sh", "-c", "echo kept > /t/x")
    pid = daemon.inspect(goes)["State"]["Pid"]
    daemon.kill()
    subprocess.run(["kill", "-9", str(pid)], check=True)
    daemon.start()
    mounts.gone(daemon, "goes")
    assert cli.out("exec", stays, "cat", "/t/x") == "kept" and len(mounts.of(daemon, "stays")) == 1
    second = cli.out("run", "-d", "-v", "stays:/t", "busybox", "sleep", "1000")
    cli("rm", "-f", stays)
    assert cli.out("exec", second, "cat", "/t/x") == "kept"
    cli("rm", "-f", second)
    mounts.gone(daemon, "stays")
