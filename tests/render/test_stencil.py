"""The quick way says what the general way says: the same headers byte for byte, the same parts when they are decoded, the same refusals."""

import quopri
import re
from datetime import UTC, date, datetime
from email import message_from_bytes
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nurture.definitions.loading import load_files
from nurture.domain.documents import Sender, letters_of
from nurture.domain.errors import NurtureError
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose, TokenKey, read
from nurture.domain.words import Kind, Tracking
from nurture.mail.plan import dot_stuffed
from nurture.render.compiling import compile_letter
from nurture.render.encoding import quoted_chunk, quoted_words
from nurture.render.masthead import Masthead, write_generally
from nurture.render.message import heading
from nurture.render.occasions import Occasion
from nurture.render.rendering import prepare
from nurture.render.stencil import Stencil
from nurture.shipped import shipped
from tests.support.letters import BASE, POSTAL, TEMPLATES, compiled
from tests.support.naughty import NAUGHTY

KEY = TokenKey.derive("a secret of thirty-two characters and more")
ANNA = Sender(name="Anna", address="anna@example.com")
DOCUMENTS = load_files([*sorted(shipped("sequences").glob("*.yaml")), *sorted(shipped("trades").glob("*.yaml"))[:1]]).documents
LETTERS = {f"{placed.file}/{letter.id}": letter for placed in DOCUMENTS for letter in letters_of(placed.document) if letter.kind is not Kind.SERVICE}
RICH = """Dear {{ first_name | default('friend') }}{% if patronymic and first_name %} {{ patronymic }}{% endif %}{{ fields.mark }}{{ name | upper }},

{{ fields.note }}

{% if fields.city == 'Riga' and not fields.left %}
In Riga: [map](https://example.com/map?c={{ fields.city }}&n={{ first_name }})
{% elif fields.count is number and fields.count > 3 %}
{{ fields.count }} roofs, {{ today | date('%d.%m.%Y') }}
{% elif fields.city in ('Kyiv', 'Lviv') or locale.startswith('pl') %}
Polish? {{ fields.when }} {{ 'one' if fields.flag else 'two' }}
{% else %}
{{ fields.list }}
{% endif %}
{{ fields.tail | trim }}

{% for letter in received %}

- {{ loop.index }} {{ letter }} [again](https://example.com/{{ letter }}) {% if not loop.last %}, {{ unsubscribe_url }}{% endif %}

{% else %}

nothing yet

{% endfor %}

{{ fields.note | replace('a', 'b') }}{% if fields.list | length > 2 %} many{% endif %}
{% if preferences_url and why %}You choose: {{ preferences_url }}{% endif %}

Plain [page](https://example.com/a), {{ subject }} / {{ preheader }} / {{ title }}"""


def stencil_of(letter: Any, sender: Sender = ANNA, service: bool = False) -> Stencil:
    top = heading(sender, "" if service else "school.example.com", "leave@example.com?subject=unsubscribe", "school:useful:sequence:examplecom")
    return Stencil(prepare(letter.content, letter.links), Masthead(f"{BASE}/", sender, POSTAL, top, service, KEY))


def occasion(**more: Any) -> Occasion:
    given_: dict[str, Any] = {"why": "You joined in January.", **more}
    return Occasion(9, 3, "<abc@example.com>", datetime(2026, 3, 2, 9, tzinfo=UTC), date(2026, 3, 2), **given_)


def decoded(raw: bytes) -> tuple[bytes, list[bytes]]:
    """The header block as it stands, and the parts as the plain decoder of the standard library reads them."""
    head, _, _ = raw.partition(b"\r\n\r\n")
    parts = message_from_bytes(raw).get_payload()
    return head, [quopri.decodestring(str(part.get_payload()).encode()).replace(b"\r\n", b"\n") for part in parts]


