"""create, start, stop, kill, restart, pause, rename, wait, rm, exec, top, ps."""

import json
import os
import select
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import settings
from harness.waiting import wait_for


def state(cli, name: str, field: str) -> str:
    return cli.out("inspect", "--format", "{{.State.%s}}" % field, name)


def test_create_start_stop_remove(cli, name):
    identifier = cli.out("create", "--name", name, "busybox", "sleep", "1000")
    assert state(cli, name, "Status") == "created"
    assert cli.out("start", name) == name
    assert state(cli, name, "Status") == "running" and int(state(cli, name, "Pid")) > 0
    assert cli.out("stop", "-t", "0", name) == name
    assert state(cli, name, "Status") == "exited" and state(cli, name, "ExitCode") == "137"
    assert cli.out("rm", identifier[:12]) == identifier[:12]
    done = cli("inspect", name, status=1)
    assert done.stdout.strip() == "[]" and f"No such object: {name}" in done.stderr


def test_stop_of_a_program_that_obeys_takes_less_than_a_second(cli, name):
    """The quickest of some: another program may have had the processor for a second."""
    def stop(one: str) -> float:
        cli("run", "-d", "--name", one, "busybox", "sh", "-c",
            "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done")
        wait_for(lambda: cli.out("logs", one) == "ready", 10, "the trap")
        started = time.monotonic()
        cli("stop", one)
        taken = time.monotonic() - started
        assert state(cli, one, "ExitCode") == "3"
        return taken

    assert any(stop(f"{name}-{number}") < 1 * settings.PATIENCE for number in range(10))


