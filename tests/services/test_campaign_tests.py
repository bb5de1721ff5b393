"""Variants, holdout and resend on real databases: who gets what, what is decided, and what the result says."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from nurture.domain.errors import NurtureError
from nurture.domain.variants import held_out, variant_for
from nurture.domain.words import Kind
from nurture.services.campaigning import close_occasions, open_occasions, start
from nurture.services.campaigning.judging import decide_tests
from nurture.services.campaigning.resending import resend
from nurture.services.campaigning.results import results, to_json
from nurture.services.explaining import why
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.services.steering import cancel, list_documents, pause, resume
from nurture.store.database import Database
from nurture.store.documents import letter_catalogue, save_letter_version
from nurture.store.ledger import deliveries, subscribers
from nurture.store.tables import METADATA, Enrolment
from nurture.store.workspace import halt
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, end_row, install, letter, rows_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ROOFS = {"segment": "roofs", "where": {"tag": "roof"}}
TEN = datetime(2026, 3, 3, 10, 30, tzinfo=NOW.tzinfo)
OCCASION = "2026-03-02"


def news(**more: Any) -> dict[str, Any]:
    return {"campaign": "news", "segment": "roofs", "letter": letter("one", "news")} | more


async def begin(db: Database, people: int, **more: Any) -> list[int]:
    await install(db, ROOFS, news(**more))
    words = {"preheader": "", "html": "<p>{{ unsubscribe_url }}</p>", "text": "{{ unsubscribe_url }}", "kind": "news", "size": "short"}
    for name in [None, *"bcd"[: len(more.get("variants", []))]]:
        async with db.write() as tx:
            await save_letter_version(tx, "news/one", Kind.NEWS, {"subject": f"variant {name}"} | words, [], NOW, name)
    ids = await add_people(db, *(f"p{n:04}@example.com" for n in range(people)), tags=("roof",))
    await start(db, "news", NOW)
    await open_occasions(db, NOW)
    await plan(db, NOW)
    return ids


async def deliver(db: Database, at: datetime) -> None:
    await end_row(db, at)
    await fold(db, at)
    await plan(db, at)


async def letters(db: Database) -> dict[int, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in await rows_of(db, "subscriber_id", "id", "variant", "version_id", "state")}


async def test_each_reader_gets_their_variant_and_its_words(db: Database) -> None:
    people = await begin(db, 60, variants=[{"subject": "x"}, {"subject": "y"}])
    rows = await letters(db)
    assert {p: rows[p][1] for p in people} == {p: variant_for("news", OCCASION, p, 3, 1.0) for p in people}
    async with db.read() as tx:
        row = (await letter_catalogue(tx))["news/one"]
    assert set(row.variants) == {"b", "c"}
    assert {(variant, version) for _, variant, version, _ in rows.values()} == {("a", row.version_id), *row.variants.items()}
    async with db.write() as tx:
        anew = await save_letter_version(tx, "news/one", row.kind, {"subject": "mended", "kind": "news", "size": "short"}, [], NOW)
    versions = {variant: version for _, variant, version, _ in (await letters(db)).values()}
    assert versions == {"a": anew, **row.variants}, "an edit of one moves none of the others"


async def test_a_holdout_is_a_row_and_never_mailed(db: Database) -> None:
    people = await begin(db, 60, holdout="20%")
    out = {p for p in people if held_out("news", p, 0.2)}
    assert 4 < len(out) < 22
    assert set(await letters(db)) == set(people) - out
    async with db.read() as tx:
        ended = {row.subscriber_id for row in await tx.execute(select(Enrolment.subscriber_id, Enrolment.state)) if row.state == "ended"}
    assert ended == out
    for person in sorted(out)[:2]:
        assert [w.reason for w in await why(db, person)] == ["held out, to compare with"]
    await deliver(db, TEN)
    await add_event(db, min(out), "converted", TEN + HOUR, name="purchase")
    buyers = sorted(set(people) - out)[:10]
    for person in buyers:
        await add_event(db, person, "converted", TEN + HOUR, name="purchase")
    [found] = to_json("news", await results(db, "news", TEN + DAY))["occasions"]
    assert (found["people"], found["sent"], found["held_out"]) == (60 - len(out), 60 - len(out), len(out))
    holdout = found["holdout"]
    assert (holdout["mailed_did"], holdout["held_out_did"], holdout["difference"]) == (10, 1, None)
    assert holdout["verdict"].startswith("Too few to tell")


async def test_the_lift_has_its_uncertainty(sqlite_db: Database) -> None:
    db = sqlite_db
    people = await begin(db, 240, holdout="50%")
    mailed = [p for p in people if not held_out("news", p, 0.5)]
    await deliver(db, TEN)
    for person in mailed[:60]:
        await add_event(db, person, "converted", TEN + HOUR, name="purchase")
    [outcome] = await results(db, "news", TEN + DAY)
    assert outcome.against is not None
    found = outcome.against.lift
    assert found.difference == pytest.approx(60 / len(mailed))
    assert found.low is not None
    assert 0.3 < found.low < found.difference
    assert outcome.against.sentence.startswith("The letter brought purchase: +")


async def test_the_winner_goes_to_those_who_waited(db: Database) -> None:
    people = await begin(db, 300, variants=[{"subject": "x"}], test={"share": "50%", "then": "winner", "within": "1d"})
    tested = {p: v for p in people if (v := variant_for("news", OCCASION, p, 2, 0.5))}
    assert set(await letters(db)) == set(tested)
    waits = next(w for w in await why(db, next(p for p in people if p not in tested)) if w.decision == "wait")
    assert waits.reason == "the variants are tried on others first, and the better one goes to the rest"
    await deliver(db, TEN)
    rows = await letters(db)
    assert await decide_tests(db, TEN + HOUR) == []
    for n, person in enumerate(p for p, v in tested.items() if v == "b"):
        if n < 45:
            await add_event(db, person, "clicked", TEN + timedelta(minutes=n), delivery_id=rows[person][0])
    [said] = await decide_tests(db, TEN + 2 * HOUR)
    assert said.startswith("news: Variant b is better: the evidence is ")
    assert await decide_tests(db, TEN + 2 * HOUR) == []
    await open_occasions(db, TEN + 2 * HOUR)
    await plan(db, TEN + 2 * HOUR)
    rest = {p: row[1] for p, row in (await letters(db)).items() if p not in tested}
    assert (len(rest), set(rest.values())) == (300 - len(tested), {"b"})
    await deliver(db, TEN + DAY)
    for person in list(rest)[:80]:
        await add_event(db, person, "clicked", TEN + DAY + HOUR, delivery_id=(await letters(db))[person][0])
    [found] = to_json("news", await results(db, "news", TEN + 2 * DAY))["occasions"]
    arms = {v["name"]: (v["sent"], v["answered"]) for v in found["test"]["variants"]}
    assert arms == {"a": (list(tested.values()).count("a"), 0), "b": (list(tested.values()).count("b"), 45)}, "the rest took no part"
    assert (found["sent"], found["answers"]["clicked"], found["test"]["sent_to_rest"]) == (300, 125, "b")


async def test_without_a_winner_the_rest_gets_the_letter_as_written(db: Database) -> None:
    people = await begin(db, 40, variants=[{"subject": "x"}], test={"share": "30%", "then": "winner", "within": "6h"})
    tested = {p for p in people if variant_for("news", OCCASION, p, 2, 0.3)}
    await deliver(db, TEN)
    assert await decide_tests(db, TEN + 5 * HOUR) == []
    [said] = await decide_tests(db, TEN + 6 * HOUR)
    assert "Not enough data" in said
    assert said.endswith("so the rest gets the letter as it was written.")
    await plan(db, TEN + 6 * HOUR)
    assert Counter(row[1] for p, row in (await letters(db)).items() if p not in tested) == {"a": 40 - len(tested)}


async def test_a_pause_stops_the_clock_of_a_test(db: Database) -> None:
    await begin(db, 40, variants=[{"subject": "x"}], test={"share": "30%", "then": "winner", "within": "6h"})
    await pause(db, "campaign", "news", NOW)
    for at in (NOW, NOW + 4 * DAY):
        assert await decide_tests(db, at) == [], "its letters never left, and it was paused longer than a test is waited for"
    await resume(db, "campaign", "news", NOW + 4 * DAY)
    assert await decide_tests(db, NOW + 4 * DAY) == []
    began = TEN + 7 * DAY
    assert await decide_tests(db, began - HOUR) == [], "its first hour, after the weekend, is more than three days away"
    await fold(db, began - HOUR)
    await plan(db, began - HOUR)
    await deliver(db, began)
    assert await decide_tests(db, began + 5 * HOUR) == []
    await pause(db, "campaign", "news", began + 5 * HOUR)
    for hours in (5, 9, 30):
        assert await decide_tests(db, began + hours * HOUR) == []
    await resume(db, "campaign", "news", began + 30 * HOUR)
    assert await decide_tests(db, began + 30 * HOUR) == []
    assert await decide_tests(db, began + 30.9 * HOUR) == [], "an hour was left of the six, and none of the days before it began is added"
    [said] = await decide_tests(db, began + 31 * HOUR)
    assert "Not enough data" in said


async def test_a_halt_stops_the_clock_of_a_test_too(memory_db: Database) -> None:
    db = memory_db
    await begin(db, 40, variants=[{"subject": "x"}], test={"share": "30%", "then": "winner", "within": "6h"})
    await deliver(db, TEN)
    async with db.write() as tx:
        await halt(tx, "halted by hand")
    for hours in (1, 9):
        assert await decide_tests(db, TEN + hours * HOUR) == []
    async with db.write() as tx:
        await tx.execute(update(METADATA.tables["workspace"]).values(halted=None))
    for hours in (9, 13.9):
        assert await decide_tests(db, TEN + hours * HOUR) == []
    assert len(await decide_tests(db, TEN + 14 * HOUR)) == 1


async def test_machines_and_unsettled_clicks_are_no_answers(sqlite_db: Database) -> None:
    db = sqlite_db
    people = await begin(db, 120, variants=[{"subject": "x"}])
    await deliver(db, TEN)
    rows = await letters(db)
    for person in (p for p in people if rows[p][1] == "b"):
        await add_event(db, person, "clicked", TEN + HOUR, delivery_id=rows[person][0], evidence="machine")
        await add_event(db, person, "clicked", TEN + 2 * HOUR, delivery_id=rows[person][0], settles_at=TEN + 9 * HOUR)
    [now] = await results(db, "news", TEN + 3 * HOUR)
    assert now.verdict is not None
    assert [arm.answered for arm in now.verdict.arms] == [0, 0]
    [later] = await results(db, "news", TEN + 9 * HOUR)
    assert later.verdict is not None
    assert later.verdict.winner == "b"


async def test_it_goes_again_to_those_who_gave_no_sign(db: Database) -> None:
    people = await begin(db, 8)
    await deliver(db, TEN)
    again = TEN + 6 * DAY  # a Monday: news leave from Tuesday on
    opened, clicked, left, bounced, proxied, late, *silent = people
    rows = await letters(db)
    for person, kind, more in (
        (opened, "opened", {}), (clicked, "clicked", {}), (bounced, "bounced", {}), (proxied, "opened", {"evidence": "unknown"}),
    ):  # fmt: skip
        await add_event(db, person, kind, TEN + HOUR, delivery_id=rows[person][0], **more)
    async with db.write() as tx:


        await tx.execute(update(subscribers).where(subscribers.c.id == left).values(status="unsubscribed"))
        await tx.execute(update(deliveries).where(deliveries.c.subscriber_id == late).values(accepted_at=again - DAY))
    await close_occasions(db, TEN + HOUR)
    assert [d.state for d in await list_documents(db, "campaign")] == ["finished"]
    done = await resend(db, "news", again, subject="Once more")
    assert (done.people, done.early) == (3, 1)
    await open_occasions(db, again)
    await plan(db, again)
    second = [(p, o) for p, o in await rows_of(db, "subscriber_id", "occasion") if o != OCCASION]
    assert second == [(p, f"{OCCASION}/2") for p in sorted([proxied, *silent])]
    [version] = {v for v, o in await rows_of(db, "version_id", "occasion") if o != OCCASION}
    assert version not in {row[2] for row in rows.values()}
    assert (await resend(db, "news", again + HOUR)).people == 0, "once a person"
    with pytest.raises(NurtureError, match="goes again with its subject already"):
        await resend(db, "news", again, subject="Another")
    assert (await resend(db, "news", again + 3 * DAY)).people == 1, "the late one by now"
    for day in (1, 7, 8):  # the late one's is written when its Tuesday is near
        await end_row(db, again + day * DAY)
        await fold(db, again + day * DAY)
        await plan(db, again + day * DAY)
    await close_occasions(db, again + 8 * DAY)
    assert [d.state for d in await list_documents(db, "campaign")] == ["finished"]
    told = [(o.resend, o.turnout.taken_in, o.turnout.accepted) for o in await results(db, "news", again + 8 * DAY)]
    assert told == [(False, 8, 8), (True, 4, 4)]


async def test_a_resend_waits_for_cap_and_gap_and_is_sent_once_by_many(db: Database) -> None:
    await begin(db, 6)
    await deliver(db, TEN)
    again = TEN + timedelta(minutes=30)
    await asyncio.gather(*(resend(db, "news", again, timedelta(0)) for _ in range(3)), return_exceptions=True)
    await resend(db, "news", again, timedelta(0))
    await plan(db, again)
    rows = [(o, due) for o, due in await rows_of(db, "occasion", "due_at") if o.endswith("/2")]
    assert len(rows) == 6
    assert all(due >= TEN + 20 * HOUR for _, due in rows), "the gap holds"


async def test_what_cannot_go_again_says_so(db: Database) -> None:
    await install(db, ROOFS, news())
    with pytest.raises(NurtureError, match="no campaign 'x'"):
        await resend(db, "x", NOW)
    with pytest.raises(NurtureError, match="has sent nothing"):
        await resend(db, "news", NOW)
    await add_people(db, "a@example.com", tags=("roof",))
    await start(db, "news", NOW)
    await open_occasions(db, NOW)
    await cancel(db, "news", NOW)
    with pytest.raises(NurtureError, match="has sent nothing"):
        await resend(db, "news", NOW)


async def test_pause_and_resume_keep_each_ones_variant(db: Database) -> None:
    people = await begin(db, 20, variants=[{"subject": "x"}])
    before = {p: row[1] for p, row in (await letters(db)).items()}
    await pause(db, "campaign", "news", NOW)
    await resume(db, "campaign", "news", NOW + HOUR)
    await fold(db, NOW + HOUR)
    await plan(db, NOW + HOUR)
    rows = await letters(db)
    assert {p: rows[p][1] for p in people} == before
    assert {row[3] for row in rows.values()} == {"pending"}


async def test_every_person_stands_in_one_figure(db: Database) -> None:
    people = await begin(db, 30, holdout="10%")
    async with db.write() as tx:
        some = sorted(await letters(db))[:4]
        await tx.execute(update(deliveries).where(deliveries.c.subscriber_id.in_(some[:2])).values(state="rejected", ended_at=TEN, folded=0))
        await tx.execute(update(deliveries).where(deliveries.c.subscriber_id.in_(some[2:])).values(state="accepted", accepted_at=TEN, ended_at=TEN, folded=0, handed_at=TEN, local_day=TEN.date(), zone="UTC"))
    for moment in (TEN, TEN + HOUR):
        [found] = await results(db, "news", moment)
        t = found.turnout
        assert t.taken_in == t.accepted + t.open + t.waiting + t.without
        assert t.taken_in + t.held_out == len(people)
        await fold(db, moment)
        await plan(db, moment)
    assert (t.accepted, t.without, t.open) == (2, 2, t.taken_in - 4)