def on_the_wire(raw: bytes) -> None:
    """What SMTP and RFC 2045 ask of every line; and the message is `clean`, so that the wire need not look through it."""
    head, _, body = raw.partition(b"\r\n\r\n")
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    assert dot_stuffed(raw) == raw + b".\r\n"
    assert body.isascii()
    for line in body.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith(b".")
        assert not line.endswith((b" ", b"\t"))
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))


def both(stencil: Stencil, reader: Reader, **more: Any) -> bytes | None:
    """What the quick way wrote, held against the general one; None where it left the letter to it."""
    try:
        general = write_generally(stencil.template, stencil.masthead, reader, occasion(**more))
    except NurtureError as error:
        with pytest.raises(NurtureError, match=re.escape(error.message)):
            stencil.write(reader, occasion(**more))
        return None
    quick = stencil.write_quickly(reader, occasion(**more))
    if quick is not None:
        assert decoded(quick) == decoded(general)
        on_the_wire(quick)
    return quick


@cache
def shipped(name: str) -> Stencil:
    return stencil_of(compile_letter(LETTERS[name], TEMPLATES))


@pytest.fixture(scope="module")
def shipped_stencils() -> dict[str, Stencil]:
    return {name: shipped(name) for name in LETTERS}


@pytest.fixture(scope="module")
def rich() -> Stencil:
    return stencil_of(compiled(RICH, subject="For {{ first_name }}{% if why %}!{% endif %}", preheader="{{ name }} {{ subject }}", title="A title"))


WORDS = st.text(max_size=60) | st.sampled_from(NAUGHTY) | st.text(alphabet=" .=\r\n\tä€😀-a<&'\"\U000f0000l0\U000f0001", max_size=90)
VALUES = WORDS | st.none() | st.integers(-5, 10**6) | st.booleans() | st.dates() | st.floats(allow_nan=False) | st.lists(WORDS, max_size=3)
READERS = st.builds(
    Reader, st.integers(1, 2**40 - 1), st.sampled_from(["bob@example.org", "анна@пример.рф", "o'brien+x@mail.example.com"]), WORDS, WORDS, WORDS,
    st.sampled_from(["en", "de-AT", "pl", "ru-RU", "", "x<y"]), tracking=st.sampled_from(Tracking),
    fields=st.dictionaries(st.sampled_from(["mark", "note", "city", "left", "count", "when", "flag", "list", "tail"]), VALUES),
    received=st.tuples(WORDS, WORDS),
)  # fmt: skip


@pytest.mark.parametrize("name", LETTERS)
@pytest.mark.parametrize("words", ["Bob", ""])
def test_shipped_letters_are_written_by_both_ways_alike(shipped_stencils: dict[str, Stencil], name: str, words: str) -> None:
    reader = Reader(7, "bob@example.org", words, words, locale="ru", received=("One", "Two"))
    assert both(shipped_stencils[name], reader)


@pytest.mark.parametrize("words", NAUGHTY)
def test_naughty_words_are_written_by_both_ways_alike(shipped_stencils: dict[str, Stencil], rich: Stencil, words: str) -> None:
    reader = Reader(7, "bob@example.org", words, words, words, fields={"note": words, "city": words, "list": [words], "tail": words})
    for stencil in (*shipped_stencils.values(), rich):
        both(stencil, reader, why=words)


@settings(max_examples=100, deadline=None)
@given(READERS, WORDS)
def test_anybody_is_written_by_both_ways_alike(rich: Stencil, reader: Reader, why: str) -> None:
    both(Stencil(rich.template, rich.masthead), reader, why=why)


def test_people_with_ordinary_fields_go_the_quick_way(rich: Stencil) -> None:
    """The conditions of this letter are asked, its fields printed: the tests above would hold nothing if it were left to the general way."""
    people = [{"note": "A note", "city": "Riga"}, {"note": "N", "count": 5}, {"note": "N", "city": "Kyiv", "when": 3}, {"note": "N", "list": ["a"] * 3}]
    for fields in people:
        for tracking in Tracking:
            assert both(rich, Reader(7, "bob@example.org", "Bob Roof", "Bob", fields={"tail": "end", "list": [], **fields}, tracking=tracking, received=("One",)))


