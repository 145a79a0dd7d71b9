"""Every registry with every client: what one pushes, all pull, over TLS and with a password or token."""

import gzip
import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import requests
from harness import settings
from harness.archives import image_with_layers, layer
from harness.registries import INDEX, OCI_TYPES, Blobs, DebianRegistry, make_certificate, put_blob, put_image, put_manifest
from harness.registry import HTPASSWD, Registry

pytestmark = pytest.mark.skiff_only

ADDRESS = "10.199.0.1"
CLIENTS = ("skiff", "docker", "podman", "skopeo")


@pytest.fixture(scope="module", autouse=True)
def etc(tmp_path_factory):
    """/etc may be changed: certificates belong there. The changes go with the tests."""
    folder = tmp_path_factory.mktemp("etc")
    for name in ("upper", "work"):
        (folder / name).mkdir()
    subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/etc,upperdir={folder}/upper,workdir={folder}/work",
         "/etc"], check=True)
    subprocess.run(["ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo"], check=True)
    yield
    subprocess.run(["umount", "-l", "/etc"], check=True)


class Secured:
    """A registry that only jane and alice may use, and the certificate that it shows."""

    def __init__(self, server, user: str, password: str, certificate: Path):
        self.server, self.user, self.password, self.certificate = server, user, password, certificate
        for folder in ("docker", "containers"):
            place = Path(f"/etc/{folder}/certs.d") / server.host
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(certificate, place / "ca.crt")

    @property
    def host(self) -> str:
        return self.server.host

    @property
    def creds(self) -> str:
        return f"{self.user}:{self.password}"

    def token(self, path: str, actions: str) -> dict:
        """What `requests` needs to get in."""
        auth, options = (self.user, self.password), {"verify": str(self.certificate)}
        asked = requests.get(f"https://{self.host}/v2/", **options).headers["WWW-Authenticate"]
        if asked.lower().startswith("basic"):
            return {**options, "auth": auth}
        parts = dict(part.split("=", 1) for part in asked.split(" ", 1)[1].split(","))
        answer = requests.get(
            parts["realm"].strip('"'), auth=auth, **options,
            params={"service": parts["service"].strip('"'), "scope": f"repository:{path}:{actions}"}).json()
        token = answer.get("token") or answer["access_token"]

        class Bearer(requests.auth.AuthBase):
            def __call__(self, request):
                request.headers["Authorization"] = f"Bearer {token}"
                return request
        return {**options, "auth": Bearer()}


@pytest.fixture(scope="module", params=["debian", "skiff", "skiff-token"])
def registry(request, tmp_path_factory, etc):
    folder = tmp_path_factory.mktemp("registry")
    if request.param == "debian":
        with DebianRegistry(folder, 5911, address=ADDRESS, tls=True, password=True) as server:
            yield Secured(server, "jane", "geheim", server.certificate)
        return
    certificate, key = make_certificate(folder, ADDRESS)
    (folder / "htpasswd").write_text(HTPASSWD)
    flags = ["--htpasswd", str(folder / "htpasswd"), "--tls-cert", str(certificate), "--tls-key", str(key)]
    if request.param == "skiff-token":
        flags += ["--auth", "token"]
    with Registry(folder / "registry", *flags, scheme="https", address=ADDRESS) as server:
        yield Secured(server, "alice", "secret", certificate)


@pytest.fixture(scope="module")
def engine():
    from harness.engine import engine_under_test
    one = engine_under_test().start()
    yield one
    one.close()


