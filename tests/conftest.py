"""Fixtures for all tests; the real parts they start live in tests/support."""

from importlib.util import find_spec

import pytest

pytest_plugins = [
    "tests.support.servers", "tests.support.databases", "tests.support.names", "tests.support.imap", "tests.support.scripted_sink", "tests.support.worker_process",
]  # fmt: skip
if find_spec("tests.support.smtp"):
    pytest_plugins.append("tests.support.smtp")

LONG = ("tests/journeys", "tests/faults", "tests/simulation")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders of long tests come first, so that two workers end together and neither waits for the last long file of the other."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
