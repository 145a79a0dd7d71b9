"""`stats`, `update` and `container prune`."""

import json

import pytest

from harness.waiting import wait_for


def sample(engine, name: str, query: str = "stream=0&one-shot=1") -> dict:
    answer = engine.api("GET", f"/containers/{name}/stats?{query}")
    assert answer.status == 200, answer.body
    return answer.json


def test_one_shot_and_two_samples(daemon, cli, name):
    cli("run", "-d", "--name", name, "--memory", "64m", "--pids-limit", "20", "busybox", "sh", "-c", "while :; do :; done")
    once = sample(daemon, name)
    assert once["name"] == f"/{name}" and len(once["id"]) == 64 and once["preread"].startswith("0001-01-01")
    assert once["pids_stats"] == {"current": 1, "limit": 20}
    assert once["memory_stats"]["limit"] == 64 << 20 and 0 < once["memory_stats"]["usage"] < 64 << 20
    assert "rx_bytes" in once["networks"]["eth0"]
    twice = sample(daemon, name, "stream=0")
    assert twice["preread"] < twice["read"]
    assert twice["cpu_stats"]["cpu_usage"]["total_usage"] > twice["precpu_stats"]["cpu_usage"]["total_usage"]
    assert twice["cpu_stats"]["system_cpu_usage"] > twice["precpu_stats"]["system_cpu_usage"]
    assert daemon.api("GET", "/containers/no-such/stats?stream=0").status == 404


def test_of_a_container_that_does_not_run_or_has_no_network(daemon, cli, name):
    cli("create", "--name", name, "busybox", "true")
    found = sample(daemon, name, "stream=0")
    assert found["read"].startswith("0001-01-01") and found["pids_stats"] == {} and found["memory_stats"] == {}
    cli("run", "-d", "--name", f"{name}-none", "--network", "none", "busybox", "sleep", "1000")
    assert "networks" not in sample(daemon, f"{name}-none")


