"""What the integration, conformance and fault tests share. Tests use it through the fixtures in conftest.py."""
