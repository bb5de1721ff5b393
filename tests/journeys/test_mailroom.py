"""Mail that comes back, through real doors: LMTP from a mail server's client, IMAP from a real mailbox; what it does to people."""

import asyncio
import smtplib
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from nurture import mailroom
from nurture.bootstrap import App
from nurture.domain.errors import NurtureError
from nurture.domain.return_address import return_address
from nurture.mail.imap import ImapAddress
from nurture.mailroom import Mailroom
from nurture.store.database import Database
from tests.support.desk import open_desk
from tests.support.far_end import far_end
from tests.support.imap import OK, ImapServer, obeying
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import add_people
from tests.support.returned import AWAY, dsn, reply
from tests.support.servers import free_port


async def sent(db: Database, app: App, email: str = "mia@example.org") -> str:
    [person] = await add_people(db, email)
    delivery = await add_delivery(db, person, await add_letter(db, f"school/{email}"))
    return return_address(delivery, person, 1, "bounces.example.com", app.keys[0])


def hand_over(port: int, raw: bytes, *recipients: str) -> dict[str, tuple[int, bytes]]:
    with smtplib.LMTP("127.0.0.1", port) as client:
        return client.sendmail("", list(recipients), raw)


async def status(db: Database) -> dict[str, str]:
    return {row["email"]: row["status"] for row in await rows_of(db, "subscribers")}


async def test_lmtp_brings_bounces_and_replies_in(db: Database, tmp_path: Path) -> None:
    port = free_port()
    app = open_desk(db, tmp_path, lmtp_listen=f"127.0.0.1:{port}")
    room = Mailroom(app)
    await room.open()
    try:
        back = await sent(db, app)
        await sent(db, app, "tom@example.org")
        await asyncio.to_thread(hand_over, port, dsn("failed", "5.1.1", "550 5.1.1 user unknown"), back)
        await asyncio.to_thread(hand_over, port, reply("STOP").replace(b"mia@", b"tom@"), "anna@example.com")
        await asyncio.to_thread(hand_over, port, AWAY["exchange"], "anna@example.com")
        refused = await asyncio.to_thread(hand_over, port, b"Subject: two\n\nx", "a@example.com", "b@example.com")
        assert refused == {"b@example.com": (452, b"4.5.3 one recipient at a time")}
    finally:
        await room.close()
    assert await status(db) == {"mia@example.org": "bounced", "tom@example.org": "unsubscribed"}
    assert [r["sort"] for r in await rows_of(db, "replies")] == ["leave"]


async def test_a_mail_that_cannot_be_kept_stays_in_the_queue(db: Database, tmp_path: Path) -> None:
    port = free_port()
    app = open_desk(db, tmp_path, lmtp_listen=f"127.0.0.1:{port}")
    room = Mailroom(app)
    await room.open()
    back = await sent(db, app)
    async with db.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE events RENAME TO events_away")
    try:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await asyncio.to_thread(hand_over, port, dsn("failed", "5.1.1", "550 5.1.1 user unknown"), back)
        assert refused.value.smtp_code == 451
    finally:
        await room.close()
        async with db.write() as tx:
            await tx.exec_driver_sql("ALTER TABLE events_away RENAME TO events")
    assert await status(db) == {"mia@example.org": "subscribed"}