@pytest.mark.parametrize("note", ["", " ", "two\n\n\nlines", "\n\nend \n", None, "\u00a0"])
def test_the_text_closes_up_around_missing_words_and_their_blank_lines(rich: Stencil, note: str | None) -> None:
    assert both(rich, Reader(7, "bob@example.org", fields={"note": note, "tail": "end", "list": []}))
    alone = stencil_of(compiled("{{ fields.note }}\n\nWords\n\n{{ fields.note }}\n\n{{ fields.other }}\n\nend"))
    assert both(alone, Reader(7, "bob@example.org", fields={"note": note}))


@pytest.mark.parametrize("note", ["", " ", "N", "\n\n\nN\n\n\n"])
def test_the_text_begins_and_ends_with_words_and_has_no_wide_gaps(note: str) -> None:
    text = "{{ fields.note }}\n\n\n\nOne \n \n\n\nTwo\n" + POSTAL + " {{ unsubscribe_url }}\n\n\n{{ fields.note }}\n\n"
    for written in (text, text.replace("{{ fields.note }}", ""), "{{ fields.note }}" + text.replace("Two", "{{ fields.note }}") + "{{ fields.note }}"):
        content = {"kind": "useful", "subject": "S", "preheader": "", "html": text, "text": written}
        quick = both(stencil_of(type("Letter", (), {"content": content, "links": ()})), Reader(7, "bob@example.org", fields={"note": note}))
        assert quick
        assert b"\n\n\n" not in decoded(quick)[1][0]


def test_a_letter_that_sets_names_or_has_macros_is_left_to_the_general_way() -> None:
    macro = "{% macro go(x) %}[{{ x }}](https://example.com/a){% endmacro %}\n\n{{ go(first_name) }}"
    for body in (macro, "{% set x = first_name %}{{ x }}", "{% if why %}{% set x = 1 %}{% endif %}{{ x }}"):
        assert both(stencil_of(compiled(body)), Reader(7, "bob@example.org", "", "Bob")) is None


def test_loops_share_one_budget() -> None:
    loops = stencil_of(compiled("{% for a in range(999) %}{{ first_name }}{% endfor %}\n\n" * 3))
    assert both(loops, Reader(7, "bob@example.org", "", "Bob"))
    with pytest.raises(NurtureError, match="a million characters"):
        loops.write(Reader(7, "bob@example.org", "", "x" * 400), occasion())


def test_a_subject_that_comes_out_empty_is_refused_as_ever() -> None:
    nameless = stencil_of(compiled(subject="{{ first_name }}"))
    with pytest.raises(NurtureError, match="subject is empty"):
        nameless.write(Reader(7, "bob@example.org"), occasion())
    assert b"Subject: Bob\r\n" in nameless.write(Reader(7, "bob@example.org", "", "Bob"), occasion())


def test_one_token_for_each_purpose_serves_every_link() -> None:
    ten = stencil_of(compiled(" ".join(f"[{n}](https://example.com/{n})" for n in range(10))))
    quick = both(ten, Reader(7, "bob@example.org"))
    assert quick
    _, (text, html) = decoded(quick)
    for purpose, path, times in ((Purpose.CLICK, b"c", 10), (Purpose.OPEN, b"o", 1), (Purpose.LEAVE, b"u", 1), (Purpose.PREFERENCES, b"preferences", 1)):
        tokens = re.findall(rb"https://news.example.com/%b/([\w-]{44})" % path, html)
        assert len(tokens) == times
        assert len(set(tokens)) == 1
        found = read(tokens[0].decode(), purpose, [KEY])
        assert found
        assert (found.delivery, found.subscriber, found.version) == (9, 7, 3)
    assert text.count(b"/c/") == 10


