"""What lint says about a pace and about letters that are about a date."""

from typing import Any

import pytest

from nurture.domain.documents import DOCUMENT_TYPES, Policy
from nurture.domain.lint import Known, lint

LETTER = {"id": "a", "kind": "useful", "subject": "{{ first_name }}, s", "body": "b"}
SALON = Policy.model_validate({"pace": {"floor": "1 per month", "most": "2 per month", "season": [{"from": "11-15", "until": "01-05", "most": "1 per week"}]}})


def found(document: dict[str, Any], policy: Policy | None = None) -> set[tuple[str, str]]:
    """(path of keys, rule) of the findings that this page is about."""
    model = next(m for w, m in DOCUMENT_TYPES.items() if w == next(iter(document)))
    rules = {"floor", "over-pace", "no-such-day", "about-outside-sequence"}
    return {(".".join(map(str, f.path)), f.rule) for f in lint(model.model_validate(document), None, policy) if f.rule in rules}


@pytest.mark.parametrize(("cadence", "rules"), [
    ("1 per month", set()), ("1 per week", set()), ("2 per week", {("cadence", "over-pace")}), (None, set()),
])  # fmt: skip
def test_a_cadence_stands_between_floor_and_the_most_of_the_best_season(cadence: str | None, rules: set[tuple[str, str]]) -> None:
    assert found({"sequence": "s", "cadence": cadence, "letters": [LETTER]}, SALON) == rules


def test_a_cadence_below_the_floor_is_named() -> None:
    policy = Policy.model_validate({"pace": {"floor": "1 per week"}})
    assert found({"sequence": "s", "cadence": "1 per month", "letters": [LETTER]}, policy) == {("cadence", "floor")}


def test_a_floor_above_the_cap_and_days_that_never_come_are_named() -> None:
    pace = {"floor": "4 per week", "season": [{"from": "02-30", "until": "06-31"}], "bursts": [{"about": "2026-02-29"}, {"about": "02-29"}]}
    assert found({"policy": "default", "pace": pace}) == {
        ("pace.floor", "floor"), ("pace.season.0.from", "no-such-day"), ("pace.season.0.until", "no-such-day"), ("pace.bursts.0.about", "no-such-day"),
    }  # fmt: skip


@pytest.mark.parametrize(("date", "rules"), [("09-31", {("letters.0.about.date", "no-such-day")}), ("renewal", set()), ("2026-09-15", set())])
def test_the_date_a_letter_is_about_exists(date: str, rules: set[tuple[str, str]]) -> None:
    assert found({"sequence": "s", "letters": [LETTER | {"about": {"date": date}}]}) == rules


@pytest.mark.parametrize(("dry", "library", "repay", "words"), [
    ({"s": 41}, 3, "library", "41 people wait for useful letters and have had all 3 of the library"),
    ({"s": 1}, 1, "library", "1 person waits for useful letters and has had the only one of the library"),
    ({"s": 2}, 0, "library", "2 people wait for useful letters, and the library is empty"),
    ({"other": 2}, 0, "library", None), ({"s": 2}, 0, "wait", None), (None, 0, "library", None),
])  # fmt: skip
def test_a_dry_library_is_named_where_people_wait(dry: dict[str, int] | None, library: int, repay: str, words: str | None) -> None:
    document = DOCUMENT_TYPES["sequence"].model_validate({"sequence": "s", "repay": repay, "letters": [LETTER]})
    findings = [f.message for f in lint(document, Known(dry=dry, library=frozenset(map(str, range(library))))) if f.rule == "dry-library"]
    assert findings == ([words] if words else [])


def test_only_letters_of_sequences_are_about_a_date() -> None:
    dated = LETTER | {"about": {"date": "09-15"}}
    assert found({"campaign": "c", "segment": "s", "letter": dated}) == {("letter.about", "about-outside-sequence")}
    assert found({"letter": "a"} | {k: v for k, v in dated.items() if k != "id"}) == {("about", "about-outside-sequence")}
