"""Files: cp both ways, commit, export, clone of a volume, removal of many containers, side by side."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import ENGINES, loop_file_system, row
from engines import Engine, own_namespaces

#: Largest ratio to Docker 20.10 that is promised.
PROMISE = 0.5
LARGE, SMALL, CONTAINERS = 500 << 20, 20_000, 50


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


class Lab:
    """One engine with a running container; the files that go in lie on the same file system as its store."""

    def __init__(self, engine: Engine, files: Path):
        self.engine, self.files = engine, files
        self.out = files / f"out-{engine.name}"

    def prepare(self) -> None:
        self.engine("run", "-d", "--name", "box", "busybox", "sleep", "100000")
        for name in ("large", "small"):
            self.engine("cp", str(self.files / name), f"box:/{name}")

    def timed(self, *arguments: str) -> float:
        return self.engine.seconds(*arguments) * 1000

    def clear(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()


def copy_in(name: str) -> Callable[[Lab], float]:
    def measure(lab: Lab) -> float:
        lab.engine("exec", "box", "sh", "-c", "rm -rf /in; mkdir /in")
        return lab.timed("cp", str(lab.files / name), "box:/in")
    return measure


def copy_out(name: str) -> Callable[[Lab], float]:
    def measure(lab: Lab) -> float:
        lab.clear()
        return lab.timed("cp", f"box:/{name}", str(lab.out))
    return measure


def commit(lab: Lab) -> float:
    taken = lab.timed("commit", "box", "bench/commit:1")
    lab.engine("rmi", "-f", "bench/commit:1")
    return taken


def export(lab: Lab) -> float:
    lab.clear()
    return lab.timed("export", "-o", str(lab.out / "all.tar"), "box")


def clone(lab: Lab) -> float | None:
    """Skiff's own; the others have no such command."""
    if lab.engine.name != "skiff":
        return None
    if lab.engine("volume", "inspect", "original", check=False).returncode != 0:
        lab.engine("volume", "create", "original")
        lab.engine("run", "--rm", "-v", "original:/v", "busybox", "dd", "if=/dev/zero", "of=/v/f", "bs=1M", "count=500")
    taken = lab.timed("volume", "clone", "original", "copy")
    lab.engine("volume", "rm", "copy")
    return taken


def remove(lab: Lab) -> float:
    names = [f"gone{number}" for number in range(CONTAINERS)]
    for name in names:
        lab.engine("run", "-d", "--network", "none", "--name", name, "busybox", "sleep", "100000")
    return lab.timed("rm", "-f", *names)


PARTS: dict[str, tuple[str, Callable[[Lab], float | None]]] = {
    "large-in": ("cp of 500 MB in", copy_in("large")), "large-out": ("cp of 500 MB out", copy_out("large")),
    "small-in": ("cp of 20,000 files in", copy_in("small")), "small-out": ("cp of 20,000 files out", copy_out("small")),
    "commit": ("commit of both", commit), "export": ("export of both", export),
    "clone": ("volume clone of 500 MB", clone), "remove": ("rm -f of 50 containers", remove),
}


def make_files(folder: Path) -> Path:
    folder.mkdir()
    with (folder / "large").open("wb") as file:
        for _ in range(LARGE >> 20):
            file.write(os.urandom(1 << 20))
    for number in range(SMALL):
        path = folder / "small" / f"d{number % 200}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * (number % 4096))
    return folder


def measure(labs: list[Lab], wanted: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    results: dict[str, dict[str, list[float]]] = {}
    for part in wanted.only:
        title, run = PARTS[part]
        for number in range(wanted.runs):
            for lab in labs[number % len(labs):] + labs[:number % len(labs)]:
                os.sync()
                time.sleep(0.2)
                value = run(lab)
                if value is not None:
                    results.setdefault(title, {}).setdefault(lab.engine.name, []).append(value)
            print(f"\r{part}: {number + 1}/{wanted.runs}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    return results


def show(results: dict[str, dict[str, list[float]]], names: list[str]) -> bool:
    kept = True
    print(row("milliseconds, median", [*names, "skiff/docker"]))
    for title, values in results.items():
        medians = {name: statistics.median(one) for name, one in values.items()}
        cells = [f"{medians[name]:.0f}" if name in medians else "–" for name in names]
        text = ""
        if {"skiff", "docker"} <= set(medians):
            ratio = medians["skiff"] / medians["docker"]
            kept = kept and ratio <= PROMISE
            text = f"{ratio:.3f}{'' if ratio <= PROMISE else '  MISSED'}"
        print(row(title, [*cells, text]))
    return kept


def main() -> int:
    wanted = options()
    own_namespaces()
    folder = Path(tempfile.mkdtemp(prefix="skiff-bench-"))
    labs: list[Lab] = []
    try:
        store = loop_file_system(folder, 16)
        files = make_files(store / "files")
        for name in wanted.engines:
            engine = ENGINES[name](folder, store)
            reason = engine.missing()
            if reason:
                print(f"without {name}: {reason}", file=sys.stderr)
                continue
            lab = Lab(engine, files)
            labs.append(lab)
            engine.start()
            lab.prepare()
        results = measure(labs, wanted)
    finally:
        for lab in reversed(labs):
            lab.engine.stop()
        subprocess.run(["umount", "-l", str(folder / "store")], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
    kept = show(results, [lab.engine.name for lab in labs])
    if wanted.json:
        wanted.json.write_text(json.dumps({"results": results, "cpus": os.cpu_count()}, indent=1))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
