"""`network audit`: what it says by the rules is what connections find."""

import json

import pytest

from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only

SERVER = "while :; do echo hello | nc -l -p 80; done"


@pytest.fixture
def lab(new_daemon):
    engine = new_daemon()
    cli = engine.cli("skiff")
    cli("network", "create", "front")
    cli("network", "create", "--internal", "back")
    for name, network in (("web", "front"), ("app", "front"), ("db", "back")):
        ports = ["-p", "18080:80"] if name == "web" else []
        cli("run", "-d", "--name", name, "--network", network, *ports, "busybox", "sh", "-c", SERVER)
    cli("network", "connect", "back", "app")
    return engine


def reach(engine, source: str, address: str, port: int) -> bool:
    ask = ["nc", "-w", "2", address, str(port)]
    if source:
        done = engine.cli("skiff")("exec", source, *ask, status=None)
        return "hello" in done.stdout
    return "hello" in engine.run("sh", "-c", " ".join(ask) + " </dev/null").stdout


def test_every_verdict_is_what_a_connection_finds(lab):
    report = json.loads(lab.cli("skiff").out("network", "audit", "--json"))
    checked = set()
    for path in report["Paths"]:
        if path["Source"] == "outside" or ":" in path["Address"]:
            continue
        port = path.get("Port") or 80
        expected = path["Verdict"] == "reachable"
        source = path["From"] if path["Source"] == "container" else ""
        wait_for(lambda: reach(lab, source, path["Address"], port) == expected, 10, str(path))
        checked.add((path["Source"], path["Verdict"]))
    assert {("container", "reachable"), ("container", "blocked"), ("host", "reachable")} <= checked
    assert report["Findings"] == []


def test_the_table_shows_who_reaches_whom_and_warns_of_another_firewall(lab):
    table = lab.cli("skiff").out("network", "audit")
    assert table.splitlines()[0].split() == ["FROM", "TO", "NETWORK", "ADDRESS", "VERDICT", "REASON"]
    assert any("app" in line.split() and " db " in line and "reachable" in line for line in table.splitlines())
    # A way out, which another firewall closes.
    lab.run("sh", "-c", "ip link add up0 type veth peer name up1; ip addr add 198.51.100.1/24 dev up0; "
            "ip link set up0 up; ip link set up1 up")
    lab.run("nft", "add table ip other; add chain ip other c { type filter hook forward priority 5; policy drop; }")
    try:
        warned = lab.cli("skiff").out("network", "audit")
        assert "WARNING: " in warned and "nft insert rule ip other c" in warned
    finally:
        lab.run("nft", "delete", "table", "ip", "other")
        lab.run("ip", "link", "del", "up0")
