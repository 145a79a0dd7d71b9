"""What is measured."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from engines import Engine, archive, processes, pss


@dataclass(frozen=True)
class Workload:
    """`measure` gives seconds for one engine; it prepares what it needs outside the measured time."""

    title: str
    measure: Callable[[Engine], float]
    #: Rounds, where fewer than the default serve.
    runs: int | None = None
    suits: Callable[[Engine], bool] = lambda engine: True
    clean: Callable[[Engine], None] = lambda engine: None


def run_with(*options: str) -> Callable[[Engine], float]:
    return lambda engine: engine.seconds("run", "--rm", *options, "busybox", "true")


def running(engine: Engine, name: str, *command: str) -> None:
    """A container that stays over the rounds."""
    if engine("inspect", name, check=False).returncode != 0:
        engine("run", "-d", "--name", name, "--network", "none", "busybox", *command)


def run_exec(engine: Engine) -> float:
    running(engine, "exec", "sleep", "100000")
    return engine.seconds("exec", "exec", "true")


def stop(engine: Engine) -> float:
    engine("rm", "-f", "stop", check=False)
    engine("run", "-d", "--name", "stop", "busybox", "sh", "-c",
           "trap 'exit 0' TERM; echo ready; while :; do sleep 1000 & wait; done")
    deadline = time.monotonic() + 20
    while "ready" not in engine("logs", "stop").stdout and time.monotonic() < deadline:
        time.sleep(0.01)
    return engine.seconds("stop", "stop")


def load(engine: Engine) -> float:
    engine("rmi", "-f", "debian:bookworm-slim", check=False)
    os.sync()
    return engine.seconds("load", "-i", str(archive("debian:bookworm-slim")))


def remove(*names: str) -> Callable[[Engine], None]:
    def clean(engine: Engine) -> None:
        engine("rm", "-f", *names, check=False)

    return clean


TIMED = {
    "version": Workload("version (the client)", lambda engine: engine.seconds("version")),
    "run-bridge": Workload("run --rm busybox true", run_with()),
    "run-none": Workload("… --network none", run_with("--network", "none")),
    "run-host": Workload("… --network host", run_with("--network", "host")),
    "run-port": Workload("… -p 8080:80", run_with("-p", "8080:80")),
    "exec": Workload("exec C true", run_exec, clean=remove("exec")),
    "stop": Workload("stop (obeys SIGTERM)", stop, clean=remove("stop")),
    "load": Workload("load, Debian image", load, runs=8),
}


def memory(engine: Engine, count: int = 20) -> dict[str, float | None]:
    """PSS in MB: the daemon, idle after its start, and what each of `count` containers adds."""
    daemon = sum(pss(pid) for pid in engine.daemon_processes()) or None
    before = processes(engine.monitor)
    names = [f"memory{number}" for number in range(count)]
    for name in names:
        engine("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "100000")
    time.sleep(2)
    mine = processes(engine.monitor) - before
    each = sum(pss(pid) for pid in mine) / count
    used = sum(pss(pid) for pid in engine.daemon_processes()) or None
    engine("rm", "-f", *names)
    return {"daemon": daemon, "container": each, "daemon_with_containers": used}
