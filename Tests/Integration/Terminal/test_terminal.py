"""Interactive use, driven through a pseudo terminal."""

import pexpect
import pytest

from harness.waiting import wait_for


@pytest.fixture
def shell(cli, name):
    """A shell in a container on a terminal of 33 rows and 101 columns."""
    child = cli.terminal("run", "-it", "--name", name, "busybox", "sh", rows=33, columns=101)
    child.expect("/ # ")
    yield child
    child.close(force=True)


def finish(child) -> int:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def ask(child, command: str, answer: str) -> None:
    child.sendline(command)
    child.expect(answer)
    child.expect("/ # ")


def test_the_terminals_size_is_passed_on(shell):
    ask(shell, "stty size", "33 101")
    shell.setwinsize(50, 120)
    # The client hears of it by SIGWINCH and tells the daemon: not at once.
    for _ in range(20):
        shell.sendline("stty size")
        shell.expect(r"(\d+) (\d+)\r\n")
        if shell.match.groups() == ("50", "120"):
            break
    assert shell.match.groups() == ("50", "120")
    shell.sendline("exit 3")
    assert finish(shell) == 3


def test_control_c_interrupts_the_program_only(shell, cli, name):
    shell.sendline("sleep 1000")
    wait_for(lambda: "sleep 1000" in cli.out("top", name), 10, "the program")
    shell.sendcontrol("c")
    shell.expect("/ # ")
    ask(shell, "echo status $?", "status 130")
    shell.sendline("exit")
    assert finish(shell) in (0, 130)


def test_end_of_file_ends_the_shell(shell):
    shell.sendcontrol("d")
    assert finish(shell) == 0


def test_detach_and_attach_again(shell, cli, name):
    ask(shell, "echo before; marker=kept", "before")
    shell.sendcontrol("p")
    shell.sendcontrol("q")
    shell.expect(pexpect.EOF)
    shell.close()
    assert cli.out("inspect", "--format", "{{.State.Running}}", name) == "true"
    again = cli.terminal("attach", name)
    again.sendline("echo and $marker")
    again.expect("and kept")
    again.expect("/ # ")
    again.sendline("exit 5")
    assert finish(again) == 5


def test_other_detach_keys(cli, name):
    child = cli.terminal("run", "-it", "--name", name, "--detach-keys", "ctrl-x,x", "busybox", "sh")
    child.expect("/ # ")
    child.sendcontrol("x")
    child.send("x")
    child.expect(pexpect.EOF)
    child.close()
    assert cli.out("inspect", "--format", "{{.State.Running}}", name) == "true"


def test_exec_on_a_terminal(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1000")
    child = cli.terminal("exec", "-it", "-e", "A=1", "-w", "/tmp", name, "sh", rows=20, columns=70)
    child.expect("/tmp # ")
    child.sendline("stty size; echo $A; tty")
    child.expect("20 70\r\n1\r\n/dev/pts/0")
    child.sendline("exit 7")
    assert finish(child) == 7
    assert cli.out("inspect", "--format", "{{.State.Running}}", name) == "true"


def test_detach_from_exec_leaves_it_running(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1000")
    child = cli.terminal("exec", "-it", name, "sh", "-c", "echo ready; sleep 500")
    child.expect("ready")
    child.sendcontrol("p")
    child.sendcontrol("q")
    child.expect("read escape sequence")
    assert finish(child) == 1
    assert "sleep 500" in cli.out("top", name)


def test_a_terminal_without_input(cli):
    child = cli.terminal("run", "--rm", "-t", "busybox", "tty")
    child.expect("/dev/pts/0")
    assert finish(child) == 0


def test_start_attached(cli, name):
    cli("create", "-it", "--name", name, "busybox", "sh")
    child = cli.terminal("start", "-ai", name)
    child.sendline("echo $((40 + 2))")
    child.expect("42")
    child.sendline("exit 4")
    assert finish(child) == 4


def test_it_without_a_terminal_is_refused(cli):
    done = cli("run", "--rm", "-it", "busybox", "true", input="", status=None)
    assert done.returncode != 0 and "the input device is not a TTY" in done.stderr
