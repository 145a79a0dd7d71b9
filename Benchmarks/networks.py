"""Networks: throughput, connections, names, and what starting and connecting containers costs, side by side."""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import ENGINES, loop_file_system, row
from engines import Engine, archive, own_namespaces

NETWORK, PORT = "bench", 18080


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--only", nargs="+", choices=["throughput", *PARTS], default=["throughput", *PARTS])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--flows", type=int, default=15, help="of each kind, for the throughput")
    parser.add_argument("--seconds", type=int, default=1, help="of each flow")
    parser.add_argument("--containers", type=int, default=200, help="on one bridge")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


class Lab:
    """One engine, its host's namespace and its containers' namespaces."""

    def __init__(self, engine: Engine, wanted: argparse.Namespace):
        self.engine, self.wanted = engine, wanted

    @property
    def host(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.engine.process.pid}/ns/net"]

    def pid(self, container: str) -> str:
        return self.engine("inspect", "-f", "{{.State.Pid}}", container).stdout.strip()

    def inside(self, container: str) -> list[str]:
        return ["nsenter", "--net", "--target", self.pid(container)]

    def address(self, container: str) -> str:
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return self.engine("inspect", "-f", form, container).stdout.strip()

    def run(self, name: str, *arguments: str) -> None:
        self.engine("run", "-d", "--name", name, *arguments, "busybox", "sleep", "100000")

    def remove(self, *names: str) -> None:
        self.engine("rm", "-f", *names, check=False)


