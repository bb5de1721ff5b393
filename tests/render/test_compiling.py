"""What a marketer writes, compiled: links, blocks, pictures, the footer, and advice where it cannot be mailed."""

import json
import re
from pathlib import Path

import pytest

from nurture.domain.errors import NurtureError
from nurture.domain.letters import Letter
from nurture.domain.words import Tracking
from nurture.render.compiling import compile_letter
from nurture.render.linking import target
from tests.support.letters import BASE, POSTAL, TEMPLATES, TOKENS, a_reader, compiled, written

WHY = "You joined in January."
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


def folder_letter(tmp_path: Path, files: dict[str, str | bytes], **more: object) -> object:
    letters = tmp_path / "letters"
    (letters / "_layout").mkdir(parents=True)
    for name in ("layout.html", "layout.txt"):
        (letters / "_layout" / name).write_text((TEMPLATES / "letters" / "_layout" / name).read_text("utf-8"), "utf-8")
    (letters / "own").mkdir()
    for name, content in files.items():
        (letters / "own" / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    letter = Letter.model_validate({"id": "own", "kind": "useful", "subject": "S", "template": "letters/own"} | more)
    return compile_letter(letter, tmp_path)


def sheet(html: str) -> str:
    """The letter itself, without the frame and the inlined styles."""
    inner = html[html.index('class="sheet"') :].split(">", 1)[1].split('<td class="foot"', maxsplit=1)[0]
    return re.sub(r' style="[^"]*"', "", inner)


def test_the_content_is_pure_json_and_the_same_every_time() -> None:
    letter = compiled("Hello **{{ first_name }}**, [go](https://example.com/a)")
    assert json.loads(json.dumps(letter.content)) == letter.content
    assert compiled("Hello **{{ first_name }}**, [go](https://example.com/a)").content == letter.content
    assert set(letter.content) == {"subject", "preheader", "html", "text", "kind", "size", "call_to_action", "title"}


def test_links_are_numbered_in_order_once_each_and_wrapped() -> None:
    letter = compiled("[a](https://example.com/a?x=1&y=2) [b](http://example.com/b) [a again](https://example.com/a?x=1&amp;y=2)")
    assert letter.links == ("https://example.com/a?x=1&y=2", "http://example.com/b")
    out = written(letter)
    click = f"{BASE}/c/{TOKENS[2]}"
    assert re.findall(r'href="([^"]*)"', sheet(out.html)) == [f"{click}/0", f"{click}/1", f"{click}/0"]
    assert f"a ({click}/0) b ({click}/1) a again ({click}/0)" in out.text


def test_leaving_preferences_archive_mail_and_telephone_are_not_wrapped() -> None:
    body = "[l]({{ unsubscribe_url }}) [p]({{preferences_url}}) [a]({{ archive_url }}) [m](mailto:x@example.com) [t](tel:+49123) [h](#top)"
    letter = compiled(body)
    assert letter.links == ()
    html = sheet(written(letter).html)
    assert re.findall(r'href="([^"]*)"', html) == [
        f"{BASE}/u/leave-token", f"{BASE}/preferences/preferences-token", f"{BASE}/archive/archive-token", "mailto:x@example.com", "tel:+49123", "#top",
    ]  # fmt: skip


def test_a_link_written_by_a_macro_or_kept_in_a_name_is_wrapped() -> None:
    body = "{% macro go(x) %}[{{ x }}](https://example.com/a){% endmacro %}\n\n{{ go('Go') }}\n\n{% set y %}[Yes](https://example.com/b){% endset %}{{ y }}"
    rendered = written(compiled(body))
    assert f"Go ({BASE}/c/click-token/0)" in rendered.text
    assert f'href="{BASE}/c/click-token/1"' in rendered.html
    named = written(compiled("{{ first_name }} {{ fields.x }}"), a_reader(first_name="\U000f0000l0\U000f0001", fields={"x": ["\U000f0000o\U000f0001"]}))
    assert "l0" in named.text
    assert "/c/" not in named.html.split("Leave")[0]


def test_with_tracking_none_links_are_plain_and_there_is_no_pixel() -> None:
    letter = compiled("[a](https://example.com/a?e={{ email }}&x=1)")
    reader = a_reader(tracking=Tracking.NONE, email="b+c@example.org")
    out = written(letter, reader)
    assert "/c/" not in out.html + out.text
    assert "/o/" not in out.html
    assert 'href="https://example.com/a?e=b%2Bc%40example.org&amp;x=1"' in out.html
    assert "a (https://example.com/a?e=b%2Bc%40example.org&x=1)" in out.text
    for tracking in (Tracking.INDIVIDUAL, Tracking.AGGREGATE):
        tracked = written(letter, a_reader(tracking=tracking))
        assert tracked.html.count(f'src="{BASE}/o/open-token.gif"') == 1
        # who clicks on a link that names nobody cannot be put into its merge fields
        assert ("example.com/a?" in tracked.html + tracked.text) is (tracking is Tracking.AGGREGATE)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("www.example.com", "is not whole"),
        ("/relative", "is not whole"),
        ("//evil.example", "is not whole"),
        ("javascript:alert(1)", "of a kind that letters do not carry"),
        ("data:text/html,x", "of a kind that letters do not carry"),
        ("ftp://example.com/x", "of a kind that letters do not carry"),
        ("{{ fields.url }}", "begins with a merge field"),
        ("https://{{ fields.host }}/x", "host of a link is written out"),
        ("https://example.com{{ fields.x }}/", "host of a link is written out"),
        ("https:///x", "host of a link is written out"),
        ("https://user@evil.example/", "cannot be opened|can be opened"),
        ("https://example.com:port/", "can be opened"),
        ("https://example.com\\\\@evil.example/", "can be opened"),
    ],
)
def test_links_that_are_refused(link: str, words: str) -> None:
    with pytest.raises(NurtureError, match=words):
        compiled(f'<a href="{link}">x</a>')


