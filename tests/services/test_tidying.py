"""The weekly hygiene on both databases: it acts on two kinds of people alone, proposes the rest, and says the same when it runs again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from nurture.domain.errors import NurtureError
from nurture.domain.hygiene import CONFIRM_TAG, ProposalKind, ProposalState
from nurture.domain.standing import FlagBit
from nurture.services import proposing, tidying
from nurture.services.preferring import Choice, describe, prefer
from nurture.services.proposing import accept, dismiss, list_told
from nurture.services.serving import queue_service_letter
from nurture.services.tidying import tidy
from nurture.shipped import shipped
from nurture.store.bounces import Bounce, note_bounces
from nurture.store.database import Database
from nurture.store.subscribers import get, get_many
from nurture.store.tables import METADATA
from tests.support.ledger import rows_of
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install

DAY = timedelta(days=1)
YEARS_AGO = NOW - 800 * DAY
STANDINGS = METADATA.tables["standings"]


async def stand(db: Database, person: int, **values: Any) -> None:
    async with db.write() as tx:
        await tx.execute(update(STANDINGS).where(STANDINGS.c.subscriber_id == person).values(**values))


async def people_of(db: Database, ids: list[int]) -> dict[int, Any]:
    async with db.read() as tx:
        return dict(await get_many(tx, ids))


async def proposed(db: Database, kind: ProposalKind) -> list[Any]:
    return [told for told in await list_told(db) if told.proposal.kind is kind]


async def test_only_those_who_never_confirmed_in_time_are_forgotten(db: Database) -> None:
    await install(db)
    old = {"status": "pending", "now": NOW - 31 * DAY}
    gone, bought, lettered, asked_again = await add_people(db, "gone@example.com", "bought@example.com", "had@example.com", "again@example.com", **old)
    (fresh,) = await add_people(db, "fresh@example.com", status="pending", now=NOW - 29 * DAY)
    (mailed,) = await add_people(db, "mailed@example.com", now=NOW - 900 * DAY)
    await stand(db, bought, customer=True)
    await stand(db, lettered, received=3)
    await queue_service_letter(
        db, subscriber_id=asked_again, occasion="confirm:site:x", now=NOW - 2 * DAY, templates=shipped("templates"), subject="Confirm", body="Press"
    )
    assert (await tidy(db, NOW)).purged == 1
    left = await people_of(db, [gone, bought, lettered, asked_again, fresh, mailed])
    assert set(left) == {bought, lettered, asked_again, fresh, mailed}
    (row,) = await rows_of(db, "subscribers", id=gone)
    assert (row["email"], row["name"]) == (f"erased:{gone}", "")
    assert await rows_of(db, "suppressions") == [], "who never confirmed may come again by any door"
    assert (await tidy(db, NOW + 2 * DAY)).purged == 1, "`fresh` is 31 days old now"


async def test_the_policy_says_how_long_and_how_often(db: Database) -> None:
    await install(db, {"policy": "default", "hygiene": {"unconfirmed": "7d", "soft_bounces": 2, "soft_span": "1d"}})
    await add_people(db, "a@example.com", status="pending", now=NOW - 8 * DAY)
    (person,) = await add_people(db, "b@example.com", now=NOW - 30 * DAY)
    for back in (3, 1):
        await add_event(db, person, "bounced", NOW - back * DAY, name="soft", evidence="machine", reason="mailbox full (5.2.2)")
    found = await tidy(db, NOW)
    assert (found.purged, found.unreachable) == (1, 1)


async def test_soft_bounces_make_unreachable_unless_there_was_life_since(db: Database) -> None:
    await install(db)
    dead, alive, short, few, returned = await add_people(
        db, "dead@example.com", "alive@example.com", "short@example.com", "few@example.com", "returned@example.com", now=NOW - 60 * DAY
    )
    for person, days in ((dead, (20, 10, 2)), (alive, (20, 10, 2)), (short, (6, 4, 2)), (few, (20, 2)), (returned, (20, 10, 2))):
        for back in days:
            await add_event(db, person, "bounced", NOW - back * DAY, name="soft", evidence="machine", reason="mailbox full (5.2.2)")
    await stand(db, alive, last_sign_at=NOW - 5 * DAY)
    async with db.write() as tx:
        await tx.execute(update(METADATA.tables["subscribers"]).where(METADATA.tables["subscribers"].c.id == returned).values(status_at=NOW - 3 * DAY))
    assert (await tidy(db, NOW)).unreachable == 1
    left = await people_of(db, [dead, alive, short, few, returned])
    assert {i for i, p in left.items() if p.status == "bounced"} == {dead}
    (line,) = await rows_of(db, "consents", subscriber_id=dead)
    assert line["source"] == "hygiene: 3 soft bounces over 18 days; the last: mailbox full (5.2.2)"


async def test_a_bounce_that_comes_in_is_judged_by_the_same_rule(db: Database) -> None:
    await install(db, {"policy": "default", "hygiene": {"soft_bounces": 2, "soft_span": "1d"}})
    (person,) = await add_people(db, "b@example.com", now=NOW - 30 * DAY)
    for number, back in enumerate((4, 1)):
        async with db.write() as tx:
            lowered = await note_bounces(tx, [Bounce(f"b{number}", None, person, False, "full", NOW - back * DAY)], NOW - back * DAY)
    assert lowered == [person]


async def test_proposals_are_rows_with_their_people_and_never_acts(db: Database) -> None:
    await install(db)
    lost, fading, both = await add_people(db, "lost@example.com", "fading@example.com", "gone@example.com")
    await stand(db, lost, flags=int(FlagBit.LOST))
    await stand(db, fading, flags=int(FlagBit.FADING))
    await stand(db, both, flags=int(FlagBit.LOST | FlagBit.RIPENING))
    (left,) = await add_people(db, "left@example.com", status="unsubscribed")
    await stand(db, left, flags=int(FlagBit.LOST))
    before = await rows_of(db, "subscribers")
    await tidy(db, NOW)
    told = {t.proposal.kind: t for t in await list_told(db)}
    assert (told[ProposalKind.LOST].proposal.people, told[ProposalKind.FADING].proposal.people) == (2, 1)
    assert told[ProposalKind.LOST].says == "2 people have shown no sign of life in 18 months."
    assert await rows_of(db, "subscribers") == before


async def test_a_run_again_says_the_same_and_what_is_no_longer_true_is_gone(db: Database) -> None:
    await install(db)
    people = await add_people(db, "mia@gmail.com", "m.ia@gmail.com", now=NOW, timezone="Europe/Berlin", zone_source="explicit")
    first = await tidy(db, NOW)
    (pair,) = await list_told(db)
    again = await tidy(db, NOW + 7 * DAY)
    assert (first.opened, again.opened) == (1, 0)
    (same,) = await list_told(db)
    assert (same.proposal.id, same.proposal.found_at, same.proposal.seen_at) == (pair.proposal.id, NOW, NOW + 7 * DAY)
    async with db.write() as tx:
        await tx.execute(update(METADATA.tables["subscribers"]).where(METADATA.tables["subscribers"].c.id == people[1]).values(status="unsubscribed"))
    await tidy(db, NOW + 14 * DAY)
    assert await list_told(db) == []
    with pytest.raises(NurtureError, match="no longer true"):
        await accept(db, pair.proposal.id, "anna", NOW)


async def test_a_dismissed_pair_stays_so_and_a_dismissed_list_is_asked_about_again_in_half_a_year(db: Database) -> None:
    await install(db)
    people = await add_people(db, "mia@gmail.com", "m.ia@gmail.com")
    await stand(db, people[0], flags=int(FlagBit.LOST))
    await tidy(db, NOW)
    for told in await list_told(db):
        assert (await dismiss(db, told.proposal.id, "anna", NOW)).proposal.ended_by == "anna"
        assert (await dismiss(db, told.proposal.id, "jo", NOW)).proposal.ended_by == "anna", "twice is once"
        with pytest.raises(NurtureError, match="dismissed by anna"):
            await accept(db, told.proposal.id, "jo", NOW)
    assert (await tidy(db, NOW + 179 * DAY)).opened == 0
    assert (await tidy(db, NOW + 181 * DAY)).opened >= 1
    assert [t.proposal.kind for t in await proposed(db, ProposalKind.LOST)] == [ProposalKind.LOST]
    assert await proposed(db, ProposalKind.DUPLICATE) == []


async def test_accepting_a_pair_keeps_who_was_heard_of_last_with_what_all_had(db: Database) -> None:
    await install(db)
    (older,) = await add_people(db, "mia@gmail.com", now=YEARS_AGO, name="Mia Holm", tags=("roof",), fields={"roof": "slate", "a": 1}, topics={"news": False})
    (kept,) = await add_people(db, "m.ia@gmail.com", now=NOW - 90 * DAY, fields={"a": 2}, topics={"news": True}, kinds="all")
    (third,) = await add_people(db, "mia+x@gmail.com", now=NOW - 80 * DAY, tags=("loft",), frequency="less")
    await stand(db, kept, last_sign_at=NOW - DAY)
    await stand(db, older, last_sign_at=NOW - 400 * DAY)
    await tidy(db, NOW)
    (told,) = await proposed(db, ProposalKind.DUPLICATE)
    assert [p.email for p in told.people] == ["mia@gmail.com", "m.ia@gmail.com", "mia+x@gmail.com"]
    done = await accept(db, told.proposal.id, "anna", NOW)
    assert done.proposal.state is ProposalState.ACCEPTED
    assert "@" not in (done.proposal.outcome or ""), "an erasure would not find an address there"
    assert (await accept(db, told.proposal.id, "jo", NOW)).proposal.ended_by == "anna"
    left = await people_of(db, [older, kept, third])
    assert {i: str(p.status) for i, p in left.items()} == {older: "archived", kept: "subscribed", third: "archived"}
    one = left[kept]
    assert (one.name, one.tags, one.fields) == ("Mia Holm", ("loft", "roof"), {"roof": "slate", "a": 2})
    assert (one.topics, one.frequency) == ({"news": False}, "less"), "the stricter choice of all"
    assert one.joined_at == YEARS_AGO, "the earliest joining"
    (line,) = await rows_of(db, "audit", action="proposal.accept")
    assert (line["actor"], line["detail"]["people"]) == ("anna", 3)
    await tidy(db, NOW + 7 * DAY)
    assert await proposed(db, ProposalKind.DUPLICATE) == []


async def test_accepting_a_domain_corrects_all_but_those_whose_right_address_is_known(db: Database) -> None:
    await install(db)
    await add_people(db, *[f"p{n}@rathaus.de" for n in range(40)])
    moved, known, bounced = [(await add_people(db, email, **more))[0] for email, more in (
        ("anna@rathasu.de", {}), ("p1@rathasu.de", {}), ("jo@rathasu.de", {"status": "bounced"}),
    )]  # fmt: skip
    (elsewhere,) = await add_people(db, "anna@other-rathasu.de")
    await tidy(db, NOW)
    (told,) = await proposed(db, ProposalKind.DOMAIN)
    assert told.says == "2 people at rathasu.de (and 1 who bounced there): rathaus.de was probably meant."
    done = await accept(db, told.proposal.id, "anna", NOW)
    assert done.proposal.outcome == "2 corrected; 1 left as they are: the right address is here already."
    left = await people_of(db, [moved, known, bounced, elsewhere])
    assert [left[i].email for i in (moved, known, bounced, elsewhere)] == ["anna@rathaus.de", "p1@rathasu.de", "jo@rathaus.de", "anna@other-rathasu.de"]
    assert left[bounced].status == "bounced", "a status rises only by the person's own act"


async def test_the_age_of_every_field_and_whom_to_ask(db: Database) -> None:
    await install(db)
    stale, mixed = await add_people(db, "a@x.de", "b@x.de", now=YEARS_AGO, name="N", fields={"roof": "slate"}, timezone="Europe/Berlin", zone_source="explicit")
    (fresh,) = await add_people(db, "c@x.de", now=NOW - 10 * DAY, name="N", timezone="Europe/Berlin", zone_source="form")
    await describe(db, mixed, NOW - 5 * DAY, locale="de")
    found = await tidy(db, NOW)
    ages = {f.name: (f.people, f.median_days, f.old) for f in found.fields}
    assert ages == {"name": (3, 800, 2), "timezone": (3, 800, 2), "fields.roof": (2, 800, 2), "locale": (1, 5, 0)}
    (told,) = await proposed(db, ProposalKind.DATA)
    assert told.proposal.people == 1
    assert (await accept(db, told.proposal.id, "anna", NOW)).proposal.outcome == f"1 people carry the tag {CONFIRM_TAG}."
    assert {i: p.tags for i, p in (await people_of(db, [stale, mixed, fresh])).items()} == {stale: (CONFIRM_TAG,), mixed: (), fresh: ()}
    await prefer(db, stale, Choice.RIGHT, NOW + DAY)
    async with db.read() as tx:
        person = await get(tx, stale)
    assert person is not None
    assert (person.tags, person.told_at) == ((), {"*": "2026-03-03"})
    again = {f.name: f.median_days for f in (await tidy(db, NOW + 2 * DAY)).fields}
    assert again["fields.roof"] == 1, "the lower middle of 802 days and of one day ago"
    assert await proposed(db, ProposalKind.DATA) == []


async def test_guessed_zones_are_listed_and_asked_about(db: Database) -> None:
    await install(db)
    (guessed,) = await add_people(db, "a@x.de", timezone="America/Chicago", zone_source="guessed")
    (nowhere,) = await add_people(db, "b@x.de")
    (known,) = await add_people(db, "c@x.de", timezone="Europe/Berlin", zone_source="country")
    found = await tidy(db, NOW)
    assert {(z.zone, z.source, z.people) for z in found.zones} == {("America/Chicago", "guessed", 1), (None, "default", 1)}
    (told,) = await proposed(db, ProposalKind.ZONE)
    await accept(db, told.proposal.id, "anna", NOW)
    assert {i for i, p in (await people_of(db, [guessed, nowhere, known])).items() if CONFIRM_TAG in p.tags} == {guessed, nowhere}


async def test_chunks_change_nothing_of_what_is_found(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await install(db)
    await add_people(db, *[f"p{n}@gmail.com" for n in range(25)], "p.3@gmail.com", "p4+a@gmail.com", "x@gmial.com", now=YEARS_AGO, name="N")
    whole = await tidy(db, NOW)
    told = [(t.proposal.kind, t.proposal.key, t.proposal.people) for t in await list_told(db)]
    monkeypatch.setattr(tidying, "PURGED_AT_ONCE", 1)
    monkeypatch.setattr(proposing, "CHUNK", 3)
    split = await tidy(db, NOW + DAY, chunk=3)
    assert split.looked_at == whole.looked_at == 28
    assert [(t.proposal.kind, t.proposal.key, t.proposal.people) for t in await list_told(db)] == told
    assert {kind for kind, _, _ in told} == {ProposalKind.DUPLICATE, ProposalKind.DOMAIN, ProposalKind.DATA, ProposalKind.ZONE}
    (data,) = await proposed(db, ProposalKind.DATA)
    await accept(db, data.proposal.id, "anna", NOW)
    async with db.read() as tx:
        tagged = (await tx.execute(select(METADATA.tables["subscriber_tags"].c.subscriber_id))).all()
    assert len(tagged) == 28
