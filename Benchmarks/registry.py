"""The registry: blobs of four sizes that skiff-registry and docker-registry serve to keep-alive clients, over TLS and
without. One client for both (`blobload.c`); the registries take turns; processor time of the server is measured too,
because client and server share this machine. Without TLS a second kind of client leaves bodies to the kernel, which
throws them away: what a server gives where the receiver's processor is not its own."""

import argparse
import hashlib
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engines import PATH, Skiff, own_namespaces

#: How blobs are received, and the smallest ratio of blobs a second that docs/SPECIFICATION.md promises, by size.
PROMISES = {
    "TLS": {"4K": 1.5, "1M": 1.5},
    "plain": {"4K": 1.5, "1M": 1.5},
    "elsewhere": {"4K": 1.5, "1M": 1.5, "16M": 1.5, "256M": 1.5},
}
SIZES = {"4K": (4 << 10, 200), "1M": (1 << 20, 16), "16M": (16 << 20, 8), "256M": (256 << 20, 1)}
KINDS = ("skiff-registry", "docker-registry")


class Served:
    """A registry with its own blobs, listening on a port of its own."""

    def __init__(self, folder: Path, kind: str, port: int, certificate: tuple[Path, Path] | None):
        self.folder, self.kind, self.port, self.certificate = folder, kind, port, certificate
        self.context = ssl.create_default_context(cafile=str(certificate[0])) if certificate else None
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        folder.mkdir(parents=True)
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not self.answers():
            if time.monotonic() > deadline:
                raise SystemExit(f"{kind} does not start:\n{(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def command(self) -> list[str]:
        if self.kind == "skiff-registry":
            tls = ["--tls-cert", str(self.certificate[0]), "--tls-key", str(self.certificate[1])] if self.certificate else []
            return [str(Skiff.build / self.kind), "serve", "--root", str(self.folder / "data"), "--listen",
                    f"tcp://127.0.0.1:{self.port}", *tls]
        config = {"version": 0.1, "log": {"level": "warn", "accesslog": {"disabled": True}},
                  "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}},
                  "http": {"addr": f"127.0.0.1:{self.port}"}}
        if self.certificate:
            config["http"]["tls"] = {"certificate": str(self.certificate[0]), "key": str(self.certificate[1])}
        (self.folder / "config.yml").write_text(json.dumps(config))
        return [shutil.which("docker-registry", path=PATH), "serve", str(self.folder / "config.yml")]

    def ask(self, method: str, path: str, data: bytes | None = None):
        url = path if "://" in path else self.url + path
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/octet-stream"})
        return urllib.request.urlopen(request, context=self.context)

    def answers(self) -> bool:
        try:
            self.ask("GET", "/v2/").close()
            return True
        except (urllib.error.URLError, OSError):
            return False

    def push(self, data: bytes) -> str:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        place = self.ask("POST", "/v2/bench/blobs/uploads/", b"").headers["Location"]
        self.ask("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", data).close()
        return f"/v2/bench/blobs/{digest}"

    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self, program: Path, paths: list[str], seconds: float, connections: int, receiver: str) -> dict:
        before = self.processor_seconds()
        authority = str(self.certificate[0]) if self.certificate else "-"
        done = subprocess.run([program, "127.0.0.1", str(self.port), authority, str(seconds), str(connections), receiver,
                               *paths], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{self.kind}: {done.stderr}")
        answers, size, took = done.stdout.split()
        used = self.processor_seconds() - before
        return {"blobs": int(answers) / float(took), "megabytes": int(size) / float(took) / 1e6,
                "seconds_per_gigabyte": used / int(size) * 1e9, "milliseconds_per_blob": used / int(answers) * 1e3}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder)


def prepare(folder: Path) -> tuple[Path, tuple[Path, Path]]:
    program, certificate = folder / "blobload", (folder / "cert.pem", folder / "key.pem")
    subprocess.run(["cc", "-O2", "-o", program, Path(__file__).with_name("blobload.c"), "-lssl", "-lcrypto", "-lpthread"],
                   check=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", certificate[1], "-out", certificate[0]],
                   check=True, capture_output=True)
    return program, certificate


def measure(folder: Path, way: str, options) -> list[dict]:
    folder = folder / way
    folder.mkdir()
    program, certificate = prepare(folder)
    receiver = "elsewhere" if way == "elsewhere" else "here"
    served = {kind: Served(folder / kind, kind, 5000 + number, certificate if way == "TLS" else None)
              for number, kind in enumerate(KINDS)}
    results = []
    try:
        for size in options.sizes:
            length, count = SIZES[size]
            blobs = [os.urandom(length) for _ in range(count)]
            paths = {kind: [one.push(blob) for blob in blobs] for kind, one in served.items()}
            for connections in options.connections:
                rounds = {kind: [] for kind in KINDS}
                for number in range(options.runs + 1):
                    for kind in KINDS if number % 2 else reversed(KINDS):
                        found = served[kind].measure(program, paths[kind], options.seconds, connections, receiver)
                        if number:
                            rounds[kind].append(found)
                results.append({"way": way, "size": size, "connections": connections, "rounds": rounds})
                show(results[-1])
    finally:
        for one in served.values():
            one.stop()
    return results


def median(result: dict, kind: str, key: str) -> float:
    return statistics.median(one[key] for one in result["rounds"][kind])


def ratio(result: dict) -> float:
    ours, theirs = (median(result, kind, "blobs") for kind in KINDS)
    return ours / theirs


def show(result: dict) -> None:
    cells = [f"{median(result, kind, 'blobs'):.1f}/s {median(result, kind, 'megabytes'):.0f} MB/s "
             f"{median(result, kind, 'milliseconds_per_blob'):.2f} ms" for kind in KINDS]
    promise = PROMISES[result["way"]].get(result["size"])
    name = f"{result['size']}, {result['way']}, {result['connections']} connections"
    print(f"{name:26}" + "".join(f"{cell:>34}" for cell in cells) + f"   {ratio(result):.2f}" + (f" ≥ {promise}" if promise else ""), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="measured rounds (default 3), after one that is thrown away")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--ways", nargs="+", choices=PROMISES, default=list(PROMISES))
    parser.add_argument("--connections", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--json", type=Path, help="write everything that was measured")
    options = parser.parse_args()
    own_namespaces()
    folder = Path(tempfile.mkdtemp(prefix="skiff-bench-", dir="/dev/shm"))
    results = []
    print("blobs and MB a second, the server's time of a processor for each blob\n" + " " * 26
          + "".join(f"{kind:>34}" for kind in KINDS) + "   ratio")
    try:
        for way in options.ways:
            results += measure(folder, way, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    kept = all(ratio(one) >= PROMISES[one["way"]].get(one["size"], 0) for one in results)
    print("\n" + ("every promise measured here holds" if kept else "a promise does not hold"))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