class Programs:
    """The four clients, by one interface: `push` sends the image in `archive`, `pull` returns the configuration's digest."""

    def __init__(self, engine, archive: Path, identifier: str, folder: Path):
        self.engine, self.archive, self.identifier, self.folder = engine, archive, identifier, folder
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')

    def cli(self, client: str, registry: Secured, *arguments: str) -> str:
        cli = self.engine.cli(client)
        cli("login", "-u", registry.user, "--password-stdin", registry.host, input=registry.password)
        return cli.out(*arguments, timeout=120)

    def run(self, *command: str) -> str:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120 * settings.PATIENCE)
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def podman(self, *arguments: str) -> str:
        program = settings.peer("podman")
        assert program, "podman is missing: scripts/peers fetches it"
        return self.run(program, "--root", str(self.folder / "r"), "--runroot", str(self.folder / "u"),
                        "--storage-driver", "vfs", *arguments)

    def push(self, client: str, registry: Secured, there: str) -> None:
        if client in ("skiff", "docker"):
            with self.archive.open("rb") as data:
                assert self.engine.api("POST", "/images/load?quiet=1", body=data.read()).status == 200
            self.cli(client, registry, "tag", self.identifier, there)
            self.cli(client, registry, "push", there)
        elif client == "podman":
            self.podman("load", "-q", "--signature-policy", str(self.folder / "policy.json"), "-i", str(self.archive))
            self.podman("tag", self.identifier.removeprefix("sha256:"), there)
            self.podman("push", "-q", "--creds", registry.creds, "--signature-policy", str(self.folder / "policy.json"),
                        there)
        else:
            self.run("skopeo", "--insecure-policy", "copy", "-q", "--dest-creds", registry.creds,
                     f"docker-archive:{self.archive}", f"docker://{there}")

    def pull(self, client: str, registry: Secured, there: str) -> str:
        if client in ("skiff", "docker"):
            cli = self.engine.cli(client)
            cli("rmi", "-f", there, self.identifier, status=None)
            self.cli(client, registry, "pull", "-q", there)
            return cli.out("image", "inspect", "-f", "{{.Id}}", there)
        if client == "podman":
            self.podman("rmi", "-fa")
            name = self.podman("pull", "-q", "--creds", registry.creds, "--signature-policy",
                               str(self.folder / "policy.json"), there).strip()
            return "sha256:" + name
        target = self.folder / "layout"
        shutil.rmtree(target, ignore_errors=True)
        self.run("skopeo", "--insecure-policy", "copy", "-q", "--src-creds", registry.creds, f"docker://{there}",
                 f"dir:{target}")
        return json.loads((target / "manifest.json").read_text())["config"]["digest"]


@pytest.fixture(scope="module")
def programs(engine, tmp_path_factory):
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pm", dir=settings.SCRATCH))  # podman takes no long names
    archive = image_with_layers(tmp_path_factory.mktemp("image"), "matrix:1", [{"one": "1" * 5000}, {"two": "2"}])
    with archive.open("rb") as data:
        assert engine.api("POST", "/images/load?quiet=1", body=data.read()).status == 200
    identifier = engine.api("GET", "/images/matrix:1/json").json["Id"]
    yield Programs(engine, archive, identifier, folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("pusher", CLIENTS)
def test_what_one_pushes_all_pull(programs, registry, pusher):
    there = f"{registry.host}/matrix/{pusher}:1"
    programs.push(pusher, registry, there)
    assert {puller: programs.pull(puller, registry, there) for puller in CLIENTS} == dict.fromkeys(
        CLIENTS, programs.identifier)


@pytest.mark.parametrize("client", CLIENTS)
def test_nobody_gets_in_without_a_password(programs, registry, client):
    there = f"{registry.host}/matrix/nobody:1"
    wrong = Secured(registry.server, registry.user, "wrong", registry.certificate)
    if client in ("skiff", "docker"):
        cli = programs.engine.cli(client)
        cli("logout", registry.host)
        assert cli("pull", there, status=1).stderr
        assert "unauthorized" in cli(
            "login", "-u", registry.user, "--password-stdin", registry.host, input="wrong", status=1).stderr.lower()
    else:
        with pytest.raises(AssertionError, match="(?i)unauthorized|authentication|password"):
            programs.pull(client, wrong, there)


@pytest.fixture(scope="module")
def index(registry):
    """An index for three machines, and a signature that refers to it; returns the digests."""
    path, options = "matrix/many", registry.token("matrix/many", "pull,push")
    url, members, images = f"https://{registry.host}", [], {}
    for architecture, variant in (("amd64", None), ("arm64", "v8"), ("arm", "v7")):
        blobs = Blobs()
        plain = layer({"machine": architecture})
        descriptor = blobs.image(architecture, [gzip.compress(plain, mtime=0)],
                                 ["sha256:" + hashlib.sha256(plain).hexdigest()], architecture, variant=variant)
        put_image(url, path, descriptor["digest"], blobs, descriptor, **options)
        images[architecture] = json.loads(blobs.content[descriptor["digest"]])["config"]["digest"]
        members.append(descriptor | {"platform": {"os": "linux", "architecture": architecture} | (
            {"variant": variant} if variant else {})})
    content = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": members}).encode()
    put_manifest(url, path, "all", content, INDEX, **options)
    subject = {"mediaType": INDEX, "digest": "sha256:" + hashlib.sha256(content).hexdigest(), "size": len(content)}
    empty, signature = b"{}", b"signed: yes"
    artifact = json.dumps({
        "schemaVersion": 2, "mediaType": OCI_TYPES[0], "artifactType": "application/vnd.example.signature",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": put_blob(url, path, empty, **options),
                   "size": len(empty)},
        "layers": [{"mediaType": "text/plain", "digest": put_blob(url, path, signature, **options),
                    "size": len(signature)}], "subject": subject}).encode()
    reference = "sha256:" + hashlib.sha256(artifact).hexdigest()
    put_manifest(url, path, reference, artifact, OCI_TYPES[0], **options)
    return {"digest": subject["digest"], "images": images, "signature": reference, "artifact": artifact}


