"""A letter as a page: only what reads, from a list of what may stand in it, so that nothing in it can act.

The page is served in a sandbox without script besides; each of the two would do alone.
"""

import re
from html import escape

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

_TAG_WORDS = """
a abbr address article b blockquote br caption center cite code col colgroup dd del dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5
h6 header hr i img ins kbd li mark ol p pre q s samp section small span strong sub sup table tbody td tfoot th thead tr u ul var
"""
_TAGS = set(_TAG_WORDS.split())
_LOOKS = {"style", "class", "align", "valign", "width", "height", "bgcolor", "dir", "lang", "title", "role"}
_ATTRIBUTES = {
    "*": _LOOKS, "a": {"href"}, "img": {"src", "alt"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"},
    "table": {"cellpadding", "cellspacing", "border"}, "ol": {"start"},
}  # fmt: skip
_PLAIN = {name: kept - _LOOKS | ({"width", "height"} if name == "img" else set()) for name, kept in _ATTRIBUTES.items()}
_SCHEMES = {"http", "https", "mailto", "tel"}
_APART = {"script", "style", "title", "textarea", "template", "noscript"}  # their words are no words of the letter
_RELATIVE = re.compile(r'(<img\b[^>]*?\bsrc=")(/media/)')
_IMPORTED = re.compile(r"@import[^;]*;?", re.IGNORECASE)
_PAGE = (
    '<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, '
    'initial-scale=1">\n<meta name="color-scheme" content="light dark">\n<title>{title}</title>\n<style>{style}</style>\n</head>\n'
    '<body style="{look}">\n{body}\n</body>\n</html>\n'
)


def as_page(html: str, base_url: str, title: str, lang: str) -> str:
    """The whole letter: its looks and styles stay, links open a page of their own, images of this house are asked for where it stands."""
    tree = _opened(html, base_url)
    style = _IMPORTED.sub("", "\n".join(node.text() for node in tree.css("style")).replace("<", ""))
    look = (tree.body.attributes.get("style") or "") if tree.body else ""
    body = nh3.clean(
        _inner(tree.body), tags=_TAGS, clean_content_tags=_APART, attributes=_ATTRIBUTES, url_schemes=_SCHEMES,
        set_tag_attribute_values={"a": {"target": "_blank"}}, link_rel="noopener noreferrer",
    )  # fmt: skip
    return _PAGE.format(lang=escape(lang), title=escape(title), style=style, look=escape(look), body=body)


def as_words(page: str, base_url: str) -> str:
    """What a feed takes of such a page: its content without looks, with whole addresses."""
    tree = LexborHTMLParser(page)
    for node in tree.css("div.preheader"):
        node.decompose()
    sheet = tree.css_first("td.sheet") or tree.body
    words = nh3.clean(
        _inner(sheet), tags=_TAGS, clean_content_tags=_APART, attributes=_PLAIN, url_schemes=_SCHEMES, link_rel="noopener noreferrer"
    )
    return _RELATIVE.sub(rf"\g<1>{base_url.rstrip('/')}\g<2>", words).strip()


def bare_words(words: str) -> str:
    """The text of such content, on one line."""
    body = LexborHTMLParser(words).body
    return " ".join(body.text(separator=" ").split()) if body else ""


def _opened(html: str, base_url: str) -> LexborHTMLParser:
    """Links that lead nowhere are taken out with their words: they were the way out, or a page, of one person."""
    tree = LexborHTMLParser(html)
    media = f"{base_url.rstrip('/')}/media/"
    for node in tree.css("a[href]"):
        if not (node.attributes.get("href") or "").strip():
            node.decompose()
    for node in tree.css("img"):
        source = node.attributes.get("src") or ""
        if source.startswith(media):
            node.attrs["src"] = "/media/" + source.removeprefix(media)
    return tree


def _inner(node: LexborNode | None) -> str:
    """What stands within, an element or text after another."""
    return "" if node is None else "".join(child.html or "" for child in node.iter(include_text=True))
