"""The weekly digest: once a week for each, over real SMTP, to people who stand in no count; what it says is what is there."""

import asyncio
import email
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from nurture.bootstrap import App
from nurture.domain.conditions import HasStatus
from nurture.domain.words import State
from nurture.mail.relay import SmtpRelay
from nurture.services import digesting
from nurture.services.access import add_user
from nurture.services.erasing import erase
from nurture.services.joining import Wish, ask_to_join, confirm
from nurture.services.people import SubscriberIn, upsert
from nurture.services.reporting import report
from nurture.services.segmenting import count_people
from nurture.services.sending import SendingRules, send_due
from nurture.services.tidying import tidy
from nurture.store.database import Database
from nurture.store.subscribers import find, page
from nurture.store.tables import METADATA, Composition
from nurture.store.workers import enlist
from nurture.store.workspace import ensure_workspace
from nurture.weekly import digest_data, preview_digest, send_digest
from tests.support.desk import HOST, open_desk
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install
from tests.support.sending import KEY
from tests.support.smtp import SmtpSink

HOUSE = {
    "policy": "default", "sender": {"name": "Anna", "address": "anna@example.com"}, "postal_address": "1 Main Street, Town",
    "timezone": "Europe/Berlin", "digest": {"to": ["boss@example.com", "anna@example.com"], "day": "mon", "at": "7:00"},
}  # fmt: skip
DAY = timedelta(days=1)
STANDINGS = METADATA.tables["standings"]


def desk(db: Database, folder: Path, now: datetime = NOW) -> App:
    return open_desk(db, folder, now)


async def send_all(app: App, sink: SmtpSink) -> None:
    """What waits in the lane of service letters leaves over a real line."""
    relay = SmtpRelay(sink.url)
    async with app.db.write() as tx:
        lease = await enlist(tx, "e", app.clock())
    await send_due(app.db, relay, lease, SendingRules(base_url=HOST, lanes="service"), [KEY], app.clock)
    await relay.close()


def parts(raw: bytes) -> tuple[Message, str, str]:
    mail = email.message_from_bytes(raw, policy=default)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))  # type: ignore[attr-defined]
    return mail, text.get_content(), html.get_content()


async def a_week(db: Database) -> dict[str, int]:
    """A list with something of everything that a digest tells."""
    await install(db, HOUSE)
    mia, tom, eva, old = await add_people(db, "mia@example.org", "tom@example.org", "eva@example.org", "old@example.org", now=NOW - 90 * DAY, timezone="Europe/Berlin", zone_source="explicit")
    letter = await add_letter(db, "school/slate")
    async with db.write() as tx:
        versions = METADATA.tables["letter_versions"]
        await tx.execute(update(versions).values(content={"title": "What slate costs", "subject": "x"}))
        await tx.execute(update(STANDINGS).where(STANDINGS.c.subscriber_id.in_([mia, tom])).values(temperature="hot"))
        await tx.execute(update(METADATA.tables["subscribers"]).where(METADATA.tables["subscribers"].c.id == mia).values(name="Mia {{ 7 * 7 }} <Berg>"))
        rows = [(mia, "hot", NOW - 2 * DAY), (tom, "hot", NOW - 9 * DAY), (eva, "hot", NOW - 3 * DAY)]
        await tx.execute(insert(METADATA.tables["moves"]), [
            {"subscriber_id": p, "what": "temperature", "old": "cold", "new": new, "reason": "clicked in an offer", "at": at, "withdrawn": 0, "reacted": 1} for p, new, at in rows
        ])  # fmt: skip
        await tx.execute(insert(Composition), [{"week": "2026-W09", "engagement": "new", "people": 3}, {"week": "2026-W10", "engagement": "new", "people": 4}])
        await tx.execute(update(STANDINGS).where(STANDINGS.c.subscriber_id == old).values(flags=4))
        await tx.execute(insert(METADATA.tables["tasks"]).values(subscriber_id=mia, rule="r", text="call", state="open", created_at=NOW))
        await tx.execute(insert(METADATA.tables["replies"]).values(uid="u", subscriber_id=tom, at=NOW, sender="tom@example.org"))
    for person in (mia, tom, eva, old):
        delivery = await add_delivery(db, person, letter, accepted_at=NOW - 4 * DAY, local_day=(NOW - 4 * DAY).date(), zone="UTC")
        if person != old:
            await add_event(db, person, "clicked", NOW - 3 * DAY, delivery_id=delivery)
        await add_event(db, person, "clicked", NOW - 3 * DAY + timedelta(minutes=1), delivery_id=delivery, evidence="machine")
    await tidy(db, NOW)
    return {"mia": mia, "tom": tom}