def test_what_signs_sees_the_quick_letter_as_it_leaves(rich: Stencil) -> None:
    seen: list[tuple[bytes, bytes]] = []

    def sign(head: bytes, body: bytes) -> bytes:
        seen.append((head, body))
        return b"DKIM-Signature: v=1\r\n"

    reader = Reader(7, "bob@example.org", "Bob", "Bob", received=("One",), fields={"list": []})
    plain, with_signature = rich.write_quickly(reader, occasion()), rich.write_quickly(reader, occasion(), sign)
    assert plain
    assert with_signature == b"DKIM-Signature: v=1\r\n" + plain
    assert seen == [(plain.partition(b"\r\n\r\n")[0] + b"\r\n", plain.partition(b"\r\n\r\n")[2])]


def test_nobody_gets_a_letter_without_the_way_out() -> None:
    """Whatever was compiled once: a footer behind a condition is looked for at every writing."""
    content = {"kind": "useful", "subject": "S", "preheader": "", "html": "<p>{% if first_name %}{{ unsubscribe_url }} 1 Slate Street, 12345 Rooftown{% endif %}</p>"}
    letter = stencil_of(type("Letter", (), {"content": {**content, "text": content["html"]}, "links": ()}))
    assert both(letter, Reader(7, "bob@example.org", "", "Bob"))
    with pytest.raises(NurtureError, match="lacks the leave link"):
        letter.write(Reader(7, "bob@example.org"), occasion())


def test_words_grown_too_long_are_counted_by_the_budget() -> None:
    long = stencil_of(compiled(" ".join("{{ fields.x }}" for _ in range(30))))
    with pytest.raises(NurtureError, match="a million characters"):
        long.write(Reader(7, "bob@example.org", fields={"x": "x" * 40_000}), occasion())
    assert both(long, Reader(7, "bob@example.org", fields={"x": "x" * 20_000})) is None
    assert both(long, Reader(7, "bob@example.org", fields={"x": "x" * 2_000}))


def test_more_answers_than_sheets_are_left_to_the_general_way() -> None:
    letter = stencil_of(compiled("{{ locale }}"))
    quick = [both(letter, Reader(7, "bob@example.org", locale=f"x{n}")) is not None for n in range(70)]
    assert quick == [True] * 64 + [False] * 6


def test_a_service_letter_is_not_tracked_and_has_no_way_out() -> None:
    letter = stencil_of(compiled("Confirm: [here]({{ confirm_url }}), or [read](https://example.com/x)", kind="service", subject="Confirm"), service=True)
    quick = both(letter, Reader(7, "bob@example.org"))
    assert quick
    head, (text, html) = decoded(quick)
    assert b"List-" not in head
    assert b"/o/" not in html
    assert b"https://example.com/x" in text
    assert re.search(rb"https://news.example.com/confirm/[\w-]{44}", text)


CHUNKS = st.text(max_size=200).map(lambda text: re.sub("[\r\x85\u2028\u2029]", "\n", text)) | st.text(alphabet=" .=\n\tä-a", max_size=200)


@example(["a", "x" * 75 + ".", "b"])
@example(["a", "b", "x" * 75 + ".", "c"])
@example(["a", "." + "x" * 67 + "ä", "b"])
@example(["a ", " b  c\t", "  d ", " ", " e"])
@given(st.lists(CHUNKS, min_size=1, max_size=8))
def test_pieces_side_by_side_are_plain_quoted_printable(texts: list[str]) -> None:
    """A chunk, any words, a chunk, any words ... a chunk: as sheets set them."""
    row = [quoted_chunk(texts[0], first=True, last=len(texts) == 1)]
    for n, text in enumerate(texts[1:], 2):
        row.append(quoted_words(text) if n % 2 == 0 else quoted_chunk(text, last=n == len(texts)))
    encoded = b"".join(row)
    assert b"  " not in encoded
    assert b"\t" not in encoded, "nothing that relaxed DKIM would change"
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith(b".")
        assert not line.endswith((b" ", b"\t"))
    assert quopri.decodestring(encoded).replace(b"\r\n", b"\n") == "".join(texts).encode("utf-8", "replace")
