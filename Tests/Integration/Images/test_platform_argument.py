"""`--platform` of commands on an image that is there: it must be the image's own."""

import json
import re

import pytest

from harness import archives

pytestmark = pytest.mark.docker28

MISMATCH = r"image with reference busybox(:latest)? was found but its platform \(linux/amd64\) does not match " \
    r"the specified platform \(linux/s390x\)"


@pytest.mark.parametrize("command", ["history", "save", "image inspect", "push"])
def test_another_platform_is_refused(cli, command):
    assert re.search(MISMATCH, cli(*command.split(), "--platform", "linux/s390x", "busybox", status=1).stderr)


def test_its_own_platform_is_taken(cli, scratch):
    assert cli.out("history", "--platform", "linux/amd64", "-q", "busybox").startswith(cli.out("images", "-q", "busybox"))
    assert cli.out("image", "inspect", "--platform", "linux/amd64", "-f", "{{.Architecture}}", "busybox") == "amd64"
    cli("save", "--platform", "linux/amd64", "-o", str(scratch / "x.tar"), "busybox")
    assert "Loaded image: busybox:latest" in cli.out("load", "--platform", "linux/amd64", "-i", str(scratch / "x.tar"))
    done = cli("load", "--platform", "linux/s390x", "-i", str(scratch / "x.tar"), status=1)
    assert "no image for linux/s390x" in done.stderr


def test_load_takes_the_wanted_one_of_several(cli, daemon, scratch):
    """An old archive with images of two platforms under two names."""
    archive = archives.image_with_layers(scratch, "foreign:1", [{"a": "b"}], architecture="s390x")
    assert "foreign:1" in cli.out("load", "--platform", "linux/s390x", "-i", str(archive))
    done = cli("rmi", "--platform", "linux/amd64", "foreign:1", status=1)
    assert "does not match the specified platform (linux/amd64)" in done.stderr
    assert "Untagged: foreign:1" in cli.out("rmi", "--platform", "linux/s390x", "foreign:1")


def test_a_platform_that_is_none(cli, daemon):
    assert cli("history", "--platform", "a/b/c/d", "busybox", status=1).stderr
    for text in ("linux", '{"os":"linux"}', "[]"):
        answer = daemon.api("GET", f"/images/busybox/history?platform={text}")
        assert answer.status == 400 and answer.message, text


def test_inspect_lists_its_manifest_when_asked(daemon):
    facts = daemon.api("GET", "/images/busybox/json?manifests=1").json
    assert [one["ImageData"]["Platform"] for one in facts["Manifests"]] == [{"architecture": "amd64", "os": "linux"}]
    both = "manifests=1&platform=" + json.dumps({"os": "linux", "architecture": "amd64"}).replace(" ", "")
    assert daemon.api("GET", f"/images/busybox/json?{both}").status == 400
