"""Versions of a sequence: which edits change the course of people under way, and the course of those who are pinned to an older one."""

from collections.abc import Sequence as Row
from typing import Any

from nurture.domain.documents import Sequence
from nurture.domain.letters import Letter
from nurture.domain.words import Kind

_TIMING = ("after", "window", "only_if", "day", "about")  # of a letter: when and whether its turn comes
_SHARED = ("name", "title", "state", "audience", "topic", "re_entry", "on_edit")  # the newest holds for everybody, or for newcomers alone


def same_course(old: Sequence, new: Sequence) -> bool:
    """Whether both lead people the same way: the same letters in the same order at the same times, under the same promises and ends.

    Words are no matter of the course: subjects, bodies, kinds and sizes are always the newest.
    """
    return _course(old) == _course(new)


def _course(sequence: Sequence) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    own = sequence.model_dump(mode="json", exclude={*_SHARED, "letters"})
    return own, [letter.model_dump(mode="json", include={"id", *_TIMING}) for letter in sequence.letters]


def kept_course(old: Sequence, later: Row[Sequence]) -> Sequence:
    """The old version as those who are pinned to it go on. `later`: the versions after it, oldest first.

    Order, times, mix and ends are the old ones. What is said, and with it kind, size and topic, is the newest: what a reader declines and
    what the mix counts must be true of the letter that leaves. A letter that was taken out keeps its last words.
    """
    if not later:
        return old
    words = {letter.id: letter for document in (old, *later) for letter in document.letters}
    letters = tuple(_in_newest_words(letter, words[letter.id]) for letter in old.letters)
    return old.model_copy(update={"letters": letters} | {key: getattr(later[-1], key) for key in _SHARED})


def _in_newest_words(old: Letter, newest: Letter) -> Letter:
    """A letter that became a greeting, or is one no more, has its day or loses it: it is the newest altogether."""
    if (old.kind is Kind.GREETING) is not (newest.kind is Kind.GREETING):
        return newest
    return newest.model_copy(update={key: getattr(old, key) for key in _TIMING})
