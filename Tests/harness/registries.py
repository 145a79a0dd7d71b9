"""Registries on the loopback for tests: Debian's docker-registry, and one that misbehaves as told."""

import gzip
import hashlib
import json
import subprocess
import threading
from pathlib import Path
from urllib.parse import urljoin

import requests

from . import settings
from .archives import layer
from .relay import LocalServer
from .waiting import wait_for

USER, PASSWORD = "jane", "geheim"
#: bcrypt of PASSWORD.
HTPASSWD = f"{USER}:$2y$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n"


def make_certificate(folder: Path, address: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    certificate, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=registry", "-addext", f"subjectAltName=IP:{address},DNS:localhost",
         "-keyout", key, "-out", certificate],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return certificate, key


class DebianRegistry:
    """docker-registry in the folder `folder`; `tls` and `password` as one likes."""

    def __init__(self, folder: Path, port: int, *, address: str = "127.0.0.1", tls: bool = False, password: bool = False):
        self.program = settings.peer("docker-registry")
        assert self.program, "docker-registry is missing: scripts/peers fetches it"
        self.folder, self.host = folder, f"{address}:{port}"
        folder.mkdir(parents=True, exist_ok=True)
        http_part = {"addr": self.host}
        if tls:
            self.certificate, key = make_certificate(folder, address)
            http_part["tls"] = {"certificate": str(self.certificate), "key": str(key)}
        config = {
            "version": 0.1, "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
            "http": http_part,
        }
        if password:
            (folder / "htpasswd").write_text(HTPASSWD)
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
        (folder / "config.yml").write_text(json.dumps(config))
        self.scheme = "https" if tls else "http"

    def __enter__(self) -> "DebianRegistry":
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", str(self.folder / "config.yml")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._answers, 30, "an answer of docker-registry")
        return self

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError((self.folder / "log").read_text())
        done = subprocess.run(
            ["curl", "-ksS", "-o", "/dev/null", "-w", "%{http_code}", f"{self.scheme}://{self.host}/v2/"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return done.stdout in ("200", "401")

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()

    def blob(self, digest: str) -> Path:
        return self.folder / "data/docker/registry/v2/blobs/sha256" / digest[7:9] / digest[7:] / "data"


#: Media types of a manifest, a configuration and a compressed layer.
OCI_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.config.v1+json",
             "application/vnd.oci.image.layer.v1.tar+gzip")
DOCKER_TYPES = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.container.image.v1+json",
                "application/vnd.docker.image.rootfs.diff.tar.gzip")
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


