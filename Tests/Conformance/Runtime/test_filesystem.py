"""The container's file tree, and images that try to lead the runtime out of it."""

import os
import stat

import pytest


def mounts(text: str) -> dict[str, str]:
    """Options by mount point, of `cat /proc/self/mounts`."""
    return {line.split()[1]: line.split()[3] for line in text.splitlines()}


def test_the_default_devices_and_links(bundle):
    shown = bundle.out("stat", "-c", "%n %F %t:%T %a", *[f"/dev/{n}" for n in ("null", "zero", "full", "random", "urandom", "tty")])
    for name, numbers in (("null", "1:3"), ("zero", "1:5"), ("full", "1:7"), ("random", "1:8"), ("urandom", "1:9"), ("tty", "5:0")):
        assert f"/dev/{name} character special file {numbers} 666" in shown
    links = bundle.out("sh", "-c", "for n in fd stdin stdout stderr ptmx; do readlink /dev/$n; done").split()
    assert links == ["/proc/self/fd", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", "pts/ptmx"]
    assert bundle.out("sh", "-c", "head -c 3 /dev/zero | wc -c; echo x > /dev/null; echo fine").split() == ["3", "fine"]


def test_devices_of_the_host_are_out_of_reach(bundle):
    bundle.process["capabilities"] = {kind: ["CAP_MKNOD"] for kind in ("bounding", "effective", "permitted")}
    done = bundle.run("sh", "-c", "mknod /dev/mem c 1 1 && cat /dev/mem", status=1)
    assert "Operation not permitted" in done.stderr


def test_a_device_that_is_given(bundle):
    bundle.spec["linux"]["devices"] = [
        {"path": "/dev/sub/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 5, "gid": 6}]
    assert bundle.out("stat", "-c", "%t:%T %a %u %g", "/dev/sub/mine") == "1:3 640 5 6"


def test_masked_and_read_only_paths(bundle):
    shown = bundle.out("sh", "-c", "ls /sys/firmware | wc -l; cat /proc/timer_list | wc -c; "
                       "(echo 1 > /proc/sys/kernel/domainname) 2>&1; (echo x > /sys/firmware/x) 2>&1; true")
    assert shown.split("\n")[:2] == ["0", "0"] and shown.count("Read-only file system") == 2


def test_a_read_only_root(bundle):
    bundle.spec["root"]["readonly"] = True
    bundle.mount(bundle.folder, "/made/by/runtime", "rbind", "rw")
    done = bundle.run("sh", "-c", "touch /x; touch /tmp/x; touch /made/by/runtime/fine && touch /dev/shm/fine && echo fine")
    assert done.stderr.count("Read-only file system") == 2 and done.stdout == "fine\n"


def test_bind_mounts_of_files_and_folders(bundle):
    (bundle.folder / "data").mkdir()
    (bundle.folder / "data/f").write_text("content")
    bundle.mount(bundle.folder / "data", "/deep/er/data", "rbind", "ro", "rprivate")
    bundle.mount(bundle.folder / "data/f", "/etc/file", "bind", "ro", "nosuid")
    assert bundle.out("cat", "/deep/er/data/f", "/etc/file") == "contentcontent"
    options = mounts(bundle.out("cat", "/proc/self/mounts"))
    assert "ro" in options["/deep/er/data"].split(",") and {"ro", "nosuid"} <= set(options["/etc/file"].split(","))
    assert "Read-only" in bundle.run("touch", "/deep/er/data/g", status=1).stderr


def test_a_bind_source_that_does_not_exist(bundle):
    bundle.mount(bundle.folder / "missing", "/mnt", "rbind")
    assert "missing" in bundle.run("true", status=None).stderr


@pytest.mark.parametrize("link", ["/", "/etc", "../../../../../../..", "/tmp/outside"])
def test_a_link_in_the_image_cannot_place_a_mount_outside(bundle, tmp_path, link):
    """The mount point is a link: it counts as seen from inside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (bundle.root / "lead").symlink_to(link if link != "/tmp/outside" else str(outside))
    (bundle.folder / "data").mkdir()
    (bundle.folder / "data/f").write_text("content")
    bundle.mount(bundle.folder / "data", "/lead/target", "rbind")
    assert bundle.out("cat", "/lead/target/f") == "content"
    assert not list(outside.iterdir()) and not os.path.exists("/target") and not os.path.exists("/etc/target")


def test_a_link_to_a_file_of_the_host_is_not_followed_out(bundle, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (bundle.root / "etc/hosts").symlink_to(victim)
    (bundle.folder / "hosts").write_text("mounted")
    bundle.mount(bundle.folder / "hosts", "/etc/hosts", "bind")
    assert bundle.out("cat", "/etc/hosts") == "mounted"
    assert victim.read_text() == "untouched"


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_a_link_in_the_place_of_proc_or_sys_is_refused(bundle, name):
    (bundle.root / name).rmdir()
    (bundle.root / name).symlink_to("/tmp")
    done = bundle.run("true", status=None)
    assert done.returncode != 0 and f"/{name}" in done.stderr


def test_something_else_in_the_place_of_dev_null_is_no_mask(bundle):
    """Without a tmpfs on /dev the image's own files would cover what is to be hidden."""
    bundle.spec["mounts"] = [m for m in bundle.spec["mounts"] if not m["destination"].startswith("/dev")]
    (bundle.root / "dev/null").write_text("not null")
    assert bundle.run("true", status=None).returncode != 0


def test_a_loop_of_links_is_an_error(bundle):
    (bundle.root / "a").symlink_to("b")
    (bundle.root / "b").symlink_to("a")
    bundle.mount(bundle.folder, "/a/x", "rbind")
    assert bundle.run("true", status=None).returncode != 0


def test_tmpfs_takes_the_mode_of_what_it_covers(bundle):
    (bundle.root / "tmp").chmod(0o1777)
    bundle.spec["mounts"].append(
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=1m"]})
    shown = bundle.out("sh", "-c", "stat -c %a /tmp; cat /proc/self/mounts").split("\n")
    assert shown[0] == "1777" and "size=1024k" in mounts("\n".join(shown[1:]))["/tmp"]


def test_tmpcopyup_fills_the_tmpfs(bundle):
    folder = bundle.root / "data"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/f").write_text("content")
    (folder / "inner/f").chmod(0o646)
    (folder / "link").symlink_to("inner/f")
    os.chown(folder / "inner/f", 5, 6)
    bundle.spec["mounts"].append(
        {"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "mode=700"]})
    assert bundle.out("sh", "-c", "cat /data/link; stat -c '%a %u %g' /data/inner/f; echo new > /data/inner/f").startswith("content646 5 6")
    assert (folder / "inner/f").read_text() == "content"


def test_nothing_of_the_container_shows_in_the_hosts_mounts(bundle):
    bundle.mount(bundle.folder, "/mnt", "rbind")
    seen = bundle.folder / "seen"
    bundle.spec["hooks"] = {"poststart": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat /proc/self/mounts > {seen}"]}]}
    bundle.run("sleep", "0.2")
    assert str(bundle.folder) not in seen.read_text()


def test_the_old_root_is_gone(bundle):
    shown = bundle.out("cat", "/proc/self/mountinfo").splitlines()
    assert shown[0].split()[4] == "/" and not any("/rootfs" in line.split()[4] for line in shown)


def test_standard_streams_belong_to_the_user(bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    assert bundle.out("sh", "-c", "echo again > /dev/stdout") == "again"
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and os.stat("/dev/null").st_uid == 0


def test_propagation_of_the_root(bundle):
    bundle.spec["linux"]["rootfsPropagation"] = "rprivate"
    assert "master:" not in bundle.out("cat", "/proc/self/mountinfo").splitlines()[0]


def test_a_bind_mount_with_mapped_ids(bundle):
    """`uidMappings` and `gidMappings` of a mount: the ids on the disk, those in the container, and how many."""
    (bundle.folder / "data").mkdir()
    (bundle.folder / "data/f").write_text("content")
    os.chown(bundle.folder / "data/f", 1234, 2345)
    os.chown(bundle.folder / "data", 1234, 2345)
    bundle.mount(bundle.folder / "data", "/mapped", "rbind", "idmap")
    bundle.spec["mounts"][-1] |= {
        "uidMappings": [{"containerID": 1234, "hostID": 0, "size": 1}], "gidMappings": [{"containerID": 2345, "hostID": 0, "size": 1}]}
    assert bundle.out("sh", "-c", "stat -c %u:%g /mapped/f; touch /mapped/new") == "0:0"
    assert ((bundle.folder / "data/new").stat().st_uid, (bundle.folder / "data/new").stat().st_gid) == (1234, 2345)
