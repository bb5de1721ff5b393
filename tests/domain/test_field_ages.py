"""How old what we know is: told at joining, told later, confirmed as a whole."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.field_ages import ALL, YEAR, Ages, tell, told_on
from nurture.domain.people import Draft, merge
from tests.domain.test_people import NOW, known

TODAY = date(2026, 3, 2)
JOINED = date(2024, 1, 10)


def test_a_value_is_as_old_as_the_last_word_about_it() -> None:
    told = tell(tell(None, ["name"], date(2025, 5, 1)), ["fields.roof"], date(2025, 7, 1))
    assert told_on("locale", told, JOINED) == JOINED
    assert told_on("name", told, JOINED) == date(2025, 5, 1)
    assert told_on("name", tell(told, [ALL], TODAY), JOINED) == TODAY
    assert told_on("name", {"name": "2020-01-01"}, JOINED) == JOINED, "nothing was told before one came"


def test_ages_by_name_and_who_has_nothing_fresh() -> None:
    ages = Ages(TODAY)
    assert ages.add({"name": "Mia", "locale": ""}, {"roof": "slate", "empty": None}, None, JOINED)
    assert not ages.add({"name": "Jo"}, {"roof": "tile"}, {"fields.roof": "2026-03-01"}, JOINED), "one fresh value is enough"
    assert not ages.add({"name": ""}, {}, None, JOINED), "nothing is known, so nothing is old"
    name, roof = ages.found()[1], ages.found()[0]
    assert (roof.name, roof.people, roof.median_days, roof.old) == ("fields.roof", 2, 1, 1)
    assert (name.name, name.people, name.old, name.share_old) == ("name", 2, 2, 1.0)


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=40))
def test_the_median_is_the_lower_middle_of_all(days: list[int]) -> None:
    ages = Ages(TODAY)
    for age in days:
        ages.add({"name": "x"}, {}, None, TODAY - timedelta(days=age))
    (line,) = ages.found()
    assert line.median_days == sorted(days)[(len(days) - 1) // 2]
    assert line.old == sum(age > YEAR.days for age in days)


def test_a_change_is_told_today_and_a_repetition_tells_nothing() -> None:
    before = known(locale="de")
    changed = merge(before, Draft("a@x", columns={"name": "Mia", "locale": "de"}, fields={"n": 1, "roof": "slate"}), NOW)
    assert changed.values["told_at"] == {"name": "2026-03-02", "fields.roof": "2026-03-02"}
    assert "told_at" not in merge(before, Draft("a@x", fields={"n": 1}), NOW).values
    assert not merge(before, Draft("a@x", columns={"name": "Anna"}), NOW).changes, "an old export confirms nothing"
