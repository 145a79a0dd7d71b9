"""Requests whose body is worked on while it comes: answers before its end, clients that leave, clients that wait."""

import contextlib
import io
import os
import select
import socket
import tarfile

from harness import settings
from harness.waiting import wait_for


class Upload:
    """A connection that sends a chunked body by hand."""

    def __init__(self, engine, target: str):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20 * settings.PATIENCE)
        self.socket.connect(str(engine.socket))
        self.rest = b""
        self.socket.sendall(f"POST {target} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/x-tar\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n".encode())

    def send(self, data: bytes) -> None:
        self.socket.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def finish(self) -> None:
        self.socket.sendall(b"0\r\n\r\n")

    def is_answered(self, seconds: float) -> bool:
        return bool(select.select([self.socket], [], [], seconds)[0])

    def answer(self) -> tuple[int, bytes]:
        head = self._until(b"\r\n\r\n").lower()
        status = int(head.split()[1])
        if b"transfer-encoding: chunked" in head:
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self._exactly(size)
                self._exactly(2)
            self._exactly(2)
            return status, body
        length = int(head.split(b"content-length:")[1].split()[0]) if b"content-length:" in head else 0
        return status, self._exactly(length)

    def ping(self) -> int:
        self.socket.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
        return self.answer()[0]

    def _fill(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the daemon closed the connection: {self.rest!r}")
        self.rest += data

    def _until(self, mark: bytes) -> bytes:
        while mark not in self.rest:
            self._fill()
        found, _, self.rest = self.rest.partition(mark)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self.rest) < count:
            self._fill()
        found, self.rest = self.rest[:count], self.rest[count:]
        return found

    def close(self) -> None:
        self.socket.close()


def _archive(size: int) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        info = tarfile.TarInfo("file")
        info.size = size
        archive.addfile(info, io.BytesIO(b"x" * size))
    return data.getvalue()


def test_an_import_that_is_answered_before_its_last_chunk_keeps_its_connection(daemon):
    """The archive tells its end itself; the body's comes a moment later, and then the next request."""
    with contextlib.closing(Upload(daemon, "/images/create?fromSrc=-&repo=early&tag=1")) as upload:
        upload.send(_archive(100))
        # Where the daemon waits for the end of the body there is no answer yet, which is as good.
        upload.is_answered(2)
        upload.finish()
        status, body = upload.answer()
        assert status == 200 and b"sha256:" in body
        assert upload.ping() == 200
    assert daemon.api("DELETE", "/images/early:1").status == 200


def test_a_refused_upload_gets_its_answer_although_more_comes(daemon):
    with contextlib.closing(Upload(daemon, "/images/create?fromSrc=-&changes=NOSUCH")) as upload:
        upload.is_answered(20 * settings.PATIENCE)
        for _ in range(16):
            upload.send(bytes(65536))
        upload.finish()
        assert upload.answer()[0] == 400
        assert upload.ping() == 200


def test_uploads_that_do_not_go_on_hold_up_nobody(daemon):
    with contextlib.ExitStack() as open_uploads:
        waiting = [Upload(daemon, "/images/load") for _ in range(60)]
        for upload in waiting:
            open_uploads.callback(upload.close)
        created = daemon.api("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"]}).json["Id"]
        assert daemon.api("POST", f"/containers/{created}/start").status == 204
        assert daemon.api("POST", f"/containers/{created}/wait").json["StatusCode"] == 0
        assert daemon.api("DELETE", f"/containers/{created}").status == 204


def test_clients_that_leave_in_the_middle_leave_nothing(daemon):
    """Neither a thread that waits for them nor a temporary file; the next one is served."""
    tasks = f"/proc/{int(daemon.pidfile.read_text())}/task"
    data = _archive(3_000_000)
    before = _temporaries(daemon)
    for number in range(40):
        for target in ("/images/load", "/images/create?fromSrc=-&repo=left"):
            upload = Upload(daemon, target)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                upload.send(data[: number * 70_000])
            upload.close()
    with contextlib.closing(Upload(daemon, "/images/create?fromSrc=-&repo=whole&tag=1")) as upload:
        upload.send(data)
        upload.finish()
        assert upload.answer()[0] == 200
    assert daemon.api("DELETE", "/images/whole:1").status == 200
    wait_for(lambda: _temporaries(daemon) == before, 20, "the end of the temporary files")
    wait_for(lambda: len(os.listdir(tasks)) < 60, 20, "the end of the uploads' threads")


def _temporaries(daemon) -> list[str]:
    # Folders that vanish meanwhile are passed over.
    return sorted(os.path.join(folder, name) for folder, folders, files in os.walk(daemon.data_root)
                  for name in folders + files if "tmp" in name)
