"""`volume create, ls, inspect, rm, prune, update`, and their events, as the real docker command and skiff see them."""

import json
import time

import pytest

from harness.waiting import wait_for


def inspect(cli, name: str) -> dict:
    return json.loads(cli.out("volume", "inspect", name))[0]


def test_create_and_inspect(cli, daemon):
    assert cli.out("volume", "create", "--label", "a=b", "data") == "data"
    volume = inspect(cli, "data")
    assert volume["Labels"] == {"a": "b"} and volume["Options"] is None
    assert volume["Mountpoint"] == f"{daemon.data_root}/volumes/data/_data"
    assert (volume["Driver"], volume["Scope"], "UsageData" in volume) == ("local", "local", False)
    assert volume["CreatedAt"].endswith("Z") and "." not in volume["CreatedAt"]
    # Again is no error, and changes nothing.
    assert cli.out("volume", "create", "--label", "c=d", "data") == "data"
    assert inspect(cli, "data") == volume
    assert cli.out("volume", "inspect", "-f", "{{.Name}} {{.Options}} {{len .Labels}}", "data") == "data map[] 1"
    assert json.loads(cli.out("inspect", "data"))[0] == volume


def test_a_volume_without_a_name_is_anonymous(cli):
    name = cli.out("volume", "create")
    assert len(name) == 64 and inspect(cli, name)["Labels"] == {"com.docker.volume.anonymous": ""}
    assert cli.out("volume", "ls", "-q", "--filter", "label=com.docker.volume.anonymous") == name


@pytest.mark.parametrize("arguments,message", [
    (["x"], "create x: volume name is too short, names should be at least two alphanumeric characters"),
    (["a!b"], 'create a!b: "a!b" includes invalid characters for a local volume name'),
    (["-d", "nosuch", "vol"], 'create vol: error looking up volume plugin nosuch: plugin "nosuch" not found'),
    (["-o", "foo=bar", "vol"], 'create vol: invalid option: "foo"'),
    (["-o", "type=tmpfs", "vol"], 'create vol: missing required option: "device"'),
    (["-o", "device=tmpfs", "vol"], 'create vol: missing required option: "type"'),
    (["-o", "o=size=1m", "vol"], 'create vol: missing required option: "device"'),
    (["-o", "size=abc", "vol"], "create vol: invalid size: 'abc'"),
])
def test_refused(cli, arguments, message):
    refused = cli("volume", "create", *arguments, status=None)
    assert refused.returncode == 1 and message in refused.stderr
    assert cli.out("volume", "ls", "-q") == ""


def test_list(cli):
    for name, label in (("vol10", "a=1"), ("vol2", "a=2"), ("other", "b=1")):
        cli("volume", "create", "--label", label, name)
    assert cli.out("volume", "ls") == "DRIVER    VOLUME NAME\nlocal     other\nlocal     vol2\nlocal     vol10"
    assert cli.out("volume", "ls", "-q", "--filter", "name=vol") == "vol2\nvol10"
    assert cli.out("volume", "ls", "-q", "--filter", "name=^vol2$") == "vol2"
    assert cli.out("volume", "ls", "-q", "--filter", "label=a=1") == "vol10"
    assert cli.out("volume", "ls", "-q", "--filter", "label=a", "--filter", "driver=local") == "vol2\nvol10"
    assert cli.out("volume", "ls", "-q", "--filter", "driver=nosuch") == ""
    cli("create", "-v", "vol2:/x", "busybox")
    assert cli.out("volume", "ls", "-q", "--filter", "dangling=true") == "other\nvol10"
    assert cli.out("volume", "ls", "-q", "--filter", "dangling=false") == "vol2"
    assert "nvalid filter 'dangling=[x]'" in cli("volume", "ls", "--filter", "dangling=x", status=None).stderr
    assert "nvalid filter 'foo'" in cli("volume", "ls", "--filter", "foo=x", status=None).stderr
    row = json.loads(cli.out("volume", "ls", "--format", "json", "--filter", "name=other"))
    assert (row["Name"], row["Labels"], row["Size"], row["Links"]) == ("other", "b=1", "N/A", "N/A")


