"""One language as lint knows it: the words of each check that looks at words, compiled once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

TAG = "\x1e"  # stands where a tag of HTML began; see reading.blanked
_BEGINS = rf"(?:^|{TAG}|[.!?,]\s)[ \t*_#>]{{0,40}}"
_ENDS = rf"(?=\s{{0,40}}(?:[,!.:;*_{TAG}–—-]|$))"
_FLAGS = re.IGNORECASE | re.MULTILINE


@dataclass(frozen=True, slots=True)
class Language:
    """Each table is a hint, never a verdict: lint only warns.

    `hello` and `friend` stand in advice for a name that is missing. `common`: words by which the language is told. `mass_address`: a
    crowd spoken to, at the beginning of a sentence. `selling`: what is done to sell, by concept; two concepts make a letter that sells.
    `parts`: traces of the parts of an offer. `limit`: an end with a date or a number. `formal` and `familiar`: the two ways of saying
    you, None where there is one. `digest`: words of a letter that holds many things.
    """

    code: str
    hello: str
    friend: str
    common: frozenset[str]
    mass_address: re.Pattern[str]
    selling: Mapping[str, re.Pattern[str]]
    parts: Mapping[str, re.Pattern[str]]
    limit: re.Pattern[str]
    digest: re.Pattern[str]
    formal: re.Pattern[str] | None = None
    familiar: re.Pattern[str] | None = None


def language(
    code: str,
    *,
    hello: str,
    friend: str,
    common: str,
    mass_address: str,
    selling: Mapping[str, str],
    parts: Mapping[str, str],
    limit: str,
    digest: str,
    formal: str | None = None,
    familiar: str | None = None,
) -> Language:
    """A language from words: `common` parted by spaces, all else regular expressions of whole words."""
    return Language(
        code,
        hello,
        friend,
        frozenset(common.split()),
        re.compile(f"{_BEGINS}(?P<crowd>{mass_address}){_ENDS}", _FLAGS),
        {concept: _words(pattern) for concept, pattern in selling.items()},
        {part: re.compile(rf"(?:\b(?:{pattern}))", _FLAGS) for part, pattern in parts.items()},
        re.compile(limit, _FLAGS),
        _words(digest),
        re.compile(formal, re.MULTILINE) if formal else None,
        re.compile(familiar, re.MULTILINE) if familiar else None,
    )


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", _FLAGS)


AMOUNT = (
    r"(?<![$€£\d.,])\d+(?!\d|[.,  ]?\d*\s*(?:%|percent|процент\w*|procent\w*|prozent|€|\$|£|₽|euro?s?\b|dollars?\b|pounds?\b|руб\w*|zł\w*"
    r"|PLN\b|EUR\b))"
)
"""A number that is no share and no price, so it may be a limit."""
