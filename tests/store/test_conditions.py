"""Each word of the condition language, and random nestings of them held against a plain Python oracle, on both databases."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from nurture.domain.conditions import Condition
from nurture.domain.standing import FlagBit
from nurture.domain.words import Engagement, Evidence, Flag, Kind, State, Status, Temperature
from nurture.store import subscribers
from nurture.store.conditions import compile_condition, count, matching
from nurture.store.database import Database
from tests.support.crowd import FIELD_VALUES, LETTERS, SEQUENCES, Person, make_crowd
from tests.support.people import NOW, add_people

CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)
OWN = {"country", "timezone", "source", "first_name", "frequency", "email", "status"}


def read(written: dict[str, Any]) -> Any:
    return CONDITION.validate_python(written)


async def emails(db: Database, written: dict[str, Any], people: dict[int, str], now: datetime = NOW, zone: str = "UTC") -> set[str]:
    async with db.read() as tx:
        found = await matching(tx, read(written), now, policy_zone=zone)
        assert await count(tx, read(written), now, policy_zone=zone) == len(found)
        listed = await subscribers.page(tx, 0, 10_000, compile_condition(read(written), now, zone))  # a query that reads standings, too
        assert [person.id for person in listed] == found
    return {people[i] for i in found}


# ---- the oracle: what a condition means, said once more in plain Python ----


def number_of(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        whole, _, part = value.removeprefix("-").partition(".")
        digits = set("0123456789")
        if whole and set(whole) <= digits and set(part) <= digits and (part or "." not in value):
            return float(value)
    return None


def truth_of(value: Any) -> bool | None:
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else value if isinstance(value, bool) else None


def same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool):
        return truth_of(value) is wanted
    if isinstance(wanted, str):
        if isinstance(value, str):
            return value == wanted
        if isinstance(value, bool):
            return wanted == str(value).lower()
        return number_of(value) is not None and number_of(value) == number_of(wanted)
    return number_of(value) is not None and number_of(value) == wanted


def lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def field_holds(person: Person, c: dict[str, Any], zone: str) -> bool:
    name = c["field"]
    own = name in OWN
    value = {"email": person.email, **person.columns}[name] if own else person.columns["fields"].get(name)
    if name == "timezone" and value is None:
        value = zone
    if "exists" in c:
        return (value not in (None, "")) is c["exists"]
    if "contains" in c:
        part = c["contains"]
        return lower(part) in lower(value) if isinstance(value, str) else isinstance(value, list) and part in value
    if "is" in c or "in" in c:
        options = c.get("in", [c.get("is")])
        return any(value == str(o) if own else same(value, o) for o in options)
    wanted = c.get("gt", c.get("lt"))
    above = "gt" in c
    left: Any
    if not own and number_of(wanted) is not None:
        left, wanted = number_of(value), number_of(wanted)
    else:
        left = value if isinstance(value, str) else None
    return left is not None and (left > wanted if above else left < wanted)


def did_holds(person: Person, c: dict[str, Any], now: datetime) -> bool:
    within = timedelta(days=int(c["within"][:-1])) if "within" in c else timedelta(days=9999)
    seen = [
        e
        for e in person.events
        if e["type"] == c["did"]
        and (e["evidence"] == Evidence.HUMAN if c["did"] in ("opened", "clicked") else e["evidence"] != Evidence.MACHINE)
        and e["at"] >= now - within
        and c.get("name") in (None, e["name"])
        and ("link" not in c or (e["url"] or "").split("?")[0] == c["link"])
        and c.get("letter") in (None, e["letter"])
        and c.get("kind") in (None, e["kind"])
    ]
    return len(seen) >= c.get("at_least", 1)


def yearly(value: Any) -> tuple[int, int] | None:
    if not isinstance(value, str):
        return None
    text = value[5:10] if len(value) >= 10 else value.removeprefix("--")
    try:
        return int(text[:2]), int(text[3:5])
    except ValueError:
        return None


def date_holds(person: Person, c: dict[str, Any], today: date) -> bool:
    born = yearly(person.columns["fields"].get(c["date"]))
    days = [today + timedelta(days=n) for n in range(int(c["within"][:-1]) + 1)]
    leap = {d.year for d in days if d.year % 4 == 0}
    kept = {(d.month, d.day) for d in days} | {(2, 29) for d in days if (d.month, d.day) == (2, 28) and d.year not in leap}
    return born in kept


def holds(person: Person, c: dict[str, Any], now: datetime = NOW, zone: str = "UTC") -> bool:
    match c:
        case {"all": inner}:
            return all(holds(person, i, now, zone) for i in inner)
        case {"any": inner}:
            return any(holds(person, i, now, zone) for i in inner)
        case {"not": inner}:
            return not holds(person, inner, now, zone)
        case {"tag": tag}:
            return tag in person.tags
        case {"topic": topic}:
            return person.columns["topics"].get(topic) is not False
        case {"field": _}:
            return field_holds(person, c, zone)
        case {"status": status}:
            return person.columns["status"] == status
        case {"engagement": engagement}:
            return person.engagement == engagement
        case {"temperature": temperature}:
            return person.temperature == temperature
        case {"flag": flag}:
            return bool(person.flags & FlagBit[Flag(flag).name])
        case {"source": source}:
            return person.columns["source"] == source
        case {"did": _}:
            return did_holds(person, c, now)
        case {"received": letter}:
            since = now - timedelta(days=int(c.get("within", "9999d")[:-1]))
            return any(d["letter"] == letter and d["state"] == State.ACCEPTED and d["at"] >= since for d in person.deliveries)
        case {"in_sequence": name}:
            return name in person.sequences
        case {"joined": within}:
            return person.columns["joined_at"] >= now - timedelta(days=int(within.split()[1][:-1]))
        case {"date": _}:
            return date_holds(person, c, now.astimezone(ZoneInfo(zone)).date())
    raise AssertionError(c)


scalars = st.sampled_from(
    [3, 3.0, 4.5, "3", "10", -2, True, False, "true", "roofs", "Москва", "", "many", "a", "DE", "Anna", "Europe/Berlin", 10**30]
)
names = st.sampled_from([*FIELD_VALUES, "missing", *sorted(OWN)])
comparisons = st.one_of(
    st.fixed_dictionaries({"is": scalars}),
    st.fixed_dictionaries({"in": st.lists(scalars, max_size=3)}),
    st.fixed_dictionaries({"gt": scalars.filter(lambda v: not isinstance(v, bool))}),
    st.fixed_dictionaries({"lt": scalars.filter(lambda v: not isinstance(v, bool))}),
    st.fixed_dictionaries({"exists": st.booleans()}),
    st.fixed_dictionaries({"contains": st.sampled_from(["ROOF", "roofs", "моск", "an", "@example"])}),
)
within = st.sampled_from(["1d", "7d", "30d", "60d", "400d"])


def optional(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=parts)


leaves = st.one_of(
    st.fixed_dictionaries({"tag": st.sampled_from(["roof", "wall", "nobody"])}),
    st.fixed_dictionaries({"topic": st.sampled_from(["roofs", "walls", "other"])}),
    st.builds(lambda n, c: {"field": n, **c}, names, comparisons).filter(
        lambda c: not (c["field"] in OWN and any(isinstance(v, int | float) for k, v in c.items() if k in ("gt", "lt")))
    ),
    st.fixed_dictionaries({"status": st.sampled_from([s.value for s in Status])}),
    st.fixed_dictionaries({"engagement": st.sampled_from([s.value for s in Engagement])}),
    st.fixed_dictionaries({"temperature": st.sampled_from([s.value for s in Temperature])}),
    st.fixed_dictionaries({"flag": st.sampled_from([s.value for s in Flag])}),
    st.fixed_dictionaries({"source": st.sampled_from(["", "fair"])}),
    st.builds(
        lambda t, more: {"did": t, **more},
        st.sampled_from(["clicked", "opened", "replied", "converted"]),
        optional(
            within=within,
            at_least=st.integers(1, 3),
            letter=st.sampled_from(LETTERS),
            kind=st.sampled_from([k.value for k in Kind]),
            link=st.just("https://example.com/a"),
            name=st.just("purchase"),
        ),
    ),
    st.builds(lambda n, more: {"received": n, **more}, st.sampled_from(LETTERS), optional(within=within)),
    st.fixed_dictionaries({"in_sequence": st.sampled_from(SEQUENCES)}),
    st.builds(lambda w: {"joined": f"within {w}"}, within),
    st.builds(lambda w: {"date": "birthday", "within": w}, st.sampled_from(["0d", "7d", "60d", "320d"])),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda i: {"all": i}, st.lists(inner, max_size=3)),
        st.builds(lambda i: {"any": i}, st.lists(inner, max_size=3)),
        st.builds(lambda i: {"not": i}, inner),
    ),
    max_leaves=6,
)
_crowds: dict[str, list[Person]] = {}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(conditions)
async def test_sql_means_what_the_oracle_means(db: Database, written: dict[str, Any]) -> None:
    url = str(db.engine.url)
    if url not in _crowds:
        _crowds[url] = await make_crowd(db)
    crowd = _crowds[url]
    expected = {p.email for p in crowd if holds(p, written, zone="Europe/Berlin")}
    assert await emails(db, written, {p.id: p.email for p in crowd}, zone="Europe/Berlin") == expected


@pytest.mark.parametrize(
    ("today", "within", "expected"),
    [
        (datetime(2026, 12, 29, 12, tzinfo=UTC), "7d", {"newyear", "eve"}),  # over the end of the year
        (datetime(2026, 2, 28, 12, tzinfo=UTC), "0d", {"leap", "last"}),  # a common year keeps 29 February on the 28th
        (datetime(2028, 2, 28, 12, tzinfo=UTC), "0d", {"last"}),  # a leap year waits for the day
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "0d", {"leap"}),
        (datetime(2026, 2, 20, 12, tzinfo=UTC), "8d", {"leap", "last"}),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), "1d", set()),
        (datetime(2026, 5, 5, 12, tzinfo=UTC), "365d", {"leap", "last", "newyear", "eve"}),
    ],
)
async def test_a_yearly_date(db: Database, today: datetime, within: str, expected: set[str]) -> None:
    days = {"leap": "1984-02-29", "last": "02-28", "newyear": "--01-02", "eve": "1990-12-31T00:00:00Z", "none": "unknown", "odd": "99-99"}
    people = {}
    for name, day in days.items():
        people[(await add_people(db, name, fields={"born": day}))[0]] = name
    assert await emails(db, {"date": "born", "within": within}, people, today) == expected


async def test_today_is_the_day_of_the_workspace(db: Database) -> None:
    people = {(await add_people(db, "a", fields={"born": "2000-03-03"}))[0]: "a"}
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # already the third in Berlin
    assert await emails(db, {"date": "born", "within": "0d"}, people, late, zone="Europe/Berlin") == {"a"}
    assert await emails(db, {"date": "born", "within": "0d"}, people, late) == set()


async def test_the_day_of_joining_comes_every_year(db: Database) -> None:
    people = {(await add_people(db, "a", joined_at=datetime(2020, 3, 4, 23, tzinfo=UTC)))[0]: "a"}
    assert await emails(db, {"date": "joined_at", "within": "2d"}, people) == {"a"}
    assert await emails(db, {"date": "joined_at", "within": "1d"}, people) == set()


async def test_instants_compare_with_written_dates(db: Database) -> None:
    people = {(await add_people(db, "a", joined_at=NOW, paused_until=NOW + timedelta(days=1)))[0]: "a"}
    people[(await add_people(db, "b", joined_at=NOW - timedelta(days=400)))[0]] = "b"
    assert await emails(db, {"field": "joined_at", "gt": "2026-01-01"}, people) == {"a"}
    assert await emails(db, {"field": "joined_at", "lt": "2026-01-01T00:00:00+02:00"}, people) == {"b"}
    assert await emails(db, {"field": "paused_until", "exists": True}, people) == {"a"}
    assert await emails(db, {"field": "joined_at", "gt": "yesterday"}, people) == set()


async def test_a_free_field_that_has_the_name_of_a_column(db: Database) -> None:
    people = {(await add_people(db, "a", country="DE", fields={"country": "PL"}))[0]: "a"}
    assert await emails(db, {"field": "country", "is": "DE"}, people) == {"a"}
    assert await emails(db, {"field": "fields.country", "is": "PL"}, people) == {"a"}


async def test_only_the_ids_asked_for_in_order(db: Database) -> None:
    ids = await add_people(db, "a", "b", "c", tags=("x",))
    async with db.read() as tx:
        many = [*range(10_000, 50_000), ids[2], ids[0]]
        assert await matching(tx, read({"tag": "x"}), NOW, ids=many) == [ids[0], ids[2]]
        assert await matching(tx, read({"tag": "x"}), NOW, ids=[]) == []
