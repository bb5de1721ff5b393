"""One YAML document to plain data with positions, strictly from the parser's events: no aliases, anchors, tags or duplicate keys.

Syntax mistakes are mended one by one and reading goes on, so that an author sees every fault at once.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from nurture.definitions.faults import Fault, FormRule, Path, Position, Tree
from nurture.definitions.scalars import looks_like_code, resolve
from nurture.definitions.syntax import Mistake, explain

MAX_DEPTH = 32
MAX_NODES = 50_000
_MAX_REPAIRS = 25
_NOT_AS_MEANT = ("alias", "tag", "number", "character", "key")  # the value read is not the one meant: no more is said about its line
_OPENING = re.compile(r"\s*(?:-\s+)*")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TooMuch(Exception):  # noqa: N818 - not an error of the program: it ends the reading of one document
    """The document is deeper or longer than any letter needs."""


class _Reader:
    """Builds data from parser events; collects faults of form on its way."""

    def __init__(self, text: str, file: str, first_line: int) -> None:
        self.lines = text.split("\n")
        self.file = file
        self.first_line = first_line
        self.faults: list[Fault] = []
        self.positions: dict[Path, Position] = {}
        self.nodes = 0
        self.events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)

    def fault(self, mark: Any, rule: FormRule, message: str, advice: str, level: Any = "error") -> None:
        self.faults.append(Fault(self.file, mark.line + self.first_line, mark.column + 1, rule, level, message, advice))

    def read(self) -> Any:
        """The document's value; None when there is none."""
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                return self.node(next(self.events), (), None, 0)
        return None

    def node(self, event: Any, path: Path, key_mark: Any, depth: int) -> Any:
        mark = event.start_mark
        key = key_mark or mark
        self.positions[path] = Position(key.line + self.first_line, key.column + 1, mark.line + self.first_line, mark.column + 1)
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            self.fault(mark, "size", "this document is nested or filled beyond every limit", f"Keep to {MAX_DEPTH} levels; split the file.")
            raise _TooMuch
        if isinstance(event, yaml.AliasEvent):
            self.fault(mark, "alias", "aliases (*name) are not allowed", "Write the value out, or put the text in quotes.")
            return None
        self._plain_words_only(event, mark)
        if isinstance(event, yaml.ScalarEvent):
            if event.style == "|":
                self.positions[path] = replace(self.positions[path], indent=self._indent_below(mark.line))
            return self.scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(path, depth)
        return self.mapping(event, path, depth)

    def _indent_below(self, line: int) -> int:
        text = next((below for below in self.lines[line + 1 :] if below.strip()), "")
        return len(text) - len(text.lstrip())

    def _plain_words_only(self, event: Any, mark: Any) -> None:
        if event.anchor is not None:
            self.fault(
                mark, "alias", "anchors (&name) are not allowed", "Write the value out where it is needed, or put the text in quotes."
            )
        if event.tag is not None:
            self.fault(
                mark, "tag", f"tags ({event.tag[:30]}) are not allowed", "Leave the tag out, or put a text that begins with ! in quotes."
            )

    def scalar(self, event: Any) -> Any:
        if "\0" in event.value or any("\ud800" <= c <= "\udfff" for c in event.value):
            self.fault(event.start_mark, "character", "this text holds a character that cannot be stored", "Take the escape sequence out.")
            return event.value.replace("\0", "").encode("utf-16", "ignore").decode("utf-16", "ignore")
        if event.style:  # quotes, | and > always make text; C and pure parsers both leave `style` empty for plain scalars
            return event.value
        try:
            value = resolve(event.value)
        except ValueError as error:
            self.fault(event.start_mark, "number", str(error), f'If it is meant as text, put it in quotes: "{event.value[:30]}".')
            return event.value
        if looks_like_code(event.value):
            message = f"{event.value} is read as the number {value}"
            self.fault(event.start_mark, "leading-zero", message, f'If the zeros matter, put it in quotes: "{event.value}".', "warning")
        return value

    def sequence(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self.node(event, (*path, len(items)), None, depth + 1))
        return items

    def mapping(self, start: Any, path: Path, depth: int) -> Any:
        found: dict[str, Any] = {}
        merge_field = False
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, found, path, depth)
            if key is None:
                merge_field = merge_field or (start.flow_style and isinstance(event, yaml.MappingStartEvent))
                self.node(next(self.events), (*path, f"?{self.nodes}"), None, depth + 1)
                continue
            found[key] = self.node(next(self.events), (*path, key), event.start_mark, depth + 1)
        if merge_field:
            return self._merge_field(start)
        return found

    def _key(self, event: Any, found: dict[str, Any], path: Path, depth: int) -> str | None:
        mark = event.start_mark
        if not isinstance(event, yaml.ScalarEvent):
            self.node(event, (*path, f"?{self.nodes}"), None, depth + 1)
            if not isinstance(event, yaml.MappingStartEvent):
                self.fault(mark, "key", "a key must be a word", "Write `key: value`.")
            return None
        self._plain_words_only(event, mark)
        key = str(event.value)
        if key in found:
            first = self.positions[(*path, key)].key_line
            self.fault(mark, "duplicate-key", f'the key "{key}" stands twice (first in line {first})', "Keep one of them.")
            return None
        return key

    def _merge_field(self, start: Any) -> str:
        """`{{ name }}` without quotes reads as a mapping in a mapping: say so, and take it for the text it was meant to be."""
        line = self.lines[start.start_mark.line]
        value: str = line[start.start_mark.column :].strip()
        head = line[: start.start_mark.column].strip()
        write = f'{head} "{value}"'.strip().replace("\\", "")
        self.fault(start.start_mark, "quote", "a value that begins with {{ needs quotes", f"Put it in quotes: `{write}`.")
        return value


