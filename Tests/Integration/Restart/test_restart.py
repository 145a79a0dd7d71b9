"""Restart policies: who is started again, when, and what stops it; across the daemon's own ends."""

import pytest

from harness.waiting import wait_for

#: Ends when the file `end` appears in /shared, with the code in it; does nothing else.
WAITS = "while [ ! -e /shared/end ]; do sleep 0.05; done; exit $(cat /shared/end)"


def status(engine, name: str) -> str:
    return engine.inspect(name)["State"]["Status"]


def ready(cli, name: str) -> None:
    """Until the init has started its program: before, signals to it are lost."""
    wait_for(lambda: len(cli.out("top", name).splitlines()) >= 3, 20)


def restarts(engine, name: str) -> int:
    return engine.inspect(name)["RestartCount"]


def test_on_failure_gives_up_after_its_count(daemon, cli, name):
    cli("run", "-d", "--name", name, "--restart", "on-failure:2", "busybox", "sh", "-c", "echo run; exit 4")
    wait_for(lambda: restarts(daemon, name) == 2 and status(daemon, name) == "exited", 30)
    found = daemon.inspect(name)
    assert found["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert found["State"]["ExitCode"] == 4 and not found["State"]["Restarting"]
    assert cli.out("logs", name).splitlines() == ["run"] * 3


def test_success_is_no_failure(daemon, cli, name):
    cli("run", "-d", "--name", name, "--restart", "on-failure", "busybox", "true")
    assert cli.out("wait", name) == "0"
    wait_for(lambda: status(daemon, name) == "exited", 10)
    assert restarts(daemon, name) == 0


def test_a_container_between_two_runs(daemon, cli, name):
    cli("run", "-d", "--name", name, "--restart", "always", "busybox", "sh", "-c", "exit 3")
    # The pauses double: after some restarts there is time to look.
    wait_for(lambda: restarts(daemon, name) >= 5 and status(daemon, name) == "restarting", 60)
    state = daemon.inspect(name)["State"]
    assert state["Running"] and state["Restarting"] and state["Pid"] == 0 and state["ExitCode"] == 3
    assert cli.out("ps", "--format", "{{.State}} {{.Names}}") == f"restarting {name}"
    assert cli.out("ps", "--format", "{{.Status}}").startswith("Restarting (3) ")
    assert cli.out("ps", "-q", "--filter", "status=restarting") != ""
    for command in (["exec", name, "true"], ["pause", name], ["top", name]):
        assert "is restarting, wait until the container is running" in cli(*command, status=1).stderr
    assert "cannot remove container" in (refused := cli("rm", name, status=1).stderr) or "restarting container" in refused
    assert cli.out("start", name) == name
    assert cli.out("stop", name) == name
    count = restarts(daemon, name)
    assert status(daemon, name) == "exited"
    assert daemon.inspect(name)["State"]["ExitCode"] == 3
    # A start by hand counts anew, and the policy is awake again.
    cli("start", name)
    wait_for(lambda: 1 <= restarts(daemon, name) < count, 30)
    assert cli.out("rm", "-f", name) == name


def test_stop_and_kill_let_the_policy_rest(daemon, cli, name):
    for number, end in enumerate((["stop", "-t", "0"], ["kill"], ["kill", "-s", "TERM"])):
        one = f"{name}{number}"
        cli("run", "-d", "--init", "--name", one, "--restart", "always", "busybox", "sleep", "1000")
        ready(cli, one)
        cli(*end, one)
        wait_for(lambda: status(daemon, one) == "exited", 10)
        assert restarts(daemon, one) == 0


@pytest.mark.skiff_only
def test_what_ends_by_a_message_is_started_again(daemon, cli, name):
    cli("run", "-d", "--init", "--name", name, "--restart", "unless-stopped", "busybox", "sleep", "1000")
    ready(cli, name)
    pid = daemon.inspect(name)["State"]["Pid"]
    cli("kill", "-s", "USR1", name)
    wait_for(lambda: restarts(daemon, name) == 1 and status(daemon, name) == "running", 20)
    assert daemon.inspect(name)["State"]["Pid"] != pid
    # As is what ends by itself, with a signal or without.
    ready(cli, name)
    cli("exec", name, "kill", "-KILL", "1", status=None)
    cli("exec", name, "kill", "-TERM", "1", status=None)
    wait_for(lambda: restarts(daemon, name) == 2 and status(daemon, name) == "running", 20)


def test_restart_by_hand_and_rename_keep_the_policy(daemon, cli, name):
    cli("run", "-d", "--init", "--name", name, "--restart", "always", "busybox", "sleep", "1000")
    cli("restart", "-t", "0", name)
    assert status(daemon, name) == "running" and restarts(daemon, name) == 0
    cli("rename", name, f"{name}-2")
    ready(cli, f"{name}-2")
    cli("exec", f"{name}-2", "kill", "-TERM", "1", status=None)
    wait_for(lambda: restarts(daemon, f"{name}-2") == 1 and status(daemon, f"{name}-2") == "running", 20)


@pytest.mark.skiff_only
def test_a_restart_that_fails_is_tried_again(daemon, cli, name, scratch):
    """What the container mounts is away for a while, as on a late network file system."""
    (scratch / "source").mkdir()
    cli("run", "-d", "--init", "--name", name, "--restart", "always", "--mount",
        f"type=bind,source={scratch}/source,target=/x", "busybox", "sleep", "1000")
    ready(cli, name)
    (scratch / "source").rename(scratch / "away")
    cli("exec", name, "kill", "-TERM", "1", status=None)
    wait_for(lambda: daemon.inspect(name)["State"]["Error"], 20)
    (scratch / "away").rename(scratch / "source")
    wait_for(lambda: status(daemon, name) == "running", 60)
    assert daemon.inspect(name)["State"]["Error"] == ""


@pytest.mark.parametrize("policy, words", [
    ("foo", "'foo'"), ("always:3", "maximum retry count"), ("on-failure:-1", "maximum retry count cannot be negative")])
def test_bad_policies_are_refused(cli, policy, words):
    done = cli("create", "--restart", policy, "busybox", status=None)
    assert done.returncode in (1, 125) and words in done.stderr


def test_wait_ends_with_each_run(cli, name):
    cli("run", "-d", "--name", name, "--restart", "always", "busybox", "sh", "-c", "sleep 0.2; exit 6")
    assert [cli.out("wait", name), cli.out("wait", name)] == ["6", "6"]


@pytest.mark.skiff_only
@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "killed"])
def test_policies_across_an_end_of_the_daemon(new_daemon, scratch, crash):
    engine = new_daemon()
    cli = engine.cli("skiff")
    for name, policy in (("always", "always"), ("unless", "unless-stopped"), ("failure", "on-failure"), ("none", "no")):
        cli("run", "-d", "--init", "--name", name, "--restart", policy, "busybox", "sleep", "1000")
        cli("run", "-d", "--init", "--name", f"{name}-stopped", "--restart", policy, "busybox", "sleep", "1000")
        cli("stop", "-t", "0", f"{name}-stopped")
        (scratch / name).mkdir()
        cli("run", "-d", "--name", f"{name}-ended", "--restart", policy, "-v", f"{scratch}/{name}:/shared", "busybox",
            "sh", "-c", WAITS)
    cli("create", "--name", "created", "--restart", "always", "busybox", "sleep", "1000")
    cli("run", "-d", "--name", "looping", "--restart", "always", "busybox", "sh", "-c", "exit 1")
    wait_for(lambda: restarts(engine, "looping") >= 3, 30)
    pids = {name: engine.inspect(name)["State"]["Pid"] for name in ("always", "unless", "failure", "none")}
    ended = {name: engine.inspect(f"{name}-ended")["State"]["Pid"] for name in pids}
    engine.kill() if crash else engine.stop()
    # These end while no daemon is there.
    for name, pid in ended.items():
        (scratch / name / "end").write_text("5")
        wait_for(lambda: not alive(pid), 20, f"the end of {name}")
        (scratch / name / "end").unlink()
    engine.start()
    wait_for(lambda: restarts(engine, "looping") >= 4, 60)
    # What ran, runs on.
    for name, pid in pids.items():
        assert (engine.inspect(name)["State"]["Pid"], restarts(engine, name)) == (pid, 0)
    for name in ("always", "unless", "failure"):
        wait_for(lambda: status(engine, f"{name}-ended") == "running", 20)
        assert restarts(engine, f"{name}-ended") == 1
    wait_for(lambda: status(engine, "always-stopped") == "running", 20)
    for name in ("unless-stopped", "failure-stopped", "none-stopped", "none-ended"):
        assert status(engine, name) == "exited", name
    assert engine.inspect("none-ended")["State"]["ExitCode"] == 5
    assert status(engine, "created") == "created"


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
