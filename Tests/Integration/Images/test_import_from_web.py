"""`import` of an address: the daemon fetches the archive itself."""

import http.server
import io
import shutil
import tarfile
import threading

import pytest


class Files(http.server.BaseHTTPRequestHandler):
    """`/root.tar` is an archive; others answer otherwise."""

    archive = b""

    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/root.tar")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path in ("/root.tar", "/cut"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.archive)))
            self.end_headers()
            self.wfile.write(self.archive[:len(self.archive) // 2] if self.path == "/cut" else self.archive)
        elif self.path == "/circle":
            self.send_response(301)
            self.send_header("Location", "/circle")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def web():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.add(shutil.which("busybox") or "/bin/busybox", "bin/busybox")
    Files.archive = data.getvalue()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["root.tar", "moved"])
def test_an_address_is_fetched(cli, web, path):
    done = cli("import", "-c", 'CMD ["/bin/busybox", "echo", "fetched"]', f"{web}/{path}", "fetched:1")
    assert "Downloading from http://127.0.0.1:" in done.stdout and "sha256:" in done.stdout
    assert cli.out("run", "--rm", "fetched:1") == "fetched"
    assert cli.out("image", "inspect", "-f", "{{.Comment}}", "fetched:1") == f"Imported from {web}/{path}"
    cli("rmi", "fetched:1")


@pytest.mark.skiff_only
@pytest.mark.parametrize("path, words", [("nosuch", "404"), ("cut", "EOF"), ("circle", "redirects")])
def test_what_cannot_be_fetched_leaves_nothing(cli, machine, web, path, words):
    before = cli.out("images", "-aq")
    done = cli("import", f"{web}/{path}", "broken:1", status=1)
    assert words in done.stderr, done.stderr
    assert cli.out("images", "-aq") == before
    machine.assert_unchanged()


@pytest.mark.skiff_only
def test_what_is_no_address_is_refused(daemon):
    for source in ("ftp://x/y", "http://", "http://a b/"):
        answer = daemon.api("POST", f"/images/create?repo=x&fromSrc={source.replace(' ', '%20')}")
        assert answer.status == 400 and "address" in answer.message, source
