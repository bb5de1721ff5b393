"""What is looked up while rows are under way: the topic of a letter, and the next window for one that missed its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nurture.domain.delivery import HORIZON
from nurture.domain.documents import Campaign, LibraryLetter, Policy, Sequence
from nurture.domain.letterbook import LetterBook
from nurture.domain.words import Kind

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = Policy.model_validate({"timezone": "Europe/Berlin", "quiet_hours": {"from": "21:00", "until": "8:00"}})


def hours(day: str, start: str = "10:00") -> list[dict[str, Any]]:
    return [{"days": [day], "from": start, "until": "18:00"}]


def letter(key: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "kind": "useful", "subject": "s", "body": "b"} | more


SCHOOL = Sequence.model_validate({
    "sequence": "school", "topic": "roofs", "windows": {"short": hours("tue")},
    "letters": [letter("a"), letter("b", topic="stoves"), letter("wed", window=hours("wed")), letter("any", window="any")],
})  # fmt: skip
FAQ = LibraryLetter.model_validate({"letter": "faq", "kind": "useful", "subject": "s", "body": "b", "window": hours("tue")})
NEWS = Campaign.model_validate({"campaign": "spring", "topic": "news", "segment": "all", "letter": letter("l", kind="news")})
BOOK = LetterBook.of([SCHOOL, FAQ, NEWS], POLICY)


def test_the_topic_is_the_letters_own_or_its_documents() -> None:
    assert [BOOK.topic(f"school/{key}") for key in ("a", "b", "any")] == ["roofs", "stoves", "roofs"]
    assert (BOOK.topic("faq/faq"), BOOK.topic("nowhere/x")) == (None, None)
    assert {BOOK.topic(name) for name in BOOK.written if name.startswith("spring/")} == {"news"}


def following(name: str, now: datetime, *, kind: Kind = Kind.USEFUL, zone: str | None = None, person: int = 1) -> Any:
    return BOOK.next_window(kind, name, person, zone, now)


def test_a_letter_that_missed_its_window_takes_the_next_of_its_document() -> None:
    due, closes = following("school/a", MONDAY)
    tuesday = datetime(2026, 3, 3, tzinfo=UTC)
    assert tuesday + timedelta(hours=9) <= due < closes == tuesday + timedelta(hours=17)
    assert following("faq/faq", MONDAY)[1] == closes
    assert len({following("school/a", MONDAY, person=person)[0] for person in range(20)}) > 10


def test_a_window_is_next_only_within_thirty_six_hours() -> None:
    due, _ = following("school/wed", datetime(2026, 3, 4, 5, tzinfo=UTC))
    assert following("school/wed", due - HORIZON)[0] == due
    assert following("school/wed", due - HORIZON - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("zone", "hour"), [(None, 7), ("Europe/Berlin", 7), ("Asia/Tokyo", 23), ("Mars/Olympus", 7), ("../etc/passwd", 7), ("", 7)]
)
def test_the_persons_zone_rules_else_the_workspaces(zone: str | None, hour: int) -> None:
    night = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    assert following("school/any", night, zone=zone)[0].hour == hour


def test_service_goes_at_once_and_what_is_no_longer_written_has_no_window() -> None:
    assert following("nowhere/x", MONDAY, kind=Kind.SERVICE) == (MONDAY, None)
    assert following("nowhere/x", MONDAY) is None
