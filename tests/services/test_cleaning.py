"""A cleanup from the start to everybody's verdict; what leans on the database runs on both."""

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from nurture.domain.errors import NurtureError
from nurture.domain.standing import FlagBit
from nurture.domain.words import Status
from nurture.services.cleaning import begin, cancel, preflight, result
from nurture.services.enrolling import enrol
from nurture.services.steering import pause, resume
from nurture.store.bounces import Bounce, note_bounces
from nurture.store.cleanups import load_moves
from nurture.store.database import Database
from nurture.store.inbound import Whose, note_complaint
from nurture.store.ledger import deliveries, letters
from nurture.store.tables import Standing, Subscriber
from tests.support.cleaning import NOW, accept_due, live, members_of, moves_of, run_of, sleepers, spring, sweep
from tests.support.people import add_people
from tests.support.programme import add_event, install, letter, rows_of

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


async def complain(db: Database, person: int, delivery: int, now: object) -> None:
    async with db.write() as tx:
        await note_complaint(tx, f"c{person}", Whose(person, "", delivery), "spam", now)  # type: ignore[arg-type]


async def test_from_the_start_to_everybodys_verdict(memory_db: Database) -> None:
    db = memory_db
    ids = await install(db, spring(silent="keep"))
    await sleepers(db, 40)
    await begin(db, "spring", NOW)
    await live(db, NOW, NOW + 12 * DAY)
    run = await run_of(db, ids["spring"])
    assert (run.state, run.held, run.canary, run.treated) == ("finished", 4, 18, 36)
    assert await moves_of(db, ids["spring"]) == [
        "draft -> canary", "canary -> ramp", "ramp -> settling", "settling -> finished",
    ]  # fmt: skip
    letters = Counter(await rows_of(db, "letter_id", "occasion", "state"))
    assert list(letters.values()) == [36, 36, 36], letters
    assert Counter(await members_of(db, "part", "verdict")) == {("offers", "silent"): 36, ("holdout", "silent"): 4}
    with pytest.raises(NurtureError, match="another name"):
        await begin(db, "spring", NOW + 12 * DAY)


async def test_the_canary_gets_one_offer_and_is_watched_for_a_day_before_more_follow(memory_db: Database) -> None:
    db = memory_db
    ids = await install(db, spring())
    await sleepers(db, 40)
    await begin(db, "spring", NOW)
    sent = await live(db, NOW, NOW + DAY)
    assert (await run_of(db, ids["spring"])).state == "canary"
    assert len({person for person, *_ in sent}) == len(sent) == 18, "one letter to each of the canary"
    sent = await live(db, NOW + DAY, NOW + 3 * DAY)
    assert (await run_of(db, ids["spring"])).state == "ramp"
    dates = await rows_of(db, "subscriber_id", "local_day")
    assert max(Counter(d for d in dates if d[1]).values()) == 1, "one letter a person and date"


async def test_nobody_who_gave_a_reason_to_be_left_alone_is_touched(memory_db: Database) -> None:
    db = memory_db
    ids = await install(db, {"policy": "default", "topics": {"roofs": "Roofs"}}, spring(), letter_of_a_topic("autumn", "roofs"))
    plain = set(await sleepers(db, 20, "plain"))
    left_alone = {
        "ripening": await sleepers(db, 2, "ripening", flags=int(FlagBit.RIPENING)),
        "customer": await sleepers(db, 2, "buyer", tags=("customer",)),
        "refuser": await sleepers(db, 2, "refuser"),
        "declined": await sleepers(db, 2, "useful", kinds="useful"),
        "paused": await sleepers(db, 2, "paused", paused_until=NOW + 20 * DAY),
        "unseen": await sleepers(db, 2, "unseen", engagement="unobservable"),
    }
    others = await sleepers(db, 3, "fan", engagement="fan") + await sleepers(db, 3, "active", engagement="active")
    gone = await sleepers(db, 3, "gone", status="unsubscribed")
    async with db.write() as tx:
        await tx.execute(update(Standing).where(Standing.subscriber_id.in_(left_alone["refuser"])).values(temperature="refuser"))
        await tx.execute(update(Standing).where(Standing.subscriber_id == left_alone["customer"][1]).values(customer=True))
    ahead = await preflight(db, "spring", NOW)
    assert ahead.exempt == dict.fromkeys(left_alone, 2)
    assert ahead.draw.held + ahead.draw.treated == 20
    assert {n.email: n.exempt for n in ahead.named if n.exempt}["paused0@example.com"] == "paused their letters"
    await begin(db, "spring", NOW)
    await live(db, NOW, NOW + 9 * DAY)
    touched = {person for (person,) in await rows_of(db, "subscriber_id")}
    assert touched <= plain
    assert touched.isdisjoint({*others, *gone, *(p for people in left_alone.values() for p in people)})
    assert (await run_of(db, ids["spring"])).exempt == dict.fromkeys(left_alone, 2)


