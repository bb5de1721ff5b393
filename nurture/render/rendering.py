"""One person's letter from a compiled one: Jinja in the sandbox, then all marks replaced in one pass. No HTML is parsed here."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jinja2 import Template
from markupsafe import escape

from nurture.domain.errors import NurtureError
from nurture.domain.readers import Reader
from nurture.domain.scalars import clean_line
from nurture.domain.tokens import Purpose
from nurture.domain.words import Kind, Tracking
from nurture.render.linking import fill, reader_names
from nurture.render.marks import MARK
from nurture.render.sandbox import BROKEN, HTML, TEXT, run

_GAPS = re.compile(r"[ \t]*\n(?:[ \t]*\n){2,}")
_PIXEL = '<img src="{}" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">'


@dataclass(frozen=True, slots=True)
class LetterTemplate:
    """A letter version ready to be written many times; keep it by its version id."""

    kind: str
    subject: Template
    preheader: Template
    html: Template
    text: Template
    links: tuple[str, ...]
    constants: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Addressed:
    """What one delivery adds to the person. `tokens`: signed texts by purpose; a purpose left out leaves its link or pixel out.

    `data`: what a service letter was given by whoever asked for it; letters see it as `data`.
    """

    base_url: str
    tokens: Mapping[Purpose, str]
    today: date
    sender_name: str = ""
    postal_address: str = ""
    why: str = ""
    reply_to: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Line ends are `\\n`. `unsubscribe_url` is what the List-Unsubscribe header carries; None on service letters."""

    subject: str
    html: str
    text: str
    unsubscribe_url: str | None = None


def prepare(content: Mapping[str, Any], links: Sequence[str]) -> LetterTemplate:
    """Compile the four Jinja texts of a letter version; milliseconds, so keep the result. Raises NurtureError on a broken one."""
    try:
        return LetterTemplate(
            kind=str(content["kind"]),
            subject=TEXT.from_string(content["subject"]),
            preheader=TEXT.from_string(content["preheader"]),
            html=HTML.from_string(content["html"]),
            text=TEXT.from_string(content["text"]),
            links=tuple(links),
            constants={"call_to_action": content.get("call_to_action") or "", "title": content.get("title") or ""},
        )
    except BROKEN as error:
        raise broken(error) from error


def render(template: LetterTemplate, reader: Reader, addressed: Addressed) -> Rendered:
    """The letter for one person. Raises NurtureError when the template fails for them, with the reason."""
    names = _names(template, reader, addressed)
    try:
        subject = clean_line(run(template.subject, names))
        names["subject"] = subject
        names["preheader"] = clean_line(run(template.preheader, names))
        html, text = run(template.html, names), run(template.text, names)
    except BROKEN as error:
        raise broken(error) from error
    if not subject:
        raise NurtureError("The subject is empty for this person; give its merge field a default: | default('...').")
    filled_html, filled_text = _fillers(template, names, reader, addressed)
    html = MARK.sub(filled_html, html)
    text = _GAPS.sub("\n\n", MARK.sub(filled_text, text)).strip() + "\n"
    leave = names["unsubscribe_url"]
    if template.kind != Kind.SERVICE:
        _check_footer(html, text, leave, names["postal_address"])
    return Rendered(subject, html, text, leave or None)


def broken(error: Exception) -> NurtureError:
    """Advice from what the sandbox raised."""
    line = getattr(error, "lineno", None)
    place = f" (line {line})" if line else ""
    if isinstance(error, RecursionError):
        return NurtureError(f"The letter calls itself without end{place}; simplify its macros.")
    words = str(error).rstrip(".") or type(error).__name__
    return NurtureError(f"The letter cannot be written{place}: {words}.")


def _names(template: LetterTemplate, reader: Reader, addressed: Addressed) -> dict[str, Any]:
    base, tokens = addressed.base_url.rstrip("/"), addressed.tokens
    service = template.kind == Kind.SERVICE

    def url(path: str, purpose: Purpose) -> str:
        token = tokens.get(purpose)
        return f"{base}/{path}/{token}" if token else ""

    return {
        **reader_names(reader),
        **template.constants,
        "received": list(reader.received),
        "today": addressed.today,
        "why": addressed.why,
        "postal_address": ", ".join(line.strip(" ,") for line in addressed.postal_address.splitlines() if line.strip(" ,")),
        "sender_name": addressed.sender_name,
        "reply_to": addressed.reply_to,
        "unsubscribe_url": "" if service else url("u", Purpose.LEAVE),
        "preferences_url": "" if service else url("preferences", Purpose.PREFERENCES),
        "archive_url": url("archive", Purpose.ARCHIVE),
        "confirm_url": url("confirm", Purpose.CONFIRM),
        "data": dict(addressed.data),
    }


def _fillers(
    template: LetterTemplate, names: dict[str, Any], reader: Reader, addressed: Addressed
) -> tuple[Callable[[re.Match[str]], str], Callable[[re.Match[str]], str]]:
    """What stands for each mark, in the HTML and in the text: wrapped links and a pixel, or, with tracking `none`, the plain ones."""
    base = addressed.base_url.rstrip("/")
    tracked = reader.tracking is not Tracking.NONE
    click = addressed.tokens.get(Purpose.CLICK) if tracked else None
    opened = addressed.tokens.get(Purpose.OPEN) if tracked else None
    wrapped = f"{base}/c/{click}/"

    def link(n: str) -> str:
        return wrapped + n if click else fill(template.links[int(n)], names)

    def in_html(found: re.Match[str]) -> str:
        kind, value = found[1], found[2]
        if kind == "l":
            return str(escape(link(value)))
        if kind == "o":
            return _PIXEL.format(f"{base}/o/{opened}.gif") if opened else ""
        return f"{base}/media/{value}"

    def in_text(found: re.Match[str]) -> str:
        return link(found[2]) if found[1] == "l" else "" if found[1] == "o" else f"{base}/media/{found[2]}"

    return in_html, in_text


def _check_footer(html: str, text: str, leave: str, postal: str) -> None:
    """The last look: whatever conditions a letter has, nobody gets it without the way out and the sender's address."""
    if leave and (leave not in html or leave not in text):
        raise NurtureError("The letter lacks the leave link for this person; write {{ unsubscribe_url }} outside of any condition.")
    if postal and (str(escape(postal)) not in html or postal not in text):
        raise NurtureError("The letter lacks the postal address for this person; write {{ postal_address }} outside of any condition.")
