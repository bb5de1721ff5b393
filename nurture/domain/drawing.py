"""Where a campaign's letter comes from when it is not written out: a folder of letters, the library, or the items of a feed.

What an occasion draws is drawn once, when it opens, and kept: everybody gets the same, whatever happens to the folder or the feed later.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from nurture.domain.letters import Document

MOST_ITEMS = 50
_LATE = timedelta(days=1)  # items show up in feeds some hours after the moment they name
_EVER = datetime.min.replace(tzinfo=UTC)
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[-_ .]|$)")


class Folder(Document):
    """A folder under templates/ that holds letters, one file each; every occasion takes the next that no occasion before has had."""

    folder: Annotated[str, StringConstraints(pattern=r"^letters/[a-z0-9][a-z0-9_-]*$")]


Drawn = Literal["library"] | Folder


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        whole = False
    if not whole or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"{value!r} is not the address of a feed; write https://example.com/feed.xml")
    return value


def _short_form(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


class FeedSource(Document):
    """An RSS or Atom feed. `most`: how many of its newest items one letter takes."""

    url: Annotated[str, AfterValidator(_web_address)]
    most: int = Field(default=10, ge=1, le=MOST_ITEMS)


Feed = Annotated[FeedSource, BeforeValidator(_short_form)]


class Item(BaseModel):
    """One entry of a feed, as plain text. `at`: when it was published; None where the feed does not say."""

    model_config = ConfigDict(frozen=True)
    key: str
    title: str
    link: str = ""
    summary: str = ""
    at: datetime | None = None


SAMPLE = (
    Item(key="1", title="The first headline", link="https://example.com/first", summary="What it is about, in a line or two."),
    Item(key="2", title="The second headline", link="https://example.com/second", summary="And what this one is about."),
)
"""Items for a letter that is only tried out: checked when it is applied, or simulated."""


def fresh_items(items: Iterable[Item], seen: Collection[str], since: datetime | None, most: int) -> tuple[Item, ...]:
    """What is new in a feed: items that were not in it at the occasion before (`seen`, at the moment `since`), the newest first.

    A feed that changes all its keys, as after a move of the site, brings nothing back that was published before.
    """
    new = [i for i in items if i.key not in seen and (since is None or i.at is None or i.at > since - _LATE)]
    dated = sorted((i for i in new if i.at is not None), key=lambda i: i.at or _EVER, reverse=True)
    return tuple((dated + [i for i in new if i.at is None])[:most])


def date_of(file: str) -> date | None:
    """The date in front of a file's name, `2026-03-10-spring.yaml`; None where none stands there."""
    found = _DATED.match(file)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def next_in_folder(files: Sequence[tuple[str, str]], used: Collection[str], nominal: date) -> str | None:
    """The letter of a folder for an occasion of this date, None where it is dry.

    `files`: (file name, letter id); `used`: ids of letters that occasions have taken. A date in front of a file's name keeps its letter
    until that date; the newest whose date has come goes, and those of older dates are passed over for ever. Without a dated one the first
    by name goes.
    """
    dated = [(on, name, letter) for name, letter in sorted(files) if (on := date_of(name)) is not None and on <= nominal]
    newest_used = max((on for on, _, letter in dated if letter in used), default=date.min)
    free = [(on, name, letter) for on, name, letter in dated if letter not in used and on >= newest_used]
    if free:
        newest = max(on for on, _, _ in free)
        return next(letter for on, _, letter in free if on == newest)
    return next((letter for name, letter in sorted(files) if date_of(name) is None and letter not in used), None)
