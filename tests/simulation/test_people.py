"""Invented people fit every audience and segment, live all over the world, and carry names that mail must survive."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.documents import Policy, Segment, Sequence
from nurture.simulation.people import Person, invent

START = datetime(2026, 3, 2, tzinfo=UTC)
LETTER = {"id": "a", "kind": "useful", "subject": "x", "body": "x"}


def sequence(name: str = "s", **more) -> Sequence:
    return Sequence.model_validate({"sequence": name, "letters": [LETTER], **more})


def people(*documents, count: int = 60, seed: int = 1) -> list[Person]:
    return invent(count, documents, START, Random(seed))


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ({"tag": "roof"}, lambda p: "roof" in p.tags),
        ({"not": {"tag": "roof"}}, lambda p: "roof" not in p.tags),
        ({"all": [{"tag": "a"}, {"tag": "b"}]}, lambda p: {"a", "b"} <= set(p.tags)),
        ({"any": [{"tag": "a"}, {"tag": "b"}]}, lambda p: {"a", "b"} & set(p.tags)),
        ({"not": {"any": [{"tag": "a"}, {"field": "country", "is": "DE"}]}}, lambda p: not p.tags and p.columns["country"] != "DE"),
        ({"field": "country", "in": ["PL", "CZ"]}, lambda p: p.columns["country"] in ("PL", "CZ")),
        ({"field": "age", "gt": 40}, lambda p: p.fields["age"] > 40),
        ({"not": {"field": "age", "gt": 40}}, lambda p: p.fields["age"] <= 40),
        ({"field": "roof_year", "lt": 1990}, lambda p: p.fields["roof_year"] < 1990),
        ({"field": "shop", "exists": True}, lambda p: "shop" in p.fields),
        ({"all": [{"field": "shop", "exists": False}, {"field": "shop", "is": "x"}]}, lambda p: "shop" not in p.fields),
        ({"field": "notes", "contains": "slate"}, lambda p: "slate" in p.fields["notes"]),
        ({"source": "fair"}, lambda p: p.columns["source"] == "fair"),
        ({"topic": "roofs"}, lambda p: p.topics["roofs"]),
        ({"joined": "within 30d"}, lambda p: START - timedelta(days=30) < p.joined_at < START),
    ],
)  # fmt: skip
def test_everybody_fits_what_is_asked(where, fits):
    assert all(fits(p) for p in people(sequence(audience=where)))
    assert all(fits(p) for p in people(Segment.model_validate({"segment": "g", "where": where})))


def test_a_yearly_day_comes_within_the_time_asked():
    for person in people(sequence(audience={"date": "anniversary", "within": "7d"})):
        day = date.fromisoformat(person.fields["anniversary"]).replace(year=2026)
        assert START.date() <= day < START.date() + timedelta(days=7)


def test_audiences_that_exclude_each_other_share_the_people():
    two = (sequence("a", audience={"field": "country", "is": "DE"}), sequence("b", audience={"field": "country", "is": "PL"}))
    countries = [p.columns["country"] for p in people(*two)]
    assert countries.count("DE") == countries.count("PL") == 30


def test_a_condition_of_a_letter_is_met_by_some_and_missed_by_others():
    asked = sequence(letters=[{**LETTER, "only_if": {"tag": "owner"}}])
    owners = sum("owner" in p.tags for p in people(asked))
    assert 10 < owners < 50


def test_greetings_find_their_day():
    asked = sequence(letters=[LETTER, {**LETTER, "id": "g", "kind": "greeting", "day": "wedding"}])
    assert all(date.fromisoformat(p.fields["wedding"]) for p in people(asked))


def test_the_whole_world_is_there_with_its_awkward_zones_and_scripts():
    found = people(Policy.model_validate({"policy": "default", "topics": {"roofs": "Roofs"}}), count=200)
    zones = {p.columns["timezone"] for p in found}
    assert len(zones) >= 24
    assert zones >= {"Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/St_Johns"}
    assert all(ZoneInfo(z) for z in zones)
    assert any(p.columns["patronymic"] for p in found)
    assert any(not p.columns["name"].isascii() for p in found)
    assert all(p.topics == {"roofs": True} for p in found)


def test_addresses_are_unique_and_can_never_reach_anybody():
    found = people(count=1_000)
    assert len({p.email for p in found}) == 1_000
    assert all(p.email.isascii() and p.email == p.email.lower() and p.email.partition("@")[2].startswith("example.") for p in found)


def test_the_same_seed_invents_the_same_people():
    assert people(sequence(), seed=5) == people(sequence(), seed=5) != people(sequence(), seed=6)
