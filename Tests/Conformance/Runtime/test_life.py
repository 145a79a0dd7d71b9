"""The runtime's commands, as podman, containerd and dockerd use them."""

import json
import os
import signal
import subprocess

from harness import settings
from harness.waiting import wait_for


def test_run_returns_output_and_exit_status(bundle):
    done = bundle.run("sh", "-c", "echo out; echo err >&2; exit 7", status=7)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_a_signal_ends_run_with_128_and_its_number(bundle):
    bundle.run("sh", "-c", "sh -c 'kill -9 $PPID' & sleep 5; exit 0", status=None)
    bundle.id += "b"
    # The first process of a PID namespace ignores signals from inside: from outside it is.
    bundle.process["args"] = ["sleep", "60"]
    bundle.call("run", "--detach", bundle.id, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, capture_output=False)
    bundle.call("kill", bundle.id, "KILL")
    wait_for(lambda: bundle.state_of()["status"] == "stopped", 5)
    bundle.call("delete", bundle.id)


def test_the_states_of_a_life(bundle):
    bundle.process["args"] = ["sleep", "60"]
    pid_file = bundle.folder / "pid"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "capture_output": False}
    bundle.call("create", "--pid-file", str(pid_file), bundle.id, **quiet)
    created = bundle.state_of()
    assert created["status"] == "created" and created["pid"] == int(pid_file.read_text())
    assert created["bundle"] == str(bundle.folder) and created["id"] == bundle.id
    bundle.call("start", bundle.id)
    assert bundle.state_of()["status"] == "running"
    assert bundle.call("start", bundle.id, status=None).returncode != 0
    assert bundle.call("delete", bundle.id, status=None).returncode != 0
    bundle.call("pause", bundle.id)
    assert bundle.state_of()["status"] == "paused"
    bundle.call("resume", bundle.id)
    assert json.loads(bundle.call("ps", "--format", "json", bundle.id).stdout) == [created["pid"]]
    assert bundle.id in bundle.call("list").stdout
    bundle.call("kill", bundle.id, "SIGKILL")
    wait_for(lambda: bundle.state_of()["status"] == "stopped", 5)
    assert bundle.call("exec", bundle.id, "true", status=None).returncode != 0
    bundle.call("delete", bundle.id)
    assert bundle.call("state", bundle.id, status=None).returncode != 0


def test_an_id_is_used_once(bundle):
    bundle.process["args"] = ["sleep", "60"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "capture_output": False}
    bundle.call("create", bundle.id, **quiet)
    again = bundle.call("create", bundle.id, status=None)
    assert again.returncode != 0 and "already exists" in again.stderr + again.stdout
    assert bundle.state_of()["status"] == "created"


def test_exec_is_inside(bundle):
    bundle.process["args"] = ["sleep", "60"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "capture_output": False}
    bundle.call("run", "--detach", bundle.id, **quiet)
    assert bundle.call("exec", bundle.id, "hostname").stdout == "bundle\n"
    assert bundle.call("exec", bundle.id, "sh", "-c", "exit 9", status=9)
    shown = bundle.call("exec", "--user", "1000:50", "--env", "X=y", "--cwd", "/tmp", bundle.id, "sh", "-c",
                        "id -u; id -g; echo $X; pwd; grep CapEff /proc/self/status").stdout.split()
    assert shown[:4] == ["1000", "50", "y", "/tmp"] and int(shown[5], 16) == 0
    names = ("pid", "mnt", "net", "ipc", "uts")
    inside = bundle.call("exec", bundle.id, "sh", "-c", "for n in pid mnt net ipc uts; do readlink /proc/self/ns/$n; done")
    pid = bundle.state_of()["pid"]
    assert inside.stdout.split() == [os.readlink(f"/proc/{pid}/ns/{name}") for name in names]
    assert inside.stdout.split() != [os.readlink(f"/proc/self/ns/{name}") for name in names]


def test_exec_takes_a_process_file(bundle):
    bundle.process["args"] = ["sleep", "60"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "capture_output": False}
    bundle.call("run", "--detach", bundle.id, **quiet)
    file = bundle.folder / "process.json"
    file.write_text(json.dumps({**bundle.process, "args": ["sh", "-c", "echo $HOME; pwd"], "cwd": "/etc"}))
    assert bundle.call("exec", "--process", str(file), bundle.id).stdout == "/root\n/etc\n"


def test_update_changes_limits(bundle):
    bundle.process["args"] = ["sleep", "60"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "capture_output": False}
    bundle.call("run", "--detach", bundle.id, **quiet)
    bundle.call("update", "--pids-limit", "17", bundle.id)
    inside = "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null; true"
    assert bundle.call("exec", bundle.id, "sh", "-c", inside).stdout.split() == ["17"]


def test_hooks_run_in_their_order_and_get_the_state(bundle):
    log = bundle.folder / "hooks"
    names = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    bundle.spec["hooks"] = {
        name: [{"path": "/bin/sh", "args": ["sh", "-c", f"read -r state; echo {name} $state >> {log}"]}] for name in names}
    bundle.run("true")
    lines = log.read_text().splitlines()
    assert [line.split()[0] for line in lines] == list(names)
    for line in lines:
        assert json.loads(line.split(" ", 1)[1])["id"] == bundle.id


def test_a_failing_hook_ends_the_container(bundle):
    bundle.spec["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    assert bundle.run("true", status=None).returncode != 0


def test_a_hook_that_hangs_is_killed(bundle):
    bundle.spec["hooks"] = {"prestart": [{"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}]}
    assert bundle.run("true", status=None).returncode != 0


def test_an_orphan_does_not_outlive_its_container(bundle):
    """Without a PID namespace the end of the first process ends nobody else: the group is emptied."""
    bundle.spec["linux"]["namespaces"] = [n for n in bundle.spec["linux"]["namespaces"] if n["type"] != "pid"]
    bundle.run("sh", "-c", "sleep 300 >/dev/null 2>&1 & exit 0")


def test_errors_reach_the_log_file(bundle):
    log = bundle.folder / "log"
    done = subprocess.run(
        [settings.RUNTIME, "--root", bundle.state, "--log", log, "--log-format", "json", "start", "nobody"],
        capture_output=True, text=True)
    assert done.returncode != 0
    assert json.loads(log.read_text().splitlines()[-1])["level"] == "error"


def test_the_caller_is_told_to_stop_by_a_signal(bundle):
    bundle.process["args"] = ["sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done"]
    (bundle.folder / "config.json").write_text(json.dumps(bundle.spec))
    with subprocess.Popen([settings.RUNTIME, "--root", bundle.state, "run", bundle.id], cwd=bundle.folder,
                          stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 3
