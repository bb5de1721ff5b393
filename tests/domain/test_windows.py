"""Windows: the kinds' hours, local time over DST, precedence, the moment inside."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.documents import Policy
from nurture.domain.letters import Letter, Windows
from nurture.domain.windows import describe, hours_of, instant_of, moment_in, next_opening, openings, share_of, stretches

HARD_ZONES = [
    "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "Pacific/Auckland", "Pacific/Kiritimati", "Pacific/Pago_Pago",
    "America/St_Johns", "Europe/Berlin", "America/New_York", "Africa/Casablanca", "Asia/Tehran", "America/Santiago",
]  # fmt: skip
BERLIN = ZoneInfo("Europe/Berlin")


def letter(kind: str = "useful", size: str = "short", **more: object) -> Letter:
    return Letter.model_validate({"id": "a", "kind": kind, "size": size, "subject": "s", "body": "b"} | more)


def hours(kind: str = "useful", size: str = "short", policy: Policy | None = None, windows: Windows | None = None, **more: object) -> str:
    return hours_of(letter(kind, size, **more), windows or Windows(), policy or Policy()).name


@pytest.mark.parametrize(
    ("kind", "size", "expected"),
    [
        ("sales", "short", "Wed-Thu 10:00-12:00"),
        ("sales", "long", "Wed-Thu 10:00-12:00"),
        ("useful", "long", "Fri 10:00-12:00"),
        ("news", "long", "Fri 10:00-12:00"),
        ("useful", "short", "Mon-Tue 10:00-12:00"),
        ("news", "short", "Tue-Thu 10:00-12:00"),
        ("about", "short", "Tue-Thu 10:00-12:00"),
        ("greeting", "short", "Mon-Sun 09:00-18:00"),
    ],
)
def test_the_optimal_window_of_each_kind(kind: str, size: str, expected: str) -> None:
    assert hours(kind, size) == expected


def test_letter_beats_sequence_beats_workspace() -> None:
    spans = lambda day: [{"days": [day], "from": "9:00", "until": "10:00"}]  # noqa: E731
    policy = Policy.model_validate({"windows": {"short": spans("sat")}})
    sequence = Windows.model_validate({"short": spans("sun")})
    assert hours(policy=policy) == "Sat 09:00-10:00"
    assert hours(policy=policy, windows=sequence) == "Sun 09:00-10:00"
    assert hours(policy=policy, windows=sequence, window=spans("fri")) == "Fri 09:00-10:00"


def test_any_is_every_day_outside_quiet_hours() -> None:
    found = hours_of(letter(window="any"), Windows(), Policy())
    assert describe(found.spans) == "Mon-Sun 08:00-21:00"
    assert not found.spread


def test_a_gap_swallows_or_shortens_and_a_fold_serves_twice() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert stretches(spring, time(2), time(3), BERLIN) == []
    assert stretches(spring, time(1), time(4), BERLIN) == [(datetime(2026, 3, 29, 0, tzinfo=UTC), datetime(2026, 3, 29, 2, tzinfo=UTC))]
    assert len(stretches(autumn, time(2, 15), time(2, 45), BERLIN)) == 2
    assert stretches(autumn, time(2), time(3), BERLIN) == [(datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC))]


def test_a_day_that_the_date_line_took_has_no_window() -> None:
    assert stretches(date(2011, 12, 30), time(10), time(12), ZoneInfo("Pacific/Apia")) == []


def test_fixed_instants_first_valid_after_a_gap_first_pass_of_a_fold() -> None:
    assert instant_of(date(2026, 3, 29), time(2, 30), BERLIN) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert instant_of(date(2026, 10, 25), time(2, 30), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(
    st.sampled_from(HARD_ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),
    st.sampled_from([("sales", "short", {2, 3}), ("useful", "long", {4}), ("useful", "short", {0, 1}), ("news", "short", {1, 2, 3})]),
    st.floats(0, 0.999),
)
def test_every_moment_is_inside_its_window_on_the_local_clock(
    zone: str, naive: datetime, kind: tuple[str, str, set[int]], share: float
) -> None:
    now = naive.replace(tzinfo=UTC)
    found = next_opening(hours_of(letter(kind[0], kind[1]), Windows(), Policy()), ZoneInfo(zone), Policy(), share, now)
    assert found
    due, closes = found
    local = due.astimezone(ZoneInfo(zone))
    assert now <= due <= closes - timedelta(seconds=10)
    assert local.weekday() in kind[2]
    assert time(10) <= local.time() < time(12)
    assert due - now < timedelta(days=8)


@given(st.sampled_from(HARD_ZONES), st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 22), st.integers(1, 4))
def test_stretches_show_the_wall_clock_they_promise(zone: str, day: date, start: int, length: int) -> None:
    end = time(min(start + length, 23), 59)
    for opens, closes in stretches(day, time(start), end, ZoneInfo(zone)):
        first, last = opens.astimezone(ZoneInfo(zone)), (closes - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
        assert first.date() == last.date() == day
        assert time(start) <= first.time()
        assert last.time() < end


def test_spread_is_stable_and_leaves_the_last_tenth() -> None:
    rules = hours_of(letter(), Windows(), Policy())
    opening = next(openings(rules, BERLIN, Policy(), datetime(2026, 3, 2, 0, tzinfo=UTC)))
    moments = [moment_in(opening, rules, share_of(person, "a/b"), opening.opens) for person in range(1000)]
    assert moments == [moment_in(opening, rules, share_of(person, "a/b"), opening.opens) for person in range(1000)]
    assert max(m for m in moments if m) < opening.opens + timedelta(minutes=108)
    assert len(set(moments)) > 500
    assert moment_in(opening, rules, 0.1, opening.opens + timedelta(minutes=90)) == opening.opens + timedelta(minutes=90)
    assert moment_in(opening, rules, 0.1, opening.closes - timedelta(seconds=9)) is None


def test_blackout_dates_are_passed_over_once_and_yearly() -> None:
    policy = Policy.model_validate({"blackout": ["2026-03-02", "03-03"]})
    found = next_opening(hours_of(letter(), Windows(), policy), BERLIN, policy, 0, datetime(2026, 3, 1, tzinfo=UTC))
    assert found
    assert found[0].date() == date(2026, 3, 9)


@pytest.mark.parametrize(
    ("start", "until", "spans"),
    [
        ("21:00", "8:00", "Mon-Sun 08:00-21:00"),
        ("1:00", "5:00", "Mon-Sun 00:00-01:00; Mon-Sun 05:00-24:00"),
        ("0:00", "8:00", "Mon-Sun 08:00-24:00"),
        ("21:00", "24:00", "Mon-Sun 00:00-21:00"),
        ("21:00", "0:00", "Mon-Sun 00:00-21:00"),
        ("8:00", "8:00", "Mon-Sun 00:00-08:00; Mon-Sun 08:00-24:00"),
    ],
)
def test_quiet_hours_over_night_by_day_and_to_the_edge_of_the_day(start: str, until: str, spans: str) -> None:
    policy = Policy.model_validate({"quiet_hours": {"from": start, "until": until}})
    found = hours_of(letter(window="any"), Windows(), policy)
    assert (describe(found.spans), found.now) == (spans, False)
    assert hours_of(letter(window="now"), Windows(), policy).now


def test_service_letters_go_at_any_time_and_at_once() -> None:
    policy = Policy.model_validate({"windows": {"other": [{"days": ["mon"], "from": "9:00", "until": "10:00"}]}})
    found = hours_of(letter("service"), Windows(), policy)
    assert (describe(found.spans), found.spread, found.now, found.name) == ("Mon-Sun 00:00-24:00", False, True, "any time")


def test_days_that_do_not_follow_each_other_are_listed() -> None:
    span = [{"days": ["fri", "mon", "wed"], "from": "9:00", "until": "24:00"}, {"days": ["sun"], "from": "7:30", "until": "8:00"}]
    assert hours(window=span) == "Mon, Wed, Fri 09:00-24:00; Sun 07:30-08:00"


def test_openings_come_in_order_and_those_with_less_than_ten_seconds_left_are_gone() -> None:
    span = [{"days": ["mon"], "from": "15:00", "until": "16:00"}, {"days": ["mon"], "from": "9:00", "until": "10:00"}]
    rules = hours_of(letter(window=span), Windows(), Policy())
    monday = datetime(2026, 3, 2, 0, tzinfo=UTC)

    def first(since: datetime) -> datetime:
        return next(openings(rules, BERLIN, Policy(), since)).opens

    assert [o.opens for o in openings(rules, BERLIN, Policy(), monday, only_day=monday.date())] == [monday + timedelta(hours=h) for h in (8, 14)]
    assert first(monday + timedelta(hours=9, seconds=-10)) == monday + timedelta(hours=8)
    assert first(monday + timedelta(hours=9, seconds=-9)) == monday + timedelta(hours=14)


def test_a_window_of_the_day_before_is_still_open_over_the_date_line() -> None:
    """Where the reader's date is behind that of the moment asked for."""
    rules = hours_of(letter(window=[{"days": ["sun"], "from": "20:00", "until": "24:00"}]), Windows(), Policy())
    now = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)  # Sunday 23:30 in Pago Pago
    found = next_opening(rules, ZoneInfo("Pacific/Pago_Pago"), Policy(), 0, now)
    assert found == (now, datetime(2026, 3, 2, 11, tzinfo=UTC))


