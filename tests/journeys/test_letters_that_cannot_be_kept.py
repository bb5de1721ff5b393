"""A letter that the database or our own code refuses, time after time: it is not lost, and none behind it waits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from nurture import mailroom
from nurture.mailroom import Mailroom
from nurture.services.hearing import hear_mail
from nurture.store.database import Database, connect
from tests.support.desk import open_desk
from tests.support.far_end import far_end
from tests.support.imap import OK, ImapServer, obeying
from tests.support.ledger import rows_of
from tests.support.returned import reply
from tests.support.servers import free_port

READ_ON = "those behind it are read"
ENDED = "the visit ends: 3 letters could not be kept"


async def refuse(db: Database) -> None:
    """From now on the database keeps no reply of a sender called poison."""
    if db.sqlite:
        statement = "CREATE TRIGGER poison BEFORE INSERT ON replies WHEN NEW.sender LIKE 'poison@_%' BEGIN SELECT RAISE(ABORT, 'refused'); END"
    else:
        statement = "ALTER TABLE replies ADD CONSTRAINT poison CHECK (sender NOT LIKE 'poison@_%')"
    async with db.write() as tx:
        await tx.exec_driver_sql(statement)


async def take_all_again(db: Database) -> None:
    async with db.write() as tx:
        await tx.exec_driver_sql("DROP TRIGGER poison" if db.sqlite else "ALTER TABLE replies DROP CONSTRAINT poison")


def put(server: ImapServer, *names: str) -> None:
    for number, name in enumerate(names):
        server.put(reply(f"Hello {number}").replace(b"mia@", f"{name}@".encode()))


async def kept(db: Database) -> list[str]:
    return [row["sender"].partition("@")[0] for row in await rows_of(db, "replies")]


async def visit(room: Mailroom) -> tuple[int, list[tuple[str, int, str]]]:
    """How many letters it dealt with; of each that could not be kept the UID, how often it was tried, and what is said to happen then."""
    with capture_logs() as told:
        done = await room.collect()
    return done, [(line["uid"], line["tries"], line["then"]) for line in told if "tries" in line and line["log_level"] == "warning"]


async def test_those_behind_it_are_read_and_it_comes_again(db: Database, tmp_path: Path, imap_server: ImapServer) -> None:
    await refuse(db)
    room = Mailroom(open_desk(db, tmp_path, imap_url=imap_server.url))
    put(imap_server, "poison", "mia", "tom")
    assert await visit(room) == (2, [("1", 1, READ_ON)])
    assert (await kept(db), imap_server.seen()) == (["mia", "tom"], 2)
    assert await visit(room) == (0, [("1", 2, READ_ON)])
    await take_all_again(db)
    assert await visit(room) == (1, [])
    assert (await kept(db), imap_server.seen()) == (["mia", "tom", "poison"], 3)


async def test_a_fault_of_our_own_is_the_letters_alone(
    sqlite_db: Database, tmp_path: Path, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumbling(db: Database, raw: bytes, *rest: Any, **more: Any) -> object:
        if b"poison@" in raw:
            raise ValueError("nobody thought of this")
        return await hear_mail(db, raw, *rest, **more)

    monkeypatch.setattr(mailroom, "hear_mail", stumbling)
    put(imap_server, "poison", "mia")
    assert await visit(Mailroom(open_desk(sqlite_db, tmp_path, imap_url=imap_server.url))) == (1, [("1", 1, READ_ON)])
    assert (await kept(sqlite_db), imap_server.seen()) == (["mia"], 1)


async def test_three_end_a_visit_and_the_next_begins_behind_them(sqlite_db: Database, tmp_path: Path, imap_server: ImapServer) -> None:
    await refuse(sqlite_db)
    room = Mailroom(open_desk(sqlite_db, tmp_path, imap_url=imap_server.url))
    put(imap_server, "poison", "poison", "poison", "poison", "mia")
    assert await visit(room) == (0, [("1", 1, READ_ON), ("2", 1, READ_ON), ("3", 1, ENDED)])
    assert await visit(room) == (1, [("4", 1, READ_ON), ("1", 2, READ_ON), ("2", 2, ENDED)])
    assert await kept(sqlite_db) == ["mia"]
    assert await visit(room) == (0, [("3", 2, READ_ON), ("4", 2, READ_ON), ("1", 3, ENDED)])


async def test_as_many_as_a_visit_reads_starve_nobody(
    sqlite_db: Database, tmp_path: Path, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailroom, "AT_ONCE", 2)
    await refuse(sqlite_db)
    room = Mailroom(open_desk(sqlite_db, tmp_path, imap_url=imap_server.url))
    put(imap_server, "poison", "poison", "mia", "tom")
    assert await visit(room) == (0, [("1", 1, READ_ON), ("2", 1, READ_ON)])
    assert await visit(room) == (2, [])
    assert await kept(sqlite_db) == ["mia", "tom"]


async def test_what_somebody_else_deals_with_is_forgotten(sqlite_db: Database, tmp_path: Path, imap_server: ImapServer) -> None:
    await refuse(sqlite_db)
    room = Mailroom(open_desk(sqlite_db, tmp_path, imap_url=imap_server.url))
    put(imap_server, "poison")
    assert await visit(room) == (0, [("1", 1, READ_ON)])
    imap_server.flag(1, "Seen")
    assert await visit(room) == (0, [])
    imap_server.flag(1, "Seen", "-")
    assert await visit(room) == (0, [("1", 1, READ_ON)])


async def test_a_letter_that_the_server_does_not_give_out_is_asked_for_last(sqlite_db: Database, tmp_path: Path) -> None:
    """The visit ends there, as with any no of the mailbox, and would end there each time."""
    heard: list[str] = []
    async with far_end(obeying(heard, SEARCH=("* SEARCH 7 9", *OK), FETCH=("NO [SERVERBUG] cannot be read",))) as end:
        room = Mailroom(open_desk(sqlite_db, tmp_path, imap_url=f"imap://mia:secret@127.0.0.1:{end.port}/INBOX?tls=none"))
        for _ in range(3):
            await room.collect()
    assert [command.split()[2] for command in heard if command.startswith("UID FETCH")] == ["7", "9", "7"]


async def test_a_database_that_is_away_ends_the_visit_at_once(sqlite_db: Database, tmp_path: Path, imap_server: ImapServer) -> None:
    away = connect(f"postgresql://nurture@127.0.0.1:{free_port()}/nurture")
    app = open_desk(sqlite_db, tmp_path, imap_url=imap_server.url)
    room = Mailroom(replace(app, db=away))
    put(imap_server, "mia", "tom")
    done, [(uid, _tries, then)] = await visit(room)
    assert (done, uid, imap_server.seen()) == (0, "1", 0)
    assert then.startswith("the visit ends: the database cannot be opened")
    room.app = app
    assert await visit(room) == (2, [])
    assert sorted(await kept(sqlite_db)) == ["mia", "tom"]