def test_links_are_written_in_ascii_and_may_merge_behind_the_host() -> None:
    letter = compiled("<a href=\" https://пример.рф/путь?q=ä b&e={{ email }}#{{ fields.part | default('top') }} \">x</a>")
    link = letter.links[0]
    assert link == "https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C?q=%C3%A4%20b&e={{ email }}#{{ fields.part | default('top') }}"
    names = {"email": "a&b=c@x.org", "fields": {"part": "//evil.example/\r\nX: y"}}
    assert target(letter.links, 0, names) == (
        "https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C?q=%C3%A4%20b&e=a%26b%3Dc%40x.org#%2F%2Fevil.example%2F%0D%0AX%3A%20y"
    )
    assert target(letter.links, 0, None) == "https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C?q=%C3%A4%20b&e=#top"
    assert target(letter.links, 1, names) is None
    assert target(letter.links, -1, names) is None
    assert target(["javascript:alert(1)"], 0, None) is None
    assert (
        target(["https://x.org/?{{ broken"], 0, None) is None or target(["https://x.org/?{{ broken"], 0, None) == "https://x.org/?{{ broken"
    )


def test_control_blocks_around_html_survive() -> None:
    body = """
{% if first_name == "Bob" %}
## Only for Bob
{% else %}
## Not for Bob
{% endif %}

{% for title in received %}
- {{ title }}
{% endfor %}

<table class="facts">
{% for name, value in fields.items() %}<tr><th>{{ name }}</th>{% if value %}<td>{{ value }}</td>{% endif %}</tr>
{% endfor %}</table>

Inline {% if false %}never{% else %}always{% endif %}, <span class="{% if true %}yes{% else %}no{% endif %}">q</span>
"""
    out = written(compiled(body), a_reader(received=("One", "Two"), fields={"roof": "slate", "age": 0}))
    html = re.sub(r"\s+", " ", sheet(out.html))
    assert "<h2>Only for Bob</h2>" in html
    assert "Not for Bob" not in html + out.text
    assert "<ul> <li>One</li> <li>Two</li> </ul>" in html
    assert "<tr><th>roof</th><td>slate</td></tr> <tr><th>age</th></tr> </tbody></table>" in html
    assert 'Inline always, <span class="yes">q</span>' in html
    assert "- One\n- Two\n" in out.text
    assert "roof: slate\nage\n" in out.text
    assert "{%" not in out.html + out.text
    assert "<!--[if mso]>" in out.html


