"""The text part reads like a letter somebody typed."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from nurture.render.textpart import make_text
from tests.support.letters import compiled, written


def text(html: str) -> str:
    body = LexborHTMLParser(f"<html><body>{html}</body></html>").body
    assert body is not None
    return make_text(body)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One</p><p>Two   \n words</p>", "One\n\nTwo words\n"),
        ("One<br>Two<br><br>Three", "One\nTwo\nThree\n"),
        ("<h1>Title</h1><p>x</p>", "Title\n=====\n\nx\n"),
        ("<h2>Ab</h2>x", "Ab\n---\n\nx\n"),
        ("<ul><li>a</li><li>b <b>c</b></li></ul>", "- a\n- b c\n"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b\n"),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", "- a\n  - b\n"),
        ("<p>x</p><blockquote><p>a</p><p>b</p></blockquote><p>y</p>", "x\n\n> a\n>\n> b\n\ny\n"),
        ('<a href="https://x.org/a">here</a>, then', "here (https://x.org/a), then\n"),
        ('<a href="https://x.org/a">https://x.org/a</a>', "https://x.org/a\n"),
        ('<a href="https://x.org/">https://x.org</a>', "https://x.org/\n"),
        ('<a href="mailto:a@x.org">a@x.org</a> <a href="mailto:a@x.org">write</a>', "a@x.org write (a@x.org)\n"),
        ('<a href="tel:+49123">+49 123</a>', "+49123\n"),
        ('<a href="#top">top</a>', "top\n"),
        ('<a href="https://x.org"><img src="y" alt="Roof"></a>', "[Roof] (https://x.org)\n"),
        ('<a href="https://x.org"><img src="y" alt=""></a>', "https://x.org\n"),
        ('<div style="display: none">hidden</div><p hidden>h</p><style>p{}</style>x', "x\n"),
        ("<table><tr><th>Age</th><td>9</td></tr><tr><td>a</td><td>b</td></tr></table>", "Age: 9\na | b\n"),
        ('<table role="presentation"><tr><td>a</td><td>b</td></tr></table>', "a\nb\n"),
        ("<p>a&nbsp;b</p><hr><p>c</p>", "a b\n\n* * *\n\nc\n"),
        ("a <b> b </b> c", "a b c\n"),
        ("x<span>y</span>z", "xyz\n"),
        ("<!-- remark --><p>x</p>", "x\n"),
        ("<pre>a\n  b</pre>", "a\n  b\n"),
        ("", "\n"),
    ],
)  # fmt: skip
def test_the_text(html: str, expected: str) -> None:
    assert text(html) == expected


def test_a_whole_letter_as_text() -> None:
    letter = compiled(
        "# Five questions\n\nHello {{ first_name }},\n\nread [this](https://example.com/a).\n\n- one\n- two", preheader="secret"
    )
    assert written(letter).text == (
        "Anna\n\nFive questions\n==============\n\nHello Bob,\n\nread this (https://news.example.com/c/click-token/0).\n\n- one\n- two\n\n"
        "You joined in January.\n\nAnna, 1 Slate Street, 12345 Rooftown\n\n"
        "Leave these letters (https://news.example.com/u/leave-token) · "
        "Choose what you receive (https://news.example.com/preferences/preferences-token)\n"
    )