def letter_of_a_topic(name: str, topic: str) -> dict[str, object]:
    return {"cleanup": name, "offers": [letter("day-1", "sales", topic=topic)]}


async def test_who_declined_the_topic_of_the_offers_or_was_cleaned_lately_is_left_alone(memory_db: Database) -> None:
    db = memory_db
    await install(db, {"policy": "default", "topics": {"roofs": "Roofs"}}, spring(1, silent="keep", holdout="0%"), letter_of_a_topic("autumn", "roofs"))
    await sleepers(db, 10)
    await sleepers(db, 1, "declined", topics={"roofs": False})
    await begin(db, "spring", NOW)
    await live(db, NOW, NOW + 8 * DAY)
    ahead = await preflight(db, "autumn", NOW + 8 * DAY)
    assert ahead.exempt == {"cleaned": 10, "declined": 1}
    later = await preflight(db, "autumn", NOW + 200 * DAY)
    assert later.exempt == {"declined": 1}


async def test_two_cleanups_never_have_one_person(memory_db: Database) -> None:
    db = memory_db
    await install(db, spring(), {**spring(), "cleanup": "summer"})
    await sleepers(db, 20)
    await begin(db, "spring", NOW)
    await sweep(db, NOW)
    ahead = await preflight(db, "summer", NOW)
    assert ahead.exempt == {"elsewhere": 9}
    await begin(db, "summer", NOW)
    await live(db, NOW, NOW + 8 * DAY)
    taken = Counter(await members_of(db, "subscriber_id", "taken_at"))
    dates = Counter(d for d in await rows_of(db, "subscriber_id", "local_day") if d[1])
    assert taken
    assert max(dates.values()) == 1


async def test_complaints_stop_it_in_the_canary_and_no_further_letter_leaves(db: Database) -> None:
    ids = await install(db, spring(), {"sequence": "school", "letters": [letter("one"), letter("two")]})
    people = await sleepers(db, 40)
    await enrol(db, "school", people, NOW, "hand")
    await begin(db, "spring", NOW)
    sent = await live(db, NOW, NOW + DAY)
    mine = [(person, delivery) for person, delivery, _ in sent if (person, "offers") in await members_of(db, "subscriber_id", "part")]
    offered = {d for d, rule in await rows_of(db, "id", "rule") if rule == "cleanup"}
    for person, delivery in [m for m in mine if m[1] in offered][:2]:
        await complain(db, person, delivery, NOW + DAY)
    await sweep(db, NOW + DAY + HOUR)
    assert await moves_of(db, ids["spring"]) == ["draft -> canary", "canary -> stopped"]
    before = sum(rule == "cleanup" for (rule,) in await rows_of(db, "rule"))
    later = await live(db, NOW + DAY + HOUR, NOW + 20 * DAY)
    assert sum(rule == "cleanup" for (rule,) in await rows_of(db, "rule")) == before
    assert {person for person, *_ in later}, "everybody else goes on with their letters"
    counted = Counter(await members_of(db, "part", "verdict"))
    assert sum(counted.values()) == 40
    assert counted["offers", "complained"] == 2
    assert counted["offers", "silent"] == 16
    assert counted["offers", "spared"] == 18
    assert not [p for p, at, off in await members_of(db, "subscriber_id", "taken_at", "released_at") if at and not off]
    sheet = await result(db, "spring", NOW + 20 * DAY)
    assert sheet.people == 40
    assert sheet.moves[-1].numbers["complaints"]["count"] == 2


