"""system df, and the prune commands."""

import contextlib
import json
import subprocess

import docker
import pytest

from harness.archives import image_with_layers
from harness.waiting import wait_for

pytestmark = pytest.mark.skiff_only

MEGABYTE = 1_000_000


@pytest.fixture
def engine(new_daemon):
    """Of its own: what others left would be counted and pruned."""
    return new_daemon()


def du(folder) -> int:
    """What a folder occupies, in bytes."""
    out = subprocess.run(["du", "-s", "--block-size=1", folder], stdout=subprocess.PIPE, text=True, check=True)
    return int(out.stdout.split()[0])


def usage(engine, *kinds: str) -> dict:
    query = "&".join(f"type={kind}" for kind in kinds)
    answer = engine.api("GET", f"/system/df?{query}")
    assert answer.status == 200, answer.body
    return answer.json


def assert_near(reported: int, real: int) -> None:
    assert abs(reported - real) <= real / 100, (reported, real)


def test_df_agrees_with_du(new_daemon, tmp_path):
    """Layers as they came plain, layers with their compressed form, what containers wrote, volumes."""
    engine = new_daemon(images=())
    engine.load("busybox", form="oci")
    assert du(engine.data_root / "content") > 500_000
    cli = engine.cli("docker")
    plain = image_with_layers(tmp_path, "plain:1", [{"plain": "p" * 9 * MEGABYTE}, {"few": "x", "more": "y" * 700}])
    cli("load", "-i", str(plain))
    squeezed = tmp_path / "squeezed.tar.gz"
    subprocess.run(f"head -c 8000000 /dev/urandom > {tmp_path}/noise; tar -C {tmp_path} -cz noise > {squeezed}",
                   shell=True, check=True)
    cli("import", str(squeezed), "squeezed:1")
    cli("run", "--name", "writer", "-v", "named:/v", "-v", "/anonymous", "plain:1", "sh", "-c",
        "head -c 7000000 /dev/urandom > /own; ln /own /again; head -c 6000000 /dev/urandom > /v/file; echo > /anonymous/x; "
        "truncate -s 1G /sparse; head -c 300000 /dev/zero | tr '\\0' 'l'")
    shown = usage(engine)
    root = engine.data_root
    assert_near(shown["LayersSize"], sum(du(path) for path in (root / "overlay2").iterdir() if len(path.name) == 64
                                         and path.name not in {one["Id"] for one in shown["Containers"]})
                + du(root / "content"))
    [container] = shown["Containers"]
    assert_near(container["SizeRw"], du(root / "overlay2" / container["Id"]) + du(root / "containers" / container["Id"]))
    assert {one["Name"] for one in shown["Volumes"]} == {path.name for path in (root / "volumes").iterdir()}
    for volume in shown["Volumes"]:
        assert_near(volume["UsageData"]["Size"], du(root / "volumes" / volume["Name"]))
        assert volume["UsageData"]["RefCount"] == 1 and volume["Mountpoint"] == str(
            root / "volumes" / volume["Name"] / "_data")
    whole = sum(du(root / name) for name in ("overlay2", "content", "containers", "volumes"))
    assert_near(shown["LayersSize"] + container["SizeRw"] + sum(one["UsageData"]["Size"] for one in shown["Volumes"]),
                whole)
    assert whole > 30 * MEGABYTE


def test_df_gives_the_kinds_that_are_asked_for(engine):
    assert set(usage(engine)) == {
        "LayersSize", "Images", "Containers", "Volumes", "BuildCache", "BuilderSize", "Sharing"}
    assert set(usage(engine, "image")) == {"LayersSize", "Images"}
    assert set(usage(engine, "container", "volume")) == {"Containers", "Volumes"}
    assert usage(engine, "build-cache") == {"BuildCache": [], "BuilderSize": 0}
    answer = engine.api("GET", "/system/df?type=nonsense")
    assert answer.status == 400 and answer.message == "unknown object type: nonsense"


