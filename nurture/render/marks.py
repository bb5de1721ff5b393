"""Marks: private-use characters that stand for something else while a letter is compiled, and for links until it is rendered.

`\\U000F0000 l3 \\U000F0001` is link 3, `o` the pixel, `m<hash>` an image: kept in the compiled letter and
replaced for each person in one pass.
`\\U000F0002 e5 \\U000F0003` is the Jinja expression 5 (`b5`: control block 5): lives only during compilation, so that Markdown, the CSS
inliner and the HTML parser see letters and no syntax.
"""

import re

from jinja2 import TemplateSyntaxError

from nurture.domain.errors import NurtureError
from nurture.render.sandbox import HTML, RESERVED

LINK_OPEN, LINK_CLOSE = "\U000f0000", "\U000f0001"
_OPEN, _CLOSE = "\U000f0002", "\U000f0003"
MARK = re.compile(f"{LINK_OPEN}([a-z])([0-9a-f]*){LINK_CLOSE}")
PLACE = re.compile(f"{_OPEN}[eb][0-9]+{_CLOSE}")
BLOCK = re.compile(f"{_OPEN}b[0-9]+{_CLOSE}")
COMMENTED = re.compile(f"<!--({_OPEN}b[0-9]+{_CLOSE})-->")
_BRACES = re.compile(r"\{(?=[{%#\U000f0002])")
_STYLE = re.compile(r"(<style\b.*?</style\s*>)", re.DOTALL | re.IGNORECASE)


def mark(kind: str, value: str = "") -> str:
    return f"{LINK_OPEN}{kind}{value}{LINK_CLOSE}"


class Shelf:
    """Holds the Jinja pieces of one letter while the text around them is worked on. Raises NurtureError on broken syntax."""

    def __init__(self, where: str, known: dict[str, str] | None = None) -> None:
        self._where = where
        self._known = known or {}  # names whose value is the same for everybody: set in here, once
        self._pieces: list[str] = []

    def protect(self, source: str) -> str:
        """The source with every `{{ }}` and `{% %}` put on the shelf; comments are dropped."""
        out: list[str] = []
        piece: list[str] | None = None
        raw = False
        try:
            tokens = list(HTML.lex(RESERVED.sub("", source)))
        except TemplateSyntaxError as error:
            raise NurtureError(f"{self._where}, line {error.lineno}: {error.message}; check the braces there.") from error
        begun = 0
        for line, kind, value in tokens:
            if piece is None and kind.endswith("_begin"):
                piece, raw, begun = [value], kind == "raw_begin", line
            elif piece is None:
                out.append(value)
            else:
                piece.append(value)
                if kind == "raw_end" or (kind.endswith("_end") and not raw):
                    out.append(self._put("".join(piece), kind))
                    piece = None
        if piece is not None:
            raise NurtureError(f"{self._where}, line {begun}: what begins here with {piece[0].strip()} has no end; close the braces.")
        return "".join(out)

    def _put(self, piece: str, end: str) -> str:
        if end == "comment_end":
            return ""
        name = piece.strip("{} \t\r\n-")
        if end == "variable_end" and name in self._known:
            return self.protect(self._known[name])
        self._pieces.append(piece)
        return f"{_OPEN}{'b' if end == 'block_end' else 'e'}{len(self._pieces) - 1}{_CLOSE}"

    def restore(self, text: str) -> str:
        """The pieces back in place, nothing else changed."""
        return PLACE.sub(lambda found: self._pieces[int(found[0][2:-1])], COMMENTED.sub(r"\1", text))

    def restore_html(self, html: str) -> str:
        """As `restore`; braces that came from entities are escaped, so static words never become Jinja."""
        parts = _STYLE.split(html)
        guarded = [_BRACES.sub("{ " if i % 2 else "&#123;", part) for i, part in enumerate(parts)]
        return self.restore("".join(guarded))

    def restore_text(self, text: str) -> str:
        """As `restore_html`, for the text part, where a brace is written by Jinja itself."""
        return self.restore(_BRACES.sub(lambda _: self._brace(), text))

    def _brace(self) -> str:
        self._pieces.append("{{ '{' }}")
        return f"{_OPEN}e{len(self._pieces) - 1}{_CLOSE}"
