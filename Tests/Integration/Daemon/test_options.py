"""What flags and daemon.json say, seen from a container or a client."""

import json
import signal
import socket
import subprocess
import time

import pytest

from harness import settings
from harness.hijack import Hijacked
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def run(cli, script: str, *options: str) -> list[str]:
    return cli.out("run", "--rm", *options, "busybox", "sh", "-c", script).splitlines()


def test_several_hosts_one_of_them_tcp(new_daemon):
    """Streams work over TCP too: attach, exec with input, half-close."""
    port = free_port()
    engine = new_daemon("--host", f"tcp://127.0.0.1:{port}")
    assert "everyone who reaches it is root" in engine.log_text()
    for client in settings.CLIENTS:
        cli = engine.cli(client)
        cli("run", "-d", "--name", "one", "busybox", "sleep", "1000")
        flags = ("-H", f"tcp://127.0.0.1:{port}")
        assert cli.out(*flags, "ps", "--format", "{{.Names}}") == "one"
        assert cli.out(*flags, "run", "--rm", "-i", "busybox", "cat", input="over tcp\n") == "over tcp"
        data = bytes(range(256)) * 2000
        assert cli(*flags, "exec", "-i", "one", "cat", input=data).raw == data
        done = cli(*flags, "run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7", status=7)
        assert (done.stdout, done.stderr) == ("out\n", "err\n")
        cli(*flags, "rm", "-f", "one")


@pytest.fixture
def configured(new_daemon):
    return new_daemon(config={
        "dns": ["192.0.2.53"], "dns-search": ["example.test"], "dns-opts": ["ndots:3"], "init": True,
        "no-new-privileges": True, "default-cgroupns-mode": "private", "default-ipc-mode": "shareable",
        "default-stop-timeout": 1, "mtu": 1400, "icc": False, "ip": "127.0.0.2", "bip": "10.214.7.1/24",
        "fixed-cidr": "10.214.7.128/25", "ipv6": True, "fixed-cidr-v6": "fd00:214:7::/64", "experimental": True,
        "max-concurrent-downloads": 2, "insecure-registries": ["reg.example:5000", "192.0.2.0/24"],
        "registry-mirrors": ["https://mirror.example"], "no-proxy": "localhost", "https-proxy": "http://u:p@proxy:3128",
    })


def test_keys_of_daemon_json(configured):
    cli = configured.cli("skiff")
    resolver = run(cli, "grep -v '^#' /etc/resolv.conf")
    assert sorted(resolver) == ["nameserver 192.0.2.53", "options ndots:3", "search example.test"]
    seen = run(cli, "tr '\\0' ' ' </proc/1/cmdline; echo; grep NoNewPrivs /proc/self/status; cat /sys/class/net/eth0/mtu; "
               "ip -o addr show eth0; cat /proc/self/cgroup | head -1")
    assert "docker-init" in seen[0] and seen[1].split() == ["NoNewPrivs:", "1"] and seen[2] == "1400"
    address = next(line.split()[3] for line in seen if " inet " in line)
    assert address.startswith("10.214.7.") and address.endswith("/24") and int(address.split(".")[3].split("/")[0]) >= 128
    assert any(" inet6 fd00:214:7:" in line for line in seen) and seen[-1].endswith(":/")
    # What a container says itself wins.
    assert run(cli, "cat /proc/1/cmdline | tr '\\0' ' '", "--init=false")[0].startswith("sh -c")
    assert "nameserver 192.0.2.99" in run(cli, "cat /etc/resolv.conf", "--dns", "192.0.2.99")


def test_keys_about_containers_of_daemon_json(configured):
    cli = configured.cli("skiff")
    one = cli.out("run", "-d", "-p", "18110:80", "busybox", "sh", "-c", "echo here >/dev/shm/f; trap '' TERM; sleep 1000")
    facts = configured.inspect(one)
    assert facts["HostConfig"]["IpcMode"] == "shareable"
    assert facts["NetworkSettings"]["Ports"]["80/tcp"] == [{"HostIp": "127.0.0.2", "HostPort": "18110"}]
    assert run(cli, "cat /dev/shm/f", "--ipc", f"container:{one}") == ["here"]
    # Containers do not reach each other; both reach the gateway.
    cli("run", "-d", "--name", "server", "busybox", "sh", "-c", "while :; do echo reached | nc -l -p 80; done")
    target = configured.inspect("server")["NetworkSettings"]["IPAddress"]
    assert run(cli, f"nc -w 1 {target} 80 </dev/null || echo refused") == ["refused"]
    wait_for(lambda: configured.run("curl", "-s", "--http0.9", "-m", "2", f"http://{target}/").stdout == "reached\n", 20)
    started = time.monotonic()
    cli("stop", one)
    assert time.monotonic() - started < 8 * settings.PATIENCE  # Docker's own default is 10
    info = configured.api("GET", "/info").json
    assert info["ExperimentalBuild"] and info["Debug"]
    assert configured.api("GET", "/_ping").headers["Docker-Experimental"] == "true"
    registries = info["RegistryConfig"]
    assert registries["Mirrors"] == ["https://mirror.example/"] and "192.0.2.0/24" in registries["InsecureRegistryCIDRs"]
    assert registries["IndexConfigs"]["reg.example:5000"]["Secure"] is False
    assert (info["NoProxy"], info["HttpsProxy"]) == ("localhost", "http://xxxxx:xxxxx@proxy:3128")


