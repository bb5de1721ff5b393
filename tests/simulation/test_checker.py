"""The checker must be able to fail: every rule is broken on purpose, and a clean run is spoiled letter by letter."""

import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from nurture.simulation.checker import check
from tests.support.judged import BODY, CYCLE, POLICY, START, anytime, cycle, row, rules, sequence


def test_a_true_two_weeks_cycle_breaks_nothing_in_any_zone():
    zones = ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns", "Pacific/Pago_Pago"]
    sent = [r for n, z in enumerate(zones) for r in cycle(z, f"p{n}@example.com")]
    assert check(sent, [CYCLE, POLICY]) == []
    assert check(sent, [CYCLE]) == []


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize(
    "shift", [timedelta(hours=-2), timedelta(hours=2), timedelta(days=3), timedelta(days=-3), timedelta(weeks=5, days=3)]
)
def test_any_letter_of_a_true_run_moved_out_of_its_window_is_seen(index, shift):
    sent = cycle()
    moved = (datetime.fromisoformat(sent[index]["local"]).replace(tzinfo=None) + shift).isoformat(sep=" ")
    sent[index] = row(sent[index]["letter"], moved, sent[index]["kind"], sent[index]["size"])
    assert "window" in rules(sent)


@pytest.mark.parametrize("index", range(4))
def test_any_change_of_kind_size_instant_or_zone_is_seen(index):
    other_kind, other_size = cycle(), cycle()
    other_kind[index]["kind"] = "news"
    other_size[index]["size"] = "long" if other_size[index]["size"] == "short" else "short"
    assert rules(other_kind) == rules(other_size) == {"kind"}
    other_time, other_zone = cycle(), cycle()
    other_time[index]["at"] = (datetime.fromisoformat(other_time[index]["at"]) + timedelta(minutes=1)).isoformat()
    other_zone[index]["timezone"] = "Asia/Tokyo"
    assert "local" in rules(other_time)
    assert {"local", "window"} <= rules(other_zone)


@pytest.mark.parametrize("index", range(3))
def test_without_one_of_its_three_useful_letters_the_offer_is_unearned(index):
    sent = cycle()
    del sent[index]
    assert rules(sent) == {"mix", "order"}


def test_a_letter_that_no_document_holds_is_seen():
    assert rules([row("cycle/unheard-of", "2026-03-02 10:30")]) == {"unknown"}


def test_a_letter_before_the_start_is_seen():
    assert "start" in rules([row("cycle/recipe", "2026-02-23 10:30")], start=START)


