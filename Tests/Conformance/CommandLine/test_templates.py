"""`inspect --format` prints what Docker's prints, template by template: the same text, the same messages."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from harness import settings

from Conformance.CommandLine.recording_server import RecordingServer

pytestmark = pytest.mark.docker28

HERE = Path(__file__).parent
TEMPLATES = (HERE / "templates.txt").read_text().split("\n")[:-1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("cli") / "socket")
    container = json.loads((HERE / "container.json").read_text())
    with RecordingServer(path, answers={"GET /containers/w1/json": (200, container)}) as server:
        yield server


def inspect(program, template, server):
    environment = dict(os.environ, DOCKER_HOST=f"unix://{server.path}")
    environment.pop("SKIFF_HOST", None)
    result = subprocess.run(
        [program, "inspect", "--type", "container", "-f", template, "w1"], env=environment, capture_output=True,
        timeout=30)
    return result.stdout.decode(), result.stderr.decode(), result.returncode


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_prints_what_docker_prints(template, server):
    skiff = str(settings.BUILD / "skiff")
    assert inspect(skiff, template, server) == inspect(settings.docker_client(), template, server)
