"""Clients whose volumes go with the test, and what is mounted on a volume's files."""

import pytest

from harness.waiting import wait_for


def remove_volumes(daemon) -> None:
    daemon.remove_containers()
    for volume in daemon.api("GET", "/volumes").json["Volumes"]:
        answer = daemon.api("DELETE", f"/volumes/{volume['Name']}")
        assert answer.status == 204, answer.body


@pytest.fixture
def volumes(daemon):
    """The session's daemon, whose volumes go with the test."""
    yield daemon
    remove_volumes(daemon)


@pytest.fixture
def cli(client, volumes):
    return volumes.cli(client)


@pytest.fixture
def skiff(volumes):
    """For what Docker's client does not have."""
    return volumes.cli("skiff")


class Mounts:
    """What is mounted on a volume's files on the host, as the daemon sees it: fields of the mount table's lines."""

    def of(self, daemon, name: str) -> list[list[str]]:
        path = f"{daemon.data_root}/volumes/{name}/_data"
        with open(f"/proc/{daemon.process.pid}/mounts") as table:
            return [line.split() for line in table if line.split()[1] == path]

    def gone(self, daemon, name: str) -> None:
        wait_for(lambda: not self.of(daemon, name), 20, "an unmount")


@pytest.fixture
def mounts():
    return Mounts()
