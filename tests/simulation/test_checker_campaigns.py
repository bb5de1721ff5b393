"""The checker knows the occasions of campaigns: when they open, on whose clock, how long they may wait; each is broken on purpose."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nurture.simulation.checker.dates import instant
from tests.support.judged import BODY, START, anytime, row, rules, sequence

NONE = {"policy": "default", "mix": "none"}


def campaign(schedule: object, kind: str = "news", **more) -> dict:
    return {"campaign": "c", "segment": "x", "schedule": schedule, "letter": {"id": "x", "kind": kind, "size": "short", **BODY}, **more}


def sent(local: str, kind: str = "news", zone: str = "Europe/Berlin") -> dict:
    return row("c/x", local, kind, zone=zone)


class TestAt:
    TUESDAY = campaign({"at": "2026-03-10 14:00", "zone": "reader"})

    @pytest.mark.parametrize("zone", ["Pacific/Auckland", "Australia/Sydney", "America/Los_Angeles", "Asia/Kathmandu"])
    def test_the_hour_named_is_the_window_for_as_long_as_the_house_may_be_late(self, zone):
        assert rules([sent("2026-03-10 14:00", zone=zone)], self.TUESDAY) == set()
        assert rules([sent("2026-03-10 15:59:59", zone=zone)], self.TUESDAY) == set()
        assert rules([sent("2026-03-10 13:59:59", zone=zone)], self.TUESDAY) == {"schedule", "window"}
        assert rules([sent("2026-03-10 16:00", zone=zone)], self.TUESDAY) == {"window"}
        assert rules([sent("2026-03-10 15:00", zone=zone)], self.TUESDAY, {"policy": "default", "lateness": "30m"}) == {"window"}

    def test_missed_it_goes_in_the_next_window_of_its_kind_and_no_later_than_it_may_wait(self):
        assert rules([sent("2026-03-11 10:30")], self.TUESDAY) == set()
        assert rules([sent("2026-03-17 10:30")], self.TUESDAY) == set()
        assert rules([sent("2026-03-18 10:30")], self.TUESDAY) == {"until"}
        assert rules([sent("2026-03-12 10:30")], self.TUESDAY | {"until": "1d"}) == {"until"}
        assert rules([sent("2026-03-10 10:30")], self.TUESDAY) == {"schedule"}

    def test_the_time_of_a_pause_is_not_counted(self):
        pause = {"act": "pause", "at": "2026-03-09T08:00:00+00:00", "until": "2026-03-20T08:00:00+00:00"}
        paused = [{"email": "a@example.com", "zones": [{"at": None, "timezone": "Europe/Berlin"}], "deeds": [pause]}]
        assert rules([sent("2026-03-24 10:30")], self.TUESDAY, people=paused) == set()
        assert rules([sent("2026-04-01 10:30")], self.TUESDAY, people=paused) == {"until"}
        assert rules([sent("2026-03-18 10:30")], self.TUESDAY, people=paused) == {"paused"}

    def test_on_the_clock_of_the_workspace_where_it_says_so(self):
        berlin = campaign({"at": "2026-03-10 14:00", "zone": "workspace"})
        house = {"policy": "default", "timezone": "Europe/Berlin"}
        assert rules([sent("2026-03-10 06:00", zone="America/Los_Angeles")], berlin, house) == set()
        assert "window" in rules([sent("2026-03-10 14:00", zone="America/Los_Angeles")], berlin, house)

    def test_quiet_hours_do_not_cut_it_and_blackout_dates_do(self):
        night = campaign({"at": "2026-03-10 23:00", "zone": "reader"})
        assert rules([sent("2026-03-10 23:30")], night) == set()
        assert rules([sent("2026-03-10 23:30")], night, {"policy": "default", "blackout": ["03-10"]}) == {"blackout"}

    def test_gaps_and_folds(self):
        berlin = ZoneInfo("Europe/Berlin")
        assert instant(datetime(2026, 3, 29, 2, 30), berlin) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
        assert instant(datetime(2026, 10, 25, 2, 30), berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        gap = campaign({"at": "2026-03-29 02:30", "zone": "reader"})
        assert rules([sent("2026-03-29 03:00")], gap) == set()
        assert rules([sent("2026-03-29 01:59")], gap) == {"schedule", "window"}
        fold = campaign({"at": "2026-10-25 02:30", "zone": "reader"})
        assert rules([row("c/x", "2026-10-25 02:30", "news", fold=1)], fold) == set()
        assert rules([row("c/x", "2026-10-25 02:29:59", "news", fold=0)], fold) == {"schedule", "window"}

    def test_once(self):
        assert rules([sent("2026-03-10 14:00"), sent("2026-03-12 10:30")], self.TUESDAY) == {"occasion"}


class TestWeekly:
    NEWS = campaign({"weekly": "tue", "zone": "reader"})

    def test_once_on_each_of_its_dates(self):
        weeks = [sent(f"2026-03-{d} 10:30") for d in (10, 17, 24)]
        assert rules(weeks, self.NEWS, start=START) == set()
        assert rules([*weeks, sent("2026-03-12 10:30")], self.NEWS) == {"occasion"}

    def test_a_superseded_occasion_does_not_come_after_all(self):
        """The letter of the 10th, left late on the 17th, is a second one on the 17th."""
        assert rules([sent("2026-03-17 10:30"), sent("2026-03-18 10:30")], self.NEWS) == {"occasion"}

    def test_its_windows_are_those_of_its_kind(self):
        assert rules([sent("2026-03-16 10:30")], self.NEWS) == {"window"}
        assert (
            rules([sent("2026-03-16 10:30")], self.NEWS | {"windows": {"other": [{"days": ["mon"], "from": "10:00", "until": "12:00"}]}})
            == set()
        )

    def test_not_before_its_first_date(self):
        assert rules([sent("2026-03-04 10:30")], self.NEWS, start=START) == set()
        assert rules([sent("2026-03-04 10:30")], self.NEWS, start=START + timedelta(days=2, hours=-2)) == set()
        thursday = campaign({"weekly": "thu", "zone": "reader"})
        assert rules([sent("2026-03-03 10:30")], thursday, start=START) == {"schedule"}

    def test_the_workspace_may_open_it(self):
        """Tuesday in Berlin begins on Monday evening in New York."""
        berlin = campaign(
            {"weekly": "tue", "zone": "workspace"}, windows={"other": [{"days": ["mon", "tue"], "from": "0:00", "until": "24:00"}]}
        )
        house = {"policy": "default", "timezone": "Europe/Berlin"}
        both = [sent("2026-03-09 20:00", zone="America/New_York"), sent("2026-03-10 20:00", zone="America/New_York")]
        assert rules(both, berlin, house) == {"occasion"}
        assert rules(both, berlin | {"schedule": {"weekly": "tue", "zone": "reader"}}, house) == set()


class TestCron:
    @pytest.mark.parametrize(
        ("line", "good", "bad"),
        [
            ("0 10 * * 2", ("2026-03-10 10:00", "2026-03-17 11:59"), "2026-03-13 14:00"),
            ("30 9 1,15 * *", ("2026-03-15 09:30", "2026-04-01 11:29"), "2026-03-15 09:29"),
            ("*/30 8-9 * mar mon", ("2026-03-09 08:00", "2026-03-16 09:30"), "2026-03-09 07:59"),
            ("0 14 13 * fri", ("2026-03-13 14:00", "2026-03-20 15:00"), "2026-03-14 14:00"),
            ("0 14 * * 7", ("2026-03-08 14:00", "2026-03-15 14:30"), "2026-03-14 14:00"),
        ],
    )  # fmt: skip
    def test_the_hours_of_its_line(self, line, good, bad):
        document = campaign({"cron": line, "zone": "reader"})
        assert rules([sent(x) for x in good], document) == set()
        assert rules([sent(bad)], document) & {"window", "schedule"}

    def test_once_on_each(self):
        document = campaign({"cron": "0 10 * * 2", "zone": "reader"})
        assert rules([sent("2026-03-10 10:00"), sent("2026-03-12 10:30")], document) == {"occasion"}


class TestNow:
    def test_opens_when_it_is_started_and_waits_a_week(self):
        document = campaign("now")
        assert rules([sent("2026-03-03 10:30")], document, start=START) == set()
        assert rules([sent("2026-03-10 10:30")], document, start=START) == {"until"}
        assert rules([sent("2026-03-10 10:30")], document) == set()
        assert rules([sent("2026-03-03 10:30"), sent("2026-03-05 10:30")], document, start=START) == {"occasion"}


def test_a_campaign_is_under_the_mix_of_the_workspace():
    sale = campaign("now", "sales")
    gives = sequence(anytime(1), anytime(2), anytime(3), mix="1:1")
    given = [row(f"s/useful-{n}", f"2026-03-{d:02} 12:00") for n, d in ((1, 2), (2, 4), (3, 6))]
    offer = sent("2026-03-12 10:30", "sales")
    assert rules([*given, offer], sale, gives) == set()
    assert rules([*given[:2], offer], sale, gives) == {"mix"}
    assert rules([*given[:2], offer], sale, gives, NONE) == set()
    assert rules([offer], sale, gives, NONE) == {"mix"}
