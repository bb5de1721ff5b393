"""What a marketer wrote, as HTML: a Markdown body, or the letter.html or letter.md of a template folder. Its Jinja is on the shelf."""

import html as entities
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from markdown_it import MarkdownIt

from nurture.domain.drawing import Item
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.letters import Letter
from nurture.render.items import write_items
from nurture.render.marks import BLOCK, Shelf
from nurture.render.sandbox import MAX_SOURCE

_ALONE = re.compile(f"^([ \t]*)((?:{BLOCK.pattern}[ \t]*)+)$", re.MULTILINE)
_LOOPED_LIST = re.compile(
    f"(<!--{BLOCK.pattern}-->)\\s*<(ul|ol)>((?:(?!</?(?:ul|ol)>|<!--).)*)</\\2>\\s*(<!--{BLOCK.pattern}-->)", re.DOTALL
)
_ANSWER_LINK = re.compile(r"\{\{-?\s*(?:answer_url|call_to_action)\b")
_LONE_LINK = re.compile(r"<p><a href=\"([^\"]*)\">((?:(?!</a>|</p>).)*)</a></p>", re.DOTALL)


@dataclass(slots=True)
class Source:
    """`html` and `text` with their Jinja on the shelf; `folder` holds the letter's pictures."""

    html: str  # a fragment or a whole document, with its Jinja on the shelf
    text: str | None  # the folder's own letter.txt, Jinja on the shelf
    folder: Path | None


def read_file(path: Path, where: str) -> str:
    """A text file of a letter, bounded in size."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        missing = f"{where}: there is no file {path.name} in templates/letters/{path.parent.name}; add it."
        raise NurtureError(missing, ErrorKind.MISSING) from error
    except UnicodeDecodeError as error:
        raise NurtureError(f"{where}: {path.name} is not UTF-8; save it as UTF-8.") from error
    return _sized(text, where)


def _sized(text: str, where: str) -> str:
    if len(text) > MAX_SOURCE:
        raise NurtureError(f"{where}: its text is longer than {MAX_SOURCE:,} characters; shorten it.", ErrorKind.TOO_LARGE)
    return text


def read_source(letter: Letter, templates: Path, shelf: Shelf, where: str, items: Sequence[Item] | None = None) -> Source:
    """The letter as HTML. Raises NurtureError where a file is missing or the Jinja syntax is broken."""

    def kept(source: str, how: Literal["page", "line"] = "page") -> str:
        return shelf.protect(source if items is None else write_items(source, items, how, where))

    if letter.body is not None:
        return Source(_from_markdown(kept(_sized(_asking(letter.body, letter), where)), letter), None, None)
    folder = templates / (letter.template or "")
    text = folder / "letter.txt"
    own_text = kept(read_file(text, where), "line") if text.is_file() else None
    if (page := folder / "letter.html").is_file():
        return Source(kept(read_file(page, where)), own_text, folder)
    if (page := folder / "letter.md").is_file():
        return Source(_from_markdown(kept(_asking(read_file(page, where), letter)), letter), own_text, folder)
    raise NurtureError(
        f"{where}: templates/{letter.template} has neither letter.html nor letter.md; add one of them or write a body.", ErrorKind.MISSING
    )


def _asking(body: str, letter: Letter) -> str:
    """A letter that asks a question and has no link to the answers gets one, in a paragraph of its own."""
    if letter.question is None or _ANSWER_LINK.search(body):
        return body
    return f"{body.rstrip()}\n\n[{letter.title or 'Answer'}]({{{{ answer_url }}}})\n"


def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]  # check_link does it, with the merge fields in mind
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005 - called by this name; check_link judges
    return parser


_MARKDOWN = _markdown()


def _from_markdown(source: str, letter: Letter) -> str:
    """HTML of a Markdown body. Control blocks on lines of their own become comments, which Markdown and HTML both leave where they stand.

    A paragraph that is only a link to the call to action is its button; where no link leads there, a button is added.
    """
    alone = _ALONE.sub(lambda found: found[1] + BLOCK.sub(r"<!--\g<0>-->", found[2]).replace(" ", ""), source)
    html = _LOOPED_LIST.sub(r"<\2>\1\3\4</\2>", _MARKDOWN.render(alone))
    action = letter.call_to_action or ""
    if not action.startswith(("http://", "https://")):
        return html
    buttons = 0

    def button(found: re.Match[str]) -> str:
        nonlocal buttons
        if entities.unescape(found[1]) != action:
            return found[0]
        buttons += 1
        return f'<p class="action"><a class="button" href="{found[1]}">{found[2]}</a></p>'

    html = _LONE_LINK.sub(button, html)
    if not buttons and f'href="{entities.escape(action)}"' not in html and "{{" not in action:
        label = entities.escape(letter.title or "Read on")
        html += f'<p class="action"><a class="button" href="{entities.escape(action)}">{label}</a></p>\n'
    return html
