import pytest

from harness.bundle import Bundle


@pytest.fixture
def bundle(tmp_path):
    """A bundle of busybox; afterwards nothing of its container may be left."""
    made = Bundle(tmp_path)
    yield made
    made.remove()
    assert made.left_behind() == []
