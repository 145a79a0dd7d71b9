"""The API over TCP with TLS: who gets in, and streams that leave HTTP."""

import re
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from harness import settings
from harness.cli import Cli
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only


def openssl(*arguments) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_authority(folder: Path) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "ca.pem", folder / "ca-key.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            f"/CN=authority {folder.name}", "-keyout", key, "-out", certificate)
    return certificate, key


def issue(folder: Path, authority: tuple[Path, Path], name: str, extensions: str) -> tuple[Path, Path]:
    certificate, key, request = folder / f"{name}.pem", folder / f"{name}-key.pem", folder / f"{name}.csr"
    (folder / f"{name}.ext").write_text(extensions)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
            key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", authority[0], "-CAkey", authority[1], "-CAcreateserial", "-days", "2",
            "-extfile", folder / f"{name}.ext", "-out", certificate)
    return certificate, key


class Keys:
    def __init__(self, folder: Path):
        self.authority = make_authority(folder)
        self.server = issue(folder, self.authority, "server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth")
        self.client = issue(folder, self.authority, "client", "extendedKeyUsage=clientAuth")
        self.stranger = issue(folder, make_authority(folder / "other"), "stranger", "extendedKeyUsage=clientAuth")

    def flags(self) -> list[str]:
        return ["--tlsverify", "--tlscacert", str(self.authority[0]), "--tlscert", str(self.server[0]), "--tlskey",
                str(self.server[1])]

    def context(self, identity: tuple[Path, Path] | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority[0]))
        if identity:
            context.load_cert_chain(*identity)
        return context


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


def port_of(engine) -> int:
    return int(re.findall(r"API listens.*tcp://127\.0\.0\.1:(\d+)", engine.log.read_text())[-1])


@pytest.fixture
def served(new_daemon, keys):
    """A daemon with TLS, and the real docker command that speaks TLS with it."""
    engine = new_daemon("--host", "tcp://127.0.0.1:0", *keys.flags())
    return engine, Docker(engine, keys)


class Docker(Cli):
    def __init__(self, engine, keys):
        super().__init__("docker", engine)
        self.keys, self.port = keys, port_of(engine)

    def environment(self, **more):
        return super().environment(**more) | {"DOCKER_HOST": f"tcp://127.0.0.1:{self.port}"}

    def options(self, identity=None) -> list[str]:
        certificate, key = identity or self.keys.client
        return ["--tlsverify", "--tlscacert", str(self.keys.authority[0]), "--tlscert", str(certificate), "--tlskey",
                str(key)]

    def __call__(self, *arguments, **options):
        return super().__call__(*self.options(), *arguments, **options)


def test_docker_works_over_tls(served):
    engine, docker = served
    assert docker.out("version", "-f", "{{.Server.Version}}")
    assert docker.out("run", "--rm", "busybox", "echo", "hi") == "hi"
    assert docker("run", "--rm", "busybox", "sh", "-c", "exit 7", status=7)
    identifier = docker.out("run", "-d", "--name", "kept", "busybox", "sh", "-c", "echo logged; exec sleep 300")
    assert docker.out("exec", "kept", "echo", "inside") == "inside"
    wait_for(lambda: docker.out("logs", "kept") == "logged", 10)
    assert docker.out("inspect", "-f", "{{.Id}}", "kept") == identifier


def test_streams_end_one_direction_at_a_time(served):
    """Standard input ends, and the answer comes behind it: megabytes, both ways, through `run` and `exec`."""
    engine, docker = served
    content = bytes(range(256)) * (3 << 12)
    done = docker("run", "--rm", "-i", "busybox", "cat", input=content)
    assert done.raw == content
    docker("run", "-d", "--name", "kept", "busybox", "sleep", "300")
    done = docker("exec", "-i", "kept", "sh", "-c", "cat; echo; echo end", input=content)
    assert done.raw == content + b"\nend\n"
    counted = docker.out("exec", "-i", "kept", "sh", "-c", "wc -c", input=content)
    assert int(counted) == len(content)


def test_a_terminal_over_tls(served):
    engine, docker = served
    child = docker.terminal(*docker.options(), "run", "--rm", "-it", "busybox", "sh")
    child.expect("# ")
    child.sendline("echo $((6*7)); exit 3")
    child.expect("42")
    child.wait()
    assert child.exitstatus == 3