class TestWindows:
    def test_noon_is_excluded_and_ten_included(self):
        assert rules([row("cycle/recipe", "2026-03-02 10:00")]) == set()
        assert rules([row("cycle/recipe", "2026-03-02 12:00")]) == {"window"}
        assert rules([row("cycle/recipe", "2026-03-02 09:59:59")]) == {"window"}

    @pytest.mark.parametrize(
        ("kind", "size", "good", "bad"),
        [
            ("sales", "long", "2026-03-04 10:00", "2026-03-06 10:00"), ("sales", "short", "2026-03-05 11:00", "2026-03-03 11:00"),
            ("news", "short", "2026-03-03 10:00", "2026-03-02 10:00"), ("about", "long", "2026-03-06 10:00", "2026-03-03 10:00"),
            ("useful", "short", "2026-03-03 10:00", "2026-03-04 10:00"), ("greeting", "short", "2026-03-07 17:59", "2026-03-07 18:00"),
        ],
    )  # fmt: skip
    def test_each_kind_has_its_own(self, kind, size, good, bad):
        documents = (sequence({"id": "x", "kind": kind, "size": size}), {"policy": "default", "mix": "none"})
        assert rules([row("s/x", good, kind, size)], *documents) == set()
        assert rules([row("s/x", bad, kind, size)], *documents) == {"window"}

    def test_the_letter_overrides_its_sequence_and_that_the_workspace(self):
        def span(day):
            return [{"days": [day], "from": "10:00", "until": "12:00"}]

        house = {"policy": "default", "windows": {"short": span("wed")}}
        own, of_sequence, of_house = (row("s/x", f"2026-03-0{n} 10:30") for n in (6, 5, 4))
        plain = {"id": "x", "kind": "useful"}
        for sent, document in (
            (of_house, sequence(plain)),
            (of_sequence, sequence(plain, windows={"short": span("thu")})),
            (own, sequence({**plain, "window": span("fri")}, windows={"short": span("thu")})),
        ):
            assert rules([sent], document, house) == set()
            for other in (own, of_sequence, of_house):
                assert (rules([other], document, house) == {"window"}) == (other is not sent)

    def test_any_keeps_quiet_hours_and_now_lifts_them_for_an_hour(self):
        document, fast = sequence(anytime(1)), sequence({**anytime(1), "window": "now"})
        assert rules([row("s/useful-1", "2026-03-08 20:59")], document) == set()
        assert rules([row("s/useful-1", "2026-03-08 21:00")], document) == {"quiet"}
        assert rules([row("s/useful-1", "2026-03-08 07:59")], document) == {"quiet"}
        assert rules([row("s/useful-1", "2026-03-02 01:59")], fast, start=START) == set()
        assert rules([row("s/useful-1", "2026-03-02 02:00")], fast, start=START) == {"quiet"}
        house = {"policy": "default", "quiet_hours": {"from": "12:00", "until": "14:00"}}
        assert rules([row("s/useful-1", "2026-03-08 13:00")], document, house) == {"quiet"}
        assert rules([row("s/useful-1", "2026-03-08 21:00")], document, house) == set()

    def test_gaps_and_folds_of_summer_time(self):
        night = sequence({"id": "x", "kind": "useful", "window": [{"days": ["sun"], "from": "2:00", "until": "3:30"}]})
        swallowed = row("s/x", "2026-03-29 03:00")  # Berlin leaps from 2:00 to 3:00
        assert rules([swallowed], night) == set()
        assert rules([row("s/x", "2026-03-29 03:30")], night) == {"window"}
        for fold in (0, 1):
            assert rules([row("s/x", "2026-10-25 02:30", fold=fold)], night) == set()
        both = [row("s/x", "2026-10-25 02:10", fold=f) for f in (0, 1)]
        assert rules(both, night) == {"once", "gap"}

    def test_blackout_by_date_and_by_year_day(self):
        assert rules([row("cycle/recipe", "2026-03-30 10:30"), row("cycle/long", "2026-04-03 10:30", size="long")]) == {"blackout"}
        assert "blackout" in rules([row("s/useful-1", "2027-01-01 10:30")], sequence(anytime(1)), POLICY)

    def test_a_greeting_has_its_day(self):
        eve = sequence({"id": "g", "kind": "greeting", "day": "12-31"})
        assert rules([row("s/g", "2026-12-31 10:30", "greeting")], eve) == set()
        assert rules([row("s/g", "2026-12-30 10:30", "greeting")], eve) == {"greeting"}


