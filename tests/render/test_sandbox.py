"""Templates that want too much: refused at definition or at rendering, quickly, with a sentence, and never a crash."""

import time
from datetime import date
from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError

from nurture.domain.errors import NurtureError
from nurture.render.sandbox import BROKEN, HTML, TEXT, run
from nurture.render.sources import read_file
from tests.support.letters import a_reader, compiled, written

BOMBS = (
    "{% for i in range(10**9) %}x{% endfor %}",
    "{% for i in range(1001) %}{% endfor %}",
    "{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
    "{% for i in range(1000) %}{% for j in range(1000) %}{% for k in range(1000) %}{% set x = i %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for i in range(1000) %}" + "x" * 5000 + "{% endfor %}",
    "{{ 'a' * 10**9 }}", "{{ 10**9 * 'a' }}", "{{ ('a' * 10000) * 10000 }}", "{{ [1] * 10**9 }}", "{{ 'a' * 10001 }}",
    "{{ 9**9**9 }}", "{{ 2**100000 }}", "{{ 10**12 * 10**12 * 10**12 }}",
    "{{ '%200000000d' % 1 }}", "{{ 'x' % 1 }}",
    "{{ 'a'.ljust(10**9) }}", "{{ 'a'.center(10**9) }}", "{{ '1'.zfill(10**9) }}", "{{ '{:>1000000000}'.format('x') }}", "{{ 'ab'.join(['x']*10**9) }}",
    "{{ 'a' | center(10**9) }}", "{{ 'a' | indent(10**9) }}", "{{ '%1000000000d' | format(1) }}", "{{ lipsum(n=10**6) }}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(40) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s = ns.s | replace('a', 'aa') %}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "1+" * 20000 + "1 }}",
)  # fmt: skip
REACHING = (
    "{{ first_name.__class__.__mro__ }}", "{{ ''.__class__.__base__.__subclasses__() }}", "{{ fields.__class__.__init__.__globals__ }}",
    "{{ range.__globals__ }}", "{{ namespace.__init__.__globals__ }}", "{{ first_name.format.__self__.__class__.__name__ }}",
    "{{ '{0.__class__}'.format(first_name) }}", "{{ '{x.__class__}'.format_map(fields) }}", "{{ first_name | attr('__class__') }}",
    "{% set x = fields.pop('a') %}", "{% set x = fields.update({'a': 1}) %}", "{% set x = received.append(1) %}", "{% set x = received.clear() %}",
    "{{ loop.__class__ }}{% for x in [1] %}{{ loop._iterator.__class__ }}{% endfor %}", "{{ first_name.encode() }}", "{{ today.strftime('%999999999Y') }}",
    "{{ today.__class__ }}", "{{ self.__init__ }}", "{{ first_name.swapcase() }}", "{{ first_name.partition('o') }}", "{{ range }}", "{{ namespace() }}",
)  # fmt: skip
NAMES = {"first_name": "Bob", "fields": {"a": 1}, "received": ["One"], "today": date(2026, 3, 2)}


@pytest.mark.parametrize("bomb", BOMBS, ids=range(len(BOMBS)))
def test_bombs_are_refused_at_definition_quickly(bomb: str) -> None:
    began = time.process_time()
    with pytest.raises(NurtureError) as caught:
        compiled(bomb)
    assert time.process_time() - began < 4
    assert caught.value.message.startswith("Letter 'five'")
    assert len(caught.value.message) < 500


@pytest.mark.parametrize("payload", REACHING, ids=range(len(REACHING)))
@pytest.mark.parametrize("environment", [HTML, TEXT])
def test_nothing_can_be_reached_or_changed(payload: str, environment: object) -> None:
    before = {"fields": dict(NAMES["fields"]), "received": list(NAMES["received"])}  # type: ignore[call-overload]
    try:
        printed = run(environment.from_string(payload), dict(NAMES))  # type: ignore[attr-defined]
    except BROKEN:
        printed = ""
    assert printed == ""
    assert before == {"fields": NAMES["fields"], "received": NAMES["received"]}


