"""The daemon on control groups version 2, with whichever driver the guest makes it choose."""

import time
from pathlib import Path

import pytest

from harness import machine, settings
from harness.guest import SYSTEMD, GuestEngine, run
from harness.waiting import wait_for

pytestmark = [pytest.mark.skiff_only, pytest.mark.timeout(300)]


def test_the_host_decides_on_the_driver(engine, skiff):
    info = engine.api("GET", "/info").json
    assert info["CgroupVersion"] == "2" and info["CgroupDriver"] == ("systemd" if SYSTEMD else "cgroupfs")
    assert "name=cgroupns" in info["SecurityOptions"]
    assert info["MemoryLimit"] and info["PidsLimit"] and not info["CPUSet"]


def test_limits_reach_the_control_group(engine, skiff):
    identifier = run(skiff, "-d", "--memory", "32m", "--memory-swap", "48m", "--memory-reservation", "16m", "--cpus", "0.5",
                     "--cpu-shares", "512", "--pids-limit", "20", "busybox", "sleep", "1000")
    path = engine.group(identifier)

    def assert_limits():
        read = {name: (path / name).read_text().strip() for name in (
            "memory.max", "memory.swap.max", "memory.low", "cpu.max", "cpu.weight", "pids.max")}
        assert read == {"memory.max": str(32 << 20), "memory.swap.max": str(16 << 20), "memory.low": str(16 << 20),
                        "cpu.max": "50000 100000", "cpu.weight": "20", "pids.max": "20"}

    assert_limits()
    assert (path / "cgroup.procs").read_text().split() == [str(engine.inspect(identifier)["State"]["Pid"])]
    if SYSTEMD:
        # systemd writes again what it knows of a unit.
        engine.run("systemctl", "daemon-reload")
        assert_limits()


def test_no_limit_is_no_limit(engine, skiff):
    path = engine.group(run(skiff, "-d", "busybox", "sleep", "1000"))
    assert (path / "memory.max").read_text() == "max\n" and (path / "pids.max").read_text() == "max\n"
    assert (path / "cpu.max").read_text() == "max 100000\n"


def test_out_of_memory_is_on_record(engine, skiff):
    for number in range(settings.short_or_long(3, 20)):
        done = skiff("run", "--network", "none", "--name", f"hungry{number}", "--memory", "16m", "--memory-swap", "16m",
                   "busybox", "sh", "-c", "a=x; while :; do a=$a$a; done", status=137)
        assert done.returncode == 137
        assert engine.inspect(f"hungry{number}")["State"]["OOMKilled"] is True
    run(skiff, "-d", "--name", "killed", "--memory", "16m", "busybox", "sleep", "1000")
    skiff("kill", "killed")
    assert skiff.out("wait", "killed") == "137"
    assert engine.inspect("killed")["State"]["OOMKilled"] is False


def test_the_number_of_processes_is_limited(skiff):
    done = skiff("run", "--rm", "--network", "none", "--pids-limit", "5", "busybox", "sh", "-c",
               "for i in 1 2 3 4 5 6 7 8; do sleep 20 & done; echo never", status=None)
    assert "can't fork" in done.stderr and "never" not in done.stdout


def test_cpu_time_is_limited(engine, skiff):
    identifier = run(skiff, "-d", "--cpus", "0.2", "busybox", "sh", "-c", "while :; do :; done")
    path = engine.group(identifier)

    def used() -> int:
        return int(dict(line.split() for line in (path / "cpu.stat").read_text().splitlines())["usage_usec"])

    def throttled() -> int:
        return int(dict(line.split() for line in (path / "cpu.stat").read_text().splitlines())["nr_throttled"])

    wait_for(lambda: throttled() > 3, 20, "throttling")
    before, started = used(), time.monotonic()
    time.sleep(3)
    assert (used() - before) / 1e6 / (time.monotonic() - started) < 0.3


def test_the_namespace_is_private_and_the_hosts_on_demand(engine, skiff):
    assert run(skiff, "--rm", "busybox", "cat", "/proc/self/cgroup") == "0::/"
    out = run(skiff, "--rm", "--cgroupns", "host", "busybox", "cat", "/proc/self/cgroup")
    assert out.startswith(f"0::/{engine.cgroup_parent}/")
    out = run(skiff, "--rm", "busybox", "sh", "-c", "cat /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/x; true")
    assert out.split()[0] == "1"


