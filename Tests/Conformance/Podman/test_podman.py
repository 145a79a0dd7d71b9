"""Debian's podman runs containers with `--runtime skiff-runtime`."""

import json
import os
import shutil
import subprocess
import uuid

import pytest

from harness import images, settings
from harness.waiting import wait_for

PODMAN = settings.peer("podman")

pytestmark = [
    pytest.mark.skiff_only,
    pytest.mark.skipif(not PODMAN, reason="no podman; scripts/peers puts Debian's in place"),
]


@pytest.fixture(scope="module")
def podman(tmp_path_factory):
    """Runs podman on storage of its own, in its own mount namespace."""
    folder = tmp_path_factory.mktemp("podman")
    (folder / "containers.conf").write_text(
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        '[containers]\ndefault_ulimits = ["nofile=1024:2048", "nproc=1024:2048"]\n')
    (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n')
    tools = f"{settings.PEERS}/usr/bin:{settings.PEERS}/usr/libexec/podman"
    environment = {**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf"),
                   "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"), "PATH": f"{os.environ['PATH']}:{tools}"}

    def run(*arguments: str, status: int | None = 0, input: str | None = None) -> str:
        done = subprocess.run(
            [PODMAN, "--runtime", str(settings.RUNTIME), "--cgroup-manager", "cgroupfs", *arguments],
            input=input, stdin=subprocess.DEVNULL if input is None else None, capture_output=True, text=True,
            env=environment, timeout=120 * settings.PATIENCE)
        assert status is None or done.returncode == status, (arguments, done.stdout, done.stderr)
        return done.stdout.rstrip("\n")

    run("load", "-q", "-i", str(images.archive("busybox", "docker")))
    yield run
    run("rm", "-af", "-t", "0", status=None)
    run("unshare", "true", status=None)
    subprocess.run(["umount", "-R", str(folder / "graph/overlay")], capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def name(podman):
    chosen = f"skiff-{uuid.uuid4().hex[:8]}"
    yield chosen
    podman("rm", "-f", "-t", "0", chosen, status=None)


OPTIONS = ("--network", "none", "--security-opt", "apparmor=unconfined")


def test_output_and_exit_status(podman):
    assert podman("run", "--rm", *OPTIONS, "busybox", "echo", "hi") == "hi"
    podman("run", "--rm", *OPTIONS, "busybox", "sh", "-c", "exit 12", status=12)
    assert podman("run", "--rm", "-i", *OPTIONS, "busybox", "cat", input="x") == "x"


def test_missing_and_not_executable_programs(podman):
    podman("run", "--rm", *OPTIONS, "busybox", "nosuchprogram", status=127)
    podman("run", "--rm", *OPTIONS, "busybox", "/etc/passwd", status=126)


def test_life_cycle(podman, name):
    podman("run", "-d", "--name", name, *OPTIONS, "busybox", "sleep", "1000")
    assert podman("ps", "--format", "{{.Names}}") == name
    assert podman("exec", name, "echo", "inside") == "inside"
    podman("pause", name)
    assert podman("inspect", "--format", "{{.State.Status}}", name) == "paused"
    podman("unpause", name)
    podman("kill", name)
    wait_for(lambda: podman("inspect", "--format", "{{.State.Status}}", name) == "exited", 15)
    assert podman("inspect", "--format", "{{.State.ExitCode}}", name) == "137"


def test_limits_and_security(podman):
    out = podman("run", "--rm", *OPTIONS, "--memory", "64m", "--pids-limit", "50", "--read-only", "--user", "1000:1000",
                 "--cap-drop", "ALL", "busybox", "sh", "-c", "id -u; grep -E 'CapEff|Seccomp:' /proc/self/status; touch /x",
                 status=1)
    lines = out.split("\n")
    assert lines[0] == "1000" and int(lines[1].split()[1], 16) == 0 and lines[2].split()[1] == "2"


def test_inspect_names_the_runtime(podman, name):
    podman("create", "--name", name, *OPTIONS, "busybox", "true")
    facts = json.loads(podman("inspect", name))[0]
    assert facts["OCIRuntime"] == str(settings.RUNTIME)