def test_a_literal_of_five_megabytes_is_too_large(tmp_path: Path) -> None:
    page = tmp_path / "letter.html"
    page.write_text("x" * 5_000_000)
    with pytest.raises(NurtureError, match="shorten it"):
        read_file(page, "Letter 'five'")


def test_a_bomb_that_only_some_people_set_off_fails_for_them_alone() -> None:
    letter = compiled("{% for i in range(fields.n | default(1) | int) %}{% for j in range(1000) %}{% endfor %}{% endfor %}Hi")
    assert "Hi" in written(letter).text
    with pytest.raises(NurtureError, match="shorten its loops"):
        written(letter, a_reader(fields={"n": 1000}))
    assert "Hi" in written(letter).text


def test_the_budget_belongs_to_one_rendering() -> None:
    template = TEXT.from_string("{% for i in range(900) %}{{ 'x' * 300 }}{% endfor %}")
    for _ in range(5):
        assert len(run(template, {})) == 270_000


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("{{ first_name | upper }} {{ first_name.lower() }}", "BOB bob"),
        ("{{ missing }}{{ missing.deeper.still }}{{ fields.no.no }}", ""),
        ("{{ missing | default('you') }} {{ '' | default('you', true) }}", "you you"),
        ("{{ today }} {{ today | date('%d.%m.%Y') }} {{ '2026-12-05' | date('%-d/%-m') }}", "2 March 2026 02.03.2026 5/12"),
        ("{{ today | date('%999999999Y') }}", "%999999999Y"),
        ("{{ received | join(', ') }} {{ received | length }} {{ received }}", "One 1 One"),
        ("{{ 2 * 3 }} {{ 7 % 4 }} {{ 2 ** 8 }} {{ 'ab' * 3 }} {{ 'a' ~ 1 ~ 'b' }} {{ 1 + 2 }}", "6 3 256 ababab a1b 3"),
        ("{{ 149.5 | round }} {{ 3.14159 | round(2) }} {{ '7' | int + 1 }}", "150 3.14 8"),
        ("{% for k, v in fields.items() %}{{ k }}={{ v }}{{ ';' if not loop.last }}{% endfor %}", "a=1"),
        ("{% macro hi(n) %}Hi {{ n }}{% endmacro %}{{ hi('Bob') }}", "Hi Bob"),
        ("{% for x in 'abc' %}{{ loop.cycle('-', '+') }}{% endfor %}", "-+-"),
        ("{{ none }}{{ true }}", "True"),
    ],
)
def test_what_letters_may_do(source: str, printed: str) -> None:
    assert run(TEXT.from_string(source), dict(NAMES)) == printed


def test_a_field_is_a_field_whatever_its_name() -> None:
    assert run(TEXT.from_string("{{ fields.items }}{{ fields.keys }}"), {"fields": {"items": 3, "keys": "k"}}) == "3k"


def test_words_are_escaped_in_html_and_plain_in_text() -> None:
    source = "{{ x }}|{{ 'a' ~ x }}|{{ [x, x] | join('<') }}"
    assert run(HTML.from_string(source), {"x": "<b>"}) == "&lt;b&gt;|a&lt;b&gt;|&lt;b&gt;&lt;&lt;b&gt;"
    assert run(TEXT.from_string(source), {"x": "<b>"}) == "<b>|a<b>|<b><<b>"


def test_nothing_lies_about_that_letters_do_not_need() -> None:
    for environment in (HTML, TEXT):
        assert set(environment.globals) == {"range", "namespace"}
        assert not set(environment.filters) & {"attr", "format", "map", "select", "selectattr", "groupby", "pprint", "tojson", "xmlattr", "safe"}


def test_an_object_is_not_printed() -> None:
    with pytest.raises(SecurityError, match="only words"):
        run(TEXT.from_string("{{ x }}"), {"x": object()})
