"""skiff sends what the docker command sends: same requests, same bodies, for many command lines."""

import json
import os
import shlex
import shutil
import subprocess
import tempfile

import pytest

from harness import settings

from Conformance.CommandLine import command_lines
from Conformance.CommandLine.recording_server import RecordingServer

pytestmark = pytest.mark.docker28

SECCOMP = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}]}
VERSIONS = ["1.41", "1.50"]


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="skiff-cli-", dir="/tmp")
    with open(f"{path}/env", "w") as file:
        file.write("# comment\nFROM_FILE=1\nINHERITED\n\nSPACED=a b\n")
    with open(f"{path}/labels", "w") as file:
        file.write("from.file=1\nbare\n")
    with open(f"{path}/seccomp.json", "w") as file:
        json.dump(SECCOMP, file, indent=2)
    yield path
    shutil.rmtree(path)


def record(program, words, folder, version):
    """The requests of one command line, its output and its exit code."""
    with RecordingServer(f"{folder}/socket", version) as server:
        environment = dict(
            os.environ, DOCKER_HOST=f"unix://{folder}/socket", INHERITED="yes", C="inherited",
            DOCKER_CONFIG=f"{folder}/no-config")
        environment.pop("SKIFF_HOST", None)
        result = subprocess.run(
            [program, *words], env=environment, cwd=folder, input=b"typed\n", capture_output=True, timeout=30)
        if os.path.exists(f"{folder}/cid"):
            os.unlink(f"{folder}/cid")
        return normalize(server.requests, version), result, server.stdin


def normalize(requests, version):
    """Without the negotiation, which skiff saves, and without what is random in docker."""
    newest = tuple(map(int, version.split(".")))
    kept = []
    for request in requests:
        if request["path"] == "/_ping" or request["version"] and newest < tuple(
                map(int, request["version"][1:].split("."))):
            continue
        body = request["body"]
        if isinstance(body, dict) and body.get("Env"):
            body["Env"] = sorted(body["Env"])
        if isinstance(body, dict) and isinstance(body.get("IPAM"), dict):
            body["IPAM"]["Config"].sort(key=json.dumps)
        if isinstance(body, dict) and isinstance(body.get("HostConfig"), dict):
            binds = body["HostConfig"].get("Binds")
            if binds:
                body["HostConfig"]["Binds"] = sorted(binds)
        query = dict(request["query"])
        if "filters" in query:
            query["filters"] = json.loads(query["filters"])
        kept.append({
            "method": request["method"], "path": request["path"], "query": query, "body": body,
            "upgrade": request["headers"].get("upgrade", ""),
        })
    return kept


def difference(a, b, path=""):
    """Where two JSON values differ, as lines."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [line for key in sorted({**a, **b}) for line in difference(
            a.get(key, "<absent>"), b.get(key, "<absent>"), f"{path}.{key}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [line for index in range(len(a)) for line in difference(a[index], b[index], f"{path}[{index}]")]
    return [] if a == b else [f"{path}: docker {a!r}, skiff {b!r}"]


def order(request):
    return request["path"], json.dumps(request["query"], sort_keys=True)


def compare(line, folder, version, skips=lambda request: False):
    words = shlex.split(line.format(folder=folder) if "{folder}" in line else line)
    theirs, docker, _ = record(settings.docker_client(), words, folder, version)
    ours, skiff, _ = record(str(settings.BUILD / "skiff"), words, folder, version)
    theirs = [request for request in theirs if not skips(request)]
    ours = [request for request in ours if not skips(request)]
    # docker works on several containers side by side, and waits in the background.
    theirs.sort(key=order)
    ours.sort(key=order)
    detail = f"\ndocker: {docker.stderr.decode()}\nskiff: {skiff.stderr.decode()}"
    assert [(r["method"], r["path"]) for r in theirs] == [(r["method"], r["path"]) for r in ours], detail
    found = [text for a, b in zip(theirs, ours) for text in difference(a, b, a["path"])]
    assert not found, "\n".join(found) + detail
    return docker, skiff


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("line", command_lines.lines(command_lines.CREATE))
def test_create_sends_the_same_body(line, version, folder):
    docker, skiff = compare(line, folder, version)
    assert (docker.returncode, docker.stdout) == (skiff.returncode, skiff.stdout)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("line", command_lines.lines(command_lines.RUN))
def test_run_sends_the_same_requests(line, version, folder):
    detached = " -d " in line
    docker, skiff = compare(
        line, folder, version, skips=lambda request: detached and request["path"].endswith("/wait"))
    assert (docker.returncode, docker.stdout) == (skiff.returncode, skiff.stdout)


@pytest.mark.parametrize("line", command_lines.lines(command_lines.OTHER))
def test_commands_send_the_same_requests(line, folder):
    # Before an exec docker looks whether the container is there; the exec itself tells.
    if line.startswith("exec "):
        compare(line, folder, "1.50", skips=lambda request: request["path"].endswith("/json")
                and request["path"].startswith("/containers/"))
    elif line.startswith(("network rm", "network remove")):
        # docker asks first whether it is a swarm's routing mesh.
        compare(line, folder, "1.50", skips=lambda request: request["method"] == "GET")
    else:
        compare(line, folder, "1.50")


@pytest.mark.parametrize("version", ["1.41", "1.43"])
def test_older_daemons_are_asked_to_refuse_a_name_that_is_there(version, folder):
    compare("network create foo", folder, version)
