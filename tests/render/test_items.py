"""Items of a feed in a letter: written for all at once, with numbered links, and whatever a feed says stays words."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from nurture.domain.drawing import Item
from nurture.domain.errors import NurtureError
from nurture.domain.letters import Letter
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose
from nurture.render.compiling import compile_letter
from nurture.render.items import write_items
from nurture.render.rendering import Addressed, Rendered, prepare, render
from nurture.shipped import shipped

BODY = """Hello {{ first_name | default('there') }},

{% for item in items %}
**[{{ item.title }}]({{ item.link }})** of {{ item.date | date('%d.%m.') }}

{{ item.summary }}
{% endfor %}
"""
EVIL = Item(
    key="evil", title="{{ email }} {% if 1 %} <script>alert(1)</script> *bold* [x](javascript:1) </a>", link="https://example.com/a%22b?x=1&y=2",
    summary="# head\n<img src=x onerror=1> `code` {# note #} &amp; __init__", at=datetime(2026, 3, 1, tzinfo=UTC),
)  # fmt: skip
GOOD = Item(key="good", title="Nest found", link="https://example.com/nest", summary="On a roof.", at=datetime(2026, 3, 2, tzinfo=UTC))


def written(body: str, *items: Item, subject: str = "{{ items[0].title }}") -> tuple[Rendered, tuple[str, ...]]:
    letter = Letter.model_validate({"id": "n", "kind": "news", "subject": subject, "body": body, "call_to_action": "{{ items[0].link }}"})
    compiled = compile_letter(letter, shipped("templates"), items=items)
    tokens = dict.fromkeys(Purpose, "t" * 44)
    addressed = Addressed("https://letters.example", tokens, date(2026, 3, 3), "Anna", "1 Street")
    return render(prepare(compiled.content, compiled.links), Reader(1, "me@example.com", "Me", "Mia"), addressed), compiled.links


def test_each_item_gets_its_link_a_number() -> None:
    rendered, links = written(BODY, GOOD, EVIL)
    assert links == ("https://example.com/nest", "https://example.com/a%22b?x=1&y=2")
    assert "/c/" + "t" * 44 + "/1" in rendered.html
    assert rendered.subject == "Nest found"
    assert "Hello Mia" in rendered.text
    assert "of 02.03." in rendered.text


def test_what_a_feed_says_stays_words() -> None:
    rendered, _ = written(BODY, EVIL)
    assert rendered.subject == EVIL.title
    assert "me@example.com" not in rendered.html + rendered.text + rendered.subject
    assert "<script" not in rendered.html
    assert "onerror=1>" not in rendered.html
    assert "<code>" not in rendered.html
    assert "javascript:1" not in [part.split('"')[0] for part in rendered.html.split('href="')[1:]]
    for words in ("{{ email }}", "{% if 1 %}", "*bold*", "{# note #}", "__init__"):
        assert words in rendered.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{% for item in items %}{{ first_name }}{% endfor %}", "first_name stands among the items"),
        ("{% for item in items %}{% for x in items %}{% endfor %}{% endfor %}", "a loop stands inside the loop"),
        ("{% for item in items %}{{ item.title | nofilter }}{% endfor %}", "cannot be written"),
        ("{% for item in items %}{{ range(10 ** 9) }}{% endfor %}", "cannot be written"),
    ],
)
def test_a_loop_that_cannot_be_written_says_so(body: str, says: str) -> None:
    with pytest.raises(NurtureError, match=says):
        write_items(body, [GOOD], "page", "Letter 'n'")


def test_a_letter_without_items_is_left_alone(tmp_path: Path) -> None:
    assert write_items("Hello {{ first_name }}", [GOOD], "page", "x") == "Hello {{ first_name }}"