def test_expressions_are_left_alone_by_markdown_and_html() -> None:
    out = written(
        compiled("""{{ "a*b*c <i>_x_" }} and {{ fields.n | default(1) * 2 }} {{ 'it\\'s' }} **{{ first_name }}** `{{ email }}`"""),
        a_reader(fields={"n": 4}),
    )
    html = sheet(out.html)
    assert "a*b*c &lt;i&gt;_x_ and 8 it&#39;s <strong>Bob</strong> <code>bob@example.org</code>" in html
    assert "a*b*c <i>_x_ and 8 it's Bob bob@example.org" in out.text


def test_braces_that_are_no_jinja_stay_words() -> None:
    out = written(compiled("&#123;&#123; 7 * 7 }} and &#123;% if %} and {% raw %}{{ raw }}{% endraw %} and {&#35; x"))
    assert "{ 7 * 7 }}" in sheet(out.html).replace("&#123;", "{")
    assert "{{ 7 * 7 }} and {% if %} and {{ raw }} and {# x" in out.text
    assert "49" not in out.text


def test_a_block_inside_a_tag_is_refused_with_advice() -> None:
    with pytest.raises(NurtureError, match="inside a tag"):
        compiled("<p {% if true %}class='a'{% endif %}>x</p>")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Hello {{ first_name", "line 1.*no end"),
        ("Hello\n\n{{ first_name }", "line 3"),
        ("{% if x %}open", "endif|end of"),
        ("{{ x | nosuchfilter }}", "nosuchfilter"),
        ("{% include 'x' %}", "one file"),
        ("{% extends 'x' %}", "one file"),
        ("{% block a %}{% endblock %}", "one file"),
        ("{% import 'x' as y %}", "one file"),
        ("{{ 1 / 0 }}", "division"),
        ("{{ fields.price * 2 }}", r"default\(0\)"),
        ("![x](no-such.png)", "template folder"),
    ],
)
def test_broken_templates_are_refused_when_they_are_defined(body: str, words: str) -> None:
    with pytest.raises(NurtureError, match=words) as caught:
        compiled(body)
    assert "'five'" in caught.value.message


def test_a_broken_subject_is_refused() -> None:
    with pytest.raises(NurtureError, match="Letter 'five'"):
        compiled("x", subject="{{ first_name")
    with pytest.raises(NurtureError, match="subject is empty"):
        compiled("x", subject="{{ fields.nothing }}")


def test_the_button_of_a_markdown_letter() -> None:
    action = "https://example.com/five?a=1&b=2"
    alone = compiled(f"Hello\n\n[Five questions]({action})\n\nBye", call_to_action=action)
    assert '<p class="action"><a class="button" href=' in re.sub(r' style="[^"]*"', "", alone.content["html"])
    assert alone.links == (action,)
    missing = compiled("Hello", call_to_action=action, title="Read & see")
    assert missing.links == (action,)
    assert "Read &amp; see</a>" in missing.content["html"]
    inline = compiled(f"See [this]({action}) now", call_to_action=action)
    assert "button" not in sheet(inline.content["html"])
    by_name = compiled("[Go]({{ call_to_action }})", call_to_action=action)
    assert by_name.links == (action,)
    reply = written(compiled("[Answer]({{ call_to_action }})", call_to_action="reply"))
    assert 'href="mailto:anna@example.com"' in reply.html


def test_pictures_of_the_folder_become_media(tmp_path: Path) -> None:
    letter = folder_letter(
        tmp_path,
        {"letter.html": '<p><img src="roof.png" alt="A roof"><img src="https://x.org/y.png"></p><img src="roof.png">', "roof.png": PNG},
    )
    assert [(image.type, image.data) for image in letter.images.values()] == [("image/png", PNG)]  # type: ignore[attr-defined]
    digest = next(iter(letter.images))  # type: ignore[attr-defined]
    out = written(letter)  # type: ignore[arg-type]
    assert out.html.count(f'src="{BASE}/media/{digest}"') == 2
    assert 'src="https://x.org/y.png"' in out.html
    assert out.html.count("alt=") >= 3
    assert "[A roof]" in out.text


@pytest.mark.parametrize("src", ["../secret.png", "/etc/passwd", "%2e%2e/secret.png", "missing.png", "roof.svg"])
def test_pictures_outside_the_folder_are_refused(tmp_path: Path, src: str) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "secret.png").write_bytes(PNG)
    with pytest.raises(NurtureError, match="picture"):
        folder_letter(tmp_path / "x", {"letter.html": f'<img src="{src}">', "roof.svg": "<svg/>"})


