"""Networks on an interface of the host (macvlan, ipvlan), and bandwidth of single endpoints."""

import contextlib
import json
import subprocess

import pytest

SUBNET, GATEWAY, OUTSIDE = "198.51.100.0/24", "198.51.100.254", "198.51.100.2"


def shell(command: str) -> str:
    return subprocess.run(["sh", "-ec", command], check=True, capture_output=True, text=True).stdout


def in_container(daemon, container: str, *command: str) -> str:
    """Runs a program of the host in a container's network."""
    pid = daemon.inspect(container)["State"]["Pid"]
    answer = daemon.run("nsenter", f"--net=/proc/{pid}/ns/net", *command)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.fixture
def uplink():
    """An interface of the host with another machine behind it; its name."""
    # The veth pair goes with the other machine's namespace.
    holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        other = f"nsenter --net=/proc/{holder.pid}/ns/net"
        shell(f"""
            until [ "$(readlink /proc/{holder.pid}/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
            ip link add lan0 type veth peer name lan1
            ip link set lan1 netns {holder.pid}
            ip link set lan0 up
            {other} ip address add {OUTSIDE}/24 dev lan1
            {other} ip link set lan1 up""")
        yield "lan0"
    finally:
        subprocess.run(["ip", "link", "delete", "lan0"], check=False)
        holder.stdin.close()
        holder.wait()


@contextlib.contextmanager
def network(cli, name: str, *arguments: str):
    cli("network", "create", *arguments, name)
    try:
        yield name
    finally:
        for container in cli.out("ps", "-aq", "--filter", f"network={name}").split():
            cli("rm", "-f", container)
        cli("network", "rm", name)


def test_a_container_is_a_machine_of_its_own_on_the_parents_network(cli, daemon, name, uplink):
    options = ["-d", "macvlan", "--subnet", SUBNET, "--gateway", GATEWAY, "-o", f"parent={uplink}"]
    with network(cli, f"{name}-lan", *options) as lan:
        cli("run", "-d", "--name", name, "--network", lan, "--ip", "198.51.100.77", "busybox", "sleep", "1000")
        settings = daemon.inspect(name)["NetworkSettings"]["Networks"][lan]
        assert settings["IPAddress"] == "198.51.100.77" and settings["Gateway"] == GATEWAY
        assert settings["MacAddress"] in in_container(daemon, name, "ip", "link", "show", "eth0")
        assert "macvlan mode bridge" in in_container(daemon, name, "ip", "-d", "link", "show", "eth0")
        assert f"default via {GATEWAY} dev eth0" in in_container(daemon, name, "ip", "route")
        cli("exec", name, "ping", "-c", "1", "-W", "10", OUTSIDE)


def test_containers_without_a_parent_reach_each_other_only(cli, daemon, name):
    with network(cli, f"{name}-closed", "-d", "macvlan") as closed:
        for one in (f"{name}-a", f"{name}-b"):
            cli("run", "-d", "--name", one, "--network", closed, "busybox", "sleep", "1000")
        address = daemon.inspect(f"{name}-b")["NetworkSettings"]["Networks"][closed]["IPAddress"]
        cli("exec", f"{name}-a", "ping", "-c", "1", "-W", "10", address)
        assert "default" not in in_container(daemon, f"{name}-a", "ip", "route")
        assert "dm-" in shell("ip -o link")
    assert "dm-" not in shell("ip -o link")


@pytest.mark.parametrize("options, message", [
    (["-o", "parent=nosuch0"], "nosuch0 was not found"),
    (["-o", "parent=lo"], "loopback interface is not a valid macvlan parent link"),
    (["-o", "parent=lan0", "-o", "macvlan_mode=loud"], "requested macvlan mode 'loud' is not valid"),
])
@pytest.mark.skiff_only
def test_what_cannot_work_is_refused(cli, name, uplink, options, message):
    assert message in cli("network", "create", "-d", "macvlan", *options, name, status=1).stderr
    assert name not in cli.out("network", "ls", "--format", "{{.Name}}").split()


@pytest.mark.skiff_only
@pytest.mark.parametrize("driver, parent, module", [("ipvlan", "lan0", "ipvlan"), ("macvlan", "lan0.50", "8021q")])
def test_what_the_kernel_lacks_is_named(cli, name, uplink, driver, parent, module):
    created = subprocess.run(["ip", "link", "add", "probe0", "type", "ipvlan" if driver == "ipvlan" else "vlan"],
                             capture_output=True, text=True, check=False)
    if "Unknown device type" not in created.stderr:
        pytest.skip("this kernel has it; Tests/VM uses it")
    stderr = cli("network", "create", "-d", driver, "-o", f"parent={parent}", name, status=1).stderr
    assert f"module {module}" in stderr


@pytest.mark.skiff_only
def test_an_endpoint_has_its_bandwidth(cli, daemon, name):
    with network(cli, f"{name}-net") as net:
        cli("run", "-d", "--name", name, "--network", f"name={net},driver-opt=skiff.rate=10mbit",
            "busybox", "sleep", "1000")
        assert "tbf" in in_container(daemon, name, "tc", "qdisc", "show", "dev", "eth0")
        assert "rate 10Mbit" in shell("tc qdisc show")
        assert 'invalid skiff.rate "fast"' in cli(
            "run", "--rm", "--network", f"name={net},driver-opt=skiff.rate=fast", "busybox", "true", status=125).stderr


@pytest.mark.skiff_only
def test_the_audit_says_who_reaches_whom(cli, daemon, name):
    if cli.client != "skiff":
        pytest.skip("a command of Skiff's own")
    with network(cli, f"{name}-net") as net:
        cli("run", "-d", "--name", f"{name}-a", "--network", net, "-p", "18099:80", "busybox", "sleep", "1000")
        cli("run", "-d", "--name", f"{name}-b", "busybox", "sleep", "1000")
        audit = json.loads(cli.out("network", "audit", "--json"))
        found = {(path["From"], path["To"]): path for path in audit["Paths"] if path["Source"] == "container"}
        one = found[f"{name}-b", f"{name}-a"]
        assert one["Verdict"] == "blocked" and "chain inbound" in one["Reason"]
        address = daemon.inspect(f"{name}-a")["NetworkSettings"]["Networks"][net]["IPAddress"]
        assert one["Address"] == address and one["Network"] == net
        assert ("host", "reachable") in {
            (path["Source"], path["Verdict"]) for path in audit["Paths"] if path["To"] == f"{name}-a"}
        table = cli.out("network", "audit").splitlines()
        assert table[0].split() == ["FROM", "TO", "NETWORK", "ADDRESS", "VERDICT", "REASON"]
        assert any(line.split()[:5] == [f"{name}-b", f"{name}-a", net, address, "blocked"] for line in table)
