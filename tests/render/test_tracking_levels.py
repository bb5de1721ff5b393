"""What each permission puts on the wire: tokens that count people, tokens that count letters alone, or none at all."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from urllib.parse import quote

import pytest

from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose, Token, read
from nurture.domain.words import Tracking
from nurture.render.masthead import write_generally
from nurture.render.rendering import Forward
from nurture.render.stencil import Stencil
from tests.render.test_compiling import compiled
from tests.render.test_stencil import BASE, KEY, LETTERS, both, decoded, occasion, shipped, stencil_of

LINKED = """
[Go](https://example.com/a?x=1) [Mine](https://example.com/b?who={{ email }}) [Go again](https://example.com/a?x=1)

{% for n in range(2) %}[Row {{ n }}](https://example.com/c){% endfor %} [View]({{ archive_url }}) [Choose]({{ preferences_url }})
"""
NAMES = [*LETTERS, "linked", "service"]
WAYS: dict[str, Callable[[Stencil, Reader], bytes]] = {
    "quick": lambda s, r: s.write_quickly(r, occasion()) or b"",
    "general": lambda s, r: write_generally(s.template, s.masthead, r, occasion()),
}
OF_THE_PERSON = {Purpose.LEAVE, Purpose.PREFERENCES, Purpose.ARCHIVE, Purpose.ANSWER}  # doors that the reader opens, none counts by itself


@cache
def stencil(name: str) -> Stencil:
    if name in LETTERS:
        return shipped(name)
    return stencil_of(compiled(LINKED)) if name == "linked" else stencil_of(compiled(LINKED, kind="service"), service=True)


def found(name: str, way: str, tracking: Tracking) -> tuple[str, list[Token]]:
    """The letter as decoded, and every token in it, whatever it is for; the header block is looked through as well."""
    head, parts = decoded(WAYS[way](stencil(name), Reader(7, "bob@example.org", "Bob Roof", "Bob", tracking=tracking, received=("One", "Two"))))
    words = head.decode() + "".join(part.decode() for part in parts)
    assert "Bob" in words or "bob" in words
    tokens = [read(text, purpose, [KEY]) for text in re.findall(r"[A-Za-z0-9_-]{44}", words) for purpose in Purpose]
    return words, [token for token in tokens if token]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_with_none_nothing_in_the_letter_counts(name: str, way: str) -> None:
    words, tokens = found(name, way, Tracking.NONE)
    assert {token.purpose for token in tokens} <= OF_THE_PERSON
    assert "/o/" not in words.replace("https://example.com/o/", "")
    assert not re.search(r"/c/[A-Za-z0-9_-]{8}", words)
    assert 'width="1"' not in words


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_with_aggregate_what_counts_names_nobody(name: str, way: str) -> None:
    _, tokens = found(name, way, Tracking.AGGREGATE)
    counting = {token for token in tokens if token.purpose in (Purpose.OPEN, Purpose.CLICK)}
    assert {(t.subscriber, t.delivery, t.version) for t in counting} <= {(0, 0, 3)}
    assert bool(counting) is (name != "service")
    assert {(t.subscriber, t.delivery) for t in tokens if t.purpose in OF_THE_PERSON} <= {(7, 9)}
    _, of_another = found(name, way, Tracking.INDIVIDUAL)
    named = [t for t in of_another if t.purpose in (Purpose.OPEN, Purpose.CLICK)]
    assert {(t.subscriber, t.delivery) for t in named} == ({(7, 9)} if name != "service" else set())


def test_a_link_filled_for_whoever_clicks_is_plain_where_nobody_is_named() -> None:
    for way in WAYS:
        words, _ = found("linked", way, Tracking.AGGREGATE)
        assert "https://example.com/b?who=bob%40example.org" in words
        assert "https://example.com/a" not in words


def test_one_sheet_serves_all_people_of_a_permission() -> None:
    linked = stencil_of(compiled(LINKED))
    for person in range(1, 30):
        for tracking in Tracking:
            assert linked.write_quickly(Reader(person, f"p{person}@example.org", tracking=tracking), occasion())
    assert len(linked._choices) == len(Tracking)


PASSED_ON = "[Tell a friend]({{ referral_url }})\n\n> {{ forward_text }}\n\n[By mail](mailto:?body={{ forward_text | urlencode }}){% if referral_url %} yes{% endif %}"


def passing_on(kind: str, text: str, forward: bool = True) -> Stencil:
    stencil = stencil_of(compiled(PASSED_ON, kind=kind), service=kind == "service")
    return Stencil(stencil.template, replace(stencil.masthead, forward=Forward("site", text) if forward else None))


@pytest.mark.parametrize("tracking", Tracking)
@pytest.mark.parametrize("text", ["Read <them> & {link} \U000f0000o\U000f0001", "No place for it"])
def test_what_a_reader_passes_on_stands_in_both_ways_alike(text: str, tracking: Tracking) -> None:
    reader = Reader(7, "bob@example.org", "Bob", tracking=tracking)
    quick = both(passing_on("useful", text), reader)
    assert quick
    _, (plain, html) = decoded(quick)
    links = re.findall(rf"{BASE}/subscribe/site\?r=([\w-]{{44}})", plain.decode())
    assert {read(link, Purpose.REFERRAL, [KEY]) for link in links} == {Token(Purpose.REFERRAL, 9, 7, 3)}
    assert (b"Read <them> & http" in plain or b"No place for it http" in plain, b"<them>" in html) == (True, False)
    assert quote(f"{BASE}/subscribe/site?r={links[0]}", safe="/") in html.decode()


@pytest.mark.parametrize(("kind", "forward"), [("service", True), ("useful", False)])
def test_where_there_is_nothing_to_pass_on_it_is_empty(kind: str, forward: bool) -> None:
    quick = both(passing_on(kind, "Read {link}", forward), Reader(7, "bob@example.org", "Bob"))
    assert quick
    assert not any(b"subscribe/" in part or b"Read" in part or b"yes" in part for part in decoded(quick)[1])
