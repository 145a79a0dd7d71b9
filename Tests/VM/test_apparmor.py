"""AppArmor: Docker's default profile, others by name, none; what the default keeps a container from."""

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.guest import GuestEngine, run

pytestmark = [pytest.mark.skiff_only, pytest.mark.timeout(300)]

PROFILES = Path("/sys/kernel/security/apparmor/profiles")
PARSER = "/usr/sbin/apparmor_parser"
LABEL = ("cat", "/proc/self/attr/current")


def test_the_default_profile_is_loaded_and_holds(engine, skiff):
    assert "docker-default (enforce)" in PROFILES.read_text().splitlines()
    assert "name=apparmor" in engine.api("GET", "/info").json["SecurityOptions"]
    run(skiff, "-d", "--name", "confined", "busybox", "sleep", "1000")
    assert engine.inspect("confined")["AppArmorProfile"] == "docker-default"
    assert skiff.out("exec", "confined", *LABEL) == "docker-default (enforce)"
    assert skiff.out("exec", "--privileged", "confined", *LABEL) == "unconfined"
    skiff("stop", "-t", "0", "confined")
    assert engine.inspect("confined")["State"]["ExitCode"] == 137


def test_other_profiles_by_name(engine, skiff, tmp_path):
    assert run(skiff, "--rm", "--security-opt", "apparmor=unconfined", "busybox", *LABEL) == "unconfined"
    assert run(skiff, "--rm", "--privileged", "busybox", *LABEL) == "unconfined"
    (tmp_path / "own").write_text("profile own-profile flags=(attach_disconnected) { file, network, capability,\n"
                                  "deny /etc/passwd r, signal, }\n")
    subprocess.run([PARSER, "-K", "-r", tmp_path / "own"], check=True)
    done = skiff("run", "--network", "none", "--name", "own", "--security-opt", "apparmor=own-profile", "busybox",
               "sh", "-c", "cat /proc/self/attr/current; cat /etc/passwd", status=1)
    assert done.stdout.strip() == "own-profile (enforce)" and "Permission denied" in done.stderr
    assert engine.inspect("own")["AppArmorProfile"] == "own-profile"


def test_an_unknown_profile_is_named(skiff):
    done = skiff("run", "--rm", "--network", "none", "--security-opt", "apparmor=nobody-has-it", "busybox", "true",
               status=125)
    assert "unable to apply apparmor profile" in done.stderr and "nobody-has-it" in done.stderr


def test_what_the_default_profile_denies(skiff):
    """With rights and mounts that would allow it, and beside it the same without the profile."""
    rights = ["--rm", "--cap-add", "SYS_ADMIN", "--security-opt", "systempaths=unconfined"]
    script = ("mount -t tmpfs x /tmp && echo mounted; echo 1 >/proc/sys/vm/dirty_ratio && echo sysctl; "
              "echo 7 >/proc/sys/kernel/shmmni && echo own; cat /sys/kernel/security/apparmor/profiles && echo seen; "
              "echo b >/x && cat /proc/1/status >/dev/null && echo plain; true")
    assert run(skiff, *rights, "busybox", "sh", "-c", script).split() == ["own", "plain"]
    out = run(skiff, *rights, "--security-opt", "apparmor=unconfined", "busybox", "sh", "-c", script).split()
    assert {"mounted", "sysctl", "own", "plain"} <= set(out)


def test_ordinary_programs_notice_nothing(skiff):
    out = run(skiff, "--rm", "--init", "--user", "1000", "busybox", "sh", "-c",
              "sleep 100 & kill $!; wait $!; echo $?; id -u; echo x | cat; ls /proc/self/fd >/dev/null && echo done")
    assert out.split() == ["143", "1000", "x", "done"]


def test_without_the_parser_containers_run_without_a_profile(engine):
    Path("/tmp/p").write_text("profile docker-default {}\n")
    subprocess.run([PARSER, "-R", "/tmp/p"], check=True)
    shutil.move(PARSER, PARSER + ".away")
    other = GuestEngine()
    try:
        other.start()
        assert "name=apparmor" not in other.api("GET", "/info").json["SecurityOptions"]
        assert "apparmor_parser is not installed" in other.log_text()
        other.have("busybox")
        assert run(other.cli("skiff"), "--rm", "busybox", *LABEL) == "unconfined"
    finally:
        shutil.move(PARSER + ".away", PARSER)
        other.close()
    # The next daemon puts it back.
    other = GuestEngine()
    other.start()
    assert "docker-default (enforce)" in PROFILES.read_text().splitlines()
    other.close()
