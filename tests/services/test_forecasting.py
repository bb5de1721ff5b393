"""The forecast over real databases: it comes true as long as nobody answers, and drafts are held against it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.documents import Campaign, LibraryLetter, Policy, Segment, Sequence
from nurture.domain.warming import WarmUp
from nurture.services.campaigning import open_occasions, start
from nurture.services.enrolling import enrol
from nurture.services.folding import fold
from nurture.services.forecasting import calendar, effect, forecast
from nurture.services.planning import plan
from nurture.store.database import Database
from tests.support.people import NOW, add_people
from tests.support.programme import end_row, install, letter, rows_of

DAY = timedelta(days=1)
AUCKLAND = ZoneInfo("Pacific/Auckland")
SCHOOL = {
    "sequence": "school", "audience": {"tag": "roof"}, "mix": "3:1", "cadence": "2 per week",
    "letters": [letter("one"), letter("two", size="long"), letter("three"), letter("offer", "sales")],
}  # fmt: skip
ROOFS = {"segment": "roofs", "where": {"tag": "roof"}}
WEEKLY = {"campaign": "news", "segment": "roofs", "schedule": {"weekly": "tue"}, "letter": letter("one", "news")}


async def foreseen(db: Database, days: int = 30) -> list[tuple[str, str, datetime]]:
    found = [a async for a in forecast(db, NOW, days * DAY)]
    return sorted((a.email, x.letter, x.at) for a in found for x in a.foresight.letters)


async def live(db: Database, until: datetime) -> list[tuple[str, datetime]]:
    """Plan, and take every letter at its moment, on a clock that goes from one to the next."""
    now, had = NOW, []
    while now < until:
        await open_occasions(db, now)
        await fold(db, now)
        await plan(db, now)
        waiting = sorted(r for r in await rows_of(db, "due_at", "state", "letter_id") if r[1] == "pending")
        if waiting and waiting[0][0] <= now:
            had.append(now)
            await end_row(db, now, local_day=now.astimezone(AUCKLAND).date(), zone=AUCKLAND.key)
            continue
        now = min(waiting[0][0] if waiting else until, now + timedelta(hours=6))
    return had


async def test_it_comes_true_with_a_sequence_and_a_weekly_campaign(sqlite_db: Database) -> None:
    db = sqlite_db
    await install(db, SCHOOL, ROOFS, WEEKLY)
    await add_people(db, "a@example.com", tags=("roof",), timezone=AUCKLAND.key)
    await enrol(db, "school", [1], NOW, "hand")
    await start(db, "news", NOW)
    seen = await foreseen(db, 21)
    names = [x[1] for x in sorted(seen, key=lambda x: x[2])]
    assert names[0] == "news/one", "Monday is over in Auckland, and on Tuesday the campaign goes first"
    assert names.count("news/one") == 3
    assert {f"{at.astimezone(AUCKLAND):%a %H}"[:6] for _, name, at in seen if name == "news/one"} <= {"Tue 10", "Tue 11"}
    happened = await live(db, NOW + 21 * DAY)
    assert sorted(at for *_, at in seen) == happened


async def test_nothing_is_stored_by_looking(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, "a@example.com", "b@example.com", timezone="Europe/Berlin")
    await enrol(db, "school", people[:1], NOW, "hand")
    seen = await foreseen(db)
    assert [x[:2] for x in seen] == [("a@example.com", f"school/{n}") for n in ("offer", "one", "three", "two")]
    assert await rows_of(db, "id") == []
    assert await foreseen(db) == seen


async def test_the_calendar_adds_up_local_dates(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, "a@example.com", timezone="UTC") + await add_people(db, "b@example.com", timezone="Pacific/Kiritimati")
    await enrol(db, "school", people, NOW, "hand")
    found = await calendar(db, NOW, 14 * DAY)
    assert (found.people, found.kinds.total()) == (2, 8)
    assert all(day.weekday() in {0, 1, 2, 3, 4} for day in found.days)
    assert sum(c.total() for c in found.days.values()) == 8


async def test_a_draft_is_held_against_what_goes_on_without_it(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, "a@example.com", "b@example.com", tags=("roof",), timezone="UTC")
    await enrol(db, "school", people[:1], NOW, "hand")
    letters = [letter(f"d{n}", "useful", window="any") for n in range(6)]
    draft = Sequence.model_validate({"sequence": "daily", "audience": {"tag": "roof"}, "priority": 90, "letters": letters})
    found = await effect(db, [draft], NOW, 14 * DAY)
    assert (found.before.kinds.total(), found.before.people) == (4, 1)
    assert found.after.people == 2
    assert found.added >= 10
    assert found.later + found.dropped > 0, "the cap makes room for the draft at the cost of what was planned"
    assert found.after.full_weeks > found.before.full_weeks
    assert await rows_of(db, "id") == []


async def test_drafts_of_a_campaign_a_segment_and_a_policy_count_as_in_force(db: Database) -> None:
    await install(db, SCHOOL)
    await add_people(db, "a@example.com", tags=("roof",))
    documents: list[Any] = [
        Campaign.model_validate(WEEKLY),
        Segment.model_validate(ROOFS),
        Policy.model_validate({"policy": "default", "cap": 1}),
    ]
    found = await effect(db, documents, NOW, 23 * DAY)
    assert found.before.kinds.total() == 0
    assert found.after.kinds.total() == 4
    assert found.after.full_weeks == 4
    changed = Sequence.model_validate(SCHOOL | {"letters": [letter("new"), *SCHOOL["letters"]]})
    people = await add_people(db, "c@example.com")
    await enrol(db, "school", people, NOW, "hand")
    edited = await effect(db, [changed], datetime(2026, 3, 2, 9, tzinfo=UTC), 30 * DAY)
    assert edited.after.kinds.total() == edited.before.kinds.total() + 1


async def test_drafts_may_name_segments_that_are_drafts_themselves(db: Database) -> None:
    await install(db, ROOFS, {"segment": "houses", "where": {"segment": "roofs"}})
    await add_people(db, "a@example.com", tags=("tile",))
    audience = {"all": [{"segment": "houses"}, {"segment": "tiles"}]}
    documents: list[Any] = [
        Sequence.model_validate(SCHOOL | {"audience": audience}),
        Segment.model_validate(ROOFS | {"where": {"segment": "tiles"}}),
        Segment.model_validate({"segment": "tiles", "where": {"tag": "tile"}}),
    ]
    found = await effect(db, documents, NOW, 30 * DAY)
    assert (found.before.kinds.total(), found.after.kinds.total()) == (0, 4)
    assert (await effect(db, documents[1:], NOW, 30 * DAY)).after.kinds.total() == 0, "and what was looked at is not kept"


async def test_a_drafted_library_letter_stands_in_the_place_of_its_older_version(db: Database) -> None:
    tip = {"letter": "tip", "kind": "useful", "subject": "s", "body": "b"}
    offers = SCHOOL | {"mix": "1:1", "repay": "library", "letters": [letter("offer", "sales"), letter("more", "sales")]}
    await install(db, offers, tip)
    people = await add_people(db, "a@example.com", timezone="UTC")
    await enrol(db, "school", people, NOW, "hand")
    before = await effect(db, [LibraryLetter.model_validate(tip | {"subject": "new"})], NOW, 40 * DAY)
    assert before.after.kinds == before.before.kinds
    second = LibraryLetter.model_validate(tip | {"letter": "other"})
    assert (await effect(db, [second], NOW, 40 * DAY)).after.kinds.total() == before.before.kinds.total() + 2


async def test_a_started_campaign_is_foreseen_by_its_drafted_schedule(db: Database) -> None:
    await install(db, ROOFS, WEEKLY)
    await add_people(db, "a@example.com", tags=("roof",), timezone="UTC")
    await start(db, "news", NOW)
    moved = await effect(db, [Campaign.model_validate(WEEKLY | {"schedule": {"weekly": "thu"}})], NOW, 21 * DAY)
    assert {day.weekday() for day in moved.before.days} == {1}
    assert {day.weekday() for day in moved.after.days} == {3}


async def test_it_knows_what_the_relay_carries(db: Database) -> None:
    two_minutes = [{"days": ["tue", "wed", "thu"], "from": "10:00", "until": "10:02"}]
    await install(db, ROOFS, WEEKLY | {"schedule": "now", "windows": {"other": two_minutes}})
    await add_people(db, *(f"p{n}@example.com" for n in range(7)), tags=("roof",), timezone="UTC")
    await start(db, "news", NOW)
    await open_occasions(db, NOW)
    free, narrow = await calendar(db, NOW, 14 * DAY), await calendar(db, NOW, 14 * DAY, rate=1 / 54)
    assert [(day.isoformat(), c.total()) for day, c in sorted(free.days.items())] == [("2026-03-03", 7)]
    told = [(day.isoformat(), c.total()) for day, c in sorted(narrow.days.items())]
    assert told == [("2026-03-03", 2), ("2026-03-04", 2), ("2026-03-05", 2), ("2026-03-10", 1)]


async def test_it_knows_the_days_of_a_warm_up_and_so_does_the_plan(db: Database) -> None:
    wide = [{"days": ["tue", "wed", "thu"], "from": "10:00", "until": "12:00"}]
    await install(db, ROOFS, WEEKLY | {"schedule": "now", "windows": {"other": wide}})
    await add_people(db, *(f"p{n}@example.com" for n in range(9)), tags=("roof",), timezone="UTC")
    await start(db, "news", NOW)
    await open_occasions(db, NOW)
    plan_of_days = WarmUp(NOW.date() + DAY, 3, 1.5, 1000)  # two on Tuesday, four on Wednesday, six on Thursday: a tenth is kept
    told = await calendar(db, NOW, 14 * DAY, warm_up=plan_of_days)
    assert [(day.isoformat(), c.total()) for day, c in sorted(told.days.items())] == [("2026-03-03", 2), ("2026-03-04", 3), ("2026-03-05", 4)]
    await plan(db, NOW, warm_up=plan_of_days)
    rows = await rows_of(db, "due_at")
    assert [due.date().isoformat() for (due,) in rows] == ["2026-03-03"] * 2, "no more than the day takes; the others wait for the next"


async def test_a_sample_stands_for_the_whole_list(sqlite_db: Database) -> None:
    await install(sqlite_db, SCHOOL)
    people = await add_people(sqlite_db, *(f"p{n}@example.com" for n in range(9)), tags=("roof",), timezone=AUCKLAND.key)
    await enrol(sqlite_db, "school", people, NOW, "hand")
    whole = await calendar(sqlite_db, NOW)
    assert whole.people == 9
    for every, chunk in ((3, 2), (9, 1), (1, 4)):
        assert await calendar(sqlite_db, NOW, every=every, chunk=chunk) == whole
    longer = [Sequence.model_validate(SCHOOL | {"letters": [*SCHOOL["letters"], letter("last")]})]
    effects = [await effect(sqlite_db, longer, NOW, every=every, chunk=2) for every in (1, 3)]
    assert effects[0] == effects[1]
    assert effects[0].added == 9
    looked_at = [a.subscriber_id async for a in forecast(sqlite_db, NOW, every=4, chunk=2)]
    assert looked_at == [people[0], people[4], people[8]]