async def test_one_complaint_stops_nothing_and_hard_bounces_have_their_own_line(memory_db: Database) -> None:
    db = memory_db
    ids = await install(db, spring())
    await sleepers(db, 40)
    await begin(db, "spring", NOW)
    sent = await live(db, NOW, NOW + DAY)
    await complain(db, *sent[0][:2], NOW + DAY)
    await sweep(db, NOW + DAY + HOUR)
    assert (await run_of(db, ids["spring"])).state == "canary"
    async with db.write() as tx:
        hard = [Bounce(f"b{p}", d, p, True, "550 5.1.1", NOW + DAY) for p, d, _ in sent[1:5]]
        await note_bounces(tx, hard, NOW + DAY)
    await sweep(db, NOW + DAY + 2 * HOUR)
    assert (await run_of(db, ids["spring"])).state == "stopped"
    async with db.read() as tx:
        assert "4 bounces of 18 people" in (await load_moves(tx, ids["spring"]))[-1].reason


async def test_a_click_ends_the_offers_and_everything_else_goes_on(memory_db: Database) -> None:
    db = memory_db
    school = {"sequence": "school", "letters": [letter("one", window="any"), letter("two", window="any")]}
    await install(db, spring(), school)
    people = await sleepers(db, 4)
    await enrol(db, "school", people, NOW, "hand")
    await begin(db, "spring", NOW)
    sent = await live(db, NOW, NOW + DAY)
    rules = dict(await rows_of(db, "id", "rule"))
    offered = next((person, delivery) for person, delivery, _ in sent if rules[delivery] == "cleanup")
    assert not [d for p, d, _ in sent if p == offered[0] and rules[d] != "cleanup"], "nothing else while the cleanup has them"
    await add_event(db, offered[0], "clicked", NOW + DAY, delivery_id=offered[1])
    later = await live(db, NOW + DAY, NOW + 10 * DAY)
    rules = dict(await rows_of(db, "id", "rule"))
    mine = [rules[d] for p, d, _ in later if p == offered[0]]
    assert mine, "the sequence goes on"
    assert "cleanup" not in mine
    verdicts = dict(await members_of(db, "subscriber_id", "verdict"))
    assert verdicts[offered[0]] == "revived"


async def test_no_offer_leaves_after_the_event(memory_db: Database) -> None:
    db = memory_db
    ids = await install(db, spring(4, event="2026-03-06", silent="keep"))
    await sleepers(db, 40)
    ahead = await preflight(db, "spring", NOW)
    assert ahead.table.cut_short > 0
    assert any("too late" in w for w in ahead.warnings)
    await begin(db, "spring", NOW)
    await live(db, NOW, NOW + 9 * DAY)
    assert max(day for (day,) in await rows_of(db, "local_day") if day) == date(2026, 3, 6)
    assert (await run_of(db, ids["spring"])).state == "finished"
    await install(db, {**spring(event="2026-03-01"), "cleanup": "late"})
    with pytest.raises(NurtureError, match="event"):
        await begin(db, "late", NOW + 9 * DAY)