def flow(server: list[str], client: list[str], address: str, port: int, seconds: int) -> float:
    """Gbit/s of one TCP flow from client to server, each with a processor of its own: where the scheduler happens to put
    them moves the figure by a fifth, and so does a congestion control that paces."""
    first, last = ("0", str(os.cpu_count() - 1))
    listening = subprocess.Popen([*server, "iperf3", "-s", "-1", "-p", "5201", "-A", first], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            done = subprocess.run([*client, "iperf3", "-c", address, "-p", str(port), "-t", str(seconds),
                                   "-A", last, "-C", "cubic", "-J"],
                                  capture_output=True, text=True)
            # A proxy accepts before there is a server, and iperf3 calls that a success.
            received = json.loads(done.stdout or "{}").get("end", {}).get("sum_received")
            if done.returncode == 0 and received:
                return received["bits_per_second"] / 1e9
            time.sleep(0.1)
        raise SystemExit(f"iperf3: {done.stdout[-500:]}")
    finally:
        listening.terminate()
        listening.wait()


def throughput(labs: list[Lab], wanted: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """Short flows, the engines in turn: what the machine does meanwhile moves a flow by a third."""
    results: dict[str, dict[str, list[float]]] = {}
    try:
        for lab in labs:
            lab.run("one", "--network", NETWORK, "-p", f"{PORT}:5201")
            lab.run("two", "--network", NETWORK)
        ways = {lab.engine.name: flows(lab) for lab in labs}
        for number in range(wanted.flows):
            for title in ways[labs[0].engine.name]:
                for lab in labs[number % len(labs):] + labs[:number % len(labs)]:
                    value = flow(lab.inside("one"), *ways[lab.engine.name][title], wanted.seconds)
                    results.setdefault(title, {}).setdefault(lab.engine.name, []).append(value)
            print(f"\rthroughput: {number + 1} of {wanted.flows}   ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    finally:
        for lab in labs:
            lab.remove("one", "two")
    return results


def flows(lab: Lab) -> dict[str, tuple[list[str], str, int]]:
    """Who connects to which address and port, by title."""
    return {"container to container, Gbit/s": (lab.inside("two"), lab.address("one"), 5201),
            "host to published port, Gbit/s": (lab.host, gateway(lab), PORT),
            "localhost to published port, Gbit/s": (lab.host, "127.0.0.1", PORT)}


def gateway(lab: Lab) -> str:
    """An address of the engine's host that is not the loopback's."""
    done = subprocess.run([*lab.host, "ip", "-4", "-o", "address"], capture_output=True, text=True, check=True)
    return [found for found in re.findall(r"inet ([0-9.]+)/", done.stdout) if not found.startswith("127.")][0]


def connections(lab: Lab) -> dict[str, float]:
    """HTTP requests, each on a connection of its own, from localhost to nginx behind a published port."""
    lab.engine("load", "-i", str(archive("nginx")))
    lab.engine("run", "-d", "--name", "web", "--network", NETWORK, "-p", f"{PORT}:80", "nginx")
    try:
        for _ in range(100):
            done = subprocess.run([*lab.host, "ab", "-q", "-n", "4000", "-c", "8", f"http://127.0.0.1:{PORT}/"],
                                  capture_output=True, text=True)
            if done.returncode == 0:
                return {"localhost to published port, connections/s":
                        float(re.search(r"Requests per second:\s+([0-9.]+)", done.stdout)[1])}
            time.sleep(0.1)
        raise SystemExit(f"ab: {done.stderr[-500:]}")
    finally:
        lab.remove("web")


def commands(lab: Lab) -> dict[str, float]:
    """Milliseconds of single commands."""
    lab.run("plain")
    try:
        values = {"network create, ms": lab.engine.seconds("network", "create", "other"),
                  "network connect, ms": lab.engine.seconds("network", "connect", "other", "plain"),
                  "network disconnect, ms": lab.engine.seconds("network", "disconnect", "other", "plain"),
                  "network rm, ms": lab.engine.seconds("network", "rm", "other")}
        if lab.engine.name == "skiff":
            values["port add to a running container, ms"] = lab.engine.seconds("port", "add", "plain", f"{PORT}:80")
            values["port rm, ms"] = lab.engine.seconds("port", "rm", "plain", f"{PORT}:80")
        return {name: value * 1000 for name, value in values.items()}
    finally:
        lab.remove("plain")
        lab.engine("network", "rm", "other", check=False)


def many(lab: Lab) -> dict[str, float]:
    """Seconds until that many containers run on one bridge, eight started at a time."""
    names = [f"many{number}" for number in range(lab.wanted.containers)]
    started = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: lab.run(name, "--network", NETWORK), names))
    taken = time.perf_counter() - started
    for start in range(0, len(names), 20):
        lab.remove(*names[start:start + 20])
    return {f"{len(names)} containers, eight at a time, s": taken}


def thousandth(lab: Lab) -> dict[str, float]:
    """Milliseconds to start a container with one published port, beside none and beside a thousand others."""
    if lab.engine.name != "skiff":
        return {}

    def start(port: int) -> float:
        lab.remove("port")
        return lab.engine.seconds("run", "-d", "--name", "port", "--network", NETWORK, "-p", f"{port}:80", "busybox",
                                  "sleep", "1000") * 1000

    first = statistics.median(start(30000) for _ in range(9))
    lab.run("thousand", "--network", NETWORK, "-p", "20000-20998:20000-20998")
    last = statistics.median(start(30000) for _ in range(9))
    lab.remove("port", "thousand")
    return {"start, first published port, ms": first, "start, 1,000th published port, ms": last,
            "their ratio": last / first}


def names(lab: Lab, askers: int = 20) -> dict[str, float]:
    """20 containers that ask for each other's names at once."""
    if lab.engine.name == "podman":
        return {}
    containers = [f"asker{number}" for number in range(askers)]
    for name in containers:
        lab.run(name, "--network", NETWORK)
    queries = lab.engine.folder / "queries"
    queries.write_text("".join(f"{name} A\n" for name in containers))
    try:
        running = [
            subprocess.Popen(
                [*lab.inside(name), "dnsperf", "-s", "127.0.0.11", "-p", "53", "-d", str(queries), "-l",
                 str(3 * lab.wanted.seconds), "-q", "4", "-v", "-T", "1", "-c", "1"], stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True) for name in containers]
        rate, latencies, lost = 0.0, [], 0
        for one in running:
            output = one.communicate()[0]
            rate += float(re.search(r"Queries per second:\s+([0-9.]+)", output)[1])
            lost += int(re.search(r"Queries lost:\s+([0-9]+)", output)[1])
            latencies += [float(found) for found in re.findall(r"^> \S+ \S+ \S+ ([0-9.]+)$", output, re.M)]
        latencies.sort()
        values = {"names: answers/s, 20 askers": rate, "names: lost": lost}
        if latencies:
            values["names: 99th percentile, ms"] = latencies[len(latencies) * 99 // 100] * 1000
        return values
    finally:
        lab.remove(*containers)


PARTS = {"connections": connections, "commands": commands, "names": names,
         "thousandth": thousandth, "many": many}


def measure(labs: list[Lab], wanted: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    results: dict[str, dict[str, list[float]]] = {}
    for part in wanted.only:
        if part == "throughput":
            results |= throughput(labs, wanted)
            continue
        for number in range(1 if part in ("many", "thousandth") else wanted.runs):
            for lab in labs[number % len(labs):] + labs[:number % len(labs)]:
                for title, value in PARTS[part](lab).items():
                    results.setdefault(title, {}).setdefault(lab.engine.name, []).append(value)
                print(f"\r{part}: {number + 1}, {lab.engine.name}   ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    return results


def main() -> int:
    wanted = options()
    own_namespaces()
    folder = Path(tempfile.mkdtemp(prefix="skiff-bench-"))
    labs: list[Lab] = []
    try:
        store = loop_file_system(folder, 12)
        for name in wanted.engines:
            engine = ENGINES[name](folder, store)
            reason = engine.missing()
            if reason:
                print(f"without {name}: {reason}", file=sys.stderr)
                continue
            labs.append(Lab(engine, wanted))
            engine.start()
            engine("network", "create", NETWORK)
        results = measure(labs, wanted)
    finally:
        for lab in reversed(labs):
            lab.engine.stop()
        subprocess.run(["umount", "-l", str(folder / "store")], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
    names_ = [lab.engine.name for lab in labs]
    print(row("median", [*names_, "skiff/docker"]))
    for title, values in results.items():
        medians = {name: statistics.median(one) for name, one in values.items()}
        ratio = medians["skiff"] / medians["docker"] if {"skiff", "docker"} <= set(medians) and medians["docker"] else None
        cells = [f"{medians[name]:.2f}" if name in medians else "–" for name in names_]
        print(row(title, [*cells, "" if ratio is None else f"{ratio:.3f}"]))
    if wanted.json:
        wanted.json.write_text(json.dumps({"results": results, "cpus": os.cpu_count()}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
