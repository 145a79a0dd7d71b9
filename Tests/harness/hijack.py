"""A hijacked connection: HTTP until the 101, then the streams of `attach` and `exec`."""

import json
import socket
import struct

from . import settings

NAMES = {0: "stdin", 1: "stdout", 2: "stderr"}


class Hijacked:
    """Posts to `path` with an upgrade request; `status` and `headers` are those of the answer."""

    def __init__(self, engine, path: str, body=None, upgrade: bool = True, timeout: float = 20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout * settings.PATIENCE)
        self.socket.connect(str(engine.socket))
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"POST {path} HTTP/1.1", "Host: docker", "Content-Type: application/json",
                 f"Content-Length: {len(data)}"]
        if upgrade:
            lines += ["Connection: Upgrade", "Upgrade: tcp"]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        self._rest = b""
        head = self._until(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head[1:] if ":" in line}

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            data = self.socket.recv(65536)
            if not data:
                break
            self._rest += data
        head, _, self._rest = self._rest.partition(mark)
        return head

    def _exactly(self, count: int) -> bytes:
        while len(self._rest) < count:
            data = self.socket.recv(65536)
            if not data:
                break
            self._rest += data
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def finish_input(self) -> None:
        """Half-close: the program reads the end of its standard input, its output still comes."""
        self.socket.shutdown(socket.SHUT_WR)

    def frame(self) -> tuple[str, bytes] | None:
        """The next frame of a multiplexed stream; nil at the end."""
        header = self._exactly(8)
        if len(header) < 8:
            assert header == b"", f"the stream ended inside a frame header: {header!r}"
            return None
        kind, size = struct.unpack(">BxxxI", header)
        data = self._exactly(size)
        assert len(data) == size, "the stream ended inside a frame"
        return NAMES[kind], data

    def frames(self) -> dict[str, bytes]:
        """All frames up to the end, joined by stream."""
        joined: dict[str, bytes] = {}
        while one := self.frame():
            joined[one[0]] = joined.get(one[0], b"") + one[1]
        return joined

    def raw(self) -> bytes:
        """All bytes up to the end."""
        data, self._rest = self._rest, b""
        while more := self.socket.recv(65536):
            data += more
        return data

    def close(self) -> None:
        self.socket.close()


def demultiplex(data: bytes) -> dict[str, bytes]:
    """The streams in the body of a `logs` answer."""
    joined: dict[str, bytes] = {}
    while data:
        kind, size = struct.unpack(">BxxxI", data[:8])
        joined[NAMES[kind]] = joined.get(NAMES[kind], b"") + data[8:8 + size]
        data = data[8 + size:]
    return joined
