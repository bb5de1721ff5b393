"""What lint has to say about a document: where, which rule, how bad, what to do instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from nurture.domain.conditions import Condition

Level: TypeAlias = Literal["error", "warning"]
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` in keys as they are written; `line` counts from 0 inside a text of several lines."""

    path: Path
    rule: str
    level: Level
    message: str
    advice: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What the workspace holds besides the document. None: not known here (no database), so that nothing can be missing.

    `questions` holds what each known segment asks.
    `templates` maps `letters/<folder>` to the text of its letter, for reading it as the body is read.
    """

    segments: frozenset[str] | None = None
    sequences: frozenset[str] | None = None
    topics: frozenset[str] | None = None
    letters: frozenset[str] | None = None
    templates: Mapping[str, str] | None = None
    questions: Mapping[str, Condition] = field(default_factory=dict)


def warn(path: Path, rule: str, message: str, advice: str, line: int = 0) -> Finding:
    return Finding(path, rule, "warning", message, advice, line)


def wrong(path: Path, rule: str, message: str, advice: str) -> Finding:
    return Finding(path, rule, "error", message, advice)
