"""The audit of the mix, person by person: what counts, what starts the count anew, what it does not judge."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.mixes import Promise, parse_mix
from nurture.domain.reports import Past, Stay, unearned
from nurture.domain.shares import benchmark
from nurture.domain.words import Engagement, Kind

START = datetime(2026, 1, 5, 10, tzinfo=UTC)
EVER = datetime.min.replace(tzinfo=UTC)
WORDS = {"u": Kind.USEFUL, "n": Kind.NEWS, "a": Kind.ABOUT, "S": Kind.SALES, "g": Kind.GREETING}


def story(letters: str, lane: str = "sequence:roofs") -> list[Past]:
    """One letter a day: `uuuS`; a `?` behind it means that it may not have arrived."""
    found: list[Past] = []
    for sign in letters:
        if sign == "?":
            last = found.pop()
            found.append(Past(last.delivery, last.kind, last.at, last.lane, earns=False))
        else:
            found.append(Past(len(found), WORDS[sign], START + timedelta(days=len(found)), lane))
    return found


def stay(mix: str | None, end: datetime | None = None, since: datetime = EVER) -> Stay:
    promises: tuple[Promise, ...] = parse_mix(mix) if mix else ()
    return Stay(START - timedelta(days=1), end, promises, since)


@pytest.mark.parametrize(
    ("letters", "mix", "wrong"),
    [
        ("uuuS", "3:1", ()), ("uuS", "3:1", (2,)), ("uuuSuuuS", "3:1", ()), ("uuuSuuS", "3:1", (6,)), ("uunS", "3:1", (3,)),
        ("uuu?S", "3:1", (3,)), ("uuugS", "3:1", ()), ("S", "3:1", (0,)), ("unS", "thirds", ()), ("uS", "thirds", (1,)), ("naS", "thirds", ()),
        ("unSSun", "thirds", (3,)), ("S", "none", (0,)), ("S", None, (0,)), ("uuuS", None, ()),
    ],
)  # fmt: skip
def test_offers_are_held_against_the_promise_in_force(letters: str, mix: str | None, wrong: tuple[int, ...]) -> None:
    found, looked = unearned(story(letters), [stay(mix)], stay("3:1"))
    assert (found, looked) == (wrong, letters.count("S"))


def test_where_the_workspace_promises_nothing_either_nothing_is_wrong() -> None:
    assert unearned(story("S"), [stay("none")], stay("none")) == ((), 1)


def test_every_promise_of_a_person_counts() -> None:
    assert unearned(story("unS"), [stay("thirds"), stay("2:1")], stay("none"))[0] == (2,)


def test_a_campaign_is_under_the_workspaces_promise_too() -> None:
    assert unearned(story("unS", "campaign:spring"), [stay("thirds")], stay("3:1"))[0] == (2,)
    assert unearned(story("unS"), [stay("thirds")], stay("3:1"))[0] == ()


def test_cleanup_offers_are_lifted_but_start_the_count_anew() -> None:
    letters = [*story("uuu"), *story("S", "cleanup:spring"), Past(9, Kind.SALES, START + timedelta(days=9), "sequence:roofs")]
    assert unearned(letters, [stay("3:1")], stay("3:1")) == ((9,), 1)


def test_the_last_letter_of_a_way_is_still_under_its_promise() -> None:
    letters = story("unS")
    assert unearned(letters, [stay("thirds", end=letters[-1].at)], stay("3:1"))[0] == ()
    assert unearned(letters, [stay("thirds", end=letters[1].at)], stay("3:1"))[0] == (2,)


def test_a_letter_older_than_the_wording_of_its_promise_is_not_judged_by_it() -> None:
    assert unearned(story("uS"), [stay("3:1", since=START + timedelta(days=5))], stay("3:1")) == ((), 0)


def test_the_benchmark_is_of_the_judged_alone() -> None:
    found = benchmark({Engagement.PASSIVE: 80, Engagement.ACTIVE: 17, Engagement.FAN: 3, Engagement.NEW: 500})
    assert [line.share for line in found] == [line.usual for line in found] == [0.80, 0.17, 0.03]
