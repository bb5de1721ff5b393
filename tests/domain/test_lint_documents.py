"""What lint says about whole documents: promises, cycles, names. Errors are only what cannot be stored or run."""

from typing import Any

import pytest

from nurture.domain.documents import DOCUMENT_TYPES, Policy
from nurture.domain.lint import Finding, Known, lint
from nurture.domain.lint.calendar import walk

KINDS = {"u": "useful", "n": "news", "a": "about", "s": "sales"}


def letter(code: str, number: int, **more: Any) -> dict[str, Any]:
    """`u` a short useful letter, `U` a long one, and so on."""
    size = "long" if code.isupper() else "short"
    return {"id": f"x{number}", "kind": KINDS[code.lower()], "size": size, "subject": "s", "body": "b"} | more


def sequence(codes: str, **more: Any) -> dict[str, Any]:
    return {"sequence": "school", "letters": [letter(c, i) for i, c in enumerate(codes)]} | more


def findings(document: dict[str, Any], known: Known | None = None, policy: Policy | None = None) -> list[Finding]:
    """Without the rules of single letters, which have a test of their own."""
    model = next(m for w, m in DOCUMENT_TYPES.items() if w == next(iter(document)))
    found = lint(model.model_validate(document), known, policy)
    assert all(f.advice and f.message for f in found)
    of_letters = {"personal-subject", "personal-greeting", "no-call-to-action", "length", "sales-parts", "honest-limit", "alt-text"}
    return [f for f in found if f.rule not in of_letters]


def rules(document: dict[str, Any], known: Known | None = None, policy: Policy | None = None) -> list[tuple[str, str]]:
    return [(f.level, f.rule) for f in findings(document, known, policy)]


def test_the_two_week_cycle_is_without_blame():
    good = sequence("uUus", mix="3:1", cadence="2 per week")
    assert rules(good) == []
    way = walk(DOCUMENT_TYPES["sequence"].model_validate(good), Policy())
    assert way is not None
    assert [day for _, day in way] == [0, 4, 7, 9]  # Monday, Friday, Monday, Wednesday


