"""The public archive as feeds: RSS 2.0 and JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree import ElementTree as ET

from nurture.domain.publications import Entry

ATOM, CONTENT = "http://www.w3.org/2005/Atom", "http://purl.org/rss/1.0/modules/content/"
RSS_PATH, JSON_PATH = "/archive/feed.xml", "/archive/feed.json"
ET.register_namespace("atom", ATOM)
ET.register_namespace("content", CONTENT)
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def address_of(base: str, entry: Entry) -> str:
    return f"{base}/archive/letters/{entry.slug}"


def as_rss(base: str, title: str, about: str, language: str, items: Sequence[tuple[Entry, str]]) -> bytes:
    """`items`: entries with their content, the newest first. The address of a letter is its guid: it never changes."""
    rss = ET.Element("rss", {"version": "2.0"})
    channel = ET.SubElement(rss, "channel")
    changed = max((entry.changed_at for entry, _ in items), default=_NEVER)
    for name, text in (("title", title), ("link", f"{base}/archive"), ("description", about), ("language", language)):
        ET.SubElement(channel, name).text = text
    ET.SubElement(channel, "lastBuildDate").text = format_datetime(changed.astimezone(UTC))
    ET.SubElement(channel, f"{{{ATOM}}}link", {"href": base + RSS_PATH, "rel": "self", "type": "application/rss+xml"})
    for entry, content in items:
        item = ET.SubElement(channel, "item")
        where = address_of(base, entry)
        for name, text in (("title", entry.title), ("link", where), ("description", entry.summary)):
            ET.SubElement(item, name).text = text
        ET.SubElement(item, "guid", {"isPermaLink": "true"}).text = where
        ET.SubElement(item, "pubDate").text = format_datetime(entry.at.astimezone(UTC))
        ET.SubElement(item, f"{{{CONTENT}}}encoded").text = content
    return bytes(ET.tostring(rss, encoding="utf-8", xml_declaration=True))


def as_json(base: str, title: str, about: str, language: str, items: Sequence[tuple[Entry, str]]) -> bytes:
    """The same as JSON."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1", "title": title, "home_page_url": f"{base}/archive", "feed_url": base + JSON_PATH,
        "description": about, "language": language,
        "items": [
            {
                "id": address_of(base, entry), "url": address_of(base, entry), "title": entry.title, "summary": entry.summary,
                "content_html": content, "date_published": entry.at.astimezone(UTC).isoformat(),
                "date_modified": entry.changed_at.astimezone(UTC).isoformat(),
            }
            for entry, content in items
        ],
    }  # fmt: skip
    return json.dumps(feed, ensure_ascii=False).encode()
