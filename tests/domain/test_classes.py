"""One person judged whole, for any history: exactly one class, monotone in human signs, blind to machines, undone without a trace."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.classes import Classified, Move, classify
from nurture.domain.documents import EngagementPolicy
from nurture.domain.engagement import RANK, raised_from
from nurture.domain.folding import EventFact, LetterFact, fold, month_of
from nurture.domain.signs import counted
from nurture.domain.standing import FlagBit, Mark, Standing
from nurture.domain.words import Engagement, EventType, Evidence, Kind, Temperature, Tracking
from tests.support.judging import instant, laid, signs_of
from tests.support.judging import judge as verdict_of

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = EngagementPolicy()
LONG_AGO = NOW - 900 * DAY

ago = st.integers(0, 700 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))
letter = st.builds(
    lambda number, at, kind, uncertain: LetterFact(number, at, at.date(), kind, uncertain),
    st.integers(1, 40), ago, st.sampled_from([k for k in Kind if k is not Kind.SERVICE]), st.just(False) | st.booleans(),
)  # fmt: skip
letters = st.lists(letter, max_size=40, unique_by=lambda fact: fact.delivery)
ACTS = (EventType.OPENED, EventType.CLICKED, EventType.REPLIED, EventType.ANSWERED, EventType.VISITED, EventType.ATTENDED, EventType.CONVERTED)


def events(evidence: Evidence, types: tuple[EventType, ...] = ACTS) -> st.SearchStrategy[EventFact]:
    return st.builds(
        EventFact, st.sampled_from(types), ago, st.just(evidence), st.integers(1, 45), st.sampled_from(Kind), st.sampled_from(("purchase", "lead"))
    )


bounce = st.builds(EventFact, st.just(EventType.BOUNCED), ago, st.just(Evidence.UNKNOWN), st.integers(1, 40), hard=st.just(True))
history = st.lists(events(Evidence.HUMAN) | events(Evidence.UNKNOWN) | bounce, max_size=25)
policies = st.builds(
    EngagementPolicy, fan_answers=st.integers(1, 8), fan_of=st.integers(1, 16), active_letters=st.integers(1, 16), new_below=st.integers(1, 9),
    active_open_share=st.floats(0.05, 1), active_open_least=st.integers(1, 5), counts_after=st.integers(0, 30).map(timedelta),
    active_days=st.integers(1, 400).map(timedelta),
)  # fmt: skip


def judged(standing: Standing, policy: EngagementPolicy = POLICY, *, weekly: bool = True, raised: str | None = None) -> Classified | None:
    return classify(signs_of(standing, LONG_AGO), laid(policy, NOW), weekly=weekly, raised_from=raised)


def after(standing: Standing, found: Classified | None) -> Standing:
    """The standing as it is written."""
    if found is None:
        return standing
    return replace(
        standing, engagement=found.engagement, downs=found.downs, downs_at=instant(found.downs_at), flags=FlagBit(found.flags),
        temperature=found.temperature,
    )  # fmt: skip


@given(letters, history, policies, st.sampled_from(Tracking))
def test_everybody_stands_in_exactly_one_class_and_it_holds(
    sent: list[LetterFact], acts: list[EventFact], policy: EngagementPolicy, tracking: Tracking
) -> None:
    """The classes by their own words, each alone: the first that holds is the verdict, and none holds twice for being asked twice."""
    standing = fold(Standing(1), sent, acts, POLICY.half_life)
    _, marks = counted(signs_of(standing), laid(policy, NOW))
    found = verdict_of(standing, tracking, policy, NOW).engagement
    answered = sum(bool(m & (Mark.CLICKED | Mark.ANSWERED)) for m in marks[-policy.fan_of :])
    last = marks[-policy.fan_of :]
    assert (answered < policy.fan_answers) or found is Engagement.FAN
    if found in (Engagement.UNOBSERVABLE, Engagement.PASSIVE):
        assert len(marks) >= policy.new_below or standing.received > len(standing.recent)
        hidden = tracking is not Tracking.INDIVIDUAL or (any(m & Mark.PROXY for m in last) and not any(m & 7 for m in last))
        assert hidden == (found is Engagement.UNOBSERVABLE)
    if found is Engagement.NEW:
        assert len(marks) < policy.new_below
    stood = replace(standing, engagement=found)
    again = judged(stood, policy)
    assert tracking is not Tracking.INDIVIDUAL or again is None or again.engagement is found


@given(letters, history, events(Evidence.HUMAN), policies)
def test_another_human_sign_never_lowers_anybody(
    sent: list[LetterFact], acts: list[EventFact], one_more: EventFact, policy: EngagementPolicy
) -> None:
    less, more = (fold(Standing(1), sent, a, POLICY.half_life) for a in (acts, [*acts, one_more]))
    verdicts = [verdict_of(s, Tracking.INDIVIDUAL, policy, NOW).engagement for s in (less, more)]
    assert RANK[verdicts[0]] <= RANK[verdicts[1]]
    for stands in Engagement:
        for downs in (0, 1):
            waiting = {"engagement": stands, "downs": downs, "downs_at": NOW - 7 * DAY if downs else None}
            ranks = [RANK[after(s, judged(s, policy)).engagement] for s in (replace(less, **waiting), replace(more, **waiting))]
            assert ranks[0] <= ranks[1]


@given(letters, history, st.lists(events(Evidence.MACHINE, tuple(t for t in EventType if t is not EventType.BOUNCED)), max_size=9))
def test_what_a_machine_does_changes_nothing_at_all(sent: list[LetterFact], acts: list[EventFact], machines: list[EventFact]) -> None:
    plain, disturbed = fold(Standing(1), sent, acts, POLICY.half_life), fold(Standing(1), sent, [*acts, *machines], POLICY.half_life)
    assert disturbed == plain
    assert fold(plain, [], machines, POLICY.half_life) == plain
    assert judged(disturbed) == judged(plain)


@given(letters, history, events(Evidence.HUMAN))
def test_a_withdrawn_sign_leaves_class_flags_and_temperature_as_they_were(
    sent: list[LetterFact], acts: list[EventFact], fake: EventFact
) -> None:
    """Settled first without the sign; then raised by it, at once; then rebuilt without it, as folding does."""
    without, fooled = (fold(Standing(1), sent, a, POLICY.half_life) for a in (acts, [*acts, fake]))
    settled = after(without, judged(without))
    decided = {n: getattr(settled, n) for n in ("engagement", "downs", "downs_at", "flags", "temperature")}
    raised = judged(replace(fooled, **decided), weekly=False)
    moves = [(m.old, m.new) for m in raised.moves if m.what == "engagement"] if raised else []
    stands = after(replace(fooled, **decided), raised)
    kept = {n: getattr(stands, n) for n in ("engagement", "downs", "downs_at", "flags", "temperature")}
    undone = after(replace(without, **kept), judged(replace(without, **kept), weekly=False, raised=raised_from(moves)))
    assert (undone.engagement, undone.flags, undone.temperature) == (settled.engagement, settled.flags, settled.temperature)


def letters_of(count: int, marks: dict[int, Mark] | None = None) -> list[LetterFact]:
    return [LetterFact(n, NOW - (count - n) * 7 * DAY, (NOW - (count - n) * 7 * DAY).date(), Kind.USEFUL) for n in range(count)]


def moves(standing: Standing, joined: datetime = LONG_AGO, **stands: Any) -> list[tuple[str, str, str]]:
    found = classify(signs_of(replace(standing, **stands), joined), laid(POLICY, NOW), weekly=True)
    return [(m.old, m.new, m.reason) for m in (found.moves if found else ()) if m.what == "flags"]


def test_each_flag_moves_with_a_reason_of_its_own() -> None:
    silent = fold(Standing(1), letters_of(10), [], POLICY.half_life)
    passive: dict[str, Any] = {"engagement": Engagement.PASSIVE}
    assert moves(silent, **passive) == [("", "lost", "joined on 14 Sep 2023, and there was never a sign of life")]
    assert moves(silent, NOW - 90 * DAY, **passive) == [("", "ripening", "joined on 2 Dec 2025, under 6 months ago")]
    grown = moves(silent, NOW - 200 * DAY, flags=FlagBit.RIPENING, **passive)
    assert grown == [("ripening", "", "there was never a sign of life, and six months have passed since joining")]
    seen = replace(silent, last_sign_at=NOW - 9 * DAY)
    assert moves(seen, flags=FlagBit.LOST, **passive) == [
        ("", "ripening", "the last sign of life was on 21 Feb 2026"),
        ("lost", "", "the last sign of life was on 21 Feb 2026"),
    ]
    keen = fold(silent, [], [EventFact(EventType.CLICKED, NOW - DAY, Evidence.HUMAN, 8)], POLICY.half_life)
    assert moves(keen, flags=FlagBit.RIPENING | FlagBit.LOST, **passive) == [("ripening", "", "is active now"), ("lost", "", "is active now")]
    fading = replace(keen, peaks=((month_of(NOW), 12.0),))
    assert moves(fading, engagement=Engagement.ACTIVE) == [("", "fading", "the score of 3.0 is under half of its 12-month peak of 12.0")]
    assert moves(keen, engagement=Engagement.ACTIVE, flags=FlagBit.FADING) == [
        ("fading", "", "the score of 3.0 is not under half of its 12-month peak of 3.0")
    ]
    fallen = moves(silent, engagement=Engagement.ACTIVE, flags=FlagBit.FADING, downs=1, downs_at=NOW - 7 * DAY)
    assert ("fading", "", "is passive now") in fallen


def test_class_and_temperature_move_with_the_facts_that_moved_them() -> None:
    keen = fold(Standing(1), letters_of(10), [EventFact(EventType.CLICKED, NOW - DAY, Evidence.HUMAN, 8, Kind.SALES)], POLICY.half_life)
    found = judged(keen, weekly=False)
    assert found is not None
    assert found.moves == (
        Move("engagement", "new", "active", "answered on 1 Mar 2026"),
        Move("temperature", "cold", "hot", "clicked in a sales letter, asked to buy or became a lead in the last 14 days"),
    )
    assert judged(after(keen, found), weekly=False) is None


@pytest.mark.parametrize(("days", "expected"), [(3, Temperature.HOT), (20, Temperature.WARM), (150, Temperature.WARM), (181, Temperature.COLD)])
def test_a_buyer_silent_for_months_cools_from_hot_to_warm(days: int, expected: Temperature) -> None:
    wish = EventFact(EventType.CLICKED, NOW - days * DAY, Evidence.HUMAN, 8, Kind.SALES)
    bought = EventFact(EventType.CONVERTED, NOW - days * DAY, Evidence.HUMAN, name="purchase")
    buyer = replace(fold(Standing(1), letters_of(10), [wish, bought], POLICY.half_life), temperature=Temperature.HOT)
    assert after(buyer, judged(buyer)).temperature is expected