def read_yaml(text: str, file: str, first_line: int = 1) -> tuple[Tree | None, list[Fault]]:
    """One document (no second `---` in `text`) that begins on `first_line` of its file. None when nothing of it could be read."""
    lines = text.split("\n")
    faults: list[Fault] = []
    repaired: set[int] = set()
    passed: set[int] = set()
    for _ in range(_MAX_REPAIRS):
        reader = _Reader("\n".join(lines), file, first_line)
        try:
            value = reader.read()
            for _rest in reader.events:  # the end of the document may be broken, too
                pass
        except _TooMuch:
            return None, faults + reader.faults
        except yaml.MarkedYAMLError as error:
            mistake = explain(error, lines)
            number = mistake.line
            if number not in repaired and (mistake.mended is not None or number - 1 not in passed):
                place = (file, number + first_line, mistake.column + 1)
                faults.append(Fault(*place, mistake.rule, "error", mistake.message, mistake.advice))
            if number in passed:
                return None, faults
            _mend(lines, mistake, number, number in repaired, passed)
            repaired.add(number)
        else:
            untrue = {n + first_line for n in repaired} | {f.line for f in reader.faults if f.rule in _NOT_AS_MEANT}
            tree = Tree(value, reader.positions, frozenset(untrue), bool(passed)) if reader.positions else None
            return tree, faults + reader.faults
    return None, faults


def _mend(lines: list[str], mistake: Mistake, number: int, again: bool, passed: set[int]) -> None:
    """Put the mended line in; a line that cannot be mended is passed over with all that stands deeper below it."""
    if mistake.rule == "tab" and not again:
        for at, line in enumerate(lines):
            text = line.lstrip()
            lines[at] = line[: len(line) - len(text)].replace("\t", "  ") + text
        return
    opening = _OPENING.match(lines[number])
    indent = opening.end() if opening else 0
    dashes = lines[number][:indent] if "-" in lines[number][:indent] else ""  # an item whose first key is lost keeps its other keys
    lines[number] = dashes if mistake.mended is None or again else mistake.mended
    if mistake.mended is None or again:
        passed.add(number)
    below = number + 1
    while below < len(lines) and (not lines[below].strip() or len(lines[below]) - len(lines[below].lstrip()) > indent):
        lines[below] = ""
        passed.add(below)
        below += 1
