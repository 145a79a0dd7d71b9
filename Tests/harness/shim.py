"""Drives one skiff-shim as the daemon does: framed messages and descriptors over a socket."""

import array
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import uuid
from pathlib import Path

from . import settings
from .waiting import wait_for

BUSYBOX = "/bin/busybox"
NAMESPACES = ("pid", "network", "mount", "ipc", "uts")


class Failed(Exception):
    """The shim answered `failed`."""

    def __init__(self, arguments: dict):
        super().__init__(arguments["message"])
        self.code = arguments["code"]
        self.exit_code = arguments.get("exitCode")


class Connection:
    """The daemon's side of one connection."""

    def __init__(self, connected: socket.socket):
        self.socket = connected
        self.socket.settimeout(20 * settings.PATIENCE)
        self.buffer = b""
        self.descriptors: list[int] = []
        self.events: list[tuple[str, dict]] = []
        self.replies: dict[int, tuple[str, dict]] = {}
        self.last = 0
        self.ended = False

    def send(self, operation: str, arguments: dict | None = None, descriptors: list[int] = ()) -> int:
        self.last += 1
        text = json.dumps({"id": self.last, "op": operation, "args": arguments or {}}).encode()
        self.send_frame(text, descriptors)
        return self.last

    def send_frame(self, text: bytes, descriptors: list[int] = ()) -> None:
        frame = struct.pack("<II", len(text), len(descriptors)) + text
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        sent = self.socket.sendmsg([frame], rights)
        # Not without need: a shim that has ended on what it got makes even an empty message a broken pipe.
        if sent < len(frame):
            self.socket.sendall(frame[sent:])

    def call(self, operation: str, arguments: dict | None = None, descriptors: list[int] = ()) -> dict:
        """The reply's arguments; `Failed` where it failed."""
        return self.reply(self.send(operation, arguments, descriptors))

    def reply(self, number: int) -> dict:
        while number not in self.replies:
            if not self._receive():
                raise EOFError(f"the shim closed the connection instead of answering request {number}")
        kind, arguments = self.replies.pop(number)
        if kind == "failed":
            raise Failed(arguments)
        return arguments

    def event(self, kind: str, **wanted) -> dict:
        """The first event of this kind with these members; what came before stays."""
        while True:
            for index, (found, arguments) in enumerate(self.events):
                if found == kind and all(arguments.get(k) == v for k, v in wanted.items()):
                    del self.events[index]
                    return arguments
            if not self._receive():
                raise EOFError(f"the shim closed the connection before the event {kind}")

    def until_end(self) -> None:
        while self._receive():
            pass

    def _receive(self) -> bool:
        while True:
            if len(self.buffer) >= 8:
                length, count = struct.unpack_from("<II", self.buffer)
                if len(self.buffer) >= 8 + length:
                    message = json.loads(self.buffer[8 : 8 + length])
                    self.buffer = self.buffer[8 + length :]
                    message["args"]["descriptors"] = [self.descriptors.pop(0) for _ in range(count)]
                    if "event" in message:
                        self.events.append((message["event"], message["args"]))
                    else:
                        self.replies[message["id"]] = (message["reply"], message["args"])
                    return True
            try:
                data, found, _, _ = socket.recv_fds(self.socket, 65536, 16)
            except ConnectionResetError:
                data, found = b"", []
            self.descriptors += found
            if not data:
                self.ended = True
                return False
            self.buffer += data

    def close(self) -> None:
        self.socket.close()
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []


class Client:
    """One end of an attached stream, as a Docker client has it."""

    def __init__(self, tty: bool = False):
        self.id = uuid.uuid4().hex[:12]
        self.tty = tty
        self.mine, self.theirs = socket.socketpair()
        self.mine.settimeout(20 * settings.PATIENCE)
        self.raw = b""

    def request(self, **options) -> dict:
        return {"id": self.id, "stdout": True, "stderr": True, "stream": True, "detachKeys": "1011", **options}

    def handed_over(self) -> None:
        self.theirs.close()

    def send(self, data: bytes) -> None:
        self.mine.sendall(data)

    def end_input(self) -> None:
        self.mine.shutdown(socket.SHUT_WR)

    def read_until(self, wanted: bytes) -> bytes:
        """Raw bytes up to and with `wanted`."""
        while wanted not in self.raw:
            data = self.mine.recv(65536)
            if not data:
                raise EOFError(f"the stream ended before {wanted!r}: {self.raw!r}")
            self.raw += data
        end = self.raw.index(wanted) + len(wanted)
        found, self.raw = self.raw[:end], self.raw[end:]
        return found

    def read_all(self) -> tuple[bytes, bytes]:
        """stdout and stderr up to the end; with a terminal everything is stdout."""
        pieces = [self.raw]
        while data := self.mine.recv(65536):
            pieces.append(data)
        self.raw = b"".join(pieces)
        if self.tty:
            return self.raw, b""
        return self.frames()

    def frames(self) -> tuple[bytes, bytes]:
        parts, offset = {1: [], 2: []}, 0
        while offset < len(self.raw):
            assert len(self.raw) >= offset + 8, "the last frame's header is cut off"
            stream, length = struct.unpack_from(">BxxxI", self.raw, offset)
            assert len(self.raw) >= offset + 8 + length, "the last frame is cut off"
            parts[stream].append(self.raw[offset + 8 : offset + 8 + length])
            offset += 8 + length
        return b"".join(parts[1]), b"".join(parts[2])

    def close(self) -> None:
        self.mine.close()
        self.theirs.close()


def make_root(folder: Path) -> Path:
    """A root filesystem of busybox alone."""
    for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "root"):
        (folder / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, folder / "bin/busybox")
    for applet in subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\nalice:x:1000:\nstaff:x:50:alice\n")
    return folder


