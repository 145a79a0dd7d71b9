"""A picture of everything on the machine that an engine may leave behind, for comparison before and after."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: Processes that a daemon keeps once it has needed them: one forwarder, whatever the number of ports.
PERMANENT = {"skiff-net"}

CGROUPS = Path("/sys/fs/cgroup")


def mounts() -> list[str]:
    """Mount points in this mount namespace, with their type."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [f"{line.split()[4]} {line.split(' - ')[1].split()[0]}" for line in lines]


def links() -> list[str]:
    """Names of the links in this network namespace."""
    shown = subprocess.run(["ip", "-json", "link"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [link["ifname"] for link in json.loads(shown or "[]")]


def rules() -> list[str]:
    """nftables objects, without handles and counters."""
    shown = subprocess.run(["nft", "--json", "list", "ruleset"], stdout=subprocess.PIPE, text=True, check=True)
    found = []
    for item in json.loads(shown.stdout).get("nftables", []):
        if "metainfo" not in item:
            found += _flat(item)
    return found


def _flat(item) -> list[str]:
    """One line per object; the elements of sets and maps one by one."""
    kind, body = next(iter(item.items()))
    elements = body.pop("elem", []) if isinstance(body, dict) else []
    name = json.dumps(_plain({kind: body}), sort_keys=True)
    return [name] + [f"{body.get('table')} {body.get('name')}: {json.dumps(_plain(one))}" for one in elements]


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key not in ("handle", "packets", "bytes", "expires")}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def cgroups(parents: tuple[str, ...]) -> list[str]:
    """Control groups below the given parents, in every hierarchy."""
    found = []
    roots = [CGROUPS] if (CGROUPS / "cgroup.controllers").exists() else [
        path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()]
    for root in roots:
        for parent in parents:
            for folder, _, _ in os.walk(root / parent):
                if folder != str(root / parent):
                    found.append(folder)
    return found


def remove_cgroups(parent: str) -> None:
    """Removes the empty control groups of a parent that only a test's engine used."""
    roots = [CGROUPS, *(path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink())]
    for root in roots:
        for folder, _, _ in os.walk(root / parent, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass  # still in use: the comparison reports it


def descendants() -> list[str]:
    """Living processes that descend from this one (orphans included, see isolation.adopt_orphans)."""
    parent_of, names = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue
        name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
        if rest[0] not in "ZX":
            parent_of[int(entry.name)], names[int(entry.name)] = int(rest[1]), name
    found, me = [], os.getpid()
    for pid in parent_of:
        above = pid
        while above in parent_of and above != me:
            above = parent_of[above]
        if above == me and pid != me and names[pid] not in PERMANENT:
            found.append(f"{names[pid]} {pid}")
    return found


def processes_with(text: str) -> list[int]:
    """Processes with `text` in their command line, but for this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if text in (entry / "cmdline").read_text():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def folders(roots: tuple[Path, ...]) -> list[str]:
    """What is directly below the folders in which an engine keeps things per container, layer or volume."""
    found = []
    for root in roots:
        if root.is_dir():
            found += [str(path) for path in root.iterdir()]
    return found


@dataclass(frozen=True)
class Machine:
    """The picture. `watch` folders and cgroup `parents` are those of the engines under test."""

    mounts: frozenset[str]
    links: frozenset[str]
    rules: frozenset[str]
    cgroups: frozenset[str]
    processes: frozenset[str]
    folders: frozenset[str]

    @classmethod
    def now(cls, parents: tuple[str, ...], watch: tuple[Path, ...]) -> "Machine":
        return cls(
            frozenset(mounts()), frozenset(links()), frozenset(rules()), frozenset(cgroups(parents)),
            frozenset(descendants()), frozenset(folders(watch)))

    def changes_to(self, later: "Machine") -> list[str]:
        """Everything that was added or has gone, one line each; empty when nothing has changed."""
        lines = []
        for aspect in ("mounts", "links", "rules", "cgroups", "processes", "folders"):
            before, after = getattr(self, aspect), getattr(later, aspect)
            lines += [f"{aspect}: left behind: {one}" for one in sorted(after - before)]
            lines += [f"{aspect}: gone: {one}" for one in sorted(before - after)]
        return lines
