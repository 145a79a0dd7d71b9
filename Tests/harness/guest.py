"""For Tests/VM: a daemon in the guest of scripts/vm, whose kernel has cgroup v2 but no address translation."""

from pathlib import Path

from .engine import Skiff
from .waiting import wait_for

SYSTEMD = Path("/run/systemd/system").exists()
CGROUPS = Path("/sys/fs/cgroup")


class GuestEngine(Skiff):
    """Without a bridge, and with the kind of parent that the control group driver wants."""

    def __init__(self, *arguments: str, config: dict | None = None):
        super().__init__(*arguments, config={"bridge": "none", **(config or {})})
        self.cgroup_parent += ".slice" if SYSTEMD else ""

    def command(self) -> list[str]:
        command = super().command()
        place = command.index("--bip")
        return command if "bridge" not in self.config else command[:place] + command[place + 2:]

    def _end_everything(self) -> None:
        """A slice is systemd's to remove: it would not notice, and not make it again as it has to be."""
        parent, self.cgroup_parent = self.cgroup_parent, self.cgroup_parent if not SYSTEMD else "no-such-parent"
        super()._end_everything()
        if SYSTEMD:
            self.run("systemctl", "stop", parent)

    def groups(self) -> list[str]:
        """Containers' control groups that are there."""
        return [str(path) for path in (CGROUPS / self.cgroup_parent).glob("*") if path.is_dir()]

    def group(self, identifier: str) -> Path:
        """The control group of a container, seen from the host; its first process has to be in it."""
        name = f"skiff-{identifier}.scope" if SYSTEMD else identifier
        pid = self.inspect(identifier)["State"]["Pid"]
        assert Path(f"/proc/{pid}/cgroup").read_text() == f"0::/{self.cgroup_parent}/{name}\n"
        return CGROUPS / self.cgroup_parent / name

    def assert_no_groups(self) -> None:
        wait_for(lambda: not self.groups(), 10, f"an empty {self.cgroup_parent}")


def run(cli, *arguments: str, **options) -> str:
    """`run` without a network."""
    return cli.out("run", "--network", "none", *arguments, **options)
