"""What an examination finds: one sentence for each thing looked at."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` names what was looked at, for people and for scripts; `words` is one sentence: what is, and where it is wrong what to do."""

    check: str
    level: Level
    words: str


def to_json(findings: Iterable[Finding]) -> dict[str, object]:
    """`ok` False when anything failed; warnings leave it True."""
    found = list(findings)
    shown = [{"check": f.check, "level": f.level, "message": f.words} for f in found]
    return {"ok": all(f.level != "fail" for f in found), "findings": shown}
