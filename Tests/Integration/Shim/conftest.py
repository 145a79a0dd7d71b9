import pytest

from harness.shim import Shim, make_root


@pytest.fixture(scope="session")
def busybox_root(tmp_path_factory):
    return make_root(tmp_path_factory.mktemp("root") / "busybox")


@pytest.fixture
def new_shim(busybox_root):
    made = []

    def start() -> Shim:
        made.append(Shim(busybox_root))
        return made[-1]

    yield start
    for shim in made:
        shim.close()


@pytest.fixture
def shim(new_shim):
    return new_shim()
