"""`docker run` with the options that change what the program sees."""

import json
import os

import pytest


def test_run_prints_what_the_program_prints(cli):
    assert cli.out("run", "--rm", "busybox", "echo", "hi") == "hi"


def test_standard_error_stays_apart(cli):
    done = cli("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_exit_status_is_that_of_the_program(cli):
    for code in (0, 1, 42, 255):
        cli("run", "--rm", "busybox", "sh", "-c", f"exit {code}", status=code)


def test_a_signal_gives_128_plus_its_number(cli):
    # The kernel ignores deadly signals that PID 1 sends to itself, so a child of the shell kills itself.
    cli("run", "--rm", "busybox", "sh", "-c", "sh -c 'kill -TERM $$'; exit $?", status=143)


def test_standard_input_reaches_the_program(cli):
    assert cli.out("run", "--rm", "-i", "busybox", "cat", input="x\n") == "x"


def test_a_megabyte_passes_through_standard_input_and_output(cli):
    data = bytes(range(256)) * 4096
    assert cli("run", "--rm", "-i", "busybox", "cat", input=data).raw == data


def test_without_i_standard_input_is_empty(cli):
    assert cli.out("run", "--rm", "busybox", "cat", input="x\n") == ""


def test_large_output_arrives_whole(cli):
    lines = cli("run", "--rm", "busybox", "seq", "1", "200000").stdout.split()
    assert (len(lines), lines[-1]) == (200000, "200000")


def test_environment(cli, tmp_path):
    (tmp_path / "env").write_text("# comment\nFROM_FILE=one two\nEMPTY=\n")
    done = cli("run", "--rm", "-e", "A=1", "--env", "HOME_OF_CALLER", "--env-file", str(tmp_path / "env"), "busybox",
               "env", env={"HOME_OF_CALLER": "here"})
    lines = done.stdout.split("\n")
    for line in ("A=1", "HOME_OF_CALLER=here", "FROM_FILE=one two", "EMPTY=", "HOME=/root"):
        assert line in lines
    assert any(line.startswith("HOSTNAME=") for line in lines)
    assert "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in lines


def test_working_folder_is_made_when_missing(cli):
    assert cli.out("run", "--rm", "-w", "/not/there", "busybox", "pwd") == "/not/there"


def test_entrypoint_replaces_the_command(cli):
    assert cli.out("run", "--rm", "--entrypoint", "echo", "busybox", "a", "b") == "a b"


def test_user_by_name_comes_from_the_image(cli):
    assert cli.out("run", "--rm", "-u", "www-data", "busybox", "id") == \
        "uid=33(www-data) gid=33(www-data) groups=33(www-data)"


def test_user_and_group_by_number(cli):
    out = cli.out("run", "--rm", "-u", "1234:4321", "--group-add", "mail", "--group-add", "77", "busybox", "id")
    assert out.startswith("uid=1234 gid=4321") and "8(mail)" in out and "77" in out


def test_unknown_user_is_refused(cli):
    done = cli("run", "--rm", "-u", "nosuchuser", "busybox", "true", status=None)
    assert done.returncode in (125, 126)
    assert "unable to find user nosuchuser: no matching entries in passwd file" in done.stderr


def test_host_name_and_domain(cli):
    out = cli.out("run", "--rm", "-h", "box", "--domainname", "example.test", "busybox", "sh", "-c",
                  "hostname; cat /etc/hostname; cat /proc/sys/kernel/domainname; grep box /etc/hosts")
    lines = out.split("\n")
    assert lines[:3] == ["box", "box", "example.test"] or lines[1] == "box.example.test", out
    assert lines[-1].split()[1:] == ["box.example.test", "box"]


def test_default_host_name_is_the_short_id(cli, name):
    short = cli.out("run", "--name", name, "busybox", "hostname")
    assert cli.out("inspect", "--format", "{{.Id}}", name)[:12] == short


def test_read_only_root(cli):
    done = cli("run", "--rm", "--read-only", "busybox", "touch", "/x", status=1)
    assert "Read-only file system" in done.stderr
    assert cli.out("run", "--rm", "--read-only", "--tmpfs", "/scratch", "busybox", "sh", "-c",
                   "touch /scratch/x /dev/shm/y && echo ok") == "ok"


def test_tmpfs_options(cli):
    out = cli.out("run", "--rm", "--tmpfs", "/t:rw,size=10m,mode=700", "busybox", "sh", "-c",
                  "grep ' /t ' /proc/mounts; stat -c %a /t")
    assert "size=10240k" in out and out.endswith("700") and "noexec" in out and "nosuid" in out


def test_shm_size(cli):
    assert "size=32768k" in cli.out("run", "--rm", "--shm-size", "32m", "busybox", "grep", "/dev/shm", "/proc/mounts")
    assert "size=65536k" in cli.out("run", "--rm", "busybox", "grep", "/dev/shm", "/proc/mounts")


def test_bind_mounts(cli, tmp_path):
    (tmp_path / "file").write_text("from outside\n")
    out = cli.out("run", "--rm", "-v", f"{tmp_path}:/data", "busybox", "sh", "-c", "cat /data/file; echo in >/data/new")
    assert out == "from outside"
    assert (tmp_path / "new").read_text() == "in\n"
    done = cli("run", "--rm", "-v", f"{tmp_path}:/data:ro", "busybox", "touch", "/data/x", status=1)
    assert "Read-only file system" in done.stderr
    assert cli.out("run", "--rm", "--mount", f"type=bind,source={tmp_path},target=/m,readonly", "busybox", "cat",
                   "/m/new") == "in"


def test_a_bind_of_a_missing_folder_makes_it(cli, tmp_path):
    cli("run", "--rm", "-v", f"{tmp_path}/made:/data", "busybox", "true")
    assert (tmp_path / "made").is_dir()


def test_a_single_file_can_be_bound(cli, tmp_path):
    (tmp_path / "file").write_text("one\n")
    assert cli.out("run", "--rm", "-v", f"{tmp_path}/file:/etc/one", "busybox", "cat", "/etc/one") == "one"


def test_labels_show_in_inspect(cli, name):
    cli("run", "--name", name, "-l", "a=1", "--label", "b", "busybox", "true")
    assert json.loads(cli.out("inspect", "--format", "{{json .Config.Labels}}", name)) == {"a": "1", "b": ""}


def test_init_reaps_and_forwards(cli):
    out = cli.out("run", "--rm", "--init", "busybox", "sh", "-c", "cat /proc/1/cmdline | tr '\\0' ' '; echo $$")
    assert "docker-init" in out and out.split("\n")[-1] != "1"


def test_process_ids_start_at_one(cli):
    assert cli.out("run", "--rm", "busybox", "sh", "-c", "echo $$") == "1"


def test_cidfile_and_detached_run_give_the_id(cli, tmp_path):
    identifier = cli.out("run", "-d", "--cidfile", str(tmp_path / "cid"), "busybox", "sleep", "100")
    assert (tmp_path / "cid").read_text() == identifier and len(identifier) == 64
    done = cli("run", "--cidfile", str(tmp_path / "cid"), "busybox", "true", status=None)
    assert done.returncode in (1, 125) and "container ID file found" in done.stderr.lower() + done.stderr


def test_name_is_unique_among_containers(cli, name):
    cli("create", "--name", name, "busybox")
    done = cli("run", "--name", name, "busybox", "true", status=125)
    assert f'The container name "/{name}" is already in use by container' in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="no /dev/fuse here")
