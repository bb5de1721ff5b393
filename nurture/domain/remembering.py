"""Remembering what a pure rule said of the same documents.

Documents are frozen, but hashing one reads every text in it, which costs more than most rules. So they are told apart by identity.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def by_identity(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the answers of a pure function of frozen arguments, `most` at a time. The same objects get the same answer object."""

    def remembering(rule: Callable[P, R]) -> Callable[P, R]:
        known: dict[tuple[int, ...], tuple[Any, R]] = {}

        @functools.wraps(rule)
        def remembered(*args: P.args, **kwargs: P.kwargs) -> R:
            key = tuple(map(id, args))
            found = known.get(key)
            if found is None or kwargs:
                answer = rule(*args, **kwargs)
                if kwargs:
                    return answer
                if len(known) >= most:
                    known.clear()
                found = known[key] = (args, answer)  # what is kept keeps its identity
            return found[1]

        return remembered

    return remembering
