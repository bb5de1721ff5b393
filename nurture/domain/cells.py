"""The written values of a CSV cell, both ways: the formula guard, tags, topics, instants, and free fields whose JSON type is kept.

Spreadsheets run a cell that begins with `= + - @ TAB CR LF NUL`, some also with the wide forms of these signs (OWASP, "CSV Injection"); it
is written with a `'` before it, and that mark is taken away again.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from nurture.domain.people import read_stranger, read_tag, storable

_RISKY = re.compile(r"'*[=+\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]")


def guard(text: str) -> str:
    """`=1+1` -> `'=1+1`; a text that already looks guarded gets one mark more, so that `unguard` is exact."""
    return "'" + text if _RISKY.match(text) else text


def unguard(text: str) -> str:
    return text[1:] if text[:1] == "'" and _RISKY.match(text) else text


def write_tags(tags: Iterable[str]) -> str:
    """Separated by commas; a tag with a comma or a quotation mark in it stands in quotes, as in any CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(sorted(tags))
    return out.getvalue() if out.getvalue() != '""' else ""


@lru_cache(maxsize=4_096)  # a list has few sets of tags
def read_tags(text: str) -> tuple[str, ...]:
    """`roof, "wall, white"` -> roof; wall, white. Raises ValueError for a tag that is too long."""
    if not text.strip():
        return ()
    parts = next(csv.reader([text.replace("\n", " ").replace("\r", " ")], skipinitialspace=True))
    return tuple(dict.fromkeys(tag for tag in (read_tag(part) for part in parts) if tag))


def write_json(value: Mapping[str, Any]) -> str:
    """An object in one spelling, empty when there is nothing in it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if value else ""


def read_object(text: str, column: str) -> dict[str, Any]:
    """A JSON object. Raises ValueError naming the column."""
    if not text.strip():
        return {}
    try:
        value = read_stranger(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    raise ValueError(f'the column {column} holds {_short(text)}, which is no JSON object; write {{"name": "value"}}')


def read_topics(text: str) -> dict[str, bool]:
    """`{"roofs": true}`, or names separated by commas, each on."""
    if not text.strip().startswith("{"):
        return dict.fromkeys(read_tags(text), True)
    topics = read_object(text, "topics")
    if not all(isinstance(on, bool) for on in topics.values()):
        raise ValueError(f"the column topics holds {_short(text)}; each topic is true or false")
    return topics


def write_typed(value: Any) -> str:
    """A free field so that `read_typed` gives back the same value of the same type; text stays text wherever it cannot be misread."""
    if isinstance(value, str) and value and read_typed(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_typed(text: str) -> Any:
    """A cell of our own export: JSON where it is JSON, else the text itself."""
    try:
        return storable(json.loads(text, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        return text


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def write_instant(value: datetime | None) -> str:
    return "" if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_instant(text: str, column: str) -> datetime | None:
    """ISO 8601, UTC where no offset stands. Raises ValueError naming the column."""
    written = text.strip().removesuffix(" UTC")
    if not written:
        return None
    try:
        found = datetime.fromisoformat(written)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"the column {column} holds {_short(text)}, which is no time; write 2026-03-02T09:00:00Z") from error


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
