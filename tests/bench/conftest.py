"""Figures of one run: ratios against something plain measured beside it, so that they mean the same on every machine."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

RESULT = Path(__file__).parents[2] / "bench.json"


class Figures:
    """A flat object of names and numbers. Names say what they are: `..._ratio` (ours : plain), `..._us` (microseconds each)."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def note(self, name: str, value: float) -> float:
        self.values[name] = round(value, 3)
        print(f"  {name:<40} {value:>12,.3f}")
        return value


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    found = Figures()
    print()
    yield found
    RESULT.write_text(json.dumps(found.values, indent=2, sort_keys=True) + "\n")


def seconds(work: Callable[[], object], times: int = 5) -> float:
    """The best of several runs: the one least disturbed by others."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best
