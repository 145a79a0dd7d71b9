"""Fixtures. `daemon` and `cli` are what most tests need:

    def test_echo(cli):
        assert cli.out("run", "--rm", "busybox", "echo", "hi") == "hi"

runs once with the real docker command and once with skiff, against a daemon that the session's tests share; after
the test its containers are removed and the machine is compared with what it was before.
"""

import os
import shutil
import signal

import pytest

from harness import isolation, settings
from harness.engine import Docker, Engine, engine_under_test
from harness.machine import Machine
from harness.waiting import wait_for


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("these tests need root: they run containers")
    isolation.enter_own_network()
    isolation.enter_own_mounts()
    isolation.adopt_orphans()
    # A job in a shell's background ignores the interrupt, and so would every program that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Where podman looks for its conmon; what the machine has itself comes first.
    os.environ["PATH"] += os.pathsep + str(settings.PEERS / "usr/bin")


def runs_docker(item) -> bool:
    """Not for the turn with skiff of a test that runs once with each client."""
    parameters = getattr(item, "callspec", None)
    return parameters is None or parameters.params.get("client") != "skiff"


def pytest_collection_modifyitems(config, items):
    for item in items:
        if "soak" in item.keywords and not settings.SOAK:
            item.add_marker(pytest.mark.skip(reason="long form; make soak runs it"))
        if "docker28" in item.keywords and runs_docker(item) and not settings.docker_client_is_current():
            item.add_marker(pytest.mark.skip(reason="the docker command is older than 28 (SKIFF_TEST_DOCKER names another)"))
        if "skiff_only" in item.keywords and settings.ENGINE != "skiff":
            item.add_marker(pytest.mark.skip(reason="about Skiff only"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """The end of the daemons' logs goes into the report of a failure. (Debian 12's pytest knows only this kind of
    wrapper, and runs the tests of Tests/VM.)"""
    report = (yield).get_result()
    if report.failed:
        for engine in Engine.running:
            report.sections.append((f"log of {engine.name} {engine.number}", engine.log_text()[-3000:]))


def pytest_generate_tests(metafunc):
    if "cli" in metafunc.fixturenames:
        metafunc.parametrize("client", settings.CLIENTS)


@pytest.fixture
def client(request) -> str:
    """Name of the command line client; parametrised for tests that use `cli`."""
    return getattr(request, "param", "docker")


class Watch:
    """Compares the machine before and after; waits for what an engine may finish in the background."""

    def __init__(self, *engines: Engine):
        self.engines = list(engines)
        self.before = self.now()

    def now(self) -> Machine:
        return Machine.now(
            tuple(engine.cgroup_parent for engine in self.engines),
            tuple(folder for engine in self.engines for folder in engine.watched_folders()))

    def changes(self) -> list[str]:
        layers = {layer for engine in self.engines for layer in engine.layers}
        return [line for line in self.before.changes_to(self.now()) if line.rsplit(": ", 1)[1] not in layers]

    def assert_unchanged(self, seconds: float = 10) -> None:
        last: list[str] = []

        def same() -> bool:
            last[:] = self.changes()
            return not last

        try:
            wait_for(same, seconds)
        except AssertionError:
            raise AssertionError("the machine is not as it was before:\n" + "\n".join(last)) from None


class Shared:
    """The daemon that tests share, started when one asks for it and replaced after it failed a test."""

    def __init__(self):
        self._engine: Engine | None = None

    def get(self) -> Engine:
        if self._engine is None:
            self._engine = engine_under_test()
            self._engine.start()
            self._engine.have("busybox")
        return self._engine

    def close(self) -> None:
        engine, self._engine = self._engine, None
        if engine:
            engine.close()


@pytest.fixture(scope="session")
def _shared():
    shared = Shared()
    yield shared
    shared.close()


@pytest.fixture
def shared_engine(_shared) -> Engine:
    """One daemon for all tests that do not stop, kill or configure it; has busybox."""
    return _shared.get()


@pytest.fixture
def daemon(_shared, shared_engine):
    """The session's daemon. Containers and networks that the test leaves are removed; nothing else may be left."""
    watch = Watch(shared_engine)
    yield shared_engine
    try:
        status = shared_engine.process.poll()
        assert status is None, f"the daemon ended with {status} during the test"
        shared_engine.remove_containers()
        shared_engine.remove_networks()
        if settings.ENGINE == "skiff":
            watch.assert_unchanged()
    except (AssertionError, OSError) as error:
        _shared.close()
        raise AssertionError(str(error)) from None


@pytest.fixture
def cli(daemon, client):
    """A command line client of `daemon`: the test runs with the real docker and with skiff."""
    return daemon.cli(client)


@pytest.fixture
def machine(daemon):
    """The machine as it is now; `machine.assert_unchanged()` compares."""
    return Watch(daemon)


@pytest.fixture
def new_daemon():
    """Starts daemons of the test's own: `new_daemon("--flag", config={…}, images=("busybox",))`.

    They end, last first, with the test, and the machine has to be as it was before the first."""
    before, engines = Watch(), []

    def start(*arguments: str, images: tuple[str, ...] = ("busybox",), **options) -> Engine:
        engine = engine_under_test(*arguments, **options)
        engines.append(engine)
        engine.start()
        engine.have(*images)
        return engine

    yield start
    for engine in reversed(engines):
        engine.close()
    if settings.ENGINE == "skiff":
        before.assert_unchanged()


@pytest.fixture(scope="session")
def reference():
    """Debian's dockerd, to compare with."""
    engine = Docker().start()
    engine.have("busybox")
    yield engine
    engine.close()


@pytest.fixture
def nginx_image(shared_engine):
    shared_engine.have("nginx")
    return "nginx"


@pytest.fixture
def debian_image(shared_engine):
    shared_engine.have("debian:bookworm-slim")
    return "debian:bookworm-slim"


@pytest.fixture
def name(request) -> str:
    """A container name that no other test uses."""
    return "".join(c if c.isalnum() else "-" for c in request.node.name).strip("-")[:50].lower()


@pytest.fixture
def scratch(tmp_path):
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)
