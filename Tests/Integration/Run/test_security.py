"""What a container may not do by default, and what the options change."""

import json
import os

import pytest

DEFAULT_CAPABILITIES = 0x00000000A80425FB


def status(cli, *options: str, command=("cat", "/proc/self/status")) -> dict[str, str]:
    lines = cli.out("run", "--rm", *options, "busybox", *command).split("\n")
    return {line.split(":")[0]: line.split(":")[1].strip() for line in lines if ":" in line}


def own_capabilities() -> int:
    return int([line for line in open("/proc/self/status") if line.startswith("CapEff")][0].split()[1], 16)


def test_default_capabilities_are_dockers(cli):
    facts = status(cli)
    for key in ("CapBnd", "CapEff", "CapPrm"):
        assert int(facts[key], 16) == DEFAULT_CAPABILITIES, key
    assert int(facts["CapAmb"], 16) == 0


def test_capabilities_are_added_and_dropped(cli):
    assert int(status(cli, "--cap-drop", "ALL")["CapEff"], 16) == 0
    assert int(status(cli, "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE")["CapEff"], 16) == 1 << 10
    assert int(status(cli, "--cap-add", "SYS_ADMIN")["CapEff"], 16) == DEFAULT_CAPABILITIES | 1 << 21
    assert int(status(cli, "--cap-drop", "chown")["CapEff"], 16) == DEFAULT_CAPABILITIES & ~1


def test_a_user_without_root_has_no_effective_capabilities(cli):
    facts = status(cli, "-u", "1000")
    assert int(facts["CapEff"], 16) == 0 and int(facts["CapBnd"], 16) == DEFAULT_CAPABILITIES


@pytest.mark.skiff_only  # Docker fails where the machine lacks a capability.
def test_privileged_has_what_the_daemon_has(cli):
    facts = status(cli, "--privileged")
    assert int(facts["CapEff"], 16) == own_capabilities() and facts["Seccomp"] == "0"
    assert cli.out("run", "--rm", "--privileged", "busybox", "sh", "-c",
                   "mkdir /m && mount -t tmpfs none /m && echo mounted") == "mounted"


def test_seccomp_is_on_and_can_be_off(cli):
    assert status(cli)["Seccomp"] == "2"
    assert status(cli, "--security-opt", "seccomp=unconfined")["Seccomp"] == "0"


def test_seccomp_profile_from_a_file(cli, tmp_path):
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}))
    done = cli("run", "--rm", "--security-opt", f"seccomp={profile}", "busybox", "mkdir", "/x", status=1)
    assert "Operation not permitted" in done.stderr


def test_no_new_privileges(cli):
    assert status(cli)["NoNewPrivs"] == "0"
    assert status(cli, "--security-opt", "no-new-privileges")["NoNewPrivs"] == "1"


def test_mount_is_refused_by_default(cli):
    done = cli("run", "--rm", "busybox", "mount", "-t", "tmpfs", "none", "/mnt", status=None)
    assert done.returncode != 0


def test_kernel_files_are_masked(cli):
    out = cli.out("run", "--rm", "busybox", "sh", "-c", "cat /proc/kcore | wc -c; cat /proc/timer_list | wc -c; "
                  "ls /proc/acpi /sys/firmware | grep -v ':' | tr -d '\\n'; "
                  "echo 1 2>/dev/null >/proc/sys/kernel/sysrq || echo refused")
    assert out.split() == ["0", "0", "refused"], out


def test_system_paths_can_be_unconfined(cli):
    out = cli.out("run", "--rm", "--security-opt", "systempaths=unconfined", "busybox", "grep", "-c",
                  " /proc/", "/proc/mounts", status=None)
    assert out == "0"


def test_sys_is_read_only(cli):
    cli("run", "--rm", "busybox", "touch", "/sys/x", status=1)
    assert " ro," in cli.out("run", "--rm", "busybox", "grep", " /sys ", "/proc/mounts")


def test_namespaces_are_the_containers_own(cli):
    out = cli.out("run", "--rm", "busybox", "sh", "-c", "cd /proc/self/ns; for one in pid net mnt uts ipc user; do readlink $one; done")
    theirs = dict(line.split(":") for line in out.split())
    for kind in ("pid", "net", "mnt", "uts", "ipc"):
        assert theirs[kind] != os.readlink(f"/proc/self/ns/{kind}").split(":")[1], kind
    assert theirs["user"] == os.readlink("/proc/self/ns/user").split(":")[1]


def test_the_cgroup_namespace_is_the_hosts_on_version_1(cli):
    mine = os.readlink("/proc/self/ns/cgroup")
    is_version_1 = not os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    read = ("busybox", "readlink", "/proc/self/ns/cgroup")
    assert (cli.out("run", "--rm", *read) == mine) == is_version_1
    assert cli.out("run", "--rm", "--cgroupns", "host", *read) == mine
    assert cli.out("run", "--rm", "--cgroupns", "private", *read) != mine


def test_oom_score(cli):
    assert cli.out("run", "--rm", "--oom-score-adj", "500", "busybox", "cat", "/proc/self/oom_score_adj") == "500"


def test_low_ports_are_open_to_everybody(cli):
    assert cli.out("run", "--rm", "busybox", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start") == "0"
    assert cli.out("run", "--rm", "busybox", "cat", "/proc/sys/net/ipv4/ping_group_range").split() == \
        ["0", "2147483647"]
