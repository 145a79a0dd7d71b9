"""OCI bundles and a runtime's command line (`skiff-runtime`; SKIFF_TEST_RUNTIME=/usr/bin/crun proves the tests)."""

import copy
import json
import os
import subprocess
import tempfile
import uuid
from pathlib import Path

from . import machine, settings
from .shim import make_root

PLAIN = ["nosuid", "noexec", "nodev"]
SPECIFICATION = {
    "ociVersion": "1.0.2",
    "process": {
        "args": ["true"], "cwd": "/", "env": ["PATH=/bin:/usr/bin", "TERM=xterm"], "user": {"uid": 0, "gid": 0},
        "noNewPrivileges": True,
        "capabilities": {kind: ["CAP_CHOWN", "CAP_KILL"] for kind in ("bounding", "effective", "permitted")}},
    "root": {"path": "rootfs"},
    "hostname": "bundle",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": PLAIN + ["mode=1777", "size=65536k"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": PLAIN + ["ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": PLAIN + ["ro"]}],
    "linux": {
        "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]},
}


class Bundle:
    """A bundle, the runtime's own state directory, and one container id."""

    def __init__(self, folder: Path):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.root = make_root(self.folder / "rootfs")
        self.state = self.folder / "state"
        self.id = f"skiff-test-{uuid.uuid4().hex[:8]}"
        self.parent = f"skiff-runtime-test-{os.getpid()}"
        self.spec = copy.deepcopy(SPECIFICATION)
        self.spec["linux"]["cgroupsPath"] = f"/{self.parent}/{self.id}"
        self.before = self.machine()

    @property
    def process(self) -> dict:
        return self.spec["process"]

    def mount(self, source, destination: str, *options: str):
        self.spec["mounts"].append(
            {"destination": destination, "type": "bind", "source": str(source), "options": list(options)})

    def call(self, *arguments: str, status: int | None = 0, **more) -> subprocess.CompletedProcess:
        """One command of the runtime, with the specification as it is now."""
        (self.folder / "config.json").write_text(json.dumps(self.spec))
        more = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, **more}
        done = subprocess.run(
            [settings.RUNTIME, "--root", str(self.state), *arguments], cwd=self.folder,
            timeout=60 * settings.PATIENCE, **more)
        assert status is None or done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def run(self, *command: str, status: int | None = 0, **more) -> subprocess.CompletedProcess:
        if command:
            self.process["args"] = list(command)
        return self.call("run", self.id, status=status, **more)

    def out(self, *command: str) -> str:
        return self.run(*command).stdout.rstrip("\n")

    def state_of(self) -> dict:
        return json.loads(self.call("state", self.id).stdout)

    def machine(self) -> machine.Machine:
        return machine.Machine.now((self.parent,), (self.state,))

    def left_behind(self) -> list[str]:
        return [line for line in self.before.changes_to(self.machine()) if str(self.state) + "'" not in line]

    def remove(self):
        self.call("delete", "--force", self.id, status=None)
        for root in Path("/sys/fs/cgroup").iterdir():
            if (root / self.parent).is_dir():
                (root / self.parent).rmdir()
        if Path("/sys/fs/cgroup", self.parent).is_dir():
            Path("/sys/fs/cgroup", self.parent).rmdir()
