"""The quick way from a letter version to the bytes of one person's letter.

A stencil is one version under one masthead. What is the same for everybody is worked out, resolved and encoded once: names of the
workspace, conditions on them, links (marks; one token serves them all), quoted-printable. The answers to the conditions that are left
(`{% if why %}`), the language and whether the person is tracked choose a sheet (sheets.py). Whatever does not fit that plan - loops,
macros, odd characters where they would matter - is written by the general way (rendering.py), which says the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from jinja2 import nodes
from markupsafe import escape

from nurture.domain.documents import Sender
from nurture.domain.envelopes import Sign
from nurture.domain.errors import NurtureError
from nurture.domain.readers import Reader
from nurture.domain.scalars import clean_line
from nurture.domain.tokens import Purpose, TokenKey, sign_each
from nurture.domain.words import Kind, Tracking
from nurture.render.expressions import DYNAMIC, Fixed, Grammar, Occasion, Part, Say, TooRich, getter
from nurture.render.flattening import Holes, Reading
from nurture.render.linking import fill, reader_names
from nurture.render.marks import MARK, mark
from nurture.render.message import Heading, enclose, signed
from nurture.render.rendering import NEVER_IN_SERVICE, OWN_LINKS, PIXEL, Addressed, LetterTemplate, check_footer, postal_line, render
from nurture.render.sandbox import BROKEN, HTML, TEXT, printed, unmarked
from nurture.render.sheets import Sheet, cut

SHEETS = 64  # kept for one stencil; languages times answers are few
QUESTIONS = 12
MASTHEADS = 8  # kept for one template; a letter has as many as the lanes that send it
LONG = 400_000  # bytes; what is longer is written by the general way, which counts against its budget
_PURPOSES = (Purpose.LEAVE, Purpose.OPEN, Purpose.CLICK, Purpose.PREFERENCES, Purpose.ARCHIVE)
_SERVICE_PURPOSES = (Purpose.CONFIRM,)  # a service letter is not tracked and cannot be left
_LINES = ("subject", "preheader")  # in the order in which they are written: each may name those before it
_PARTS = ("text", "html")
_NOT_YET = frozenset(_LINES)


@dataclass(frozen=True, slots=True)
class Masthead:
    """What all letters of one stream share. `service`: of the kind that is not tracked and cannot be left. `key` signs the links."""

    base_url: str
    sender: Sender
    postal_address: str
    heading: Heading
    service: bool
    key: TokenKey

    @property
    def base(self) -> str:
        return self.base_url.rstrip("/")

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        return _SERVICE_PURPOSES if self.service else _PURPOSES

    @property
    def reply_to(self) -> str:
        return self.sender.reply_to or self.sender.address

    def head(self, reader: Reader, occasion: Occasion, subject: str, leave: str | None) -> bytes:
        """The header block of one letter; `leave` None: none of the headers for leaving."""
        name = reader.name or reader.first_name
        return self.heading.block(reader.email, name, subject, occasion.now, occasion.message_id, None if self.service else leave)


def stencil(template: LetterTemplate, masthead: Masthead) -> "Stencil":
    """The stencil of a template under a masthead, cut when it is first asked for."""
    found = template.stencils.get(masthead)
    if found is None:
        while len(template.stencils) >= MASTHEADS:
            del template.stencils[next(iter(template.stencils))]
        found = template.stencils[masthead] = Stencil(template, masthead)
    return cast("Stencil", found)


def write_generally(template: LetterTemplate, masthead: Masthead, reader: Reader, occasion: Occasion, sign: Sign | None = None) -> bytes:
    """The complete message by Jinja alone, within its budget. Raises NurtureError when the letter cannot be written for this person."""
    tokens = sign_each(masthead.purposes, occasion.delivery, reader.subscriber_id, occasion.version, masthead.key)
    addressed = Addressed(
        base_url=masthead.base,
        tokens={purpose: token.decode() for purpose, token in zip(masthead.purposes, tokens, strict=True)},
        today=occasion.today,
        sender_name=masthead.sender.name,
        postal_address=masthead.postal_address,
        why=occasion.why,
        reply_to=masthead.reply_to,
        data=occasion.data,
    )
    rendered = render(template, reader, addressed)
    return enclose(rendered, masthead.head(reader, occasion, rendered.subject, rendered.unsubscribe_url), sign)


@dataclass(frozen=True, slots=True)
class _Choice:
    """The sheet for one set of answers, and the two lines that it needs beforehand."""

    sheet: Sheet
    subject: Say
    preheader: Say


class Stencil:
    """One letter version under one masthead; keep it."""

    def __init__(self, template: LetterTemplate, masthead: Masthead) -> None:
        self.template, self.masthead = template, masthead
        hidden = NEVER_IN_SERVICE if template.kind == Kind.SERVICE else ()
        self.urls = {
            name: f"{masthead.base}/{path}/{_token(purpose)}" if purpose in masthead.purposes and name not in hidden else ""
            for name, (path, purpose) in OWN_LINKS.items()
        }
        self.known = {
            **template.constants,
            "postal_address": postal_line(masthead.postal_address),
            "sender_name": unmarked(masthead.sender.name),
            "reply_to": masthead.reply_to,
        }
        self.bodies = {
            "subject": TEXT.parse(template.content["subject"]).body,
            "preheader": TEXT.parse(template.content["preheader"]).body,
            "html": HTML.parse(template.content["html"]).body,
            "text": TEXT.parse(template.content["text"]).body,
        }
        self.by_locale = any(n.name == "locale" for body in self.bodies.values() for node in body for n in node.find_all(nodes.Name))
        self._leave = f"{masthead.base}/u/" if self.urls["unsubscribe_url"] else ""
        self._choices: dict[tuple[Any, ...], _Choice | None] = {}
        self._questions = self._asked()

    def write(self, reader: Reader, occasion: Occasion, sign: Sign | None = None) -> bytes:
        """The complete message, not dot-stuffed. Raises NurtureError when the letter cannot be written for this person."""
        quickly = self.write_quickly(reader, occasion, sign)
        return write_generally(self.template, self.masthead, reader, occasion, sign) if quickly is None else quickly

    def write_quickly(self, reader: Reader, occasion: Occasion, sign: Sign | None = None) -> bytes | None:
        """The message from a sheet; None where only the general way can tell what to write, or why it cannot."""
        try:
            choice = self._chosen(reader, occasion)
            if choice is None:
                return None
            occasion.subject = choice.subject(reader, occasion)
            occasion.preheader = choice.preheader(reader, occasion)
            if not occasion.subject:
                return None
            body, tokens = choice.sheet.fill(reader, occasion, self.masthead.key)
        except (TooRich, *BROKEN):
            return None
        if len(body) > LONG:
            return None
        leave = self._leave + tokens[0].decode() if self._leave else None
        return signed(self.masthead.head(reader, occasion, occasion.subject, leave), body, sign)

    def _asked(self) -> dict[str, Say] | None:
        """The questions whose answers, with the language, choose the sheet. None: this letter is not for sheets."""
        asked: dict[str, Say] = {}
        try:
            for part, body in self.bodies.items():
                asked |= self._reading(part, {}, self.known).questions(body)
        except (TooRich, *BROKEN):
            return None
        return asked if len(asked) <= QUESTIONS else None

    def _reading(self, part: str, truths: Mapping[str, bool | None], known: Mapping[str, Any]) -> Reading:
        unsaid = _NOT_YET if part == "subject" else _NOT_YET - {"subject"} if part == "preheader" else frozenset()
        return Reading(Grammar(HTML if part == "html" else TEXT, known, DYNAMIC - unsaid), self.urls, truths)

    def _chosen(self, reader: Reader, occasion: Occasion) -> _Choice | None:
        if self._questions is None:
            return None
        locale = unmarked(reader.locale) if self.by_locale else ""
        tracked = reader.tracking is not Tracking.NONE
        truths = [_answer(say, reader, occasion) for say in self._questions.values()]
        answers = (tracked, locale, *truths)
        if answers not in self._choices:
            if len(self._choices) >= SHEETS:
                return None
            try:
                self._choices[answers] = self._cut(tracked, locale, dict(zip(self._questions, truths, strict=True)))
            except (TooRich, NurtureError, *BROKEN):
                self._choices[answers] = None
        return self._choices[answers]

    def _cut(self, tracked: bool, locale: str, truths: Mapping[str, bool | None]) -> _Choice:
        """Raises TooRich, or NurtureError where the letter would lack its footer."""
        holes = Holes()
        known = self.known | ({"locale": locale} if self.by_locale else {})
        lines: dict[str, Say] = {}
        for line in _LINES:
            said = _line(self._reading(line, truths, known).text(self.bodies[line], holes), holes)
            lines[line] = getter(said)
            known |= {line: said.value} if isinstance(said, Fixed) else {}
        text, html = (
            self._linked(self._reading(part, truths, known).text(self.bodies[part], holes), part, tracked, holes) for part in _PARTS
        )
        if self.template.kind != Kind.SERVICE:
            check_footer(html, text, self.urls["unsubscribe_url"], known["postal_address"])
        return _Choice(cut(text, html, holes.says, (Purpose.LEAVE,) if self._leave else ()), lines["subject"], lines["preheader"])

    def _linked(self, text: str, part: str, tracked: bool, holes: Holes) -> str:
        """The links of a flattened part in place, wrapped or, with tracking `none`, plain; so is the pixel."""
        shown = escape if part == "html" else str
        tracks = tracked and not self.masthead.service

        def link(number: str) -> str:
            target = self.template.links[int(number)]
            if tracks:
                return f"{self.masthead.base}/c/{_token(Purpose.CLICK)}/{number}"
            return holes.place(f"link {number}", lambda r, _: fill(target, reader_names(r))) if "{" in target else target

        def resolved(found: Any) -> str:
            kind, value = found[1], found[2]
            if kind == "l":
                return str(shown(link(value)))
            if kind == "o":
                return PIXEL.format(f"{self.masthead.base}/o/{_token(Purpose.OPEN)}.gif") if tracks and part == "html" else ""
            return found[0] if kind in "th" else f"{self.masthead.base}/media/{value}"

        return MARK.sub(resolved, text)


def _answer(say: Say, reader: Reader, occasion: Occasion) -> bool | None:
    """None where the question fails for this person: it may stand where nobody asks it."""
    try:
        return bool(say(reader, occasion))
    except BROKEN:
        return None


def _line(text: str, holes: Holes) -> Part:
    """The subject or the preheader from its flattened template: one line, without marks."""
    pieces = MARK.split(text)
    if len(pieces) == 1:
        return Fixed(unmarked(clean_line(text)))
    if any(kind != "h" for kind in pieces[1::3]):
        raise TooRich("a link in a line")
    steps = [(holes.says[int(value)], behind) for value, behind in zip(pieces[2::3], pieces[3::3], strict=True)]
    start = pieces[0]

    def said(reader: Reader, occasion: Occasion) -> str:
        words = start
        for say, behind in steps:
            words += str(printed(say(reader, occasion))) + behind
        return str(unmarked(clean_line(words)))

    return said


def _token(purpose: Purpose) -> str:
    return mark("t", str(purpose.value))

