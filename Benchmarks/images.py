"""Images: load, save, pull and push of an image of 8 layers, on two kinds of store; the daemon's memory."""

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import loop_file_system, row
from engines import PATH, Docker, Engine, Podman, Skiff, archive, descendants, own_namespaces, pss

#: Largest ratio to the best peer that docs/SPECIFICATION.md promises, by store.
PROMISES = {
    "tmpfs": {"load": 0.4, "pull": 0.4, "push": 0.5, "save": 0.5},
    "ext4": {"load": 0.5, "pull": 0.5, "push": 0.5, "save": 0.5},
}
LAYERS, NAME = 8, "bench/eight:1"
REGISTRY = "127.0.0.1:5000"


class LocalSkiff(Skiff):
    def command(self):
        return [*super().command(), "--bridge", "none"]


class LocalDocker(Docker):
    """In the benchmark's own network, where the registry listens: no container runs here."""

    def command(self):
        script = 'mount --make-rshared / && exec "$@"'
        return ["unshare", "--mount", "--propagation", "slave", "bash", "-c", script, "bash",
                shutil.which("dockerd", path=PATH), "--host", f"unix://{self.socket}", "--data-root", str(self.store),
                "--exec-root", str(self.folder / "run"), "--pidfile", str(self.folder / "pid"), "--iptables=false",
                "--bridge", "none"]


class LocalPodman(Podman):
    def client(self):
        return super().client()[:1] + super().client()[2:]

    def command(self):
        return ["unshare", "--mount", "bash", "-c", super().command()[-1]]

    def start(self):
        super().start()
        (self.folder / ".config/containers/registries.conf").write_text(
            f'[[registry]]\nlocation = "{REGISTRY}"\ninsecure = true\n')


ENGINES = {"skiff": LocalSkiff, "docker": LocalDocker, "podman": LocalPodman}


def make_image(folder: Path) -> Path:
    """A `docker save` archive of 8 layers, each three eighths of Debian's files in a folder of its own: 360 MB."""
    target = folder / "eight.tar"
    with tarfile.open(archive("debian:bookworm-slim")) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))[0]
        plain = outer.extractfile(manifest["Layers"][0]).read()
    parts = [io.BytesIO() for _ in range(LAYERS)]
    writers = [tarfile.open(fileobj=part, mode="w", format=tarfile.PAX_FORMAT) for part in parts]
    with tarfile.open(fileobj=io.BytesIO(plain)) as source:
        for number, member in enumerate(source):
            data = source.extractfile(member).read() if member.isreg() else None
            name, link = member.name, member.linkname
            for index, writer in enumerate(writers):
                # Folders are everywhere, a file in three layers; a hard link stays with its file.
                anchor = link if member.islnk() else name
                spread = (hashlib.md5(anchor.encode()).digest()[0] + index) % LAYERS
                if not member.isdir() and spread >= 3:
                    continue
                member.name = f"part{index}/{name}"
                if member.islnk():
                    member.linkname = f"part{index}/{link}"
                writer.addfile(member, io.BytesIO(data) if data is not None else None)
            member.name, member.linkname = name, link
    for writer in writers:
        writer.close()
    layers = [part.getvalue() for part in parts]
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["true"]}, "created": "2024-01-01T00:00:00Z",
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(one).hexdigest() for one in layers]},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "bench"} for _ in layers]}).encode()
    image = hashlib.sha256(config).hexdigest()
    names = [f"{hashlib.sha256(one).hexdigest()}/layer.tar" for one in layers]
    text = json.dumps([{"Config": f"{image}.json", "RepoTags": [NAME], "Layers": names}]).encode()
    with tarfile.open(target, "w") as out:
        for name, data in [*zip(names, layers), (f"{image}.json", config), ("manifest.json", text)]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return target


