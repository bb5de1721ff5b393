"""Campaigns on real databases: start, each occasion once, whom it takes in, pause, cancel, outage, the end."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from nurture.domain.errors import NurtureError
from nurture.domain.standing import Entry, pack_entries
from nurture.domain.words import Kind
from nurture.services.campaigning import close_occasions, open_occasions, start
from nurture.services.enrolling import enrol
from nurture.services.explaining import why
from nurture.services.folding import fold
from nurture.services.keeping import Kept, keep
from nurture.services.planning import plan
from nurture.services.steering import cancel, list_documents, pause, resume
from nurture.store.database import Database
from nurture.store.documents import load_document, save_document
from nurture.store.tables import Enrolment, Occasion, Standing
from tests.support.people import NOW, add_people
from tests.support.programme import end_row, install, letter, rows_of

DAY = timedelta(days=1)
ROOFS = {"segment": "roofs", "where": {"tag": "roof"}}


def news(schedule: Any = "now", **more: Any) -> dict[str, Any]:
    return {"campaign": "news", "segment": "roofs", "schedule": schedule, "letter": letter("one", "news")} | more


async def occasions(db: Database) -> list[tuple[Any, ...]]:
    async with db.read() as tx:
        rows = await tx.execute(select(Occasion.number, Occasion.nominal, Occasion.filled_at, Occasion.ended_at).order_by(Occasion.number))
        return [tuple(r) for r in rows]


async def state_of(db: Database) -> str:
    return next(c.state for c in await list_documents(db, "campaign"))


async def test_now_takes_in_the_segment_once_and_the_planner_writes_each_letter(db: Database) -> None:
    await install(db, ROOFS, news())
    people = await add_people(db, "a@example.com", "b@example.com", tags=("roof",))
    await add_people(db, "c@example.com")
    await add_people(db, "gone@example.com", tags=("roof",), status="unsubscribed")
    assert await open_occasions(db, NOW) == 0, "a draft sends nothing"
    await start(db, "news", NOW)
    assert await open_occasions(db, NOW, chunk=1) == 2
    assert await open_occasions(db, NOW) == 0
    await plan(db, NOW)
    rows = await rows_of(db, "subscriber_id", "occasion", "state", "reason")
    assert [r[:3] for r in rows] == [(p, "2026-03-02", "pending") for p in people]
    assert rows[0][3].startswith("campaign news of 2026-03-02; goes in its window (Tue-Thu 10:00-12:00)")
    with pytest.raises(NurtureError, match="runs already"):
        await start(db, "news", NOW)


async def test_a_campaign_that_has_run_is_finished_and_explains_itself(db: Database) -> None:
    await install(db, ROOFS, news())
    [person] = await add_people(db, "a@example.com", tags=("roof",))
    await start(db, "news", NOW)
    await open_occasions(db, NOW)
    await plan(db, NOW)
    await close_occasions(db, NOW)
    assert await state_of(db) == "running"
    await end_row(db, NOW + DAY)
    await fold(db, NOW + DAY)
    await plan(db, NOW + DAY)
    await close_occasions(db, NOW + DAY)
    assert await state_of(db) == "finished"
    told = await why(db, person)
    assert [(w.letter, w.source, w.decision) for w in told] == [("news/one", "campaign:news", "send"), (None, "campaign:news", "done")]
    with pytest.raises(NurtureError, match="has run"):
        await start(db, "news", NOW + DAY)


async def test_weekly_opens_each_date_where_it_begins_first_and_supersedes_the_one_before(db: Database) -> None:
    await install(db, ROOFS, news({"weekly": "tue"}))
    [person] = await add_people(db, "a@example.com", tags=("roof",), timezone="Pacific/Auckland")
    first = await start(db, "news", NOW)
    assert first.nominal == date(2026, 3, 3)
    assert await open_occasions(db, datetime(2026, 3, 2, 9, 59, tzinfo=UTC)) == 0
    assert await open_occasions(db, datetime(2026, 3, 2, 10, tzinfo=UTC)) == 1
    assert [o[:2] for o in await occasions(db)] == [(1, date(2026, 3, 3)), (2, date(2026, 3, 10))]
    later = datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert await open_occasions(db, later) == 1
    await plan(db, later)
    [(occasion, due)] = await rows_of(db, "occasion", "due_at")
    assert occasion == "2026-03-10"
    assert datetime(2026, 3, 9, 21, tzinfo=UTC) <= due < datetime(2026, 3, 9, 23, tzinfo=UTC), "Tuesday, ten to twelve in Auckland"
    assert ("skip", "the campaign's next occasion has opened") in [(w.decision, w.reason) for w in await why(db, person)]


async def test_ways_through_old_occasions_may_be_forgotten_and_letters_stay(db: Database) -> None:
    await install(db, ROOFS, news({"weekly": "tue"}))
    [person] = await add_people(db, "a@example.com", tags=("roof",))
    await start(db, "news", NOW)
    ninety = Kept(None, None, None, ways=90 * DAY)
    for week in range(2):  # the first occasion's letter is sent, the second is under way
        at = datetime(2026, 3, 2, 10, tzinfo=UTC) + week * 7 * DAY
        await open_occasions(db, at)
        await plan(db, at)
        if not week:
            await end_row(db, at + DAY)
        await fold(db, at + DAY)
        await plan(db, at + DAY)
        await close_occasions(db, at + DAY)

    async def numbers() -> list[int]:
        async with db.read() as tx:
            return list((await tx.execute(select(Enrolment.number).order_by(Enrolment.number))).scalars())

    assert await keep(db, datetime(2026, 5, 30, tzinfo=UTC), ninety) == []
    assert await numbers() == [1, 2]
    late = datetime(2026, 6, 30, tzinfo=UTC)
    assert await keep(db, late, replace(ninety, ways=None)) == []
    assert [done.rpartition("/")[2] for done in await keep(db, late, ninety)] == ["1"]
    assert await numbers() == [2], "what is under way stays, however old"
    assert await keep(db, late, ninety) == [], "each occasion is gone through once"
    assert ("send", "news/one") in [(w.decision, w.letter) for w in await why(db, person)]
    assert len(await rows_of(db, "id")) == 2


async def test_after_an_outage_only_the_newest_occasion_opens(db: Database) -> None:
    await install(db, ROOFS, news({"weekly": "tue"}))
    await add_people(db, "a@example.com", tags=("roof",))
    await start(db, "news", NOW)
    assert await open_occasions(db, NOW + 30 * DAY) == 1
    opened = [o for o in await occasions(db) if o[2]]
    assert [o[:2] for o in opened] == [(1, date(2026, 3, 31))]


async def test_an_edit_moves_the_occasion_to_come_and_leaves_the_past(db: Database) -> None:
    ids = await install(db, ROOFS, news({"cron": "30 9 * * 4"}))
    await add_people(db, "a@example.com", tags=("roof",))
    assert (await start(db, "news", NOW)).nominal == date(2026, 3, 5)
    async with db.write() as tx:
        stored = await load_document(tx, "campaign", "news")
        assert stored
        edited = type(stored.document).model_validate(news({"cron": "0 10 * * 5"}))
        await save_document(tx, edited, "running", NOW)
    await open_occasions(db, NOW)
    [(number, nominal, filled, _)] = await occasions(db)
    assert (number, nominal, filled) == (1, date(2026, 3, 6), None)
    assert ids["news"]


async def test_a_sweep_with_nothing_to_open_writes_nothing(sqlite_db: Database) -> None:
    db = sqlite_db
    await install(db, ROOFS, news({"weekly": "tue"}), news({"at": "2026-03-12 10:00"}) | {"campaign": "once"})
    for name in ("news", "once"):
        await start(db, name, NOW)
    said: list[str] = []
    event.listen(db.engine.sync_engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    assert await open_occasions(db, NOW) == 0
    assert said, "it has looked"
    assert [s for s in said if s.startswith(("UPDATE", "INSERT", "DELETE"))] == []


async def test_a_weekly_campaign_that_becomes_a_single_date_still_has_it(db: Database) -> None:
    await install(db, ROOFS, news({"weekly": "tue"}))
    await add_people(db, "a@example.com", tags=("roof",), timezone="UTC")
    await start(db, "news", NOW)
    assert await open_occasions(db, NOW + DAY) == 1
    async with db.write() as tx:
        stored = await load_document(tx, "campaign", "news")
        assert stored
        await save_document(tx, type(stored.document).model_validate(news({"at": "2026-03-12 10:00"})), "running", NOW)
    assert await open_occasions(db, datetime(2026, 3, 12, 5, tzinfo=UTC)) == 1
    assert [o[:2] for o in await occasions(db)] == [(1, date(2026, 3, 3)), (2, date(2026, 3, 12))]


async def test_a_segment_may_name_a_segment(db: Database) -> None:
    everyone = {"segment": "houses", "where": {"segment": "roofs"}}
    await install(db, ROOFS, everyone, news({"weekly": "tue"}, segment="houses"))
    people = await add_people(db, "a@example.com", "b@example.com", tags=("roof",), timezone="UTC")
    await start(db, "news", NOW)
    assert await open_occasions(db, NOW + DAY) == len(people)
    await plan(db, NOW + DAY)
    assert len(await rows_of(db, "id")) == len(people)


async def test_a_pause_that_is_longer_than_its_patience_takes_no_letter(db: Database) -> None:
    await install(db, ROOFS, news())
    await add_people(db, "a@example.com", tags=("roof",), timezone="UTC")
    await start(db, "news", NOW)
    await open_occasions(db, NOW)
    await plan(db, NOW)
    await pause(db, "campaign", "news", NOW)
    back = NOW + 21 * DAY
    await resume(db, "campaign", "news", back)
    await fold(db, back)
    await plan(db, back)
    assert await rows_of(db, "state") == [("pending",)]


async def test_an_occasion_that_stood_still_for_too_long_is_passed_over(db: Database) -> None:
    await install(db, ROOFS, news({"at": "2026-03-03 10:00"}))
    await add_people(db, "a@example.com", tags=("roof",), timezone="UTC")
    await start(db, "news", NOW)
    await pause(db, "campaign", "news", NOW)
    back = NOW + 21 * DAY
    await resume(db, "campaign", "news", back)
    assert await open_occasions(db, back) == 0
    await close_occasions(db, back)
    assert await state_of(db) == "finished"


async def test_pause_takes_back_what_waits_and_resume_plans_it_anew(db: Database) -> None:
    await install(db, ROOFS, news())
    await add_people(db, "a@example.com", tags=("roof",))
    await start(db, "news", NOW)
    await open_occasions(db, NOW)
    await plan(db, NOW)
    assert await pause(db, "campaign", "news", NOW) == 1
    await plan(db, NOW)
    assert [r[0] for r in await rows_of(db, "state")] == ["cancelled"]
    await resume(db, "campaign", "news", NOW)
    await fold(db, NOW)
    await plan(db, NOW)
    assert [r[0] for r in await rows_of(db, "state")] == ["pending"]


async def test_cancel_is_for_good(db: Database) -> None:
    await install(db, ROOFS, news({"weekly": "tue"}))
    await add_people(db, "a@example.com", tags=("roof",))
    await start(db, "news", NOW)
    assert [c.coming for c in await list_documents(db, "campaign")] == [date(2026, 3, 3)]
    await open_occasions(db, NOW + DAY)
    await plan(db, NOW + DAY)
    assert await cancel(db, "news", NOW + DAY) == 1
    await fold(db, NOW + 8 * DAY)
    assert await open_occasions(db, NOW + 8 * DAY) == 0
    await plan(db, NOW + 8 * DAY)
    assert await rows_of(db, "state", "outcome") == [("cancelled", "cancelled")]
    assert await state_of(db) == "cancelled"
    assert [c.coming for c in await list_documents(db, "campaign")] == [None]
    for again in (start(db, "news", NOW), resume(db, "campaign", "news", NOW), pause(db, "campaign", "news", NOW)):
        with pytest.raises(NurtureError, match="cancelled"):
            await again
    assert [(c.state, c.standing) for c in await list_documents(db, "campaign")] == [("cancelled", "")]


async def test_a_draft_has_nothing_to_pause(db: Database) -> None:
    await install(db, ROOFS, news())
    for steering in (pause, resume):
        with pytest.raises(NurtureError, match="has not begun; let it begin with: nurture campaign start news"):
            await steering(db, "campaign", "news", NOW)


async def test_a_schedule_that_is_over_everywhere_is_refused(db: Database) -> None:
    await install(db, ROOFS, news({"at": "2026-03-01 10:00"}))
    with pytest.raises(NurtureError, match="lies in the past"):
        await start(db, "news", datetime(2026, 3, 2, 0, 0, tzinfo=UTC))
    with pytest.raises(NurtureError, match="There is no campaign 'nws'"):
        await start(db, "nws", NOW)


async def test_two_sweeps_at_once_take_everybody_in_once(db: Database) -> None:
    await install(db, ROOFS, news())
    await add_people(db, *(f"p{n}@example.com" for n in range(60)), tags=("roof",))
    await start(db, "news", NOW)
    await asyncio.gather(*(open_occasions(db, NOW, chunk=7) for _ in range(3)))
    async with db.read() as tx:
        assert (await tx.execute(select(func.count()).select_from(Enrolment))).scalar_one() == 60
    await plan(db, NOW)
    assert len(await rows_of(db, "id")) == 60


async def test_an_offer_waits_for_a_useful_campaign_that_is_to_open(db: Database) -> None:
    school = {"sequence": "school", "mix": "1:1", "repay": "wait", "letters": [letter("offer", "sales")]}
    useful = news({"weekly": "tue"}) | {"letter": letter("one")}
    await install(db, ROOFS, useful, school)
    people = await add_people(db, "a@example.com", tags=("roof",)) + await add_people(db, "b@example.com")
    await enrol(db, "school", people, NOW, "hand")
    await start(db, "news", NOW)
    await plan(db, NOW)
    async with db.read() as tx:
        clocks = dict((await tx.execute(select(Enrolment.subscriber_id, Enrolment.stale_since))).all())
    assert clocks == {people[0]: None, people[1]: NOW}, "its clock runs only where nothing useful is coming"


async def test_a_minute_takes_no_more_than_the_relay_carries(db: Database) -> None:
    await install(db, ROOFS, news())
    await add_people(db, *(f"p{n}@example.com" for n in range(60)), tags=("roof",), timezone="UTC")
    await start(db, "news", NOW)
    await open_occasions(db, NOW)
    await plan(db, NOW, chunk=20, rate=1 / 54)
    moments = [due.replace(second=0) for (due,) in await rows_of(db, "due_at")]
    assert len(moments) == len(set(moments)) == 60


async def test_what_a_window_cannot_take_fills_the_next_one_beforehand(db: Database) -> None:
    minute_long = [{"days": ["tue", "wed", "thu"], "from": "10:00", "until": "10:02"}]
    await install(db, ROOFS, news(windows={"other": minute_long}))
    people = await add_people(db, *(f"p{n}@example.com" for n in range(5)), tags=("roof",), timezone="UTC")
    async with db.write() as tx:
        for n, person in enumerate(people):
            served = NOW - timedelta(days=36 - n)
            await tx.execute(update(Standing).where(Standing.subscriber_id == person).values(served_at=served, recent=_letter_at(served)))
        await tx.execute(update(Standing).where(Standing.subscriber_id == people[4]).values(served_at=NOW - 90 * DAY, recent=_letter_at(NOW - 90 * DAY)))
    await start(db, "news", NOW)
    await open_occasions(db, NOW)
    await plan(db, NOW, chunk=2, rate=1 / 54)
    assert {r[0] for r in await rows_of(db, "subscriber_id")} == {people[4], people[0]}, "served longest ago"
    async with db.read() as tx:
        said = dict((await tx.execute(select(Enrolment.subscriber_id, Enrolment.decision))).all())
    untils = [datetime.fromisoformat(said[p]["until"]).date() for p in people[1:4]]
    assert untils == [date(2026, 3, 4), date(2026, 3, 4), date(2026, 3, 5)]
    assert "waits for a window in which the relay has room" in said[people[1]]["reason"]
    await end_row(db, datetime(2026, 3, 3, 10, 1, tzinfo=UTC))
    later = datetime(2026, 3, 3, 10, 2, tzinfo=UTC)
    await fold(db, later)
    await plan(db, later, rate=1 / 54)
    assert {r[0] for r in await rows_of(db, "subscriber_id")} == {people[n] for n in (4, 0, 1, 2)}


def _letter_at(moment: datetime) -> bytes:
    return pack_entries((Entry(1, moment, moment.date(), Kind.USEFUL),))
