"""Occasions: nominal dates that begin with the first zone and close with the last, and schedules that name an hour."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.documents import Campaign
from nurture.domain.occasions import Occasion, occasions_after

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATE = timedelta(hours=2)


def campaign(schedule: Any, **more: Any) -> Campaign:
    letter = {"id": "news", "kind": "news", "subject": "s", "body": "b"}
    return Campaign.model_validate({"campaign": "weekly", "segment": "all", "schedule": schedule, "letter": letter} | more)


def dates(schedule: Any, last: date | None = None, count: int = 3, started: datetime = MONDAY) -> list[date]:
    return [o.nominal for o in islice(occasions_after(campaign(schedule), last, started, BERLIN), count)]


def test_weekly_comes_on_its_weekday_from_the_day_of_the_start() -> None:
    assert dates({"weekly": "tue"}) == [date(2026, 3, 3), date(2026, 3, 10), date(2026, 3, 17)]
    assert dates({"weekly": "mon"})[0] == date(2026, 3, 2)
    assert dates({"weekly": "mon"}, last=date(2026, 3, 2))[0] == date(2026, 3, 9)
    assert dates({"weekly": "mon"}, last=date(2026, 1, 5))[0] == date(2026, 3, 2), "what an outage swallowed does not come late"


def test_the_day_of_the_start_is_the_workspace_s() -> None:
    late_monday = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # Tuesday in Berlin
    assert dates({"weekly": "mon"}, started=late_monday)[0] == date(2026, 3, 9)


def test_at_and_now_come_once() -> None:
    assert dates({"at": "2026-03-10 10:00"}) == [date(2026, 3, 10)]
    assert dates({"at": "2026-03-10 10:00"}, last=date(2026, 3, 10)) == []
    [now] = occasions_after(campaign("now"), None, MONDAY, BERLIN)
    assert (now.nominal, now.moment, now.opens_at) == (date(2026, 3, 2), MONDAY, MONDAY)
    assert dates("now", last=date(2026, 3, 2)) == []


def test_an_occasion_opens_where_its_date_begins_first() -> None:
    assert Occasion(date(2026, 3, 10)).opens_at == datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert Occasion(date(2026, 3, 10)).begins(ZoneInfo("Pacific/Kiritimati")) == datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert Occasion(date(2026, 3, 10)).begins(ZoneInfo("Pacific/Pago_Pago")) == datetime(2026, 3, 10, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "utc"),
    [("Pacific/Auckland", datetime(2026, 3, 9, 21, tzinfo=UTC)), ("Australia/Sydney", datetime(2026, 3, 9, 23, tzinfo=UTC)),
     ("America/Los_Angeles", datetime(2026, 3, 10, 17, tzinfo=UTC))],
)  # fmt: skip
def test_tuesday_ten_is_each_reader_s_own(zone: str, utc: datetime) -> None:
    hour = Occasion(date(2026, 3, 10), time(10)).hour(ZoneInfo(zone), LATE)
    assert hour is not None
    assert (hour.day, hour.opens, hour.closes) == (date(2026, 3, 10), utc, utc + LATE)


def test_the_workspace_s_hour_is_one_moment_for_all_on_each_one_s_own_date() -> None:
    hour = Occasion(date(2026, 3, 10), time(22), BERLIN).hour(ZoneInfo("Asia/Tokyo"), LATE)
    assert hour is not None
    assert (hour.opens, hour.day) == (datetime(2026, 3, 10, 21, tzinfo=UTC), date(2026, 3, 11))


def test_it_is_over_when_its_date_has_passed_in_the_last_zone() -> None:
    named, plain = Occasion(date(2026, 3, 10), time(10)), Occasion(date(2026, 3, 10))
    assert not named.is_over(datetime(2026, 3, 10, 23, 59, tzinfo=UTC), LATE)
    assert named.is_over(datetime(2026, 3, 11, 0, tzinfo=UTC), LATE)
    assert not plain.is_over(datetime(2026, 3, 11, 11, 59, tzinfo=UTC), LATE)
    assert plain.is_over(datetime(2026, 3, 11, 12, tzinfo=UTC), LATE)
    assert not Occasion(date(2026, 3, 2), moment=MONDAY).is_over(MONDAY + timedelta(days=400), LATE)


def test_a_gap_moves_the_hour_to_the_first_valid_moment_and_a_fold_gives_the_first_pass() -> None:
    assert Occasion(date(2026, 3, 29), time(2, 30)).begins(BERLIN) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert Occasion(date(2026, 10, 25), time(2, 30)).begins(BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
