"""`--storage-opt size=`: what a container's own layer may hold, where the file system can hold it to that."""

import subprocess

import pytest

from harness import settings
from harness.waiting import wait_for

REFUSAL = "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"


def fill(megabytes: int) -> tuple[str, ...]:
    return ("sh", "-c", f"dd if=/dev/zero of=/file bs=1M count={megabytes} && sync")


@pytest.mark.parametrize("driver", ["overlay2", "vfs"])
def test_a_container_holds_no_more_than_its_size(driver, btrfs, new_daemon):
    engine = new_daemon("--storage-driver", driver, scratch=btrfs)
    for client in settings.CLIENTS:
        cli = engine.cli(client)
        cli("run", "--rm", "--storage-opt", "size=32m", "busybox", *fill(16))
        done = cli("run", "--name", "full", "--storage-opt", "size=32m", "busybox", *fill(64), status=None)
        assert done.returncode != 0 and "quota exceeded" in done.stderr.lower(), done
        assert cli.out("inspect", "--format", "{{.HostConfig.StorageOpt.size}} {{.Driver}}", "full") == f"32m {driver}"
        # The others have the whole disk, and the full one can be removed.
        cli("run", "--rm", "busybox", *fill(64))
        cli("rm", "full")
    wait_for(lambda: len(list((engine.data_root / "overlay2/.trash").iterdir())) == 0, 30, "an empty trash")


def test_a_size_outlives_the_daemon(btrfs, new_daemon):
    engine = new_daemon(scratch=btrfs)
    cli = engine.cli("docker")
    cli("create", "--name", "one", "--storage-opt", "size=32m", "busybox", *fill(64))
    engine.restart_after_kill()
    done = cli("start", "-a", "one", status=None)
    assert done.returncode != 0 and "quota exceeded" in done.stderr.lower(), done


def test_a_size_for_all_containers(btrfs, new_daemon):
    engine = new_daemon("--storage-opt", "overlay2.size=32m", scratch=btrfs)
    cli = engine.cli("skiff")
    assert cli("run", "--rm", "busybox", *fill(64), status=None).returncode != 0
    cli("run", "--rm", "--storage-opt", "size=128m", "busybox", *fill(64))


def test_sizes_are_refused_where_the_file_system_has_no_quotas(ext4, new_daemon):
    engine = new_daemon(scratch=ext4)
    for client in settings.CLIENTS:
        done = engine.cli(client)("create", "--storage-opt", "size=10m", "busybox", status=None)
        assert done.returncode != 0 and REFUSAL in done.stderr and "(ext4) keeps no project quotas" in done.stderr
    # A daemon that is to limit all of them does not start.
    refused = subprocess.run(
        [str(settings.BUILD / "skiffd"), "--data-root", str(engine.folder / "other"), "--exec-root",
         str(engine.folder / "other-run"), "--host", f"unix://{engine.folder}/o.sock", "--storage-opt",
         "overlay2.size=10m", "--bridge", "none"],
        capture_output=True, text=True, timeout=60 * settings.PATIENCE)
    assert refused.returncode != 0 and REFUSAL in refused.stdout + refused.stderr


def test_other_options_are_refused_by_name(btrfs, new_daemon):
    engine = new_daemon(scratch=btrfs)
    for options, words in (
        ({"dm.basesize": "10G"}, "unknown option dm.basesize"), ({"size": "much"}, "invalid size: 'much'"),
    ):
        answer = engine.api(
            "POST", "/containers/create", {"Image": "busybox", "HostConfig": {"StorageOpt": options}})
        assert answer.status == 400 and answer.message == words
    assert engine.api("GET", "/containers/json?all=1").json == []
