"""Images whose configuration says anything: they are refused or used, and the daemon goes on either way."""

import json

import pytest

from harness.archives import image_with_layers

pytestmark = pytest.mark.skiff_only

MOST, LEAST = 2**63 - 1, -(2**63)

#: By name: what stands in the image's `config`.
CONFIGS = {
    "ports": {"ExposedPorts": {"99999999/tcp": {}, "80-70/tcp": {}, "0/tcp": {}, "x/y/z": {}, "-1/udp": {}}},
    "many ports": {"ExposedPorts": {f"{number}/tcp": {} for number in range(1, 3000)}},
    "health": {"Healthcheck": {"Test": ["CMD", "true"], "Interval": MOST, "Timeout": MOST, "StartPeriod": MOST,
                               "StartInterval": MOST, "Retries": MOST}},
    "health below": {"Healthcheck": {"Test": ["CMD", "true"], "Interval": LEAST, "Timeout": LEAST, "Retries": LEAST}},
    "health of nothing": {"Healthcheck": {"Test": []}},
    "user": {"User": "4294967296:99999999999999999999"},
    "user below": {"User": "-1:-1"},
    "folder": {"WorkingDir": "../../../../proc/self/fd"},
    "environment": {"Env": ["", "=", "A", "=B", "PATH=", "\u0000", "X=" + "y" * 200_000]},
    "volumes": {"Volumes": {"/": {}, "..": {}, "": {}, "/proc/1": {}, "/a/../../b": {}}},
    "signal": {"StopSignal": "99999999999999999999", "StopTimeout": MOST},
    "no command": {"Cmd": [], "Entrypoint": []},
    "texts": {"Cmd": ["\u0000"], "Entrypoint": ["a\u0000b"], "Labels": {"": "", "a=b": "\n"}},
    "shell": {"Shell": [], "OnBuild": ["", "FROM x"]},
}

#: By name: what stands beside `config`.
DOCUMENTS = {
    "created late": {"created": "9999-12-31T23:59:59.999999999Z"},
    "created early": {"created": "0001-01-01T00:00:00Z"},
    "system": {"os": "", "architecture": "", "variant": "v" * 10_000},
    "author": {"author": "\u0000" * 100, "comment": "x" * 100_000, "parent": "sha256:" + "0" * 64},
}


def try_all(engine, name: str, archive) -> None:
    answer = engine.api("POST", "/images/load?quiet=1", archive.read_bytes())
    archive.unlink()
    if answer.status == 200 and b'"error"' not in answer.body:
        for path in ("images/json", f"images/{name}:1/json", f"images/{name}:1/history", "system/df"):
            assert engine.api("GET", f"/{path}").status == 200
        created = engine.api("POST", "/containers/create", {"Image": f"{name}:1"})
        if created.status == 201:
            identifier = created.json["Id"]
            engine.api("POST", f"/containers/{identifier}/start")
            for path in (f"containers/{identifier}/json", "containers/json?all=1&size=1"):
                assert engine.api("GET", f"/{path}").status == 200
            assert engine.api("DELETE", f"/containers/{identifier}?force=1&v=1").status == 204
        else:
            assert 400 <= created.status < 500, created.body
        assert engine.api("DELETE", f"/images/{name}:1?force=1").status == 200
    else:
        assert answer.status < 500, answer.body
    assert engine.process.poll() is None and engine.api("GET", "/_ping").status == 200, engine.log_text()


@pytest.mark.parametrize("case", CONFIGS)
def test_what_an_image_says_of_its_containers(daemon, tmp_path, case):
    name = "says-" + case.replace(" ", "-")
    try_all(daemon, name, image_with_layers(tmp_path, f"{name}:1", [{"f": "x"}], config={"Cmd": ["true"]} | CONFIGS[case]))


@pytest.mark.parametrize("case", DOCUMENTS)
def test_what_an_image_says_of_itself(daemon, tmp_path, case):
    name = "is-" + case.replace(" ", "-")
    try_all(daemon, name, image_with_layers(tmp_path, f"{name}:1", [{"f": "x"}], **DOCUMENTS[case]))


def test_an_archive_that_lists_one_image_very_often(daemon, tmp_path):
    """A manifest.json with the same entry ten thousand times is one image."""
    import io
    import tarfile
    archive = image_with_layers(tmp_path, "often:1", [{"f": "x"}])
    files = {}
    with tarfile.open(archive) as data:
        for one in data:
            files[one.name] = data.extractfile(one).read()
    [entry] = json.loads(files["manifest.json"])
    files["manifest.json"] = json.dumps([entry] * 10_000).encode()
    with tarfile.open(archive, "w") as target:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            target.addfile(info, io.BytesIO(data))
    answer = daemon.api("POST", "/images/load?quiet=1", archive.read_bytes())
    assert answer.body.count(b"Loaded image") == 1, answer.body[:500]
    assert daemon.api("DELETE", "/images/often:1?force=1").status == 200