@pytest.mark.parametrize(
    ("document", "level", "rule", "words"),
    [
        (sequence("uus", mix="3:1"), "warning", "unearned-sales", "1 more useful letter"),
        (sequence("uus", mix="3:1", repay="wait"), "warning", "unearned-sales", "never reached"),
        (sequence("uuuss", mix="3:1"), "warning", "unearned-sales", "3 more useful letters"),
        (sequence("us", mix="thirds"), "warning", "unearned-sales", "thirds"),
        (sequence("uuu", mix="3:1"), "warning", "only-inhaling", "only inhale"),
        (
            sequence("unasuu", mix=["thirds", {"thirds": ["news", "useful", ["about", "sales"]]}]),
            "error",
            "contradicting-promises",
            "exclude",
        ),
        (sequence("unauus", mix=["3:1", "thirds"]), "warning", "contradicting-promises", "every 4th at most"),
        (sequence("uuuuus", mix=["3:1", "5:1"]), "warning", "redundant-promise", "5:1"),
        (sequence("UUUs", mix="3:1", cadence="2 per week"), "warning", "cycle-length", "28 days"),
        (sequence("UUU", cadence="2 per week"), "warning", "cycle-length", "three long letters, one Friday window: the cycle takes 21 days"),
        (sequence("uu", cadence="5 per week"), "warning", "floor", "cap allows 3"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_sequences_are_looked_at_as_a_whole(document, level, rule, words):
    found = [f for f in findings(document) if f.rule == rule]
    assert [f.level for f in found][:1] == [level]
    assert any(words in f.message for f in found), [f.message for f in found]


def test_what_is_earned_contradicts_nothing():
    assert rules(sequence("uuusuuus", mix="3:1")) == []
    assert rules(sequence("unsuas", mix="thirds")) == []
    assert rules(sequence("uuu")) == []  # without a promise nothing is due
    assert rules(sequence("unauu", mix=["1:1", {"thirds": ["news", "useful", "about"]}])) == [("warning", "only-inhaling")]


def test_an_own_window_makes_the_cycle_shorter():
    open_windows = {"long": [{"days": ["tue", "fri"], "from": "10:00", "until": "12:00"}]}
    assert rules(sequence("UUUU", cadence="2 per week", windows=open_windows)) == []
    policy = Policy.model_validate({"windows": open_windows})
    assert rules(sequence("UUUU", cadence="2 per week"), policy=policy) == []


def test_a_window_that_never_opens_is_an_error():
    policy = Policy.model_validate({"quiet_hours": {"from": "00:00", "until": "24:00"}})
    document = sequence("u")
    document["letters"][0]["window"] = "any"
    assert ("error", "never-opens") in rules(document, policy=policy)
    assert rules(
        {
            "policy": "default",
            "sender": {"name": "A", "address": "a@b.c"},
            "postal_address": "x",
            "quiet_hours": {"from": "00:00", "until": "24:00"},
        }
    ) == [("warning", "quiet-all-day")]


def test_greetings_and_now():
    greeting = {"id": "g", "kind": "greeting", "subject": "s", "body": "b"}
    assert rules(sequence("u") | {"letters": [greeting]}) == [("warning", "greeting-without-day")]
    assert rules(sequence("u") | {"letters": [greeting | {"day": "02-29"}]}) == []  # in other years it falls on the 28th
    assert rules(sequence("u") | {"letters": [greeting | {"day": "birthday"}]}) == []
    late = [letter("u", 0), letter("u", 1, window="now", after="7d")]
    assert rules(sequence("u") | {"letters": late}) == [("warning", "now-too-late")]
    assert rules(sequence("u") | {"letters": [letter("u", 0, window="now"), letter("u", 1, window="now", after="0s")]}) == []


CAMPAIGN = {"campaign": "c", "segment": "readers", "letter": letter("n", 1)}


def test_unknown_segments_and_templates_are_errors_where_names_are_known():
    assert rules(CAMPAIGN) == []
    assert rules(CAMPAIGN, Known(segments=frozenset({"readers"}))) == []
    found = findings(CAMPAIGN, Known(segments=frozenset({"reader"})))
    assert [(f.level, f.rule, f.path) for f in found] == [("error", "unknown-segment", ("segment",))]
    assert 'did you mean "reader"?' in found[0].message
    templated = sequence("u")
    templated["letters"][0] |= {"template": "letters/recipe"}
    del templated["letters"][0]["body"]
    assert rules(templated) == []
    assert rules(templated, Known(templates={"letters/recipe": "x"})) == []
    assert rules(templated, Known(templates={})) == [("error", "unknown-template")]


def test_names_in_conditions_are_looked_for():
    where = {
        "all": [
            {"topic": "rofs"},
            {"any": [{"not": {"in_sequence": "scool"}}]},
            {"received": "school/y"},
            {"did": "clicked", "letter": "school/z"},
        ]
    }
    known = Known(topics=frozenset({"roofs"}), sequences=frozenset({"school"}), letters=frozenset({"school/x"}))
    found = findings({"segment": "s", "where": where}, known)
    assert [(f.level, f.rule) for f in found] == [("warning", f"unknown-{w}") for w in ("topic", "sequence", "letter", "letter")]
    assert found[1].path == ("where", "all", 1, "any", 0, "not", "in_sequence")
    assert rules({"segment": "s", "where": where}) == []


def test_an_empty_condition_is_told():
    assert rules({"segment": "s", "where": {"all": []}}) == [("warning", "empty-condition")]
    assert "nobody" in findings({"segment": "s", "where": {"any": []}})[0].message


def test_topics_are_those_of_the_policy():
    known = Known(topics=frozenset({"roofs"}))
    document = sequence("u", topic="roof")
    document["letters"][0]["topic"] = "roofs"
    assert rules(document, known) == [("warning", "unknown-topic")]


def test_cleanups_and_the_policy():
    way_out = {"body": "Hello {{ first_name | default('you') }}, if this is not for you, leave us."}
    offer = letter("s", 1, **way_out)
    assert rules({"cleanup": "spring", "silent": "keep", "offers": [offer]}) == [("warning", "few-offers")]
    three = [letter("s", 1, **way_out), letter("s", 2, **way_out), letter("u", 3, **way_out)]
    assert rules({"cleanup": "spring", "silent": "keep", "offers": three}) == [("warning", "kind-against-words")]
    assert rules({"policy": "default", "blackout": ["02-30", "2025-02-29", "02-29"]}) == [
        ("warning", "no-sender"), ("warning", "no-postal-address"), ("warning", "no-such-day"), ("warning", "no-such-day"),
    ]  # fmt: skip
