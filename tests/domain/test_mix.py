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


@given(st.lists(st.sampled_from(["useful", "about", "sales"]), min_size=9, max_size=9).filter(lambda k: all(k.count(x) == 3 for x in k)))
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
