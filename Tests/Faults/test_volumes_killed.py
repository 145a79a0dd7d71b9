"""kill -9 of the daemon while volumes come, go and are copied, and disks that are full in the middle of it: what is
there is whole, the old or the new, and nothing else is."""

import http.client
import io
import json
import random
import subprocess
import tarfile
import threading
import time

import pytest

from harness import settings

pytestmark = pytest.mark.skiff_only

FILES, SIZE = 120, 20_000


def content(number: int) -> bytes:
    return random.Random(number).randbytes(SIZE)


@pytest.fixture(scope="module")
def archive() -> bytes:
    """The files of every volume here, as a tar."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for number in range(FILES):
            entry = tarfile.TarInfo(f"./d{number % 7}/f{number}")
            entry.size = SIZE
            tar.addfile(entry, io.BytesIO(content(number)))
    return made.getvalue()


def is_whole(engine, volume: str) -> bool:
    data = engine.data_root / "volumes" / volume / "_data"
    found = {path.relative_to(data).as_posix(): path.read_bytes() for path in data.rglob("*") if path.is_file()}
    return found == {f"d{number % 7}/f{number}": content(number) for number in range(FILES)}


def attempt(engine, method: str, path: str, **options) -> None:
    """A request whose daemon may be killed meanwhile."""
    try:
        engine.api(method, path, **options)
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        pass


def volumes(engine) -> set[str]:
    return {one["Name"] for one in engine.api("GET", "/volumes").json["Volumes"]}


def import_(engine, name: str, archive: bytes) -> None:
    attempt(engine, "POST", f"/skiff/volumes/import?name={name}", body=archive,
            headers={"Content-Type": "application/x-tar"})


def assert_nothing_half(engine) -> None:
    """No folder but the volumes', no container left paused, nothing staged in a volume."""
    folder = engine.data_root / "volumes"
    assert {path.name for path in folder.iterdir()} == volumes(engine)
    for volume in folder.iterdir():
        assert {path.name for path in volume.iterdir()} <= {"_data", "volume.json", "snapshots"}
    for one in engine.api("GET", "/containers/json?all=1").json:
        assert one["State"] != "paused", one


#: Name of an operation, its request, and how long it takes at most before it is killed, in seconds.
OPERATIONS = {
    "create": ("POST", "/volumes/create", {"Name": "new", "Labels": {"a": "b"}}),
    "clone": ("POST", "/skiff/volumes/data/clone?to=new", None),
    "snapshot": ("POST", "/skiff/volumes/data/snapshots?name=new", None),
    "restore": ("POST", "/skiff/volumes/still/snapshots/kept/restore", None),
    "rename": ("POST", "/skiff/volumes/data/rename?to=new", None),
    "rm": ("DELETE", "/volumes/free", None),
    "copy-up": ("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"Binds": ["new:/bin"]}}),
}


@pytest.mark.parametrize("operation", [*OPERATIONS, "import"])
def test_kills_in_the_middle_of(operation, new_daemon, archive):
    daemon = new_daemon()
    import_(daemon, "data", archive)
    assert daemon.api("POST", "/skiff/volumes/data/clone?to=still").status == 200
    assert daemon.api("POST", "/skiff/volumes/still/snapshots?name=kept").status == 200
    cli = daemon.cli()
    container = cli.out("run", "-d", "-v", "data:/v", "busybox", "sleep", "1000")
    count = settings.short_or_long(3, 40)
    longest = 0.05
    for number in range(-1, count):
        assert daemon.api("POST", "/volumes/create", {"Name": "free"}).status == 201
        before = time.monotonic()
        if operation == "import":
            request = threading.Thread(target=import_, args=(daemon, "new", archive))
        else:
            method, path, body = OPERATIONS[operation]
            request = threading.Thread(target=attempt, args=(daemon, method, path), kwargs={"body": body})
        request.start()
        if number < 0:
            # How long it takes: the others are killed somewhere within.
            request.join()
            longest = time.monotonic() - before
        else:
            time.sleep(random.uniform(0, longest))
        daemon.kill()
        request.join()
        daemon.start()
        check(operation, daemon, container)
        reset(operation, daemon)


def check(operation: str, daemon, container: str) -> None:
    assert_nothing_half(daemon)
    names = volumes(daemon)
    mounted = daemon.inspect(container)["Mounts"][0]
    # The container's volume has one name, in its record and on the disk, and is whole.
    assert mounted["Name"] in names and mounted["Name"] in ("data", "new")
    assert {"data", "new"} & names and is_whole(daemon, mounted["Name"]) and is_whole(daemon, "still")
    assert daemon.inspect(container)["State"]["Status"] == "running"
    assert daemon.cli().out("exec", container, "sh", "-c", "find /v -type f | wc -l") == str(FILES)
    if operation in ("clone", "import") and "new" in names:
        assert is_whole(daemon, "new")
    if operation == "snapshot":
        for one in daemon.api("GET", "/skiff/volumes/data/snapshots").json:
            path = daemon.data_root / "volumes/data/snapshots" / one["Name"] / "_data"
            assert len([file for file in path.rglob("*") if file.is_file()]) == FILES
    if operation == "copy-up" and "new" in names:
        # Empty or filled; the next container fills it.
        filled = len(list((daemon.data_root / "volumes/new/_data").iterdir()))
        daemon.cli()("create", "-v", "new:/bin", "busybox")
        whole = len(list((daemon.data_root / "volumes/new/_data").iterdir()))
        assert filled in (0, whole) and whole > 0
    if operation == "create" and "new" in names:
        assert daemon.api("GET", "/volumes/new").json["Labels"] == {"a": "b"}


def reset(operation: str, daemon) -> None:
    names = volumes(daemon)
    if operation == "rename" and "data" not in names:
        assert daemon.api("POST", "/skiff/volumes/new/rename?to=data").status == 204
        return
    if operation == "copy-up":
        for one in daemon.api("GET", "/containers/json?all=1").json:
            if one["State"] == "created":
                assert daemon.api("DELETE", f"/containers/{one['Id']}").status == 204
    if operation == "snapshot":
        for one in daemon.api("GET", "/skiff/volumes/data/snapshots").json:
            assert daemon.api("DELETE", f"/skiff/volumes/data/snapshots/{one['Name']}").status == 204
    assert daemon.api("DELETE", "/volumes/new?force=1").status == 204


@pytest.fixture
def small_disk(tmp_path):
    """A data root's file system of 32 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_in_the_middle(small_disk, new_daemon, archive):
    daemon = new_daemon(scratch=small_disk)
    import_(daemon, "data", archive)
    assert is_whole(daemon, "data")
    free = small_disk / "filler"
    with free.open("wb") as file:
        while not fill(file):
            pass
        file.truncate(file.tell() - (1 << 20))
    before = volumes(daemon)
    cli = daemon.cli("skiff")
    for arguments, input in ((("volume", "clone", "data", "new"), None),
                             (("volume", "snapshot", "create", "data", "new"), None),
                             (("volume", "import", "new"), archive),
                             (("create", "-v", "new:/bin", "busybox"), None)):
        failed = cli(*arguments, status=None, input=input)
        assert failed.returncode != 0 and "no space left on device" in failed.stderr.lower(), (arguments, failed.stderr)
        assert_nothing_half(daemon)
        assert volumes(daemon) == before and is_whole(daemon, "data")
    free.unlink()
    cli("volume", "clone", "data", "new")
    assert is_whole(daemon, "new")


def fill(file) -> bool:
    try:
        file.write(bytes(1 << 18))
        file.flush()
        return False
    except OSError:
        return True
