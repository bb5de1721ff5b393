"""A sheet: the two parts of a letter as one row of ready bytes, with holes for the tokens and for a person's own words."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from markupsafe import escape

from nurture.domain.readers import Reader
from nurture.domain.remembering import of_people
from nurture.domain.tokens import Purpose, TokenKey, sign_each
from nurture.render.encoding import ROOM, quoted_chunk, quoted_words
from nurture.render.expressions import Say
from nurture.render.flattening import Holes
from nurture.render.marks import MARK, mark
from nurture.render.message import AFTER_HTML, BEFORE_HTML, BEFORE_TEXT
from nurture.render.occasions import Occasion
from nurture.render.rendering import GAPS
from nurture.render.sandbox import printed, words_of

Words = Callable[[Sequence[Any]], bytes]
_KEPT = 200  # characters; longer words of a person are hardly met twice
_EASY = re.compile("(?!\\.)[!#-%(-;?-~]+(?: [!#-%(-;?-~]+)*")  # the same in HTML and in quoted-printable
_RUN = re.compile(rf"\s*(?:{mark('h', '[0-9]+')}\s*)+")


@dataclass(frozen=True, slots=True)
class Sheet:
    """`words`: how each hole is written from what all of `says` say; `pick` puts chunks, tokens and words into their order.

    `islands`: some of `says` need the tokens themselves.
    """

    chunks: tuple[bytes, ...]
    purposes: tuple[Purpose, ...]
    says: tuple[Say, ...]
    words: tuple[Words, ...]
    pick: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]
    islands: bool

    def fill(self, reader: Reader, occasion: Occasion, key: TokenKey) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """The pieces of the body, and the tokens by `purposes`."""
        tokens = sign_each(self.purposes, occasion.delivery, reader.subscriber_id, occasion.version, key)
        if self.islands:
            occasion.tokens = {purpose: token.decode() for purpose, token in zip(self.purposes, tokens, strict=True)}
        said = [say(reader, occasion) for say in self.says]
        return self.pick((*self.chunks, *tokens, *[words(said) for words in self.words])), tokens


def cut(text: str, html: str, holes: Holes, purposes: Sequence[Purpose], kept: dict[bytes, bytes]) -> Sheet:
    """A sheet from the flattened parts (see flattening.py), links resolved.

    `purposes`: tokens that are wanted in any case, first. `kept`: chunks of other sheets; equal ones are kept once.
    """
    row = _Row(holes, list(purposes), kept)
    row.add_text(text)
    row.add_html(html)
    return row.sheet()


class _Row:
    """Collects the pieces of a sheet in their order; equal tokens and words are made once for each letter."""

    def __init__(self, holes: Holes, purposes: list[Purpose], kept: dict[bytes, bytes]) -> None:
        self.holes, self.purposes, self.kept = holes, purposes, kept
        self.chunks: list[bytes] = []
        self.says: list[Say] = []
        self.words: dict[Any, Words] = {}
        self.order: list[tuple[str, int]] = []

    def add_text(self, text: str) -> None:
        """Blank lines close up around words that are missing, so the white space at a hole belongs to its words."""
        self._chunk(BEFORE_TEXT)
        at, runs = 0, [*_RUN.finditer(text)]
        for run in runs:
            between = GAPS.sub("\n\n", text[at : run.start()])
            self._still(between if at else between.lstrip(), first=not at)
            begins, ends = not text[: run.start()].strip(), not text[run.end() :].strip()
            pieces = MARK.split(run[0])
            shape = tuple(self._hole(piece) if i % 3 == 2 else piece for i, piece in enumerate(pieces) if i % 3 != 1)
            ready = frozenset(self._hole(piece) for piece in pieces[2::3] if int(piece) in self.holes.ready)
            self._word(("text", shape, begins, ends), _text_words(shape, ready, begins, ends))
            at = run.end()
        if not runs or text[at:].strip():
            rest = GAPS.sub("\n\n", text[at:]).rstrip() + "\n"
            self._still(rest if at else rest.lstrip(), first=not at, last=True)

    def add_html(self, html: str) -> None:
        self._chunk(BEFORE_HTML)
        pieces = re.split(mark("h", "([0-9]+)"), html)
        for i in range(0, len(pieces), 2):
            self._still(pieces[i], first=i == 0, last=i + 1 == len(pieces))
            if i + 1 < len(pieces):
                hole = int(pieces[i + 1])
                self._word(("html", hole), (_ready_words if hole in self.holes.ready else _html_words)(self._hole(pieces[i + 1])))

    def _still(self, text: str, *, first: bool = False, last: bool = False) -> None:
        """Words that are the same for everybody, with the tokens among them."""
        pieces = MARK.split(text)
        for i in range(0, len(pieces), 3):
            self._chunk(quoted_chunk(pieces[i], first=first and i == 0, last=last and i + 1 == len(pieces)))
            if i + 1 < len(pieces):
                self.order.append(("token", _place(self.purposes, Purpose(int(pieces[i + 2])))))

    def _chunk(self, chunk: bytes) -> None:
        self.order.append(("chunk", len(self.chunks)))
        self.chunks.append(self.kept.setdefault(chunk, chunk))

    def _hole(self, number: str) -> int:
        return _place(self.says, self.holes.says[int(number)])

    def _word(self, key: Any, words: Words) -> None:
        self.words.setdefault(key, words)
        self.order.append(("word", list(self.words).index(key)))

    def sheet(self) -> Sheet:
        self._chunk(AFTER_HTML)
        start = {"chunk": 0, "token": len(self.chunks), "word": len(self.chunks) + len(self.purposes)}
        pick = itemgetter(*(start[kind] + n for kind, n in self.order))
        return Sheet(
            tuple(self.chunks), tuple(self.purposes), tuple(self.says), tuple(self.words.values()), pick, islands=bool(self.holes.ready)
        )


def _place(things: list[Any], thing: Any) -> int:
    if thing not in things:
        things.append(thing)
    return things.index(thing)


def _ready_words(hole: int) -> Words:
    return lambda said: quoted_words(said[hole])


def _html_words(hole: int) -> Words:
    def words(said: Sequence[Any]) -> bytes:
        value = said[hole]
        if type(value) is not str:
            return quoted_words(str(escape(printed(value))))
        if len(value) < ROOM and _EASY.fullmatch(value):
            return value.encode()
        return _escaped(value) if len(value) <= _KEPT else _escaped.__wrapped__(value)

    return words


@of_people(4096)
def _escaped(words: str) -> bytes:
    return quoted_words(str(escape(printed(words))))


def _text_words(shape: tuple[str | int, ...], ready: frozenset[int], begins: bool, ends: bool) -> Words:
    """A run of holes in the text part: `shape` is white space and holes by turns. `begins`, `ends`: the part itself."""
    at_an_end = begins or ends
    one = shape if len(shape) == 3 and not ready else None  # words between two others, as nearly always

    def words(said: Sequence[Any]) -> bytes:
        if one:
            whole = f"{one[0]}{words_of(said[one[1]])}{one[2]}"  # type: ignore[index]  # by turns
        else:
            whole = ""
            for piece in shape:
                whole += piece if isinstance(piece, str) else said[piece] if piece in ready else words_of(said[piece])
        if not at_an_end and "\n" not in whole:
            return quoted_words(whole)
        return _closed_up(whole, begins, ends) if len(whole) <= _KEPT else _closed_up.__wrapped__(whole, begins, ends)

    return words


@of_people(4096)
def _closed_up(words: str, begins: bool, ends: bool) -> bytes:
    closed = GAPS.sub("\n\n", words)
    closed = closed.lstrip() if begins else closed
    return quoted_words(closed.rstrip() + "\n" if ends else closed)