def test_markdown_folder_and_own_text(tmp_path: Path) -> None:
    letter = folder_letter(
        tmp_path,
        {"letter.md": "# Hello\n\n[go](https://example.com/a)", "letter.txt": "Own words: https://example.com/a, and {{ first_name }}."},
    )
    out = written(letter)  # type: ignore[arg-type]
    assert f"Own words: {BASE}/c/click-token/0, and Bob." in out.text
    assert POSTAL in out.text
    assert f"{BASE}/u/leave-token" in out.text
    assert "<h1" in out.html


def test_a_missing_template_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(NurtureError, match=r"neither letter\.html nor letter\.md"):
        folder_letter(tmp_path, {})


def test_a_document_of_ones_own_gets_the_footer_it_lacks(tmp_path: Path) -> None:
    out = written(
        folder_letter(tmp_path, {"letter.html": "<!DOCTYPE html><html><head><title>x</title></head><body><p>Own</p></body></html>"})
    )  # type: ignore[arg-type]
    assert out.html.count(f"{BASE}/u/leave-token") == 1
    assert POSTAL in out.html
    assert POSTAL in out.text
    assert WHY in out.html
    assert WHY in out.text
    assert out.html.index(POSTAL) < out.html.index("/o/open-token.gif") < out.html.index("</body>")
    assert 'class="sheet"' not in out.html


@pytest.mark.parametrize("own", ["<p>Why not?</p>", "{{ why }}", "{% if why %}<p>{{ why | upper }}</p>{% endif %}"])
def test_why_it_comes_stands_in_it_once(tmp_path: Path, own: str) -> None:
    out = written(folder_letter(tmp_path, {"letter.html": f"<html><body>{own}</body></html>"}))  # type: ignore[arg-type]
    assert out.html.lower().count(WHY.lower()) == 1


def test_a_footer_hidden_by_a_condition_never_leaves(tmp_path: Path) -> None:
    page = "<html><body>{% if first_name != 'Bob' %}{{ unsubscribe_url }} {{ postal_address }}{% endif %}<p>Own</p></body></html>"
    letter = folder_letter(tmp_path, {"letter.html": page})
    with pytest.raises(NurtureError, match="lacks the leave link"):
        written(letter)  # type: ignore[arg-type]


def test_service_letters_have_no_way_out_and_may_carry_a_personal_link() -> None:
    letter = compiled("Reset it: [here]({{ data.url }}), confirm [there]({{ confirm_url }})", kind="service")
    out = written(letter, data={"url": "https://app.example.com/reset?t=1&u=2"})
    assert out.unsubscribe_url is None
    assert "/u/" not in out.html + out.text
    assert 'href="https://app.example.com/reset?t=1&amp;u=2"' in out.html
    assert f'href="{BASE}/confirm/confirm-token"' in out.html
    assert POSTAL in out.html


def test_what_acts_is_taken_out() -> None:
    html = written(
        compiled(
            'Hi <script>x()</script><iframe src="https://x.org"></iframe><p onclick="x()">p</p><form action="https://x.org"><input></form>'
        )
    ).html
    assert not re.search(r"<script|<iframe|onclick|<form|<input", html)
    assert "Hi" in html


def test_the_preheader_is_in_the_html_and_not_in_the_text() -> None:
    out = written(compiled("Body", preheader="Only for {{ first_name }}"))
    assert ">Only for Bob</div>" in out.html
    assert "Only for" not in out.text


def test_media_queries_stay_and_styles_are_inlined() -> None:
    html = compiled("Body").content["html"]
    assert "@media (prefers-color-scheme: dark)" in html
    assert 'class="sheet" style="background-color: #ffffff' in html
    assert html.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("folder", [p.name for p in sorted((TEMPLATES / "letters").iterdir()) if not p.name.startswith("_")])
def test_shipped_templates_compile(folder: str) -> None:
    letter = Letter.model_validate(
        {
            "id": folder,
            "kind": "useful",
            "subject": "S",
            "template": f"letters/{folder}",
            "call_to_action": "https://example.com/x",
            "title": "T",
        }
    )
    out = written(compile_letter(letter, TEMPLATES))
    assert len(out.html) < 100_000
    assert POSTAL in out.html
    assert POSTAL in out.text
