"""A skiff-registry for a test: started, talked to, killed."""

import hashlib
import json
import re
import signal
import subprocess
from pathlib import Path

import requests

from . import settings
from .waiting import wait_for

# Passwords "secret" and "hunter2", by bcrypt with its least cost.
HTPASSWD = (
    "alice:$2y$04$TNZeLFAQz1arizloobpCDeoMpjNQrhW/i7aqO1U1GXDZg6truTC2K\n"
    "bob:$2y$04$iD1xJscDpsTL3HpNLwfTt.VBPKfToMhpZlh0Ec51DOUKL.ab3sO.m\n"
)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


class Registry:
    def __init__(
        self, folder: Path, *flags: str, scheme: str = "http", port: int = 0, address: str = "127.0.0.1"
    ):
        self.address = address
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.flags = flags
        self.scheme = scheme
        self.port = port
        self.log = folder / "log"
        self.session = requests.Session()
        self.session.trust_env = False
        self.start()

    def start(self) -> None:
        before = self.log_text().count("registry listens")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [settings.BUILD / "skiff-registry", "serve", "--root", self.folder / "root", "--listen",
                 f"tcp://{self.address}:{self.port}", *self.flags], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def listening():
            assert self.process.poll() is None, self.log_text()
            return self.log_text().count("registry listens") > before
        wait_for(listening, 60, "the registry's start")
        self.port = int(re.findall(rf"registry listens.*tcp://{re.escape(self.address)}:(\d+)", self.log_text())[-1])

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> "Registry":
        return self

    def __exit__(self, *_) -> None:
        self.kill()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60 * settings.PATIENCE)

    def collect(self) -> str:
        """One run of the collector, to its end; the report."""
        before = self.log_text().count("report=")
        self.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: self.log_text().count("report=") > before, 60, "the collector's report")
        return self.log_text().rsplit("report=", 1)[1].splitlines()[0]

    # Requests

    def ask(self, method: str, path: str, status: int | None = None, **options) -> requests.Response:
        url = path if "://" in path else self.url + path
        answer = self.session.request(method, url, allow_redirects=False, timeout=60, **options)
        if status is not None:
            assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer

    def error(self, method: str, path: str, status: int, **options) -> str:
        """The code of a refusal."""
        return self.ask(method, path, status, **options).json()["errors"][0]["code"]

    def begin(self, name: str, **options) -> str:
        return self.ask("POST", f"/v2/{name}/blobs/uploads/", 202, **options).headers["Location"]

    def push_blob(self, name: str, content: bytes, algorithm: str = "sha256", **options) -> str:
        found = digest(content, algorithm)
        self.ask("PUT", f"{self.begin(name, **options)}?digest={found}", 201, data=content, **options)
        return found

    def push_manifest(self, name: str, tag: str, document: dict, **options) -> str:
        content = json.dumps(document).encode()
        answer = self.ask("PUT", f"/v2/{name}/manifests/{tag}", 201, data=content,
                          headers={"Content-Type": document["mediaType"]}, **options)
        assert answer.headers["Docker-Content-Digest"] == digest(content)
        return digest(content)

    def push_image(self, name: str, tag: str, layer: bytes = b"layer", extra: dict | None = None, **options) -> str:
        config = b'{"architecture":"amd64","os":"linux"}'
        document = {
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": self.push_blob(name, config, **options), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": self.push_blob(name, layer, **options), "size": len(layer)}],
        } | (extra or {})
        return self.push_manifest(name, tag, document, **options)