@pytest.mark.parametrize("client", CLIENTS)
def test_index_gives_each_machine_its_image(programs, registry, index, client):
    there = f"{registry.host}/matrix/many"
    for architecture, name in (("amd64", f"{there}:all"), ("arm64", f"{there}@{index['digest']}")):
        if client in ("skiff", "docker"):
            cli = programs.engine.cli(client)
            programs.cli(client, registry, "pull", "-q", "--platform", f"linux/{architecture}", name)
            assert cli.out("image", "inspect", "-f", "{{.Id}}", name) == index["images"][architecture]
            cli("rmi", "-f", index["images"][architecture])
        elif client == "podman":
            programs.podman("rmi", "-fa")
            found = programs.podman(
                "pull", "-q", "--creds", registry.creds, "--signature-policy", str(programs.folder / "policy.json"),
                "--arch", architecture, name).strip()
            assert "sha256:" + found == index["images"][architecture]
        else:
            shown = programs.run("skopeo", "inspect", "--raw", "--config", "--override-arch", architecture, "--creds",
                                 registry.creds, f"docker://{name}")
            assert json.loads(shown)["architecture"] == architecture


def test_signature_is_found_by_what_it_refers_to(programs, registry, index):
    """By the list of referrers where the registry has one (Docker's has not), by its digest everywhere; it is no image."""
    options = registry.token("matrix/many", "pull")
    listed = requests.get(f"https://{registry.host}/v2/matrix/many/referrers/{index['digest']}", **options)
    if isinstance(registry.server, Registry):
        found = listed.json()["manifests"]
        assert [one["digest"] for one in found] == [index["signature"]]
        assert found[0]["artifactType"] == "application/vnd.example.signature"
    raw = programs.run("skopeo", "inspect", "--raw", "--creds", registry.creds,
                       f"docker://{registry.host}/matrix/many@{index['signature']}")
    assert raw.encode() == index["artifact"]
    cli = programs.engine.cli("skiff")
    cli("login", "-u", registry.user, "--password-stdin", registry.host, input=registry.password)
    shown = cli.out("manifest", "inspect", f"{registry.host}/matrix/many@{index['signature']}")
    assert json.loads(shown) == json.loads(index["artifact"])
    refused = cli("pull", f"{registry.host}/matrix/many@{index['signature']}", status=1)
    assert "is an artifact" in refused.stderr