def test_remove(cli, daemon):
    for name in ("one", "two", "six"):
        cli("volume", "create", name)
    first, second = (cli.out("create", "-v", "one:/x", "busybox") for _ in range(2))
    refused = cli("volume", "rm", "one", "two", "nosuch", status=None)
    assert refused.returncode == 1 and refused.stdout.strip() == "two"
    assert f"remove one: volume is in use - [{first}, {second}]" in refused.stderr
    assert "get nosuch: no such volume" in refused.stderr
    assert "volume is in use" in cli("volume", "rm", "-f", "one", status=None).stderr
    assert cli.out("volume", "rm", "-f", "nosuch", "six") == "nosuch\nsix"
    assert daemon.api("DELETE", "/volumes/nosuch").status == 404
    assert daemon.api("DELETE", "/volumes/one").status == 409
    missing = cli("volume", "inspect", "nosuch", status=None)
    assert missing.returncode == 1 and missing.stdout.strip() == "[]"
    assert "get nosuch: no such volume" in missing.stderr


def test_prune(cli, daemon):
    anonymous = cli.out("volume", "create")
    cli("volume", "create", "named")
    cli("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "outside")
    cli("volume", "create", "--label", "keep", "kept")
    used = cli.out("create", "-v", "/x", "busybox")
    pruned = cli.out("volume", "prune", "-f")
    assert pruned.startswith(f"Deleted Volumes:\n{anonymous}\n\nTotal reclaimed space: ")
    assert cli.out("volume", "prune", "-f") == "Total reclaimed space: 0B"
    assert "kept" not in cli.out("volume", "prune", "-af", "--filter", "label!=keep")
    left = cli.out("volume", "ls", "-q").split()
    mine = daemon.inspect(used)["Mounts"][0]["Name"]
    assert sorted(left) == sorted(["kept", "outside", mine])
    conflict = cli("volume", "prune", "-af", "--filter", "all=1", status=None)
    assert "conflicting options: cannot specify both --all and --filter all=1" in conflict.stderr
    # What Docker does not prune either: the engine keeps nothing of it.
    assert cli.out("volume", "prune", "-af").startswith("Deleted Volumes:\nkept\n")
    # Before 1.42 those with a name went, too.
    cli("volume", "create", "named")
    assert daemon.api("POST", "/v1.41/volumes/prune").json["VolumesDeleted"] == ["named"]
    assert daemon.api("POST", "/v1.41/volumes/prune").json == {"VolumesDeleted": [], "SpaceReclaimed": 0}


def test_update_is_for_clusters(cli, daemon):
    cli("volume", "create", "data")
    assert "can only update cluster volumes" in cli("volume", "update", "data", status=None).stderr
    assert "get nosuch: no such volume" in cli("volume", "update", "nosuch", status=None).stderr
    answer = daemon.api("PUT", "/volumes/data?version=1", {})
    assert answer.status == 503 and "only valid for cluster volumes" in answer.message


def test_events(cli, daemon):
    since = int(time.time())
    cli("volume", "create", "told")
    container = cli.out("run", "-d", "-v", "told:/x:ro", "busybox", "sleep", "1000")
    cli("rm", "-f", container)
    cli("volume", "rm", "told")
    lines = cli.out("events", "--since", since, "--until", int(time.time()) + 1, "--filter", "type=volume", "--filter",
                    "volume=told", "--format", "{{.Action}} {{json .Actor.Attributes}}").splitlines()[-4:]
    events = [(line.split()[0], json.loads(line.split(" ", 1)[1])) for line in lines]
    assert [action for action, _ in events] == ["create", "mount", "unmount", "destroy"]
    assert events[1][1] == {"container": container, "destination": "/x", "driver": "local", "propagation": "",
                            "read/write": "false"}
    assert events[2][1] == {"container": container, "driver": "local"}


def test_files_that_are_gone_are_told_of(cli, daemon):
    cli("volume", "create", "data")
    (daemon.data_root / "volumes/data/_data").rmdir()
    assert inspect(cli, "data")["Name"] == "data"
    failed = cli("run", "--rm", "-v", "data:/x", "busybox", "true", status=None)
    assert failed.returncode in (125, 127) and "volume data has lost its files" in failed.stderr
    wait_for(lambda: not daemon.api("GET", "/containers/json?all=1").json, 10, "the end of the container")
    cli("volume", "rm", "data")
    cli("run", "--rm", "-v", "data:/x", "busybox", "true")
