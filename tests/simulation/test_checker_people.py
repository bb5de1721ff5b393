"""The checker knows what people did: who left, bought, moved, asked for less or has a birthday; each is broken on purpose."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.judged import BODY, START, anytime, row, rules, sequence

ADDRESS = "a@example.com"


def person(
    *deeds: tuple[str, str], zones: tuple[tuple[str | None, str], ...] = ((None, "Europe/Berlin"),), **fields: str
) -> dict[str, Any]:
    return {
        "email": ADDRESS, "fields": fields, "zones": [{"at": at, "timezone": zone} for at, zone in zones],
        "deeds": [{"act": act, "at": at} for act, at in deeds],
    }  # fmt: skip


def two(first: str, second: str) -> list[dict]:
    return [row("s/useful-1", first), row("s/useful-2", second)]


DOCUMENT = sequence(anytime(1), anytime(2))


def test_nothing_goes_to_one_who_left():
    gone = [{"email": ADDRESS, "at": "2026-03-04T10:00:00+00:00", "why": "left"}]
    assert rules(two("2026-03-02 10:00", "2026-03-04 11:00"), DOCUMENT, left=gone) == set()
    assert rules(two("2026-03-02 10:00", "2026-03-04 11:01"), DOCUMENT, left=gone) == {"left"}


@pytest.mark.parametrize("kind", ["sales", "news", "about"])
def test_only_useful_letters_for_those_who_asked_for_no_others(kind):
    document = sequence(anytime(1), anytime(2, kind), mix="none")
    house = {"policy": "default", "mix": "none"}
    wish = person(("useful", "2026-03-03T12:00:00+00:00"))
    before = [row("s/useful-1", "2026-03-02 10:00"), row(f"s/{kind}-2", "2026-03-03 12:59", kind)]
    after = [before[0], row(f"s/{kind}-2", "2026-03-03 13:01", kind)]
    assert rules(before, document, house, people=[wish]) == set()
    assert rules(after, document, house, people=[wish]) == {"declined"}
    assert rules(after, document, house, people=[person()]) == set()
    assert rules([row("s/useful-1", "2026-03-05 10:00")], document, house, people=[wish]) == set()


def test_what_people_wanted_when_they_came_holds_from_the_first():
    house = {"policy": "default", "mix": "none"}
    sent = two("2026-03-02 10:00", "2026-03-08 10:00")
    assert rules(sent, DOCUMENT, house, people=[person() | {"frequency": "less"}]) == {"cap"}
    assert rules(sent, DOCUMENT, house, people=[person() | {"frequency": "normal", "kinds": "all"}]) == set()
    news = [row("s/news-1", "2026-03-02 10:00", "news")]
    assert rules(news, sequence(anytime(1, "news")), house, people=[person() | {"kinds": "useful"}]) == {"declined"}


def test_a_pause_holds_everything_for_thirty_days():
    wish = person(("pause", "2026-03-03T08:00:00+00:00"))
    assert rules(two("2026-03-02 10:00", "2026-04-02 09:00"), DOCUMENT, people=[wish]) == {"paused"}
    assert rules(two("2026-03-02 10:00", "2026-04-02 10:01"), DOCUMENT, people=[wish]) == set()


def test_less_often_is_a_cap_of_one():
    wish = person(("less", "2026-03-02T12:00:00+00:00"))
    assert rules(two("2026-03-02 10:00", "2026-03-08 10:00"), DOCUMENT, people=[wish]) == {"cap"}
    assert rules(two("2026-03-02 10:00", "2026-03-09 10:00"), DOCUMENT, people=[wish]) == set()
    assert rules(two("2026-03-02 10:00", "2026-03-08 10:00"), DOCUMENT, people=[person()]) == set()


def test_a_purchase_ends_the_sequences_that_say_so():
    bought = person(("buy", "2026-03-03T12:00:00+00:00"))
    leaving = {**DOCUMENT, "exit_on": ["purchase"]}
    assert rules(two("2026-03-02 10:00", "2026-03-04 10:00"), leaving, people=[bought]) == {"exit"}
    assert rules(two("2026-03-02 10:00", "2026-03-03 12:00"), leaving, people=[bought]) == set()
    assert rules(two("2026-03-02 10:00", "2026-03-04 10:00"), DOCUMENT, people=[bought]) == set()
    other = {**DOCUMENT, "exit_on": ["lead"]}
    assert rules(two("2026-03-02 10:00", "2026-03-04 10:00"), other, people=[bought]) == set()


def test_a_promise_binds_until_the_purchase_that_ends_its_sequence():
    strict = {**sequence(anytime(1), anytime(2), mix="2:1", exit_on=["purchase"]), "sequence": "strict"}
    loose = {**sequence(anytime(1, "sales"), mix="1:1"), "sequence": "loose"}
    sent = [row("strict/useful-1", "2026-03-02 10:00"), row("loose/sales-1", "2026-03-05 10:00", "sales")]
    assert rules(sent, strict, loose, people=[person()]) == {"mix"}
    assert rules(sent, strict, loose, people=[person(("buy", "2026-03-03T12:00:00+00:00"))]) == set()
    assert rules(sent, strict, loose, people=[person(("buy", "2026-03-06T12:00:00+00:00"))]) == {"mix"}


class TestMovers:
    MOVE = ((None, "Europe/Berlin"), ("2026-03-05T00:00:00+00:00", "Pacific/Auckland"))

    def test_the_zone_is_the_one_they_had_then(self):
        mover = person(zones=self.MOVE)
        before, after = row("s/useful-1", "2026-03-04 10:00"), row("s/useful-2", "2026-03-06 10:00", zone="Pacific/Auckland")
        assert rules([before, after], DOCUMENT, people=[mover]) == set()
        assert rules([before, row("s/useful-2", "2026-03-06 10:00")], DOCUMENT, people=[mover]) == {"zone"}
        assert rules([row("s/useful-1", "2026-03-04 20:30", zone="Pacific/Auckland"), after], DOCUMENT, people=[mover]) == {"zone"}

    def test_each_letter_keeps_the_date_it_had_when_it_left(self):
        """Monday in Kiritimati is Sunday in Samoa: an hour later, and a week earlier on the calendar."""
        weekly = sequence(anytime(1), anytime(2), cadence="1 per week")
        house = {"policy": "default", "gap": "1h"}
        east = row("s/useful-1", "2026-03-09 10:00", zone="Pacific/Kiritimati")
        west, home = (row("s/useful-2", "2026-03-08 10:00", zone=z) for z in ("Pacific/Pago_Pago", "Pacific/Kiritimati"))
        assert rules([east, west], weekly, house) == set()
        assert rules([row("s/useful-1", "2026-03-08 08:00", zone="Pacific/Kiritimati"), home], weekly, house) == {"cadence"}

    def test_the_cap_holds_on_dates_that_run_backwards(self):
        house = {"policy": "default", "cap": 1, "gap": "1h"}
        first = row("s/useful-1", "2026-03-10 08:00", zone="Pacific/Kiritimati")
        later = row("s/useful-2", "2026-03-09 10:00", zone="Pacific/Pago_Pago")
        assert rules([first, later], DOCUMENT, house) == {"cap"}


class TestGreetings:
    BIRTHDAY = sequence({"id": "g", "kind": "greeting", "day": "birthday"})

    @pytest.mark.parametrize(
        ("born", "day", "broken"),
        [
            ("1980-05-17", "2026-05-17", set()), ("05-17", "2026-05-17", set()), ("1980-05-17", "2026-05-18", {"greeting"}),
            ("1980-02-29", "2026-02-28", set()), ("1980-02-29", "2026-03-01", {"greeting"}), ("1980-02-29", "2028-02-29", set()),
        ],
    )  # fmt: skip
    def test_on_the_day_of_the_date_field(self, born, day, broken):
        sent = [row("s/g", f"{day} 10:30", "greeting")]
        assert rules(sent, self.BIRTHDAY, people=[person(birthday=born)]) == broken
        assert rules(sent, self.BIRTHDAY) == set()

    def test_not_to_one_whose_day_is_unknown(self):
        assert rules([row("s/g", "2026-05-17 10:30", "greeting")], self.BIRTHDAY, people=[person()]) == {"greeting"}

    def test_once_a_year(self):
        known = [person(birthday="1980-05-17")]
        years = [row("s/g", f"{y}-05-17 10:30", "greeting") for y in (2026, 2027)]
        assert rules(years, self.BIRTHDAY, people=known) == set()
        twice = [years[0], row("s/g", "2026-05-17 17:30", "greeting")]
        assert rules(twice, self.BIRTHDAY, {"policy": "default", "gap": "1h"}, people=known) == {"once"}

    def test_no_lower_letter_takes_its_place(self):
        """A letter on the very day shuts the greeting out by gap: the greeting goes first."""
        document = sequence({"id": "g", "kind": "greeting", "day": "birthday"}, anytime(1))
        watched = {"start": START, "end": START + timedelta(weeks=6), "people": [person(birthday="1980-03-18")]}
        other = row("s/useful-1", "2026-03-18 08:30")
        assert rules([other], document, **watched) == {"rivals"}
        assert rules([row("s/g", "2026-03-18 09:30", "greeting"), row("s/useful-1", "2026-03-20 08:30")], document, **watched) == set()
        assert rules([other], document, {"policy": "default", "blackout": ["03-18"]}, **watched) == {"blackout"}
        moved = person(birthday="1980-03-18", zones=TestMovers.MOVE)
        assert "rivals" not in rules([other], document, **(watched | {"people": [moved]}))


def test_people_who_got_nothing_are_watched_as_well():
    quiet = [person()]
    document = sequence({"id": "x", "kind": "useful", **BODY})
    assert rules([], document, start=START, end=START + timedelta(weeks=6), people=quiet) == {"stuck"}
    assert rules([], document, start=START, people=quiet) == set()
    assert datetime.fromisoformat(row("s/x", "2026-03-02 10:30")["at"]).tzinfo == UTC
