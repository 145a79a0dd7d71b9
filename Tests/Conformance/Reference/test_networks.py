"""Networks as Debian's Docker 20.10 has them: refusals, inspections, what connects and disconnects, filters, events."""

import json
import re
import time
import urllib.parse

import pytest

from harness import settings
from harness.waiting import wait_for

pytestmark = [
    pytest.mark.skipif(not settings.peer("dockerd"), reason="no dockerd; scripts/peers puts Debian's in place"),
]
V = "/v1.41"


def create(name: str = "n", *pools: dict, **members) -> tuple[str, str, dict]:
    return "POST", "/networks/create", {"Name": name, **({"IPAM": {"Config": list(pools)}} if pools else {}), **members}


def pool(subnet: str, **members) -> dict:
    return {"Subnet": subnet, **members}


STANDING = "10.94.0.0/24"

#: Requests that both engines refuse, beside the network `standing` with the container `one`.
REFUSED = [
    create(""), create("bridge"), create("host"), create("none"), create("default"),
    create(Driver="nosuch"), create(Driver="host"), create(Driver="null"),
    create("n", pool("x")), create("n", pool("10.94.1.0")), create("n", pool("10.94.1.0/33")),
    create("n", pool("10.94.1.0/24", Gateway="x")), create("n", pool("10.94.1.0/24", Gateway="10.95.0.1")),
    create("n", pool("10.94.1.0/24", IPRange="x")),
    # Docker 20.10 does not give a subnet back whose names it refuses.
    create("n", pool("10.94.2.0/24", AuxiliaryAddresses={"a": "x"})),
    create("n", pool(STANDING)), create("n", pool("10.94.0.128/25")), create("n", pool("10.0.0.0/8")),
    create("n", IPAM={"Driver": "nosuch"}), create(ConfigFrom={"Network": "nosuch"}),
    create(ConfigFrom={"Network": "standing"}), create(ConfigOnly=True, ConfigFrom={"Network": "standing"}),
    create(Options={"com.docker.network.driver.mtu": "x"}),
    create(Options={"com.docker.network.bridge.enable_icc": "x"}),
    create(Options={"com.docker.network.bridge.host_binding_ipv4": "x"}),
    ("POST", "/networks/create", {"Name": "standing", "CheckDuplicate": True}),
    ("DELETE", "/networks/nosuch", None), ("DELETE", "/networks/bridge", None), ("DELETE", "/networks/host", None),
    ("DELETE", "/networks/standing", None),
    ("POST", "/networks/nosuch/connect", {"Container": "one"}), ("POST", "/networks/standing/connect", {"Container": "x"}),
    ("POST", "/networks/standing/connect", {}), ("POST", "/networks/standing/connect", {"Container": "one"}),
    ("POST", "/networks/bridge/connect", {"Container": "one"}), ("POST", "/networks/host/connect", {"Container": "one"}),
    ("POST", "/networks/none/connect", {"Container": "one"}), ("POST", "/networks/standing/connect", {"Container": "host"}),
    ("POST", "/networks/standing/connect", {"Container": "none"}),
    ("POST", "/networks/standing/connect", {"Container": "guest"}),
    ("POST", "/networks/standing/connect",
     {"Container": "two", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.95.0.9"}}}),
    ("POST", "/networks/standing/connect", {"Container": "two", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "x"}}}),
    ("POST", "/networks/bridge/connect",
     {"Container": "three", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "172.17.0.99"}}}),
    ("POST", "/networks/bridge/connect", {"Container": "three", "EndpointConfig": {"Aliases": ["x"]}}),
    ("POST", "/networks/nosuch/disconnect", {"Container": "one"}),
    ("POST", "/networks/standing/disconnect", {"Container": "two"}),
    ("POST", "/networks/standing/disconnect", {"Container": "nosuch"}),
    ("POST", "/networks/host/disconnect", {"Container": "host"}),
    ("POST", "/networks/prune?filters=" + urllib.parse.quote('{"foo":["x"]}'), None),
    ("POST", "/networks/prune?filters=" + urllib.parse.quote('{"until":["x"]}'), None),
    ("GET", "/networks?filters=" + urllib.parse.quote('{"dangling":["x"]}'), None),
    ("GET", "/networks/standing?scope=swarm", None),
]

