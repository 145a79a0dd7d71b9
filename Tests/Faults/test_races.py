"""Everything at once on the same containers: whatever wins, each request is answered, and nothing is left behind."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import settings
from harness.hijack import Hijacked
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only
V = "/v1.51"
NAMES = ["race-a", "race-b", "race-c"]
SCRIPT = "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done"


def operation(daemon, chance: random.Random) -> list:
    """One thing that a client may do; its answers."""
    name, other = chance.sample(NAMES, 2)
    one = f"{V}/containers/{name}"
    simple = {
        "start": ("POST", f"{one}/start"), "start again": ("POST", f"{one}/start"), "stop": ("POST", f"{one}/stop?t=1"),
        "kill": ("POST", f"{one}/kill"), "restart": ("POST", f"{one}/restart?t=1"), "pause": ("POST", f"{one}/pause"),
        "unpause": ("POST", f"{one}/unpause"), "rename": ("POST", f"{one}/rename?name={other}"), "top": ("GET", f"{one}/top"),
        "remove": ("DELETE", one), "remove by force": ("DELETE", f"{one}?force=1&v=1"), "resize": ("POST", f"{one}/resize?h=5&w=5"),
        "inspect": ("GET", f"{one}/json?size=1"), "logs": ("GET", f"{one}/logs?stdout=1"), "list": ("GET", f"{V}/containers/json?all=1"),
        "stats": ("GET", f"{one}/stats?stream=0&one-shot=1"), "prune": ("POST", f"{V}/containers/prune"),
    }
    kind = chance.choice([*simple, "create", "create", "create", "update", "exec", "exec"])
    if kind in simple:
        return [daemon.api(*simple[kind])]
    if kind == "create":
        return [daemon.api("POST", f"{V}/containers/create?name={name}", {
            "Image": "busybox", "Cmd": ["sh", "-c", SCRIPT], "HostConfig": {"AutoRemove": chance.random() < 0.3}})]
    if kind == "update":
        return [daemon.api("POST", f"{one}/update", {"CpuShares": chance.choice([100, 200])})]
    made = daemon.api("POST", f"{one}/exec", {"Cmd": ["sleep", "0.2"], "AttachStdout": True})
    if made.status != 201:
        return [made]
    start = f"{V}/exec/{made.json['Id']}/start"
    if chance.random() < 0.5:
        return [made, daemon.api("POST", start, {"Detach": True})]
    stream = Hijacked(daemon, start, {"Detach": False, "Tty": False})
    stream.socket.settimeout(2)
    try:
        if stream.status == 101:
            stream.frames()
    except TimeoutError:
        pass  # The container is paused: nobody waits for it.
    finally:
        stream.close()
    return [made]


@pytest.mark.parametrize("seed", range(settings.short_or_long(2, 30)))
def test_everything_at_once_on_the_same_containers(daemon, seed):
    ended = threading.Event()

    def client(number: int) -> None:
        chance = random.Random(seed * 100 + number)
        for _ in range(40):
            if ended.is_set():
                return
            try:
                for answer in operation(daemon, chance):
                    # 500 would be a fault of Skiff's own.
                    assert answer.status < 500, (answer.status, answer.body)
                    assert answer.status < 400 or answer.message
            except BaseException:
                ended.set()
                raise

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(client, number) for number in range(6)]:
            done.result()
    # Nothing is stuck: all can be removed, their names are free, and the fixture looks for what is left.
    daemon.remove_containers()
    for name in NAMES:
        # One of --rm may be on its way out still.
        wait_for(lambda: daemon.api("POST", f"{V}/containers/create?name={name}", {
            "Image": "busybox", "Cmd": ["true"]}).status == 201, 30, f"the name {name}")
        assert daemon.api("DELETE", f"{V}/containers/{name}").status == 204
