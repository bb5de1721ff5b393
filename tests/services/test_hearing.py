"""Hearing mails that come back, on both databases: whose they are about, what follows, and what anybody could have made up."""

from datetime import timedelta

import pytest

from nurture.domain.return_address import return_address
from nurture.domain.tokens import TokenKey
from nurture.domain.words import State
from nurture.services.hearing import Effect, hear_mail
from nurture.store.database import Database
from nurture.store.replies import list_replies
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.outbox_rows import set_row
from tests.support.people import NOW, add_people
from tests.support.returned import AWAY, dsn, reply, report

KEY = TokenKey.derive("a secret of the house")
DEAD = "550 5.1.1 user unknown"


async def sent(db: Database, email: str = "mia@example.org", **columns: object) -> tuple[int, int, str]:
    """A person with an accepted letter: person, delivery and the letter's return address."""
    [person] = await add_people(db, email)
    delivery = await add_delivery(db, person, await add_letter(db), **columns)
    return person, delivery, return_address(delivery, person, 1, "bounces.example.com", KEY)


async def heard(db: Database, raw: bytes, sent_to: str = "", later: timedelta = timedelta(0)) -> list[Effect]:
    return await hear_mail(db, raw, [KEY], NOW + later, sent_to=sent_to)


async def status(db: Database) -> list[str]:
    return [row["status"] for row in await rows_of(db, "subscribers")]


async def test_a_dead_address_gets_nothing_more(db: Database) -> None:
    person, delivery, back = await sent(db)
    (effect,) = await heard(db, dsn("failed", "5.1.1", DEAD), back)
    assert (effect.subscriber, effect.delivery, effect.new) == (person, delivery, True)
    assert await status(db) == ["bounced"]
    [event] = await rows_of(db, "events")
    assert (event["type"], event["name"], event["delivery_id"], event["evidence"]) == ("bounced", "hard", delivery, "machine")


async def test_the_same_mail_counts_once(db: Database) -> None:
    _, _, back = await sent(db)
    raw = dsn("failed", "5.2.2", "552 5.2.2 mailbox full")
    first, again = await heard(db, raw, back), await heard(db, raw, back)
    assert (first[0].new, again[0].new) == (True, False)
    assert len(await rows_of(db, "events")) == 1
    assert await status(db) == ["subscribed"]


async def test_three_full_mailboxes_over_a_week_are_enough(db: Database) -> None:
    _, _, back = await sent(db)
    for day in (0, 3, 8):
        await heard(db, dsn("failed", "5.2.2", f"552 5.2.2 mailbox full, day {day}"), back, timedelta(days=day))
    assert await status(db) == ["bounced"]


@pytest.mark.parametrize(("raw", "bounced"), [(dsn("failed", "5.7.26", "550-5.7.26 This mail is unauthenticated"), ["other"]), (dsn("delayed", "4.4.1", "connection timed out"), [])])
async def test_what_is_not_about_the_address_touches_nobody(db: Database, raw: bytes, bounced: list[str]) -> None:
    _, _, back = await sent(db)
    await heard(db, raw, back)
    assert await status(db) == ["subscribed"]
    assert [e["name"] for e in await rows_of(db, "events")] == bounced


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "virus"])
async def test_a_report_that_is_no_complaint_suppresses_nobody(db: Database, kind: str) -> None:
    _, _, back = await sent(db)
    await heard(db, report(kind), back)
    assert (await status(db), await rows_of(db, "events")) == (["subscribed"], [])


async def test_a_report_that_only_names_an_address_proves_nothing(db: Database) -> None:
    await sent(db)
    forged = return_address(1, 1, 1, "bounces.example.com", TokenKey.derive("somebody else's secret"))
    for to in ("", "bounces@letters.example.com", forged):
        (effect,) = await heard(db, dsn("failed", "5.1.1", DEAD), to)
        assert effect.subscriber is None
    as_if_theirs = dsn("failed", "5.1.1", DEAD).replace(b"MAILER-DAEMON@mx.example.net", b"mia@example.org")
    assert [effect.subscriber for effect in await heard(db, as_if_theirs)] == [None]
    (complaint,) = await heard(db, report("abuse"))
    assert complaint.subscriber is None
    assert await status(db) == ["subscribed"]
    assert await rows_of(db, "events") == []


@pytest.mark.parametrize("made_before", [False, True])
async def test_a_message_id_of_ours_finds_the_letter(db: Database, made_before: bool) -> None:
    person, delivery, _ = await sent(db)
    if made_before:
        await set_row(db, delivery, message_id="<7xkptp6xmwne6ve6i2pxasb37a@example.com>")
    [row] = await rows_of(db, "deliveries")
    raw = dsn("failed", "5.1.1", DEAD).replace(b"Subject: Five questions", f"Message-ID: {row['message_id']}\nSubject: Five".encode())
    (effect,) = await heard(db, raw)
    assert (effect.subscriber, effect.delivery) == (person, delivery)
    assert await status(db) == ["bounced"]


