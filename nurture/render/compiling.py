"""From what a marketer wrote to what is mailed, once per version: Markdown, layout, inlined styles, numbered links, the text part.

All of HTML happens here; rendering for a person is Jinja and one replacement (see rendering.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import css_inline
from selectolax.lexbor import LexborHTMLParser

from nurture.domain.drawing import Item
from nurture.domain.errors import NurtureError
from nurture.domain.letters import Letter
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose
from nurture.domain.words import Kind
from nurture.render import choices, marks
from nurture.render.choices import Choice
from nurture.render.images import Image, load_image
from nurture.render.items import write_items
from nurture.render.linking import check_link
from nurture.render.marks import BLOCK, MARK, Shelf, mark
from nurture.render.rendering import Addressed, Forward, prepare, render
from nurture.render.sources import Source, read_file, read_source
from nurture.render.textpart import make_text

CONTENT = "<!-- content -->"
_LEAVE = '<p style="font-size:13px"><a href="{{ unsubscribe_url }}">Leave these letters</a></p>'
_WHY = '{% if why %}<p style="font-size:13px">{{ why }}</p>{% endif %}'
_POSTAL = '<p style="font-size:13px">{{ postal_address }}</p>'
_OWN_LINK = re.compile(
    r"\{\{-?\s*(unsubscribe_url|preferences_url|archive_url|confirm_url|referral_url|stay_url)\s*-?\}\}"
    r"|\{\{-?\s*answer_url\s*-?\}\}(/[a-z0-9][a-z0-9._-]*)?"
)
_SAMPLE = Forward("site", "Read them too: {link}")
_LEFT_ALONE = ("mailto:", "tel:", "sms:", "#")
_ACTIVE = "script, iframe, object, embed, applet, base, link, form, input, textarea, select, meta[http-equiv=refresh]"
_TAGS = re.compile(
    r"(<!--.*?-->|<(?:style|title|textarea|script)\b.*?</(?:style|title|textarea|script)\s*>|<[A-Za-z/!](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>)",
    re.DOTALL | re.IGNORECASE,
)
_LOOPED_ROWS = re.compile(  # HTML would begin the body of a table inside the loop, and again at each turn
    rf"(<table\b[^>]*>|</thead\s*>)((?:\s|<!--{BLOCK.pattern}-->)+)(?=<tr\b)", re.IGNORECASE
)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


@dataclass(frozen=True, slots=True)
class CompiledLetter:
    """`content` is pure JSON: subject, preheader, html, text (Jinja with link marks), kind, size, call_to_action, title, and the
    question that the letter asks, if it does.

    `links` in the order of their numbers; `images` by the hash that stands in `/media/<hash>`.
    """

    content: dict[str, Any]
    links: tuple[str, ...]
    images: dict[str, Image]


@dataclass(slots=True)
class _Work:
    where: str
    kind: Kind
    shelf: Shelf
    folder: Path | None
    links: dict[str, int] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)

    def address(self, href: str) -> str:
        """The address that a numbered href stands for."""
        found = MARK.fullmatch(href)
        return next((link for link, n in self.links.items() if str(n) == found[2]), href) if found else href


def compile_letter(
    letter: Letter, templates: Path, choice: Choice | None = None, items: Sequence[Item] | None = None
) -> CompiledLetter:  # fmt: skip
    """Compile one letter; `templates` holds `letters/`, `choice`: the button that it carries whatever was written, `items`: those of its
    feed, where it has one. Raises NurtureError with advice on a template that could not be mailed.
    """
    where = f"Letter {letter.id!r}"
    if items is not None:
        letter = _with_items(letter, items, where)
    known = {"call_to_action": _action_address(letter.call_to_action)} if letter.call_to_action else {}
    shelf = Shelf(where, known)
    source = _with_choice(read_source(letter, templates, shelf, where, items), choice, shelf)
    work = _Work(where, letter.kind, shelf, source.folder)
    layout = shelf.protect(read_file(templates / "letters" / "_layout" / "layout.html", where))
    document = source.html if re.search(r"<html[\s>]", source.html, re.IGNORECASE) else layout.replace(CONTENT, source.html, 1)
    html, text = _finish(_comment_blocks(_complete(document, work), where), source.text, templates, work)
    content = {
        "subject": letter.subject,
        "preheader": letter.preheader,
        "html": html,
        "text": text,
        "kind": letter.kind.value,
        "size": letter.size.value,
        "call_to_action": known.get("call_to_action"),
        "title": letter.title,
    } | ({"question": letter.question} if letter.question else {})
    compiled = CompiledLetter(content, tuple(work.links), work.images)
    _try_out(compiled, where)
    return compiled


def _with_choice(source: Source, choice: Choice | None, shelf: Shelf) -> Source:
    if choice is None:
        return source
    button = shelf.protect(choices.in_html(choice, shelf.restore(source.html)))
    text = source.text and source.text + shelf.protect(choices.in_text(choice, shelf.restore(source.text)))
    return replace(source, html=choices.placed(source.html, button), text=text)


def _with_items(letter: Letter, items: Sequence[Item], where: str) -> Letter:
    lines = {key: getattr(letter, key) for key in ("subject", "preheader", "call_to_action") if getattr(letter, key)}
    written = {key: write_items(text, items, "line", where) for key, text in lines.items()}
    return letter.model_copy(update=written)


def _action_address(action: str | None) -> str:
    """What a link to the call to action leads to; a reply is a letter back, a question has a page."""
    if action is not None and action.startswith("question:"):
        return "{{ answer_url }}"
    return "mailto:{{ reply_to }}" if action == "reply" else action or ""


def _complete(document: str, work: _Work) -> str:
    """Every letter but service ones carries the leave link, the postal address and why its reader gets it: a document of one's own gets
    what it lacks.
    """
    if work.kind is Kind.SERVICE:
        return document
    plain = work.shelf.restore(document)
    footers = (("why", _WHY), ("postal_address", _POSTAL), ("unsubscribe_url", _LEAVE))
    missing = [line for name, line in footers if not re.search(rf"\{{[{{%][^{{}}]*\b{name}\b", plain)]
    footer = work.shelf.protect("".join(missing))
    return re.sub(r"</body\s*>|\Z", lambda end: footer + end[0], document, count=1, flags=re.IGNORECASE)


def _comment_blocks(html: str, where: str) -> str:
    """`{% if %}` between tags becomes a comment, so that a table keeps it between its rows; in a tag it may stand only in quotes."""
    parts = _TAGS.split(html)
    for i, part in enumerate(parts):
        if i % 2 == 0:
            parts[i] = BLOCK.sub(r"<!--\g<0>-->", part)
        elif not part.startswith("<!--") and part[:6].lower() not in ("<style", "<title") and BLOCK.search(_QUOTED.sub("", part)):
            raise NurtureError(f"{where}: a {{% %}} stands inside a tag; put it into a quoted attribute, or write the tag twice.")
    return _LOOPED_ROWS.sub(r"\1<tbody>\2", "".join(parts))


_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


def _finish(document: str, own_text: str | None, templates: Path, work: _Work) -> tuple[str, str]:
    tree = LexborHTMLParser(_INLINER.inline(document))
    _clean(tree)
    for anchor in tree.css("a, area"):
        href = (anchor.attributes.get("href") or "").strip()
        if href:
            anchor.attrs["href"] = _numbered(href, work)
    for picture in tree.css("img"):
        _place_image(picture, work)
    if tree.body is None:
        raise NurtureError(f"{work.where}: the letter has no body.")
    text = make_text(tree.body, work.address) if own_text is None else _own_text(own_text, templates, work)
    html = re.sub(r"</body\s*>|\Z", lambda end: mark("o") + end[0], tree.html or "", count=1)
    return work.shelf.restore_html(html), work.shelf.restore_text(text)


def _clean(tree: LexborHTMLParser) -> None:
    """What mail clients throw away anyhow, and what must not run in an archive or a preview."""
    for node in tree.css(_ACTIVE):
        node.decompose()
    for node in tree.css("*"):
        for name in [a for a in node.attributes if a.startswith("on")]:
            del node.attrs[name]


def _numbered(href: str, work: _Work) -> str:
    """The mark of a link, or the link itself where it is not wrapped: leave and preferences links, mail addresses, telephone numbers."""
    written = work.shelf.restore(href)
    if _OWN_LINK.fullmatch(written) or written.lower().startswith(_LEFT_ALONE):
        return href
    if work.kind is Kind.SERVICE and re.fullmatch(r"\{\{[^}]*\}\}", written):
        return href  # a link made for this one person by whoever asked for the letter, such as a password reset
    link = work.shelf.restore(check_link(href, work.where))
    return mark("l", str(work.links.setdefault(link, len(work.links))))


def _place_image(picture: Any, work: _Work) -> None:
    src = (picture.attributes.get("src") or "").strip()
    if picture.attributes.get("alt") is None:
        picture.attrs["alt"] = ""
    if not src or re.match(r"(https?:|cid:|data:)", src, re.IGNORECASE) or marks.PLACE.match(src):
        return
    if found := re.fullmatch(r"/media/([0-9a-f]+)", src):
        picture.attrs["src"] = mark("m", found[1])
        return
    digest, image = load_image(work.folder, src, work.where)
    work.images[digest] = image
    picture.attrs["src"] = mark("m", digest)


def _own_text(own: str, templates: Path, work: _Work) -> str:
    """The folder's letter.txt in the text layout; its addresses become the same numbered links."""
    layout = work.shelf.protect(read_file(templates / "letters" / "_layout" / "layout.txt", work.where))
    whole = layout.replace(CONTENT, own, 1)
    return re.sub(rf"https?://(?:[^\s<>()\[\]\"'{marks.LINK_OPEN}])+[^\s<>()\[\]\"'.,;:!?]", lambda url: _numbered(url[0], work), whole)


def _try_out(compiled: CompiledLetter, where: str) -> None:
    """Write it once for an invented person, so that a template that cannot be written is refused when it is defined."""
    today = date(2026, 1, 5)
    sample = Reader(1, "anna@example.com", "Anna Example", "Anna", fields={}, received=("A useful letter",))
    tokens = dict.fromkeys(Purpose, "x" * 44)
    addressed = Addressed(
        "https://example.com", tokens, today, "Example", "1 Example Street", "You joined.", "anna@example.com", forward=_SAMPLE
    )
    try:
        render(prepare(compiled.content, compiled.links), sample, addressed)
    except NurtureError as error:
        raise NurtureError(f"{where}: {error.message}", error.kind) from error