def test_a_seccomp_profile_and_a_log_driver_for_all(new_daemon, tmp_path):
    (tmp_path / "profile.json").write_text(json.dumps({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}))
    engine = new_daemon("--seccomp-profile", str(tmp_path / "profile.json"), "--log-driver", "none")
    cli = engine.cli("skiff")
    assert "Operation not permitted" in cli("run", "--rm", "busybox", "mkdir", "/x", status=1).stderr
    cli("run", "--rm", "--security-opt", "seccomp=unconfined", "busybox", "mkdir", "/x")
    cli("run", "--name", "quiet", "busybox", "echo", "x")
    assert "does not support reading" in cli("logs", "quiet", status=1).stderr
    assert engine.inspect("quiet")["LogPath"] == ""


def test_sighup_reads_the_file_again(new_daemon):
    engine = new_daemon(config={"labels": ["a=1"], "shutdown-timeout": 5}, images=())
    file = engine.folder / "daemon.json"
    file.write_text("{")
    engine.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "configuration not reloaded" in engine.log_text(), 10)
    file.write_text(json.dumps({"labels": ["a=2"], "shutdown-timeout": 7}))
    engine.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "configuration reloaded" in engine.log_text(), 10)
    assert "needs a restart" in engine.log_text() and engine.api("GET", "/info").json["Labels"] == ["a=1"]


def test_the_log_of_a_container_is_bounded_by_default(new_daemon):
    engine = new_daemon()
    cli = engine.cli("skiff")
    cli("run", "--name", "loud", "-e", "LINES=45", "busybox", "sh", "-c",
        "head -c 900 /dev/zero | tr '\\0' a >/line; echo >>/line; for i in $(seq 1000); do cat /line; done >/block; "
        "for i in $(seq $LINES); do cat /block; done; echo last", timeout=300)
    path = engine.inspect("loud")["LogPath"]
    sizes = {file.name: file.stat().st_size for file in engine.folder.glob(f"data/containers/*/{path.rsplit('/', 1)[1]}*")}
    assert len(sizes) == 3 and all(size <= 10_100_000 for size in sizes.values()), sizes
    assert cli.out("logs", "--tail", "1", "loud") == "last"


def test_the_folders_of_a_layer(new_daemon):
    """`overlay2/<id>/{diff,lower,work}`, with `merged` leading to the running container's root."""
    engine = new_daemon()
    cli = engine.cli("skiff")
    identifier = cli.out("run", "-d", "busybox", "sh", "-c", "echo x >/file; sleep 1000")
    data = engine.inspect(identifier)["GraphDriver"]["Data"]
    folder = engine.data_root / "overlay2" / data["UpperDir"].split("/overlay2/")[1].split("/")[0]
    wait_for(lambda: (folder / "diff/file").exists(), 10)
    assert (folder / "work").is_dir() and (folder / "merged/file").read_text() == "x\n"
    lowers = (folder / "lower").read_text().split(":")
    assert [str((engine.data_root / "overlay2" / one).resolve()) for one in lowers] == data["LowerDir"].split(":")


def test_an_attached_client_over_tcp_may_close_its_input(new_daemon):
    port = free_port()
    engine = new_daemon("-H", f"tcp://127.0.0.1:{port}")
    created = engine.api("POST", "/containers/create", {
        "Image": "busybox", "Cmd": ["sh", "-c", "cat; echo rest; echo err >&2"], "OpenStdin": True, "StdinOnce": True,
        "AttachStdin": True}).json["Id"]

    stream = Hijacked.__new__(Hijacked)
    stream.socket = socket.create_connection(("127.0.0.1", port), timeout=20 * settings.PATIENCE)
    stream._rest = b""
    stream.send(f"POST /containers/{created}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: x\r\n"
                "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode())
    assert b" 101 " in stream._until(b"\r\n\r\n").split(b"\r\n")[0] + b" "
    assert engine.api("POST", f"/containers/{created}/start").status == 204
    stream.send(b"typed\n")
    stream.finish_input()
    assert stream.frames() == {"stdout": b"typed\nrest\n", "stderr": b"err\n"}
    assert engine.api("POST", f"/containers/{created}/wait").json["StatusCode"] == 0
    stream.close()


def test_debug_is_told(new_daemon):
    engine = new_daemon(images=())
    assert subprocess.run([*engine.command(), "--help"], capture_output=True, timeout=30).returncode == 0
    assert engine.api("GET", "/info").json["Debug"] is True and "level=debug" in engine.log_text()
