"""Remembering what a pure rule said of the same documents.

Documents are frozen, but hashing one reads every text in it, which costs more than most rules. So they are told apart by identity.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def by_identity(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the answers of a pure function of frozen arguments, given by their places, `most` at a time. The same objects get the same
    answer object.
    """

    def remembering(rule: Callable[P, R]) -> Callable[P, R]:
        known: dict[int | tuple[int, ...], tuple[Any, R]] = {}

        @functools.wraps(rule)
        def remembered(*args: P.args, **kwargs: P.kwargs) -> R:
            key = id(args[0]) if len(args) == 1 else tuple(map(id, args))
            found = known.get(key)
            if found is None:
                if len(known) >= most:
                    known.clear()
                found = known[key] = (args, rule(*args, **kwargs))  # what is kept keeps its identity
            return found[1]

        return remembered

    return remembering
