"""A letter as a page: what may stand in it is listed, so what is not listed is gone, whatever it is."""

import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from nurture.render.reading import as_page, as_words, bare_words
from tests.support.naughty import NAUGHTY

BASE = "https://letters.example.com"
ACTS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg><script>alert(1)</script></svg>", "<math><a xlink:href=javascript:alert(1)>x</a></math>",
    "<a href='java\tscript:alert(1)'>x</a>", "<a href=data:text/html,x>x</a>", "<a href=vbscript:x>x</a>", "<iframe src=/people></iframe>", "<object data=x></object>",
    "<form action=/logout><input name=a><button>x</button></form>", "<base href=//evil.example/>", "<meta http-equiv=refresh content=0>", "<link rel=stylesheet href=//evil.example>",
    "<video src=x onplay=alert(1)></video>", "<style></style><script>alert(1)</script>", "<style>@import '//evil.example';p{}</style>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><img src=x onerror=alert(1)></template>", "<textarea></textarea><img src=x onerror=alert(1)>", "<p style='x' autofocus onfocus=alert(1)>", "<details ontoggle=alert(1) open>", "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
]  # fmt: skip


@pytest.mark.parametrize("acting", [*ACTS, *NAUGHTY])
def test_nothing_that_acts_is_left(acting: str) -> None:
    html = f'<html><head><style>p {{ color: red }}</style>{acting}</head><body style="color:blue" onload=alert(1)>{acting}<p>Words</p>{acting}</body></html>'
    page = as_page(html, BASE, f"A {acting}", 'en"><script>')
    for made in (page, as_words(page, BASE)):
        tree = LexborHTMLParser(made)
        assert tree.css("script, iframe, object, embed, form, input, button, base, link, meta[http-equiv], svg, math, video, textarea, template, noscript") == []
        for node in tree.css("*"):
            assert not [name for name in node.attributes if name.startswith("on") or name in ("xlink:href", "srcdoc", "formaction", "action")]
            for name in ("href", "src"):
                assert re.match(r"https?:|mailto:|tel:|/|[^:]*$", (node.attributes.get(name) or "").strip()), node.html
        assert not any("@import" in node.text() for node in tree.css("style"))
    assert "Words" in bare_words(as_words(page, BASE))


def test_looks_links_and_images_stay() -> None:
    html = f"""<html><head><style>@media (max-width: 9px) {{ p {{ margin: 0 }} }}</style></head><body style="color: blue"><div class="preheader">Before</div><table><tr><td class="sheet" bgcolor="#fff" style="padding: 4px">
    <h1 style="color: red">Title</h1><a href="https://example.com/a?b=1&amp;c=2">Go</a> <a href="">Leave</a> <a id="here">Here</a> <a href="tel:+49123">Call</a>
    <img src="{BASE}/media/abc" alt="A roof" width="10"><img src="https://img.example.com/b.png" alt=""></td></tr></table></body></html>"""
    page = as_page(html, f"{BASE}/", "Title", "de")
    for kept in ('lang="de"', "@media (max-width: 9px)", 'style="color: red"', 'bgcolor="#fff"', '<body style="color: blue">', 'src="/media/abc"', 'src="https://img.example.com/b.png"', "Here", "tel:+49123", 'target="_blank"', 'rel="noopener noreferrer"'):
        assert kept in page, kept
    assert "Leave" not in page
    words = as_words(page, f"{BASE}/")
    assert f'src="{BASE}/media/abc"' in words
    assert 'href="https://example.com/a?b=1&amp;c=2"' in words
    for gone in ("style=", "Before", "bgcolor", "class="):
        assert gone not in words, gone
    assert bare_words(words) == "Title Go Here Call"