def test_three_containers_share_what_they_have_in_common(engine, tmp_path):
    """The seeds' picture, a hundredth of its size: Ubuntu 100, Python 50, three containers with 5 each; 165 in all. Three
    copies of a container's whole file system and one of each image would be 715."""
    cli = engine.cli("docker")
    ubuntu, python = "u" * MEGABYTE, "p" * (MEGABYTE // 2)
    cli("load", "-i", str(image_with_layers(tmp_path, "ubuntu:1", [{"ubuntu": ubuntu}])))
    cli("load", "-i", str(image_with_layers(tmp_path, "python:1", [{"ubuntu": ubuntu}, {"python": python}])))
    for number in range(3):
        cli("run", "--name", f"own{number}", "python:1", "sh", "-c", "head -c 50000 /dev/zero > /own")
    shown = usage(engine)
    sizes = {one["RepoTags"][0]: one for one in shown["Images"]}
    shell = sizes["busybox:latest"]["Size"]
    assert sizes["ubuntu:1"]["Size"] - shell == MEGABYTE
    assert sizes["python:1"]["Size"] - shell == 1.5 * MEGABYTE
    assert sizes["python:1"]["SharedSize"] == shell + MEGABYTE and sizes["ubuntu:1"]["SharedSize"] == shell + MEGABYTE
    assert [sizes[one]["Containers"] for one in ("ubuntu:1", "python:1")] == [0, 3]
    own = sum(one["SizeRw"] for one in shown["Containers"])
    assert 150_000 <= own < 400_000
    sharing = shown["Sharing"]
    assert sharing["WithSharing"] == shell + 1.5 * MEGABYTE + own
    assert sharing["WithoutSharing"] == 6 * shell + (1 + 1.5 + 3 * 1.5) * MEGABYTE + own
    saved = 100 * (sharing["WithoutSharing"] - sharing["WithSharing"]) // sharing["WithoutSharing"]
    assert saved >= 70
    text = engine.cli("skiff").out("system", "df", "-v")
    assert f"({saved}%)" in text and "Sharing of layers saves: " in text
    lines = [line.split() for line in text.splitlines()]
    rows = {line[0]: line for line in lines if len(line) > 3 and line[1] == "1"}
    assert rows["python"][-1] == "3" and rows["python"][-2] == "500kB" and rows["ubuntu"][-2] == "0B"


@pytest.mark.docker28
def test_df_in_all_forms_of_output(engine, client_pair):
    docker_cli, skiff = client_pair
    skiff("run", "--name", "one", "-v", "data:/v", "busybox", "true")
    for arguments in ((), ("--format", "{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Size}}"), ("--format", "json")):
        assert skiff.out("system", "df", *arguments).splitlines() == docker_cli.out("system", "df", *arguments).splitlines()
    template = "{{range .Images}}{{.Repository}} {{.Size}} {{.UniqueSize}} {{.Containers}}{{end}}" \
        "{{range .Containers}}{{.Names}} {{.LocalVolumes}}{{end}}{{range .Volumes}}{{.Name}} {{.Links}} {{.Size}}{{end}}"
    assert skiff.out("system", "df", "-v", "--format", template) == docker_cli.out("system", "df", "-v", "--format", template)
    first, second = (json.loads(one.out("system", "df", "-v", "--format", "json")) for one in client_pair)
    assert first["Volumes"] == second["Volumes"]
    assert {key: first["Images"][0][key] for key in ("ID", "Repository", "Size", "UniqueSize")} == \
        {key: second["Images"][0][key] for key in ("ID", "Repository", "Size", "UniqueSize")}
    theirs = [line.split() for line in docker_cli.out("system", "df", "-v").splitlines()]
    ours = [line.split() for line in skiff.out("system", "df", "-v").splitlines()]
    assert [line for line in ours if "Sharing" not in line and line] == [line for line in theirs if line]


@pytest.fixture
def client_pair(engine):
    return engine.cli("docker"), engine.cli("skiff")


@pytest.mark.docker28
@pytest.mark.parametrize("client", ["docker", "skiff"])
def test_system_prune(engine, tmp_path, client):
    cli = engine.cli(client)
    cli("load", "-i", str(image_with_layers(tmp_path, "used:1", [{"used": "1" * MEGABYTE}])))
    cli("load", "-i", str(image_with_layers(tmp_path, "unused:1", [{"unused": "2" * MEGABYTE}])))
    cli("load", "-i", str(image_with_layers(tmp_path, "nameless:1", [{"nameless": "3" * MEGABYTE}])))
    nameless = cli.out("image", "inspect", "-f", "{{.Id}}", "nameless:1")
    cli("load", "-i", str(image_with_layers(tmp_path, "nameless:1", [{"nameless": "4"}])))
    cli("run", "--name", "ended", "-v", "/anonymous", "-v", "named:/n", "used:1", "true")
    cli("run", "-d", "--name", "running", "-v", "/anonymous", "-v", "kept:/n", "used:1", "sleep", "1000")
    out = cli.out("system", "prune", "-f")
    assert out.startswith("Deleted Containers:") and nameless in out and "Total reclaimed space: " in out
    assert "0B" not in out.splitlines()[-1].split()
    assert cli.out("ps", "-a", "--format", "{{.Names}}") == "running"
    assert "unused:1" in cli.out("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    assert len(usage(engine, "volume")["Volumes"]) == 4
    out = cli.out("system", "prune", "-a", "-f", "--volumes")
    assert "unused:1" in out and "Deleted Volumes:" in out
    names = cli.out("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    assert names == ["used:1"]
    left = {one["Name"]: one["UsageData"]["RefCount"] for one in usage(engine, "volume")["Volumes"]}
    assert len(left) == 3 and left["named"] == 0 and left["kept"] == 1
    assert cli.out("exec", "running", "cat", "/used")[:2] == "11"
    assert engine.api("POST", '/volumes/prune?filters={"all":["1"]}').json["VolumesDeleted"] == ["named"]


def test_prune_by_label_and_age(engine, tmp_path):
    cli = engine.cli("docker")
    for name, label in (("first", "keep"), ("second", "go")):
        archive = image_with_layers(
            tmp_path, f"{name}:1", [{name: "x"}], config={"Labels": {label: "1"}}, created="2020-01-01T00:00:00Z")
        cli("load", "-i", str(archive))
    cli("create", "--name", "kept", "--label", "keep", "busybox")
    cli("create", "--name", "gone", "--label", "go=1", "busybox")
    assert cli.out("container", "prune", "-f", "--filter", "until=24h").splitlines() == ["Total reclaimed space: 0B"]
    cli("container", "prune", "-f", "--filter", "label!=keep")
    assert cli.out("ps", "-a", "--format", "{{.Names}}") == "kept"
    assert "Deleted Images" not in cli.out("image", "prune", "-a", "-f", "--filter", "until=2019-01-01T00:00:00Z")
    out = cli.out("image", "prune", "-a", "-f", "--filter", "label=go", "--filter", "until=24h")
    assert "untagged: second:1" in out
    assert sorted(cli.out("images", "--format", "{{.Repository}}").split()) == ["busybox", "first"]
    refused = engine.api("POST", '/images/prune?filters={"nonsense":["1"]}')
    assert refused.status == 400 and "invalid filter 'nonsense'" in refused.message
    done = cli("system", "prune", "-f", "--volumes", "--filter", "until=24h", status=1)
    assert 'The "until" filter is not supported with "--volumes"' in done.stderr


def test_prune_takes_all_names_of_an_image(engine, tmp_path):
    """Tags in several repositories."""
    cli = engine.cli("docker")
    cli("load", "-i", str(image_with_layers(tmp_path, "first:1", [{"first": "x"}])))
    for name in ("first:2", "second:1", "third/name:1"):
        cli("tag", "first:1", name)
    cli("run", "--name", "user", "busybox", "true")
    cli("image", "prune", "-a", "-f")
    assert cli.out("images", "--format", "{{.Repository}}").split() == ["busybox"]


def test_docker_py_asks_and_prunes(engine):
    engine.cli("docker")("run", "-v", "/anonymous", "busybox", "true")
    with contextlib.closing(docker.DockerClient(base_url=engine.host)) as client:
        df = client.df()
        assert df["LayersSize"] > 0 and len(df["Images"]) == 1 and df["Volumes"][0]["UsageData"]["RefCount"] == 1
        assert client.containers.prune()["ContainersDeleted"]
        assert client.volumes.prune()["VolumesDeleted"] == [df["Volumes"][0]["Name"]]
        assert client.networks.prune()["NetworksDeleted"] is None
        pruned = client.images.prune(filters={"dangling": False})
        assert pruned["SpaceReclaimed"] > 0 and not client.images.list()


@pytest.mark.docker28
def test_images_as_a_tree(engine):
    text = engine.cli("skiff").out("images", "--tree")
    lines = [line.split() for line in text.splitlines()]
    assert lines[0][0] == "IMAGE" and any(line[0] == "busybox:latest" for line in lines)
    assert any("linux/amd64" in line for line in lines)
    theirs = engine.cli("docker").out("images", "--tree")
    assert "busybox:latest" in theirs and "linux/amd64" in theirs
    [image] = engine.api("GET", "/images/json?manifests=1&shared-size=1").json
    assert image["SharedSize"] == 0 and image["Manifests"][0]["ImageData"]["Size"]["Unpacked"] == image["Size"]


def test_prune_of_volumes_spares_those_that_containers_are_made_with(engine):
    """Creates and prunes side by side: no container may lose the volume that it was made with."""
    done = []
    runs = [subprocess.Popen(
        ["curl", "-sS", "--unix-socket", str(engine.socket), "-H", "Content-Type: application/json", "-d",
         json.dumps({"Image": "busybox", "Volumes": {"/v": {}}}), "http://d/containers/create"],
        stdout=subprocess.PIPE, text=True) for _ in range(20)]
    while any(run.poll() is None for run in runs):
        done += engine.api("POST", "/volumes/prune").json["VolumesDeleted"] or []
    ids = [json.loads(run.communicate()[0])["Id"] for run in runs]
    for identifier in ids:
        [mount] = engine.inspect(identifier)["Mounts"]
        assert mount["Name"] not in done and (engine.data_root / "volumes" / mount["Name"] / "_data").is_dir()


def test_events_of_prune(engine):
    cli = engine.cli("docker")
    cli("run", "busybox", "true")
    cli("system", "prune", "-f", "--volumes")
    wait_for(lambda: set(cli.out(
        "events", "--since", "1h", "--until", "0s", "--filter", "event=prune", "--format", "{{.Type}}").split())
        >= {"container", "image", "volume"}, 10)