def test_pause_freezes(engine, skiff):
    identifier = run(skiff, "-d", "--name", "frozen", "busybox", "sleep", "1000")
    path = engine.group(identifier)
    skiff("pause", "frozen")
    assert (path / "cgroup.freeze").read_text() == "1\n" and "frozen 1" in (path / "cgroup.events").read_text()
    assert engine.inspect("frozen")["State"]["Status"] == "paused"
    skiff("unpause", "frozen")
    assert "frozen 0" in (path / "cgroup.events").read_text()
    skiff("pause", "frozen")
    skiff("rm", "-f", "frozen")
    wait_for(lambda: not path.exists(), 10, "the end of the group")


def test_devices_are_kept_away_by_a_program(skiff):
    script = ("mknod /tmp/disk b 98 0; mknod /tmp/kmsg c 1 11; head -c 1 /tmp/disk; head -c 1 /tmp/kmsg;"
              "echo x >/dev/null && head -c 4 /dev/zero | wc -c")
    done = skiff("run", "--rm", "--network", "none", "busybox", "sh", "-c", script)
    assert done.stderr.count("Operation not permitted") == 2 and done.stdout.strip() == "4"


def test_device_and_privileged(skiff):
    out = run(skiff, "--rm", "--device", "/dev/kmsg:/dev/log-of-kernel:r", "busybox", "sh", "-c",
              "ls /dev; head -c 1 /dev/log-of-kernel >/dev/null && echo readable; echo x >/dev/log-of-kernel || true")
    assert "log-of-kernel" in out.split() and "readable" in out
    out = run(skiff, "--rm", "--privileged", "busybox", "sh", "-c",
              "test -b /dev/ubda && mount -t tmpfs x /tmp && mkdir /sys/fs/cgroup/below && echo all")
    assert out == "all"


def test_exec_and_top_are_in_the_group(engine, skiff):
    identifier = run(skiff, "-d", "--name", "busy", "busybox", "sleep", "1000")
    path = engine.group(identifier)
    assert skiff.out("exec", "busy", "cat", "/proc/self/cgroup") == "0::/"
    skiff("exec", "-d", "busy", "sleep", "999")
    wait_for(lambda: len((path / "cgroup.procs").read_text().split()) == 2, 10, "the second process")
    answer = engine.api("GET", "/containers/busy/top?ps_args=-eo%20pid,args").json
    assert sorted(row[-1] for row in answer["Processes"]) == ["sleep 1000", "sleep 999"]


def test_kill_9_of_the_daemon_changes_nothing(engine, skiff):
    identifier = run(skiff, "-d", "--name", "old", "--memory", "32m", "busybox", "sh", "-c",
                     "trap 'exit 5' TERM; echo ready; while :; do sleep 0.2; done")
    wait_for(lambda: skiff.out("logs", "old") == "ready", 20)
    path, before = engine.group(identifier), engine.inspect("old")
    engine.restart_after_kill()
    assert engine.inspect("old") == before and path.is_dir()
    assert (path / "memory.max").read_text() == f"{32 << 20}\n"
    assert skiff.out("exec", "old", "echo", "ok") == "ok"
    skiff("stop", "-t", "30", "old")
    assert engine.inspect("old")["State"]["ExitCode"] == 5
    assert not path.exists()


def test_what_ended_without_a_daemon_leaves_no_group(engine, skiff):
    identifier = run(skiff, "-d", "--name", "quick", "busybox", "sh", "-c", "sleep 2; exit 33")
    path = engine.group(identifier)
    engine.kill()
    wait_for(lambda: not path.exists(), 20, "the end of the group")
    engine.start()
    assert engine.inspect("quick")["State"]["ExitCode"] == 33


def test_restarts_in_a_row_find_their_name_free(engine, skiff):
    run(skiff, "-d", "--name", "again", "busybox", "sleep", "1000")
    for _ in range(settings.short_or_long(3, 20)):
        skiff("restart", "-t", "0", "again")
    assert engine.inspect("again")["State"]["Running"] is True


def test_a_missing_program_leaves_no_group(engine, skiff):
    done = skiff("run", "--rm", "--network", "none", "busybox", "/no/such", status=127)
    assert "no such file or directory" in done.stderr.lower()
    engine.assert_no_groups()


def test_a_bridge_without_address_translation_is_a_clear_error():
    engine = GuestEngine()
    del engine.config["bridge"]
    with pytest.raises(AssertionError) as failure:
        engine.start()
    engine.close()
    assert "nft_masq" in str(failure.value) and "--bridge none" in str(failure.value)
    assert engine.bridge not in machine.links()
