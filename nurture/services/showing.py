"""One letter as its reader sees it: the bytes that were captured, else written anew from its version; made harmless to look at.

Looking must never count: no pixel, no link that leads to a click, no script.
"""

from dataclasses import dataclass
from datetime import date, datetime
from email import policy as mail_policy
from email.message import EmailMessage
from email.parser import BytesParser
from html import escape
from pathlib import Path
from typing import Literal

from selectolax.lexbor import LexborHTMLParser

from nurture.domain.documents import Policy
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.tokens import Purpose
from nurture.mail.capture import read_captured
from nurture.render.rendering import Addressed, prepare, render
from nurture.store.browsing import LetterLine, find_letter
from nurture.store.database import Database
from nurture.store.documents import load_letter_versions, load_policy
from nurture.store.subscribers import readers

_UNWANTED = "script, iframe, object, embed, form, base, link, meta[http-equiv]"
_NOWHERE = dict.fromkeys((Purpose.LEAVE, Purpose.PREFERENCES), "preview")


@dataclass(frozen=True, slots=True)
class Shown:
    """`source`: captured (the very bytes) or rendered (written anew from the version it left in)."""

    line: LetterLine
    subject: str
    html: str
    source: Literal["captured", "rendered"]


async def find(db: Database, delivery: int) -> LetterLine:
    """The delivery's line; raises MISSING."""
    async with db.read() as tx:
        line = await find_letter(tx, delivery)
    if line is None:
        raise NurtureError(f"there is no letter {delivery}; it stands under Letters if it was ever planned", ErrorKind.MISSING)
    return line


async def show(db: Database, delivery: int, captured: Path, base_url: str, now: datetime) -> Shown:
    """The letter's HTML, safe to frame. Raises MISSING where there is no such delivery or its version is gone."""
    line = await find(db, delivery)
    raw = read_captured(captured, delivery)
    if raw is not None:
        subject, html = _parse(raw)
        return Shown(line, subject, harmless(html, base_url), "captured")
    async with db.read() as tx:
        policy = await load_policy(tx)
        version = (await load_letter_versions(tx, [line.version_id])).get(line.version_id)
        reader = (await readers(tx, [line.subscriber_id], now)).get(line.subscriber_id)
    if version is None or reader is None:
        raise NurtureError("this letter cannot be shown any more: its text or its reader was erased", ErrorKind.MISSING)
    day = (line.accepted_at or now).date()
    rendered = render(prepare(version.content, version.links), reader, _addressed(policy, base_url, day))
    return Shown(line, rendered.subject, harmless(rendered.html, base_url), "rendered")


def _addressed(policy: Policy, base_url: str, day: date) -> Addressed:
    sender = policy.sender
    return Addressed(
        base_url=base_url, tokens=_NOWHERE, today=day, sender_name=sender.name if sender else "", postal_address=policy.postal_address or ""
    )


def _parse(raw: bytes) -> tuple[str, str]:
    """Subject and HTML of a message; a text alone is set in a plain page."""
    message = BytesParser(EmailMessage, policy=mail_policy.default).parsebytes(raw)
    body = message.get_body(("html", "plain"))
    content = str(body.get_content()) if body else ""
    if body is None or body.get_content_type() != "text/html":
        content = f"<!doctype html><pre>{escape(content)}</pre>"
    return str(message["subject"] or ""), content


def harmless(html: str, base_url: str) -> str:
    """The same page with nothing in it that acts: no script or form, no pixel, links that lead nowhere; images from this house only."""
    tree = LexborHTMLParser(html)
    for node in tree.css(_UNWANTED):
        node.decompose()
    for node in tree.css("a, area"):
        target = node.attributes.get("href") or ""
        if "href" in node.attributes:
            del node.attrs["href"]
            node.attrs["title"] = target[:200]
    base = base_url.rstrip("/")
    for node in tree.css("img"):
        source = node.attributes.get("src") or ""
        if source.startswith(f"{base}/o/"):
            node.decompose()
        elif source.startswith(f"{base}/media/"):
            node.attrs["src"] = source.removeprefix(base)
    return str(tree.html or "")