async def test_a_fault_of_our_own_returns_no_mail_to_its_sender(
    sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the mail server would after a 5xx."""

    async def stumbling(*_args: object, **_more: object) -> None:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(mailroom, "hear_mail", stumbling)
    port = free_port()
    room = Mailroom(open_desk(sqlite_db, tmp_path, lmtp_listen=f"127.0.0.1:{port}"))
    await room.open()
    try:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await asyncio.to_thread(hand_over, port, reply("Hello"), "anna@example.com")
    finally:
        await room.close()
    assert refused.value.smtp_code == 451


@pytest.mark.parametrize("head", ["", "Content-Type: text/html\n"])
async def test_a_reply_with_signs_that_no_database_keeps_holds_nobody_up(db: Database, tmp_path: Path, head: str) -> None:
    raw = reply("Hello\0there", head, "Re: Five\0questions")
    assert await Mailroom(open_desk(db, tmp_path)).deliver(raw, "")
    assert [(r["subject"], r["text"]) for r in await rows_of(db, "replies")] == [("Re: Five questions", "Hello there")]


async def test_a_door_that_is_taken_is_taken_over_later(db: Database, tmp_path: Path) -> None:
    port = free_port()
    first, second = (Mailroom(open_desk(db, tmp_path, lmtp_listen=f"127.0.0.1:{port}")) for _ in range(2))
    await first.open()
    await second.open()
    await first.close()
    await second.work()
    try:
        await asyncio.to_thread(hand_over, port, reply("Hello"), "anna@example.com")
    finally:
        await second.close()
    assert len(await rows_of(db, "replies")) == 1


async def test_imap_is_read_once_and_marked(db: Database, tmp_path: Path, imap_server: ImapServer) -> None:
    app = open_desk(db, tmp_path, imap_url=imap_server.url)
    back = await sent(db, app)
    room = Mailroom(app)
    raw = dsn("failed", "5.1.1", "550 5.1.1 user unknown").replace(b"To: bounces@letters.example.com", f"To: {back}".encode())
    imap_server.put(raw)
    imap_server.put(reply("How much is it?").replace(b"mia@", b"tom@"))
    assert (await room.collect(), imap_server.seen()) == (2, 2)
    assert await room.collect() == 0
    assert await status(db) == {"mia@example.org": "bounced"}
    assert [r["sender"] for r in await rows_of(db, "replies")] == ["tom@example.org"]


async def test_a_mail_of_the_mailbox_that_cannot_be_kept_stays_unseen(sqlite_db: Database, tmp_path: Path, imap_server: ImapServer) -> None:
    app = open_desk(sqlite_db, tmp_path, imap_url=imap_server.url)
    back = await sent(sqlite_db, app)
    room = Mailroom(app)
    imap_server.put(dsn("failed", "5.1.1", "550 5.1.1 user unknown").replace(b"To: bounces@letters.example.com", f"To: {back}".encode()))
    async with sqlite_db.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE events RENAME TO events_away")
    assert (await room.collect(), imap_server.seen()) == (0, 0)
    async with sqlite_db.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE events_away RENAME TO events")
    assert (await room.collect(), imap_server.seen()) == (1, 1)
    assert await status(sqlite_db) == {"mia@example.org": "bounced"}


async def test_a_visit_to_the_mailbox_has_an_end_and_the_next_goes_on_there(
    sqlite_db: Database, tmp_path: Path, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailroom, "AT_ONCE", 2)
    room = Mailroom(open_desk(sqlite_db, tmp_path, imap_url=imap_server.url))
    for name in ("first", "second", "third"):
        imap_server.put(reply("Hello").replace(b"mia@", f"{name}@".encode()))
    assert (await room.collect(), imap_server.seen()) == (2, 2)
    assert [r["sender"] for r in await rows_of(sqlite_db, "replies")] == ["first@example.org", "second@example.org"]
    assert (await room.collect(), imap_server.seen()) == (1, 3)


async def test_a_letter_that_somebody_takes_away_meanwhile_holds_up_no_other(sqlite_db: Database, tmp_path: Path, imap_server: ImapServer) -> None:
    class Shared(Mailroom):
        """Whose mailbox somebody clears while the first letter is dealt with."""

        async def deliver(self, raw: bytes, to: str) -> bool:
            if b"first@" in raw:
                await asyncio.to_thread(imap_server.take_away, 2)
            return await super().deliver(raw, to)

    for name in ("first", "second", "third"):
        imap_server.put(reply("Hello").replace(b"mia@", f"{name}@".encode()))
    with capture_logs() as told:
        await Shared(open_desk(sqlite_db, tmp_path, imap_url=imap_server.url)).collect()
    assert [r["sender"] for r in await rows_of(sqlite_db, "replies")] == ["first@example.org", "third@example.org"]
    assert [line["kind"] for line in told if line["event"] == "heard"] == ["reply", "reply"]  # of the one that is gone nothing was heard
    assert imap_server.seen() == 2


async def test_a_letter_of_nothing_is_marked_and_is_no_reply(sqlite_db: Database, tmp_path: Path, imap_server: ImapServer) -> None:
    imap_server.put(b"")
    await Mailroom(open_desk(sqlite_db, tmp_path, imap_url=imap_server.url)).collect()
    assert (imap_server.seen(), await rows_of(sqlite_db, "replies")) == (1, [])


LISTED = ("* SEARCH 7 9", *OK)
LETTER = reply("Hello").decode()
FETCHED = (f"* 1 FETCH (UID 7 BODY[]<0> {{{len(LETTER)}}}\r\n{LETTER})", *OK)


@pytest.mark.parametrize(("refused", "kept"), [("LOGIN", 0), ("SELECT", 0), ("SEARCH", 0), ("FETCH", 0), ("STORE", 1)])
async def test_a_visit_ends_with_a_no_of_the_mailbox_and_its_letters_are_read_another_time(
    sqlite_db: Database, tmp_path: Path, refused: str, kept: int
) -> None:
    """A FETCH that is refused is not taken for an empty letter, which would be marked and never be read."""
    heard: list[str] = []
    answers = {"SEARCH": LISTED, "FETCH": FETCHED, refused: ("NO [INUSE] not now, please",)}
    async with far_end(obeying(heard, **answers)) as end:
        room = Mailroom(open_desk(sqlite_db, tmp_path, imap_url=f"imap://mia:secret@127.0.0.1:{end.port}/INBOX?tls=none"))
        with capture_logs() as told:
            assert await room.collect() == 0
    assert [command.removeprefix("UID ").split()[0] for command in heard[-2:]] == [refused, "LOGOUT"]
    assert [line["error"] for line in told if line["log_level"] == "warning"] == ["[INUSE] not now, please"]
    assert len(await rows_of(sqlite_db, "replies")) == kept


async def test_a_mailbox_that_is_away_is_a_warning(db: Database, tmp_path: Path) -> None:
    room = Mailroom(open_desk(db, tmp_path, imap_url=f"imap://a:b@127.0.0.1:{free_port()}/INBOX?tls=none"))
    assert await room.collect() == 0


def test_addresses_of_the_settings_are_checked_and_hide_the_password() -> None:
    found = ImapAddress.read("imaps://mia%40example.org:s%2Fcret@imap.example.org/Replies")
    assert (found.host, found.port, found.tls, found.username, found.password, found.folder) == ("imap.example.org", 993, "tls", "mia@example.org", "s/cret", "Replies")
    assert "cret" not in repr(found)
    for wrong in ("imap://host/INBOX", "http://a:b@host", "imaps://a:b@host?tls=none", "imap://a:b@host?tls=maybe", "imap://a:secret@host:x/"):
        with pytest.raises(NurtureError, match="NURTURE_IMAP_URL") as told:
            ImapAddress.read(wrong)
        assert "secret" not in told.value.message
