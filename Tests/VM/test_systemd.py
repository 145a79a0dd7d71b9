"""skiffd as a unit of systemd, with the files of packaging/systemd; Docker's place in drop-in mode; the runtime's
--systemd-cgroup. Runs in `scripts/vm --systemd`."""

import json
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from harness import images, settings
from harness.bundle import Bundle
from harness.guest import SYSTEMD
from harness.waiting import wait_for

pytestmark = [pytest.mark.skiff_only, pytest.mark.timeout(300),
              pytest.mark.skipif(not SYSTEMD, reason="needs systemd: scripts/vm --systemd")]

UNITS = Path("/run/systemd/system")
ROOTS = [Path("/var/lib/skiff"), Path("/run/skiff"), Path("/var/lib/docker"), Path("/run/docker.sock")]


def systemctl(*words: str, status: int | None = 0) -> str:
    done = subprocess.run(["systemctl", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)
    if status is not None and done.returncode != status:
        log = subprocess.run(["journalctl", "--no-pager", "-n", "40", "-u", "skiffd"], capture_output=True, text=True)
        raise AssertionError(f"systemctl {words}: {done.returncode}\n{done.stderr}\n{log.stdout}")
    return done.stdout.strip()


class Service:
    """The unit, as a package would install it, with flags of the test's own."""

    def __init__(self, *flags: str, address: str = "/run/skiff/skiff.sock"):
        self.address = address
        for unit in ("skiffd.service", "skiffd.socket"):
            shutil.copy(settings.PROJECT / "packaging/systemd" / unit, UNITS / unit)
        own = UNITS / "skiffd.service.d"
        own.mkdir(exist_ok=True)
        command = " ".join([str(settings.BUILD / "skiffd"), "--bridge", "none", *flags])
        (own / "test.conf").write_text(f"[Service]\nExecStart=\nExecStart={command}\n")
        systemctl("daemon-reload")

    def start(self) -> "Service":
        systemctl("start", "skiffd")
        return self

    def __call__(self, *words: str, status: int = 0) -> str:
        done = subprocess.run([settings.BUILD / "skiff", *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=120, env={**os.environ, "DOCKER_HOST": f"unix://{self.address}"})
        assert done.returncode == status, (words, done.stdout, done.stderr)
        return done.stdout.strip()

    def load(self) -> "Service":
        self("load", "-q", "-i", str(images.archive("busybox", "docker")))
        return self

    def pid(self, name: str) -> int:
        return int(self("inspect", "--format", "{{.State.Pid}}", name))

    @property
    def main(self) -> int:
        return int(systemctl("show", "--value", "-p", "MainPID", "skiffd"))

    def close(self) -> None:
        if Path(self.address).exists():
            for identifier in self("ps", "-aq").split():
                self("rm", "-f", identifier)
        systemctl("stop", "skiffd.socket", "skiffd.service", status=None)
        for path in (UNITS / "skiffd.service", UNITS / "skiffd.socket", UNITS / "skiffd.service.d/test.conf"):
            path.unlink(missing_ok=True)
        systemctl("daemon-reload")
        for path in ROOTS:
            if path.is_symlink() or not path.is_dir():
                path.unlink(missing_ok=True)
            else:
                shutil.rmtree(path)


@pytest.fixture
def service():
    made = []

    def make(*flags: str, **options) -> Service:
        made.append(Service(*flags, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_text() != ""


def test_containers_outlive_every_way_in_which_the_service_ends(service):
    skiff = service().start().load()
    assert systemctl("is-active", "skiffd") == "active"
    identifier = skiff("run", "-d", "--network", "none", "--name", "long", "busybox", "sleep", "10000")
    pid, main = skiff.pid("long"), skiff.main
    scope = f"skiff-{identifier}.scope"
    assert systemctl("show", "--value", "-p", "Slice", scope) == "system.slice"

    systemctl("stop", "skiffd")
    assert alive(pid) and not alive(main) and systemctl("is-active", scope) == "active"
    systemctl("start", "skiffd")
    assert skiff.pid("long") == pid and skiff("exec", "long", "echo", "ok") == "ok"

    systemctl("restart", "skiffd")
    assert skiff.pid("long") == pid and alive(pid)

    main = skiff.main
    os.kill(main, 9)
    wait_for(lambda: skiff.main not in (0, main) and systemctl("is-active", "skiffd", status=None) == "active", 30,
             "systemd's restart of the daemon")
    assert skiff.pid("long") == pid and alive(pid)

    systemctl("reload", "skiffd")
    assert "configuration reloaded" in subprocess.run(
        ["journalctl", "--no-pager", "-u", "skiffd"], capture_output=True, text=True).stdout

    skiff("stop", "-t", "0", "long")
    wait_for(lambda: systemctl("is-active", scope, status=None) == "inactive", 10, "the end of the scope")
    skiff("rm", "long")
    # Nothing but the daemon is left in its unit.
    procs = Path("/sys/fs/cgroup/system.slice/skiffd.service/cgroup.procs")
    wait_for(lambda: procs.read_text().split() == [str(skiff.main)], 10, "an end of the shims")


def test_the_scope_can_be_ended_by_systemd(service):
    skiff = service().start().load()
    identifier = skiff("run", "-d", "--network", "none", "--name", "one", "busybox", "sleep", "10000")
    systemctl("kill", "--signal", "KILL", f"skiff-{identifier}.scope")
    assert skiff("wait", "one") == "137"
    assert json.loads(skiff("inspect", "one"))[0]["State"]["OOMKilled"] is False
    skiff("rm", "one")
    identifier = skiff("run", "-d", "--network", "none", "--name", "one", "busybox", "sh", "-c",
                       "trap 'exit 3' TERM; while :; do sleep 0.2; done")
    systemctl("stop", f"skiff-{identifier}.scope")
    assert skiff("wait", "one") == "3"


def test_a_slice_of_the_users(service):
    skiff = service().start().load()
    skiff("run", "-d", "--network", "none", "--name", "one", "--cgroup-parent", "web-front.slice", "busybox", "sleep",
          "1000")
    path = Path(f"/proc/{skiff.pid('one')}/cgroup").read_text().strip()
    assert path.startswith("0::/web.slice/web-front.slice/skiff-")
    done = subprocess.run([settings.BUILD / "skiff", "create", "--cgroup-parent", "/web", "busybox"],
                          env={**os.environ, "DOCKER_HOST": f"unix://{skiff.address}"}, capture_output=True, text=True)
    assert done.returncode == 1 and 'valid slice named as "xxx.slice"' in done.stderr


def test_the_first_request_starts_the_daemon(service):
    skiff = service("--host", "fd://")
    (UNITS / "skiffd.socket").write_text((UNITS / "skiffd.socket").read_text().replace("0660", "0600"))
    systemctl("daemon-reload")
    systemctl("start", "skiffd.socket")
    assert systemctl("is-active", "skiffd", status=None) == "inactive"
    assert skiff("ps", "-q") == ""
    assert systemctl("is-active", "skiffd") == "active"
    assert stat.S_IMODE(os.stat(skiff.address).st_mode) == 0o600
    skiff.load()
    skiff("run", "-d", "--network", "none", "--name", "one", "busybox", "sleep", "1000")
    pid = skiff.pid("one")
    assert not [name for name in Path(f"/proc/{pid}/environ").read_text().split("\0") if name.startswith("LISTEN")]
    systemctl("stop", "skiffd.service", status=None)
    assert Path(skiff.address).is_socket(), "the socket is systemd's"
    wait_for(lambda: skiff.pid("one") == pid, 30, "the daemon after its socket's next request")


def test_without_sockets_from_systemd_fd_is_an_error():
    done = subprocess.run([settings.BUILD / "skiffd", "--bridge", "none", "--host", "fd://", "--data-root", "/var/tmp/fd",
                           "--exec-root", "/run/fd"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 1 and "no sockets found via socket activation" in done.stderr


def test_drop_in_mode_takes_dockers_place(service):
    subprocess.run(["groupadd", "--force", "--system", "docker"], check=True)
    skiff = service("--drop-in", address="/var/run/docker.sock").start().load()
    status = os.stat("/var/run/docker.sock")
    group = int(subprocess.run(["getent", "group", "docker"], capture_output=True, text=True).stdout.split(":")[2])
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o660, 0, group)
    assert os.readlink("/var/lib/docker") == "/var/lib/skiff"
    identifier = skiff("run", "-d", "--network", "none", "--name", "one", "busybox", "sleep", "1000")
    assert Path(f"/proc/{skiff.pid('one')}/cgroup").read_text() == f"0::/system.slice/docker-{identifier}.scope\n"
    facts = json.loads(skiff("info", "--format", "json"))
    assert (facts["CgroupDriver"], facts["CgroupVersion"]) == ("systemd", "2")
    assert {"name=apparmor", "name=cgroupns"} <= set(facts["SecurityOptions"])
    # `skiff` under the name `docker` needs no address.
    Path("/usr/local/bin/docker").symlink_to(settings.BUILD / "skiff")
    plain = {key: value for key, value in os.environ.items() if key not in ("DOCKER_HOST", "SKIFF_HOST")}
    done = subprocess.run(["/usr/local/bin/docker", "ps", "--format", "{{.Names}}"], env=plain, capture_output=True,
                          text=True)
    Path("/usr/local/bin/docker").unlink()
    assert (done.returncode, done.stdout) == (0, "one\n"), done.stderr


def test_drop_in_mode_leaves_anothers_socket_alone(service):
    other = socket.socket(socket.AF_UNIX)
    other.bind("/run/docker.sock")
    other.listen()
    skiff = service("--drop-in", address="/run/skiff/skiff.sock")
    systemctl("start", "skiffd", status=1)
    assert Path("/run/docker.sock").is_socket()
    assert not Path("/var/lib/docker").is_symlink()
    other.close()
    assert skiff.main == 0 or systemctl("is-active", "skiffd", status=None) != "active"


def test_the_runtime_takes_systemds_driver(tmp_path):
    bundle = Bundle(tmp_path)
    bundle.spec["linux"]["cgroupsPath"] = f"machine.slice:libpod:{bundle.id}"
    bundle.spec["linux"]["resources"]["memory"] = {"limit": 32 << 20}
    bundle.process["args"] = ["sleep", "1000"]
    unit, path = f"libpod-{bundle.id}.scope", Path("/sys/fs/cgroup/machine.slice") / f"libpod-{bundle.id}.scope"
    bundle.call("--systemd-cgroup", "create", bundle.id, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                capture_output=False)
    try:
        bundle.call("--systemd-cgroup", "start", bundle.id)
        state = bundle.state_of()
        assert (path / "cgroup.procs").read_text().split() == [str(state["pid"])]
        assert (path / "memory.max").read_text() == f"{32 << 20}\n"
        bundle.call("update", "--memory", str(64 << 20), bundle.id)
        systemctl("daemon-reload")
        assert (path / "memory.max").read_text() == f"{64 << 20}\n"
        assert systemctl("show", "--value", "-p", "MemoryMax", unit) == str(64 << 20)
        bundle.call("pause", bundle.id)
        assert bundle.state_of()["status"] == "paused"
    finally:
        bundle.call("--systemd-cgroup", "delete", "--force", bundle.id)
    wait_for(lambda: not path.exists(), 10, "the end of the scope")
    bundle.spec["linux"]["cgroupsPath"] = "/a/b"
    done = bundle.call("--systemd-cgroup", "run", bundle.id, status=None)
    assert done.returncode != 0 and "SLICE:PREFIX:NAME" in done.stderr
