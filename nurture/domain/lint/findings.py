"""What lint has to say about a document: where, which rule, how bad, what to do instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from nurture.domain.asking import Question
from nurture.domain.conditions import Condition
from nurture.domain.lint.rules import Rule

Level: TypeAlias = Literal["error", "warning"]
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` in keys as they are written; `line` counts from 0 inside a text of several lines."""

    path: Path
    rule: Rule
    level: Level
    message: str
    advice: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What the workspace holds besides the document. None: not known here (no database), so that nothing can be missing.

    `templates` maps `letters/<folder>` to the text of its letter, for reading it as the body is read; `text_parts` to its own letter.txt.
    `questions` holds what each known segment asks. `library`: the useful letters (`document/id`) that may repay what a person is owed;
    `dry`: people of each sequence who wait for useful letters and have had all of the library. `asked`: the questions that letters ask.
    """

    segments: frozenset[str] | None = None
    sequences: frozenset[str] | None = None
    topics: frozenset[str] | None = None
    letters: frozenset[str] | None = None
    templates: Mapping[str, str] | None = None
    text_parts: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, Condition] = field(default_factory=dict)
    library: frozenset[str] | None = None
    dry: Mapping[str, int] | None = None
    asked: Mapping[str, Question] | None = None


def warn(path: Path, rule: Rule, message: str, advice: str, line: int = 0) -> Finding:
    return Finding(path, rule, "warning", message, advice, line)


def wrong(path: Path, rule: Rule, message: str, advice: str) -> Finding:
    return Finding(path, rule, "error", message, advice)
