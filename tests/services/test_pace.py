"""How fast, and whose turn."""

import pytest

from nurture.domain.answers import Verdict, judge
from nurture.domain.envelopes import Phase, Reply
from nurture.domain.throttles import LEAST_RATE, UNSEEN
from nurture.services.sending.gate import Gate, Heard
from nurture.services.sending.pace import LATE, Pace, Turns
from nurture.store.claims import DueLane
from tests.support.people import NOW


def test_lanes_take_turns_by_priority_and_service_goes_first() -> None:
    turns = Turns()
    due = [DueLane(1, "sequence:a", 60), DueLane(2, "campaign:b", 20)]
    chosen = [turns.next(due) for _ in range(80)]
    assert sum(lane is not None and lane.id == 1 for lane in chosen) == 60
    assert turns.next([DueLane(9, "service", 0), *due]) == DueLane(9, "service", 0)
    assert turns.next([]) is None


def test_the_pace_slows_on_request_and_then_follows_what_all_share() -> None:
    pace = Pace()
    assert (pace.rate, pace.claim()) == (None, 512)
    pace.begin(0.0)
    for n in range(1, 101):
        pace.took(n / 100, "")
    assert pace.seen == pytest.approx(100, rel=0.1)
    pace.slow(2.0, "")
    pace.slow(2.1, "")
    assert pace.rate == pytest.approx(pace.seen / 2), "two answers within a second are one"
    assert pace.ahead(3.0) == 0
    pace.reserve(3.0)
    assert pace.ahead(3.0) == pytest.approx(1 / pace.rate - LATE)
    pace.follow({}, 2.5)
    assert pace.rate == pytest.approx(pace.seen / 2), "what was heard this second is in no table yet"
    pace.follow({"": 70.0}, 3.1)
    assert pace.rate == 70.0
    pace.follow({}, 4.0)
    assert pace.rate is None
    single = Pace(trying=frozenset([""]))
    assert (single.claim(), single.slice(256, 4)) == (1, 1)
    limited = Pace(ceiling=14)
    assert (limited.slice(256, 4), limited.claim()) == (14, 56)
    places = []
    for _ in range(3):
        places.append(limited.ahead(0.0))
        limited.reserve(0.0)
    assert places == pytest.approx([0, 1 / 14, 2 / 14])


def test_each_relay_is_as_fast_as_it_says_and_the_one_in_use_counts() -> None:
    used = "first"
    pace = Pace(in_use=lambda: used)
    for n in range(200):
        pace.took(n / 100, "first")
        pace.took(n / 10, "second")
    assert (pace.seen_of("first"), pace.seen_of("second")) == (pytest.approx(100, rel=0.1), pytest.approx(10, rel=0.1))
    pace.slow(20.0, "first")
    pace.slow(20.1, "second")
    assert pace.rate == pytest.approx(50, rel=0.1), "half of what it took itself"
    used = "second"
    assert pace.rate == pytest.approx(5, rel=0.1), "an answer of the other one a moment ago is another answer"
    pace.follow({"first": 40.0, "second": 4.0}, 21.05)
    assert (pace.limits["first"], pace.rate) == (40.0, pytest.approx(5, rel=0.1)), "what was heard this second is in no table yet"
    pace.follow({"first": 40.0}, 21.2)
    assert pace.rate is None, "who asked for nothing is open"
    pace.trying = frozenset(["first"])
    assert (pace.single, pace.slice(256, 4)) == (False, 10)
    used, pace.ceiling = "first", 30
    assert (pace.single, pace.slice(256, 4), pace.rate) == (True, 1, 30)
    pace.slow(30.0, "first")
    assert pace.rate == 15, "of what was in force"
    fresh = Pace()
    fresh.slow(0.0, "first")
    assert fresh.limits == {"first": UNSEEN / 2}, "nothing was seen yet"
    for moment in range(1, 9):
        fresh.slow(float(moment), "first")
    assert fresh.limits == {"first": LEAST_RATE}
    nameless = Pace()
    for n in range(20):
        nameless.took(n / 100, "captured")
    assert nameless.seen == pytest.approx(100, rel=0.1), "where no relay is named, whatever took them"


def verdict(code: int, text: str, phase: Phase = Phase.RCPT) -> Verdict:
    return judge(Reply(1, phase, code, None, text, "first"), 0, None, NOW)


def test_what_is_shared_is_half_of_what_that_very_relay_took_from_all_workers() -> None:
    """A late answer of the one that letters no longer go to says nothing about the one that took over."""
    pace, gate = Pace(in_use=lambda: "second"), Gate(processes=2)
    for n in range(200):
        pace.took(n / 100, "first")
        pace.took(n / 10, "second")
    gate.hear([Heard("first", "example.org", Phase.MAIL, verdict(454, "Throttling failure: Maximum sending rate exceeded."))], pace, NOW)
    assert gate.known["relay:first"].rate == pytest.approx(100 * 2 / 2, rel=0.1)
    complaint = verdict(421, "Our system has detected an unusual rate of mail from your address - gsmtp")
    heard = [Heard("first", domain, Phase.RCPT, complaint) for domain in ("gmail.com",) * 3]
    heard.append(Heard("first", "example.org", Phase.BODY, verdict(250, "ok", Phase.BODY)))
    gate.hear(heard, pace, NOW)
    assert gate.known["domain:gmail.com"].rate == pytest.approx(100 * 2 * 3 / 4 / 2, rel=0.1), "its part of what was on the way"


@pytest.mark.parametrize("tick", [0.001, 0.003, 0.02])
def test_a_clock_that_rings_late_costs_nothing_of_the_rate(tick: float) -> None:
    """Each letter leaves at the first tick at which its place has come; no second holds more than the rate and what may be made up for."""
    pace, rate, left = Pace(ceiling=500), 500, list[float]()
    for n in range(1, round(4 / tick)):
        now = n * tick
        while pace.ahead(now) == 0:
            pace.reserve(now)
            left.append(now)
    assert len(left) == pytest.approx(4 * rate, rel=0.01, abs=rate * LATE + 1)
    assert max(sum(a <= at < a + 1 for at in left) for a in left[::7]) <= rate * (1 + LATE) + 1
