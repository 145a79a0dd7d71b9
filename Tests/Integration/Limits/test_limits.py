"""Resource limits, each measured from inside or by its effect."""

from pathlib import Path

import pytest

from harness import settings
from harness.waiting import wait_for


def test_memory_limit_kills_and_shows(cli, name):
    done = cli("run", "--name", name, "--memory", "16m", "--memory-swap", "16m", "busybox", "sh", "-c",
               "a=x; while :; do a=$a$a; done", status=None, timeout=120)
    assert done.returncode == 137, done
    assert cli.out("inspect", "--format", "{{.State.OOMKilled}} {{.State.ExitCode}}", name) == "true 137"


def test_memory_below_the_limit_is_fine(cli, name):
    cli("run", "--name", name, "--memory", "64m", "busybox", "sh", "-c", "head -c 20000000 /dev/zero >/dev/shm/x")
    assert cli.out("inspect", "--format", "{{.State.OOMKilled}} {{.HostConfig.Memory}}", name) == "false 67108864"


def test_too_little_memory_is_refused(cli):
    done = cli("run", "--rm", "--memory", "1m", "busybox", "true", status=125)
    assert "Minimum memory limit allowed is 6MB" in done.stderr


def test_pids_limit(cli, name):
    out = cli("run", "--name", name, "--pids-limit", "10", "busybox", "sh", "-c",
              "i=0; while [ $i -lt 20 ]; do sleep 5 & i=$((i+1)); done; echo never", status=None)
    assert "can't fork" in out.stderr and "never" not in out.stdout


def cpu_statistics(pid: str) -> dict[str, int]:
    """`cpu.stat` of the control group that the process is in, of either version."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            file = Path("/sys/fs/cgroup") / ("cpu" if controllers else "") / path.lstrip("/") / "cpu.stat"
            if file.exists() and "nr_periods" in file.read_text():
                return {key: int(value) for key, value in (line.split() for line in file.read_text().splitlines())}
    raise AssertionError("the process is in no control group that limits its processor time")


def test_cpu_limit_is_held(cli, name):
    """By the kernel's own count of periods, so that it does not matter what else the machine does."""
    cli("run", "-d", "--name", name, "--cpus", "0.25", "busybox", "sh", "-c", "while :; do :; done")
    pid = cli.out("inspect", "--format", "{{.State.Pid}}", name)

    def used() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    wait_for(lambda: cpu_statistics(pid)["nr_throttled"] >= 20, 60, "the program being held back")
    seconds, periods = used(), cpu_statistics(pid)["nr_periods"]
    # 25 ms of every period of 100 ms, and one more for what was begun; the kernel is late by a tick or two.
    assert seconds <= (periods + 1) * 0.025 * 1.4, (seconds, periods)


def test_cpu_shares_and_cpuset(cli, name):
    out = cli.out("run", "--rm", "--cpu-shares", "512", "--cpuset-cpus", "0", "busybox", "grep", "Cpus_allowed_list",
                  "/proc/self/status")
    assert out.split()[-1] == "0"


@pytest.fixture
def block_device():
    """A block device that exists on this machine."""
    for entry in sorted(Path("/sys/block").iterdir()):
        if Path(f"/dev/{entry.name}").is_block_device():
            return f"/dev/{entry.name}"
    pytest.skip("no block device here")


def control_file(cli, name: str, controller: str, file: str) -> str:
    """A file of the container's control group, seen from the host."""
    pid = cli.out("inspect", "--format", "{{.State.Pid}}", name)
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return (Path("/sys/fs/cgroup") / controller / path.lstrip("/") / file).read_text().strip()
    raise AssertionError(f"no controller {controller}")


def test_values_reach_the_control_group(cli, name):
    if not Path("/sys/fs/cgroup/memory").is_dir():
        pytest.skip("reads version 1 files")
    cli("run", "-d", "--name", name, "--memory", "100m", "--memory-reservation", "50m", "--memory-swap", "200m",
        "--cpus", "1.5", "--cpu-shares", "300", "--pids-limit", "77", "--blkio-weight", "0", "busybox", "sleep", "1000")
    assert control_file(cli, name, "memory", "memory.limit_in_bytes") == str(100 << 20)
    assert control_file(cli, name, "memory", "memory.soft_limit_in_bytes") == str(50 << 20)
    assert control_file(cli, name, "cpu", "cpu.cfs_quota_us") == "150000"
    assert control_file(cli, name, "cpu", "cpu.shares") == "300"
    assert control_file(cli, name, "pids", "pids.max") == "77"


@pytest.mark.skipif(not Path("/sys/fs/cgroup/blkio").is_dir(), reason="reads version 1 files")
def test_device_throttle_of_block_io(cli, name, block_device):
    limits = {"read-bps": ("1mb", 1 << 20), "write-bps": ("2mb", 2 << 20), "read-iops": ("300", 300), "write-iops": ("400", 400)}
    flags = [f"--device-{kind}={block_device}:{value}" for kind, (value, _) in limits.items()]
    cli("run", "-d", "--name", name, *flags, "busybox", "sleep", "1000")
    for kind, (_, number) in limits.items():
        text = control_file(cli, name, "blkio", f"blkio.throttle.{kind.replace('-', '_')}_device")
        assert text.split()[-1] == str(number), kind


def test_invalid_values_are_refused(cli):
    done = cli("run", "--rm", "--cpus", "1000", "busybox", "true", status=125)
    assert "range of cpus is from 0.01 to" in done.stderr.lower()
    done = cli("run", "--rm", "--memory", "100m", "--memory-swap", "50m", "busybox", "true", status=125)
    assert "Minimum memoryswap limit should be larger than memory limit" in done.stderr


def test_limits_of_twenty_do_not_mix(cli, name):
    limits = {}
    for number in range(settings.short_or_long(3, 20)):
        limits[f"{name}{number}"] = (20 + number) << 20
        cli("run", "-d", "--name", f"{name}{number}", "--memory", str((20 + number) << 20), "busybox", "sleep", "1000")
    for one, limit in limits.items():
        assert cli.out("inspect", "--format", "{{.HostConfig.Memory}}", one) == str(limit)