def test_a_client_that_goes_away_ends_its_session(served):
    """A connection that is cut is no end of standard input that anybody asked for, and leaves nothing behind."""
    engine, docker = served
    before = descriptors(engine)
    client = docker.popen(*docker.options(), "run", "-i", "--name", "cut", "busybox", "cat")
    client.stdin.write(b"line\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"line\n"
    client.kill()
    client.wait()
    for pipe in (client.stdin, client.stdout, client.stderr):
        pipe.close()
    docker("rm", "-f", "cut")
    wait_for(lambda: descriptors(engine) <= before, 20, "the end of the session's descriptors")


def descriptors(engine) -> int:
    links = [link for link in Path(f"/proc/{engine.process.pid}/fd").iterdir()]
    return sum(1 for link in links if target(link).startswith("socket:"))


def target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def test_who_has_no_right_certificate_is_refused(served, keys):
    engine, docker = served
    refused = Cli.__call__(docker, *docker.options(keys.stranger), "version", status=1)
    assert "tls" in refused.stderr or "certificate" in refused.stderr or "remote error" in refused.stderr
    for identity in (None, keys.stranger):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(docker.port, keys.context(identity))
    assert b"200 OK" in ask(docker.port, keys.context(keys.client))
    wait_for(lambda: "connection failed" in engine.log_text(), 10, "a line about who was refused")


def ask(port: int, context: ssl.SSLContext, request: bytes = b"GET /_ping HTTP/1.1\r\nHost: a\r\n\r\n") -> bytes:
    with socket.create_connection(("127.0.0.1", port), 20 * settings.PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(request)
            return connection.recv(4096)


def test_plain_requests_and_garbage_are_turned_away(served, keys):
    engine, docker = served
    def say(content: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", docker.port), 20 * settings.PATIENCE) as connection:
            connection.sendall(content)
            answer = b""
            try:
                while piece := connection.recv(4096):
                    answer += piece
            except ConnectionResetError:
                pass
            return answer
    assert b"Client sent an HTTP request to an HTTPS server." in say(b"GET /_ping HTTP/1.1\r\nHost: a\r\n\r\n")
    say(b"\x16\x03\x01\x00\x05hello")
    say(bytes(1000))
    assert b"200 OK" in ask(docker.port, keys.context(keys.client))


def test_curl_and_a_request_in_single_bytes(served, keys):
    engine, docker = served
    body = engine.run("curl", "-sS", "--cacert", str(keys.authority[0]), "--cert", str(keys.client[0]), "--key",
                      str(keys.client[1]), f"https://127.0.0.1:{docker.port}/_ping")
    assert body.stdout == "OK", body.stderr
    context = keys.context(keys.client)
    with socket.create_connection(("127.0.0.1", docker.port), 20 * settings.PATIENCE) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

        def send():
            for byte in outgoing.read():
                plain.sendall(bytes([byte]))
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                send()
                incoming.write(plain.recv(4096))
        session.write(b"GET /_ping HTTP/1.1\r\nHost: a\r\n\r\n")
        send()
        answer = b""
        while not answer.endswith(b"OK"):
            try:
                answer += session.read(4096)
            except ssl.SSLWantReadError:
                incoming.write(plain.recv(4096))
        assert answer.startswith(b"HTTP/1.1 200 OK")


def test_a_renewed_certificate_is_taken_over(new_daemon, tmp_path):
    keys = Keys(tmp_path)
    engine = new_daemon("--host", "tcp://127.0.0.1:0", *keys.flags(), images=())
    port = port_of(engine)

    def shown() -> bytes:
        with socket.create_connection(("127.0.0.1", port), 20 * settings.PATIENCE) as plain:
            with keys.context(keys.client).wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                return connection.getpeercert(binary_form=True)
    before = shown()
    issue(tmp_path, keys.authority, "server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth")
    assert shown() == before
    engine.process.send_signal(1)
    wait_for(lambda: shown() != before, 20, "the renewed certificate")


@pytest.mark.parametrize("broken", ["tlscert", "tlskey", "tlscacert"])
def test_files_that_cannot_be_used_are_named(keys, tmp_path, broken):
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    flags = keys.flags()
    flags[flags.index(f"--{broken}") + 1] = str(bad)
    done = subprocess.run(
        [settings.BUILD / "skiffd", "--data-root", tmp_path / "data", "--exec-root", tmp_path / "run", "--host",
         "tcp://127.0.0.1:0", *flags], capture_output=True, text=True, timeout=60 * settings.PATIENCE)
    assert done.returncode == 1 and str(bad) in done.stderr, done.stderr
