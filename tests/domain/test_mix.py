"""The mix: what earns a sales letter, and the order of all the others."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.letters import Letter
from nurture.domain.mix import counts_since_sales, in_order, promises_on, sales_earned
from nurture.domain.mixes import NoPromise, Ratio, Thirds, parse_mix, write_mix
from nurture.domain.standing import Entry, Mark
from nurture.domain.words import Kind

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def letters(*kinds: str) -> list[Letter]:
    return [Letter.model_validate({"id": f"{k}-{n}", "kind": k, "subject": "s", "body": "b"}) for n, k in enumerate(kinds)]


def entries(*written: str) -> tuple[Entry, ...]:
    """`useful`, `sales!` (uncertain), `useful-` (bounced)."""
    marks = {"!": Mark.UNCERTAIN, "-": Mark.BOUNCED}
    return tuple(
        Entry(n, START + timedelta(days=n), date(2026, 3, 2), Kind(w.rstrip("!-")), marks.get(w[-1], Mark(0)))
        for n, w in enumerate(written)
    )


@pytest.mark.parametrize(
    ("written", "useful", "others", "allowed"),
    [
        ("3:1", 2, 9, False),
        ("3:1", 3, 3, True),
        ("1:1", 0, 5, False),
        ("thirds", 0, 1, False),
        ("thirds", 0, 2, True),
        ("none", 0, 0, True),
        (["3:1", "thirds"], 2, 4, False),
        (["3:1", "thirds"], 3, 3, True),
    ],
)
def test_a_sales_letter_is_earned_by_every_promise(written: object, useful: int, others: int, allowed: bool) -> None:
    earned = sales_earned(parse_mix(written), useful, others)
    assert earned.allowed is allowed
    assert allowed or "due first" in earned.reason


def test_the_workspace_counts_for_campaigns_and_where_nobody_promises() -> None:
    three, thirds = (Ratio(3),), (Thirds(),)
    assert promises_on([], three) == three
    assert promises_on([thirds], three) == thirds
    assert promises_on([thirds], three, campaign=True) == (Thirds(), Ratio(3))
    assert promises_on([(NoPromise(),)], three) == three
    assert promises_on([(NoPromise(),)], (NoPromise(),)) == ()


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (("useful", "useful"), None),
        (("sales",), (0, 0)),
        (("sales", "useful", "news", "useful"), (2, 3)),
        (("sales", "useful!", "useful-", "useful"), (1, 1)),
        (("useful", "sales!"), (0, 0)),
        (("sales", "greeting", "useful"), (1, 1)),
    ],
)
def test_doubt_counts_against_us_never_for_us(history: tuple[str, ...], expected: tuple[int, int] | None) -> None:
    assert counts_since_sales(entries(*history)) == expected


def test_held_sales_let_later_useful_letters_pass_first() -> None:
    written = letters("sales", "news", "useful", "sales", "useful")
    assert [x.id for x in in_order(written, [], (Ratio(3),), sales_held=True)] == ["useful-2", "useful-4", "news-1", "sales-0", "sales-3"]
    assert [x.id for x in in_order(written, [], (Ratio(3),), sales_held=False)] == [x.id for x in written]


def test_held_sales_behind_other_letters_change_nothing() -> None:
    written = letters("news", "sales", "useful")
    assert [x.id for x in in_order(written, [], (Ratio(3),), sales_held=True)] == ["news-0", "useful-2", "sales-1"]


@pytest.mark.parametrize("written", ["3:1", "thirds", "none", {"thirds": ["news", "useful", "about"]}, ["3:1", "thirds"]])
def test_a_mix_is_written_as_it_was_read(written: object) -> None:
    assert write_mix(parse_mix(written)) == written


@pytest.mark.parametrize("written", ["3:2", "0:1", "", [], {"thirds": ["news", "useful"]}, {"thirds": ["news", "news", "about"]}, 3, True])
def test_no_other_mix_is_read(written: object) -> None:
    with pytest.raises(ValueError, match=r"mix|thirds|kind"):
        parse_mix(written)


@given(st.permutations(["useful", "about", "sales"] * 3))
def test_thirds_hold_three_of_each_in_nine_however_they_are_written(order: list[str]) -> None:
    rest, sent = letters(*order), list[Kind]()
    others = 0
    while rest:
        held = not sales_earned((Thirds(),), 0, others).allowed
        first = in_order(rest, sent, (Thirds(),), held)[0]
        assert not (held and first.kind is Kind.SALES)
        rest.remove(first)
        sent.append(first.kind)
        others = 0 if first.kind is Kind.SALES else others + 1
    for start in range(len(sent) - 2):
        assert len(set(sent[start : start + 3])) == 3


def test_a_promise_of_nothing_beside_another_hides_none() -> None:
    assert not sales_earned((NoPromise(), Ratio(3)), 2, 9).allowed
    assert sales_earned((Ratio(3), Thirds()), 1, 0).missing == sales_earned((Thirds(), Ratio(3)), 1, 0).missing == 2


@pytest.mark.parametrize(
    ("useful", "reason"), [(1, "sales held by 3:1: 2 useful letters due first"), (2, "sales held by 3:1: 1 useful letter due first")]
)
def test_the_reason_counts_what_is_missing(useful: int, reason: str) -> None:
    assert sales_earned((Ratio(3),), useful, 9).reason == reason
    assert sales_earned((Thirds(),), 9, 1).reason.endswith("1 letter that sells nothing due first")


THIRDS = Thirds(((Kind.USEFUL,), (Kind.NEWS, Kind.ABOUT), (Kind.SALES,)))


@pytest.mark.parametrize(
    ("sent", "first"),
    [
        ([], "useful-1"),  # ties as the groups are written
        (["useful"], "news-0"),
        (["useful", "news"], "sales-2"),
        (["sales", "news", "useful"], "sales-2"),  # ties to the group sent longest ago
        (["useful", "sales", "about"], "useful-1"),
        (["useful", "news", "sales", "useful", "about", "sales"], "useful-1"),
        (["useful"] * 3 + ["news"] * 2 + ["sales"] * 3 + ["news", "sales", "news"], "useful-1"),  # of eleven only the last eight are compared
        (["news"] * 5 + ["sales", "useful", "sales", "useful", "news", "sales", "useful", "news"], "news-0"),
    ],
)
def test_thirds_take_the_least_present_then_the_longest_absent_group(sent: list[str], first: str) -> None:
    written = letters("news", "useful", "sales")
    assert in_order(written, [Kind(k) for k in sent], (Ratio(1), THIRDS), sales_held=False)[0].id == first


def test_thirds_pass_over_a_group_with_nothing_left_and_over_held_letters() -> None:
    found = in_order(letters("news", "sales", "about"), [Kind.NEWS, Kind.NEWS], (THIRDS,), sales_held=True)
    assert [x.id for x in found] == ["news-0", "about-2", "sales-1"]
    only = letters("greeting", "sales")
    assert [x.id for x in in_order(only, [], (THIRDS,), sales_held=True)] == ["greeting-0", "sales-1"]


def test_the_longest_absent_group_is_told_by_its_last_letter() -> None:
    sent = [Kind.USEFUL, Kind.NEWS, Kind.NEWS, Kind.USEFUL]
    assert in_order(letters("useful", "news"), sent, (THIRDS,), sales_held=False)[0].id == "news-1"
