"""What skiff prints, installed under the name docker, is what docker prints: tables, formats, refusals, exit codes."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from harness import settings

from Conformance.CommandLine.recording_server import RecordingServer

pytestmark = pytest.mark.docker28

HERE = Path(__file__).parent
LINES = (HERE / "outputs.txt").read_text().split("\n")[:-1]

#: Where skiff says more or less on purpose: only the exit code and the stream have to be the same.
LOOSE = {
    "container": "the commands of a group, in our words",
    "container frob": "a suggestion may follow", "image frob": "a suggestion may follow", "frob": "a suggestion may follow",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    (folder / "docker").symlink_to(settings.BUILD / "skiff")
    answers = {key: (200, value) for key, value in json.loads((HERE / "answers.json").read_text()).items()}
    with RecordingServer(str(folder / "socket"), answers=answers) as server:
        yield folder, server


def run(program, line, folder):
    environment = dict(
        os.environ, DOCKER_HOST=f"unix://{folder}/socket", DOCKER_CONFIG=f"{folder}/no-config", TZ="UTC")
    environment.pop("SKIFF_HOST", None)
    result = subprocess.run(
        [program, *shlex.split(line.replace("\\t", "\\\\t"))], env=environment, capture_output=True, timeout=30,
        stdin=subprocess.DEVNULL)
    return {"stdout": result.stdout.decode(), "stderr": result.stderr.decode(), "exit": result.returncode}


@pytest.mark.parametrize("line", LINES)
def test_output_is_dockers(line, place):
    folder, _ = place
    theirs = run(settings.docker_client(), line, folder)
    ours = run(str(folder / "docker"), line, folder)
    if line in LOOSE:
        assert (ours["exit"], bool(ours["stdout"]), bool(ours["stderr"])) == (
            theirs["exit"], bool(theirs["stdout"]), bool(theirs["stderr"]))
    else:
        assert ours == theirs
