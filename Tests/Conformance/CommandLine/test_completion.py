"""`skiff completion`: the scripts work in the shells that they are for."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pexpect
import pytest

from harness import settings

pytestmark = pytest.mark.skiff_only
PROGRAM = settings.BUILD / "skiff"


def script(shell: str) -> str:
    return subprocess.run([PROGRAM, "completion", shell], capture_output=True, text=True, check=True).stdout


def bash(line: str, environment: dict[str, str]) -> list[str]:
    asking = (script("bash") + 'COMP_LINE=$1\nCOMP_POINT=${#COMP_LINE}\n_skiff_complete\n'
              'printf "%s\\n" "${COMPREPLY[@]}"\n')
    done = subprocess.run(["bash", "-u", "-c", asking, "bash", line], capture_output=True, text=True, check=True,
                          env=environment)
    assert done.stderr == ""
    return done.stdout.split()


def fish(line: str, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(["fish", "--no-config", "-c", script("fish") + "complete -C $argv[1]", line], capture_output=True,
                          text=True, check=True, env=environment)
    assert done.stderr == ""
    return done.stdout.split()


def zsh(line: str, environment: dict[str, str]) -> list[str]:
    """The line is typed into a shell on a terminal; what its completion is given is written down."""
    with tempfile.TemporaryDirectory(prefix="skiff-zsh-", dir="/tmp") as folder:
        offered = Path(folder, "offered")
        Path(folder, "script").write_text(script("zsh"))
        Path(folder, "start").write_text(
            f"PS1='> '\nautoload -U compinit\ncompinit -D -u\nsource {folder}/script\n"
            f"compadd() {{ local -a got; builtin compadd -O got \"$@\"; print -rl -- $got >> {offered}; return 1 }}\n"
            f"_files() {{ return 1 }}\n")
        shell = pexpect.spawn("zsh", ["-f", "-i"], env={**environment, "TERM": "dumb"}, encoding="utf-8",
                              timeout=30 * settings.PATIENCE)
        try:
            shell.sendline(f"source {folder}/start; echo rea''dy")
            shell.expect("ready")
            # The interrupt drops the line; what was typed is worked off in order.
            shell.send(f"{line}\t\x15echo do''ne\r")
            shell.expect("done")
        finally:
            shell.close(force=True)
        return offered.read_text().split() if offered.exists() else []


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


@pytest.fixture(params=SHELLS)
def complete(request):
    """What a shell offers for the last of the words."""
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param} on this machine")

    def ask(*words: str, **environment: str) -> list[str]:
        return sorted(set(SHELLS[request.param](
            " ".join(["skiff", *words]), {"PATH": f"{settings.BUILD}:/usr/bin:/bin", "HOME": "/nowhere", **environment})))

    return ask


def test_commands_and_groups_are_completed(complete):
    assert complete("ru") == ["run"]
    assert complete("con") == ["container"]
    assert {"run", "ps", "image", "completion"} <= set(complete(""))
    assert complete("container", "res") == ["restart"]
    assert {"ls", "load", "prune"} <= set(complete("image", ""))
    assert {"connect", "create", "disconnect", "prune", "rm"} <= set(complete("network", ""))
    assert complete("--debug", "-H", "unix:///run/x.sock", "ima") == ["image", "images"]


def test_flags_are_completed(complete):
    assert complete("run", "--detach") == ["--detach", "--detach-keys"]
    assert complete("container", "run", "--rm", "--cidf") == ["--cidfile"]
    assert complete("ps", "--no-") == ["--no-trunc"]
    assert complete("--host", "unix:///run/x.sock", "logs", "--fol") == ["--follow"]
    assert complete("no-such-command", "--x") == []
    # They are the program's own in the container, and a flag's value is not a flag.
    assert complete("run", "busybox", "--d") == [] and complete("run", "--name", "--d") == []


def test_names_are_completed(daemon, name, complete):
    cli = daemon.cli("skiff")
    cli("create", "--name", f"{name}-one", "busybox", "true")
    cli("run", "-d", "--name", f"{name}-two", "busybox", "sleep", "1000")
    here = {"DOCKER_HOST": daemon.host}
    both = [f"{name}-one", f"{name}-two"]
    assert complete("rm", "--force", name, **here) == both
    assert complete("rm", both[0], name, **here) == [both[1]]
    assert complete("container", "start", name, **here) == [both[0]]
    assert complete("exec", "-it", name, **here) == [both[1]]
    assert complete("-H", daemon.host, "stop", name) == [both[1]]
    assert complete("run", "--network", "brid", **here) == ["bridge"]
    assert complete("network", "rm", "brid", **here) == ["bridge"]
    assert complete("network", "connect", "brid", **here) == ["bridge"]
    assert complete("network", "connect", "bridge", name, **here) == both
    assert complete("port", "add", name, **here) == both and complete("container", "port", "rm", name, **here) == both
    assert complete("run", "--rm", "busyb", **here) == ["busybox:latest"]
    assert complete("image", "rm", "busyb", **here) == ["busybox:latest"]
    # Nothing answers: nothing is offered, and nothing is printed into the user's line.
    assert complete("rm", "x", DOCKER_HOST="unix:///nowhere/x.sock") == []


def test_bash_goes_on_behind_a_colon(daemon):
    """Bash takes what follows `:` or `=` for a word of its own."""
    environment = {"PATH": f"{settings.BUILD}:/usr/bin:/bin", "DOCKER_HOST": daemon.host}
    assert bash("skiff run busybox:la", environment) == ["latest"]
    assert bash("skiff run --network=brid", environment) == ["bridge"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_the_script(shell):
    program = shutil.which(shell)
    if not program:
        pytest.skip(f"no {shell} on this machine")
    done = subprocess.run([program, "-n"], input=script(shell), capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
