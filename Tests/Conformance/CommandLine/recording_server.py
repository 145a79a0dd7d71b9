"""A Docker API that records what a client asks for and answers just enough to keep it going."""

import json
import os
import socket
import struct
import threading
import urllib.parse

CONTAINER_ID = "c0ffee" + "0" * 58
EXEC_ID = "e4ec" + "0" * 60
REASONS = {101: "UPGRADED", 200: "OK", 201: "Created", 204: "No Content", 404: "Not Found", 409: "Conflict"}


class RecordingServer:
    """Listens on a unix socket; `requests` holds one dictionary per request, in the order of arrival."""

    def __init__(self, path, api_version="1.50", answers=None, output=b"hello\n", exit_code=0, tty=False):
        self.path = path
        self.api_version = api_version
        self.answers = answers or {}
        self.output = output
        self.exit_code = exit_code
        self.tty = tty
        self.requests = []
        self.started = threading.Event()
        self.stdin = b""
        self.exec_input = False
        self.lock = threading.Lock()
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def close(self):
        # The thread first: with the descriptor's number it would accept connections of whatever gets that number next.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        stream = connection.makefile("rb")
        try:
            while self._one(connection, stream):
                pass
        except (OSError, ValueError):
            pass
        finally:
            stream.close()
            connection.close()

    def _one(self, connection, stream):
        line = stream.readline()
        if not line:
            return False
        method, target, _ = line.decode().split(" ", 2)
        headers = {}
        while True:
            line = stream.readline().decode().rstrip("\r\n")
            if not line:
                break
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        body = self._body(stream, headers)
        url = urllib.parse.urlsplit(target)
        path = url.path
        parts = path.split("/", 2)
        if parts[1].startswith("v1."):
            path = "/" + parts[2]
        request = {
            "method": method,
            "path": path,
            "version": parts[1] if parts[1].startswith("v1.") else "",
            "query": dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)),
            "headers": headers,
            "body": body,
        }
        with self.lock:
            self.requests.append(request)
        return self._answer(connection, stream, request)

    @staticmethod
    def _body(stream, headers):
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                size = int(stream.readline().split(b";")[0], 16)
                body += stream.read(size)
                stream.readline()
                if size == 0:
                    break
        else:
            body = stream.read(int(headers.get("content-length") or 0))
        try:
            return json.loads(body) if body else None
        except ValueError:
            return {"raw": len(body)}

    def _send(self, connection, status, payload=None, raw=None, content_type="application/json", head=False):
        data = raw if raw is not None else (b"" if payload is None else json.dumps(payload).encode() + b"\n")
        text = "HTTP/1.1 %d %s\r\nApi-Version: %s\r\nDocker-Experimental: false\r\nOstype: linux\r\n" % (
            status, REASONS.get(status, "Status"), self.api_version)
        text += "Builder-Version: 1\r\nServer: Docker/28.2.2 (linux)\r\n"
        if status != 204:
            text += "Content-Type: %s\r\nContent-Length: %d\r\n" % (content_type, len(data))
        connection.sendall(text.encode() + b"\r\n" + (b"" if head else data))
        return True

    def _answer(self, connection, stream, request):
        method, path = request["method"], request["path"]
        key = method + " " + path
        version = request["version"]
        if version and tuple(map(int, version[1:].split("."))) > tuple(map(int, self.api_version.split("."))):
            return self._send(connection, 400, {
                "message": "client version %s is too new. Maximum supported API version is %s"
                % (version[1:], self.api_version)})
        if key in self.answers:
            status, payload = self.answers[key]
            return self._send(connection, status, payload)
        if path == "/_ping":
            return self._send(connection, 200, raw=b"OK", content_type="text/plain", head=method == "HEAD")
        if path == "/containers/create":
            return self._send(connection, 201, {"Id": CONTAINER_ID, "Warnings": []})
        if path.endswith("/attach") or (path.startswith("/exec/") and path.endswith("/start")):
            return self._stream(connection, stream, request)
        if path.endswith("/wait"):
            return self._wait(connection)
        if path.endswith("/start") and method == "POST":
            self.started.set()
            return self._send(connection, 204)
        if path.endswith("/exec"):
            self.exec_input = bool(request["body"].get("AttachStdin"))
            return self._send(connection, 201, {"Id": EXEC_ID})
        if path.startswith("/exec/") and path.endswith("/json"):
            return self._send(connection, 200, {"ID": EXEC_ID, "Running": False, "ExitCode": self.exit_code})
        if path.startswith("/containers/") and path.endswith("/json"):
            return self._send(connection, 200, self._container())
        if method == "GET":
            return self._send(connection, 200, [])
        return self._send(connection, 204)

    def _container(self):
        return {
            "Id": CONTAINER_ID, "Name": "/fake", "State": {"Running": True, "Status": "running", "ExitCode": 0},
            "Config": {"Tty": self.tty, "OpenStdin": False, "AttachStdin": False, "AttachStdout": True,
                       "AttachStderr": True},
            "HostConfig": {"AutoRemove": False, "LogConfig": {"Type": "json-file"}},
        }

    def _stream(self, connection, stream, request):
        if request["body"] and request["body"].get("Detach"):
            return self._send(connection, 200, {})
        kind = "application/vnd.docker.raw-stream" if self.tty else "application/vnd.docker.multiplexed-stream"
        connection.sendall(
            ("HTTP/1.1 101 UPGRADED\r\nContent-Type: %s\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
             "Api-Version: %s\r\n\r\n" % (kind, self.api_version)).encode())
        if request["path"].startswith("/containers/"):
            self.started.wait(1)
        if request["query"].get("stdin") == "1" or request["path"].startswith("/exec/") and self.exec_input:
            while True:
                data = stream.read1(65536)
                if not data:
                    break
                self.stdin += data
        if request["path"].startswith("/containers/") and request["query"].get("stdout") != "1":
            connection.shutdown(socket.SHUT_WR)
            return False
        connection.sendall(self.output if self.tty else struct.pack(">BxxxI", 1, len(self.output)) + self.output)
        connection.shutdown(socket.SHUT_WR)
        return False

    def _wait(self, connection):
        connection.sendall(
            ("HTTP/1.1 200 OK\r\nApi-Version: %s\r\nContent-Type: application/json\r\n"
             "Transfer-Encoding: chunked\r\n\r\n" % self.api_version).encode())
        self.started.wait(1)
        data = json.dumps({"StatusCode": self.exit_code}).encode() + b"\n"
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
        return True
