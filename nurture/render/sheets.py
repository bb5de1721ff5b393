"""A sheet: the two parts of a letter as one row of ready bytes, with holes for the tokens and for a person's own words."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from markupsafe import escape

from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose, TokenKey, sign_each
from nurture.render.encoding import quoted_chunk, quoted_words
from nurture.render.expressions import Occasion, Say, TooRich
from nurture.render.marks import MARK, mark
from nurture.render.message import AFTER_HTML, BEFORE_HTML, BEFORE_TEXT
from nurture.render.rendering import GAPS
from nurture.render.sandbox import printed

Encode = Callable[[Any], bytes]
_KEPT = 200  # characters; longer words of a person are hardly met twice
_HOLE = re.compile(mark("h", "([0-9]+)"))
_RUN = re.compile(f"(?:[ \t\n]|{mark('h', '[0-9]+')})+")


@dataclass(frozen=True, slots=True)
class Sheet:
    """`words`: what is said in each hole and how it is encoded; `pick` puts chunks, tokens and words into their order."""

    chunks: tuple[bytes, ...]
    purposes: tuple[Purpose, ...]
    words: tuple[tuple[Say, Encode], ...]
    pick: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]

    def fill(self, reader: Reader, occasion: Occasion, key: TokenKey) -> tuple[bytes, list[bytes]]:
        """The body and the tokens by `purposes`. Raises TooRich where this person's words would move what stands around them."""
        tokens = sign_each(self.purposes, occasion.delivery, reader.subscriber_id, occasion.version, key)
        words = [encode(say(reader, occasion)) for say, encode in self.words]
        return b"".join(self.pick((*self.chunks, *tokens, *words))), tokens


def cut(text: str, html: str, says: Sequence[Say], purposes: Sequence[Purpose]) -> Sheet:
    """A sheet from the flattened parts (see flattening.py), links resolved. `purposes`: tokens that are wanted in any case, first."""
    fragile = set(_fragile(text))
    row = _Row(says, list(purposes))
    row.add(BEFORE_TEXT, GAPS.sub("\n\n", text).strip() + "\n", lambda hole: _firm_words if hole in fragile else _text_words)
    row.add(BEFORE_HTML, html, lambda _: _html_words)
    return row.sheet(AFTER_HTML)


class _Row:
    """Collects the pieces of a sheet in their order; equal tokens and words are made once for each letter."""

    def __init__(self, says: Sequence[Say], purposes: list[Purpose]) -> None:
        self.says, self.purposes = says, purposes
        self.chunks: list[bytes] = []
        self.words: list[tuple[Say, Encode]] = []
        self.order: list[tuple[str, int]] = []

    def add(self, before: bytes, part: str, encoder: Callable[[int], Encode]) -> None:
        pieces = MARK.split(part)
        self._chunk(before + quoted_chunk(pieces[0], first=True, last=len(pieces) == 1))
        for i in range(1, len(pieces), 3):
            kind, value = pieces[i], pieces[i + 1]
            if kind == "t":
                self.order.append(("token", _place(self.purposes, Purpose(int(value)))))
            else:
                self.order.append(("word", _place(self.words, (self.says[int(value)], encoder(int(value))))))
            self._chunk(quoted_chunk(pieces[i + 2], last=i + 3 == len(pieces)))

    def _chunk(self, chunk: bytes) -> None:
        self.order.append(("chunk", len(self.chunks)))
        self.chunks.append(chunk)

    def sheet(self, end: bytes) -> Sheet:
        self._chunk(end)
        start = {"chunk": 0, "token": len(self.chunks), "word": len(self.chunks) + len(self.purposes)}
        pick = itemgetter(*(start[kind] + n for kind, n in self.order))
        return Sheet(tuple(self.chunks), tuple(self.purposes), tuple(self.words), pick)


def _place(things: list[Any], thing: Any) -> int:
    if thing not in things:
        things.append(thing)
    return things.index(thing)


def _fragile(text: str) -> Iterator[int]:
    """Holes of the text part that may not stay empty: a gap of blank lines would close, or the part begin or end elsewhere."""
    for run in _RUN.finditer(text):
        at_an_end = not text[: run.start()].strip() or not text[run.end() :].strip()
        if at_an_end or run[0].count("\n") > 2:
            yield from (int(hole) for hole in _HOLE.findall(run[0]))


def _html_words(value: Any) -> bytes:
    if type(value) is str:
        return _escaped(value) if len(value) <= _KEPT else _escaped.__wrapped__(value)
    return quoted_words(str(escape(printed(value))))


@lru_cache(maxsize=4096)
def _escaped(words: str) -> bytes:
    return quoted_words(str(escape(printed(words))))


def _text_words(value: Any) -> bytes:
    words = value if type(value) is str else str(printed(value))
    encoded = _steady(words) if len(words) <= _KEPT else _steady.__wrapped__(words)
    if encoded is None:
        raise TooRich("words that the text part closes up around")
    return encoded


def _firm_words(value: Any) -> bytes:
    encoded = _text_words(value)
    if not encoded:
        raise TooRich("nothing where the text part closes up")
    return encoded


@lru_cache(maxsize=4096)
def _steady(words: str) -> bytes | None:
    """None where line ends, control characters or blanks at an end could touch what stands around the words."""
    return quoted_words(words) if words.isprintable() and words == words.strip() else None
