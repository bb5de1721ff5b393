"""Remembering what a pure rule said: of the same documents, and of the same words of people - those only for a while.

Documents are frozen, but hashing one reads every text in it, which costs more than most rules. So they are told apart by identity.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

_OF_PEOPLE: list[Any] = []

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


def of_people(most: int) -> Callable[[Callable[..., R]], "functools._lru_cache_wrapper[R]"]:
    """`lru_cache` for what is made of names, addresses and the like: `forget_people` empties it, so that nobody erased stays there."""

    def remembering(rule: Callable[..., R]) -> "functools._lru_cache_wrapper[R]":
        kept = functools.lru_cache(maxsize=most)(rule)
        _OF_PEOPLE.append(kept)
        return kept

    return remembering


def forget_people() -> None:
    """Empty what this process remembers of people: where somebody is erased, and soon after in every other process."""
    for kept in _OF_PEOPLE:
        kept.cache_clear()
