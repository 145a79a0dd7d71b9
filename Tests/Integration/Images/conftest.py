import subprocess

import pytest
from harness.registries import Blobs, DebianRegistry, put_image

#: Addresses that are not the loopback's, so that nothing about them is taken for granted.
ADDRESSES = ("10.199.0.1", "10.199.0.2", "10.200.0.1")


@pytest.fixture(scope="session")
def addresses() -> tuple[str, ...]:
    for address in ADDRESSES:
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
    return ADDRESSES


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Plain HTTP on the loopback, which clients take without being told to."""
    with DebianRegistry(tmp_path_factory.mktemp("registry"), 5901) as one:
        yield one


@pytest.fixture(scope="module")
def stocked(registry):
    """The registry with an image `box:1`."""
    blobs = Blobs()
    put_image(f"http://{registry.host}", "box", "1", blobs, blobs.simple("1", "boxed"))
    return registry


@pytest.fixture
def etc(tmp_path):
    """/etc of this test process and its children may be changed: the changes go with the test."""
    for name in ("upper", "work"):
        (tmp_path / name).mkdir()
    subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/etc,upperdir={tmp_path}/upper,workdir={tmp_path}/work",
         "/etc"], check=True)
    yield
    subprocess.run(["umount", "-l", "/etc"], check=True)
