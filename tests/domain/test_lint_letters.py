"""What lint says about one letter: each rule fires where it should, and keeps quiet where it should not."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from nurture.domain.conditions import Condition
from nurture.domain.letters import Letter
from nurture.domain.lint import Known
from nurture.domain.lint.body import LONG_AT_LEAST, SHORT_AT_MOST
from nurture.domain.lint.letters import lint_letter
from nurture.domain.lint.reading import links
from nurture.domain.lint.selling import readers_of

HI = "Hello {{ first_name | default('you') }},\n\n"
GOOD: dict[str, Any] = {
    "id": "a",
    "kind": "useful",
    "subject": "{{ first_name | default('Hello') }}, five questions",
    "call_to_action": "https://example.com/a",
    "body": HI + "here they are.\n\n[Read them](https://example.com/a?from=letter)\n",
}
OFFER = (
    HI
    + "Your roof leaks, and that is a problem. It costs you money every year. Imagine it dry. Step one, we look; then we mend. The offer: a course "
    "for $149. As a bonus you get our folder. Only twelve places, until 31 March. "
    + "We have done this for thirty years in this town. "
    * 5
)


def rules(known: Known | None = None, **changes: Any) -> list[str]:
    written = {k: v for k, v in (GOOD | changes).items() if v is not None}
    found = lint_letter(Letter.model_validate(written), ("letters", 0), known or Known())
    assert all(f.level == "warning" and f.advice and f.path[:2] == ("letters", 0) for f in found)
    return [f.rule for f in found]


def test_a_good_letter_is_left_in_peace():
    assert rules() == []


FIRES: list[tuple[str, dict[str, Any]]] = [
    ("personal-subject", {"subject": "Five questions"}),
    ("mass-address", {"subject": "Dear subscribers, {{ first_name | default('x') }}"}),
    ("mass-address", {"body": "Dear friends,\n\nhello"}),
    ("mass-address", {"body": "Уважаемые подписчики!\n\nпривет"}),
    ("mass-address", {"body": "Drodzy klienci,\n\nwitajcie"}),
    ("mass-address", {"body": "Liebe Kunden,\n\nhallo"}),
    ("mass-address", {"body": "Hi everyone,\n\nhello"}),
    ("personal-greeting", {"body": "Here they are."}),
    ("personal-greeting", {"body": "x" * 400 + HI}),
    ("shouting", {"subject": "{{ first_name | default('x') }}, READ THIS NOW"}),
    ("shouting", {"subject": "{{ first_name | default('x') }}, look!!"}),
    ("subject-length", {"subject": "{{ first_name | default('x') }}, " + "word " * 20}),
    ("length", {"body": HI + "word " * (SHORT_AT_MOST + 1)}),
    ("length", {"size": "long", "body": HI + "word " * (LONG_AT_LEAST - 10)}),
    ("too-big", {"size": "long", "body": HI + "ü " * 50_000}),
    ("empty-merge-field", {"subject": "{{ first_name }}, five questions"}),
    ("empty-merge-field", {"body": HI + "From {{ fields.city }}"}),
    ("empty-merge-field", {"preheader": "for {{ fields.city }}"}),
    ("utm-medium", {"body": HI + "[a](https://example.com/a?utm_medium=mail)"}),
    ("alt-text", {"body": HI + "![](https://example.com/x.png)"}),
    ("alt-text", {"body": HI + '<img src="x.png">'}),
    ("alt-text", {"body": HI + '<img src="x.png" alt="">'}),
    ("no-call-to-action", {"call_to_action": None, "body": HI + "just so"}),
    ("one-call-to-action", {"body": HI + "[one](https://example.com/b)"}),
    ("one-call-to-action", {"call_to_action": None, "body": HI + "https://example.com/a and <https://example.com/b>"}),
    ("one-call-to-action", {"call_to_action": "reply", "body": HI + "[or call](tel:+49301)"}),
    ("kind-against-words", {"body": HI + "Buy now, with a discount: order now.\n\nYours, Anna"}),
    ("kind-against-words", {"call_to_action": "https://example.com/shop/checkout", "body": HI + "here"}),
    ("sales-parts", {"kind": "sales", "body": HI + "We are here for you and that is all. " * 10 + "Only until 31 March."}),
    ("shouting", {"body": HI + "come, THIS ROOF WILL NEVER LEAK again"}),
    ("one-topic", {"body": HI + "## Moss\n[a](https://example.com/a)\n## Gutters\n[b](https://example.com/b)"}),
    ("one-topic", {"body": HI + "In this issue: moss, and the gutter.\n\n## Moss\n\ngreen\n\n## Gutter\n\ngrey, and what you can do for it"}),
    ("mixed-you", {"body": HI + "мы написали вам, а ты молчишь"}),
    ("mixed-you", {"subject": "Twój ogród, {{ first_name | default('x') }}", "body": HI + "dziękujemy, że jest Pani z nami, i że czyta Pani nasze listy"}),
    ("mixed-you", {"body": HI + "wir haben das für Sie und dein Dach gemacht"}),
    ("kind-against-words", {"body": HI + "Ten rules for a dry roof, and what each of them costs you.\n\nHurry, a discount of 20%, order now."}),
    ("library-kind", {"kind": "news", "evergreen": True}),
    (
        "honest-limit",
        {
            "kind": "sales",
            "body": HI + OFFER.replace("Only twelve places, until 31 March. ", "Hurry, soon it is over. ").replace("thirty years", "years"),
        },
    ),
]


@pytest.mark.parametrize(("rule", "changes"), FIRES, ids=[f"{r}-{i}" for i, (r, _) in enumerate(FIRES)])
def test_each_rule_fires(rule, changes):
    assert rule in rules(**changes)


QUIET: list[tuple[str, dict[str, Any]]] = [
    ("mass-address", {"body": "Hello {{ first_name | default('dear reader') }},\n\nall friends know"}),
    ("empty-merge-field", {"body": HI + "{% if fields.city %}From {{ fields.city }}{% endif %}"}),
    ("empty-merge-field", {"body": HI + "{{ fields.city or 'your town' }}"}),
    ("utm-medium", {"body": HI + "[a](https://example.com/a?utm_medium=email&utm_source=x)"}),
    ("utm-medium", {"body": HI + "[a](https://example.com/a?utm_medium={{ fields.medium | default('email') }})"}),
    ("alt-text", {"body": HI + "![a roof](https://example.com/x.png)"}),
    (
        "one-call-to-action",
        {"body": HI + "![a roof](https://example.com/x.png) [leave]({{ unsubscribe_url }}) [go](https://example.com/a#part)"},
    ),
    ("one-call-to-action", {"call_to_action": None, "body": HI + "[a](https://example.com/a) [again](https://example.com/a/)"}),
    ("no-call-to-action", {"kind": "greeting", "call_to_action": None, "body": HI + "all the best"}),
    ("kind-against-words", {"body": HI + "Ten rules.\n\nIf you like, buy the course, this week with a discount."}),
    ("sales-parts", {"kind": "sales", "body": OFFER}),
    ("honest-limit", {"kind": "sales", "body": OFFER}),
    ("sales-parts", {"kind": "sales", "body": HI + "New: the small folder. It spares you the stairs. Reply, and it is yours."}),
    ("shouting", {"subject": "{{ first_name | default('x') }}, what NASA knows"}),
    ("shouting", {"body": HI + "NASA, ESA and the ISS agree. That is all! Really! And BBC, CNN, ZDF, ARD say so."}),
    ("one-topic", {"body": HI + "## Moss\n\nit is green\n\n## Gutters\n\nthey are grey\n\n[Read them](https://example.com/a)"}),
    ("one-topic", {"body": HI + "## Moss\n[a](https://example.com/a)\n## Gutters\n[again](https://example.com/a?from=below)"}),
    ("personal-greeting", {"body": "Dear *|FNAME|*,\n\nhello"}),
    ("text-part", {"body": HI + "![a roof](https://example.com/x.png) as you see, the gutter on the left is full, the one on the right is not"}),
    ("leave-link", {"body": HI + "no page of its own"}),
    ("kind-against-words", {"body": HI + "Ten rules for a dry roof, and what each of them costs.\n\nIf you would rather have it done: our course, with a discount.\n\nWarmly, Anna"}),
    ("mixed-you", {"body": HI + "вы написали нам, что ваш сад растёт, а мы ответили вам"}),
]


@pytest.mark.parametrize(("rule", "changes"), QUIET, ids=[f"{r}-{i}" for i, (r, _) in enumerate(QUIET)])
def test_each_rule_keeps_quiet_where_all_is_well(rule, changes):
    assert rule not in rules(**changes)


def test_a_service_letter_is_not_marketing():
    assert rules(kind="service", subject="Please confirm", body="Dear customers", call_to_action=None) == []


def test_a_finding_in_a_body_knows_its_line():
    letter = Letter.model_validate(GOOD | {"body": HI + "\n\nFrom {{ fields.city }}"})
    assert [(f.path, f.line) for f in lint_letter(letter, (), Known())] == [(("body",), 4)]


def test_a_template_is_read_as_a_body_where_it_is_known():
    template = {"body": None, "template": "letters/x"}
    assert rules(**template) == []
    assert rules(Known(templates={"letters/x": "Dear customers"}), **template) == ["mass-address"]


def test_links_are_each_counted_once_and_images_are_none():
    text = '[a](https://e.com/a) <a href="https://e.com/b">b</a> https://e.com/c. ![i](https://e.com/i.png) <img src="https://e.com/j.png"> [a](https://e.com/a)'
    assert links(text) == ["https://e.com/a", "https://e.com/b", "https://e.com/c"]


def test_one_cause_is_told_once():
    assert rules(body=HI + "{{ fields.city }} {{ fields.city }} {{ fields.city }}") == ["empty-merge-field"]
    assert rules(body=HI + "![](a.png) ![](b.png)") == ["alt-text"]
    assert rules(subject="{{ first_name }}, five", body="Hello {{ first_name }}, here") == ["empty-merge-field"]
    assert rules(subject="Dear customers", body=HI + "here") == ["mass-address"]
    assert rules(subject="{{ first_name | default('x') }}, LOOK HERE NOW", body=HI + "WHAT A ROOF YOU WILL HAVE!!!") == ["shouting"]
    assert rules(body=HI + "## Moss\n[a](https://example.com/b)\n## Gutters\n[b](https://example.com/c)") == ["one-topic"]


SHORT_OFFER = HI + "we have a new course, and you will love it. It is great."


def test_three_lines_are_enough_for_customers_and_for_nobody_else():
    def parts(body: str, readers: str | None, **more: Any) -> list[str]:
        letter = Letter.model_validate(GOOD | {"kind": "sales", "body": body} | more)
        return [f.rule for f in lint_letter(letter, (), Known(), readers=readers)]

    assert parts(SHORT_OFFER, "others") == ["sales-parts"]
    assert parts(SHORT_OFFER, None) == []
    assert parts(SHORT_OFFER, "customers") == []
    assert parts(HI + "you are lovely and we are glad that you are here with all of us.", "customers") == []  # short: nothing to count
    assert parts(SHORT_OFFER, "others", only_if={"temperature": "hot"}) == []
    assert parts(OFFER, "others") == []


def test_who_reads_is_told_by_the_condition():
    from_words = TypeAdapter(Condition)
    for written, readers in [
        ({"tag": "customer"}, "customers"), ({"tag": "roof"}, "others"), ({"temperature": "hot"}, "customers"),
        ({"did": "converted", "name": "purchase"}, "customers"), ({"did": "converted", "name": "lead"}, "others"),
        ({"all": [{"tag": "roof"}, {"tag": "customer"}]}, "customers"), ({"any": [{"tag": "roof"}, {"tag": "customer"}]}, "others"),
        ({"not": {"tag": "customer"}}, "others"),
    ]:  # fmt: skip
        assert readers_of(from_words.validate_python(written)) == readers
    assert readers_of(None) is None


def test_a_letter_txt_without_the_call_to_action():
    template = {"body": None, "template": "letters/x"}
    page = {"letters/x": HI + "here they are"}
    assert rules(Known(templates=page, text_parts={"letters/x": "here"}), **template) == ["text-part"]
    assert rules(Known(templates=page, text_parts={"letters/x": "here: https://example.com/a"}), **template) == []
    assert rules(Known(templates=page, text_parts={"letters/x": "here: {{ call_to_action }}"}), **template) == []


def test_advice_speaks_the_language_of_the_letter():
    letter = Letter.model_validate(GOOD | {"subject": "Новости", "body": "У нас новости, и мы рады им."})
    assert [f.advice for f in lint_letter(letter, (), Known())] == [
        "Begin it so: {{ first_name | default('Здравствуйте') }}, ...", "Begin with {{ first_name | default('Здравствуйте') }} and a comma.",
    ]  # fmt: skip
