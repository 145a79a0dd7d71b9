"""Addresses, names and published ports."""

import json
import re
import socket

import pytest

from harness import settings
from harness.waiting import wait_for

SERVER = "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nfrom %s' \"$(hostname)\" | nc -l -p 80 >/dev/null; done"


def serve(cli, name: str, *options: str) -> None:
    """A container that answers HTTP requests on port 80 with its host name."""
    cli("run", "-d", "--name", name, "-h", "server", *options, "busybox", "sh", "-c", SERVER)


def answers(daemon, url: str) -> None:
    wait_for(lambda: daemon.curl(url) == "from server", 10, f"an answer of {url}")


def test_nginx_on_a_published_port(cli, daemon, nginx_image, name):
    cli("run", "-d", "--name", name, "-p", "8080:80", "nginx")
    wait_for(lambda: "Welcome to nginx!" in daemon.curl("http://localhost:8080/"), 15, "nginx")
    assert "/docker-entrypoint.sh: Launching nginx" in cli.out("logs", name)
    wait_for(lambda: "GET / HTTP/1.1" in cli.out("logs", name), 5, "the access log")
    cli("stop", name)
    assert cli.out("inspect", "--format", "{{.State.ExitCode}}", name) == "0"


def test_every_way_to_a_published_port(cli, daemon, name):
    serve(cli, name, "-p", "18080:80")
    facts = json.loads(cli.out("inspect", name))[0]["NetworkSettings"]
    answers(daemon, "http://127.0.0.1:18080/")
    answers(daemon, f"http://{facts['Gateway']}:18080/")
    answers(daemon, f"http://{facts['IPAddress']}/")
    # From another container, and from the container itself.
    fetch = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc {facts['Gateway']} 18080 | tail -1"
    assert "from server" in cli.out("run", "--rm", "busybox", "sh", "-c", fetch)
    assert "from server" in cli.out("exec", name, "sh", "-c", fetch)


def test_a_port_on_ipv6_localhost(cli, daemon, name):
    serve(cli, name, "-p", "18080:80")
    answers(daemon, "http://[::1]:18080/")


def test_a_port_of_one_address_answers_only_there(cli, daemon, name):
    serve(cli, name, "-p", "127.0.0.2:18080:80")
    answers(daemon, "http://127.0.0.2:18080/")
    assert daemon.run("curl", "-s", "-m", "1", "http://127.0.0.1:18080/").returncode != 0


def test_a_random_port(cli, daemon, name):
    serve(cli, name, "-p", "80")
    port = cli.out("port", name, "80").split("\n")[0].rsplit(":", 1)[1]
    answers(daemon, f"http://127.0.0.1:{port}/")


def test_port_0_is_a_random_one_and_stays_as_written(cli, daemon, name):
    serve(cli, name, "-p", "127.0.0.1:0:80")
    facts = daemon.inspect(name)
    assert facts["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "0"}]}
    [published] = facts["NetworkSettings"]["Ports"]["80/tcp"]
    assert published["HostIp"] == "127.0.0.1" and int(published["HostPort"]) > 0
    answers(daemon, f"http://127.0.0.1:{published['HostPort']}/")


def test_publish_all_exposed_ports(cli, daemon, name):
    serve(cli, name, "-P", "--expose", "80", "--expose", "7000-7001")
    ports = json.loads(cli.out("inspect", "--format", "{{json .NetworkSettings.Ports}}", name))
    assert set(ports) == {"80/tcp", "7000/tcp", "7001/tcp"} and all(ports.values())
    answers(daemon, f"http://127.0.0.1:{ports['80/tcp'][0]['HostPort']}/")


def test_a_range_of_ports(cli, name):
    cli("run", "-d", "--name", name, "-p", "19000-19002:19000-19002", "busybox", "sleep", "1000")
    ports = json.loads(cli.out("inspect", "--format", "{{json .NetworkSettings.Ports}}", name))
    assert {port: one[0]["HostPort"] for port, one in ports.items()} == \
        {"19000/tcp": "19000", "19001/tcp": "19001", "19002/tcp": "19002"}
    # Ranges are shown as ranges.
    shown = cli.out("ps", "--format", "{{.Ports}}")
    assert "19000-19002->19000-19002/tcp" in shown


UDP_ECHO = ("$s = IO::Socket::INET->new(LocalPort => 53, Proto => 'udp') or die; "
            "while ($s->recv($m, 100)) { $s->send('got ' . $m) }")


def test_udp(cli, daemon, name, debian_image):
    cli("run", "-d", "--name", name, "-p", "18053:53/udp", debian_image, "perl", "-MIO::Socket::INET", "-e", UDP_ECHO)
    script = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1); "
              "s.sendto(b'hi\\n', ('127.0.0.1', 18053)); print(s.recv(100).decode())")
    wait_for(lambda: "got hi" in daemon.run("python3", "-c", script).stdout, 10, "an answer over UDP")


def test_ports_are_free_again_after_stop(cli, daemon, name):
    for number in range(3):
        serve(cli, f"{name}{number}", "-p", "18080:80")
        answers(daemon, "http://127.0.0.1:18080/")
        cli("stop", "-t", "0", f"{name}{number}")
    assert daemon.run("curl", "-s", "-m", "1", "http://127.0.0.1:18080/").returncode != 0
    cli("start", f"{name}0")
    answers(daemon, "http://127.0.0.1:18080/")


