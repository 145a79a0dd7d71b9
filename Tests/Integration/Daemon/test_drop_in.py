"""Drop-in mode: Skiff in Docker's place. In a mount namespace with a /var of its own, so that the host keeps its own."""

import json
import os
import socket
import subprocess

import pytest

from harness import images, settings
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only

SCRIPT = """
set -e
mount --make-rprivate /
mkdir -p "$1/run" "$1/var"
mount --bind "$1/run" /run
mount --bind "$1/var" /var/lib
shift
ip link set lo up
exec "$@"
"""


@pytest.fixture
def host(tmp_path):
    """Starts skiffd --drop-in in namespaces of its own; gives a function that runs commands there."""
    started = []

    def start(*arguments: str):
        command = ["unshare", "--net", "--mount", "bash", "-c", SCRIPT, "bash", str(tmp_path),
                   str(settings.BUILD / "skiffd"), *(arguments or ["--drop-in"])]
        log = (tmp_path / "log").open("ab")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        started.append(process)

        def inside(*words: str, status: int = 0) -> str:
            done = subprocess.run(["nsenter", "-t", str(process.pid), "--net", "--mount", *words],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            assert done.returncode == status, (words, done.stdout, done.stderr)
            return done.stdout.strip()

        def has_socket() -> bool:
            assert process.poll() is None, (tmp_path / "log").read_text()
            found = subprocess.run(["nsenter", "-t", str(process.pid), "--mount", "test", "-S", "/var/run/docker.sock"])
            return found.returncode == 0

        inside.process, inside.has_socket = process, has_socket
        inside.log = lambda: (tmp_path / "log").read_text()
        return inside

    yield start
    for process in started:
        if process.poll() is None:
            subprocess.run(["nsenter", "-t", str(process.pid), "--mount", "bash", "-c",
                            f"export DOCKER_HOST=unix:///var/run/docker.sock; "
                            f"for id in $({settings.BUILD}/skiff ps -aq); do {settings.BUILD}/skiff rm -f $id; done"],
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            process.terminate()
            process.wait(20)


def test_names_and_places_are_dockers(host):
    inside = host()
    docker = settings.docker_client()
    wait_for(lambda: inside.has_socket(), 15, "the socket")
    inside(docker, "load", "-i", str(images.archive("busybox")))
    identifier = inside(docker, "run", "-d", "-p", "8080:80", "busybox", "sleep", "1000")
    facts = json.loads(inside(docker, "inspect", identifier))[0]
    assert inside("stat", "-c", "%a", "/var/run/docker.sock") == "660"
    assert "docker0" in inside("ip", "-br", "link")
    assert inside("readlink", "-f", "/var/lib/docker") == "/var/lib/skiff"
    paths = {line.split(":")[2] for line in open(f"/proc/{facts['State']['Pid']}/cgroup").read().split()}
    assert any(path.endswith(f"/docker/{identifier}") for path in paths), paths
    assert facts["NetworkSettings"]["IPAddress"].startswith("172.17.")
    assert inside(docker, "info", "--format", "{{.Driver}}") == "overlay2"


def test_iptables_shows_published_ports_and_users_rules_are_followed(host):
    inside = host()
    docker = settings.docker_client()
    wait_for(lambda: inside.has_socket(), 15, "the socket")
    inside(docker, "load", "-i", str(images.archive("busybox")))
    web = inside(docker, "run", "-d", "-p", "8080:80", "--hostname", "hello", "busybox", "httpd", "-f", "-p", "80",
                 "-h", "/etc")

    def listed() -> str:
        # Fails while there is no such chain: soon after the start, and after a flush.
        return inside("sh", "-c", "iptables -t nat -L DOCKER -n --line-numbers || true")

    wait_for(lambda: "tcp dpt:8080 to:172.17.0.2:80" in listed(), 15, "the published port")
    assert "DNAT" in listed()
    inside("iptables", "-t", "nat", "-L", "DOCKER", "-n", "--line-numbers")
    inside("iptables", "-t", "nat", "-L")
    wait_for(lambda: "-A FORWARD -j DOCKER-USER" in inside("iptables", "-S").splitlines(), 15, "the users' chain")

    # Another machine behind veth `up0`, which the users' rules shut out.
    other = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.readlink(f"/proc/{other.pid}/ns/net") != os.readlink("/proc/self/ns/net"), 10, "a namespace")
        inside("ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1", "netns", str(other.pid))
        inside("sh", "-ec", "ip address add 198.51.100.1/24 dev up0; ip link set up0 up")
        there = ["nsenter", f"--net=/proc/{other.pid}/ns/net"]
        subprocess.run([*there, "sh", "-ec", "ip address add 198.51.100.2/24 dev up1; ip link set up1 up"], check=True)

        def answer(seconds: str) -> str:
            done = subprocess.run([*there, "curl", "-s", "-m", seconds, "http://198.51.100.1:8080/hostname"],
                                  capture_output=True, text=True, timeout=60)
            return done.stdout.strip()

        wait_for(lambda: answer("5") == "hello", 20, "an answer from outside")
        inside("iptables", "-I", "DOCKER-USER", "-s", "198.51.100.2", "-j", "DROP")
        assert answer("1") == ""
        inside("nft", "flush", "ruleset")
        wait_for(lambda: answer("5") == "hello", 20, "an answer after a flush")
        wait_for(lambda: "dpt:8080" in listed(), 15, "the published port after a flush")
    finally:
        other.stdin.close()
        other.wait()
    inside(docker, "rm", "-f", web)
    wait_for(lambda: "dpt:8080" not in inside("iptables", "-t", "nat", "-L", "DOCKER", "-n"), 15, "the port's end")


def test_daemon_json_turns_it_on_too(host, tmp_path):
    (tmp_path / "daemon.json").write_text('{"drop-in": true, "labels": ["from=file"]}')
    inside = host("--config-file", str(tmp_path / "daemon.json"))
    wait_for(lambda: inside.has_socket(), 15, "the socket")
    client = str(settings.BUILD / "skiff")
    assert inside(client, "-H", "unix:///var/run/docker.sock", "info", "-f", "{{.Labels}} {{.DockerRootDir}}") == \
        "[from=file] /var/lib/skiff"
    assert "docker0" in inside("ip", "-br", "link")


def test_another_engines_socket_is_refused(host, tmp_path):
    (tmp_path / "run").mkdir()
    other = socket.socket(socket.AF_UNIX)
    other.bind(str(tmp_path / "run/docker.sock"))
    other.listen()
    inside = host()
    assert inside.process.wait(20) != 0
    assert "/var/run/docker.sock" in inside.log()
    assert os.path.exists(tmp_path / "run/docker.sock")
    other.close()