async def test_a_message_id_that_only_looks_like_ours_finds_nobody(db: Database) -> None:
    await sent(db)
    [row] = await rows_of(db, "deliveries")
    forged = row["message_id"].replace("<1", "<1" + "0" * 8)[: len(row["message_id"])]
    for other in (forged, row["message_id"].replace(".", ".9", 1)):
        raw = dsn("failed", "5.1.1", DEAD).replace(b"Subject: Five questions", f"Message-ID: {other}\nSubject: Five".encode())
        (effect,) = await heard(db, raw)
        assert effect.subscriber is None
    assert await status(db) == ["subscribed"]


async def test_of_a_report_of_many_only_ones_own_line_counts(db: Database) -> None:
    _, _, back = await sent(db)
    more = "\nFinal-Recipient: rfc822; tom@example.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n"
    found = await heard(db, dsn("failed", "5.2.2", "552 5.2.2 mailbox full", more=more), back)
    assert [e.subscriber is not None for e in found] == [True, False]
    assert await status(db) == ["subscribed"]


async def test_a_complaint_ends_everything(db: Database) -> None:
    _, delivery, _ = await sent(db)
    [row] = await rows_of(db, "deliveries")
    raw = report("abuse").replace(b"Subject: Five questions", f"Message-ID: {row['message_id']}\nSubject: Five".encode())
    assert (await heard(db, raw))[0].new
    assert not (await heard(db, raw))[0].new
    assert await status(db) == ["complained"]
    [event] = await rows_of(db, "events")
    assert (event["type"], event["delivery_id"], event["evidence"]) == ("complained", delivery, "human")
    [consent] = await rows_of(db, "consents")
    assert (consent["granted"], consent["source"]) == (False, "complaint")


async def test_a_report_proves_that_a_letter_came(db: Database) -> None:
    _, _, back = await sent(db, state=State.UNKNOWN.value, accepted_at=None, dup_risk=1)
    await heard(db, dsn("delivered", "2.0.0", "250 ok"), back)
    [row] = await rows_of(db, "deliveries")
    assert (row["state"], row["outcome"]) == ("accepted", "proved")


async def test_a_reply_is_a_human_sign_and_lies_on_the_desk(db: Database) -> None:
    person, delivery, _ = await sent(db)
    raw = reply("How much is the roof?\n\nOn Monday Anna wrote:\n> Five questions\n")
    (effect,) = await heard(db, raw)
    assert (effect.subscriber, effect.delivery, effect.new, effect.asked) == (person, delivery, True, None)
    assert not (await heard(db, raw))[0].new
    [event] = await rows_of(db, "events")
    assert (event["type"], event["evidence"], event["delivery_id"]) == ("replied", "human", delivery)
    async with db.read() as tx:
        [line] = await list_replies(tx, states=["open"])
    assert (line.sender, line.subject, line.text, line.sort, line.letter) == ("mia@example.org", "Re: Five questions", "How much is the roof?", "question", "school/first")


async def test_a_reply_of_a_stranger_is_kept_too(db: Database) -> None:
    (effect,) = await heard(db, reply("Do you build roofs in Rome?"))
    assert (effect.subscriber, effect.new) == (None, True)
    async with db.read() as tx:
        [line] = await list_replies(tx)
    assert (line.subscriber_id, line.sort) == (None, "question")


async def test_a_leave_word_is_dated_to_its_first_hearing(db: Database) -> None:
    """A crash between hearing and leaving is made good by the next hearing; one that was granted does not send away who came back since."""
    await sent(db)
    raw = reply("STOP")
    assert [e.asked for e in await heard(db, raw)] == [NOW]
    assert [e.asked for e in await heard(db, raw, later=timedelta(days=9))] == [NOW]
    assert [e.asked for e in await heard(db, reply("How much?"))] == [None]


@pytest.mark.parametrize("raw", AWAY.values(), ids=AWAY)
async def test_an_answering_machine_leaves_no_trace(db: Database, raw: bytes) -> None:
    _, _, back = await sent(db)
    await heard(db, raw, back)
    assert await rows_of(db, "events") == await rows_of(db, "replies") == []
    assert await status(db) == ["subscribed"]


async def test_an_erased_person_is_nobody(db: Database) -> None:
    (effect,) = await heard(db, dsn("failed", "5.1.1", DEAD), return_address(5, 9, 1, "bounces.example.com", KEY))
    assert (effect.subscriber, effect.new) == (None, False)
