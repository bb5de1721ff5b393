"""In which language a letter is written, and the words lint looks for in it.

A word of another language never fires: an English `sale` inside a Russian letter is a name there, not an offer.
"""

import re

from nurture.domain.lint.languages.english import ENGLISH
from nurture.domain.lint.languages.german import GERMAN
from nurture.domain.lint.languages.language import Language
from nurture.domain.lint.languages.polish import POLISH
from nurture.domain.lint.languages.russian import RUSSIAN

__all__ = ["LANGUAGES", "Language", "language_of"]

LANGUAGES = {one.code: one for one in (ENGLISH, RUSSIAN, POLISH, GERMAN)}
_LOOKED_AT = 20_000  # characters: more of a text tells no more about its language
_TELLS = 30  # so many words tell their language by themselves
_SHARE = 0.06  # of the words of a text, at least so many are common ones
_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_OTHER_CYRILLIC = re.compile("[іїєґўјљњћђџ]", re.IGNORECASE)
_WITHOUT_YERY = 150  # letters: hardly any Russian text of this length has no `ы`, and Bulgarian has none at all


def language_of(text: str, locale: str | None = None) -> Language | None:
    """The language of a text by its script and its common words; where they say too little, that of the workspace; None: not known."""
    words = _WORD.findall(text[:_LOOKED_AT].lower())
    cyrillic = _CYRILLIC.findall("".join(words))
    mostly_cyrillic = 2 * len(cyrillic) > sum(map(len, words))
    if mostly_cyrillic:
        return RUSSIAN if _russian(words, len(cyrillic), locale) else None
    counts = {code: sum(word in one.common for word in words) for code, one in LANGUAGES.items() if one is not RUSSIAN}
    best, second = sorted(counts, key=lambda code: -counts[code])[:2]
    enough = max(2, _SHARE * len(words)) if len(words) >= _TELLS else 1
    if counts[best] >= enough and counts[best] > counts[second]:
        return LANGUAGES[best]
    home = LANGUAGES.get((locale or "")[:2].lower())
    return home if home is not RUSSIAN and len(words) < _TELLS else None


def _russian(words: list[str], letters: int, locale: str | None) -> bool:
    text = " ".join(words)
    if _OTHER_CYRILLIC.search(text) or (letters >= _WITHOUT_YERY and "ы" not in text):
        return False
    at_home = (locale or "")[:2].lower()
    return len(words) >= _TELLS or at_home not in ("uk", "bg", "sr", "mk", "be", "kk", "ky", "mn")
