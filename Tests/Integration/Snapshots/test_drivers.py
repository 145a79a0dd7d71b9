"""The two ways of making containers' file systems: the kernel's overlay, and copies where it cannot be used."""

import subprocess

import pytest

from harness import archives, settings

LAYERS = [
    {"etc/kept": "kept", "etc/gone": "gone", "folder/old": "old", "data/one": "1", "data/two": "2", "file": "file"},
    {"etc/.wh.gone": "", "folder/.wh..wh..opq": "", "folder/new": "new", ".wh.file": "", "file/inside": "inside"},
]


def assert_changes(cli, name: str, expected: list[str]) -> None:
    assert cli.out("diff", name).splitlines() == expected


@pytest.mark.parametrize("driver", ["overlay2", "vfs"])
def test_a_container_s_life(driver, new_daemon):
    engine = new_daemon("--storage-driver", driver)
    for client in settings.CLIENTS:
        cli = engine.cli(client)
        assert cli.out("info", "--format", "{{.Driver}}") == driver
        cli("run", "--name", "one", "busybox", "sh", "-c", "echo x >/new; rm /bin/vi; echo y >>/etc/group")
        assert_changes(cli, "one", ["C /bin", "D /bin/vi", "C /etc", "C /etc/group", "A /new"])
        facts = engine.inspect("one")
        assert facts["GraphDriver"]["Name"] == driver == facts["Driver"]
        assert bool(facts["GraphDriver"]["Data"]) == (driver == "overlay2")
        # It keeps what it wrote.
        cli("start", "-a", "one")
        assert cli.out("run", "--rm", "-v", "/etc", "busybox", "cat", "/etc/group").startswith("root:")
        size = engine.api("GET", "/containers/one/json?size=1").json["SizeRw"]
        group = len(cli.out("run", "--rm", "busybox", "cat", "/etc/group")) + 1
        assert size == 2 + group + 4
        cli("rm", "one")


def test_a_file_system_that_carries_no_overlay(overlay, new_daemon, scratch):
    """What a daemon in a container has for its data."""
    engine = new_daemon(scratch=overlay)
    cli = engine.cli("docker")
    assert cli.out("info", "--format", "{{.Driver}}") == "vfs"
    cli("load", "-i", archives.image_with_layers(scratch, "layered:1", LAYERS))
    files = "cat /etc/kept /folder/* /data/* /file/inside; ls -d /etc/gone /folder/old"
    done = cli("run", "--name", "one", "layered:1", "sh", "-c", files, status=1)
    assert done.stdout == "keptnew12inside" and "/etc/gone: No such file" in done.stderr, done
    assert "/folder/old: No such file" in done.stderr
    assert_changes(cli, "one", [])
    cli("run", "-d", "--name", "long", "-v", "vol:/etc", "busybox", "sleep", "1000")
    assert cli.out("exec", "long", "cat", "/etc/group").startswith("root:")
    engine.restart_after_kill()
    assert cli.out("exec", "long", "echo", "lives") == "lives"
    cli("rm", "-f", "one", "long")
    # What the layers delete is in the archive again.
    (scratch / "saved.tar").write_bytes(cli("save", "layered:1").raw)
    cli("rmi", "layered:1")
    cli("load", "-i", scratch / "saved.tar")
    assert "/etc/gone: No such file" in cli("run", "--rm", "layered:1", "sh", "-c", files, status=1).stderr


def test_overlay2_is_refused_where_it_does_not_work(overlay):
    refused = subprocess.run(
        [str(settings.BUILD / "skiffd"), "--data-root", str(overlay / "data"), "--exec-root", str(overlay / "run"),
         "--host", f"unix://{overlay}/s.sock", "--storage-driver", "overlay2", "--bridge", "none"],
        capture_output=True, text=True, timeout=60 * settings.PATIENCE)
    assert refused.returncode != 0
    assert "the storage driver overlay2 does not work on the file system of" in refused.stdout + refused.stderr


def test_containers_keep_the_driver_that_they_were_made_with(new_daemon):
    engine = new_daemon("--storage-driver", "overlay2")
    cli = engine.cli("docker")
    cli("run", "--name", "first", "busybox", "sh", "-c", "echo 1 >>/file")
    engine.stop()
    engine.arguments = ["--storage-driver", "vfs"]
    engine.start()
    cli("run", "--name", "second", "busybox", "sh", "-c", "echo 2 >>/file")
    engine.stop()
    engine.arguments = ["--storage-driver", "overlay2"]
    engine.start()
    for name, driver in (("first", "overlay2"), ("second", "vfs")):
        cli("start", "-a", name)
        assert engine.inspect(name)["Driver"] == driver
        assert_changes(cli, name, ["A /file"])


def test_five_hundred_layers(new_daemon, scratch):
    engine = new_daemon()
    cli = engine.cli("docker")
    base = len(engine.api("GET", "/images/busybox/json").json["RootFS"]["Layers"])

    def load(count: int):
        layers = [{f"file-{number}": f"{number} "} for number in range(count - base)]
        return cli("load", "-i", archives.image_with_layers(scratch, f"deep:{count}", layers), status=None, timeout=300)

    assert load(500).returncode == 0
    last = 499 - base
    assert cli.out("run", "--rm", "deep:500", "sh", "-c", f"cat /file-0 /file-{last}; ls -d /file-* | wc -l") == (
        f"0 {last} {last + 1}")
    done = load(501)
    assert "max depth exceeded: the image has 501 layers" in done.stderr + done.stdout and done.returncode != 0, done
    assert cli.out("images", "-q", "deep:501") == ""


def test_only_layers_that_go_with_their_container_are_not_synced(new_daemon):
    engine = new_daemon()
    cli = engine.cli("skiff")
    for arguments, is_volatile in ((["--rm"], True), ([], False)):
        identifier = cli.out("run", "-d", *arguments, "busybox", "sleep", "1000")
        root = next(
            line for line in cli.out("exec", identifier, "cat", "/proc/mounts").splitlines()
            if line.split()[1] == "/" and line.split()[2] == "overlay")
        # `volatile`, or since Linux 6.18 `fsync=volatile`.
        assert root.split()[3].endswith("volatile") == is_volatile, root
        assert "metacopy=on" not in root and "redirect_dir=on" not in root
        cli("rm", "-f", identifier)
