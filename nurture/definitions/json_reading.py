"""JSON to plain data with positions: the same tree that YAML gives. Strict: no duplicate keys, no NaN, nothing after the value."""

import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]  # the C scanner is not in the type stubs
from typing import Any

from nurture.definitions.faults import Fault, FormRule, Path, Position, Tree
from nurture.definitions.scalars import LONGEST_FLOAT, LONGEST_INTEGER, check_length
from nurture.definitions.yaml_reading import MAX_DEPTH, MAX_NODES

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}


class _Broken(Exception):  # noqa: N818 - ends the reading of one file; the fault is in `args`
    """(index, message, advice)"""


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.faults: list[Fault] = []
        self.positions: dict[Path, Position] = {}
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, index: int) -> tuple[int, int]:
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1

    def fault(self, index: int, rule: FormRule, message: str, advice: str) -> None:
        self.faults.append(Fault(self.file, *self.place(index), rule, "error", message, advice))

    def skip(self, index: int) -> int:
        found = _SPACE.match(self.text, index)
        return found.end() if found else index

    def value(self, index: int, path: Path, key_index: int | None, depth: int) -> tuple[Any, int]:
        index = self.skip(index)
        self.positions[path] = Position(*self.place(index if key_index is None else key_index), *self.place(index))
        if depth > MAX_DEPTH or len(self.positions) > MAX_NODES:
            raise _Broken(index, "this document is nested or filled beyond every limit", f"Keep to {MAX_DEPTH} levels; split the file.")
        first = self.text[index : index + 1]
        if first == "{":
            return self.object(index + 1, path, depth)
        if first == "[":
            return self.array(index + 1, path, depth)
        if first == '"':
            return self.string(index)
        for word, meaning in _WORDS.items():
            if self.text.startswith(word, index):
                return meaning, index + len(word)
        return self.number(index)

    def string(self, index: int) -> tuple[str, int]:
        try:
            text, end = scanstring(self.text, index + 1, True)
        except JSONDecodeError as error:
            raise _Broken(error.pos, "this text is not valid JSON", 'Close it with ", and write line breaks as \\n.') from error
        if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
            self.fault(index, "character", "this text holds a character that cannot be stored", "Take the escape sequence out.")
            text = text.replace("\0", "").encode("utf-16", "ignore").decode("utf-16", "ignore")
        return text, end

    def number(self, index: int) -> tuple[int | float, int]:
        found = _NUMBER.match(self.text, index)
        if not found:
            raise _Broken(
                index, "a JSON value is wanted here", "Write a text in double quotes, a number, true, false, null, {...} or [...]."
            )
        whole = not (found[1] or found[2])
        try:
            check_length(found[0], LONGEST_INTEGER if whole else LONGEST_FLOAT)
        except ValueError as error:
            self.fault(index, "number", str(error), "If it is meant as text, put it in quotes.")
            return 0, found.end()
        value = int(found[0]) if whole else float(found[0])
        if abs(value) == float("inf"):
            self.fault(index, "number", f"{found[0]} is too large for a number", "If it is meant as text, put it in quotes.")
            return 0, found.end()
        return value, found.end()

    def array(self, index: int, path: Path, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        index = self.skip(index)
        if self.text[index : index + 1] == "]":
            return items, index + 1
        while True:
            item, index = self.value(index, (*path, len(items)), None, depth + 1)
            items.append(item)
            index, ended = self.next(index, "]")
            if ended:
                return items, index

    def object(self, index: int, path: Path, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        index = self.skip(index)
        if self.text[index : index + 1] == "}":
            return found, index + 1
        while True:
            at = self.skip(index)
            if self.text[at : at + 1] != '"':
                raise _Broken(at, "a key in double quotes is wanted here", 'Write "key": value, without a comma after the last one.')
            key, index = self.string(at)
            index = self.skip(index)
            if self.text[index : index + 1] != ":":
                raise _Broken(index, "a colon is wanted after the key", 'Write "key": value.')
            if key in found:
                self.fault(at, "duplicate-key", f'the key "{key}" stands twice', "Keep one of them.")
                _, index = self.value(index + 1, (*path, f"?{at}"), at, depth + 1)
            else:
                found[key], index = self.value(index + 1, (*path, key), at, depth + 1)
            index, ended = self.next(index, "}")
            if ended:
                return found, index

    def next(self, index: int, closing: str) -> tuple[int, bool]:
        """After an item: (where to go on, whether the bracket closed)."""
        index = self.skip(index)
        sign = self.text[index : index + 1]
        if sign == closing:
            return index + 1, True
        if sign != ",":
            raise _Broken(index, f"a comma or {closing} is wanted here", "Put commas between items, and close every bracket.")
        return index + 1, False


def read_json(text: str, file: str) -> tuple[Tree | None, list[Fault]]:
    """The one value of a JSON text. None when it is not JSON."""
    reader = _Reader(text, file)
    try:
        value, end = reader.value(0, (), None, 0)
    except _Broken as broken:
        index, message, advice = broken.args
        reader.fault(index, "syntax", message, advice)
        return None, reader.faults
    end = reader.skip(end)
    if end < len(text):
        reader.fault(end, "syntax", "something stands after the end of the JSON value", "Put several documents in a list: [{...}, {...}].")
    return Tree(value, reader.positions), reader.faults