def process(*command: str, tty: bool = False, **more) -> dict:
    return {
        "args": list(command), "cwd": "/", "env": ["PATH=/bin:/usr/bin", "TERM=xterm"], "terminal": tty,
        "user": {"uid": 0, "gid": 0}, **more}


class Shim:
    """A shim with its folder, log and root filesystem; `close` leaves nothing."""

    def __init__(self, root: Path, binary: Path | None = None):
        self.id = uuid.uuid4().hex * 2
        self.base = Path(tempfile.mkdtemp(prefix="skiff-shim-", dir=settings.SCRATCH))
        self.folder = self.base / "run"
        self.folder.mkdir(mode=0o700)
        self.root = root
        self.log = self.base / "log.json"
        self.cgroup = f"/skiffshim{os.getpid()}/{self.id}"
        self.binary = binary or settings.BUILD / "skiff-shim"
        self.clients: list[Client] = []
        self.connections: list[Connection] = []
        self.process: subprocess.Popen | None = None

    def spawn(self) -> Connection:
        mine, theirs = socket.socketpair()

        def arrange() -> None:
            os.dup2(theirs.fileno(), 3)

        try:
            self.process = subprocess.Popen(
                [self.binary, "--dir", str(self.folder)], pass_fds=(3,), preexec_fn=arrange,
                start_new_session=True)
        finally:
            theirs.close()
        return self.add(Connection(mine))

    def add(self, connection: Connection) -> Connection:
        self.connections.append(connection)
        return connection

    def connect(self) -> Connection:
        """As a daemon that comes back."""
        again = socket.socket(socket.AF_UNIX)
        again.connect(str(self.folder / "shim.sock"))
        return self.add(Connection(again))

    def client(self, tty: bool = False) -> Client:
        self.clients.append(Client(tty))
        return self.clients[-1]

    def spec(self, *command: str, tty: bool = False, **more) -> dict:
        """Arguments of `create`; `more` replaces members of it, `spec_`… members of the specification."""
        spec = {
            "ociVersion": "1.2.0",
            "process": process(*command, tty=tty),
            "root": {"path": "rootfs"},
            "hostname": "shimtest",
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                 "options": ["newinstance", "ptmxmode=0666", "mode=0620"]},
            ],
            "linux": {
                "namespaces": [{"type": kind} for kind in NAMESPACES], "cgroupsPath": self.cgroup,
                **more.pop("linux", {})},
        }
        spec["process"].update(more.pop("process", {}))
        return {
            "containerID": self.id, "spec": spec, "root": {"directory": str(self.root)},
            "log": {"path": str(self.log), "maxFiles": 1}, **more}

    def run(self, *command: str, clients: list[Client] = (), options: dict | None = None, **more) -> Connection:
        """Creates and starts a container."""
        daemon = self.spawn()
        requests = [client.request(**(options or {})) for client in clients]
        if requests:
            more["attachments"] = requests
        self.created = daemon.call(
            "create", self.spec(*command, **more), [client.theirs.fileno() for client in clients])
        for client in clients:
            client.handed_over()
        for descriptor in self.created["descriptors"]:
            os.close(descriptor)
        self.started = daemon.call("start")
        return daemon

    def attach(self, daemon: Connection, client: Client, **options) -> Client:
        daemon.call("attach", client.request(**options), [client.theirs.fileno()])
        client.handed_over()
        return client

    def exec(self, daemon: Connection, name: str, *command: str, clients: list[Client] = (), tty: bool = False,
             options: dict | None = None, **more) -> dict:
        arguments = {"execID": name, "process": process(*command, tty=tty), **more}
        requests = [client.request(**(options or {})) for client in clients]
        if requests:
            arguments["attachments"] = requests
        reply = daemon.call("exec", arguments, [client.theirs.fileno() for client in clients])
        for client in clients:
            client.handed_over()
        return reply

    def log_entries(self, path: Path | None = None) -> list[dict]:
        return [json.loads(line) for line in (path or self.log).read_text().splitlines()]

    def log_text(self, stream: str = "stdout") -> str:
        return "".join(entry["log"] for entry in self.log_entries() if entry["stream"] == stream)

    def exit_record(self) -> dict:
        return json.loads((self.folder / "exit.json").read_text())

    def wait_gone(self) -> int:
        """Waits for the shim's end."""
        return self.process.wait(20 * settings.PATIENCE)

    def cgroups(self) -> list[str]:
        found = []
        for hierarchy in Path("/sys/fs/cgroup").iterdir():
            if (hierarchy / self.cgroup.lstrip("/")).exists():
                found.append(hierarchy.name)
        return found

    def close(self) -> None:
        for connection in self.connections:
            connection.close()
        for client in self.clients:
            client.close()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        state = self.folder / "state.json"
        if state.exists():
            pid = json.loads(state.read_text())["pid"]
            wait_for(lambda: not is_alive(pid), 10, f"the end of the container's process {pid}")
        remove_cgroups(self.cgroup)
        shutil.rmtree(self.base, ignore_errors=True)


def is_alive(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] not in "ZX"


def remove_cgroups(path: str) -> None:
    """What a shim that was killed leaves; its daemon does the same."""
    for hierarchy in Path("/sys/fs/cgroup").iterdir():
        for folder in (hierarchy / path.lstrip("/"), (hierarchy / path.lstrip("/")).parent):
            if folder.is_dir():
                def removed(folder=folder) -> bool:
                    try:
                        folder.rmdir()
                    except OSError:
                        return not folder.exists() or any(child.is_dir() for child in folder.iterdir())
                    return True
                wait_for(removed, 5, f"removal of {folder}")
