"""What people name most in their own words: each word and each pair of neighbouring words, by how many people used it.

Counting only: words of one stem are one word, words that name nothing are left out, nothing is guessed or summed up. A theme is shown as
most people wrote it, with those people behind it, so that everybody can read what was really said.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nurture.domain.lint.languages import language_of
from nurture.domain.stop_words import STOP_WORDS

Stem = Callable[[str, str], str]  # (word in small letters, language code) -> what words of one root share
SHARED = 2  # people: what one person said is a text, no theme
MOST = 30
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE = re.compile(r"[.!?;:\n()]+|,\s")
_SHORTEST = 2
_NEAR = 3  # of a pair no more than two small words stand between: leaks at the chimney
_CYRILLIC = re.compile("[\u0400-\u04ff]")


@dataclass(frozen=True, slots=True)
class Text:
    """Own words of one person. `locale`: theirs, where it is known."""

    person: int
    words: str
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Theme:
    """`words` as most people wrote them, ` … ` where small words stood between; `people` in the order in which they said it. `pair`: two
    neighbouring words.
    """

    words: str
    people: tuple[int, ...]
    pair: bool


def themes(texts: Sequence[Text], stem: Stem, about: str = "", most: int = MOST) -> tuple[Theme, ...]:
    """The themes that two people or more share, the most named first. `about`: the question; its own words alone name no answer."""
    words, pairs = _Found(), _Found()
    for text in texts:
        code = language(text)
        asked = {stem(word, code) for word in _words(about)}
        for sentence in _SENTENCE.split(text.words):
            known = list(_telling(sentence, code, stem))
            for _, root, word in known:
                if root not in asked:
                    words.note(root, word, text.person)
            for (at, one, first), (then, other, second) in pairwise(known):
                if one != other and then - at <= _NEAR and not {one, other} <= asked:
                    between = " " if then - at == 1 else " … "
                    pairs.note(frozenset((one, other)), f"{first}{between}{second}", text.person)
    shared = pairs.shared(pair=True)
    told = [(root, theme) for root, theme in words.shared(pair=False) if not _within(root, theme, shared)]
    found = [theme for _, theme in (*shared, *told)]
    return tuple(sorted(found, key=lambda theme: (-len(theme.people), not theme.pair, theme.words))[:most])


def language(text: Text) -> str:
    """`en`, `de`, `pl`, `ru`: by the small words, which short answers have too, else the person's own; empty where nothing tells, and words
    are counted as they stand.
    """
    words = _words(text.words)
    home = (text.locale or "")[:2].lower()
    if _CYRILLIC.search(text.words):
        found = language_of(text.words, text.locale)
        return found.code if found else ""
    counts = {code: sum(word in stopped for word in words) for code, stopped in STOP_WORDS.items() if code != "ru"}
    most = max(counts.values())
    best = [code for code, count in counts.items() if count == most and count]
    if len(best) == 1:
        return best[0]
    return home if home in (best or counts) else ""


def _words(text: str) -> list[str]:
    return [word.lower().replace("’", "'").replace("ё", "е") for word in _WORD.findall(text)]


def _telling(sentence: str, code: str, stem: Stem) -> Iterator[tuple[int, object, str]]:
    """(place, root, word) of the words that name something, in their order."""
    stopped = STOP_WORDS.get(code, frozenset())
    for place, word in enumerate(_words(sentence)):
        if len(word) >= _SHORTEST and word not in stopped:
            yield place, stem(word, code), word


class _Found:
    """People and spellings by root, in the order in which they came."""

    def __init__(self) -> None:
        self._people: dict[object, dict[int, None]] = {}
        self._spelt: dict[object, Counter[str]] = {}

    def note(self, root: object, words: str, person: int) -> None:
        known = self._people.setdefault(root, {})
        if person not in known:
            self._spelt.setdefault(root, Counter())[words] += 1
        known[person] = None

    def shared(self, *, pair: bool) -> list[tuple[object, Theme]]:
        return [
            (root, Theme(self._spelt[root].most_common(1)[0][0], tuple(people), pair))
            for root, people in self._people.items()
            if len(people) >= SHARED
        ]


def _within(root: object, theme: Theme, pairs: Iterable[tuple[object, Theme]]) -> bool:
    """A word that hardly anybody used outside of one pair says nothing beside it."""
    return any(
        isinstance(both, frozenset) and root in both and set(theme.people) <= set(pair.people) for both, pair in pairs
    )  # fmt: skip