class TestPace:
    def test_gap_of_twenty_hours(self):
        document = sequence(anytime(1), anytime(2))
        first, near, far = (
            row("s/useful-1", "2026-03-02 14:00"),
            row("s/useful-2", "2026-03-03 09:59"),
            row("s/useful-2", "2026-03-03 10:00"),
        )
        assert rules([first, near], document) == {"gap"}
        assert rules([first, far], document) == set()
        assert rules([first, near], document, {"policy": "default", "gap": "19h"}) == set()

    def test_cap_of_three_on_any_seven_dates(self):
        document = sequence(*(anytime(n) for n in range(4)))
        dates = ["2026-03-03", "2026-03-05", "2026-03-07", "2026-03-09"]
        sent = [row(f"s/useful-{n}", f"{day} 12:00") for n, day in enumerate(dates)]
        assert rules(sent, document) == {"cap"}
        assert rules(sent, document, {"policy": "default", "cap": 4}) == set()
        sent[3] = row("s/useful-3", "2026-03-10 12:00")
        assert rules(sent, document) == set()

    def test_cap_counts_local_dates_not_hours(self):
        document = sequence(*(anytime(n) for n in range(2)))
        house = {"policy": "default", "cap": 1}
        sent = [row("s/useful-0", "2026-03-02 08:00"), row("s/useful-1", "2026-03-09 08:00")]
        assert rules(sent, document, house) == set()
        sent[1] = row("s/useful-1", "2026-03-08 20:59")
        assert rules(sent, document, house) == {"cap"}

    def test_cadence_is_a_ceiling_per_calendar_week_and_month(self):
        document = sequence(*(anytime(n) for n in range(3)), cadence="1 per week")
        sunday, monday, tuesday = (row(f"s/useful-{n}", f"2026-03-{d} 12:00") for n, d in enumerate(("08", "09", "10")))
        assert rules([sunday, monday], document) == set()
        assert rules([sunday, monday, tuesday], document) == {"cadence"}
        assert rules([sunday, monday], {**document, "cadence": "1 per month"}) == {"cadence"}

    def test_after_in_dates_and_in_hours(self):
        days = sequence(anytime(1), anytime(2, after="7d"))
        first = row("s/useful-1", "2026-03-02 18:00")
        assert rules([first, row("s/useful-2", "2026-03-09 08:00")], days) == set()
        assert rules([first, row("s/useful-2", "2026-03-08 20:00")], days) == {"after"}
        hours = sequence(anytime(1), anytime(2, after="36h"))
        assert rules([first, row("s/useful-2", "2026-03-04 08:00")], hours) == set()
        assert rules([first, row("s/useful-2", "2026-03-04 08:00")], sequence(anytime(1), anytime(2, after="39h"))) == {"after"}
        by_hours, by_dates = (sequence(anytime(1), anytime(2, after=a)) for a in ("48h", "2d"))
        assert rules([first, row("s/useful-2", "2026-03-04 17:00")], by_hours) == {"after"}
        assert rules([first, row("s/useful-2", "2026-03-04 17:00")], by_dates) == set()
        late = sequence(anytime(1, after="3d"))
        assert rules([row("s/useful-1", "2026-03-04 12:00")], late, start=START) == {"after"}
        assert rules([row("s/useful-1", "2026-03-05 12:00")], late, start=START) == set()

    def test_after_replaces_the_cadence(self):
        document = sequence(anytime(1), anytime(2, after="1d"), cadence="1 per week")
        assert rules([row("s/useful-1", "2026-03-02 12:00"), row("s/useful-2", "2026-03-03 12:00")], document) == set()

    def test_one_letter_once_unless_the_person_came_back(self):
        document = sequence(anytime(1))
        twice = [row("s/useful-1", "2026-03-02 12:00"), row("s/useful-1", "2026-09-02 12:00")]
        assert rules(twice, document) == {"once"}
        assert rules(twice, {**document, "re_entry": "after 180d"}) == set()
        assert rules(twice, {**document, "re_entry": "after 190d"}) == {"once"}
        library = {"letter": "faq", "kind": "useful", "window": "any", **BODY}
        again = [row("faq/faq", r["local"][:16]) for r in twice]
        assert rules(again, library) == {"once"}


