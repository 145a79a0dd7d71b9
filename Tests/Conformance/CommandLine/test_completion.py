"""`skiff completion`: the scripts work in the shells that they are for."""

import shutil
import subprocess

import pytest

from harness import settings

pytestmark = pytest.mark.skiff_only
PROGRAM = settings.BUILD / "skiff"


def script(shell: str) -> str:
    return subprocess.run([PROGRAM, "completion", shell], capture_output=True, text=True, check=True).stdout


def complete(*words: str, **environment: str) -> list[str]:
    """What bash offers for the last of the words."""
    asking = (script("bash") + 'COMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\n_skiff_complete\n'
              'printf "%s\\n" "${COMPREPLY[@]}"\n')
    done = subprocess.run(["bash", "-u", "-c", asking, "bash", "skiff", *words], capture_output=True, text=True, check=True,
                          env={"PATH": f"{settings.BUILD}:/usr/bin:/bin", **environment})
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_and_groups_are_completed():
    assert complete("ru") == ["run"]
    assert complete("con") == ["container"]
    assert {"run", "ps", "image", "completion"} <= set(complete(""))
    assert complete("container", "res") == ["restart"]
    assert {"ls", "load", "prune"} <= set(complete("image", ""))
    assert complete("--debug", "-H", "unix:///run/x.sock", "ima") == ["image", "images"]


def test_flags_are_completed():
    assert complete("run", "--detach") == ["--detach", "--detach-keys"]
    assert complete("container", "run", "--rm", "--cidf") == ["--cidfile"]
    assert complete("ps", "--no-") == ["--no-trunc"]
    assert complete("--host", "unix:///run/x.sock", "logs", "--fol") == ["--follow"]
    assert complete("no-such-command", "--x") == []


def test_names_are_completed(daemon, name):
    cli = daemon.cli("skiff")
    cli("create", "--name", f"{name}-one", "busybox", "true")
    cli("create", "--name", f"{name}-two", "busybox", "true")
    here = {"DOCKER_HOST": daemon.host}
    assert sorted(complete("rm", "--force", name, **here)) == [f"{name}-one", f"{name}-two"]
    assert complete("container", "start", f"{name}-t", **here) == [f"{name}-two"]
    assert complete("run", "--rm", "busyb", **here) == ["busybox:latest"]
    assert complete("image", "rm", "busyb", **here) == ["busybox:latest"]
    # Nothing answers: nothing is offered, and nothing is printed into the user's line.
    assert complete("rm", "x", DOCKER_HOST="unix:///nowhere/x.sock") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_the_script(shell):
    program = shutil.which(shell)
    if not program:
        pytest.skip(f"no {shell} on this machine")
    done = subprocess.run([program, "-n"], input=script(shell), capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