def test_stop_kills_after_its_time(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    wait_for(lambda: cli.out("logs", name) == "ready", 10, "the trap")
    started = time.monotonic()
    cli("stop", "-t", "1", name)
    # The default is 10 s.
    assert 1 <= time.monotonic() - started < 8 * settings.PATIENCE
    assert state(cli, name, "ExitCode") == "137"


def test_stop_time_of_the_container(cli, name):
    cli("run", "-d", "--name", name, "--stop-timeout", "2", "busybox", "sh", "-c",
        "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    wait_for(lambda: cli.out("logs", name) == "ready", 10, "the trap")
    started = time.monotonic()
    cli("stop", name)
    assert 2 <= time.monotonic() - started < 8 * settings.PATIENCE  # the default is 10
    assert state(cli, name, "ExitCode") == "137"


def test_stop_signal_of_the_container(cli, name):
    cli("run", "-d", "--name", name, "--stop-signal", "USR1", "busybox", "sh", "-c",
        "trap 'exit 9' USR1; echo ready; while :; do sleep 0.1; done")
    wait_for(lambda: cli.out("logs", name) == "ready", 10, "the trap")
    cli("stop", name)
    assert state(cli, name, "ExitCode") == "9"


def test_kill_sends_the_signal(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "trap 'echo got' HUP; echo ready; while :; do sleep 0.1; done")
    wait_for(lambda: "ready" in cli.out("logs", name), 10, "the trap")
    cli("kill", "-s", "HUP", name)
    wait_for(lambda: "got" in cli.out("logs", name), 10, "the signal")
    cli("kill", name)
    wait_for(lambda: state(cli, name, "Status") == "exited", 5)
    assert state(cli, name, "ExitCode") == "137"
    done = cli("kill", name, status=1)
    assert "is not running" in done.stderr


def test_restart_gives_a_new_process_and_keeps_the_files(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "echo x >>/count; wc -l </count; sleep 1000")
    wait_for(lambda: cli.out("logs", name) == "1", 10)
    first = state(cli, name, "Pid")
    cli("restart", "-t", "0", name)
    wait_for(lambda: cli.out("logs", name) == "1\n2", 10)
    assert state(cli, name, "Pid") != first


def test_a_container_starts_again_and_again(cli, name):
    cli("create", "--name", name, "busybox", "sh", "-c", "echo x >>/count; wc -l </count")
    outputs = [cli.out("start", "-a", name) for _ in range(settings.short_or_long(5, 50))]
    assert outputs == [str(number + 1) for number in range(len(outputs))]


def test_pause_stops_the_clock_of_the_program(cli, name):
    pids = {}
    for one in (name, f"{name}-clock"):
        cli("run", "-d", "--name", one, "busybox", "sh", "-c", "while :; do echo x >>/beat; sleep 0.02; done")
        pids[one] = state(cli, one, "Pid")

    def beats(one: str = name) -> int:
        path = f"/proc/{pids[one]}/root/beat"
        return len(open(path).read()) if os.path.exists(path) else 0

    wait_for(beats, 20, "the first beat")
    cli("pause", name)
    assert state(cli, name, "Status") == "paused"
    before, clock = beats(), beats(f"{name}-clock")
    wait_for(lambda: beats(f"{name}-clock") > clock + 20, 60, "beats of the container that is not paused")
    assert beats() == before
    assert "(Paused)" in cli.out("ps", "--filter", f"name={name}", "--format", "{{.Status}}")
    cli("unpause", name)
    wait_for(lambda: beats() > before, 20, "another beat")


def test_rename(cli, name):
    cli("create", "--name", name, "busybox")
    cli("rename", name, f"{name}-new")
    assert cli.out("inspect", "--format", "{{.Name}}", f"{name}-new") == f"/{name}-new"
    cli("inspect", name, status=1)
    cli("create", "--name", name, "busybox")
    done = cli("rename", name, f"{name}-new", status=1)
    assert "is already in use" in done.stderr


def test_wait_prints_the_exit_code(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "sleep 0.3; exit 6")
    assert cli.out("wait", name) == "6"
    assert cli.out("wait", name) == "6"


def test_rm_flag_removes_at_the_end(cli, name):
    cli("run", "--rm", "--name", name, "busybox", "true")
    cli("inspect", name, status=1)
    cli("run", "-d", "--rm", "--name", name, "busybox", "sleep", "0.2")
    wait_for(lambda: cli("inspect", name, status=None).returncode == 1, 10, "its removal")


def test_rm_refuses_what_runs_unless_forced(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1000")
    done = cli("rm", name, status=1)
    assert "container is running" in done.stderr or "You cannot remove a running container" in done.stderr
    cli("rm", "-f", name)
    assert cli.out("ps", "-aq", "--filter", f"name={name}") == ""


def test_exec_runs_in_the_same_namespaces(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1000")
    assert cli.out("exec", name, "echo", "hi") == "hi"
    assert cli.out("exec", "-i", name, "cat", input="x\n") == "x"
    cli("exec", name, "sh", "-c", "exit 17", status=17)
    assert "sleep" in cli.out("exec", name, "cat", "/proc/1/cmdline")
    assert cli.out("exec", "-u", "www-data", name, "id", "-un") == "www-data"
    assert cli.out("exec", "-e", "B=2", "-w", "/etc", name, "sh", "-c", "echo $B; pwd") == "2\n/etc"
    cli("exec", "-d", name, "touch", "/by-exec")
    wait_for(lambda: cli("exec", name, "test", "-e", "/by-exec", status=None).returncode == 0, 5)


def test_exec_errors(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1000")
    # Docker 20.10 says 126 here, newer ones 127.
    done = cli("exec", name, "/no/such/file", status=127 if settings.ENGINE == "skiff" else 126)
    assert "no such file or directory" in done.stdout + done.stderr
    done = cli("exec", name, "/etc/passwd", status=126)
    assert "permission denied" in done.stdout + done.stderr
    cli("stop", "-t", "0", name)
    done = cli("exec", name, "true", status=1)
    assert "is not running" in done.stderr


def test_exec_has_the_containers_capabilities(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1000")
    facts = cli.out("exec", name, "grep", "CapEff", "/proc/self/status")
    assert int(facts.split()[1], 16) == 0xA80425FB


@pytest.mark.skiff_only  # Docker asks for every capability there is, and fails where the machine lacks one.
def test_privileged_exec_has_more(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1000")
    more = cli.out("exec", "--privileged", name, "grep", "CapEff", "/proc/self/status")
    assert int(more.split()[1], 16) > 0xA80425FB


def test_top_lists_the_processes(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1234")
    lines = cli.out("top", name).split("\n")
    assert lines[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert lines[1].endswith("sleep 1234") and lines[1].split()[1] == state(cli, name, "Pid")


def test_ps_columns_and_filters(cli, name):
    cli("run", "-d", "--name", f"{name}-a", "-l", "x=1", "busybox", "sleep", "1000")
    cli("create", "--name", f"{name}-b", "busybox", "echo", "a long command that gets cut")
    header = cli.out("ps").split("\n")[0].split()
    assert header == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    assert cli.out("ps", "--format", "{{.Names}}") == f"{name}-a"
    assert cli.out("ps", "-a", "--filter", "status=created", "--format", "{{.Names}}") == f"{name}-b"
    assert cli.out("ps", "-a", "--filter", "label=x", "--format", "{{.Names}}") == f"{name}-a"
    assert cli.out("ps", "-l", "--format", "{{.Names}}") == f"{name}-b"
    assert len(cli.out("ps", "-q", "--no-trunc")) == 64
    assert cli.out("ps", "-a", "--format", "{{.Command}}").split("\n")[0] == '"echo \'a long comman…"'
    table = cli.out("ps", "--format", "table {{.Names}}\t{{.Image}}").split("\n")
    assert table[0].split() == ["NAMES", "IMAGE"] and table[1].split() == [f"{name}-a", "busybox"]


def test_twenty_containers_at_once(cli, name):
    count = settings.short_or_long(20, 100)
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(
            lambda number: cli.out("run", "-d", "--name", f"{name}-{number}", "busybox", "sh", "-c",
                                   f"echo I am {number}; sleep 1000"), range(count)))
    assert len(set(ids)) == count
    assert len(cli.out("ps", "-q").split()) == count
    addresses = cli.out("inspect", "--format", "{{.NetworkSettings.IPAddress}}", *ids).split()
    assert len(set(addresses)) == count
    with ThreadPoolExecutor(8) as pool:
        logs = list(pool.map(lambda number: cli.out("logs", f"{name}-{number}"), range(count)))
    assert logs == [f"I am {number}" for number in range(count)]
    cli("rm", "-f", *ids, timeout=120)
    assert cli.out("ps", "-aq") == ""


def test_signals_are_forwarded_to_the_program(cli, name):
    client = cli.popen("run", "--rm", "--name", name, "busybox", "sh", "-c",
                       "trap 'exit 33' INT; echo ready; while :; do sleep 0.1; done")
    assert client.stdout.readline() == b"ready\n"
    client.send_signal(signal.SIGINT)
    assert client.wait(10 * settings.PATIENCE) == 33
    client.communicate()


def test_a_container_that_is_removed_at_its_end_can_be_restarted(cli, name):
    """It stays, with its files: its end was not meant."""
    cli("run", "-d", "--rm", "--name", name, "busybox", "sh", "-c",
        "echo more >>/file; trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done")
    for number in range(1, 4):
        wait_for(lambda: cli.out("logs", name).split() == ["up"] * number, 20, "the trap")
        assert cli.out("exec", name, "cat", "/file").split() == ["more"] * number
        if number < 3:
            assert cli.out("restart", name) == name
    cli("stop", name)
    wait_for(lambda: cli("inspect", name, status=None).returncode == 1, 20, "the removal")


@pytest.mark.docker28
@pytest.mark.parametrize("command", ["run", "attach"])
def test_signals_that_are_not_forwarded(cli, name, command):
    """The client goes on; the third request to end ends it, and the program hears of none."""
    program = ("busybox", "sh", "-c", "trap 'echo heard' INT TERM; echo ready; while :; do sleep 0.1; done")
    if command == "run":
        client = cli.popen("run", "--sig-proxy=false", "--name", name, *program)
        assert client.stdout.readline() == b"ready\n"
    else:
        cli("run", "-d", "-i", "--name", name, "busybox", "sh", "-c",
            "trap 'echo heard' INT TERM; while read line; do echo $line; done; sleep 1000")
        client = cli.popen("attach", "--sig-proxy=false", name)
        # What comes back shows that the client listens to signals by now.
        client.stdin.write(b"ready\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"ready\n"
    for one in (signal.SIGUSR1, signal.SIGINT, signal.SIGTERM):
        client.send_signal(one)
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(0.3)
    client.send_signal(signal.SIGINT)
    assert client.wait(20 * settings.PATIENCE) == 1
    output, errors = client.communicate()
    assert (output, errors) == (b"", b"\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n")
    assert state(cli, name, "Running") == "true" and "heard" not in cli.out("logs", name)


@pytest.mark.docker28
def test_the_third_interrupt_ends_the_client(cli, name):
    client = cli.popen("run", "--name", name, "busybox", "sh", "-c",
                       "trap 'echo heard' INT; echo ready; while :; do sleep 0.1; done")
    assert client.stdout.readline() == b"ready\n"
    for _ in range(2):
        client.send_signal(signal.SIGINT)
        assert client.stdout.readline() == b"heard\n"
    client.send_signal(signal.SIGINT)
    assert client.wait(20 * settings.PATIENCE) == 1
    assert b"got 3 SIGTERM/SIGINTs, forcefully exiting" in client.communicate()[1]
    assert state(cli, name, "Running") == "true"


def test_the_death_of_the_client_leaves_the_container(cli, name):
    client = cli.popen("run", "--name", name, "busybox", "sh", "-c", "echo ready; sleep 1000")
    assert client.stdout.readline() == b"ready\n"
    client.kill()
    client.communicate()
    assert state(cli, name, "Running") == "true"


def test_attach_without_a_terminal(cli, name):
    """What a program says after the end of its client's input still reaches the client."""
    cli("run", "-d", "-i", "--name", name, "busybox", "sh", "-c",
        "read line; echo heard; until test -e /go; do sleep 0.02; done; echo got $line; exit 8")
    client = cli.popen("attach", name)
    client.stdin.write(b"hello\n")
    client.stdin.close()
    # The end of the input follows at once.
    assert client.stdout.readline() == b"heard\n"
    cli("exec", name, "touch", "/go")
    assert client.stdout.readline() == b"got hello\n"
    assert client.wait(15 * settings.PATIENCE) == 8
    client.stdin = None
    client.communicate()


def test_events_tell_the_life(cli, name):
    watcher = cli.popen("events", "--filter", f"container={name}", "--format", "{{json .}}")
    try:
        # `events` answers nothing before the first event: repeat one until it is seen.
        cli("create", "--name", name, "busybox", "true")
        seen = []

        def heard() -> bool:
            cli("rename", name, f"{name}-x")
            cli("rename", f"{name}-x", name)
            return bool(select.select([watcher.stdout], [], [], 0.2)[0])

        wait_for(heard, 10, "an event")
        cli("start", "-a", name)
        cli("rm", name)
        while "destroy" not in seen:
            seen.append(json.loads(watcher.stdout.readline())["Action"])
        wanted = ["start", "die", "destroy"]
        assert [action for action in seen if action in wanted] == wanted
    finally:
        watcher.kill()
        watcher.communicate()


def test_inspect_of_several_and_formats(cli, name):
    cli("create", "--name", name, "busybox", "true")
    both = json.loads(cli.out("inspect", name, "busybox"))
    assert both[0]["Name"] == f"/{name}" and both[1]["RepoTags"] == ["busybox:latest"]
    assert cli.out("inspect", "-f", "{{range .Config.Cmd}}<{{.}}>{{end}} {{len .Id}} {{upper .State.Status}}", name) \
        == "<true> 64 CREATED"
    done = cli("inspect", "--type", "image", name, status=1)
    assert "No such image" in done.stderr


def test_port_and_docker_port_table(cli, name):
    cli("run", "-d", "--name", name, "-p", "127.0.0.1:18081:80", "-p", "18082:53/udp", "busybox", "sleep", "1000")
    lines = cli.out("port", name).split("\n")
    assert "80/tcp -> 127.0.0.1:18081" in lines and "53/udp -> 0.0.0.0:18082" in lines
    assert cli.out("port", name, "80") == "127.0.0.1:18081"


def test_anonymous_volumes_go_with_their_container_when_asked(cli, daemon, name):
    folder = daemon.data_root / "volumes"

    def volumes() -> set[str]:
        return {one.name for one in folder.iterdir() if one.is_dir()} if folder.exists() else set()

    before = volumes()
    cli("run", "--name", name, "-v", "/data", "busybox", "touch", "/data/x")
    (made,) = volumes() - before
    assert (folder / made / "_data" / "x").exists()
    cli("rm", "-v", name)
    assert volumes() == before
