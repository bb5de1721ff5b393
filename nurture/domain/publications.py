"""Which letters stand in the public archive, under which address, and when."""

from dataclasses import dataclass
from datetime import date, datetime

SUMMARY_MOST = 300  # characters


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the archive. `slug` is its address for good; `changed_at`: when its words were last written."""

    slug: str
    title: str
    summary: str
    at: datetime
    changed_at: datetime


def slug_of(letter: str, nominal: date | None) -> str:
    """`roof-school/five-questions`; the letter of a campaign has a page for each occasion: `news/news/2026-03-10`."""
    return letter if nominal is None else f"{letter}/{nominal.isoformat()}"


def summary_of(preheader: str, text: str) -> str:
    """What a list or a feed says about a letter: its preheader, else how it begins."""
    words = " ".join((preheader or text).split())
    return words if len(words) <= SUMMARY_MOST else words[: SUMMARY_MOST - 1].rsplit(" ", 1)[0] + "…"
