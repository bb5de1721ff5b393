"""Plain scalars as YAML 1.2 core reads them: `10:00`, `3:1`, `NO`, `2026-12-31` are text; only true and false are booleans."""

import re
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {word: value for value, spellings in ((True, "true True TRUE"), (False, "false False FALSE")) for word in spellings.split()}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
LONGEST_INTEGER = 18  # digits that 64 bits hold
LONGEST_FLOAT = 40


def resolve(text: str) -> Scalar:
    """The value of a plain scalar. Raises ValueError, with advice, for numbers that nothing here can hold."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _ENDLESS.fullmatch(text):
        raise ValueError(f"{text} is a number without end, which no key here takes")
    for pattern, base in ((_INTEGER, 10), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.fullmatch(text):
            check_length(text, LONGEST_INTEGER)
            return int(text if base == 10 else text[2:], base)
    if _FLOAT.fullmatch(text):
        check_length(text, LONGEST_FLOAT)
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise ValueError(f"{text} is too large for a number")
        return value
    return text


def check_length(text: str, longest: int) -> None:
    """Raises ValueError for a number of more characters: it would lose digits, or take for ever to read."""
    if len(text) > longest:
        raise ValueError(f"{text[:20]}... is too long for a number")


def looks_like_code(text: str) -> bool:
    """A number with leading zeros, such as a postal code: read as a number it loses them."""
    return re.fullmatch(r"[-+]?0[0-9]+", text) is not None
