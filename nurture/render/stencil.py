"""The quick way from a letter version to the bytes of one person's letter.

A stencil is one version under one masthead. What is the same for everybody is worked out, resolved and encoded once: names of the
workspace, conditions on them, links (marks; one token serves them all), quoted-printable. The answers to the conditions that are left
(`{% if why %}`), the language and whether the person is tracked choose a sheet (sheets.py); what plain functions cannot say becomes an
island in it (islands.py). A letter that sets names of its own or has macros is written by the general way (rendering.py), and so is one
that fails: both ways say the same.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from jinja2 import nodes
from markupsafe import escape

from nurture.domain.envelopes import Sign
from nurture.domain.errors import NurtureError
from nurture.domain.readers import Reader
from nurture.domain.scalars import clean_line
from nurture.domain.tokens import Purpose
from nurture.domain.words import Kind, Tracking
from nurture.render.expressions import DYNAMIC, Fixed, Grammar, Part, Say, TooRich, getter
from nurture.render.flattening import Holes, Reading, stand_alone
from nurture.render.islands import island
from nurture.render.linking import fill, reader_names
from nurture.render.marks import MARK, mark
from nurture.render.masthead import Masthead, write_generally
from nurture.render.message import signed
from nurture.render.occasions import Occasion
from nurture.render.rendering import PIXEL, LetterTemplate, check_footer, own_links, postal_line
from nurture.render.sandbox import BROKEN, HTML, TEXT, unmarked, words_of
from nurture.render.sheets import Sheet, cut

SHEETS = 64  # kept for one stencil; languages times answers are few
QUESTIONS = 12
MASTHEADS = 8  # kept for one template; a letter has as many as the lanes that send it
LONG = 400_000  # bytes; what is longer is written by the general way, which counts against its budget
_SOME_TOKEN = "T" * 44  # as long as all are
_LINES = ("subject", "preheader")  # in the order in which they are written: each may name those before it
_PARTS = ("text", "html")
_NOT_YET = frozenset(_LINES)
_Truths = Mapping[str, bool | None]


@dataclass(frozen=True, slots=True)
class _Choice:
    """The sheet for one set of answers, and the two lines that it needs beforehand."""

    sheet: Sheet
    subject: Say
    preheader: Say


@dataclass(frozen=True, slots=True)
class _Counting:
    """Whether links and pixel count on a sheet; `of_all`: by tokens that name nobody and are the same for all who get it."""

    links: bool
    of_all: Mapping[Purpose, str] | None = None

    def wraps(self, link: str) -> bool:
        """A merge field is filled for the person who clicks: where the token names nobody such a link stays plain."""
        return self.links and not (self.of_all and "{" in link)


class Stencil:
    """One letter version under one masthead; keep it."""

    def __init__(self, template: LetterTemplate, masthead: Masthead) -> None:
        self.template, self.masthead = template, masthead
        self.urls = own_links(
            template.kind, masthead.base, lambda purpose: _token(purpose) if purpose in masthead.purposes else "", masthead.forward
        )
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
        self._leave = masthead.heading.leave(MARK.sub(_SOME_TOKEN, self.urls["unsubscribe_url"])).partition(_SOME_TOKEN.encode())
        self._chunks: dict[bytes, bytes] = {}
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
            pieces, tokens = choice.sheet.fill(reader, occasion, self.masthead.key)
        except (TooRich, *BROKEN):
            return None
        before, can_leave, behind = self._leave
        leave = before + tokens[0] + behind if can_leave else b""
        message = signed(self.masthead.head(reader, occasion, occasion.subject, leave), pieces, sign)
        return message if len(message) <= LONG else None

    def _asked(self) -> dict[str, Say] | None:
        """The questions whose answers, with the language, choose the sheet. None: this letter is not for sheets."""
        asked: dict[str, Say] = {}
        for part, body in self.bodies.items():
            if not stand_alone(body):
                return None
            asked |= Reading(self._grammar(part, self.known), self.urls).questions(body)
        return asked if len(asked) <= QUESTIONS else None

    def _grammar(self, part: str, known: Mapping[str, Any]) -> Grammar:
        unsaid = _NOT_YET if part == "subject" else _NOT_YET - {"subject"} if part == "preheader" else frozenset()
        return Grammar(HTML if part == "html" else TEXT, known, DYNAMIC - unsaid)

    def _chosen(self, reader: Reader, occasion: Occasion) -> _Choice | None:
        if self._questions is None:
            return None
        locale = unmarked(reader.locale) if self.by_locale else ""
        tracking = reader.tracking
        truths = [_answer(say, reader, occasion) for say in self._questions.values()]
        answers = (tracking, occasion.version if tracking is Tracking.AGGREGATE else 0, locale, *truths)
        found = self._choices.get(answers)
        if found is None and answers not in self._choices and len(self._choices) < SHEETS:
            try:
                counts = self._counting(tracking, occasion.version)
                found = self._cut(counts, locale, dict(zip(self._questions, truths, strict=True)))
            except (TooRich, NurtureError, *BROKEN):
                found = None
            self._choices[answers] = found
        return found

    def _counting(self, tracking: Tracking, version: int) -> _Counting:
        """What a sheet for people who allow this much counts."""
        if tracking is Tracking.NONE or self.masthead.service:
            return _Counting(links=False)
        return _Counting(links=True, of_all=self.masthead.tokens_of_nobody(version) if tracking is Tracking.AGGREGATE else None)

    def _cut(self, counts: _Counting, locale: str, truths: _Truths) -> _Choice:
        """Raises TooRich, or NurtureError where the letter would lack its footer."""
        holes = Holes()
        known = self.known | ({"locale": locale} if self.by_locale else {})
        lines: dict[str, Say] = {}
        for line in _LINES:
            said = _line(Reading(self._grammar(line, known), self.urls, truths).text(self.bodies[line], holes), holes)
            lines[line] = getter(said)
            known |= {line: said.value} if isinstance(said, Fixed) else {}
        wanted = {Purpose.LEAVE: None} if self.urls["unsubscribe_url"] else {}
        text, html = (self._flat(part, counts, known, truths, holes, wanted) for part in _PARTS)
        if self.template.kind != Kind.SERVICE:
            check_footer(html, text, self.urls["unsubscribe_url"], known["postal_address"])
        return _Choice(cut(text, html, holes, [*wanted], self._chunks), lines["subject"], lines["preheader"])

    def _flat(
        self, part: str, counts: _Counting, known: Mapping[str, Any], truths: _Truths, holes: Holes, wanted: dict[Purpose, None]
    ) -> str:  # fmt: skip
        """One part, links and the pixel resolved: wrapped, or plain where nothing `counts` them. `wanted` takes what islands use."""
        grammar = self._grammar(part, known)

        def finish(text: str, reader: Reader, token: Callable[[Purpose], str]) -> str:
            return self._resolved(text, part, counts, token, lambda n: fill(self.template.links[n], reader_names(reader)))

        def apart(node: nodes.Node) -> Say:
            whole = "".join([data.data for data in node.find_all(nodes.TemplateData)])
            whole += "".join(self.urls.get(name.name, "") for name in node.find_all(nodes.Name))
            self._resolved(whole, part, counts, lambda purpose: wanted.setdefault(purpose) or "", lambda _: "")
            return island(node, grammar.environment, known, self.urls, finish)

        def later(number: int) -> str:
            link = self.template.links[number]
            return holes.place(f"link {number}", lambda r, _: fill(link, reader_names(r))) if "{" in link else link

        text = Reading(grammar, self.urls, truths, apart).text(self.bodies[part], holes)
        return self._resolved(text, part, counts, _token, later)

    def _resolved(
        self, text: str, part: str, counts: _Counting, token: Callable[[Purpose], str], plain: Callable[[int], str]
    ) -> str:  # fmt: skip
        """What stands for each mark; holes stay."""
        shown, base = escape if part == "html" else str, self.masthead.base
        counted = counts.of_all.__getitem__ if counts.of_all else token

        def resolved(found: re.Match[str]) -> str:
            kind, value = found[1], found[2]
            if kind == "l":
                wraps = counts.wraps(self.template.links[int(value)])
                return str(shown(f"{base}/c/{counted(Purpose.CLICK)}/{value}" if wraps else plain(int(value))))
            if kind == "o":
                return PIXEL.format(f"{base}/o/{counted(Purpose.OPEN)}.gif") if counts.links and part == "html" else ""
            if kind == "t":
                return token(Purpose(int(value)))
            return found[0] if kind == "h" else f"{base}/media/{value}"

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
            words += words_of(say(reader, occasion)) + behind
        return str(unmarked(clean_line(words)))

    return said


def _token(purpose: Purpose) -> str:
    return mark("t", str(purpose.value))


def stencil(template: LetterTemplate, masthead: Masthead) -> "Stencil":
    """The stencil of a template under a masthead, cut when it is first asked for."""
    found = template.stencils.get(masthead)
    if found is None:
        while len(template.stencils) >= MASTHEADS:
            del template.stencils[next(iter(template.stencils))]
        found = template.stencils[masthead] = Stencil(template, masthead)
    return cast("Stencil", found)
