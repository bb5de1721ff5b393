"""The items of a feed, written into a letter's source before it is compiled: the same for everybody, and each link gets its number.

What a feed says is a stranger's: every character that could be markup, Markdown or Jinja is written as an entity.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

from jinja2 import TemplateSyntaxError, meta

from nurture.domain.drawing import Item
from nurture.domain.errors import NurtureError
from nurture.render.sandbox import BROKEN, LetterEnvironment, printed, run

_LOOP = re.compile(r"\{%-?\s*for\s+(\w+)\s+in\s+items\b.*?%\}(.*?)\{%-?\s*endfor\s*-?%\}", re.DOTALL)
_FIELD = re.compile(r"\{\{[^{}]*\bitems\b[^{}]*\}\}")
_INNER = re.compile(r"\{%-?\s*for\b")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_OPENING = re.compile(r"\{")
_BUILT_IN = {"items", "loop", "range", "namespace"}


class _Link(str):
    """An address that is safe as it stands."""

    __slots__ = ()


def _marked_up(value: Any) -> str:
    if isinstance(value, _Link):
        return str(value)
    return _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", str(printed(value)))


def _in_words(value: Any) -> str:
    return _OPENING.sub("{{ '{' }}", str(printed(value)))


_WRITERS = {
    "page": LetterEnvironment(autoescape=False, finalize=_marked_up),
    "line": LetterEnvironment(autoescape=False, finalize=_in_words),
}


def write_items(source: str, items: Sequence[Item], how: Literal["page", "line"], where: str) -> str:
    """The source with every loop over `items`, and every field that names them, written out; all else stays Jinja.

    `page`: Markdown or HTML; `line`: plain text, a subject. Raises NurtureError where such a loop is broken or asks for the reader.
    """
    if "items" not in source:
        return source
    names = {"items": [_shown(item) for item in items]}

    def written(piece: str, own: set[str]) -> str:
        try:
            foreign = meta.find_undeclared_variables(_WRITERS[how].parse(piece)) - _BUILT_IN - own
            if foreign:
                advice = "which are the same for every reader; write it outside of them."
                raise NurtureError(f"{where}: {min(foreign)} stands among the items, {advice}")
            return run(_WRITERS[how].from_string(piece), names)
        except TemplateSyntaxError as error:
            raise NurtureError(f"{where}: the items cannot be written: {error.message}.") from error
        except BROKEN as error:
            raise NurtureError(f"{where}: the items cannot be written: {error}.") from error

    def loop(found: re.Match[str]) -> str:
        if _INNER.search(found[2]):
            raise NurtureError(f"{where}: a loop stands inside the loop over items; write one loop after the other.")
        return written(found[0], {found[1]})

    return _FIELD.sub(lambda found: written(found[0], set()), _LOOP.sub(loop, source))


def _shown(item: Item) -> dict[str, Any]:
    return {"title": item.title, "link": _Link(item.link), "summary": item.summary, "date": item.at.date() if item.at else None}
