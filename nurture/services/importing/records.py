"""A text file as CSV records with the number of the physical line each begins on, whatever the file holds.

Memory is bounded: a line or a record beyond its limit is a fault of its own line, and reading goes on with the next one. A quotation mark
that is never closed costs the line it stands on, not the rest of the file.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from nurture.domain.errors import NurtureError

LONGEST_LINE = 1_000_000  # characters
MOST_LINES = 1_000  # physical lines of one record
DELIMITERS = ",;\t|"
_SHOWN = 500
_LOST = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Record:
    """`fault`: why there are no cells. `raw` is the text as it stands in the file, cut short where it is endless."""

    line: int
    last_line: int
    cells: list[str]
    raw: str
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    whole: bool = True


class _RunawayError(Exception):
    """A record that grows beyond its limit."""


class Lines:
    """Physical lines, bounded, that can be put back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._back: deque[_Line] = deque()
        self._number = 0

    def take(self) -> _Line | None:
        if self._back:
            return self._back.popleft()
        text = self._file.readline(LONGEST_LINE)
        if not text:
            return None
        self._number += 1
        if len(text) < LONGEST_LINE or text.endswith(("\n", "\r")):
            return _Line(self._number, text)
        while (rest := self._file.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
            pass
        return _Line(self._number, text[:_SHOWN], whole=False)

    def put_back(self, lines: list[_Line]) -> None:
        self._back.extendleft(reversed(lines))


def find_delimiter(lines: Lines) -> str:
    """By the header: what separates most there. A first line `sep=;` says it outright. Raises NurtureError for a hopeless first line."""
    first = lines.take()
    if first is None or not first.whole:
        raise NurtureError("the first line must name the columns, but it is empty or endless; put a line such as email,name above it")
    if first.text[:4].lower() == "sep=" and len(first.text.strip()) == 5:
        return first.text[4]
    lines.put_back([first])
    bare = "".join(first.text.split('"')[::2])  # what stands outside quotation marks
    return max(DELIMITERS, key=bare.count)


def records(lines: Lines, delimiter: str) -> Iterator[Record]:
    """Every record that is not blank."""
    while True:
        taken: list[_Line] = []
        try:
            cells = next(csv.reader(_feed(lines, taken), delimiter=delimiter, strict=True))
        except StopIteration:
            return
        except (csv.Error, _RunawayError):
            lines.put_back(taken[1:])
            yield _mend(taken, delimiter)
            continue
        if any(map(str.strip, cells)):
            yield _checked(Record(taken[0].number, taken[-1].number, cells, "".join(line.text for line in taken)))


def _feed(lines: Lines, taken: list[_Line]) -> Iterator[str]:
    size = 0
    while (line := lines.take()) is not None:
        taken.append(line)
        size += len(line.text)
        if not line.whole or size > LONGEST_LINE or len(taken) > MOST_LINES:
            raise _RunawayError
        yield line.text


def _mend(taken: list[_Line], delimiter: str) -> Record:
    """The first line by itself: careless quotation marks are read as they are meant, an open one is a fault."""
    first = taken[0]
    number = first.number
    if not first.whole:
        return Record(number, number, [], first.text, f"the line has more than {LONGEST_LINE:,} characters")
    went_on = False

    def alone() -> Iterator[str]:
        nonlocal went_on
        yield first.text
        went_on = True

    try:
        cells = next(csv.reader(alone(), delimiter=delimiter))
    except csv.Error:
        limit = csv.field_size_limit()
        return Record(number, number, [], first.text[:_SHOWN], f"a value has more than {limit:,} characters")
    if went_on:
        return Record(number, number, [], first.text, "a quotation mark is opened here and never closed")
    return _checked(Record(number, number, cells, first.text))


def _checked(record: Record) -> Record:
    if "\0" in record.raw:
        return Record(record.line, record.last_line, [], record.raw, "the row holds a NUL byte; save the file as UTF-8 again")
    if not record.raw.isascii() and _LOST.search(record.raw):
        return Record(record.line, record.last_line, [], record.raw, "the row holds bytes that are no UTF-8; save the file as UTF-8 again")
    return record