#: Only the status is compared: Docker's words are Go's, or those of an older version.
OTHER_WORDS = [
    r'"Subnet": "(x|10.94.1.0|10.94.1.0/33)"', r'"Gateway": "(x|10.95.0.1)"', r'"IPRange": "x"', r"Auxiliary", r'"Options"',
    r'"IPv4Address": "10.95.0.9"', r"dangling", r"until",
]


def words(message: str) -> str:
    """Without case and identifiers, and a bracket that Docker closes and never opened."""
    return re.sub(r"[0-9a-f]{64}", "ID", message).strip().rstrip(")").lower()


@pytest.fixture
def pair(reference, daemon):
    yield reference, daemon
    reference.remove_containers()
    reference.remove_networks()


@pytest.fixture
def stage(pair):
    """Both engines with the same network and containers, for requests that change nothing."""
    for engine in pair:
        assert engine.api(*create("standing", pool(STANDING, Gateway="10.94.0.1"))).status == 201
        for name, mode in (("one", "standing"), ("two", "bridge"), ("three", "standing"), ("host", "host"), ("none", "none"),
                           ("guest", "container:one")):
            engine.cli()("run", "-d", "--name", name, "--network", mode, "busybox", "sleep", "1000")
        assert engine.api("POST", "/networks/bridge/connect", {"Container": "one"}).status == 200
    return pair


def refused_both(stage, request_) -> None:
    method, path, body = request_
    theirs, ours = (engine.api(method, V + path, body) for engine in stage)
    assert theirs.status >= 400 and (ours.status == theirs.status or (theirs.status == 500 and 400 <= ours.status < 500)), (
        theirs.status, theirs.body, ours.status, ours.body)
    text = f"{path} {json.dumps(body)}"
    if not any(re.search(pattern, text) for pattern in OTHER_WORDS):
        # Behind Docker's words there may be more: what is in the way, and what to do.
        assert words(theirs.message) in words(ours.message), f"\n  {ours.message}\n  {theirs.message}"


def test_refusals(stage):
    """All of them: each that differs is told."""
    wrong = []
    for one in REFUSED:
        try:
            refused_both(stage, one)
        except AssertionError as error:
            wrong.append(f"{one}\n    {error}")
    assert not wrong, "\n".join(wrong)


#: Members whose value is an accident.
ACCIDENTS = {"Id", "Created", "EndpointID", "MacAddress"}
#: Members that Docker tells of some containers that do not run, and not of others.
ALWAYS = {"NetworkID", "SandboxID", "SandboxKey"}


def plain(value, known: dict[str, str] | None = None):
    """Without accidents; keys that are ids become names."""
    known = known or {}
    if isinstance(value, dict):
        return {known.get(key, key): "…" if key in ALWAYS or key in ACCIDENTS and one else plain(one, known)
                for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one, known) for one in value]
    return known.get(value, value) if isinstance(value, str) else value


