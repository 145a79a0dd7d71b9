"""Containers that want `cp`, `export` and `commit` to touch the host, or never to end."""

import http.client
import io
import json
import os
import tarfile

import pytest

from harness.engine import engine_under_test
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def box(daemon):
    cli = daemon.cli()
    cli.out("run", "-d", "--name", "box", "busybox", "sleep", "100000")
    return lambda line, **more: cli.out("exec", "box", "sh", "-c", line, **more)


def archive(**files: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            (member.size, member.mode) = (len(content), 0o4777)
            tar.addfile(member, io.BytesIO(content.encode()))
        directory = tarfile.TarInfo("d/sub")
        (directory.type, directory.mode) = (tarfile.DIRTYPE, 0o2777)
        tar.addfile(directory)
    return target.getvalue()


def get(daemon, path: str) -> tuple[int, bytes]:
    response = daemon.stream(f"/containers/box/archive?path={path}")
    try:
        return response.status, response.read()
    except http.client.IncompleteRead as cut:
        return 0, cut.partial
    finally:
        response.close()


def test_links_swapped_during_the_copy_lead_nowhere(daemon, box, tmp_path):
    (tmp_path / "secret").write_text("secret of the host")
    (tmp_path / "sub").mkdir(mode=0o755)
    before = (tmp_path / "sub").stat().st_mode
    rounds = 3000
    box(f"mkdir /d; (i=0; while [ $i -lt {rounds} ]; do rm -rf /d; ln -s {tmp_path} /d; rm -f /d; mkdir -p /d/sub; "
        "echo own > /d/secret; i=$((i+1)); done; touch /finished) >/dev/null 2>&1 &")
    tries = 0
    body = archive(d__evil="x", d__secret="overwritten")
    while daemon.api("HEAD", "/containers/box/archive?path=/finished").status == 404:
        daemon.api("PUT", "/containers/box/archive?path=/", body, {"Content-Type": "application/x-tar"})
        daemon.api("PUT", "/containers/box/archive?path=/d", archive(evil="x"), {"Content-Type": "application/x-tar"})
        for path in ("/d", "/d/", "/d/secret"):
            assert b"secret of the host" not in get(daemon, path)[1]
        tries += 1
    assert tries > 0
    assert sorted(os.listdir(tmp_path)) == ["secret", "sub"] and not os.listdir(tmp_path / "sub")
    assert (tmp_path / "secret").read_text() == "secret of the host"
    assert (tmp_path / "sub").stat().st_mode == before


def test_fifos_devices_holes_and_depth(daemon, box, tmp_path):
    box("mkdir /odd; mkfifo /odd/fifo; mknod /odd/null c 1 3; mknod /odd/disk b 7 0; truncate -s 1099511627776 /odd/huge; "
        "cd /odd; i=0; while [ $i -lt 300 ]; do mkdir deep; cd deep; i=$((i+1)); done; touch end")
    status, content = get(daemon, "/odd")
    assert status == 200 and len(content) < 4 << 20
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = {member.name: member for member in tar.getmembers()}
    assert found["odd/fifo"].isfifo() and found["odd/null"].ischr() and found["odd/disk"].isblk()
    assert found["odd/huge"].size == 1 << 40 and "odd/" + "deep/" * 300 + "end" in found
    daemon.cli("skiff")("cp", "box:/odd/huge", str(tmp_path / "huge"))
    assert (tmp_path / "huge").stat().st_size == 1 << 40 and (tmp_path / "huge").stat().st_blocks < 64
    image = daemon.cli().out("commit", "box")
    assert daemon.api("DELETE", f"/images/{image}").status == 200
    exported = daemon.stream("/containers/box/export")
    assert exported.status == 200 and len(exported.read()) > 0


def test_files_of_the_kernel_are_not_copied(daemon, box):
    for path in ("/proc/kmsg", "/proc/self/environ", "/sys/kernel"):
        status, content = get(daemon, path)
        assert status in (400, 404), (path, status)
    status, content = get(daemon, "/")
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        names = tar.getnames()
    assert not [name for name in names if name.strip("/").startswith(("proc/", "sys/"))]


@pytest.mark.parametrize("names", [["../evil"], ["a/../../evil"]])
def test_archives_that_lead_out_are_refused(daemon, box, names):
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    refused = daemon.api("PUT", "/containers/box/archive?path=/tmp", body.getvalue(), {"Content-Type": "application/x-tar"})
    assert refused.status == 400 and "leads out of" in refused.message


def test_archives_that_claim_too_much_are_refused(daemon, box):
    member = tarfile.TarInfo("huge")
    member.size = 1 << 50
    body = member.tobuf(tarfile.GNU_FORMAT) + b"x" * 1024
    refused = daemon.api("PUT", "/containers/box/archive?path=/tmp", body, {"Content-Type": "application/x-tar"})
    assert refused.status in (400, 500)
    assert daemon.api("PUT", "/containers/box/archive?path=/tmp", b"no archive" * 200,
                      {"Content-Type": "application/x-tar"}).status == 400
    wait_for(lambda: json.loads(box("echo 1")) == 1, 10)


def test_the_driver_without_overlay(tmp_path):
    engine = engine_under_test("--storage-driver", "vfs")
    engine.start()
    try:
        engine.have("busybox")
        cli = engine.cli("skiff")
        (tmp_path / "f").write_text("content")
        cli.out("create", "--name", "stopped", "busybox", "cat", "/f")
        cli("cp", str(tmp_path / "f"), "stopped:/f")
        assert cli.out("start", "-a", "stopped") == "content"
        cli.out("commit", "stopped", "whole:1")
        assert cli.out("run", "--rm", "whole:1") == "content"
        described = json.loads(cli.out("image", "inspect", "whole:1"))[0]
        assert len(described["RootFS"]["Layers"]) == 1
        cli("export", "-o", str(tmp_path / "all.tar"), "stopped")
        with tarfile.open(tmp_path / "all.tar") as tar:
            assert "f" in tar.getnames()
    finally:
        engine.close()