def test_a_stream_goes_on_until_the_container_is_removed(daemon, cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1000")
    stream = daemon.stream(f"/containers/{name}/stats")
    first, second = json.loads(stream.readline()), json.loads(stream.readline())
    assert first["read"] == second["preread"]
    cli("stop", "-t", "0", name)
    while json.loads(stream.readline())["pids_stats"]:
        pass
    cli("rm", name)
    assert all(json.loads(line)["pids_stats"] == {} for line in stream if line.strip())


def test_the_command(daemon, cli, name):
    cli("run", "-d", "--name", name, "--memory", "64m", "busybox", "sleep", "1000")
    cli("create", "--name", f"{name}-idle", "busybox", "true")
    title, line = cli.out("stats", "--no-stream").splitlines()
    assert title.split("  ")[0] == "CONTAINER ID" and name in line and "/ 64MiB" in line
    rows = [json.loads(row) for row in cli.out("stats", "--no-stream", "-a", "--format", "{{json .}}").splitlines()]
    assert sorted(row["Name"] for row in rows) == [name, f"{name}-idle"]
    idle = next(row for row in rows if row["Name"] == f"{name}-idle")
    assert (idle["CPUPerc"], idle["MemUsage"], idle["PIDs"]) == ("0.00%", "0B / 0B", "0")
    assert cli.out("stats", "--no-stream", "--format", "{{.Container}} {{.PIDs}}", name) == f"{name} 1"
    assert "No such container: no-such" in cli("stats", "--no-stream", "no-such", status=1).stderr


FILES = ["memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes", "cpu/cpu.cfs_quota_us", "cpu/cpu.shares",
         "cpuset/cpuset.cpus", "pids/pids.max"]


def test_update_changes_a_running_container(daemon, cli, name):
    cli("run", "-d", "--name", name, "--memory", "64m", "--cpus", "0.5", "busybox", "sleep", "1000")
    done = cli.out("update", "--memory", "128m", "--memory-swap", "256m", "--cpus", "1", "--cpu-shares", "300",
                   "--cpuset-cpus", "0", "--pids-limit", "30", name)
    assert done == name
    host = daemon.inspect(name)["HostConfig"]
    assert [host[key] for key in ("Memory", "MemorySwap", "NanoCpus", "CpuShares", "CpusetCpus", "PidsLimit")] == [
        128 << 20, 256 << 20, 1_000_000_000, 300, "0", 30]
    if cli.out("exec", name, "sh", "-c", "test -e /sys/fs/cgroup/memory && echo v1", status=None) == "v1":
        shown = cli.out("exec", name, "cat", *(f"/sys/fs/cgroup/{file}" for file in FILES)).split()
        assert shown == [str(128 << 20), str(256 << 20), "100000", "300", "0", "30"]
    cli("update", "--pids-limit", "-1", name)
    # What is set stays over restarts.
    cli("restart", "-t", "0", name)
    assert daemon.inspect(name)["HostConfig"]["Memory"] == 128 << 20
    assert sample(daemon, name)["memory_stats"]["limit"] == 128 << 20


def test_updates_that_contradict_are_refused(daemon, cli, name):
    cli("run", "-d", "--name", name, "--memory", "64m", "--cpus", "0.5", "busybox", "sleep", "1000")
    before = daemon.inspect(name)["HostConfig"]
    for flags, words in ((["--cpu-quota", "5000"], "CPU Quota cannot be updated as NanoCPUs has already been set"),
                         (["--memory", "1m"], "Minimum memory limit allowed is 6MB"),
                         (["--memory", "1g"], "update the memoryswap at the same time"),
                         (["--cpuset-cpus", "4000"], "Requested CPUs are not available"),
                         (["--restart", "foo"], "'foo'")):
        assert words in cli("update", *flags, name, status=1).stderr
    assert "must provide one or more flags" in cli("update", name, status=1).stderr
    assert daemon.inspect(name)["HostConfig"] == before
    cli("run", "-d", "--name", f"{name}-rm", "--rm", "busybox", "sleep", "1000")
    assert "AutoRemove is enabled" in cli("update", "--restart", "always", f"{name}-rm", status=1).stderr
    answer = daemon.api("POST", f"/containers/{name}/update", {"Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 10}]})
    assert answer.status in (200, 400) and (answer.status == 200 or "Ulimits" in answer.message)


def test_update_of_the_restart_policy(daemon, cli, name):
    cli("run", "-d", "--init", "--name", name, "busybox", "sleep", "1000")
    cli("update", "--restart", "on-failure:3", name)
    assert daemon.inspect(name)["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    # Before the init has started its program, signals to it are lost.
    wait_for(lambda: len(cli.out("top", name).splitlines()) >= 3, 20)
    cli("exec", name, "kill", "-TERM", "1", status=None)
    wait_for(lambda: daemon.inspect(name)["RestartCount"] == 1 and daemon.inspect(name)["State"]["Status"] == "running", 20)


def test_updating_the_policy_away_ends_a_loop(daemon, cli, name):
    cli("run", "-d", "--name", name, "--restart", "always", "busybox", "false")
    wait_for(lambda: daemon.inspect(name)["RestartCount"] >= 4, 60)
    cli("update", "--restart", "no", name)
    wait_for(lambda: daemon.inspect(name)["State"]["Status"] == "exited", 20)


def test_prune_removes_what_does_not_run(daemon, cli, name):
    for one, label in (("old", "a=b"), ("kept", "a=c")):
        cli("run", "--name", f"{name}-{one}", "-l", label, "busybox", "true")
    cli("run", "-d", "--name", f"{name}-up", "busybox", "sleep", "1000")
    assert "[y/N]" in cli.out("container", "prune", input="n\n")
    pruned = cli.out("container", "prune", "-f", "--filter", "label=a=b").splitlines()
    assert pruned[0] == "Deleted Containers:" and len(pruned[1]) == 64 and pruned[-1].startswith("Total reclaimed space: ")
    cli("container", "prune", "-f", "--filter", "until=1h")
    assert sorted(cli.out("ps", "-a", "--format", "{{.Names}}").split()) == [f"{name}-kept", f"{name}-up"]
    cli("container", "prune", input="y\n")
    assert cli.out("ps", "-a", "--format", "{{.Names}}") == f"{name}-up"
    assert "nvalid filter 'foo'" in cli("container", "prune", "-f", "--filter", "foo=1", status=1).stderr


@pytest.mark.skiff_only
def test_updates_survive_the_daemon(new_daemon):
    engine = new_daemon()
    cli = engine.cli("skiff")
    cli("run", "-d", "--name", "changed", "--memory", "64m", "busybox", "sleep", "1000")
    cli("update", "--memory", "32m", "--memory-swap", "64m", "--restart", "always", "changed")
    engine.restart_after_kill()
    host = engine.inspect("changed")["HostConfig"]
    assert (host["Memory"], host["RestartPolicy"]["Name"]) == (32 << 20, "always")