def test_interface_address_and_route(cli, name):
    out = cli.out("run", "--name", name, "busybox", "sh", "-c", "ip -4 addr show eth0; ip route; cat /sys/class/net/eth0/mtu")
    facts = json.loads(cli.out("inspect", name))[0]
    assert re.search(r"inet \d+\.\d+\.\d+\.\d+/\d+", out) and "default via" in out and out.endswith("1500")
    assert facts["HostConfig"]["NetworkMode"] in ("default", "bridge")
    assert list(facts["NetworkSettings"]["Networks"]) == ["bridge"]


def test_containers_reach_each_other_by_address(cli, name):
    serve(cli, name)
    address = cli.out("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)
    out = wait_for(lambda: cli.out("run", "--rm", "busybox", "nc", address, "80", input="", status=None), 10)
    assert "from server" in out


def test_network_none(cli):
    assert cli.out("run", "--rm", "--network", "none", "busybox", "ls", "/sys/class/net").split() == ["lo"]


def test_network_host(cli, daemon, name):
    mine = daemon.run("readlink", "/proc/self/ns/net").stdout.strip()
    assert cli.out("run", "--rm", "--network", "host", "busybox", "readlink", "/proc/self/ns/net") == mine


def test_network_of_another_container(cli, name):
    serve(cli, name)
    out = wait_for(lambda: cli.out("run", "--rm", "--network", f"container:{name}", "busybox", "nc", "127.0.0.1", "80",
                                   input="", status=None), 10)
    assert "from server" in out
    assert cli.out("run", "--rm", "--network", f"container:{name}", "busybox", "hostname") == "server"


def test_hosts_file(cli, name):
    out = cli.out("run", "--name", name, "-h", "me", "--add-host", "db:10.1.2.3", "--add-host", "six:fe80::1", "busybox",
                  "cat", "/etc/hosts")
    address = cli.out("inspect", "--format", "{{.HostConfig.ExtraHosts}}", name)
    assert "db:10.1.2.3" in address
    lines = [line.split() for line in out.split("\n") if line]
    assert ["127.0.0.1", "localhost"] == lines[0][:2] and ["10.1.2.3", "db"] in lines and ["fe80::1", "six"] in lines
    assert lines[-1][1] == "me"


def test_resolv_conf(cli):
    out = cli.out("run", "--rm", "--dns", "192.0.2.53", "--dns-search", "example.test", "--dns-option", "ndots:2",
                  "busybox", "cat", "/etc/resolv.conf")
    lines = [line for line in out.split("\n") if line and not line.startswith("#")]
    assert sorted(lines) == ["nameserver 192.0.2.53", "options ndots:2", "search example.test"]


def test_link_on_the_default_bridge(cli, name):
    serve(cli, f"{name}-db", "-e", "SECRET=1", "--expose", "80")
    address = cli.out("inspect", "--format", "{{.NetworkSettings.IPAddress}}", f"{name}-db")
    out = cli.out("run", "--rm", "--link", f"{name}-db:db", "busybox", "sh", "-c", "cat /etc/hosts; env")
    assert any(line.split()[:2] == [address, "db"] for line in out.split("\n"))
    assert f"DB_PORT_80_TCP_ADDR={address}" in out and "DB_ENV_SECRET=1" in out


def test_a_port_in_use_is_refused_and_leaves_nothing(cli, daemon, machine, name):
    # Not a server of the shell: its short-lived processes would be missed.
    cli("run", "-d", "--name", f"{name}-one", "-p", "18080:80", "busybox", "sleep", "1000")
    running = type(machine)(daemon)
    done = cli("run", "-d", "--name", f"{name}-two", "-p", "18080:80", "busybox", "sleep", "1000", status=125)
    assert "port is already allocated" in done.stderr
    assert cli.out("inspect", "--format", "{{.State.Status}}", f"{name}-two") == "created"
    cli("rm", f"{name}-two")
    if settings.ENGINE == "skiff":
        running.assert_unchanged()


@pytest.mark.skipif(settings.ENGINE != "skiff", reason="the reference has a network of its own")
def test_a_port_that_a_program_of_the_host_holds_is_refused(cli, name):
    with socket.create_server(("0.0.0.0", 18099)):
        done = cli("run", "-d", "--name", name, "-p", "18099:80", "busybox", "sleep", "1000", status=125)
        assert "18099" in done.stderr and "in use" in done.stderr


def test_networks_of_the_engine(daemon):
    networks = {one["Name"]: one for one in daemon.api("GET", "/networks").json}
    assert {"bridge", "host", "none"} <= set(networks)
    assert {networks[name]["Driver"] for name in ("bridge", "host", "none")} == {"bridge", "host", "null"}
    assert networks["bridge"]["IPAM"]["Config"][0]["Subnet"]
    one = daemon.api("GET", "/networks/bridge").json
    assert one["Id"] == networks["bridge"]["Id"] and one["Scope"] == "local"
    assert daemon.api("GET", "/networks/nosuch").status == 404
