"""Fixtures. `daemon` and `cli` are what most tests need:

    def test_echo(cli):
        assert cli.out("run", "--rm", "busybox", "echo", "hi") == "hi"

runs once with the real docker command and once with skiff, against a daemon that the session's tests share; after
the test its containers are removed and the machine is compared with what it was before.
"""

import os
import shutil

import pytest

from harness import isolation, settings
from harness.engine import Docker, Engine, engine_under_test
from harness.machine import Machine
from harness.waiting import wait_for


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("these tests need root: they run containers")
    isolation.enter_own_network()
    isolation.adopt_orphans()


def pytest_collection_modifyitems(config, items):
    for item in items:
        if "soak" in item.keywords and not settings.SOAK:
            item.add_marker(pytest.mark.skip(reason="long form; make soak runs it"))
        if "skiff_only" in item.keywords and settings.ENGINE != "skiff":
            item.add_marker(pytest.mark.skip(reason="about Skiff only"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """The end of the daemons' logs goes into the report of a failure."""
    report = yield
    if report.failed:
        for engine in Engine.running:
            report.sections.append((f"log of {engine.name} {engine.number}", engine.log_text()[-3000:]))
    return report


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
        return self.before.changes_to(self.now())

    def assert_unchanged(self, seconds: float = 10) -> None:
        last: list[str] = []

        def same() -> bool:
            last[:] = self.changes()
            return not last

        try:
            wait_for(same, seconds)
        except AssertionError:
            raise AssertionError("the machine is not as it was before:\n" + "\n".join(last)) from None


@pytest.fixture(scope="session")
def shared_engine():
    """One daemon for all tests that do not stop, kill or configure it; has busybox."""
    engine = engine_under_test().start()
    engine.load("busybox")
    yield engine
    engine.close()


@pytest.fixture
def daemon(shared_engine, request):
    """The session's daemon. Containers that the test leaves are removed, and nothing else may be left."""
    yield from _watched(shared_engine)


def _watched(engine: Engine):
    watch = Watch(engine)
    yield engine
    assert engine.process.poll() is None, f"the daemon died during the test:\n{engine.log_text()}"
    engine.remove_containers()
    if settings.ENGINE == "skiff":
        watch.assert_unchanged()


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
        engine.load(*images)
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
    engine.load("busybox")
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def nginx_image(shared_engine):
    shared_engine.load("nginx")
    return "nginx"


@pytest.fixture(scope="session")
def debian_image(shared_engine):
    shared_engine.load("debian:bookworm-slim")
    return "debian:bookworm-slim"


@pytest.fixture
def name(request) -> str:
    """A container name that no other test uses."""
    return "".join(c if c.isalnum() else "-" for c in request.node.name).strip("-")[:50].lower()


@pytest.fixture
def scratch(tmp_path):
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)
