"""What lint says about the rhythm of sequences, alone and side by side; the calendar is really walked."""

from typing import Any

import pytest

from nurture.domain.documents import Policy, Sequence
from nurture.domain.lint import Known, lint_together
from nurture.domain.lint.calendar import walk
from nurture.domain.lint.sequences import lint_sequence
from tests.domain.test_lint_documents import letter
from tests.domain.test_lint_documents import sequence as written


def sequence(codes: str, after: str = "", **more: Any) -> Sequence:
    """`after`: that of every letter but the first."""
    document = written(codes, **more)
    for one in document["letters"][1:] if after else []:
        one["after"] = after
    return Sequence.model_validate(document)


def policy(**more: Any) -> Policy:
    return Policy.model_validate({"mix": "none"} | more)


def days(codes: str, ruling: Policy | None = None, **more: Any) -> list[int] | None:
    way = walk(sequence(codes, **more), ruling or policy())
    return way and [day for _, day in way]


def rules(one: Sequence, ruling: Policy | None = None, known: Known | None = None) -> list[str]:
    return [f.rule for f in lint_sequence(one, ruling or policy(), known or Known())]


def test_the_walk_keeps_windows_cadence_gap_and_cap():
    assert days("uUus", cadence="2 per week") == [0, 4, 7, 9]
    assert days("uuuu") == [0, 1, 7, 8]  # without a cadence as soon as windows and gap allow
    assert days("uuuu", policy(gap="48h")) == [0, 7, 14, 21]
    assert days("uuuu", policy(cap=1)) == [0, 7, 14, 21]
    assert days("uuu", after="10d") == [0, 14, 28]
    assert days("uu", after="36h") == [0, 7]  # Tuesday evening is too late for Tuesday
    assert days("uu", after="24h") == [0, 1]
    assert days("uuu", cadence="1 per month") == [0, 35, 63]  # 5 February and 4 March 2024 are the first Mondays of their months


def test_the_walk_takes_the_order_of_the_mix():
    assert [x.id for x, _ in walk(sequence("suuu", mix="3:1"), policy()) or []] == ["x1", "x2", "x3", "x0"]
    assert [x.id for x, _ in walk(sequence("uunnss", mix="thirds"), policy()) or []] == ["x0", "x2", "x4", "x1", "x3", "x5"]


def test_a_letter_that_finds_no_place():
    assert days("u", policy(windows={"short": [{"days": ["mon"], "from": "10:00", "until": "12:00"}]})) == [0]
    assert days("uu", policy(gap="9000h")) == [0, 378]
    assert days("uu", policy(gap="20000h")) is None
    assert rules(sequence("uu"), policy(gap="20000h")) == ["unreachable-window"]


@pytest.mark.parametrize(("one", "ruling", "expected"), [
    (sequence("uuu", cadence="2 per week"), policy(gap="200h"), ["floor"]),
    (sequence("uuu", cadence="2 per week"), policy(cap=1), ["floor"]),
    (sequence("uuu", cadence="1 per month"), policy(cap=1), []),
    (sequence("uuuu", after="7d", cadence="2 per week"), policy(), ["after-against-cadence"]),
    (sequence("UUUU", after="7d", cadence="2 per week"), policy(), ["cycle-length"]),  # the windows alone do not keep it
    (sequence("uuu", after="40d"), policy(), ["rarer-than-monthly"]),
    (sequence("uu", after="180d"), policy(), []),
    (sequence("uuu", after="28d"), policy(), []),
])  # fmt: skip
def test_rhythm(one: Sequence, ruling: Policy, expected: list[str]):
    assert rules(one, ruling) == expected


def test_offers_are_counted_under_the_workspace_where_a_sequence_promises_nothing():
    [finding] = lint_sequence(sequence("us"), Policy(), Known())
    assert (finding.rule, finding.path) == ("unearned-sales", ("letters", 1))
    assert "the workspace's 3:1 wants 2 more" in finding.message
    assert rules(sequence("us"), policy()) == []
    assert rules(sequence("uuus", mix="none"), Policy()) == ["contradicting-promises"]
    assert rules(sequence("uuus", mix="none"), policy()) == []


def test_what_the_library_can_repay_is_no_fault():
    short = sequence("uss", mix="2:1")
    books = frozenset({"a", "b", "c", "school/x0"})
    assert rules(short, known=Known(library=books)) == []  # one of them is the sequence's own and counted already
    [finding] = lint_sequence(short, policy(), Known(library=frozenset({"a", "school/x0"})))
    assert finding.rule == "dry-library"
    assert "the offers x1, x2 are never reached: 2:1 wants 3 more useful letters, and the library holds 1" in finding.message
    assert rules(sequence("us", mix="2:1", repay="wait"), known=Known(library=books)) == ["unearned-sales"]


def together(*documents: dict[str, Any], **ruling: Any) -> list[tuple[str, str]]:
    sequences = [Sequence.model_validate(d) for d in documents]
    return [(s.name, f.rule) for s, f in lint_together(sequences, Policy.model_validate(ruling))]


ROOF = {"tag": "roof"}


def named(name: str, codes: str, audience: Any = ROOF, **more: Any) -> dict[str, Any]:
    return {"sequence": name, "audience": audience, "letters": [letter(c, i) for i, c in enumerate(codes)]} | more


def test_promises_of_two_sequences_for_the_same_people():
    thirds, strict = named("thirds", "unsuns", mix="thirds"), named("strict", "uuuuus", mix="5:1")
    assert together(thirds, strict) == [("thirds", "contradicting-promises")]
    assert together(strict, thirds) == [("thirds", "contradicting-promises")]
    assert together(thirds, strict | {"audience": {"tag": "wood"}}) == []
    assert together(thirds, strict | {"state": "draft"}) == []
    assert together(thirds, strict | {"audience": {"all": [ROOF, {"status": "subscribed"}]}}) == [("thirds", "contradicting-promises")]
    assert together(thirds, strict | {"audience": {"any": [ROOF, {"tag": "wood"}]}}) == [("thirds", "contradicting-promises")]
    loose = named("loose", "us", mix="1:1")
    assert together(loose, strict) == [("loose", "contradicting-promises")]
    assert together(loose, named("giving", "u" * 10 + "s", mix="5:1")) == []  # what both give earns what both ask
    assert together(named("kind", "uuu", mix="1:1"), strict) == []


def test_two_floors_under_one_cap():
    one, other = named("one", "uu", cadence="2 per week"), named("other", "uu", cadence="2 per week")
    assert together(one, other) == [("other", "floor")]
    assert together(one, other, cap=4) == []
    assert together(one, other | {"cadence": "1 per week"}) == []
    assert together(one, other | {"audience": {"tag": "wood"}}) == []