async def test_what_it_says_is_what_is_there(db: Database, tmp_path: Path, smtp_sink: SmtpSink) -> None:
    people = await a_week(db)
    app = desk(db, tmp_path)
    assert await send_digest(app) == 2
    await send_all(app, smtp_sink)
    (letter,) = smtp_sink.to("boss@example.com")
    mail, text, html = parts(letter.raw)
    assert mail["Subject"] == "Your letters, 23 February to 1 March 2026: 1 turned hot, 1 reply waits"
    assert "4 people get your letters, 1 more than a week ago. 4 letters left in the last seven days." in text
    assert "Mia {{ 7 * 7 }} <Berg>" in text, "a person's name is no program"
    assert "Mia {{ 7 * 7 }} &lt;Berg&gt;" in html
    assert f'href="{HOST}/people/{people["mia"]}"' in html
    assert "tom@example.org" not in text, "he turned hot the week before"
    assert "What slate costs: 3 of 4 clicked or answered (75%)" in " ".join(text.split()).replace("*", "")
    for said in ("Answer 1 reply on the desk", "1 task is open", "Plan letters: 4 people hear nothing in the next two weeks", "Decide about 1 proposal of the hygiene", "1 person has shown no sign of life in 18 months."):
        assert said in " ".join(text.split()), said
        assert said in " ".join(html.split()), said
    assert "unsubscribe" not in html.lower()
    assert "You have been getting" not in text
    assert len(letter.raw) < 60_000


