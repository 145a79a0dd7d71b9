"""Layers with everything that a file system can hold, very many layers, and the way through save and load."""

import hashlib
import io
import json
import os
import stat
import struct
import tarfile
from pathlib import Path

import pytest

from harness import images, settings
from harness.archives import docker_archive, image_with_layers

pytestmark = pytest.mark.skiff_only

#: cap_net_raw+ep, as file capabilities of version 2; user::rw- user:1000:r-- group::r-- mask::r-- other::---
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, bits, who) for tag, bits, who in
    [(1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (0x10, 4, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)])
DEEP = "/".join("d" * 200 for _ in range(25)) + "/end"


def strange_layer() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as out:
        def add(name: str, content: bytes | None = None, kind=tarfile.REGTYPE, link: str = "", **more):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mtime = kind, link, 1_600_000_000.25
            info.mode = more.pop("mode", 0o755 if kind == tarfile.DIRTYPE else 0o644)
            info.pax_headers = more.pop("pax", {})
            for key, value in more.items():
                setattr(info, key, value)
            info.size = len(content or b"")
            out.addfile(info, io.BytesIO(content) if content is not None else None)

        raw = dict(encoding="utf-8", errors="surrogateescape")
        xattr = "SCHILY.xattr."
        add("caps", b"1", mode=0o755, pax={f"{xattr}security.capability": CAPABILITY.decode(**raw)})
        add("noted", b"2", pax={f"{xattr}user.note": "a=b", f"{xattr}user.empty": ""})
        add("listed", b"3", mode=0o640, pax={f"{xattr}system.posix_acl_access": ACL.decode(**raw)})
        add("folder/", kind=tarfile.DIRTYPE, uid=7, gid=8, mode=0o2775)
        add("other/", kind=tarfile.DIRTYPE, mode=0o1777)
        add("folder/first", b"linked", uid=7)
        add("other/second", kind=tarfile.LNKTYPE, link="folder/first")
        add("pointer", kind=tarfile.SYMTYPE, link="../../outside/../nowhere")
        add("same pointer", kind=tarfile.LNKTYPE, link="pointer")
        add("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
        add("disk", kind=tarfile.BLKTYPE, devmajor=8, devminor=1, mode=0o660)
        add("pipe", kind=tarfile.FIFOTYPE)
        add(b"caf\xe9 \xff\xfe".decode(**raw), b"latin")
        add("new\nline\ttab\\", b"odd")
        add(DEEP, b"deep")
        add("sparse", b"x" * 512, pax={"GNU.sparse.map": "0,256,10485760,256", "GNU.sparse.size": "20971520"})
        add("replaced", b"first", mode=0o600)
        add("replaced", b"second", mode=0o600)
    return data.getvalue()


def archive(folder: Path, name: str, layers: list[bytes]) -> Path:
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["true"]}, "created": "2024-01-01T00:00:00Z",
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(one).hexdigest() for one in layers]},
              "history": [{"created_by": "test"} for _ in layers]}
    return docker_archive(folder / f"{name}.tar", config, layers, f"{name}:1")


