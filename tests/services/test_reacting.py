"""Rules on real databases: each cause acts once, whoever sweeps and however often; what a fallen verdict caused is taken back."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from nurture.services import reacting
from nurture.services.classifying import rise
from nurture.services.ending import end_arrived
from nurture.services.enrolling import enrol, enrol_matching
from nurture.services.explaining import story, why
from nurture.services.folding import fold
from nurture.services.reacting import acting, react
from nurture.store.audiences import remember_matches
from nurture.store.database import Database, connect
from nurture.store.events import change_verdicts
from nurture.store.subscribers import add_tags
from nurture.store.tables import Event, Subscriber
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install, letter
from tests.support.rules import fall, messages, reacted, reactions, rule, tags, tasks, ways

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
SELLER = {"sequence": "seller", "letters": [letter("call", window="any")]}
SCHOOL = {"sequence": "school", "letters": [letter("one", window="any")]}
CLICK = rule("click", {"did": "clicked"}, {"tag": "hot"}, {"enter": "seller"}, {"task": "Call {{ name }} at {{ fields.phone }} today"})
HOT = rule("hot", {"moved": "temperature", "to": "hot"}, {"tag": "hot"}, {"leave": "school"}, {"enter": "seller"})


async def one(db: Database, *documents: dict, **columns: object) -> int:
    await install(db, SELLER, SCHOOL, *documents)
    (person,) = await add_people(db, "mia@example.com", name="Mia Berg", fields={"phone": "123"}, **columns)
    return person


async def test_a_click_waits_its_minute_and_then_acts_once(db: Database) -> None:
    person = await one(db, CLICK)
    await add_event(db, person, "clicked", NOW + SECOND, settles_at=NOW + 600 * SECOND)
    assert await reacted(db, NOW + 60 * SECOND) == (0, 0)
    assert await reacted(db, NOW + 61 * SECOND) == (1, 0)
    assert await reacted(db, NOW + 62 * SECOND) == (0, 0)
    assert await tags(db, person) == ["hot"]
    assert await ways(db, person) == [("rule:click", "active", None)]
    assert [(t.text, t.state, t.email) for t in await tasks(db)] == [("Call Mia Berg at 123 today", "open", "mia@example.com")]
    (line,) = [w for w in await why(db, person) if "rule" in w.reason]
    assert (line.source, line.reason) == ("sequence:seller", "entered by rule click: clicked on Mon 2 Mar 2026")
    told = [h for h in await story(db, person) if h.what == "rule"]
    assert [(h.name, h.detail["state"], h.detail["reason"]) for h in told] == [("click", "acted", "clicked on Mon 2 Mar 2026")]


async def test_what_happened_before_the_rule_or_while_it_was_a_draft_is_not_its_business(db: Database) -> None:
    person = await one(db, CLICK | {"state": "draft"})
    await add_event(db, person, "clicked", NOW + SECOND)
    await install(db, CLICK, now=NOW + DAY)
    assert await reacted(db, NOW + DAY) == (0, 0)
    await add_event(db, person, "clicked", NOW + DAY + SECOND)
    await install(db, CLICK | {"title": "a better title"}, now=NOW + DAY + 2 * SECOND)  # an edit loses nothing of what is under way
    assert await reacted(db, NOW + DAY + 3 * SECOND) == (1, 0)


@pytest.mark.parametrize(("narrowed", "seen", "acts"), [
    ({}, {"evidence": "machine"}, 0), ({}, {"evidence": "unknown"}, 0), ({"link": "https://e.com/a"}, {"url": "https://e.com/a?x=1"}, 1),
    ({"link": "https://e.com/a"}, {"url": "https://e.com/ab"}, 0), ({"kind": "sales"}, {}, 0), ({"name": "x"}, {"name": "y"}, 0),
])  # fmt: skip
async def test_only_the_event_that_is_meant_and_only_a_persons(sqlite_db: Database, narrowed, seen, acts) -> None:
    person = await one(sqlite_db, rule("r", {"did": "clicked"} | narrowed, {"tag": "x"}))
    await add_event(sqlite_db, person, "clicked", NOW + SECOND, **seen)
    assert await reacted(sqlite_db, NOW + DAY) == (acts, 0)


async def test_if_is_asked_at_that_moment_also_through_a_segment(db: Database) -> None:
    segment = {"segment": "readers", "where": {"not": {"tag": "hot"}}}
    person = await one(db, segment, rule("r", {"did": "clicked"}, {"tag": "hot"}, **{"if": {"segment": "readers"}}))
    await add_event(db, person, "clicked", NOW + SECOND)
    assert await reacted(db, NOW + 2 * SECOND) == (1, 0)
    await add_event(db, person, "clicked", NOW + 3 * SECOND)
    assert await reacted(db, NOW + 4 * SECOND) == (0, 0)


async def test_a_fallen_verdict_undoes_all_of_it_and_the_person_may_come_again(db: Database) -> None:
    hook = {"webhook": "https://example.com/hook"}
    person = await one(db, CLICK | {"once": "per person", "then": [*CLICK["then"], {"untag": "cold"}, hook]}, tags=("cold",))
    await add_event(db, person, "clicked", NOW + SECOND)
    assert await reacted(db, NOW + 2 * SECOND) == (1, 0)
    assert await tags(db, person) == ["hot"]
    await fall(db)
    assert await reacted(db, NOW + 3 * SECOND) == (0, 1)
    assert await reacted(db, NOW + 4 * SECOND) == (0, 0)
    assert await tags(db, person) == ["cold"]
    ((_, state, reason),) = await ways(db, person)
    assert (state, reason) == ("withdrawn", "taken back, rule click: the verdict fell: three links within 2 s")
    assert [t.state for t in await tasks(db)] == ["cancelled"]
    first, second = await messages(db)
    assert (first.type, second.type) == ("rule.acted", "rule.withdrawn")
    assert first.uid in second.body
    await add_event(db, person, "clicked", NOW + DAY)
    await add_event(db, person, "clicked", NOW + DAY + SECOND)
    assert await reacted(db, NOW + 2 * DAY) == (1, 0)
    assert [r.state for r in await reactions(db, person)] == ["acted", "undone"]


@pytest.mark.parametrize("re_entry", [{}, {"re_entry": "after 180d"}])
async def test_who_was_taken_in_by_a_machines_click_may_enter_by_their_own(db: Database, re_entry) -> None:
    person = await one(db, CLICK | {"once": "per person"}, SELLER | re_entry | {"audience": {"tag": "buyer"}})
    await add_event(db, person, "clicked", NOW + SECOND)
    assert await reacted(db, NOW + 2 * SECOND) == (1, 0)
    await fall(db)
    assert await reacted(db, NOW + 3 * SECOND) == (0, 1)
    await add_event(db, person, "clicked", NOW + DAY)
    assert await reacted(db, NOW + DAY + SECOND) == (1, 0)
    assert [state for _, state, _ in await ways(db, person)] == ["withdrawn", "active"]
    await fall(db)
    assert await reacted(db, NOW + DAY + 2 * SECOND) == (0, 1)
    async with db.write() as tx:
        await add_tags(tx, {person: ["buyer"]})
    assert await enrol_matching(db, NOW + 2 * DAY) == 1  # and by the audience, as if the machine had never been
    assert (await ways(db, person))[-1] == ("audience", "active", None)


async def test_undoing_an_entry_does_not_let_the_baseline_in(sqlite_db: Database) -> None:
    person = await one(sqlite_db, CLICK, SELLER | {"audience": {"tag": "buyer"}}, tags=("buyer",))
    async with sqlite_db.write() as tx:
        await remember_matches(tx, 1, [person])
    await add_event(sqlite_db, person, "clicked", NOW + SECOND)
    assert await reacted(sqlite_db, NOW + 2 * SECOND) == (1, 0)
    await fall(sqlite_db)
    assert await reacted(sqlite_db, NOW + 3 * SECOND) == (0, 1)
    assert await enrol_matching(sqlite_db, NOW + DAY) == 0


async def test_a_verdict_that_turns_human_later_acts_then(db: Database) -> None:
    person = await one(db, CLICK)
    await add_event(db, person, "clicked", NOW + SECOND, evidence="machine")
    assert await reacted(db, NOW + 2 * SECOND) == (0, 0)
    async with db.write() as tx:
        await change_verdicts(tx, [(1, "human", "", 1)])
    assert await reacted(db, NOW + 3 * SECOND) == (1, 0)


async def test_what_was_there_before_stays_when_the_verdict_falls(db: Database) -> None:
    person = await one(db, CLICK, tags=("hot",))
    await enrol(db, "seller", [person], NOW, "hand")
    await add_event(db, person, "clicked", NOW + SECOND)
    assert await reacted(db, NOW + 2 * SECOND) == (1, 0)
    await fall(db)
    assert await reacted(db, NOW + 3 * SECOND) == (0, 1)
    assert await tags(db, person) == ["hot"]
    assert await ways(db, person) == [("hand", "active", None)]


async def test_a_move_acts_and_is_undone_with_the_click_behind_it(db: Database) -> None:
    person = await one(db, HOT)
    await enrol(db, "school", [person], NOW, "hand")
    await add_event(db, person, "converted", NOW + SECOND, name="lead")
    await fold(db, NOW + SECOND)
    await rise(db, NOW + SECOND, [person])
    assert await reacted(db, NOW + 2 * SECOND) == (1, 0)
    assert await ways(db, person) == [
        ("hand", "exited", "left by rule hot: became hot (was cold) on Mon 2 Mar 2026"), ("rule:hot", "active", None)
    ]  # fmt: skip
    await fall(db)
    await fold(db, NOW + 3 * SECOND)
    await rise(db, NOW + 3 * SECOND, [])
    assert await reacted(db, NOW + 4 * SECOND) == (0, 1)
    assert [way[:2] for way in await ways(db, person)] == [("hand", "active"), ("rule:hot", "withdrawn")]
    assert await tags(db, person) == []


async def test_what_followed_from_a_way_is_undone_with_it(db: Database) -> None:
    person = await one(db, CLICK, rule("next", {"stage": "entered", "sequence": "seller"}, {"tag": "sold"}))
    await add_event(db, person, "clicked", NOW + SECOND)
    assert await reacted(db, NOW + 2 * SECOND) == (2, 0)
    assert await tags(db, person) == ["hot", "sold"]
    await fall(db)
    assert await reacted(db, NOW + 3 * SECOND) == (0, 2)
    assert await tags(db, person) == []


async def test_every_stage_of_a_way_can_be_waited_for(db: Database) -> None:
    stages = [rule(s, {"stage": s, "sequence": "school"}, {"tag": s}) for s in ("entered", "done", "exited", "goal")]
    await install(db, SCHOOL | {"goal": {"tag": "bought"}, "exit_if": {"tag": "bored"}}, *stages)
    buyer, bored = await add_people(db, "a@example.com", "b@example.com")
    await enrol(db, "school", [buyer, bored], NOW + SECOND, "hand")
    async with db.write() as tx:
        await acting.add_tags(tx, {buyer: ["bought"], bored: ["bored"]})
    assert await end_arrived(db, NOW + 2 * SECOND) == 2
    assert await reacted(db, NOW + 2 * SECOND) == (4, 0)
    assert await tags(db, buyer) == ["bought", "entered", "goal"]
    assert await tags(db, bored) == ["bored", "entered", "exited"]


async def test_rules_that_go_round_in_a_circle_are_stopped_with_a_reason(db: Database) -> None:
    again = {"re_entry": "always"}
    there = rule("there", {"stage": "entered", "sequence": "school"}, {"leave": "school"}, {"enter": "seller"})
    back = rule("back", {"stage": "entered", "sequence": "seller"}, {"leave": "seller"}, {"enter": "school"})
    await install(db, SCHOOL | again, SELLER | again, there, back)
    (person,) = await add_people(db, "mia@example.com")
    await enrol(db, "school", [person], NOW + SECOND, "hand")
    acted, _ = await reacted(db, NOW + 2 * SECOND)
    assert acted == 6
    refused = [r for r in await reactions(db, person) if r.state == "refused"]
    assert len(refused) == 1
    assert "in a circle" in refused[0].reason
    assert await reacted(db, NOW + DAY) == (0, 0)


async def test_a_rule_that_cannot_act_says_why_and_stops_nobody(db: Database) -> None:
    person = await one(db, rule("r", {"did": "left"}, {"enter": "seller"}, {"enter": "nowhere"}, {"leave": "school"}, {"tag": "gone"}))
    async with db.write() as tx:
        await tx.execute(update(Subscriber).values(status="unsubscribed"))
    await add_event(db, person, "left", NOW + SECOND)
    await add_event(db, 4711, "left", NOW + SECOND)  # somebody who is erased
    await add_event(db, 0, "left", NOW + SECOND)
    assert await reacted(db, NOW + 2 * SECOND) == (1, 0)
    assert [step.get("not") for step in (await reactions(db, person))[0].did] == [
        "the person is unsubscribed", "there is no such sequence", "the person was not on this way", None
    ]  # fmt: skip


async def test_a_run_that_dies_before_the_commit_has_done_nothing_and_the_next_does_it_all(db: Database, monkeypatch) -> None:
    person = await one(db, CLICK)
    await add_event(db, person, "clicked", NOW + SECOND)
    whole = acting.add_tasks

    async def dies(*given, **named):
        await whole(*given, **named)
        raise RuntimeError("killed")

    monkeypatch.setattr(acting, "add_tasks", dies)
    with pytest.raises(RuntimeError, match="killed"):
        await react(db, NOW + 2 * SECOND)
    assert (await tags(db, person), await ways(db, person), await tasks(db)) == ([], [], [])
    monkeypatch.undo()
    assert await reacted(db, NOW + 3 * SECOND) == (1, 0)
    assert (await tags(db, person), len(await ways(db, person)), len(await tasks(db))) == (["hot"], 1, 1)


async def test_two_workers_at_once_act_once_for_each_cause(db: Database, db_url: str) -> None:
    await install(db, SELLER, CLICK)
    people = await add_people(db, *(f"p{n}@example.com" for n in range(12)))
    for person in people:
        await add_event(db, person, "clicked", NOW + SECOND)
    other = connect(db_url)
    try:
        done = await asyncio.gather(*(react(each, NOW + 2 * SECOND, chunk=3) for each in (db, other, db, other)))
    finally:
        await other.close()
    assert sum(d.acted for d in done) == 12
    assert len(await tasks(db)) == 12


async def test_events_of_a_type_that_no_rule_wants_are_left_alone(db: Database) -> None:
    person = await one(db, CLICK)
    await add_event(db, person, "opened", NOW + SECOND)
    assert (await react(db, NOW + 2 * SECOND)).seen == 0
    async with db.read() as tx:
        assert (await tx.execute(Event.__table__.select())).one().reacted == 0


async def test_what_nobody_waits_for_is_passed_over_and_holds_up_nothing(db: Database, monkeypatch) -> None:
    monkeypatch.setattr(reacting, "LOOK", 5)
    person = await one(db, rule("r", {"did": "clicked", "name": "wanted"}, {"task": "Call"}))
    for second in range(14):
        await add_event(db, person, "clicked", NOW + second * SECOND, name="wanted" if second % 6 == 5 else "other")
    done = await react(db, NOW + DAY, chunk=1)
    assert (done.seen, done.acted) == (14, 2)
    assert (await react(db, NOW + DAY)).seen == 0