class TestMix:
    def test_useful_letters_of_other_sources_earn_too_and_sales_of_others_spend(self):
        gives = {**sequence(anytime(1), anytime(2), anytime(3)), "sequence": "gives"}
        asks = {**sequence(anytime(1, "sales")), "sequence": "asks"}
        days = ["2026-03-02", "2026-03-04", "2026-03-06", "2026-03-09"]
        sent = [row(f"gives/useful-{n}", f"{d} 12:00") for n, d in zip((1, 2, 3), days, strict=False)]
        sale = row("asks/sales-1", f"{days[3]} 12:00", "sales")
        assert rules([*sent, sale], gives, asks) == set()
        assert rules([*sent[:2], sale], gives, asks) == {"mix"}
        other = {**sequence(anytime(1, "sales")), "sequence": "other"}
        assert rules([*sent, sale, row("other/sales-1", "2026-03-12 12:00", "sales")], gives, asks, other) == {"mix"}

    def test_the_promise_of_another_sequence_binds_while_the_person_is_in_it(self):
        strict = {**sequence(*(anytime(n) for n in range(5)), mix="4:1"), "sequence": "strict"}
        loose = {**sequence(anytime(1, "sales"), mix="1:1"), "sequence": "loose"}
        days = [f"2026-03-{d:02}" for d in (2, 5, 9, 12, 16)]
        sent = [row(f"strict/useful-{n}", f"{d} 12:00") for n, d in enumerate(days)]
        sale = row("loose/sales-1", "2026-03-13 14:00", "sales")
        early = row("loose/sales-1", "2026-03-10 14:00", "sales")
        assert rules([*sent[:3], early, *sent[3:]], strict, loose) == {"mix"}
        assert rules([*sent[:4], sale, sent[4]], strict, loose) == set()
        assert rules([*sent[:4], sale], strict, loose) == set()
        done = row("loose/sales-1", "2026-03-20 12:00", "sales")
        assert rules([*sent, done], strict, loose) == set()

    def test_the_workspace_promises_where_sequences_do_not(self):
        sale = row("s/sales-1", "2026-03-04 12:00", "sales")
        silent = sequence(anytime(1, "sales"), mix="none")
        assert rules([sale], silent) == {"mix"}
        assert rules([sale], silent, {"policy": "default", "mix": "none"}) == set()
        assert rules([sale], silent, {"policy": "default", "mix": "thirds"}) == {"thirds"}

    def test_thirds_never_sell_twice_in_a_row(self):
        letters = [anytime(n, k) for n in range(2) for k in ("useful", "news", "sales")]
        document = sequence(*letters, mix="thirds", cadence="3 per week")
        names = ["useful-0", "news-0", "sales-0", "useful-1", "news-1", "sales-1"]
        days = [f"2026-03-{d:02}" for d in (2, 4, 6, 9, 11, 13)]
        sent = [row(f"s/{n}", f"{d} 12:00", n.split("-")[0]) for n, d in zip(names, days, strict=True)]
        assert rules(sent, document) == set()
        assert rules([x for x in sent if x["letter"] != "s/useful-1"], document) == {"thirds", "order"}
        in_a_row = [x for x in sent if x["letter"] not in ("s/useful-1", "s/news-1")]
        assert rules(in_a_row, document) == {"thirds", "order"}

    def test_nine_in_a_row_hold_three_of_each(self):
        kinds = ["useful", "news", "about"]
        document = sequence(*(anytime(n, k) for n in range(5) for k in kinds), mix={"thirds": [["news"], "useful", ["about"]]})

        def run(order: str) -> list[dict]:
            counts = dict.fromkeys(kinds, -1)
            sent = []
            for i, code in enumerate(order):
                kind = next(k for k in kinds if k[0] == code)
                counts[kind] += 1
                day = datetime(2026, 3, 2) + timedelta(days=3 * i)
                sent.append(row(f"s/{kind}-{counts[kind]}", f"{day:%Y-%m-%d} 12:00", kind))
            return sent

        assert rules(run("nuanuanuanuanua"), document) == set()
        assert rules(run("nuaanunuaunanua"), document) == {"thirds", "order"}
        assert rules(run("nnuuanuanuanua"), document) == {"thirds", "order"}
        assert rules(run("nnnnn"), document) == {"order"}


def test_the_checker_runs_without_the_engine():
    code = (
        "import sys, nurture.simulation.checker; "
        "print(sorted(m for m in sys.modules if m.startswith('nurture.') and not m.startswith('nurture.simulation')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
