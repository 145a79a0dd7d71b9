"""Volumes as Debian's Docker 20.10 has them: answers, refusals, filters."""

import re
import urllib.parse

import pytest

from harness import settings

pytestmark = [
    pytest.mark.skipif(not settings.peer("dockerd"), reason="no dockerd; scripts/peers puts Debian's in place"),
]
V = "/v1.41"


def create(name: str, **members) -> tuple[str, str, dict]:
    return "POST", "/volumes/create", {"Name": name, **members}


def filters(text: str) -> str:
    return "?filters=" + urllib.parse.quote(text)


#: Requests beside the volumes `plain` (which the container `one` has), `labelled` and `mounted`.
REQUESTS = [
    create("x"), create("a!b"), create("/a"), create("vol", DriverOpts={"foo": "bar"}),
    create("vol", DriverOpts={"type": "tmpfs"}), create("vol", DriverOpts={"device": "tmpfs"}),
    create("vol", DriverOpts={"o": "size=1m"}), create("vol", DriverOpts={"o": "bind", "device": "/x"}),
    create("plain", Labels={"x": "y"}), create("plain", DriverOpts={"type": "tmpfs", "device": "tmpfs"}),
    ("GET", "/volumes/plain", None), ("GET", "/volumes/labelled", None), ("GET", "/volumes/mounted", None),
    ("GET", "/volumes/nosuch", None), ("DELETE", "/volumes/nosuch", None), ("DELETE", "/volumes/nosuch?force=1", None),
    ("DELETE", "/volumes/plain", None), ("DELETE", "/volumes/plain?force=1", None), ("PUT", "/volumes/plain", {}),
    ("GET", "/volumes" + filters('{"foo":["x"]}'), None), ("GET", "/volumes" + filters('{"dangling":["x"]}'), None),
    ("GET", "/volumes" + filters('{"dangling":["true"]}'), None), ("GET", "/volumes" + filters('{"dangling":["false"]}'), None),
    ("GET", "/volumes" + filters('{"name":["^l"]}'), None), ("GET", "/volumes" + filters('{"name":["a"]}'), None),
    ("GET", "/volumes" + filters('{"label":["l=1"]}'), None), ("GET", "/volumes" + filters('{"label":["l=2"]}'), None),
    ("GET", "/volumes" + filters('{"driver":["local"]}'), None), ("GET", "/volumes" + filters('{"driver":["x"]}'), None),
    ("POST", "/volumes/prune" + filters('{"foo":["x"]}'), None), ("POST", "/volumes/prune" + filters('{"all":["x"]}'), None),
    ("POST", "/volumes/prune" + filters('{"label":["nosuch"]}'), None),
    ("POST", "/volumes/prune", None), ("GET", "/volumes", None),
]


def plain(value, engine):
    """Without times, ids and the engine's own folder; volumes by name. What a folder occupies is not what Docker says."""
    if isinstance(value, dict):
        accidents = ("CreatedAt", "SpaceReclaimed")
        return {key: "…" if key in accidents else plain(one, engine) for key, one in value.items()}
    if isinstance(value, list):
        found = [plain(one, engine) for one in value]
        return sorted(found, key=str)
    if isinstance(value, str):
        return re.sub("[0-9a-f]{64}", "ID", value.replace(str(engine.data_root), "ROOT"))
    return value


def test_every_answer_is_the_same(reference, daemon):
    answers = {}
    try:
        for engine in (reference, daemon):
            for made in (create("plain"), create("labelled", Labels={"l": "1"}),
                         create("mounted", DriverOpts={"type": "tmpfs", "device": "tmpfs", "o": "size=1m"})):
                assert engine.api(made[0], V + made[1], made[2]).status == 201
            engine.cli()("create", "--name", "one", "-v", "plain:/x", "busybox")
            answers[engine] = []
            for method, path, body in REQUESTS:
                answer = engine.api(method, V + path, body)
                content = plain(answer.json, engine) if answer.body else None
                if answer.status >= 400:
                    content = content["message"].lower()
                answers[engine].append((method, urllib.parse.unquote(path), body, answer.status, content))
        different = [(ours, theirs) for ours, theirs in zip(answers[daemon], answers[reference]) if ours != theirs]
        assert not different, "\n".join(f"ours   {ours}\ntheirs {theirs}" for ours, theirs in different)
    finally:
        for engine in (reference, daemon):
            engine.remove_containers()
            for one in engine.api("GET", "/volumes").json["Volumes"] or []:
                engine.api("DELETE", f"/volumes/{one['Name']}?force=1")
