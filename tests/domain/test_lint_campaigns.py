"""What lint says about campaigns and cleanups: hours, days, segments, ends, ways out."""

from typing import Any

import pytest

from nurture.domain.conditions import All, AnyOf, HasEngagement, HasTag, HasTemperature, Not
from nurture.domain.documents import Campaign, Cleanup, Policy
from nurture.domain.lint import Known, lint
from nurture.domain.lint.campaigns import _cron_days
from nurture.domain.words import Engagement, Temperature

HI = "Hello {{ first_name | default('you') }}, "
PASSIVE, REFUSERS = HasEngagement(engagement=Engagement.PASSIVE), HasTemperature(temperature=Temperature.REFUSER)
OF_CAMPAIGNS = {
    "at-night", "schedule-day", "until-against-schedule", "segment-against-kind", "service-to-many", "unreachable-window", "never-opens",
    "dry-library",
}  # fmt: skip


def campaign(kind: str = "news", schedule: Any = "now", known: Known | None = None, policy: dict[str, Any] | None = None, **more: Any) -> list[str]:
    letter = {"id": "a", "kind": kind, "subject": HI, "body": HI} | more.pop("letter", {})
    document = Campaign.model_validate({"campaign": "c", "segment": "readers", "schedule": schedule, "letter": letter} | more)
    return [f.rule for f in lint(document, known, Policy.model_validate(policy or {})) if f.rule in OF_CAMPAIGNS]


@pytest.mark.parametrize(("kind", "schedule", "rules"), [
    ("news", "now", []),
    ("news", {"weekly": "tue"}, []),
    ("news", {"weekly": "fri"}, ["schedule-day"]),
    ("news", {"at": "2026-03-13 10:00"}, []),  # a Friday: not the best day, and no fault
    ("news", {"at": "2026-03-14 10:00"}, ["schedule-day"]),
    ("sales", {"at": "2026-03-13 10:00"}, ["schedule-day"]),
    ("sales", {"at": "2026-03-12 10:00"}, []),
    ("sales", {"cron": "0 10 * * 3,4"}, []),
    ("sales", {"cron": "0 10 * * SUN"}, ["schedule-day"]),
    ("news", {"cron": "0 10 1 * *"}, []),
    ("news", {"cron": "30 23 * * 2"}, ["at-night"]),
    ("news", {"at": "2026-03-10 07:59"}, ["at-night"]),
    ("news", {"at": "2026-03-10 08:00"}, []),
    ("sales", {"at": "2026-03-15 03:00"}, ["schedule-day", "at-night"]),
    ("service", {"at": "2026-03-15 03:00"}, ["service-to-many"]),
])  # fmt: skip
def test_days_and_hours(kind: str, schedule: Any, rules: list[str]):
    assert campaign(kind, schedule) == rules


def test_a_window_written_out_is_meant():
    sunday = [{"days": ["sun"], "from": "10:00", "until": "12:00"}]
    assert campaign("sales", {"at": "2026-03-15 10:00"}, letter={"window": sunday}) == []
    assert campaign("sales", {"at": "2026-03-15 10:00"}, windows={"sales": sunday}) == []
    assert campaign("sales", {"weekly": "sun"}, policy={"windows": {"sales": sunday}}) == []
    assert campaign("news", {"at": "2026-03-10 23:00"}, policy={"quiet_hours": {"from": "01:00", "until": "5:00"}}) == []


def test_blackout_and_closed_windows():
    assert campaign("news", {"at": "2026-12-24 10:00"}, policy={"blackout": ["12-24"]}) == ["unreachable-window"]
    closed = {"quiet_hours": {"from": "00:00", "until": "24:00"}}
    assert campaign("news", letter={"window": "any"}, policy=closed) == ["never-opens"]


def test_until():
    assert campaign("news", {"weekly": "tue"}, until="8d") == ["until-against-schedule"]
    assert campaign("sales", "now", until="12h") == ["until-against-schedule"]
    assert campaign("sales", {"at": "2026-03-12 10:00"}, until="12h") == []
    assert campaign("news", "now", until="12h", letter={"window": "any"}) == []


@pytest.mark.parametrize(("where", "told"), [
    (PASSIVE, True),
    (REFUSERS, True),
    (All(all=(HasTag(tag="roof"), PASSIVE)), True),
    (AnyOf(any=(HasTag(tag="roof"), PASSIVE)), False),
    (Not.model_validate({"not": PASSIVE}), False),
    (HasTag(tag="roof"), False),
])  # fmt: skip
def test_offers_to_people_who_should_get_none(where: Any, told: bool):
    known = Known(questions={"readers": where})
    assert campaign("sales", known=known) == (["segment-against-kind"] if told else [])
    assert campaign("useful", known=known) == []


def test_a_campaign_that_counts_on_an_empty_library():
    assert campaign("sales", known=Known(library=frozenset()), repay="library") == ["dry-library"]
    assert campaign("sales", known=Known(library=frozenset({"faq"})), repay="library") == []
    assert campaign("sales", known=Known(library=frozenset())) == []
    assert campaign("sales", known=Known(), repay="library") == []
    assert campaign("sales", known=Known(library=frozenset()), repay="library", policy={"mix": "none"}) == []


@pytest.mark.parametrize(("field", "days"), [
    ("*", []), ("2", [1]), ("0", [6]), ("7", [6]), ("mon-fri", [0, 1, 2, 3, 4]), ("3,4", [2, 3]), ("*/2", []), ("1#2", []), ("L", []), ("9", []), ("1-2-3", []), ("fri-sun", []),
])  # fmt: skip
def test_the_days_of_a_cron_line(field: str, days: list[int]):
    assert _cron_days(field) == days


def cleanup(body: str, **more: Any) -> list[str]:
    offers = [{"id": f"d{n}", "kind": "sales", "subject": HI, "body": body} for n in range(3)]
    document = Cleanup.model_validate({"cleanup": "spring", "offers": offers} | more)
    own = {"holdout-size", "canary-size", "few-offers", "no-closing-letter"}
    return [f.rule for f in lint(document) if f.rule in own]


def test_the_silent_of_a_cleanup_hear_a_last_word():
    body = HI + "here is the best that we have for you."
    last = {"id": "closing", "kind": "about", "subject": HI, "body": body}
    assert cleanup(body, silent="archive") == ["no-closing-letter"]
    assert cleanup(body, silent="archive", closing=last) == []
    assert cleanup(body, silent="keep") == [], "nor is a way out missed: every offer gets its button"


def test_the_figures_of_a_cleanup():
    fine = HI + "not interested? Leave us."
    assert cleanup(fine, silent="keep", holdout="0%", canary="0%") == ["holdout-size", "canary-size"]
    assert cleanup(fine, silent="keep", holdout="60%", canary="21%") == ["holdout-size", "canary-size"]
    assert cleanup(fine, silent="keep", holdout="50%", canary="20%") == []