def test_the_moment_is_at_once_or_at_its_share_of_nine_tenths() -> None:
    spread, at_once = hours_of(letter(), Windows(), Policy()), hours_of(letter(window="any"), Windows(), Policy())
    opening = next(openings(spread, BERLIN, Policy(), datetime(2026, 3, 2, 0, tzinfo=UTC)))
    assert moment_in(opening, spread, 0.5, opening.opens) == opening.opens + timedelta(minutes=54)
    assert moment_in(opening, at_once, 0.5, opening.opens) == opening.opens
    assert moment_in(opening, at_once, 0.5, opening.closes - timedelta(seconds=10)) == opening.closes - timedelta(seconds=10)


def test_a_fixed_instant_of_a_day_that_does_not_exist_is_the_next_day() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert instant_of(date(2011, 12, 30), time(12), apia) == datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert instant_of(date(2011, 12, 31), time(12), apia) == datetime(2011, 12, 30, 22, tzinfo=UTC)


def test_a_window_of_a_minute_has_a_moment_for_everybody() -> None:
    """Its last tenth is shorter than the ten seconds that a hand-over needs."""
    rules = hours_of(letter(window=[{"days": ["mon"], "from": "10:00", "until": "10:01"}]), Windows(), Policy())
    opening = next(openings(rules, BERLIN, Policy(), datetime(2026, 3, 2, 0, tzinfo=UTC)))
    moments = [moment_in(opening, rules, share / 100, opening.opens) for share in range(100)]
    assert all(m is not None and opening.opens <= m <= opening.closes - timedelta(seconds=10) for m in moments)