def test_devices_and_device_permissions(cli):
    script = "ls -l /dev/mine; true </dev/mine && echo read; true >/dev/mine && echo written || echo refused"
    out = cli.out("run", "--rm", "--device", "/dev/fuse:/dev/mine:r", "busybox", "sh", "-c", script)
    assert "10, 229" in out and "read" in out and "refused" in out
    out = cli.out("run", "--rm", "--device", "/dev/fuse:/dev/mine", "busybox", "sh", "-c", script)
    assert "read" in out and "written" in out
    # Without --device, making the node oneself does not help.
    out = cli.out("run", "--rm", "busybox", "sh", "-c", "mknod /tmp/f c 10 229; true </tmp/f || echo refused")
    assert out == "refused"


def test_devices_of_a_folder(cli):
    """Every device node below it; a folder without any is refused."""
    out = cli.out("run", "--rm", "--device", "/dev/net:/dev/mine", "busybox", "ls", "-l", "/dev/mine") if \
        os.path.exists("/dev/net/tun") else "10, 200"
    assert "10, 200" in out
    done = cli("run", "--rm", "--device", "/etc", "busybox", "true", status=125)
    assert 'custom device "/etc": not a device node' in done.stderr


def test_default_devices(cli):
    out = cli.out("run", "--rm", "busybox", "ls", "/dev").split()
    # /dev/core leads to /proc/kcore, where the kernel has it.
    assert set(out) - {"core"} == {"fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
                        "stdout", "tty", "urandom", "zero"}