def saved_layers(data: bytes) -> list[bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as out:
        manifest = json.load(out.extractfile("manifest.json"))[0]
        return [out.extractfile(name).read() for name in manifest["Layers"]]


def assert_strange(folder: Path) -> None:
    """The unpacked layer has it all."""
    def status(name: str):
        return os.lstat(folder / name)

    assert os.getxattr(folder / "caps", "security.capability") == CAPABILITY
    assert os.getxattr(folder / "noted", "user.note") == b"a=b" and os.getxattr(folder / "noted", "user.empty") == b""
    assert os.getxattr(folder / "listed", "system.posix_acl_access") == ACL
    assert (status("folder").st_uid, status("folder").st_gid, status("folder").st_mode) == (7, 8, stat.S_IFDIR | 0o2775)
    assert status("other").st_mode == stat.S_IFDIR | 0o1777
    assert status("folder/first").st_ino == status("other/second").st_ino and status("folder/first").st_nlink == 2
    assert os.readlink(folder / "pointer") == "../../outside/../nowhere"
    assert status("pointer").st_ino == status("same pointer").st_ino
    assert status("null").st_rdev == os.makedev(1, 3) and stat.S_ISCHR(status("null").st_mode)
    assert status("disk").st_rdev == os.makedev(8, 1) and stat.S_ISBLK(status("disk").st_mode)
    assert stat.S_ISFIFO(status("pipe").st_mode)
    names = os.listdir(os.fsencode(folder))
    assert b"caf\xe9 \xff\xfe" in names and b"new\nline\ttab\\" in names
    assert (status("sparse").st_size, status("sparse").st_blocks < 200) == (20 << 20, True)
    assert (folder / "replaced").read_bytes() == b"second" and status("caps").st_mtime == 1_600_000_000.25
    where = os.open(folder, os.O_RDONLY)
    for name in DEEP.split("/")[:-1]:
        where, last = os.open(name, os.O_RDONLY, dir_fd=where), where
        os.close(last)
    assert os.read(file := os.open("end", os.O_RDONLY, dir_fd=where), 10) == b"deep"
    os.close(file)
    os.close(where)


def test_everything_in_a_layer_survives_load_save_load(new_daemon, tmp_path):
    original = strange_layer()
    source, ids = archive(tmp_path, "strange", [original]), []
    for _ in range(3):
        engine = new_daemon(images=())
        with source.open("rb") as data:
            answer = engine.api("POST", "/images/load?quiet=1", data, {"Content-Type": "application/x-tar"})
        assert b'"error"' not in answer.body, answer.body
        facts = engine.api("GET", "/images/strange:1/json").json
        ids.append(facts["Id"])
        assert_strange(Path(facts["GraphDriver"]["Data"]["UpperDir"]))
        saved = engine.api("GET", "/images/get?names=strange:1").body
        assert saved_layers(saved) == [original]
        source = tmp_path / f"saved{len(ids)}.tar"
        source.write_bytes(saved)
        assert engine.api("DELETE", "/images/strange:1").status == 200
        assert engine.api("GET", "/system/df?type=image").json["LayersSize"] == 0
    assert len(set(ids)) == 1
    assert (tmp_path / "saved2.tar").read_bytes() == (tmp_path / "saved3.tar").read_bytes()


def test_images_of_very_many_layers(daemon, cli, tmp_path):
    """More than Docker's 127: each layer's file is there, and the topmost of those that replace each other wins."""
    count = settings.short_or_long(200, 499)
    entries = [{f"from{number}": str(number), "top": str(number)} for number in range(count - 1)]
    cli("load", "-i", str(image_with_layers(tmp_path, "tall:1", entries)))
    out = cli.out("run", "--rm", "tall:1", "sh", "-c", "cat /top; echo; cat /from0 /from100; echo; ls -d /from* | wc -l")
    assert out.splitlines() == [str(count - 2), "0100", str(count - 1)]
    cli("save", "-o", str(tmp_path / "tall.tar"), "tall:1")
    before = cli.out("image", "inspect", "-f", "{{.Id}} {{len .RootFS.Layers}}", "tall:1")
    assert before.endswith(f" {count}")
    cli("rmi", "tall:1")
    cli("load", "-i", str(tmp_path / "tall.tar"))
    assert cli.out("image", "inspect", "-f", "{{.Id}} {{len .RootFS.Layers}}", "tall:1") == before
    assert len(cli.out("history", "-q", "tall:1").split()) == count
    cli("rmi", "tall:1")


def test_more_layers_than_the_kernel_mounts_are_refused(cli, tmp_path):
    entries = [{f"from{number}": str(number)} for number in range(505)]
    done = cli("load", "-i", str(image_with_layers(tmp_path, "tootall:1", entries)), status=None)
    assert done.returncode != 0 and "506 layers" in done.stderr and "500" in done.stderr, done.stderr
    assert cli.out("images", "-q", "tootall") == ""


def test_capabilities_of_a_file_hold_in_a_container(cli, tmp_path):
    """A program with a file capability gets it when an unprivileged user runs it."""
    with tarfile.open(images.archive("busybox", "docker")) as one:
        manifest = json.load(one.extractfile("manifest.json"))[0]
        base = one.extractfile(manifest["Layers"][0]).read()
    with tarfile.open(fileobj=io.BytesIO(base)) as files:
        shell = next(files.extractfile(one).read() for one in files if one.isreg() and one.size > 500_000)
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as out:
        info = tarfile.TarInfo("busyboxable")
        info.mode, info.size = 0o755, len(shell)
        info.pax_headers = {"SCHILY.xattr.security.capability": CAPABILITY.decode("utf-8", "surrogateescape")}
        out.addfile(info, io.BytesIO(shell))
    cli("load", "-i", str(archive(tmp_path, "able", [base, data.getvalue()])))
    for program, expected in (("/busyboxable", 1 << 13), ("busybox", 0)):
        status = cli.out("run", "--rm", "-u", "1000", "able:1", program, "cat", "/proc/self/status")
        effective = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff"))
        assert effective & (1 << 13) == expected
    cli("rmi", "able:1")
