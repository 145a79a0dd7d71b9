"""`logs` and the log file."""

import glob
import json
import select

from harness import settings
from harness.waiting import wait_for


def test_both_streams_in_order(cli, name):
    cli("run", "--name", name, "busybox", "sh", "-c", "echo one; echo two >&2")
    done = cli("logs", name)
    assert (done.stdout, done.stderr) == ("one\n", "two\n")


def test_tail_and_timestamps(cli, name):
    cli("run", "--name", name, "busybox", "seq", "1", "100")
    assert cli.out("logs", "--tail", "3", name).split() == ["98", "99", "100"]
    assert cli.out("logs", "-n", "0", name) == ""
    stamp, number = cli.out("logs", "-t", "--tail", "1", name).split()
    assert number == "100" and stamp.endswith("Z") and "T" in stamp


def test_since_and_until(cli, name):
    cli("run", "--name", name, "busybox", "sh", "-c", "echo early; sleep 1.2; echo late")
    stamps = [line.split()[0] for line in cli.out("logs", "-t", name).split("\n")]
    assert cli.out("logs", "--since", stamps[1], name) == "late"
    # Both ends belong to the span.
    assert cli.out("logs", "--until", stamps[0], name) == "early"
    assert cli.out("logs", "--since", stamps[0], "--until", stamps[1], name) == "early\nlate"
    assert cli.out("logs", "--since", "1h", name) == "early\nlate"


def test_follow_prints_new_lines_and_ends_with_the_container(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "echo first; "
        "while [ ! -e /go ]; do sleep 0.05; done; echo second")
    follower = cli.popen("logs", "-f", name)
    assert follower.stdout.readline() == b"first\n"
    assert not select.select([follower.stdout], [], [], 0.2)[0]
    cli("exec", name, "touch", "/go")
    assert follower.stdout.readline() == b"second\n"
    assert follower.wait(10 * settings.PATIENCE) == 0
    follower.communicate()


def test_follow_goes_on_over_a_restart_of_the_program(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sh", "-c", "echo up; sleep 1000")
    wait_for(lambda: cli.out("logs", name) == "up", 5)
    cli("restart", "-t", "0", name)
    wait_for(lambda: cli.out("logs", name) == "up\nup", 5)


def test_a_line_without_an_end_and_a_very_long_line(cli, name):
    cli("run", "--name", name, "busybox", "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' a; echo; printf end")
    text = cli("logs", name).stdout
    assert text == "a" * 100000 + "\nend"


def test_the_file_has_dockers_json_form(cli, name):
    cli("run", "--name", name, "busybox", "sh", "-c", "echo 'a \"quoted\" line'; echo err >&2; printf '\\377\\n'")
    path = cli.out("inspect", "--format", "{{.LogPath}}", name)
    records = [json.loads(line) for line in open(path)]
    assert sorted((one["stream"], one["log"]) for one in records) == [
        ("stderr", "err\n"), ("stdout", 'a "quoted" line\n'), ("stdout", "\N{REPLACEMENT CHARACTER}\n")]
    assert all(set(one) == {"log", "stream", "time"} for one in records)


def test_rotation_by_size_and_count(cli, name):
    cli("run", "--name", name, "--log-opt", "max-size=10k", "--log-opt", "max-file=3", "busybox", "seq", "1", "5000")
    path = cli.out("inspect", "--format", "{{.LogPath}}", name)
    files = glob.glob(f"{path}*")
    assert len(files) == 3
    numbers = [int(one) for one in cli("logs", name).stdout.split()]
    assert numbers[-1] == 5000 and numbers == list(range(numbers[0], 5001))


def test_log_driver_none_keeps_nothing(cli, name):
    assert cli.out("run", "--name", name, "--log-driver", "none", "busybox", "echo", "hi") == "hi"
    done = cli("logs", name, status=1)
    assert "configured logging driver does not support reading" in done.stderr


def test_output_is_not_lost_at_the_end(cli):
    for _ in range(settings.short_or_long(5, 200)):
        assert cli.out("run", "--rm", "busybox", "seq", "1", "1000").endswith("1000")


def test_logs_of_a_terminal_have_its_line_ends(cli, name):
    child = cli.terminal("run", "-t", "--name", name, "busybox", "echo", "hi")
    child.expect("hi")
    child.wait()
    assert cli("logs", name).raw == b"hi\r\n"


def test_logs_of_a_missing_container(cli):
    assert "No such container: nobody" in cli("logs", "-f", "nobody", status=1).stderr
