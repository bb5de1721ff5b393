"""What is wrong with a file, as values: where, which rule, how bad, and what to write instead."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from nurture.domain.errors import NurtureError
from nurture.domain.lint.rules import Rule

Path: TypeAlias = tuple[str | int, ...]
Level: TypeAlias = Literal["error", "warning"]
FormRule: TypeAlias = Literal[
    "syntax", "tab", "quote", "bracket", "indentation", "alias", "tag", "number", "leading-zero", "key", "duplicate-key", "character",
    "encoding", "size", "empty", "document", "duplicate-document", "duplicate-id", "taken-name", "unknown-key", "missing-key", "type",
    "value", "condition", "template", "dialect", "unknown-name",
]  # fmt: skip
"""The rules of form: whether a file can be read, and its documents stored. Named for ever, as lint's own are."""
FaultRule: TypeAlias = Rule | FormRule


@dataclass(frozen=True, slots=True)
class Fault:
    """Lines and columns count from 1. An error stops `apply`; a warning is printed and passed over."""

    file: str
    line: int
    column: int
    rule: FaultRule
    level: Level
    message: str
    advice: str

    def render(self, source: str) -> str:
        """Three or four lines for a terminal: place and message, the line of `source` with a caret under the fault, the advice."""
        head = f"{self.file}:{self.line}:{self.column}: {self.level}: {self.message} [{self.rule}]"
        lines = source.split("\n")
        shown = []
        if 0 < self.line <= len(lines):
            text = lines[self.line - 1].rstrip()
            start = max(0, self.column - 100)
            cut = text[start : start + 140].replace("\t", " ")
            shown = [f"    {cut}", "    " + " " * _width(cut[: self.column - 1 - start]) + "^"]
        return "\n".join([head, *shown, f"    {self.advice}"])

    def as_json(self) -> dict[str, Any]:
        """As `lint --json` prints it."""
        return {name: getattr(self, name) for name in ("file", "line", "column", "rule", "level", "message", "advice")}


def _width(text: str) -> int:
    """Columns of a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a value stands (`line`, `column`) and where its key does; an item of a list is its own key. From 1.

    `indent`: of a literal block (`body: |`) the columns before its text, which begins on the next line; None for all else.
    """

    key_line: int
    key_column: int
    line: int
    column: int
    indent: int | None = None

    def inside(self, line: int, column: int) -> tuple[int, int]:
        """The place in the file of a place (from 0) in the value's text; only in a literal block do lines stay lines."""
        if self.indent is None:
            return self.line, self.column
        return self.line + 1 + line, self.indent + column + 1


@dataclass(frozen=True, slots=True)
class Tree:
    """One document as it was read: plain data, and where each part of it stands. The path of the document itself is `()`."""

    value: Any
    positions: Mapping[Path, Position]
    repaired: frozenset[int] = field(default=frozenset())  # lines that were mended to read on: faults there may be false
    incomplete: bool = False  # lines were passed over: a key that seems missing may have stood there

    @property
    def start(self) -> Position:
        return self.positions[()]

    def at(self, path: Path) -> Position:
        """The place of a path, or of the nearest part around it that stands in the file."""
        while path not in self.positions:
            path = path[:-1]
        return self.positions[path]


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every part of plain data with its path, outermost first."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))


class Refused(NurtureError):  # noqa: N818 - the word of the field; callers catch it to show all faults
    """Documents that cannot be stored or run, with every fault; the message is the first one and how many more there are."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        first = faults[0]
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{first.file}:{first.line}: {first.message}. {first.advice}{more}")
        self.faults = tuple(faults)
