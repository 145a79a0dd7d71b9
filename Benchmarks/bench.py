"""The benchmark's command line: starts the engines, alternates between them, prints and stores the result."""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engines import Docker, Podman, Skiff, own_namespaces
from workloads import TIMED, memory

#: Peers' names in the order of the table.
ENGINES = {"skiff": Skiff, "docker": Docker, "podman": Podman}

#: Largest ratio to Docker 20.10 that docs/SPECIFICATION.md promises.
PROMISES = {"run-bridge": 0.12, "run-none": 0.12, "exec": 0.15, "stop": 0.10, "load": 0.6}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="measured rounds (default 20)")
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[*TIMED, "memory"], help="some of the workloads")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--json", type=Path, help="write everything that was measured")
    return parser.parse_args()


def loop_file_system(folder: Path, gigabytes: int = 6) -> Path:
    """A journaled ext4 in a file: the machine's own file system may have no journal or be slow after deletions."""
    image, mount = folder / "ext4", folder / "store"
    with image.open("wb") as file:
        file.truncate(gigabytes << 30)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    mount.mkdir()
    subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
    return mount


def measure_times(engines, names, runs: int, warm_up: int) -> dict:
    results = {}
    for name in names:
        workload = TIMED[name]
        count = min(runs, workload.runs or runs)
        values = {engine.name: [] for engine in engines if workload.suits(engine)}
        for round_number in range(warm_up + count):
            order = [engine for engine in engines if engine.name in values]
            order = order[round_number % len(order):] + order[:round_number % len(order)]
            for engine in order:
                seconds = workload.measure(engine)
                if round_number >= warm_up:
                    values[engine.name].append(seconds * 1000)
            print(f"\r{name}: {round_number + 1}/{warm_up + count}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        for engine in engines:
            workload.clean(engine)
        results[name] = values
    return results


def row(title: str, cells: list[str]) -> str:
    return f"{title:34}" + "".join(f"{cell:>22}" for cell in cells)


def show_times(results: dict, names: list[str]) -> bool:
    """Prints the table; false when a promise does not hold."""
    kept = True
    print(row("milliseconds, median [min–max]", names) + "   ratio to docker  promise")
    for workload, values in results.items():
        medians = {name: statistics.median(one) for name, one in values.items() if one}
        cells = [
            f"{medians[name]:.1f} [{min(values[name]):.0f}–{max(values[name]):.0f}]" if name in medians else "–"
            for name in names]
        ratio = medians["skiff"] / medians["docker"] if {"skiff", "docker"} <= set(medians) else None
        promise = PROMISES.get(workload)
        if workload == "load" and "skiff" in medians and len(medians) > 1:
            ratio = medians["skiff"] / min(value for name, value in medians.items() if name != "skiff")
        text = "" if ratio is None else f"   {ratio:15.3f}"
        if promise is not None and ratio is not None:
            kept = kept and ratio <= promise
            text += f"  ≤ {promise}{'' if ratio <= promise else '  MISSED'}"
        print(row(TIMED[workload].title, cells) + text)
    return kept


def main() -> int:
    wanted = options()
    own_namespaces()
    folder = Path(tempfile.mkdtemp(prefix="skiff-bench-"))
    engines, started = [], []
    results: dict = {}
    try:
        store = loop_file_system(folder)
        for name in wanted.engines:
            engine = ENGINES[name](folder, store)
            reason = engine.missing()
            if reason:
                print(f"without {name}: {reason}", file=sys.stderr)
                continue
            started.append(engine)
            engine.start()
            engines.append(engine)
        names = [name for name in TIMED if not wanted.only or name in wanted.only]
        if not wanted.only or "memory" in wanted.only:
            results["memory"] = {engine.name: memory(engine) for engine in engines}
        results["times"] = measure_times(engines, names, wanted.runs, wanted.warm_up)
    finally:
        for engine in reversed(started):
            engine.stop()
        subprocess.run(["umount", "-l", str(folder / "store")], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)

    results["machine"] = {
        "kernel": platform.release(), "cpus": os.cpu_count(), "load": os.getloadavg(),
        "versions": {engine.name: engine.version for engine in engines}}
    print()
    kept = show_times(results["times"], [engine.name for engine in engines])
    for key, title in (("daemon", "daemon idle, PSS, MB"), ("container", "each of 20 containers, PSS, MB")):
        if "memory" in results:
            values = results["memory"]
            print(row(title, [f"{values[engine.name][key]:.2f}" if values[engine.name][key] is not None else "–"
                              for engine in engines]))
    if wanted.json:
        wanted.json.write_text(json.dumps(results, indent=1))
    if {"skiff", "docker"} <= {engine.name for engine in engines}:
        print("\n" + ("every promise measured here holds" if kept else "a promise does not hold"))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
