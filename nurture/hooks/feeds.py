"""RSS and Atom to plain items, by feedparser: no entity is fetched, no markup comes through, every text is bounded."""

import html
import re
from calendar import timegm
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from selectolax.lexbor import LexborHTMLParser

from nurture.domain.drawing import Item
from nurture.domain.errors import NurtureError

_MOST = 200  # items that are looked at
_TITLE, _SUMMARY = 300, 600
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\U000f0000-\U000f0003]")
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")
_SAFE = "%/:?#@!$&+,;=~-._"


def read_items(page: bytes) -> tuple[Item, ...]:
    """The items of a feed, as they stand in it. Raises NurtureError where it is none."""
    import feedparser  # noqa: PLC0415 - only campaigns with a feed pay for it

    if _ENTITY.search(page):
        raise NurtureError("the feed defines entities of its own, which is refused; feeds need none")
    found: Any = feedparser.parse(page, sanitize_html=True, resolve_relative_uris=False)
    if not found.get("version") and not found.entries:
        raise NurtureError("there is no RSS or Atom feed at this address")
    items = [_item(entry) for entry in found.entries[:_MOST]]
    return tuple({item.key: item for item in items if item.title or item.link}.values())


def _item(entry: Any) -> Item:
    title, link = _plain(entry.get("title", ""), _TITLE), _link(entry.get("link", ""))
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    key = str(entry.get("id") or link or title)[:500]
    return Item(key=key, title=title, link=link, summary=_plain(entry.get("summary", ""), _SUMMARY), at=_moment(moment))


def _moment(parsed: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None


def _plain(text: str, most: int) -> str:
    """Words without markup, on one line."""
    tree = LexborHTMLParser(f"<body>{text[:20_000]}</body>")
    bare = tree.body.text(separator=" ") if tree.body else ""
    line = " ".join(_UNWANTED.sub(" ", html.unescape(bare)).split())
    return line if len(line) <= most else line[: most - 1].rsplit(" ", 1)[0] + "…"


def _link(address: str) -> str:
    """The address with everything percent-encoded that could end it, in Markdown or HTML; empty where it is not on the web."""
    try:
        parts = urlsplit(address.strip())
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except ValueError:  # a name that cannot be one is a UnicodeError
        return ""
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return ""
    rest = quote(address.strip()[len(parts.scheme) + 3 + len(parts.netloc) :], safe=_SAFE)
    return f"{parts.scheme}://{host}{rest}"
