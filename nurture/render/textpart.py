"""The text part, made from the finished HTML: what a reader without pictures and colours gets. Links read "words (address)"."""

import re
from collections.abc import Callable

from selectolax.lexbor import LexborNode

from nurture.render.marks import BLOCK, PLACE

_SKIPPED = {"style", "script", "head", "title", "noscript", "template"}
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "table", "div"}
_LINES = {"li", "tr", "dt", "dd", "section", "article", "header", "footer", "figure", "figcaption", "center", "tbody", "body"}
_BLANK = " \t\r\n\f"
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


class _Writer:
    """Collects words; breaks and spaces are remembered and written only before the next word, so none is doubled."""

    def __init__(self, address: Callable[[str], str]) -> None:
        self.address = address
        self.out: list[str] = []
        self.prefix: list[str] = []
        self._breaks = 0
        self._space = False
        self._written = 2  # line ends just written; at the start of a line a space would only indent it
        self._depth = 0  # how many prefixes hold on both sides of the break

    def break_(self, lines: int) -> None:
        self._depth = min(self._depth, len(self.prefix)) if self._breaks else len(self.prefix)
        self._breaks = max(self._breaks, lines - self._written)
        self._space = False

    def _flush(self) -> None:
        if self._breaks > 0:
            blank = "\n" + "".join(self.prefix[: self._depth]).rstrip(" ")
            self.out.append(blank * (self._breaks - 1) + "\n" + "".join(self.prefix))
            self._written = self._breaks
        elif not self.out:
            self.out.append("".join(self.prefix))
        elif self._space:
            self.out.append(" ")
        self._breaks, self._space = 0, False

    def words(self, text: str) -> None:
        text = text.replace("\u00a0", " ")
        stripped = text.strip(_BLANK)
        if text[:1] in _BLANK and not self._breaks and not self._written:
            self._space = True
        if stripped:
            self._flush()
            self.out.append(re.sub(r"[ \t\r\n\f]+", " ", stripped))
            self._space, self._written = text[-1] in _BLANK, 0

    def raw(self, text: str) -> None:
        if self._breaks or self._space:
            self._flush()
        self.out.append(text)


def make_text(body: LexborNode, address: Callable[[str], str] = str) -> str:
    """Plain text of a compiled body; Jinja places and link marks stand in it where they stand in the HTML.

    `address` tells what a marked href stands for, so that a link whose words are its address is written once.
    """
    writer = _Writer(address)
    _children(body, writer)
    return "".join(writer.out).strip() + "\n"


def _children(node: LexborNode, writer: _Writer) -> None:
    for child in node.iter(include_text=True):
        _node(child, writer)


def _node(node: LexborNode, writer: _Writer) -> None:
    tag = node.tag or ""
    if node.is_text_node:
        writer.words(node.text_content or "")
    elif node.is_comment_node:
        if found := BLOCK.search(node.comment_content or ""):
            writer.raw(found[0])
    elif tag in _SKIPPED or _hidden(node):
        return
    elif tag in _INLINE:
        _INLINE[tag](node, writer)
    elif tag in _PARAGRAPHS or tag in _LINES:
        lines = 2 if tag in _PARAGRAPHS and not (tag in ("ul", "ol") and _inside_list(node)) else 1
        writer.break_(lines)
        _block(tag, node, writer)
        writer.break_(lines)
    else:
        _children(node, writer)


def _hidden(node: LexborNode) -> bool:
    return bool(_HIDDEN.search(node.attributes.get("style") or "")) or "hidden" in node.attributes


def _inside_list(node: LexborNode) -> bool:
    return node.parent is not None and node.parent.tag == "li"


def _block(tag: str, node: LexborNode, writer: _Writer) -> None:
    if tag == "blockquote":
        writer.prefix.append("> ")
        _children(node, writer)
        writer.prefix.pop()
    elif tag == "li":
        bullet = _bullet(node)
        writer.words(bullet + " ")
        writer.prefix.append(" " * (len(bullet) + 1))
        _children(node, writer)
        writer.prefix.pop()
    elif tag in ("h1", "h2"):
        start = len(writer.out)
        _children(node, writer)
        title = "".join(writer.out[start:]).strip()
        writer.break_(1)
        if title:
            writer.words(("=" if tag == "h1" else "-") * min(60, max(3, len(PLACE.sub("......", title)))))
    elif tag == "pre":
        for line in node.text().rstrip("\n").split("\n"):
            writer.raw("".join(writer.prefix) + line + "\n")
    else:
        _children(node, writer)


def _bullet(node: LexborNode) -> str:
    parent = node.parent
    if parent is None or parent.tag != "ol":
        return "-"
    siblings = list(parent.iter(include_text=True))
    if any(s.is_comment_node and BLOCK.search(s.comment_content or "") for s in siblings):
        return "-"  # written by a loop: nobody can count here
    return f"{[s.mem_id for s in siblings if s.tag == 'li'].index(node.mem_id) + 1}."


def _link(node: LexborNode, writer: _Writer) -> None:
    href = (node.attributes.get("href") or "").strip()
    words = re.sub(r"\s+", " ", node.text()).strip()
    shown = href.removeprefix("mailto:").removeprefix("tel:")
    same = words.removesuffix("/") == writer.address(href).removesuffix("/") or words.replace(" ", "") == shown
    if href.startswith("#") or not href:
        _children(node, writer)
    elif same or not (words or _has_image(node)):
        writer.words(shown)
    else:
        _children(node, writer)
        writer.words(f" ({shown})")


def _has_image(node: LexborNode) -> bool:
    return any((i.attributes.get("alt") or "").strip() for i in node.css("img"))


def _image(node: LexborNode, writer: _Writer) -> None:
    alt = (node.attributes.get("alt") or "").strip()
    if alt:
        writer.words(f"[{alt}]")


def _line_break(_node: LexborNode, writer: _Writer) -> None:
    writer.break_(1)


def _rule(_node: LexborNode, writer: _Writer) -> None:
    writer.break_(2)
    writer.words("* * *")
    writer.break_(2)


def _cell(node: LexborNode, writer: _Writer) -> None:
    before = node.prev
    while before is not None and before.tag not in ("td", "th"):
        before = before.prev
    if _is_frame(node):
        writer.break_(1)
    elif before is not None:
        writer.words(": " if before.tag == "th" and node.tag == "td" else " | ")
    _children(node, writer)


def _is_frame(node: LexborNode) -> bool:
    """A cell of a table that only lays out."""
    parent = node.parent
    while parent is not None and parent.tag != "table":
        parent = parent.parent
    return parent is not None and parent.attributes.get("role") == "presentation"


_INLINE = {"a": _link, "img": _image, "br": _line_break, "hr": _rule, "td": _cell, "th": _cell}
