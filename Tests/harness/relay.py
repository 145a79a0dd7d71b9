"""What stands between a client and a registry in tests: an HTTP server that forwards, watches and meddles, and a proxy."""

import base64
import http.client
import http.server
import json
import select
import socket
import ssl
import threading
from dataclasses import dataclass, field

BLOCK = 64 << 10


class CutConnection(Exception):
    """Raised by a meddler: the client's connection ends here, without an answer."""


@dataclass
class Exchange:
    """One request that went through."""

    method: str
    path: str
    fields: dict[str, str]
    status: int = 0
    #: Bytes of the request's body that came from the client.
    received: int = 0
    #: Bytes of the answer's body that went to the client.
    sent: int = 0
    #: Set when the client has closed the connection before everything was sent.
    is_broken: bool = field(default=False)


class Server(http.server.ThreadingHTTPServer):
    """Threads that end with the process, and TLS handshakes in the connection's own thread."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, handler, context: ssl.SSLContext | None):
        super().__init__(address, handler)
        self.context = context

    def finish_request(self, request, client_address):
        if self.context:
            raw = request.dup()
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except OSError:
                # A client that does not trust us, or whom we do not: it shall read why, which a reset would take away.
                raw.settimeout(10)
                try:
                    while raw.recv(BLOCK):
                        pass
                except OSError:
                    pass
                return
            finally:
                raw.close()
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # a connection that a test cut


class LocalServer:
    """Life of a server in a `with` block."""

    def __init__(self, answer, address: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                try:
                    answer(self)
                except (OSError, CutConnection):
                    self.close_connection = True

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = do_GET

        self.server = Server((address, port), Handler, context)
        self.scheme = "https" if context else "http"
        self.host = f"{address}:{self.server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def reply(handler, status: int, body: bytes = b"", fields: dict[str, str] | None = None) -> bool:
    """A whole answer; the connection ends when the request's body was not read."""
    handler.send_response(status)
    for name, value in (fields or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    if handler.headers.get("Content-Length", "0") != "0" or handler.headers.get("Transfer-Encoding"):
        handler.send_header("Connection", "close")
        handler.close_connection = True
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)
    return True