class Registry:
    """A registry on the loopback whose content can be thrown away."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)

    def start(self) -> "Registry":
        config = {"version": 0.1, "log": {"level": "warn", "accesslog": {"disabled": True}},
                  "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}}, "http": {"addr": REGISTRY}}
        (self.folder / "config.yml").write_text(json.dumps(config))
        command = [shutil.which("docker-registry", path=PATH), "serve", str(self.folder / "config.yml")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://{REGISTRY}/v2/", timeout=5).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"docker-registry does not start:\n{(self.folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def clear(self) -> None:
        self.stop()
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self.start()


def put(path: str, data: bytes, kind: str) -> None:
    request = urllib.request.Request(f"http://{REGISTRY}{path}", data=data, method="PUT", headers={"Content-Type": kind})
    urllib.request.urlopen(request).close()


def fill(image: Path) -> str:
    """Puts the image into the registry, its layers compressed as Docker does; its name there."""
    with tarfile.open(image) as source:
        manifest = json.load(source.extractfile("manifest.json"))[0]
        config = source.extractfile(manifest["Config"]).read()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            plain = [source.extractfile(name).read() for name in manifest["Layers"]]
            layers = list(pool.map(lambda data: gzip.compress(data, 6, mtime=0), plain))
    repository, descriptors = "bench/pulled", []
    for data, kind in [(config, "application/vnd.docker.container.image.v1+json"),
                       *((one, "application/vnd.docker.image.rootfs.diff.tar.gzip") for one in layers)]:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        with urllib.request.urlopen(urllib.request.Request(
                f"http://{REGISTRY}/v2/{repository}/blobs/uploads/", data=b"", method="POST")) as answer:
            place = answer.headers["Location"].removeprefix(f"http://{REGISTRY}")
        put(f"{place}{'&' if '?' in place else '?'}digest={digest}", data, "application/octet-stream")
        descriptors.append({"mediaType": kind, "digest": digest, "size": len(data)})
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    text = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": descriptors[0], "layers": descriptors[1:]})
    put(f"/v2/{repository}/manifests/1", text.encode(), kind)
    return f"{REGISTRY}/{repository}:1"


class PeakMemory:
    """The largest PSS of processes while a command runs, in MB."""

    def __init__(self, pids: set[int]):
        self.pids, self.peak, self.ended = pids, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self) -> None:
        while not self.ended.wait(0.02):
            self.peak = max(self.peak, sum(pss(pid) for pid in self.pids))

    def __enter__(self) -> "PeakMemory":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.thread.join()


class Measurement:
    """One store's engines and what was measured on them."""

    def __init__(self, engines: list[Engine], image: Path, registry: Registry, source: Registry):
        self.engines, self.image, self.registry = engines, image, registry
        self.values: dict[str, dict[str, list[float]]] = {
            name: {engine.name: [] for engine in engines} for name in ("load", "save", "push", "pull", "memory")}

    def forget(self, engine: Engine, *names: str) -> None:
        engine("rmi", "-f", *names, check=False)
        os.sync()

    def note(self, workload: str, engine: Engine, value: float, counts: bool) -> None:
        if counts:
            self.values[workload][engine.name].append(value)

    def archives(self, engine: Engine, counts: bool) -> None:
        self.forget(engine, NAME)
        self.note("load", engine, engine.seconds("load", "-i", str(self.image)), counts)
        target = engine.store / "saved.tar"
        self.note("save", engine, engine.seconds("save", "-o", str(target), NAME), counts)
        target.unlink()

    def push(self, engine: Engine, counts: bool) -> None:
        self.registry.clear()
        there = f"{REGISTRY}/{engine.name}/pushed:1"
        engine("load", "-i", str(self.image))
        engine("tag", NAME, there)
        # Each engine compresses anew: what it knows of earlier pushes goes with the image.
        self.note("push", engine, engine.seconds("push", there), counts)
        self.forget(engine, there, NAME)

    def pull(self, engine: Engine, there: str, counts: bool) -> None:
        self.forget(engine, there, NAME)
        watched = engine.daemon_processes()
        if not watched:
            self.note("pull", engine, engine.seconds("pull", there), counts)
        else:
            with PeakMemory(watched) as memory:
                self.note("pull", engine, engine.seconds("pull", there), counts)
            self.note("memory", engine, memory.peak, counts)
        self.forget(engine, there)

    def run(self, wanted: list[str], rounds: int, warm_up: int) -> None:
        for number in range(warm_up + rounds):
            order = self.engines[number % len(self.engines):] + self.engines[:number % len(self.engines)]
            counts = number >= warm_up
            for engine in order:
                if {"load", "save"} & set(wanted):
                    self.archives(engine, counts)
                if "push" in wanted:
                    self.push(engine, counts)
            if "pull" in wanted:
                self.registry.clear()
                there = fill(self.image)
                for engine in order:
                    self.pull(engine, there, counts)
            print(f"\rround {number + 1}/{warm_up + rounds}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)


def measure(kind: str, folder: Path, image: Path, options) -> dict:
    folder = folder / kind
    folder.mkdir()
    if kind == "tmpfs":
        store = folder / "store"
        store.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8g", "tmpfs", str(store)], check=True)
    else:
        store = loop_file_system(folder, 8)
    # Always on tmpfs, so that it is the engines that are measured.
    registry = Registry(image.parent / f"registry-{kind}").start()
    started: list[Engine] = []
    try:
        for name in options.engines:
            engine = ENGINES[name](folder, store)
            if reason := engine.missing():
                print(f"without {name}: {reason}", file=sys.stderr)
                continue
            started.append(engine)
            engine.start()
        measurement = Measurement(started, image, registry, registry)
        measurement.run(options.only, options.runs, options.warm_up)
        return measurement.values
    finally:
        for engine in reversed(started):
            engine.stop()
        registry.stop()
        subprocess.run(["umount", "-l", str(store)], check=False, capture_output=True)


def show(kind: str, values: dict, names: list[str]) -> bool:
    kept = True
    print(row(f"{kind}: seconds, median [min–max]", names) + "   ratio to the best peer  promise")
    for workload, promise in PROMISES[kind].items():
        medians = {name: statistics.median(one) for name, one in values[workload].items() if one}
        if not medians:
            continue
        cells = [f"{medians[name]:.2f} [{min(values[workload][name]):.2f}–{max(values[workload][name]):.2f}]"
                 if name in medians else "–" for name in names]
        text = ""
        if "skiff" in medians and len(medians) > 1:
            ratio = medians["skiff"] / min(value for name, value in medians.items() if name != "skiff")
            kept = kept and ratio <= promise
            text = f"   {ratio:22.3f}  ≤ {promise}{'' if ratio <= promise else '  MISSED'}"
        print(row(workload, cells) + text)
    peaks = {name: max(one) for name, one in values["memory"].items() if one}
    if peaks:
        print(row("daemon's peak while pulling, MB", [f"{peaks[name]:.0f}" if name in peaks else "–" for name in names]))
        kept = kept and peaks.get("skiff", 0) <= 150
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measured rounds (default 5)")
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--stores", nargs="+", choices=PROMISES, default=list(PROMISES))
    parser.add_argument("--only", nargs="+", choices=["load", "save", "push", "pull"],
                        default=["load", "save", "push", "pull"])
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--json", type=Path, help="write everything that was measured")
    options = parser.parse_args()
    own_namespaces()
    # Whoever is told to end cleans up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="skiff-bench-"))
    fast = folder / "fast"
    fast.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6g", "tmpfs", str(fast)], check=True)
    results: dict = {}
    kept = True
    try:
        image = make_image(fast)
        print(f"an image of {image.stat().st_size / 1e6:.0f} MB in {LAYERS} layers", file=sys.stderr)
        for kind in options.stores:
            results[kind] = measure(kind, folder, image, options)
            kept = show(kind, results[kind], options.engines) and kept
            sys.stdout.flush()
    finally:
        subprocess.run(["umount", "-l", str(fast)], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    print("\n" + ("every promise measured here holds" if kept else "a promise does not hold"))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
