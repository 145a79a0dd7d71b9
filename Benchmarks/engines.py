"""Skiff and its peers as the benchmark sees them: a client command, images, processes."""

import ctypes
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PEERS = Path(os.environ.get("SKIFF_PEERS")
             or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skiff/peers")
PATH = f"{PEERS}/usr/bin:{PEERS}/usr/sbin:{os.environ['PATH']}"
CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x00020000


def own_namespaces() -> None:
    """A network and a mount namespace for the whole run: nothing of the host is touched, nothing stays mounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        raise SystemExit(f"unshare: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def archive(name: str) -> Path:
    done = subprocess.run([PROJECT / "scripts/make-images", "--format", "docker", name], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.split()[-1])


def pss(pid: int) -> float:
    """Megabytes; 0 when the process has ended."""
    try:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


def processes(word: str) -> set[int]:
    """Processes whose program's name contains `word`."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The link to a shim's program leads into a mount of its own, without a name: ask for both.
                name = (entry / "comm").read_text().strip()
                if word in os.path.basename(os.readlink(entry / "exe")) or word == name:
                    found.add(int(entry.name))
            except OSError:
                pass
    return found


def descendants(root: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
            except OSError:
                pass
    found, open_ = {root}, [root]
    while open_:
        for child in children.get(open_.pop(), []):
            found.add(child)
            open_.append(child)
    return found


class Engine:
    name = ""
    version = ""

    def __init__(self, folder: Path, store: Path):
        self.folder, self.store = folder / self.name, store / self.name
        self.folder.mkdir()
        self.store.mkdir()
        self.socket = self.folder / "s.sock"
        self.process: subprocess.Popen | None = None
        self.environment = {"PATH": PATH, "HOME": str(self.folder), "LANG": "C.UTF-8",
                            "DOCKER_HOST": f"unix://{self.socket}"}

    def missing(self) -> str | None:
        """Why this engine cannot run here; nil when it can."""
        raise NotImplementedError

    def client(self) -> list[str]:
        raise NotImplementedError

    def command(self) -> list[str]:
        """The daemon."""
        raise NotImplementedError

    def daemon_processes(self) -> set[int]:
        return {self.process.pid}

    #: Name of the process that each container keeps.
    monitor = ""

    def start(self) -> None:
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(self.command(), env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=log)
        deadline = time.monotonic() + 60
        while self("version", check=False).returncode != 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.stderr.write((self.folder / "log").read_text(errors="replace")[-3000:])
                raise SystemExit(f"{self.name} does not start")
            time.sleep(0.1)
        self.prepare()

    def prepare(self) -> None:
        self("load", "-i", str(archive("busybox")))
        archive("debian:bookworm-slim")
        self.version = self("--version").stdout.strip()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            ids = self("ps", "-aq", check=False).stdout.split()
            if ids:
                self("rm", "-f", *ids, check=False)
            self.process.terminate()
            self.process.wait(30)

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run([*self.client(), *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if check and done.returncode != 0:
            raise SystemExit(f"{self.name} {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def seconds(self, *arguments: str) -> float:
        """Wall time of one client command."""
        command = [*self.client(), *arguments]
        null = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        started = time.perf_counter()
        done = subprocess.run(command, env=self.environment, **null)
        taken = time.perf_counter() - started
        if done.returncode != 0:
            raise SystemExit(f"{self.name} {' '.join(arguments)}: {done.returncode} {done.stderr.decode()}")
        return taken


class Skiff(Engine):
    name = "skiff"
    build = Path(os.environ.get("SKIFF_BUILD") or PROJECT / ".build/release").resolve()
    monitor = "skiff-shim"

    def missing(self):
        return None if (self.build / "skiffd").exists() else f"no {self.build}/skiffd; make release"

    def client(self):
        return [str(self.build / "skiff")]

    def command(self):
        return [str(self.build / "skiffd"), "--host", f"unix://{self.socket}", "--data-root", str(self.store),
                "--exec-root", str(self.folder / "run"), "--pidfile", str(self.folder / "pid"),
                "--bridge", "skbench0", "--bip", "10.214.0.1/16", "--cgroup-parent", "skiffbench"]


class Docker(Engine):
    name = "docker"
    monitor = "containerd-shim"

    def missing(self):
        return None if shutil.which("dockerd", path=PATH) else "no dockerd (docker.io)"

    def client(self):
        own = PEERS / "usr/bin/docker"
        return [str(own) if own.exists() else "/usr/bin/docker"]

    def command(self):
        script = 'mount --make-rshared / && ip link set lo up && exec "$@"'
        return ["unshare", "--net", "--mount", "--propagation", "slave", "bash", "-c", script, "bash",
                shutil.which("dockerd", path=PATH), "--host", f"unix://{self.socket}", "--data-root", str(self.store),
                "--exec-root", str(self.folder / "run"), "--pidfile", str(self.folder / "pid"),
                "--cgroup-parent", "dockerbench"]

    def daemon_processes(self):
        mine = descendants(self.process.pid)
        return {pid for pid in mine if pid not in processes(self.monitor)} & (
            processes("dockerd") | processes("containerd"))


class Podman(Engine):
    """No daemon; crun refuses a machine with both versions of cgroups mounted, so version 2 is hidden from it."""

    name = "podman"
    monitor = "conmon"

    def missing(self):
        return None if shutil.which("podman", path=PATH) and shutil.which("crun", path=PATH) else "no podman or crun"

    def client(self):
        return ["nsenter", f"--net=/proc/{self.process.pid}/ns/net", f"--mount=/proc/{self.process.pid}/ns/mnt",
                shutil.which("podman", path=PATH), "--cgroup-manager", "cgroupfs", "--runtime",
                shutil.which("crun", path=PATH)]

    def command(self):
        script = ("mount --make-rprivate /; umount /sys/fs/cgroup/unified 2>/dev/null; ip link set lo up; "
                  "exec sleep infinity")
        return ["unshare", "--net", "--mount", "bash", "-c", script]

    def start(self):
        conf = self.folder / "containers.conf"
        helpers = f'helper_binaries_dir = ["{PEERS}/usr/lib/podman", "/usr/lib/podman", "/usr/libexec/podman"]'
        conf.write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:2048", "nproc=1024:2048"]\n[engine]\nevents_logger = "file"\n'
            f'conmon_path = ["{shutil.which("conmon", path=PATH)}"]\n{helpers}\n[network]\n'
            f'network_backend = "netavark"\nnetwork_config_dir = "{self.folder}/networks"\n')
        (self.folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{self.folder}/run"\ngraphroot = "{self.store}"\n')
        (self.folder / ".config/containers").mkdir(parents=True)
        (self.folder / ".config/containers/policy.json").write_text(
            '{"default": [{"type": "insecureAcceptAnything"}]}')
        self.environment |= {"CONTAINERS_CONF": str(conf), "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf")}
        super().start()

    def daemon_processes(self):
        return set()
