import subprocess

import pytest
from harness.registry import HTPASSWD, Registry


@pytest.fixture
def registries(tmp_path):
    """Starts registries that end with the test."""
    started: list[Registry] = []

    def start(*flags: str, name: str = "registry", **options) -> Registry:
        registry = Registry(tmp_path / name, *flags, **options)
        started.append(registry)
        return registry

    yield start
    for registry in started:
        registry.kill()


@pytest.fixture
def registry(registries) -> Registry:
    return registries()


@pytest.fixture
def passwords(tmp_path):
    path = tmp_path / "htpasswd"
    path.write_text(HTPASSWD)
    return path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 and its key, as paths."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out",
         folder / "cert.pem"], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"
