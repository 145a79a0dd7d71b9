"""`scripts/install`, into a folder in the place of the root."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from harness import settings

INSTALL = settings.PROJECT / "scripts/install"
pytestmark = pytest.mark.skiff_only


def install(root: Path, *arguments: str, status: int = 0, **environment: str) -> str:
    done = subprocess.run(
        [INSTALL, *arguments], capture_output=True, text=True, timeout=60 * settings.PATIENCE,
        env=os.environ | {"DESTDIR": str(root), "SKIFF_BUILD": str(settings.BUILD)} | environment)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() or path.is_symlink()}


def test_a_whole_life(scratch):
    install(scratch)
    plain = files(scratch)
    assert {"usr/bin/skiff", "usr/bin/skiffd", "usr/libexec/skiff/skiff-shim", "usr/lib/systemd/system/skiffd.service",
            "usr/share/bash-completion/completions/skiff"} <= plain
    assert not any("docker" in path or path.endswith(".new") for path in plain)
    install(scratch, "--drop-in")
    assert files(scratch) - plain == {"usr/bin/docker", "etc/skiff/daemon.json", "usr/lib/sysusers.d/skiff-docker.conf"}
    assert json.loads((scratch / "etc/skiff/daemon.json").read_text()) == {"drop-in": True}
    version = subprocess.run([scratch / "usr/bin/docker", "--version"], capture_output=True, text=True, check=True)
    assert "version" in version.stdout
    before = files(scratch)
    install(scratch, "--drop-in")
    assert files(scratch) == before
    install(scratch, "--uninstall")
    assert files(scratch) == {"etc/skiff/daemon.json"}


def test_another_prefix_reaches_the_units(scratch):
    install(scratch, PREFIX="/usr/local")
    unit = (scratch / "usr/lib/systemd/system/skiffd.service").read_text()
    assert "ExecStart=/usr/local/bin/skiffd" in unit and "/usr/bin/skiffd" not in unit
    assert (scratch / "usr/local/bin/skiffd").exists()


def test_what_belongs_to_others_stays(scratch):
    (scratch / "usr/bin").mkdir(parents=True)
    (scratch / "usr/bin/docker").write_text("theirs")
    assert "is there already" in install(scratch, "--drop-in", status=1)
    assert files(scratch) == {"usr/bin/docker"}
    (scratch / "usr/bin/docker").unlink()
    (scratch / "etc/skiff").mkdir(parents=True)
    (scratch / "etc/skiff/daemon.json").write_text('{"debug": true}')
    assert 'add "drop-in": true' in install(scratch, "--drop-in", status=1)
    assert files(scratch) == {"etc/skiff/daemon.json"}


def test_without_a_build(scratch):
    assert "make release" in install(scratch, status=1, SKIFF_BUILD=str(scratch / "none"))
    assert install(scratch, "--wrong", status=2)
