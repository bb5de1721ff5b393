"""Erasing, on both databases: what is gone, what stays, who comes back by which door; and grep finds nothing on the disk."""

import asyncio
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.evidence import Hit
from nurture.domain.words import State
from nurture.services.erasing import erase, own_data
from nurture.services.hearing import hear_mail
from nurture.services.importing import import_csv
from nurture.services.people import SubscriberIn, get_person, upsert
from nurture.services.tracking import Received, record_hits
from nurture.store import idempotency
from nurture.store.choices import add_consent, stand_of
from nurture.store.database import Database
from nurture.store.ledger import deliveries
from nurture.store.tables import METADATA
from nurture.store.workspace import ensure_workspace
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import NOW, add_people
from tests.support.returned import reply

EMAIL, SECRETS = "zebedee.quux@example.org", ("zebedee", "quux", "Zanzibar", "203.0.113.77", "QuuxBrowser", "roof of my own")
LATER = NOW + timedelta(hours=1)


async def known(db: Database, **columns: Any) -> tuple[int, int]:
    """A person of whom much is known, with a letter."""
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
    [person] = await add_people(db, EMAIL, name="Zebedee Quux", first_name="Zebedee", fields={"city": "Zanzibar"}, source="quux")
    delivery = await add_delivery(db, person, await add_letter(db), **columns)
    hit = Hit(LATER, "GET", 0, None, "QuuxBrowser/1.0", "203.0.113.77")
    await record_hits(db, [Received("hit-1", delivery, person, 1, hit, "https://example.com/?who=zebedee")], LATER)
    await hear_mail(db, reply("A roof of my own").replace(b"mia@example.org", EMAIL.encode()), [], LATER)
    return person, delivery


async def test_everything_personal_is_gone_and_the_key_stays(db: Database) -> None:
    person, delivery = await known(db)
    told = await own_data(db, person)
    assert (told["person"]["email"], len(told["letters"]), len(told["events"]), len(told["replies"])) == (EMAIL, 1, 2, 1)
    [before] = await rows_of(db, "deliveries")
    erased = await erase(db, person, LATER)
    assert erased.letters == (delivery,)
    for table in ("subscribers", "subscriber_tags", "events", "deliveries", "replies", "consents", "tasks", "enrolments", "idempotency"):
        for row in await rows_of(db, table):
            assert not any(secret.lower() in str(row).lower() for secret in SECRETS), (table, row)
    [row] = await rows_of(db, "deliveries")
    for name in ("id", "letter_id", "subscriber_id", "occasion", "state", "message_id", "accepted_at"):
        assert row[name] == before[name]
    assert [e["type"] for e in await rows_of(db, "events")] == ["clicked", "replied"]
    async with db.read() as tx:
        assert await stand_of(tx, person) is None
    for call in (own_data(db, person), get_person(db, person), erase(db, person, LATER)):
        with pytest.raises(NurtureError) as refused:
            await call
        assert refused.value.kind is ErrorKind.MISSING


async def test_service_letters_and_addresses_of_machines_go_too(db: Database) -> None:
    """A service letter waits through leaving, not through an erasure; the consent log stays, without where it was said from."""
    person, _ = await known(db)
    waiting = await add_delivery(db, person, await add_letter(db, "service/words", "service"), kind="service", state="pending", accepted_at=None, payload={"data": {}})
    async with db.write() as tx:
        await add_consent(tx, person, "mail", granted=True, source="form:site", ip="203.0.113.77", now=NOW)
    await erase(db, person, LATER)
    [row] = await rows_of(db, "deliveries", id=waiting)
    assert (row["state"], row["payload"]) == ("cancelled", None)
    assert [(c["source"], c["ip"]) for c in await rows_of(db, "consents")] == [("form:site", None)]