async def test_the_silent_get_the_last_letter_and_are_archived_a_week_later(db: Database) -> None:
    ids = await install(db, spring(1, closing=letter("closing", "about"), repermission=letter("still", "about")))
    await sleepers(db, 10)
    unseen = await sleepers(db, 2, "unseen", engagement="unobservable")
    await begin(db, "spring", NOW)
    await live(db, NOW, NOW + 9 * DAY)
    run = await run_of(db, ids["spring"])
    assert (run.state, run.settled_at is not None) == ("settling", True)
    closing = [p for p, closed in await members_of(db, "subscriber_id", "closed_at") if closed]
    assert len(closing) == 11, "the holdout is not closed"
    await add_event(db, closing[0], "answered", NOW + 10 * DAY, name="stay")
    await live(db, NOW + 9 * DAY, NOW + 20 * DAY)
    assert (await run_of(db, ids["spring"])).state == "finished"
    async with db.read() as tx:
        statuses = dict(map(tuple, await tx.execute(select(Subscriber.id, Subscriber.status))))
    assert {p for p, s in statuses.items() if s == Status.ARCHIVED} == set(closing[1:])
    letters = Counter(letter for (letter,) in await rows_of(db, "letter_id"))
    assert sorted(letters.values()) == [2, 9, 11]
    assert {p for p, verdict in await members_of(db, "subscriber_id", "verdict") if verdict == "revived"} == {closing[0]}
    assert set(unseen) & set(closing)


async def test_pause_resume_and_cancel(memory_db: Database) -> None:
    db = memory_db
    ids = await install(db, spring())
    await sleepers(db, 20)
    with pytest.raises(NurtureError, match="nurture cleanup start spring"):
        await pause(db, "cleanup", "spring", NOW)
    await begin(db, "spring", NOW)
    await sweep(db, NOW)
    assert await pause(db, "cleanup", "spring", NOW) == 9
    assert not await live(db, NOW, NOW + 3 * DAY), "nothing leaves while it is paused"
    assert (await run_of(db, ids["spring"])).state == "canary"
    await resume(db, "cleanup", "spring", NOW + 3 * DAY)
    assert len(await live(db, NOW + 3 * DAY, NOW + 4 * DAY)) == 9
    await cancel(db, "spring", NOW + 4 * DAY)
    assert not await live(db, NOW + 4 * DAY, NOW + 9 * DAY)
    assert (await moves_of(db, ids["spring"]))[-1] == "canary -> stopped"
    with pytest.raises(NurtureError, match="nothing to cancel"):
        await cancel(db, "spring", NOW)


async def test_afterwards_the_offers_count_as_one_sales_letter(memory_db: Database) -> None:
    db = memory_db
    selling = {"sequence": "school", "mix": "1:1", "letters": [letter("offer", "sales", window="any"), letter("useful", window="any")]}
    await install(db, spring(2, silent="keep"), selling)
    people = await sleepers(db, 3)
    await begin(db, "spring", NOW)
    await sweep(db, NOW)
    await accept_due(db, NOW)
    await enrol(db, "school", people, NOW, "hand")
    await live(db, NOW, NOW + 14 * DAY)
    async with db.read() as tx:
        query = select(deliveries.c.subscriber_id, letters.c.name).join(letters, letters.c.id == deliveries.c.letter_id)
        rows = list(await tx.execute(query.order_by(deliveries.c.accepted_at)))
    first = dict(map(tuple, reversed(rows)))
    canary = [p for p, name in first.items() if name.startswith("spring/")]
    assert canary
    for person in canary:
        own = [name for p, name in rows if p == person]
        assert own[:2] == ["spring/day-1", "spring/day-2"], own
        assert own[2] == "school/useful", "a useful letter is owed first"


async def test_a_restored_person_of_the_list_is_no_member_of_anything(memory_db: Database) -> None:
    db = memory_db
    await install(db, spring())
    await add_people(db, "new@example.com")
    await begin(db, "spring", NOW)
    await sweep(db, NOW)
    sheet = await result(db, "spring", NOW)
    assert (sheet.state, sheet.people) == ("settling", 0)
    await live(db, NOW, NOW + 4 * DAY)
    assert (await result(db, "spring", NOW + 4 * DAY)).state == "finished"
