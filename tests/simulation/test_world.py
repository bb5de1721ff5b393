"""A simulated world: the same seed gives the same bytes, what waits is told, and a spoiled run does not pass the checker."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from nurture.definitions.loading import load_text
from nurture.simulation.checker import check
from nurture.simulation.life import batch_end
from nurture.simulation.world import Simulated, simulate
from nurture.store.chronicle import Due

START = datetime(2026, 3, 23, tzinfo=UTC)  # the week before Europe's summer time
LETTERS = """
  - {id: recipe, kind: useful, subject: "Hello", call_to_action: "https://example.com/a", body: "See [a](https://example.com/a)."}
  - {id: read, kind: useful, size: long, subject: "Hello", call_to_action: "https://example.com/b", body: "See [b](https://example.com/b)."}
  - {id: offer, kind: sales, subject: "Hello", call_to_action: "https://example.com/c", body: "Buy [c](https://example.com/c)."}
"""
EARNED = f"sequence: earned\nmix: 2:1\ncadence: 2 per week\naudience: {{tag: roof}}\nletters:{LETTERS}"
UNEARNED = f"sequence: unearned\nmix: 3:1\ncadence: 2 per week\nletters:{LETTERS}"


async def live(text: str, *, weeks: int = 2, people: int = 12, seed: int = 1, stay: bool = True) -> Simulated:
    loaded = load_text(text)
    assert not loaded.errors
    return await simulate(loaded.documents, weeks=weeks, people=people, seed=seed, start=START, stay=stay)


async def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, again, other = await live(EARNED), await live(EARNED), await live(EARNED, seed=2)
    assert json.dumps(first.deliveries) == json.dumps(again.deliveries) != json.dumps(other.deliveries)
    assert first.composition == again.composition


async def test_everybody_gets_every_letter_in_order_and_the_checker_agrees():
    lived = await live(EARNED)
    assert len(lived.deliveries) == 12 * 3
    for email in {d["email"] for d in lived.deliveries}:
        assert [d["letter"] for d in lived.deliveries if d["email"] == email] == ["earned/recipe", "earned/read", "earned/offer"]
    assert check(lived.deliveries, lived.documents, start=START) == []
    for row in lived.deliveries:
        assert datetime.fromisoformat(row["local"]) == datetime.fromisoformat(row["at"])
        assert datetime.fromisoformat(row["local"]).utcoffset() == datetime.fromisoformat(row["at"]).astimezone(ZoneInfo(row["timezone"])).utcoffset()
        assert set(row) == {"email", "timezone", "sequence", "letter", "kind", "size", "at", "local"}


async def test_a_sales_letter_that_is_not_earned_is_told_as_held_until_it_is_stale():
    lived = await live(UNEARNED)
    assert {d["letter"] for d in lived.deliveries} == {"unearned/recipe", "unearned/read"}
    assert len(lived.held) == 12
    assert all(h["letter"] == "unearned/offer" and "1 useful letter" in h["reason"] and h["until"] for h in lived.held)
    later = await live(UNEARNED, weeks=6)
    assert later.held == []
    assert len(later.deliveries) == len(lived.deliveries)


async def test_the_library_repays_what_is_owed():
    book = 'letter: faq\nkind: useful\nsubject: "Hello"\ncall_to_action: "https://example.com/d"\nbody: "See [d](https://example.com/d)."'
    lived = await live(f"{UNEARNED}\n---\n{book}", weeks=3)
    by_letter = {d["letter"] for d in lived.deliveries}
    assert by_letter == {"unearned/recipe", "unearned/read", "faq/faq", "unearned/offer"}
    assert check(lived.deliveries, lived.documents, start=START) == []


async def test_composition_names_every_class_of_every_week():
    lived = await live(EARNED, weeks=2, people=20)
    assert [w["week"] for w in lived.composition] == ["2026-W13", "2026-W14"]
    assert all(set(w) == {"week", "new", "passive", "active", "fan", "unobservable"} for w in lived.composition)
    assert all(sum(n for k, n in w.items() if k != "week") == 20 for w in lived.composition)


async def test_drafts_are_simulated_as_if_they_were_live():
    assert len((await live(f"{EARNED}\nstate: draft", people=5)).deliveries) == 15


async def test_no_spoiled_run_passes():
    """Every kind of spoiling, on letters taken at random, must be found."""
    lived = await live(EARNED, people=10)
    rng = Random(1)
    for _ in range(120):
        rows = [dict(d) for d in lived.deliveries]
        row = rng.choice(rows)
        spoil = rng.choice(("hours", "days", "kind", "size", "zone", "twice", "early", "unearned"))
        if spoil in ("hours", "days", "early"):
            shift = {"hours": timedelta(hours=rng.choice((-3, 3, 8))), "days": timedelta(days=rng.choice((-3, 3))), "early": timedelta(days=-70)}[spoil]
            at = datetime.fromisoformat(row["at"]) + shift
            row["at"], row["local"] = at.isoformat(), at.astimezone(ZoneInfo(row["timezone"])).isoformat()
        elif spoil == "kind":
            row["kind"] = "sales" if row["kind"] == "useful" else "useful"
        elif spoil == "size":
            row["size"] = "long" if row["size"] == "short" else "short"
        elif spoil == "zone":
            row["timezone"] = "Asia/Kolkata" if row["timezone"] != "Asia/Kolkata" else "Asia/Tokyo"
        elif spoil == "twice":
            rows.append(dict(row))
        elif row["letter"] != "earned/offer":
            rows.remove(row)
        else:
            continue
        assert check(rows, lived.documents, start=START), (spoil, row)


def due(*minutes: tuple[int, int | None]) -> list[Due]:
    return [
        Due(n, START + timedelta(minutes=at), START + timedelta(minutes=closes) if closes is not None else None)
        for n, (at, closes) in enumerate(minutes)
    ]


@pytest.mark.parametrize(
    ("rows", "minutes"),
    [
        ([], None),
        ([(0, 120)], 0),
        ([(0, 120), (60, 120), (108, 120)], 108),
        ([(0, 30), (20, 180), (40, 180)], 20),
        ([(0, None), (170, None), (190, None)], 170),
        ([(0, 0), (10, 60)], 0),
    ],
)
def test_a_batch_ends_before_any_window_in_it_closes(rows, minutes):
    end = batch_end(due(*rows), timedelta(hours=3))
    assert end == (None if minutes is None else START + timedelta(minutes=minutes))
