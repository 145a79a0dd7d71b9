"""skiff-registry as a unit of systemd, with the files of packaging: a user of its own, notification, reload, restart.
Runs in `scripts/vm --systemd`."""

import hashlib
import json
import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import settings
from harness.guest import SYSTEMD
from harness.waiting import wait_for

pytestmark = [pytest.mark.timeout(900), pytest.mark.skipif(not SYSTEMD, reason="needs systemd: scripts/vm --systemd")]

PACKAGING = settings.PROJECT / "packaging"
UNIT = Path("/run/systemd/system/skiff-registry.service")
PROGRAM = Path("/usr/bin/skiff-registry")
SETTINGS = Path("/etc/skiff/registry.json")
URL = "http://127.0.0.1:5000"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def journal() -> str:
    return subprocess.run(["journalctl", "--no-pager", "-u", "skiff-registry"], capture_output=True, text=True).stdout


def systemctl(*words: str, status: int | None = 0) -> str:
    done = subprocess.run(["systemctl", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400)
    assert status is None or done.returncode == status, f"{words}: {done.returncode}\n{done.stderr}\n{journal()[-6000:]}"
    return done.stdout.strip()


def show(name: str) -> str:
    return systemctl("show", "--value", "-p", name, "skiff-registry")


@pytest.fixture
def unit():
    subprocess.run(["systemd-sysusers", PACKAGING / "systemd/skiff-registry.sysusers"], check=True, capture_output=True)
    shutil.copy(PACKAGING / "systemd/skiff-registry.service", UNIT)
    SETTINGS.parent.mkdir(exist_ok=True)
    shutil.copy(PACKAGING / "etc/skiff/registry.json", SETTINGS)
    # A copy: the unit sees neither /tmp nor homes, where a build may lie.
    shutil.copy(settings.BUILD / "skiff-registry", PROGRAM)
    systemctl("daemon-reload")
    yield
    systemctl("stop", "skiff-registry", status=None)
    for path in (UNIT, SETTINGS, PROGRAM):
        path.unlink()
    systemctl("daemon-reload")
    shutil.rmtree("/var/lib/skiff-registry", ignore_errors=True)


def ask(method: str, path: str, data: bytes | None = None, kind: str = "application/octet-stream") -> bytes:
    """As a client of the machine does: the tests have a network of their own."""
    done = subprocess.run(
        ["nsenter", "--net=/proc/1/ns/net", "curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "300",
         "--request", method, "--header", f"Content-Type: {kind}", *([] if data is None else ["--data-binary", "@-"]),
         URL + path], input=data or b"", capture_output=True)
    assert done.returncode == 0, (method, path, done.stdout, done.stderr, journal()[-4000:])
    return done.stdout


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def push(layer: bytes) -> bytes:
    """One image; its manifest."""
    parts = {}
    for content in (b"{}", layer):
        ask("POST", f"/v2/team/app/blobs/uploads/?digest={digest(content)}", content)
        parts[content] = {"mediaType": "application/octet-stream", "digest": digest(content), "size": len(content)}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[b"{}"], "layers": [parts[layer]]})
    ask("PUT", "/v2/team/app/manifests/1", manifest.encode(), MANIFEST)
    return manifest.encode()


def pull() -> tuple[bytes, bytes]:
    manifest = ask("GET", "/v2/team/app/manifests/1")
    return manifest, ask("GET", f"/v2/team/app/blobs/{json.loads(manifest)['layers'][0]['digest']}")


def test_the_registrys_unit_starts_serves_restarts_and_stops(unit):
    systemctl("start", "skiff-registry")
    main = show("MainPID")
    user = pwd.getpwnam("skiff-registry")
    assert os.stat(f"/proc/{main}").st_uid == user.pw_uid != 0
    assert os.stat("/var/lib/skiff-registry").st_mode & 0o7777 == 0o700
    layer = os.urandom(1 << 20)
    image = (push(layer), layer)
    assert pull() == image

    systemctl("reload", "skiff-registry")
    wait_for(lambda: "reloaded" in journal(), 60, "the reload")
    assert show("MainPID") == main and pull() == image

    # Started means listening: the next request needs no second try.
    systemctl("restart", "skiff-registry")
    assert show("MainPID") != main and pull() == image

    main = show("MainPID")
    os.kill(int(main), 9)
    wait_for(lambda: show("MainPID") not in ("0", main) and systemctl(
        "is-active", "skiff-registry", status=None) == "active", 60, "systemd's restart of the registry")
    assert pull() == image

    systemctl("stop", "skiff-registry")
    assert (show("ActiveState"), show("Result"), show("MainPID")) == ("inactive", "success", "0")
    assert '"PUT /v2/team/app/manifests/1 HTTP/1.1" 201' in journal(), "the access log is in the journal"