class Blobs:
    """Content by digest, with what a repository's tags lead to."""

    def __init__(self):
        self.content: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.tags: dict[str, str] = {}

    def put(self, data: bytes, media_type: str = "application/octet-stream") -> dict:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.content[digest], self.types[digest] = data, media_type
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def image(
        self, tag: str, layers: list[bytes], diff_ids: list[str], architecture: str = "amd64", *,
        variant: str | None = None, docker: bool = False
    ) -> dict:
        """An image of gzip layers, OCI's or of Docker's schema 2; returns its manifest's descriptor."""
        config = {
            "architecture": architecture, "os": "linux", "config": {"Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": [{"created_by": "test"} for _ in layers],
        } | ({"variant": variant} if variant else {})
        types = DOCKER_TYPES if docker else OCI_TYPES
        manifest = {
            "schemaVersion": 2, "mediaType": types[0],
            "config": self.put(json.dumps(config).encode(), types[1]),
            "layers": [self.put(one, types[2]) for one in layers],
        }
        descriptor = self.put(json.dumps(manifest).encode(), manifest["mediaType"])
        self.tags[tag] = descriptor["digest"]
        return descriptor

    def simple(self, tag: str, content: str, architecture: str = "amd64", **options) -> dict:
        """An image of one small layer with a file `name`."""
        plain = layer({"name": content})
        return self.image(tag, [gzip.compress(plain, mtime=0)], ["sha256:" + hashlib.sha256(plain).hexdigest()],
                          architecture, **options)

    def index(self, tag: str, members: list[dict], media_type: str = INDEX) -> dict:
        """An index of descriptors; returns its own."""
        index = {"schemaVersion": 2, "mediaType": media_type, "manifests": members}
        descriptor = self.put(json.dumps(index).encode(), media_type)
        self.tags[tag] = descriptor["digest"]
        return descriptor


def put_image(url: str, name: str, tag: str, blobs: Blobs, descriptor: dict, **options) -> None:
    """Puts an image of `blobs` into a registry by plain requests."""
    manifest = json.loads(blobs.content[descriptor["digest"]])
    for blob in [manifest["config"], *manifest["layers"]]:
        put_blob(url, name, blobs.content[blob["digest"]], **options)
    put_manifest(url, name, tag, blobs.content[descriptor["digest"]], descriptor["mediaType"], **options)


def put_blob(url: str, name: str, data: bytes, **options) -> str:
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    place = requests.post(f"{url}/v2/{name}/blobs/uploads/", **options)
    assert place.status_code == 202, place.text
    place = urljoin(url, place.headers["Location"])
    done = requests.put(place + ("&" if "?" in place else "?") + "digest=" + digest, data=data, **options)
    assert done.status_code == 201, done.text
    return digest


def put_manifest(url: str, name: str, tag: str, data: bytes, media_type: str, **options) -> None:
    done = requests.put(
        f"{url}/v2/{name}/manifests/{tag}", data=data, headers={"Content-Type": media_type}, **options)
    assert done.status_code == 201, done.text


class HostileRegistry(LocalServer):
    """Serves `Blobs`; `mischief(handler, kind, digest, data)` may answer in its own way and returns whether it did."""

    def __init__(self, blobs: Blobs, mischief=None, address: str = "127.0.0.1"):
        super().__init__(self.answer, address)
        self.blobs, self.mischief, self.requests = blobs, mischief, []
        self.lock = threading.Lock()

    def answer(self, handler) -> None:
        path = handler.path.split("?")[0]
        with self.lock:
            self.requests.append((handler.command, handler.path, dict(handler.headers)))
        if path == "/v2/":
            kind, digest, data = "ping", "", b"{}"
        elif "/manifests/" in path:
            name = path.rsplit("/", 1)[1]
            digest = self.blobs.tags.get(name, name)
            kind, data = "manifest", self.blobs.content.get(digest)
        else:
            digest = path.rsplit("/", 1)[1]
            kind, data = "blob", self.blobs.content.get(digest)
        if self.mischief and self.mischief(handler, kind, digest, data):
            return
        if data is None:
            return self.error(handler, 404, "MANIFEST_UNKNOWN" if kind == "manifest" else "BLOB_UNKNOWN")
        self.send(handler, digest, data)

    def send(self, handler, digest: str, data: bytes, length: int | None = None, cut: int | None = None) -> None:
        """The content, from where the client asked for it; `cut` closes the connection after so many bytes."""
        start, status = 0, 200
        wanted = handler.headers.get("Range")
        if wanted and wanted.startswith("bytes="):
            start, status = int(wanted[6:].split("-")[0]), 206
        body = data[start:]
        handler.send_response(status)
        handler.send_header("Content-Type", self.blobs.types.get(digest, "application/json"))
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        if digest:
            handler.send_header("Docker-Content-Digest", digest)
        if status == 206:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.end_headers()
        if handler.command == "HEAD":
            return
        handler.wfile.write(body if cut is None else body[:cut])
        if cut is not None and cut < len(body) or length is not None and length != len(body):
            handler.close_connection = True

    def error(self, handler, status: int, code: str = "UNKNOWN", fields: dict | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}).encode()
        handler.send_response(status)
        for name, value in (fields or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