async def test_kept_answers_of_the_api_that_name_them_go_and_no_others(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer waits a week for the repetition of its request; what a person answered from is a name of theirs, too."""
    monkeypatch.setattr("nurture.store.erasure._ANSWERS_AT_ONCE", 2)
    person, _ = await known(db)
    async with db.write() as tx:
        await tx.execute(METADATA.tables["replies"].update().values(sender="Zebedee@Home.example"))
        bodies = {"other": {"email": "anna@example.org"}, "theirs": {"id": person, "email": EMAIL}, "alias": {"sender": "Zebedee@Home.example"}}
        for key, body in bodies.items():
            await idempotency.reserve(tx, 1, key, "digest", NOW)
            await idempotency.keep(tx, 1, key, 201, json.dumps(body).encode())
        await idempotency.reserve(tx, 1, "under way", "digest", NOW)
    await erase(db, person, LATER)
    assert [(r["key"], r["status"]) for r in await rows_of(db, "idempotency")] == [("other", 201), ("under way", 0)]


async def test_the_kept_hash_cannot_be_made_without_the_house(db: Database) -> None:
    """An address is guessed by hashing a list of them, unless the key is unknown."""
    person, _ = await known(db)
    await erase(db, person, LATER)
    [kept] = await rows_of(db, "suppressions")
    make = lambda key: hashlib.blake2b(EMAIL.encode(), digest_size=16, key=key, person=b"nurture-erased-1").hexdigest()  # noqa: E731
    assert kept["digest"] == make(b"0123456789abcdef") != make(b"")


async def test_grep_finds_nothing_in_the_file(sqlite_db: Database) -> None:
    person, _ = await known(sqlite_db)
    file = Path(str(sqlite_db.engine.url.database))
    traces = lambda: {s for s in SECRETS for f in file.parent.glob("nurture.db*") if s.lower().encode() in f.read_bytes().lower()}  # noqa: E731
    assert traces() == set(SECRETS)
    await erase(sqlite_db, person, LATER)
    assert traces() == set()


async def test_old_links_record_nothing(db: Database) -> None:
    person, delivery = await known(db)
    await erase(db, person, LATER)
    hit = Hit(LATER + timedelta(days=1), "GET", 0, None, "Another/1.0", "198.51.100.1")
    assert await record_hits(db, [Received("hit-2", delivery, person, 1, hit, "https://example.com/")], LATER + timedelta(days=1)) == 0
    assert len(await rows_of(db, "events")) == 2


async def test_what_waits_is_taken_back_and_what_is_on_the_wire_is_waited_for(db: Database) -> None:
    person, delivery = await known(db, state=State.SENDING.value)
    with pytest.raises(NurtureError) as refused:
        await erase(db, person, LATER, patience=0.3)
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    [row] = await rows_of(db, "subscribers")
    assert (row["status"], row["email"]) == ("archived", EMAIL)

    async def end() -> None:
        await asyncio.sleep(0.3)
        async with db.write() as tx:
            await tx.execute(deliveries.update().where(deliveries.c.id == delivery).values(state=State.ACCEPTED.value, accepted_at=NOW, ended_at=NOW))

    await asyncio.gather(erase(db, person, LATER, patience=10), end())
    assert [r["email"] for r in await rows_of(db, "subscribers")] == [f"erased:{person}"]


async def test_no_file_and_no_call_brings_the_address_back(db: Database, tmp_path: Path) -> None:
    person, _ = await known(db)
    await erase(db, person, LATER)
    with pytest.raises(NurtureError, match="erased at their own wish") as refused:
        await upsert(db, SubscriberIn(email="Zebedee.Quux@EXAMPLE.org"), LATER)
    assert refused.value.kind is ErrorKind.CONFLICT
    (tmp_path / "old.csv").write_text(f"email,name\n{EMAIL},Zebedee\nnew@example.org,New\n")
    for dry in (True, False):
        result = await import_csv(db, tmp_path / "old.csv", now=LATER, dry_run=dry)
        assert (result.added, result.refused) == (1, 1)
    assert [r["email"] for r in await rows_of(db, "subscribers")] == [f"erased:{person}", "new@example.org"]
