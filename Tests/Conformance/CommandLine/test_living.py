"""docker and skiff (under the name docker) against the same living daemon: the same output, messages and exit codes.

Before each command the scene is the same: what an earlier one removed, renamed or stopped is made again."""

import json
import os
import re
import shlex
import subprocess
import tarfile
from pathlib import Path

import pytest

from harness import images, settings
from harness.cli import Cli
from harness.engine import Skiff
from harness.waiting import wait_for

pytestmark = [pytest.mark.skiff_only, pytest.mark.docker28]
LINES = (Path(__file__).parent / "living.txt").read_text().splitlines()

#: What differs by chance, or because the clients are two programs. Each is replaced in both outputs.
CHANCE = [
    (re.compile(r"\b[0-9a-f]{64}\b"), "ID"), (re.compile(r"\b(?!172|10)[0-9a-f]{12}\b"), "SHORT"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d [\d:.]+ [+-]\d{4} \w+"), "TIME"),
    (re.compile(r"(Less than a|About an?|\d+) (second|minute|hour)s?"), "A WHILE"),
    (re.compile(r"(endpoint |/)[a-z]+_[a-z]+\d*( \(|/)"), r"\1NAME\2"),
    (re.compile(r"^( Version: +| Context: +| Runtimes: ).*$", re.MULTILINE), r"\1"),
    (re.compile(r"(Up|Exited \(\d+\)|Created) *A WHILE( ago)?"), r"\1"), (re.compile(r" {2,}"), "  "),
]


class Scene:
    """A daemon with containers and images that every command finds as they were."""

    def __init__(self, folder: Path):
        self.folder, self.engine = folder, Skiff()
        self.engine.start()
        self.engine.have("busybox")
        self.docker = Cli("docker", self.engine)
        (folder / "docker").symlink_to(settings.BUILD / "skiff")
        (folder / "env").write_text("# comment\nA=b c\nHOME\nX=\n")
        (folder / "archive.tar").symlink_to(images.archive("busybox", "docker"))
        (folder / "root").mkdir()
        with tarfile.open(folder / "root.tar", "w") as archive:
            archive.add(folder / "root", ".")
        self.docker("tag", "busybox", "keep:1")
        # Of the second in which it was made, nothing else: its time is the same for every command.
        self.script = "echo out; echo err >&2; echo more; sleep 1000"

    def set(self) -> None:
        """Makes what is missing."""
        for name in ("busybox:latest", "two:1", "keep:1"):
            if self.engine.api("GET", f"/images/{name}/json").status != 200:
                other = next(one for one in ("keep:1", "two:1", "busybox:latest") if self._has(one))
                self.docker("tag", other, name)
        for extra in ("a/b/c:d",):
            if self._has(extra):
                self.docker("rmi", extra)
        (self.folder / "cid").unlink(missing_ok=True)
        self._set_networks()
        wanted = {"one": "running", "two": "exited", "labelled": "exited", "spare": "running", "linked": "running"}
        found = {one["Names"][0][1:]: one for one in self.engine.api("GET", "/containers/json?all=1").json}
        for name, one in found.items():
            if wanted.get(name) != one["State"] or (name == "linked" and len(found.get("one", {"Names": []})["Names"]) < 2):
                self.engine.api("DELETE", f"/containers/{one['Id']}?force=1&v=1")
                found = {key: value for key, value in found.items() if key != name}
        if set(found) == set(wanted):
            return
        # Their order is that of their making.
        for one in found.values():
            self.engine.api("DELETE", f"/containers/{one['Id']}?force=1&v=1")
        run = self.docker
        run("run", "-d", "--name", "one", "-l", "k=v", "-p", "18301:80", "-v", "/usr/share:/data:ro", "--expose", "8080",
            "busybox", "sh", "-c", self.script)
        run("run", "--name", "two", "busybox", "sh", "-c", "echo two; exit 3", status=3)
        run("run", "--name", "labelled", "-l", "a=b", "--log-opt", "labels=a", "busybox", "echo", "x")
        run("run", "-d", "--name", "spare", "busybox", "sleep", "1000")
        run("run", "-d", "--name", "linked", "--link", "one:alias", "busybox", "sleep", "1000")
        wait_for(lambda: "more" in run.out("logs", "one"), 20, "the output of the first container")

    def _set_networks(self) -> None:
        """The one network `standing`, with nothing in it, and no other."""
        self.engine.remove_networks(keep="standing")
        if found := [one for one in self.engine.networks() if one["Name"] == "standing"]:
            for container in self.engine.api("GET", f"/networks/{found[0]['Id']}").json["Containers"]:
                body = {"Container": container, "Force": True}
                self.engine.api("POST", "/networks/standing/disconnect", body)
        else:
            self.docker("network", "create", "--subnet", "10.79.0.0/24", "--label", "k=v", "standing")

    def _has(self, image: str) -> bool:
        return self.engine.api("GET", f"/images/{image}/json").status == 200

    def run(self, program: str, line: str) -> dict:
        self.set()
        done = subprocess.run(
            [program, *shlex.split(line.replace("\\t", "\\\\t"))], cwd=self.folder, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=60 * settings.PATIENCE,
            env={**self.docker.environment(), "TZ": "UTC", "HOME": "/root"})
        result = {"exit": done.returncode}
        for stream in ("stdout", "stderr"):
            result[stream] = plain(getattr(done, stream).decode(errors="replace"), line)
        return result


def plain(text: str, line: str) -> list[str]:
    for pattern, replacement in CHANCE:
        text = pattern.sub(replacement, text)
    lines = text.splitlines()
    # The order in which Go prints a map's images of one age is an accident.
    return sorted(lines) if line.startswith(("images", "image ls")) else lines


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    made = Scene(tmp_path_factory.mktemp("living"))
    yield made
    made.engine.close()


@pytest.mark.parametrize("line", LINES)
def test_the_clients_do_the_same(scene, line):
    theirs = scene.run(settings.docker_client(), line)
    ours = scene.run(str(scene.folder / "docker"), line)
    assert ours == theirs


def test_addresses_of_the_daemon(scene):
    """`-H` wins over `SKIFF_HOST`, which wins over `DOCKER_HOST`; under the name docker only the last counts."""
    scene.set()
    skiff, good, bad = str(settings.BUILD / "skiff"), scene.engine.host, "unix:///nosuch"

    def reaches(program: str, *flags: str, **variables: str) -> bool:
        environment = {key: value for key, value in os.environ.items() if key not in ("DOCKER_HOST", "SKIFF_HOST")}
        done = subprocess.run([program, *flags, "ps", "--format", "{{.Names}}"], capture_output=True, text=True,
                              env={**environment, **variables}, timeout=60)
        assert done.returncode == 0 or "nnot connect" in done.stderr, done.stderr
        return done.returncode == 0 and "one" in done.stdout.split()

    assert reaches(skiff, "-H", good, SKIFF_HOST=bad, DOCKER_HOST=bad)
    assert reaches(skiff, SKIFF_HOST=good, DOCKER_HOST=bad) and not reaches(skiff, SKIFF_HOST=bad, DOCKER_HOST=good)
    assert reaches(skiff, DOCKER_HOST=good) and not reaches(skiff, "-H", bad, DOCKER_HOST=good)
    docker = str(scene.folder / "docker")
    assert reaches(docker, SKIFF_HOST=bad, DOCKER_HOST=good) and reaches(docker, "--host", good, DOCKER_HOST=bad)
    assert json.loads(subprocess.run([skiff, "info", "-f", "json"], capture_output=True, check=True,
                                     env={**os.environ, "SKIFF_HOST": good}).stdout)["Driver"] == "overlay2"


@pytest.mark.parametrize(("flags", "variables"), [
    (["--tls"], {}), (["--tlsverify"], {}), (["--tlsverify=false"], {}), ([], {"DOCKER_TLS_VERIFY": "1"}),
    ([], {"DOCKER_TLS": "1"}), (["-H", "https://127.0.0.1:1"], {}),
    (["--tls", "--tlscacert", "/x", "--tlscert", "/x", "--tlskey", "/x"], {})], ids=str)
def test_tls_is_refused_and_never_left_out(scene, flags, variables):
    """The client is a small static program without TLS: it says so, and what to do."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DOCKER_", "SKIFF_"))}
    host = {} if "-H" in flags else {"DOCKER_HOST": scene.engine.host}
    done = subprocess.run([settings.BUILD / "skiff", *flags, "ps"], capture_output=True, text=True, timeout=60,
                          env={**environment, **host, **variables})
    assert done.returncode == 1 and done.stdout == ""
    assert "has no TLS; use the docker command" in done.stderr and "ssh -N -L" in done.stderr


def test_certificates_alone_ask_for_no_tls(scene):
    """As with docker: they are used where something turns TLS on."""
    done = subprocess.run(
        [settings.BUILD / "skiff", "--tlscacert", "/x", "ps"], capture_output=True, text=True, timeout=60,
        env={**os.environ, "DOCKER_HOST": scene.engine.host, "DOCKER_CERT_PATH": "/x"})
    assert (done.returncode, done.stderr) == (0, "")
