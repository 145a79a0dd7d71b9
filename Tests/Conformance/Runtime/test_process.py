"""What a container's process has, is, and may do."""

import pytest


@pytest.mark.parametrize("command, status, message", [
    (["nosuch"], 127, "executable file not found in $PATH"),
    (["/nosuch"], 127, "no such file or directory"),
    (["/etc/passwd"], 126, "permission denied"),
    (["/etc"], 126, "is a directory"),
])
def test_a_program_that_cannot_run_is_named(bundle, command, status, message):
    done = bundle.run(*command, status=status)
    assert message in done.stderr and command[0] in done.stderr


def test_a_script_without_its_interpreter_is_reported(bundle):
    script = bundle.root / "bin/script"
    script.write_text("#!/no/interpreter\n")
    script.chmod(0o755)
    assert "/bin/script" in bundle.run("/bin/script", status=127).stderr


def test_a_file_of_another_format_is_reported(bundle):
    program = bundle.root / "bin/odd"
    program.write_bytes(b"\x00\x01\x02\x03" * 100)
    program.chmod(0o755)
    assert "exec format error" in bundle.run("/bin/odd", status=126).stderr


def test_a_missing_working_directory_is_made(bundle):
    bundle.process["cwd"] = "/new/folder"
    assert bundle.out("pwd") == "/new/folder"


def test_a_working_directory_that_is_a_file_is_refused(bundle):
    bundle.process["cwd"] = "/etc/passwd"
    done = bundle.run("pwd", status=None)
    assert done.returncode != 0 and "/etc/passwd" in done.stderr


def test_a_working_directory_through_a_descriptor_stays_inside(bundle):
    for number in range(3, 12):
        bundle.process["cwd"] = f"/proc/self/fd/{number}"
        done = bundle.run("sh", "-c", "pwd; ls", status=None)
        # A descriptor may well lead to a place of the container's.
        assert done.returncode != 0 or "rootfs" not in done.stdout, (number, done.stdout)


def test_home_comes_from_the_containers_passwd_file(bundle):
    assert bundle.out("sh", "-c", "echo $HOME") == "/root"
    bundle.process["env"].append("HOME=/mine")
    assert bundle.out("sh", "-c", "echo $HOME") == "/mine"


def test_user_groups_and_umask(bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 50, "additionalGids": [7, 8], "umask": 0o077}
    assert bundle.out("sh", "-c", "id -u; id -g; id -G; umask").split("\n") == ["1000", "50", "50 7 8", "0077"]


def test_capabilities_are_those_asked_for(bundle):
    def sets() -> dict:
        lines = bundle.out("cat", "/proc/self/status").splitlines()
        return {line.split(":")[0]: int(line.split()[1], 16) for line in lines if line.startswith("Cap")}

    chown_and_kill = 1 << 0 | 1 << 5
    assert sets() == {"CapInh": 0, "CapPrm": chown_and_kill, "CapEff": chown_and_kill, "CapBnd": chown_and_kill, "CapAmb": 0}
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    assert sets() == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": chown_and_kill, "CapAmb": 0}
    kinds = ("bounding", "effective", "permitted", "inheritable", "ambient")
    bundle.process["capabilities"] = {kind: ["CAP_KILL"] for kind in kinds}
    assert set(sets().values()) == {1 << 5}
    bundle.process["capabilities"] = {}
    bundle.process["user"] = {"uid": 0, "gid": 0}
    assert set(sets().values()) == {0}


def test_no_new_privileges(bundle):
    assert "NoNewPrivs:\t1" in bundle.out("cat", "/proc/self/status")
    bundle.process["noNewPrivileges"] = False
    assert "NoNewPrivs:\t0" in bundle.out("cat", "/proc/self/status")


def test_limits_of_resources(bundle):
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                                 {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
    assert bundle.out("sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -c").split() == ["100", "200", "0"]


def test_oom_score(bundle):
    bundle.process["oomScoreAdj"] = 321
    assert bundle.out("cat", "/proc/self/oom_score_adj") == "321"


def test_no_descriptor_of_the_runtime_is_inherited(bundle):
    assert bundle.out("sh", "-c", "ls /proc/$$/fd; true").split() == ["0", "1", "2"]


def test_descriptors_are_kept_when_asked_for(bundle):
    import os
    read, write = os.pipe()
    os.write(write, b"hello\n")
    os.close(write)
    os.dup2(read, 3)
    bundle.process["args"] = ["sh", "-c", "cat <&3"]
    assert bundle.call("run", "--preserve-fds", "1", bundle.id, pass_fds=(3,)).stdout == "hello\n"
    os.close(read)


def test_signals_are_as_new(bundle):
    shown = bundle.out("cat", "/proc/self/status").splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in shown if line.startswith("Sig")}
    assert {int(values[name], 16) for name in ("SigBlk", "SigIgn")} == {0}


def test_sysctls_of_its_own_namespaces(bundle):
    bundle.spec["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "12345"}
    assert bundle.out("cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/shmmax").split() == ["1", "12345"]


@pytest.mark.parametrize("name", ["kernel.panic", "vm.swappiness", "fs.file-max"])
def test_sysctls_of_the_host_are_refused(bundle, name):
    bundle.spec["linux"]["sysctl"] = {name: "1"}
    assert name in bundle.run("true", status=None).stderr


def test_a_sysctl_without_its_namespace_is_refused(bundle):
    bundle.spec["linux"]["namespaces"] = [n for n in bundle.spec["linux"]["namespaces"] if n["type"] != "network"]
    bundle.spec["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
    assert bundle.run("true", status=None).returncode != 0


def test_a_seccomp_profile_decides(bundle):
    bundle.spec["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
    for flag in (True, False):
        bundle.process["noNewPrivileges"] = flag
        done = bundle.run("mkdir", "/tmp/x", status=1)
        assert "No space left on device" in done.stderr


def test_a_wrong_seccomp_profile_is_refused(bundle):
    bundle.spec["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_NOPE"}
    assert "SCMP_ACT_NOPE" in bundle.run("true", status=None).stderr