def reply_json(handler, value, status: int = 200) -> bool:
    return reply(handler, status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def refuse(handler, status: int, code: str = "UNKNOWN", fields: dict[str, str] | None = None) -> bool:
    body = json.dumps({"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}).encode()
    return reply(handler, status, body, {"Content-Type": "application/json", **(fields or {})})


def request_pieces(handler):
    """The body of a request as it comes."""
    if handler.headers.get("Transfer-Encoding", "").lower() == "chunked":
        while True:
            size = int(handler.rfile.readline().split(b";")[0], 16)
            left = size
            while left:
                data = handler.rfile.read1(min(left, BLOCK))
                if not data:
                    raise CutConnection
                left -= len(data)
                yield data
            handler.rfile.readline()
            if size == 0:
                return
    left = int(handler.headers.get("Content-Length") or 0)
    while left:
        data = handler.rfile.read1(min(left, BLOCK))
        if not data:
            raise CutConnection
        left -= len(data)
        yield data


class Relay(LocalServer):
    """Forwards to the registry at `target` (`HOST:PORT`, plain HTTP).

    `meddle(handler, exchange)` may answer itself and returns whether it did; `while_receiving(exchange)` is called for
    every piece of an upload, `while_sending(exchange)` for every piece of a download. Each may raise `CutConnection`.
    """

    def __init__(self, target: str, meddle=None, *, while_receiving=None, while_sending=None, **options):
        super().__init__(self._answer, **options)
        self.target, self.meddle = target, meddle
        self.while_receiving, self.while_sending = while_receiving, while_sending
        self.exchanges: list[Exchange] = []

    def _answer(self, handler) -> None:
        exchange = Exchange(handler.command, handler.path, dict(handler.headers))
        self.exchanges.append(exchange)
        if self.meddle and self.meddle(handler, exchange):
            return
        upstream = http.client.HTTPConnection(self.target, timeout=60)
        try:
            self._forward(handler, exchange, upstream)
        except (OSError, http.client.HTTPException):
            exchange.is_broken = True
            raise CutConnection from None
        except CutConnection:
            exchange.is_broken = True
            raise
        finally:
            upstream.close()

    def _forward(self, handler, exchange: Exchange, upstream) -> None:
        upstream.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() not in ("connection", "authorization"):
                upstream.putheader(name, value)
        if self.scheme == "https":
            upstream.putheader("X-Forwarded-Proto", "https")
        upstream.putheader("Connection", "close")
        upstream.endheaders()
        is_chunked = handler.headers.get("Transfer-Encoding", "").lower() == "chunked"
        for data in request_pieces(handler):
            exchange.received += len(data)
            if self.while_receiving:
                self.while_receiving(exchange)
            upstream.send(b"%x\r\n%s\r\n" % (len(data), data) if is_chunked else data)
        if is_chunked:
            upstream.send(b"0\r\n\r\n")
        answer = upstream.getresponse()
        exchange.status = answer.status
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                handler.send_header(name, value)
        if answer.getheader("Content-Length") is None:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        while handler.command != "HEAD" and (data := answer.read1(BLOCK)):
            if self.while_sending:
                self.while_sending(exchange)
            handler.wfile.write(data)
            exchange.sent += len(data)

    # What went through

    def seen(self, method: str, part: str = "", status: int | None = None) -> list[Exchange]:
        return [one for one in self.exchanges
                if one.method == method and part in one.path and status in (None, one.status)]

    def bytes_of_blobs(self) -> int:
        """How much of blobs was sent to clients."""
        return sum(one.sent for one in self.exchanges if one.method == "GET" and "/blobs/sha256" in one.path)

    def bytes_of_uploads(self) -> int:
        return sum(one.received for one in self.exchanges if "/blobs/uploads/" in one.path)


class Proxy(LocalServer):
    """An HTTP proxy: CONNECT, and plain requests with a whole address. `password` is `USER:PASSWORD`; with `context` the
    proxy itself is reached by TLS."""

    def __init__(self, address: str = "127.0.0.1", password: str | None = None, context: ssl.SSLContext | None = None):
        super().__init__(self._answer, address=address, context=context)
        self.asked: list[tuple[str, str]] = []
        self.expected = password and "Basic " + base64.b64encode(password.encode()).decode()

    def _answer(self, handler) -> None:
        if self.expected and handler.headers.get("Proxy-Authorization") != self.expected:
            reply(handler, 407, b"", {"Proxy-Authenticate": 'Basic realm="proxy"'})
            return
        self.asked.append((handler.command, handler.path))
        if handler.command == "CONNECT":
            return self._tunnel(handler)
        rest = handler.path.removeprefix("http://")
        host, _, path = rest.partition("/")
        assert "Proxy-Authorization" not in path
        upstream = http.client.HTTPConnection(host, timeout=60)
        body = b"".join(request_pieces(handler))
        fields = {name: value for name, value in handler.headers.items()
                  if not name.lower().startswith(("proxy-", "connection", "transfer-encoding"))}
        upstream.request(handler.command, "/" + path, body=body or None, headers=fields)
        answer = upstream.getresponse()
        data = answer.read()
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", answer.getheader("Content-Length") or str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
        upstream.close()

    def _tunnel(self, handler) -> None:
        host, _, port = handler.path.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=60) as upstream:
            handler.send_response(200)
            handler.end_headers()
            ends = {handler.connection: upstream, upstream: handler.connection}
            while True:
                # A record of TLS may hold more than was asked for, of which select knows nothing.
                held = [one for one in ends if isinstance(one, ssl.SSLSocket) and one.pending()]
                for one in held or select.select(list(ends), [], [])[0]:
                    data = one.recv(BLOCK)
                    if not data:
                        handler.close_connection = True
                        return
                    ends[one].sendall(data)