def differences(theirs, ours, path: str = "") -> list[str]:
    """Where two values differ, as lines."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [line for key in sorted({**theirs, **ours}, key=str) for line in differences(
            theirs.get(key, "<absent>"), ours.get(key, "<absent>"), f"{path}.{key}")]
    if isinstance(theirs, (list, tuple)) and isinstance(ours, (list, tuple)) and len(theirs) == len(ours):
        return [line for index in range(len(ours)) for line in differences(theirs[index], ours[index], f"{path}[{index}]")]
    return [] if theirs == ours else [f"{path}: Docker has {theirs!r}, ours is {ours!r}"]


CREATED = {
    "plain": create("n", pool("10.94.8.0/24")),
    "everything": create(
        "n", pool("10.94.8.0/23", IPRange="10.94.9.0/24", Gateway="10.94.8.9", AuxiliaryAddresses={"a": "10.94.9.1"}),
        Internal=True, Attachable=True, Labels={"a": "b"}, CheckDuplicate=True,
        Options={"com.docker.network.driver.mtu": "1400", "com.docker.network.bridge.enable_icc": "false"}),
    "both versions": create("n", pool("10.94.8.0/24"), pool("fd94:8::/64"), EnableIPv6=True),
    "empty members": ("POST", "/networks/create", {
        "Name": "n", "Driver": "bridge", "Options": {}, "Labels": {}, "ConfigFrom": None,
        "IPAM": {"Driver": "default", "Options": {}, "Config": [pool("10.94.8.0/24", Gateway="10.94.8.1")]}}),
    "a configuration": create("n", pool("10.94.8.0/24"), ConfigOnly=True, Labels={"a": "b"}),
}


@pytest.mark.parametrize("case", CREATED)
def test_inspect_of_a_network(pair, case):
    seen = []
    for engine in pair:
        answer = engine.api(CREATED[case][0], V + CREATED[case][1], CREATED[case][2])
        assert answer.status == 201 and set(answer.json) == {"Id", "Warning"}, answer.body
        facts = engine.api("GET", f"{V}/networks/n").json
        [listed] = [one for one in engine.api("GET", f"{V}/networks").json if one["Name"] == "n"]
        for one in (facts, listed):
            one["IPAM"]["Config"].sort(key=json.dumps)
        seen.append((answer.json["Warning"], plain(facts), plain(listed)))
    assert "\n".join(differences(*seen)) == ""


def settings_of(engine, name: str) -> dict:
    facts = engine.api("GET", f"{V}/containers/{name}/json").json
    known = {facts["Id"]: "ID", facts["Id"][:12]: "SHORT"}
    return plain(facts["NetworkSettings"], known)


CONTAINERS = {
    "plain": ["--network", "n"],
    "addresses": ["--network", "n", "--ip", "10.94.8.77", "--network-alias", "a", "--network-alias", "b"],
    "ports": ["--network", "n", "-p", "127.0.0.1:18210:80", "--expose", "81"],
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_settings_of_a_container_on_a_network(pair, case):
    """Created, running, stopped; and what the network says of it."""
    seen = []
    for engine in pair:
        assert engine.api(*create("n", pool("10.94.8.0/24"))).status == 201
        engine.cli()("create", "--name", "one", *CONTAINERS[case], "busybox", "sleep", "1000")
        created = settings_of(engine, "one")
        engine.cli()("start", "one")
        running = settings_of(engine, "one")
        network = engine.api("GET", f"{V}/networks/n").json
        [[identifier, endpoint]] = network["Containers"].items()
        assert identifier == engine.inspect("one")["Id"]
        listed = engine.api("GET", f"{V}/containers/json").json[0]["NetworkSettings"]
        engine.cli()("stop", "-t", "0", "one")
        stopped = settings_of(engine, "one")
        seen.append({"created": created, "running": running, "endpoint": plain(endpoint), "listed": plain(listed),
                     "stopped": stopped, "empty": engine.api("GET", f"{V}/networks/n").json["Containers"]})
    assert "\n".join(differences(*seen)) == ""


CONNECTIONS = {
    "plain": {}, "null": {"EndpointConfig": None}, "empty": {"EndpointConfig": {}},
    "as the command": {"EndpointConfig": {"IPAMConfig": {}, "Links": None, "Aliases": [], "DriverOpts": {}}},
    "address": {"EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.94.8.50"}, "Aliases": ["x", "y"]}},
}


@pytest.mark.parametrize("state", ["running", "created"])
@pytest.mark.parametrize("case", CONNECTIONS)
def test_settings_after_connect_and_disconnect(pair, case, state):
    seen = []
    for engine in pair:
        assert engine.api(*create("n", pool("10.94.8.0/24"))).status == 201
        engine.cli()("create", "--name", "one", "busybox", "sleep", "1000")
        if state == "running":
            engine.cli()("start", "one")
        first = engine.api("POST", f"{V}/networks/n/connect", {"Container": "one", **CONNECTIONS[case]})
        found = [(first.status, first.body), networks_of(engine, "one")]
        again = engine.api("POST", f"{V}/networks/n/connect", {"Container": "one", **CONNECTIONS[case]})
        if state == "running":  # Else Docker takes the second for a change of the first.
            found.append((again.status, words(again.message)))
        gone = engine.api("POST", f"{V}/networks/n/disconnect", {"Container": "one"})
        found += [(gone.status, gone.body), networks_of(engine, "one")]
        gone = engine.api("POST", f"{V}/networks/n/disconnect", {"Container": "one"})
        # Docker 20.10 answers 500 of a container that runs.
        found.append((min(gone.status, 403), words(gone.message)))
        seen.append(found)
    assert "\n".join(differences(*seen)) == ""


def networks_of(engine, name: str) -> dict:
    """The bridge's addresses are the engines' own."""
    found = settings_of(engine, name)["Networks"]
    if isinstance(found.get("n", {}).get("Aliases"), list):
        found["n"]["Aliases"] = [one for one in found["n"]["Aliases"] if one != "SHORT"] or None
    found["bridge"] = {key: type(value).__name__ for key, value in found["bridge"].items()}
    return found


FILTERS = [
    {}, {"name": ["n"]}, {"name": ["net-a", "net-b"]}, {"driver": ["bridge"]}, {"driver": ["host", "null"]},
    {"type": ["custom"]}, {"type": ["builtin"]}, {"type": ["custom", "builtin"]}, {"label": ["k"]}, {"label": ["k=v"]},
    {"label": ["k=w"]}, {"scope": ["local"]}, {"scope": ["swarm"]}, {"id": ["zzz"]}, {"type": ["custom"], "label": ["k"]},
]


def test_filters_of_the_list_and_of_prune(pair):
    seen = []
    for engine in pair:
        engine.api(*create("net-a", pool("10.94.8.0/24"), Labels={"k": "v"}))
        engine.api(*create("net-b", pool("10.94.9.0/24")))
        engine.api(*create("net-c", pool("10.94.10.0/24"), Labels={"k": "w"}))
        engine.cli()("run", "-d", "--network", "net-b", "--name", "one", "busybox", "sleep", "1000")

        def listed(filters: dict) -> list[str]:
            answer = engine.api("GET", f"{V}/networks?filters={urllib.parse.quote(json.dumps(filters))}")
            assert answer.status == 200, answer.body
            return sorted(one["Name"] for one in answer.json)

        def pruned(filters: dict) -> list[str] | None:
            answer = engine.api("POST", f"{V}/networks/prune?filters={urllib.parse.quote(json.dumps(filters))}")
            assert answer.status == 200, answer.body
            return answer.json
        found = [listed(filters) for filters in FILTERS]
        found += [pruned({"label": ["k=w"]}), pruned({"until": ["1h"]}), pruned({"label!": ["k=v"]}), pruned({}), pruned({})]
        seen.append(found)
    assert "\n".join(differences(*seen)) == ""


def test_a_network_in_events(pair):
    seen = []
    for engine in pair:
        since = time.time()
        engine.api(*create("n", pool("10.94.8.0/24")))
        engine.cli()("run", "-d", "--name", "one", "--network", "none", "busybox", "sleep", "1000")
        engine.cli()("run", "-d", "--name", "two", "--network", "n", "busybox", "sleep", "1000")
        engine.api("POST", f"{V}/networks/bridge/connect", {"Container": "two"})
        engine.api("POST", f"{V}/networks/n/disconnect", {"Container": "two"})
        engine.api("DELETE", f"{V}/networks/n")
        engine.api(*create("m", pool("10.94.8.0/24")))
        engine.api("POST", f"{V}/networks/prune")

        def events() -> list[dict]:
            filters = urllib.parse.quote(json.dumps({"type": ["network"]}))
            answer = engine.api("GET", f"{V}/events?since={since:.6f}&until={time.time():.6f}&filters={filters}")
            return [json.loads(line) for line in answer.body.splitlines()]
        found = wait_for(lambda: (now := events()) and now[-1]["Action"] == "prune" and now, 20, "the last event")
        two = engine.inspect("two")["Id"]
        seen.append([(one["Action"], one["scope"], json.loads(json.dumps(one["Actor"]["Attributes"]).replace(two, "TWO")))
                     for one in found if one["Actor"]["Attributes"].get("name") != "none"])
    # Docker 20.10 tells the end of a connection twice.
    assert [one for index, one in enumerate(seen[0]) if index == 0 or one != seen[0][index - 1]] == seen[1]
