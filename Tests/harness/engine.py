"""A running engine: Skiff's daemon, or Debian's dockerd as the reference."""

import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from . import images, machine, settings
from .cli import Cli
from .waiting import wait_for

_numbers = itertools.count(1)


class UnixHTTPConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float = 60):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Answer:
    """An HTTP answer, read whole."""

    def __init__(self, response: http.client.HTTPResponse):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return self.json["message"]


class Engine:
    """Common to both engines: folders, socket, clients, start and end."""

    name = "engine"
    #: Engines that were started and not closed.
    running: list["Engine"] = []

    def __init__(self, *arguments: str, config: dict | None = None, scratch: Path | None = None):
        self.number = next(_numbers)
        self.folder = Path(tempfile.mkdtemp(prefix=f"skt{self.number}-", dir=scratch or settings.SCRATCH))
        self.data_root, self.exec_root = self.folder / "data", self.folder / "run"
        self.socket, self.pidfile = self.folder / "s.sock", self.folder / "pid"
        self.log = self.folder / "log"
        self.client_config = self.folder / "client"
        self.client_config.mkdir()
        self.cgroup_parent = f"skifftest{os.getpid()}x{self.number}"
        self.arguments, self.config = list(arguments), dict(config or {})
        self.process: subprocess.Popen | None = None
        self.loaded: set[str] = set()
        self.layers: set[str] = set()

    # MARK: to be said by the engine

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    #: What to put before a command so that it runs in the engine's network.
    inside: list[str] = []

    def watched_folders(self) -> tuple[Path, ...]:
        return (self.data_root / "containers", self.data_root / "overlay2", self.data_root / "volumes")

    # MARK: life

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> "Engine":
        self.launch()
        wait_for(self._ready, 30, f"an answer of {self.name}")
        return self

    def launch(self) -> None:
        """Starts the process, and does not wait until it answers."""
        if self.config:
            (self.folder / "daemon.json").write_text(json.dumps(self.config))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment())
        if self not in Engine.running:
            Engine.running.append(self)

    def _ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log_text()}")
        try:
            return self.api("GET", "/_ping").status == 200
        except OSError:
            return False

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")[-20_000:]

    def kill(self) -> None:
        """kill -9, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 20) -> int:
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds * settings.PATIENCE)

    def restart_after_kill(self) -> None:
        self.kill()
        self.start()

    def remove_containers(self) -> None:
        ids = [one["Id"] for one in self.api("GET", "/containers/json?all=1").json]
        for identifier in ids:
            answer = self.api("DELETE", f"/containers/{identifier}?force=1&v=1", timeout=20)
            assert answer.status in (204, 404, 409), answer.body

    def networks(self) -> list[dict]:
        """The networks that users made."""
        found = self.api("GET", "/networks").json
        return [one for one in found if one["Name"] not in ("bridge", "host", "none")]

    def remove_networks(self, keep: str = "") -> None:
        # A configuration stays as long as a network was made from it.
        for one in sorted(self.networks(), key=lambda network: network["ConfigOnly"]):
            if one["Name"] == keep:
                continue
            answer = self.api("DELETE", f"/networks/{one['Id']}", timeout=20)
            assert answer.status in (204, 404), answer.body

    def close(self) -> None:
        """Ends everything and removes the folders. What went wrong on the way is raised at the end."""
        try:
            if self.process and self.process.poll() is None:
                self.remove_containers()
                self.remove_networks()
                self.stop()
        finally:
            self._end_everything()

    def _end_everything(self) -> None:
        """Kills the daemon and what is left of its containers, by the paths in their command lines."""
        if self.process and self.process.poll() is None:
            self.kill()
        for pid in machine.processes_with(str(self.folder)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        machine.remove_cgroups(self.cgroup_parent)
        if self in Engine.running:
            Engine.running.remove(self)
        shutil.rmtree(self.folder, ignore_errors=True)

    # MARK: doors

    def api(self, method: str, path: str, body=None, headers: dict[str, str] | None = None,
            timeout: float = 60) -> Answer:
        """One request. `body`: bytes, a file, or anything else as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes) and not hasattr(body, "read"):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = UnixHTTPConnection(str(self.socket), timeout * settings.PATIENCE)
        try:
            connection.request(method, path, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def stream(self, path: str, timeout: float = 60, method: str = "GET"):
        """An answer that is read as it comes; close it. Returns when its head is there."""
        connection = UnixHTTPConnection(str(self.socket), timeout * settings.PATIENCE)
        connection.request(method, path)
        return connection.getresponse()

    def cli(self, client: str = "docker") -> Cli:
        return Cli(client, self)

    def inspect(self, container: str) -> dict:
        answer = self.api("GET", f"/containers/{container}/json")
        assert answer.status == 200, answer.body
        return answer.json

    def have(self, *names: str) -> None:
        """Loads images once, for good: their layers do not count as left behind by a test."""
        for name in names:
            if name not in self.loaded:
                self.loaded.add(name)
                before = set(machine.folders(self.watched_folders()))
                self.load(name)
                self.layers |= set(machine.folders(self.watched_folders())) - before

    def load(self, *names: str, form: str = "docker") -> None:
        for name in names:
            with images.archive(name, form).open("rb") as file:
                answer = self.api("POST", "/images/load?quiet=1", file, {"Content-Type": "application/x-tar"}, 300)
            assert answer.status == 200 and b'"error"' not in answer.body, answer.body

    def run(self, *command: str, **options) -> subprocess.CompletedProcess:
        """Runs a program in the engine's network."""
        options.setdefault("timeout", 60 * settings.PATIENCE)
        return subprocess.run([*self.inside, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              **options)

    def curl(self, *arguments: str) -> str:
        """The body that curl gets in the engine's network; empty when nothing answers."""
        return self.run("curl", "-s", "-m", "5", *arguments).stdout


class Skiff(Engine):
    name = "skiffd"

    def __init__(self, *arguments: str, **options):
        super().__init__(*arguments, **options)
        self.bridge = f"skt{self.number}br"

    def command(self) -> list[str]:
        command = [
            str(settings.BUILD / "skiffd"), "--host", self.host, "--data-root", str(self.data_root),
            "--exec-root", str(self.exec_root), "--pidfile", str(self.pidfile), "--debug"]
        if "bridge" not in self.config:
            command += ["--bridge", self.bridge]
        if "bip" not in self.config:
            command += ["--bip", f"10.213.{self.number % 250}.1/24"]
        if "cgroup-parent" not in self.config:
            command += ["--cgroup-parent", self.cgroup_parent]
        if self.config:
            command += ["--config-file", str(self.folder / "daemon.json")]
        return command + self.arguments

    def watched_folders(self) -> tuple[Path, ...]:
        return (*super().watched_folders(), self.exec_root / "shims")


class Docker(Engine):
    """Debian's dockerd with its own mount and network namespaces (it sets the forward policy to drop)."""

    name = "dockerd"

    def command(self) -> list[str]:
        config = {"bridge": None, "bip": "172.17.0.1/16", "cgroup-parent": self.cgroup_parent, **self.config}
        (self.folder / "daemon.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
        program = settings.peer("dockerd")
        assert program, "no dockerd; scripts/peers puts Debian's in place"
        script = 'mount --make-rshared / && ip link set lo up && exec "$@"'
        return [
            "unshare", "--net", "--mount", "--propagation", "slave", "bash", "-c", script, "bash", program,
            "--host", self.host, "--data-root", str(self.data_root), "--exec-root", str(self.exec_root),
            "--pidfile", str(self.pidfile), "--config-file", str(self.folder / "daemon.json"), *self.arguments]

    def environment(self) -> dict[str, str]:
        # Its helpers (containerd, runc, docker-init, docker-proxy) come from where dockerd itself comes from.
        path = f"{settings.PEERS}/usr/sbin:{settings.PEERS}/usr/bin:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "DOCKER_RAMDISK": "1"} if settings.PEERS.exists() else dict(os.environ)

    @property
    def inside(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]


def engine_under_test(*arguments: str, **options) -> Engine:
    return (Docker if settings.ENGINE == "docker" else Skiff)(*arguments, **options)