async def test_once_a_week_whatever_is_restarted(db: Database, tmp_path: Path, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its hour none; after it one; none by a restart with other figures; the rest after a death between two rows."""
    await a_week(db)
    early = datetime(2026, 3, 2, 5, 59, tzinfo=NOW.tzinfo)
    assert await send_digest(desk(db, tmp_path, early)) == 0
    app = desk(db, tmp_path, early + timedelta(minutes=1))

    import nurture.weekly as weekly  # noqa: PLC0415

    queue, asked = weekly.queue_service_letter, []

    async def dies(*args: Any, **more: Any) -> Any:
        asked.append(more["subscriber_id"])
        if len(asked) == 2:
            raise KeyboardInterrupt
        return await queue(*args, **more)

    monkeypatch.setattr(weekly, "queue_service_letter", dies)
    with pytest.raises(KeyboardInterrupt):
        await send_digest(app)
    monkeypatch.undo()
    await send_all(app, smtp_sink)
    assert len(smtp_sink.letters) == 1
    await add_people(db, "new@example.org", now=NOW)
    assert await send_digest(desk(db, tmp_path, NOW + 2 * DAY)) == 1
    both = await asyncio.gather(*[send_digest(desk(db, tmp_path, NOW + 3 * DAY)) for _ in range(3)])
    assert both == [0, 0, 0]
    await send_all(desk(db, tmp_path, NOW + 3 * DAY), smtp_sink)
    assert sorted(one.recipient for one in smtp_sink.letters) == ["anna@example.com", "boss@example.com"]
    assert await send_digest(desk(db, tmp_path, NOW + 7 * DAY)) == 2, "the next week has its own"


async def test_two_workers_at_the_same_moment_write_one(db: Database, tmp_path: Path) -> None:
    await a_week(db)
    apps = [desk(db, tmp_path) for _ in range(3)]
    assert sorted(await asyncio.gather(*[send_digest(app) for app in apps])) == [0, 0, 2]
    assert len(await rows_of(db, "deliveries", kind="service")) == 2


async def test_who_gets_it_is_nobody_of_the_list(db: Database, tmp_path: Path) -> None:
    """Not counted, not listed, not exported, not mailed by anything else; and free to join like anybody."""
    await install(db, HOUSE | {"forms": {"site": {"title": "Letters", "text": "Two letters a week"}}})
    (member,) = await add_people(db, "anna@example.com")
    app = desk(db, tmp_path)
    before = (await report(db, NOW)).composition
    assert await send_digest(app) == 2
    assert [r["subscriber_id"] for r in await rows_of(db, "deliveries", kind="service")].count(member) == 1, "a reader gets it as the reader they are"
    assert (await report(db, NOW)).composition == before
    assert await count_people(db, NOW, where=HasStatus(status="archived")) == 0
    async with db.read() as tx:
        assert [p.email for p in await page(tx, 0, 10)] == ["anna@example.com"]
        boss = await find(tx, "boss@example.com")
    assert boss is not None
    put = await upsert(db, SubscriberIn(email="boss@example.com", tags=["roof"]), NOW + DAY)
    assert (put.person.id, put.person.status, put.person.joined_at, put.person.source, put.person.tags) == (boss.id, "subscribed", NOW + DAY, "", ("roof",))
    assert (await report(db, NOW)).composition.people == 2


async def test_somebody_of_the_house_may_join_by_a_form(db: Database, tmp_path: Path) -> None:
    await install(db, HOUSE | {"forms": {"site": {"title": "Letters", "text": "Two letters a week"}}})
    app = desk(db, tmp_path)
    await send_digest(app)
    asked = await ask_to_join(db, "site", Wish("boss@example.com"), NOW + DAY, ip="203.0.113.9")
    assert asked.subscriber is not None
    letter = await add_letter(db, "service/confirm", "service")
    delivery = await add_delivery(db, asked.subscriber, letter, kind="service", occasion=asked.occasion, created_at=NOW + DAY)
    await confirm(db, asked.subscriber, delivery, NOW + 2 * DAY, ip="203.0.113.9")
    assert (await report(db, NOW)).composition.people == 1


async def test_without_names_it_goes_to_whoever_may_sign_in(db: Database, tmp_path: Path) -> None:
    await install(db, HOUSE | {"digest": {"day": "tue"}})
    await add_user(db, "desk@example.com", "correct horse battery", NOW)
    assert await send_digest(desk(db, tmp_path)) == 0, "it is Monday"
    assert await send_digest(desk(db, tmp_path, NOW + 2 * DAY)) == 1, "missed on its day, it comes later in its week"
    (row,) = await rows_of(db, "deliveries")
    assert (row["occasion"], row["state"]) == ("digest:2026-W10", State.PENDING.value)


async def test_a_policy_without_it_sends_none(db: Database, tmp_path: Path) -> None:
    await install(db, {k: v for k, v in HOUSE.items() if k != "digest"})
    await add_user(db, "desk@example.com", "correct horse battery", NOW)
    assert await send_digest(desk(db, tmp_path), at_once=True) == 0
    assert await rows_of(db, "subscribers") == []


async def test_an_empty_installation_has_a_digest_too(db: Database, tmp_path: Path) -> None:
    await install(db, HOUSE)
    app = desk(db, tmp_path)
    data = await digest_data(app, (await digesting.due_digest(db, NOW, "service/words")).zone)  # type: ignore[union-attr]
    assert (data["todo"], data["hot"], data["best"]) == ([], [], [])
    found = await preview_digest(replace(app))
    assert "0 people get your letters" in found.text
    assert "Nothing waits for you." in found.text


@pytest.mark.parametrize("left", [False, True])
async def test_who_is_erased_is_named_no_more(db: Database, tmp_path: Path, smtp_sink: SmtpSink, left: bool) -> None:
    """One that waits leaves all the same, without them; by their page, since a name alone may be many people's."""
    people, app = await a_week(db), desk(db, tmp_path)
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
    assert await send_digest(app) == 2
    if left:
        await send_all(app, smtp_sink)
    erased = await erase(db, people["mia"], NOW)
    digests = await rows_of(db, "deliveries", kind="service")
    assert {row["id"] for row in digests} <= set(erased.letters)
    assert not [row for row in digests if "Berg" in str(row["payload"])]
    await send_all(app, smtp_sink)
    (letter,) = smtp_sink.to("boss@example.com")
    _, text, _ = parts(letter.raw)
    assert ("Berg" in text, "4 people get your letters" in text) == (left, True)
