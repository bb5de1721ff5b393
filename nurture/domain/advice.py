"""`did you mean`: the nearest known word, for YAML keys, settings, tags of any kind."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, or None when nothing is near."""
    found = get_close_matches(word.lower(), [k.lower() for k in known], n=1, cutoff=0.6)
    if not found:
        return None
    return next(k for k in known if k.lower() == found[0])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` - did you mean "cadence"?` or an empty string; `known` may be any collection."""
    options = list(known)
    near = nearest(word, options)
    return f' - did you mean "{near}"?' if near else ""
