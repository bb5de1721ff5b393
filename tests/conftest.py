"""Fixtures for all tests; the real parts they start live in tests/support."""

from importlib.util import find_spec

pytest_plugins = [
    "tests.support.servers", "tests.support.databases", "tests.support.names", "tests.support.imap", "tests.support.scripted_sink", "tests.support.worker_process",
]  # fmt: skip
if find_spec("tests.support.smtp"):
    pytest_plugins.append("tests.support.smtp")
