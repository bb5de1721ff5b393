"""When the author's digest is due, and the answers that lie ready."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.desk import Desk, Ready, digest_period, ready_answer

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("desk", "at", "period"),
    [
        ({}, "2026-03-02 12:00", None), ({"digest": "none"}, "2026-03-02 12:00", None),
        ({"digest": "daily"}, "2026-03-02 05:59", None), ({"digest": "daily"}, "2026-03-02 06:00", "2026-03-02"),
        ({"digest": "daily"}, "2026-03-02 22:59", "2026-03-02"), ({"digest": "daily", "at": "0:00"}, "2026-03-02 23:00", "2026-03-03"),
        ({"digest": "weekly"}, "2026-03-02 05:59", None), ({"digest": "weekly"}, "2026-03-02 06:00", "2026-W10"),
        ({"digest": "weekly"}, "2026-03-08 22:00", "2026-W10"), ({"digest": "weekly", "day": "fri"}, "2026-03-05 12:00", None),
        ({"digest": "weekly", "day": "fri", "at": "18:00"}, "2026-03-06 16:59", None), ({"digest": "weekly", "day": "fri"}, "2026-03-07 00:30", "2026-W10"),
    ],
)  # fmt: skip
def test_a_digest_is_due_once_its_hour_has_come(desk: dict[str, str], at: str, period: str | None) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert digest_period(Desk.model_validate(desk), now, BERLIN) == period


def test_ready_answers_speak_the_readers_language() -> None:
    for ready in Ready:
        said = {language: ready_answer(Desk(), ready, language) for language in ("en", "de-AT", "pl", "ru-RU", "xx")}
        assert len(set(said.values())) == 4
        assert said["xx"] == said["en"]
        assert all("\n\n" in words and "{" not in words for words in said.values())
    assert ready_answer(Desk(polite="Mine."), Ready.POLITE, "de") == "Mine."
    assert ready_answer(Desk(polite="Mine."), Ready.THANKS, "de") != "Mine."
