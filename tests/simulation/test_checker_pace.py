"""The checker sees a broken pace and a letter that left beside its date, and nothing where they were kept."""

from typing import Any

import pytest

from tests.simulation.test_checker import anytime, row, rules, sequence

PACE = {"most": "2 per month", "bursts": [{"about": "09-15", "days": [-7, 0]}], "season": [{"from": "12-01", "until": "01-15", "most": "1 per week"}]}
POLICY = {"policy": "default", "pace": PACE}
FIVE = sequence(*(anytime(n) for n in range(5)))


def sent(*days: str) -> list[dict[str, Any]]:
    return [row(f"s/useful-{n}", f"{day} 10:30") for n, day in enumerate(days)]


@pytest.mark.parametrize(("days", "broken"), [
    (("2026-03-02", "2026-03-20"), set()),
    (("2026-03-02", "2026-03-20", "2026-03-31"), {"most"}),
    (("2026-03-02", "2026-03-20", "2026-04-01"), set()),
    (("2026-09-01", "2026-09-03", "2026-09-08", "2026-09-15"), set()),  # the burst's dates
    (("2026-09-01", "2026-09-03", "2026-09-09"), {"most"}),
    (("2026-12-07", "2026-12-13"), {"most"}), (("2026-12-07", "2026-12-14", "2026-12-21", "2026-12-28"), set()),
])  # fmt: skip
def test_the_most_of_a_month_a_season_and_a_burst(days: tuple[str, ...], broken: set[str]) -> None:
    assert rules(sent(*days), FIVE, POLICY) == broken


@pytest.mark.parametrize(("day", "broken"), [
    ("2026-09-07", {"about"}), ("2026-09-08", set()), ("2026-09-14", set()), ("2026-09-15", {"about"}), ("2027-09-08", set()),
])  # fmt: skip
def test_a_letter_about_a_date_leaves_on_one_of_seven(day: str, broken: set[str]) -> None:
    dated = sequence(anytime(0, about={"date": "09-15", "days": -7}))
    assert rules(sent(day), dated) == broken
    assert rules(sent(day), sequence(anytime(0, about={"date": "renewal"}))) == set()


def test_it_goes_beyond_the_most_by_the_date_it_is_about_and_is_not_of_the_cadence() -> None:
    dated = sequence(anytime(0), anytime(1), anytime(2, about={"date": "09-15", "days": -7}), cadence="2 per month")
    assert rules(sent("2026-09-01", "2026-09-03", "2026-09-10"), dated, POLICY) == set()
    assert rules(sent("2026-09-01", "2026-09-03", "2026-09-10"), dated, {"policy": "default", "pace": {"most": "2 per month"}}) == {"most"}
