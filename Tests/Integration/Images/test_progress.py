"""What a pull tells: the API's stream, docker-py, and skiff's display on a terminal and without one."""

import json
import re
import threading

import docker
import pexpect
import pytest
from docker.errors import APIError, NotFound
from harness import settings
from harness.registries import Blobs, HostileRegistry
from harness.relay import Relay, refuse

pytestmark = pytest.mark.skiff_only


def image_of(count: int, size: int) -> Blobs:
    """An image of so many layers of noise."""
    import gzip
    import hashlib
    import random

    from harness.archives import layer
    plain = [layer({f"file{number}": random.Random(number).randbytes(size // 2).hex()}) for number in range(count)]
    blobs = Blobs()
    blobs.image("latest", [gzip.compress(one, 1, mtime=0) for one in plain],
                ["sha256:" + hashlib.sha256(one).hexdigest() for one in plain])
    return blobs


def layers_of(blobs: Blobs) -> dict[str, int]:
    """Sizes by the short form of the digest that clients are shown."""
    manifest = json.loads(blobs.content[blobs.tags["latest"]])
    return {one["digest"][7:19]: one["size"] for one in manifest["layers"]}


def test_stream_tells_each_layers_way(daemon):
    blobs = image_of(9, 1_500_000)
    with HostileRegistry(blobs) as server:
        answer = daemon.api("POST", f"/images/create?fromImage={server.host}/x&tag=latest", timeout=120)
        lines = [json.loads(line) for line in answer.body.splitlines()]
        daemon.api("DELETE", f"/images/{server.host}/x:latest?force=1")
    assert lines[0] == {"status": "Pulling from x", "id": "latest"}
    order = ["Pulling fs layer", "Waiting", "Downloading", "Verifying Checksum", "Download complete", "Extracting",
             "Pull complete"]
    for identifier, size in layers_of(blobs).items():
        own = [one for one in lines if one.get("id") == identifier]
        states = list(dict.fromkeys(one["status"] for one in own))
        assert states == [one for one in order if one in states], states
        assert {"Pulling fs layer", "Downloading", "Verifying Checksum", "Download complete", "Extracting",
                "Pull complete"} <= set(states)
        for state in ("Downloading", "Extracting"):
            details = [one["progressDetail"] for one in own if one["status"] == state]
            assert {one["total"] for one in details} == {size}
            currents = [one["current"] for one in details]
            assert currents == sorted(currents) and currents[-1] == size
        assert all(one["progressDetail"] == {} for one in own if one["status"] == "Pull complete")
        assert any(re.fullmatch(r"\[=*>? *\]  *[\d.]+k?M?B/[\d.]+k?M?B", one.get("progress", "")) for one in own)
    # More layers than come at a time: some had to wait.
    assert any(one["status"] == "Waiting" for one in lines if "progressDetail" in one)
    assert [one["status"].split(":")[0] for one in lines[-2:]] == ["Digest", "Status"]


def test_docker_py_pulls_pushes_logs_in_and_searches(daemon, registry):
    client = docker.DockerClient(base_url=daemon.host, timeout=int(60 * settings.PATIENCE))
    try:
        there = f"{registry.host}/py/box"
        assert client.images.get("busybox").tag(there, "1")
        lines = list(client.images.push(there, tag="1", stream=True, decode=True))
        assert any(one.get("aux", {}).get("Tag") == "1" for one in lines) and not any("error" in one for one in lines)
        client.images.remove(f"{there}:1")
        pulled = client.images.pull(there, tag="1")
        assert pulled.tags == [f"{there}:1"] or f"{there}:1" in pulled.tags
        assert client.images.get_registry_data(f"{there}:1").id == lines[-1].get("aux", lines[-2].get("aux"))["Digest"]
        client.images.get("busybox").tag(there, "2")
        client.images.push(there, tag="2")
        assert len(client.images.pull(there, all_tags=True)) >= 1
        with pytest.raises(NotFound):
            client.images.pull(there, tag="nosuch")
        found = client.images.search(f"{registry.host}/py/b")
        assert f"{registry.host}/py/box" in [one["name"] for one in found]

        def guard(handler, _):
            if handler.headers.get("Authorization") == "Basic amFuZTpnZWhlaW0=":
                return False
            return refuse(handler, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="x"'})

        with Relay(registry.host, guard) as relay:
            with pytest.raises(APIError) as caught:
                client.login("jane", "wrong", registry=relay.host, reauth=True)
            assert caught.value.status_code == 401
            assert client.login("jane", "geheim", registry=relay.host, reauth=True)["Status"] == "Login Succeeded"
            assert client.images.pull(f"{relay.host}/py/box", tag="1").id == pulled.id
            client.images.remove(f"{relay.host}/py/box:1")
            with pytest.raises(APIError):
                client.images.pull(f"{relay.host}/py/box", tag="1", auth_config={"username": "jane", "password": "no"})
        for tag in ("1", "2"):
            client.images.remove(f"{there}:{tag}")
    finally:
        client.close()


class Screen:
    """As much of a terminal as a progress display uses: lines, the cursor's row, erasing, moving up and down."""

    def __init__(self, rows: int, columns: int):
        self.rows, self.columns = rows, columns
        self.lines, self.row, self.column = [""], 0, 0
        #: Layers' lines wider than the terminal, and movements above what it shows.
        self.faults: list[str] = []

    def feed(self, text: str) -> None:
        for part in re.findall(r"\x1b\[\d*[A-Z]|\r|\n|[^\x1b\r\n]+", text):
            if part == "\n":
                self.row += 1
                self.column = 0
                if self.row == len(self.lines):
                    self.lines.append("")
            elif part == "\r":
                self.column = 0
            elif part[0] == "\x1b":
                number, kind = int(part[2:-1] or 1), part[-1]
                if kind == "A":
                    self.row -= number
                    if self.row < max(0, len(self.lines) - self.rows):
                        self.faults.append(f"up to row {self.row} of {len(self.lines)}")
                elif kind == "B":
                    self.row += number
                elif kind == "K":
                    self.lines[self.row] = ""
            else:
                line = self.lines[self.row]
                self.lines[self.row] = line[:self.column].ljust(self.column) + part + line[self.column + len(part):]
                self.column += len(part)
                if self.column > self.columns and re.match("[0-9a-f]{12}:", self.lines[self.row]):
                    self.faults.append(f"{self.column} columns: {self.lines[self.row]}")


@pytest.mark.parametrize("rows, columns", [(40, 200), (40, 80), (40, 30), (6, 80)])
def test_display_fits_the_terminal(daemon, rows, columns):
    """In place, whatever its size: one line for each layer, none too wide, none that is out of reach touched."""
    blobs = image_of(10, 300_000)
    with HostileRegistry(blobs) as server:
        child = daemon.cli("skiff").terminal("pull", f"{server.host}/x", rows=rows, columns=columns)
        child.expect_exact("Status: Downloaded newer image")
        text = child.before
        child.expect(pexpect.EOF)
        text += child.before
        daemon.api("DELETE", f"/images/{server.host}/x:latest?force=1")
    screen = Screen(rows, columns)
    screen.feed(text)
    assert screen.faults == []
    for identifier in layers_of(blobs):
        own = [line for line in screen.lines if line.startswith(identifier)]
        assert len(own) == 1
        if rows > 20 and columns >= 30:
            assert own[0].rstrip() == f"{identifier}: Pull complete"
    if columns >= 200:
        assert "[=" in text
    if columns == 30:
        assert "[" not in re.sub(r"\x1b\[", "", text)


def test_display_follows_a_terminal_that_changes_its_size(daemon):
    blobs = image_of(1, 4_000_000)
    gate, held = threading.Event(), threading.Event()

    def hold(exchange):
        if exchange.sent > 1_000_000:
            held.set()
            gate.wait(60 * settings.PATIENCE)

    with HostileRegistry(blobs) as server, Relay(server.host, while_sending=hold) as relay:
        child = daemon.cli("skiff").terminal("pull", f"{relay.host}/x", rows=30, columns=180)
        child.expect(r"Downloading \[=")
        assert held.wait(60 * settings.PATIENCE)
        child.setwinsize(30, 40)
        gate.set()
        child.expect_exact("Pull complete")
        after = child.before
        child.expect(pexpect.EOF)
        daemon.api("DELETE", f"/images/{relay.host}/x:latest?force=1")
    # What was drawn since: the pieces between two movements are short.
    drawn = [part for part in re.split(r"\x1b\[\d*[A-Z]|[\r\n]", after) if part]
    assert len(drawn[-1]) < 40


def test_plain_output_without_a_terminal(daemon):
    blobs = image_of(3, 200_000)
    cli = daemon.cli("skiff")
    with HostileRegistry(blobs) as server:
        out = cli.out("pull", f"{server.host}/x")
        cli("rmi", f"{server.host}/x")
        quiet = cli("pull", "-q", f"{server.host}/x")
        cli("rmi", f"{server.host}/x")
    assert "\x1b" not in out and "\r" not in out and "[=" not in out
    lines = out.splitlines()
    assert lines[:2] == ["Using default tag: latest", "latest: Pulling from x"]
    for identifier in layers_of(blobs):
        own = [line for line in lines if line.startswith(identifier)]
        assert own[0] == f"{identifier}: Pulling fs layer" and own[-1] == f"{identifier}: Pull complete"
        assert len(own) == len(set(own))
    assert (quiet.stdout, quiet.stderr) == (f"{server.host}/x:latest\n", "")
