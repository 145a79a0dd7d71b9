"""A mount whose files belong to the container's user (`idmap`, `U`): nothing is changed on the disk."""

import json
import os

import pytest

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def project(tmp_path):
    """A folder of user 1234 in group 2345, with a file of root in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "own").write_text("own")
    (folder / "roots").write_text("roots")
    os.chmod(folder / "roots", 0o600)
    for path in (folder, folder / "own"):
        os.chown(path, 1234, 2345)
    return folder


def owners(folder) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()}


@pytest.mark.parametrize("options", [
    ["-v", "{}:/m:idmap"], ["-v", "{}:/m:U"], ["--mount", "type=bind,source={},target=/m,idmap"],
    ["--mount", "type=bind,source={},target=/m,idmap=true"],
])
def test_root_in_the_container_is_the_owner(cli, project, options):
    if cli.client == "docker" and options[0] == "--mount":
        pytest.skip("an option of skiff")
    options = [option.format(project) for option in options]
    out = cli.out("run", "--rm", *options, "busybox", "sh", "-c", "stat -c '%u:%g' /m /m/own /m/roots; echo new > /m/new; echo x >> /m/own")
    assert out.split() == ["0:0", "0:0", "65534:65534"]
    assert owners(project) == {"own": (1234, 2345), "roots": (0, 0), "new": (1234, 2345)}


def test_a_user_of_the_image_by_name(cli, project):
    out = cli.out("run", "--rm", "-u", "www-data", "-v", f"{project}:/m:U", "busybox", "sh", "-c",
                  "id -u; stat -c %u /m/own; touch /m/new && echo made")
    user, owner, made = out.split()
    assert user == owner != "0" and made == "made"
    assert owners(project)["new"] == (1234, 2345)


def test_numbers_that_are_not_in_the_image(cli, project):
    out = cli.out("run", "--rm", "-u", "4321:5432", "-v", f"{project}:/m:U", "busybox", "sh", "-c", "stat -c '%u:%g' /m/own; touch /m/new")
    assert out == "4321:5432" and owners(project)["new"] == (1234, 2345)


def test_nobody_makes_files_of_root(cli, project, name):
    """The user's own number on the disk stays out of reach, and so does what it owns."""
    script = "cat /m/roots 2>/dev/null || echo unreadable; chown 1234 /m/own 2>/dev/null || echo refused; chown 7 /m/own && echo taken"
    assert cli.out("run", "--rm", "-v", f"{project}:/m:U", "busybox", "sh", "-c", script).split() == ["unreadable", "refused", "taken"]
    assert owners(project)["own"][0] == 7
    # A process with the owner's number in the container has no number on the disk.
    os.chmod(project, 0o777)
    cli("run", "-d", "--name", name, "-v", f"{project}:/m:U", "busybox", "sleep", "1000")
    assert "touch" in cli("exec", "-u", "1234", name, "touch", "/m/y", status=1).stderr
    cli("exec", "-u", "77", name, "touch", "/m/z")
    assert "y" not in owners(project) and owners(project)["z"][0] == 77


def test_a_read_only_one_and_a_file(cli, project):
    out = cli.out("run", "--rm", "-v", f"{project}:/m:ro,U", "-v", f"{project}/own:/own:U", "busybox", "sh", "-c",
                  "stat -c %u /m/own; touch /m/x 2>/dev/null || echo read-only; echo more >> /own; stat -c %u /own")
    assert out.split() == ["0", "read-only", "0"]
    assert owners(project)["own"] == (1234, 2345)


def test_a_volume(cli, daemon, name):
    volume = f"{name}-volume"
    try:
        cli("run", "--rm", "-v", f"{volume}:/v", "busybox", "chown", "1234:2345", "/v")
        cli("run", "--rm", "-u", "4321:5432", "-v", f"{volume}:/v:U", "busybox", "touch", "/v/x")
        assert cli.out("run", "--rm", "-v", f"{volume}:/v", "busybox", "stat", "-c", "%u:%g", "/v/x") == "1234:2345"
    finally:
        daemon.remove_containers()
        daemon.api("DELETE", f"/volumes/{volume}?force=1")


def test_the_owner_itself_needs_no_mapping(cli, project):
    out = cli.out("run", "--rm", "-u", "1234:2345", "-v", f"{project}:/m:U", "busybox", "sh", "-c", "stat -c '%u:%g' /m/own /m/roots")
    assert out.split() == ["1234:2345", "0:0"]


def test_a_file_system_that_cannot(cli):
    """Of /proc the kernel makes no such mount."""
    done = cli("run", "--rm", "-v", "/proc/sys:/m:U", "-u", "77", "busybox", "true", status=None)
    assert done.returncode != 0 and "cannot be mounted with mapped ids" in done.stderr


def test_inspect_shows_it(cli, project, name):
    if cli.client == "docker":
        pytest.skip("an option of skiff")
    cli("create", "--name", name, "--mount", f"type=bind,source={project},target=/m,idmap", "busybox")
    [mount] = json.loads(cli.out("inspect", "-f", "{{json .HostConfig.Mounts}}", name))
    assert mount["IDMap"] is True
