"""One person's letter from a compiled one: Jinja in the sandbox, then all marks replaced in one pass. No HTML is parsed here.

This is the general way, for previews and for letters or people that the quick one (stencil.py) leaves to it; a test holds both equal.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from jinja2 import Template
from markupsafe import escape

from nurture.domain.errors import NurtureError
from nurture.domain.readers import Reader
from nurture.domain.recommending import forward_text
from nurture.domain.scalars import clean_line
from nurture.domain.tokens import Purpose
from nurture.domain.words import Kind, Tracking
from nurture.render.linking import fill, reader_names
from nurture.render.marks import MARK
from nurture.render.sandbox import BROKEN, HTML, TEXT, run, unmarked

GAPS = re.compile(r"[ \t]*\n(?:[ \t]*\n){2,}")
_OBJECT = re.compile(r"<.* at 0x[0-9a-f]+>")  # the machine's own words for an object, with its place in memory
OWN_LINKS = {
    "unsubscribe_url": ("u", Purpose.LEAVE),
    "preferences_url": ("preferences", Purpose.PREFERENCES),
    "archive_url": ("archive", Purpose.ARCHIVE),
    "confirm_url": ("confirm", Purpose.CONFIRM),
    "answer_url": ("a", Purpose.ANSWER),
    "stay_url": ("stay", Purpose.PREFERENCES),  # whoever may choose their letters may choose to have them
}
"""Names of a letter that are signed links: the path under the base address and the purpose of the token."""
NEVER_IN_SERVICE = ("unsubscribe_url", "preferences_url", "stay_url", "referral_url", "forward_text")
PIXEL = '<img src="{}" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">'


@dataclass(frozen=True, slots=True)
class LetterTemplate:
    """A letter version ready to be written many times; keep it by its version id. `content` is what compile_letter stored.

    `stencils`: those cut from it so far (see stencil.py), by masthead.
    """

    content: Mapping[str, Any]
    kind: str
    subject: Template
    preheader: Template
    html: Template
    text: Template
    links: tuple[str, ...]
    constants: Mapping[str, str]
    stencils: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


class Forward(NamedTuple):
    """What readers pass on: the form that their own link leads to, and the words around it."""

    form: str
    text: str


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
    forward: Forward | None = None


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
            content=content,
            kind=str(content["kind"]),
            subject=TEXT.from_string(content["subject"]),
            preheader=TEXT.from_string(content["preheader"]),
            html=HTML.from_string(content["html"]),
            text=TEXT.from_string(content["text"]),
            links=tuple(links),
            constants={name: unmarked(content.get(name) or "") for name in ("call_to_action", "title")},
        )
    except BROKEN as error:
        raise broken(error) from error


def render(template: LetterTemplate, reader: Reader, addressed: Addressed) -> Rendered:
    """The letter for one person. Raises NurtureError when the template fails for them, with the reason."""
    names = _names(template, reader, addressed)
    try:
        names["subject"] = subject = unmarked(clean_line(run(template.subject, names)))
        names["preheader"] = unmarked(clean_line(run(template.preheader, names)))
        html, text = run(template.html, names), run(template.text, names)
    except BROKEN as error:
        raise broken(error) from error
    if not subject:
        raise NurtureError("The subject is empty for this person; give its merge field a default: | default('...').")
    filled_html, filled_text = _fillers(template, reader, addressed)
    html = MARK.sub(filled_html, html)
    text = GAPS.sub("\n\n", MARK.sub(filled_text, text)).strip() + "\n"
    leave = names["unsubscribe_url"]
    if template.kind != Kind.SERVICE:
        check_footer(html, text, leave, names["postal_address"])
    return Rendered(subject, html, text, leave or None)


def broken(error: Exception) -> NurtureError:
    """Advice from what the sandbox raised."""
    line = getattr(error, "lineno", None)
    place = f" (line {line})" if line else ""
    if isinstance(error, RecursionError):
        return NurtureError(f"The letter calls itself without end{place}; simplify its macros.")
    words = _OBJECT.sub("what is called here", str(error)).rstrip(".") or type(error).__name__
    return NurtureError(f"The letter cannot be written{place}: {words}.")


def postal_line(address: str) -> str:
    """The postal address of the policy, as letters print it: on one line."""
    return str(unmarked(", ".join(line.strip(" ,") for line in address.splitlines() if line.strip(" ,"))))


def own_links(kind: str, base: str, token: Callable[[Purpose], str], forward: Forward | None) -> dict[str, str]:
    """The links that are one person's own, by their names, and the text to pass on; empty where there is no token for one."""
    links = {name: f"{base}/{path}/{found}" if (found := token(purpose)) else "" for name, (path, purpose) in OWN_LINKS.items()}
    own = f"{base}/subscribe/{forward.form}?r={found}" if forward and (found := token(Purpose.REFERRAL)) else ""
    links |= {"referral_url": own, "forward_text": forward_text(unmarked(forward.text), own) if forward and own else ""}
    return links | (dict.fromkeys(NEVER_IN_SERVICE, "") if kind == Kind.SERVICE else {})


def _names(template: LetterTemplate, reader: Reader, addressed: Addressed) -> dict[str, Any]:
    links = own_links(template.kind, addressed.base_url.rstrip("/"), lambda purpose: addressed.tokens.get(purpose, ""), addressed.forward)
    return {
        **reader_names(reader),
        **template.constants,
        **links,
        "received": unmarked(list(reader.received)),
        "today": addressed.today,
        "why": unmarked(addressed.why),
        "postal_address": postal_line(addressed.postal_address),
        "sender_name": unmarked(addressed.sender_name),
        "reply_to": addressed.reply_to,
        "data": unmarked(dict(addressed.data)),
    }


def _fillers(
    template: LetterTemplate, reader: Reader, addressed: Addressed
) -> tuple[Callable[[re.Match[str]], str], Callable[[re.Match[str]], str]]:
    """What stands for each mark, in the HTML and in the text: wrapped links and a pixel, or, with tracking `none`, the plain ones.

    With `aggregate` the tokens name nobody, so a link with a merge field, which is filled for the person who clicks, is plain as well.
    """
    base = addressed.base_url.rstrip("/")
    tracked, named = reader.tracking is not Tracking.NONE, reader.tracking is Tracking.INDIVIDUAL
    click = addressed.tokens.get(Purpose.CLICK) if tracked else None
    opened = addressed.tokens.get(Purpose.OPEN) if tracked else None
    wrapped = f"{base}/c/{click}/"

    def link(n: str) -> str:
        written = template.links[int(n)]
        return wrapped + n if click and (named or "{" not in written) else fill(written, reader_names(reader))

    def in_html(found: re.Match[str]) -> str:
        kind, value = found[1], found[2]
        if kind == "l":
            return str(escape(link(value)))
        if kind == "o":
            return PIXEL.format(f"{base}/o/{opened}.gif") if opened else ""
        return f"{base}/media/{value}"

    def in_text(found: re.Match[str]) -> str:
        return link(found[2]) if found[1] == "l" else "" if found[1] == "o" else f"{base}/media/{found[2]}"

    return in_html, in_text


def check_footer(html: str, text: str, leave: str, postal: str) -> None:
    """The last look: whatever conditions a letter has, nobody gets it without the way out and the sender's address."""
    if leave and (leave not in html or leave not in text):
        raise NurtureError("The letter lacks the leave link for this person; write {{ unsubscribe_url }} outside of any condition.")
    if postal and (str(escape(postal)) not in html or postal not in text):
        raise NurtureError("The letter lacks the postal address for this person; write {{ postal_address }} outside of any condition.")
