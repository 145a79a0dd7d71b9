"""Images that lie about the places where volumes and mounts go: what fills a volume comes from the image, whatever its links say."""


import pytest

from harness.archives import image_with_layers

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def skiff(daemon):
    return daemon.cli("skiff")


@pytest.fixture
def load(skiff, daemon, name, tmp_path):
    """Loads an image with the given entries over BusyBox; it goes with the test, and so does the volume `<name>-v`."""
    loaded = []

    def load(entries: dict, **config) -> str:
        reference = f"{name}-{len(loaded)}:1"
        skiff("load", "-i", image_with_layers(tmp_path, reference, [entries], **config))
        loaded.append(reference)
        return reference

    yield load
    daemon.remove_containers()
    daemon.api("DELETE", f"/volumes/{name}-v?force=1")
    for reference in loaded:
        skiff("rmi", "-f", reference)


LINKS = ["/etc", "../../../../../../../../etc", "/proc/1/root/etc", "/proc/self/root/etc", "//etc/./../etc"]


@pytest.mark.parametrize("target", LINKS)
def test_a_volume_on_a_link_is_filled_from_the_image(skiff, daemon, load, name, target):
    reference = load({"data": ("link", target), "etc/only-in-the-image": "x"})
    skiff("run", "--rm", "-v", f"{name}-v:/data", reference, "true", status=None)
    files = {path.name for path in (daemon.data_root / "volumes" / f"{name}-v" / "_data").iterdir()}
    assert files == set() or "only-in-the-image" in files
    assert not files & {"machine-id", "fstab", "apt"}, "the host's own"


def test_a_volume_below_a_link(skiff, daemon, load, name, tmp_path):
    """`/trap` leads to a folder of the host's name: it is made in the container, the host's stays empty."""
    outside = tmp_path / "outside"
    outside.mkdir()
    reference = load({"trap": ("link", str(outside))})
    (tmp_path / "f").write_text("file")
    options = ["-v", f"{name}-v:/trap/volume", "-v", f"{tmp_path}/f:/trap/file", "--tmpfs", "/trap/memory",
               "--mount", "type=image,source=busybox,target=/trap/image"]
    skiff("run", "--rm", *options, reference, "sh", "-c", "echo x > /trap/volume/x; cat /trap/file", status=None)
    assert list(outside.iterdir()) == []


def test_what_is_no_plain_file_is_copied_as_it_is(skiff, daemon, load, name):
    """A pipe does not block, a device is a node, a huge hole stays one, a link is a link."""
    reference = load({
        "data/pipe": ("fifo",), "data/null": ("device", 1, 3), "data/out": ("link", "/etc/shadow"), "data/deep/" + "d/" * 60 + "f": "end",
        "data/" + "n" * 255: "long"})
    skiff("run", "--rm", "-v", f"{name}-v:/data", reference, "sh", "-c", "test -p /data/pipe && test -c /data/null && test -L /data/out")
    data = daemon.data_root / "volumes" / f"{name}-v" / "_data"
    assert (data / "out").is_symlink() and (data / "pipe").is_fifo() and (data / ("n" * 255)).read_text() == "long"


def test_a_subpath_of_an_image_stays_inside(skiff, load):
    reference = load({"out": ("link", "/etc"), "up": ("link", "../../.."), "inside": ("link", "bin")})
    for subpath in ("out", "up", "up/etc", "../x"):
        mount = f"type=image,source={reference},target=/m,image-subpath={subpath}"
        done = skiff("run", "--rm", "--mount", mount, "busybox", "ls", "/m", status=None)
        assert done.returncode != 0 and not done.stdout, subpath
    mount = f"type=image,source={reference},target=/m,image-subpath=inside"
    assert "busybox" in skiff.out("run", "--rm", "--mount", mount, "busybox", "ls", "/m")


def test_a_mounted_image_stays_over_a_crash(new_daemon, tmp_path):
    """Removed by force, with a daemon that was killed after it: the container's record keeps the layers."""
    daemon = new_daemon()
    skiff = daemon.cli("skiff")
    skiff("load", "-i", image_with_layers(tmp_path, "mounted:1", [{"kept": "kept"}]))
    skiff("create", "--name", "user", "--mount", "type=image,source=mounted:1,target=/m", "busybox", "cat", "/m/kept")
    skiff("rmi", "-f", "mounted:1")
    daemon.restart_after_kill()
    skiff("image", "prune", "-af")
    daemon.have("busybox")
    assert skiff.out("start", "-a", "user") == "kept"
    skiff("rm", "user")
    assert skiff("run", "--rm", "--mount", "type=image,source=mounted:1,target=/m", "busybox", "true", status=None).returncode != 0