def test_sysctl(cli):
    assert cli.out("run", "--rm", "--sysctl", "net.ipv4.ip_forward=0", "--sysctl", "kernel.msgmax=9000", "busybox",
                   "cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax") == "0\n9000"


def test_ulimits(cli):
    assert cli.out("run", "--rm", "--ulimit", "nofile=100:200", "--ulimit", "core=0", "busybox", "sh", "-c",
                   "ulimit -Sn; ulimit -Hn; ulimit -c") == "100\n200\n0"


def test_pid_and_uts_and_ipc_of_the_host(cli):
    out = cli.out("run", "--rm", "--pid", "host", "busybox", "sh", "-c", "ls -d /proc/[0-9]* | wc -l; echo $$")
    count, pid = map(int, out.split())
    assert count > 3 and pid != 1
    mine = open("/proc/sys/kernel/hostname").read().strip()
    assert cli.out("run", "--rm", "--uts", "host", "busybox", "hostname") == mine
    mine = os.readlink("/proc/self/ns/ipc")
    assert cli.out("run", "--rm", "--ipc", "host", "busybox", "readlink", "/proc/self/ns/ipc") == mine


def test_namespaces_of_another_container(cli, name):
    cli("run", "-d", "--name", name, "--ipc", "shareable", "busybox", "sh", "-c", "echo here >/dev/shm/f; sleep 100")
    out = cli.out("run", "--rm", "--pid", f"container:{name}", "--ipc", f"container:{name}",
                  "--network", f"container:{name}", "busybox", "sh", "-c", "cat /dev/shm/f; cat /proc/1/cmdline")
    assert out.startswith("here\n") and "sleep" in out


def test_hello_world(cli, shared_engine):
    shared_engine.load("hello-world")
    assert "Hello from Docker!" in cli.out("run", "--rm", "hello-world")
    cli("rmi", "hello-world")


def test_run_without_a_command_uses_the_image(cli):
    assert cli.out("run", "--rm", "-i", "busybox", input="echo from the shell\n") == "from the shell"


def test_tmpfs_on_a_new_directory_is_open_to_all(cli, name):
    script = "touch /new/x && stat -c %a /new"
    cli("run", "--name", name, "-u", "1000", "--tmpfs", "/new", "busybox", "sh", "-c", script)
    cli("start", name)
    assert cli.out("wait", name) == "0"
    assert cli.out("logs", name).split() == ["1777", "1777"]


@pytest.mark.parametrize("flags, words", [
    (["--tmpfs", "/t:nosuch"], 'nvalid tmpfs option ["nosuch"]'),
    (["--mount", "type=volume,target=/t,readonly"], "must not set ReadOnly mode when using anonymous volumes"),
    (["--mount", "type=nosuch,target=/t"], "mount type unknown"),
])
def test_mount_options_that_cannot_be(cli, flags, words):
    assert words in cli("create", *flags, "busybox", status=1).stderr


def test_exec_in_a_directory_that_is_not_there(cli, name):
    cli("run", "-d", "--name", name, "busybox", "sleep", "1000")
    done = cli("exec", "-w", "/no/such", name, "id", status=None)
    assert done.returncode in (126, 127) and "no such file or directory" in (done.stdout + done.stderr).lower()
    assert cli("exec", name, "ls", "-d", "/no", status=None).returncode == 1


def test_variables_of_a_link_name_both_ends(cli, name):
    cli("run", "-d", "--name", f"{name}-db", "-e", "KEY=value", "busybox", "sleep", "1000")
    text = cli.out("run", "--rm", "--name", name, "--link", f"{name}-db:db", "busybox", "env")
    assert f"DB_NAME=/{name}/db" in text.splitlines() and "DB_ENV_KEY=value" in text.splitlines()


def test_raw_lists(cli, name):
    cli("create", "--name", name, "busybox", "true")
    lines = cli.out("ps", "-a", "--format", "raw").splitlines()
    assert lines[0].startswith("container_id: ") and f"names: {name}" in lines and "state: created" in lines
    assert cli.out("ps", "-aq", "--format", "raw").startswith("container_id: ")
    assert "repository: busybox" in cli.out("images", "--format", "raw").splitlines()
