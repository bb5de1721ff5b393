"""Editing a live sequence: what diff announces is what then happens, under both rules; nobody gets a letter twice."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml
from sqlalchemy import event, select

from nurture.definitions.loading import load_text
from nurture.domain.edits import Edit
from nurture.services.defining import Applied, apply
from nurture.services.defining.differing import Difference, diff
from nurture.services.ending import end_arrived
from nurture.services.enrolling import enrol
from nurture.services.folding import fold
from nurture.services.forecasting import forecast
from nurture.services.planning import plan
from nurture.services.steering import list_documents
from nurture.shipped import shipped
from nurture.store.cohorts import load_cohort
from nurture.store.database import Database
from nurture.store.ledger import deliveries
from nurture.store.programme import load_programme
from nurture.store.tables import Enrolment, Letter
from nurture.store.workspace import ensure_workspace
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, end_row

DAY = timedelta(days=1)
STEPS = ("one", "two", "three", "four")


def letter(key: str, kind: str = "useful", **more: Any) -> dict[str, Any]:
    return {"id": key, "kind": kind, "subject": f"{{{{ first_name }}}}, {key}", "body": f"Hello.\n\n{key}", "window": "any", "after": "1d"} | more


def school(*letters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"sequence": "school", "letters": list(letters)} | more


FIRST = school(*map(letter, STEPS))


async def put(db: Database, document: dict[str, Any], now: datetime) -> Applied:
    async with db.write() as tx:
        await ensure_workspace(tx, now, b"installation-id!")
    (applied,) = await apply(db, load_text(yaml.safe_dump(document, sort_keys=False)).documents, now, templates=shipped("templates"))
    return applied


async def differing(db: Database, document: dict[str, Any], now: datetime, most: int = 5_000) -> tuple[Difference, Edit]:
    (found,) = await diff(db, load_text(yaml.safe_dump(document, sort_keys=False)).documents, now, most)
    assert found.edit is not None
    return found, found.edit


async def live(db: Database, now: datetime, days: float) -> datetime:
    """Plan, and take every letter at its moment."""
    until = now + days * DAY
    while True:
        await fold(db, now)
        await end_arrived(db, now)
        await plan(db, now)
        due = await waiting(db)
        if due and min(at for _, at in due.values()) <= now:
            await end_row(db, now)
            continue
        if now >= until:
            return now
        now = min([at for _, at in due.values()] + [now + DAY, until])


async def waiting(db: Database) -> dict[int, tuple[str, datetime]]:
    """By person: the letter written, and when it leaves."""
    return {person: (name, due) for person, name, due, state in await ledger(db) if state == "pending"}


async def ledger(db: Database) -> list[tuple[int, str, datetime, str]]:
    d = deliveries.c
    query = select(d.subscriber_id, Letter.name, d.due_at, d.state).join_from(deliveries, Letter, Letter.id == d.letter_id).order_by(d.id)
    async with db.read() as tx:
        return [(person, name.split("/")[1], due, state) for person, name, due, state in await tx.execute(query)]


async def had(db: Database) -> dict[int, list[str]]:
    """By person: the letters accepted, in order."""
    found: dict[int, list[str]] = {}
    for person, name, _, state in sorted(await ledger(db), key=lambda line: line[2]):
        if state == "accepted":
            found.setdefault(person, []).append(name)
    return found


async def under_way(db: Database) -> dict[int, int | None]:
    """By person: the version they are pinned to."""
    async with db.read() as tx:
        query = select(Enrolment.subscriber_id, Enrolment.version).where(Enrolment.state == "active")
        return {row.subscriber_id: row.version for row in await tx.execute(query)}


async def at_all_steps(db: Database, document: dict[str, Any] = FIRST) -> tuple[list[int], datetime]:
    """Five people who entered a day apart: some have finished, one has just begun."""
    await put(db, {"policy": "default", "cap": 7}, NOW)
    await put(db, document, NOW)
    people = await add_people(db, *(f"p{n}@example.com" for n in range(5)), first_name="Ann", timezone="UTC")
    now = NOW
    for person in people:
        await enrol(db, "school", [person], now, "hand")
        now = await live(db, now, 1)
    return people, now


def gone_to(found: dict[int, list[str]], name: str) -> set[int]:
    return {person for person, names in found.items() if name in names}


def nobody_twice(found: dict[int, list[str]]) -> bool:
    return all(most == 1 for names in found.values() for most in Counter(names).values())


def moved(before: dict[int, Any], after: dict[int, Any], people: Iterable[int]) -> Counter[str]:
    """How the letters written for these people differ between two plans: the counts of an edit."""
    counts: Counter[str] = Counter()
    for person in people:
        old, new = before.get(person), after.get(person)
        if old and new and old[0] == new[0] and old[1] != new[1]:
            counts["sooner" if new[1] < old[1] else "later"] += 1
        elif new and (not old or old[0] != new[0]):
            counts["another_next"] += 1
        counts["taken_back"] += bool(old and (not new or old[0] != new[0]))
    return counts


def counts_of(edit: Edit) -> Counter[str]:
    return +Counter({name: getattr(edit, name) for name in ("sooner", "later", "another_next", "taken_back")})


EDITED = school(letter("one"), letter("new"), *map(letter, STEPS[1:]))


async def test_under_migrate_exactly_those_whom_diff_announced_get_the_new_letter(db: Database) -> None:
    people, now = await at_all_steps(db)
    on_the_way, before, written = set(await under_way(db)), await had(db), await waiting(db)
    finished = set(people) - on_the_way
    assert finished, "people stand at all steps"
    assert len({len(before.get(p, ())) for p in on_the_way}) >= 3
    found, edit = await differing(db, EDITED, now)
    (new,) = edit.added
    late = sum(bool({"two", "three", "four"} & set(before.get(p, ()))) for p in on_the_way)
    assert (new.step, new.get, new.out_of_order, new.without, new.unwanted, new.finished) == (2, len(on_the_way), late, 0, 0, len(finished))
    assert f"  on_edit: migrate - {len(on_the_way)} under way go on in the new version" in "\n  ".join(("", *found.says))
    await put(db, EDITED, now)
    await plan(db, now)
    assert counts_of(edit) == +moved(written, await waiting(db), on_the_way)
    await live(db, now, 8)
    assert gone_to(await had(db), "new") == on_the_way
    assert nobody_twice(await had(db))


async def test_under_pin_nobody_sees_the_new_letter_but_newcomers(db: Database) -> None:
    people, now = await at_all_steps(db)
    on_the_way, written = set(await under_way(db)), await waiting(db)
    _, edit = await differing(db, EDITED | {"on_edit": "pin"}, now)
    assert (edit.added[0].get, edit.added[0].without) == (0, len(on_the_way))
    assert counts_of(edit) == Counter()
    assert (await put(db, EDITED | {"on_edit": "pin"}, now)).pinned == len(on_the_way)
    await plan(db, now)
    assert await waiting(db) == written
    (newcomer,) = await add_people(db, "new@example.com", first_name="Ann")
    await enrol(db, "school", [newcomer], now, "hand")
    (line,) = await list_documents(db, "sequence")
    assert (line.under_way, line.on_older) == (len(on_the_way) + 1, len(on_the_way))
    await live(db, now, 8)
    assert gone_to(await had(db), "new") == {newcomer}
    assert {person: names for person, names in (await had(db)).items() if person in people} == {p: list(STEPS) for p in people}


async def test_a_letter_taken_out_is_lost_under_migrate_and_comes_in_its_last_words_under_pin(sqlite_db: Database) -> None:
    db = sqlite_db
    people, now = await at_all_steps(db)
    on_the_way, before, written = set(await under_way(db)), await had(db), await waiting(db)
    lacking = {p for p in on_the_way if "four" not in before.get(p, ())}
    shorter = school(*map(letter, STEPS[:3]))
    _, pinned = await differing(db, shorter | {"on_edit": "pin"}, now)
    assert [(x.id, x.lose, x.still_get) for x in pinned.removed] == [("four", 0, len(lacking))]
    found, edit = await differing(db, shorter, now)
    assert [(x.id, x.lose, x.still_get) for x in edit.removed] == [("four", len(lacking), 0)]
    await put(db, shorter, now)
    await plan(db, now)
    ended = on_the_way - set(await under_way(db))
    assert edit.finish == len(ended) > 0
    assert f"{len(ended)} finish at once, as nothing is left for them" in found.says
    assert counts_of(edit) == +moved(written, await waiting(db), on_the_way)
    await put(db, FIRST, now)  # whoever is still under way finds it again
    still = set(await under_way(db))
    await put(db, shorter | {"on_edit": "pin"}, now)
    await live(db, now, 8)
    assert gone_to(await had(db), "four") == (set(people) - on_the_way) | still
    assert nobody_twice(await had(db))


async def test_other_times_re_time_as_announced_what_is_not_written_yet(sqlite_db: Database) -> None:
    db = sqlite_db
    _, now = await at_all_steps(db, school(*(letter(step, after="3d") for step in STEPS)))
    on_the_way, written = set(await under_way(db)), await waiting(db)
    slower = school(*(letter(step, after="5d") for step in STEPS))
    _, edit = await differing(db, slower | {"on_edit": "pin"}, now)
    assert counts_of(edit) == Counter()
    found, edit = await differing(db, slower, now)
    assert edit.later == edit.retimed == len(on_the_way) - len(written) > 0, "what is written keeps its moment"
    assert f"{edit.later} are re-timed: 0 get their next letter sooner, {edit.later} later" in found.says
    announced = {a.subscriber_id: a.foresight.letters[0].at async for a in forecast(db, now)}
    await put(db, slower, now)
    firsts, at = dict(written), now
    while len(firsts) < len(on_the_way):
        at += DAY / 2
        await plan(db, at)
        firsts = await waiting(db) | firsts
    assert sum(firsts[person][1] > announced[person] for person in on_the_way) == edit.later


async def test_several_edits_leave_everybody_on_their_own_version_until_one_migrates(sqlite_db: Database) -> None:
    db = sqlite_db
    _, now = await at_all_steps(db)
    first = set(await under_way(db))
    await put(db, EDITED | {"on_edit": "pin"}, now)
    (second,) = await add_people(db, "second@example.com", first_name="Ann")
    await enrol(db, "school", [second], now, "hand")
    third_edit = school(letter("other"), *EDITED["letters"], on_edit="pin")
    _, edit = await differing(db, third_edit, now)
    assert (edit.pinned_before, edit.people) == (len(first), len(first) + 1)
    await put(db, third_edit, now)
    assert await under_way(db) == dict.fromkeys(first, 1) | {second: 2}
    now = await live(db, now, 2.5)
    assert "other" not in str(await had(db))
    still = set(await under_way(db))
    assert second in still
    released = third_edit | {"on_edit": "migrate"}
    _, edit = await differing(db, released, now)
    assert (edit.rule, edit.pinned_before) == ("migrate", len(still))
    assert [(x.id, x.get) for x in edit.added] == [("other", len(still)), ("new", len(still - {second}))], "what is new to each"
    assert edit.another_next == len(still), "all get the letter at the beginning first"
    assert (await put(db, released, now)).released == len(still)
    await live(db, now, 8)
    assert gone_to(await had(db), "other") == still
    assert second in gone_to(await had(db), "new")
    assert nobody_twice(await had(db))


async def test_words_are_always_the_newest_and_pin_nobody_alone(sqlite_db: Database) -> None:
    db = sqlite_db
    await put(db, FIRST, NOW)
    (person,) = await add_people(db, "a@example.com", first_name="Ann")
    await enrol(db, "school", [person], NOW, "hand")
    reworded = school(*(letter(step, subject="Hello {{ first_name }}, again") for step in STEPS), on_edit="pin")
    assert (await put(db, reworded, NOW)).pinned == 0
    sold = school(letter("one"), letter("two"), letter("three"), letter("four", "sales"), letter("five"), on_edit="pin")
    assert (await put(db, sold, NOW)).pinned == 1
    async with db.read() as tx:
        programme = await load_programme(db, tx)
    (kept,) = programme.pinned.values()
    assert [(x.id, x.kind.value) for x in kept.letters] == [("one", "useful"), ("two", "useful"), ("three", "useful"), ("four", "sales")]


async def test_ends_and_conditions_are_those_of_the_version_a_person_is_on(db: Database) -> None:
    asked = school(letter("one"), letter("two", only_if={"tag": "old"}), letter("three"), exit_on=["purchase"])
    await put(db, asked, NOW)
    people = await add_people(db, "a@example.com", "b@example.com", first_name="Ann", tags=("old",))
    await enrol(db, "school", people, NOW, "hand")
    edited = school(letter("one"), letter("two", only_if={"tag": "new"}), letter("three"), exit_on=["lead"], on_edit="pin")
    await put(db, edited, NOW)
    (newcomer,) = await add_people(db, "c@example.com", first_name="Ann", tags=("old",))
    (seller,) = await add_people(db, "d@example.com", first_name="Ann", tags=("new",))
    await enrol(db, "school", [newcomer, seller], NOW, "hand")
    for person, name in ((people[0], "lead"), (people[1], "purchase"), (newcomer, "purchase"), (seller, "lead")):
        await add_event(db, person, "converted", NOW + DAY, name=name)
    assert [len(await under_way(db)), await end_arrived(db, NOW + DAY)] == [4, 2]
    assert set(await under_way(db)) == {people[0], newcomer}
    await live(db, NOW + DAY, 7)
    found = await had(db)
    assert found[people[0]] == ["one", "two", "three"], "its condition is asked in the old version's words"
    assert found[newcomer] == ["one", "three"]


async def test_who_declined_a_letter_is_not_counted_among_those_who_get_it(sqlite_db: Database) -> None:
    db = sqlite_db
    await put(db, FIRST, NOW)
    people = await add_people(db, "a@example.com", "b@example.com", first_name="Ann")
    people += await add_people(db, "c@example.com", first_name="Ann", kinds="useful")
    await enrol(db, "school", people, NOW, "hand")
    found, edit = await differing(db, school(*map(letter, STEPS), letter("story", "about")), NOW)
    assert (edit.added[0].get, edit.added[0].unwanted) == (2, 1)
    assert "letter story, step 5: 2 under way will get it; 1 under way declined it" in "\n".join(found.says)
    _, third = await differing(db, school(*map(letter, STEPS), letter("story", "about")), NOW, most=1)
    assert (third.looked_at, third.people) == (1, 3)
    assert third.added[0].get + third.added[0].unwanted == 3, "reckoned up from one"


async def test_the_forecast_follows_the_version_of_each_person(db: Database) -> None:
    people, now = await at_all_steps(db)
    await put(db, EDITED | {"on_edit": "pin"}, now)
    (newcomer,) = await add_people(db, "new@example.com", first_name="Ann")
    await enrol(db, "school", [newcomer], now, "hand")
    seen = {a.subscriber_id: [x.letter.split("/")[1] for x in a.foresight.letters] async for a in forecast(db, now)}
    assert seen[newcomer] == ["one", "new", "two", "three", "four"]
    assert all("new" not in names for person, names in seen.items() if person in people)


@pytest.mark.parametrize("rule", ["migrate", "pin"])
async def test_pinned_versions_cost_no_statement_for_each_person(sqlite_db: Database, rule: str) -> None:
    db = sqlite_db
    await put(db, FIRST, NOW)
    statements = []
    for crowd in (2, 40):
        people = await add_people(db, *(f"{crowd}-{n}@example.com" for n in range(crowd)), first_name="Ann")
        await enrol(db, "school", people, NOW, "hand")
        await put(db, school(letter(f"new-{crowd}"), *map(letter, STEPS), on_edit=rule), NOW)
        await plan(db, NOW)  # the programme is parsed
        async with db.read() as tx:
            programme = await load_programme(db, tx)
            seen: list[str] = []
            connection = tx.sync_connection
            assert connection is not None
            event.listen(connection, "before_cursor_execute", lambda *call, seen=seen: seen.append(call[2]))
            await load_cohort(tx, programme, people, NOW)
            statements.append(len(seen))
    assert statements[0] == statements[1]
