"""Mistakes of YAML itself: what the parser's words mean for an author, and how to mend the line so that reading goes on."""

import re
from dataclasses import dataclass

import yaml

from nurture.definitions.faults import FormRule

_CONDITIONS = ("audience", "where", "only_if")
_LINE = re.compile(r"""(?P<head>\s*(?:-\s+)*(?:[\w.-]+\s*:\s+)?)(?P<value>\S.*?)\s*$""")
_NO_SPACE = re.compile(r"(?P<head>\s*(?:-\s+)*[A-Za-z_]\w*):(?P<value>[^\s:/].*)$")

_BAD_BEGINNINGS = ("cannot start any token", "anchor", "alias", "tag", "directive")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A syntax mistake on one line (from 0) at one column (from 0); `mended` stands in for the line, None passes the line over."""

    line: int
    column: int
    rule: FormRule
    message: str
    advice: str
    mended: str | None


def quoted(text: str) -> str:
    """The text in the quotes that need the least care."""
    bare = text[1:] if text[:1] in "\"'" else text
    bare = bare[:-1] if bare[-1:] in "\"'" and text[:1] in "\"'" else bare
    return f'"{bare}"' if '"' not in bare and "\\" not in bare else "'" + bare.replace("'", "''") + "'"


def explain(error: yaml.MarkedYAMLError, lines: list[str]) -> Mistake:
    """The parser's error as a mistake that an author understands."""
    mark = error.problem_mark or error.context_mark
    at = mark.line if mark else 0
    column = mark.column if mark else 0
    began = error.context_mark.line if error.context_mark else at
    problem = f"{error.context or ''} {error.problem or ''}".lower()
    if "simple key" in problem:
        return _lost_key(began, lines)
    open_line = _unclosed(began, at, lines) if "quoted" not in problem else None
    if open_line is not None and (found := _LINE.match(lines[open_line])):
        return _value_mistake(found, open_line, found.start("value"), "quoted")
    line, column = (began, error.context_mark.column) if ("quoted" in problem or "flow" in problem) and error.context_mark else (at, column)
    line = min(line, len(lines) - 1)
    while line > 0 and not lines[line].strip():
        line, column = line - 1, 0
    text = lines[line]
    found = _LINE.match(text)
    if "\t" in text[: len(text) - len(text.lstrip())] and "quoted" not in problem:
        mended = text.replace("\t", "  ")
        return Mistake(
            line, text.index("\t"), "tab", "a tab stands where YAML wants spaces", "Indent with spaces, two for each level.", mended
        )
    if found is None:
        return Mistake(line, column, "syntax", "this line cannot be read as YAML", "Look at the line above, too.", None)
    return _value_mistake(found, line, column, problem)


def _unclosed(first: int, last: int, lines: list[str]) -> int | None:
    """The line, at or above a mistake, whose quotes are opened and not closed on it: the text below was swallowed up to the next quote."""
    for number in range(min(last, len(lines) - 1), first - 1, -1):
        found = _LINE.match(lines[number])
        value = found["value"] if found else ""
        if value[:1] in ("'", '"') and value.replace("\\\\", "").replace('\\"', "").count(value[0]) % 2:
            return number
    return None


def _lost_key(began: int, lines: list[str]) -> Mistake:
    text = lines[began]
    column = len(text) - len(text.lstrip())
    close = _NO_SPACE.match(text)
    if close:
        mended = f"{close['head']}: {close['value']}"
        return Mistake(began, column, "syntax", "a key ends with a colon and a space", f"Write `{mended.strip()}`.", mended)
    return Mistake(
        began,
        column,
        "syntax",
        "this line has no key",
        "Write `key: value`, with a colon and a space; text goes under `body: |`, indented.",
        None,
    )


def _value_mistake(found: re.Match[str], line: int, column: int, problem: str) -> Mistake:
    value, start = found["value"], found.start("value")
    mended = found["head"] + quoted(value)
    write = f"Put it in quotes: `{mended.strip()}`."
    sign = next((s for s in ("{{", "{%", "*|") if value.startswith(s)), None)
    if sign is None and any(word in problem for word in _BAD_BEGINNINGS):
        sign = value[:1]
    if sign:
        return Mistake(line, start, "quote", f"a value that begins with {sign} needs quotes", write, mended)
    key = found["head"].strip(" -:")
    if "mapping values are not allowed" in problem and ": " in value and key in _CONDITIONS:
        mended = f"{found['head']}{{{value}}}"
        return Mistake(line, start, "bracket", "a condition stands in braces", f"Write `{mended.strip()}`.", mended)
    if "mapping values are not allowed" in problem and ": " in value:
        return Mistake(line, start, "quote", "a text with a colon and a space in it needs quotes", write, mended)
    if "quoted" in problem:
        message = "a backslash in double quotes has no meaning here" if "escape" in problem else "the quotes are opened and never closed"
        return Mistake(line, start, "quote", message, f"Write it so: `{mended.strip()}`.", mended)
    if "flow" in problem:
        close = f"Close it with {'}' if value.startswith('{') else ']'}, and put commas between."
        return Mistake(line, start, "bracket", "the bracket is opened and not closed as it should be", close, mended)
    advice = "Give it the same indentation as its neighbours, in spaces."
    return Mistake(line, column, "indentation", "this line does not stand where YAML expects it", advice, None)
