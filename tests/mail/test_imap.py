"""A mailbox over IMAP: safe lines, names of all kinds, and servers that do not do what they should."""

import asyncio
import imaplib
from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote

import pytest

from nurture.mail.imap import AWAY, ImapAddress, Mailbox, said
from nurture.mail.inbound.opening import LARGEST
from tests.support.far_end import Far, Script, far_end
from tests.support.imap import OK, ImapServer, obeying
from tests.support.smtp import make_authority


def address_of(port: int, folder: str = "INBOX") -> ImapAddress:
    return ImapAddress.read(f"imap://mia:secret@127.0.0.1:{port}/{folder}?tls=none")


def until_closed(server: Script, closed: asyncio.Event) -> Script:
    async def script(far: Far) -> None:
        try:
            await server(far)
        finally:
            closed.set()

    return script


@pytest.mark.parametrize("refused", ["LOGIN", "SELECT"])
async def test_a_mailbox_that_does_not_open_leaves_no_line(refused: str) -> None:
    heard, closed = list[str](), asyncio.Event()
    async with far_end(until_closed(obeying(heard, **{refused: ("NO not you",)}), closed)) as end:
        with pytest.raises(AWAY, match="not you") as held:
            await asyncio.to_thread(Mailbox, address_of(end.port))
        await asyncio.wait_for(closed.wait(), 2)
        assert held.value  # its trace still holds the mailbox: that was closed, and not only forgotten
    assert heard[-1] == "LOGOUT"


async def test_a_goodbye_that_is_not_understood_ends_the_line_all_the_same() -> None:
    heard, closed = list[str](), asyncio.Event()
    async with far_end(until_closed(obeying(heard, LOGOUT=("BAD no such command",)), closed)) as end:
        mailbox = await asyncio.to_thread(Mailbox, address_of(end.port))
        await asyncio.to_thread(mailbox.close)
        await asyncio.wait_for(closed.wait(), 2)
    assert heard[-1] == "LOGOUT"


async def test_a_server_that_keeps_silent_is_away_after_a_while() -> None:
    async def script(far: Far) -> None:
        await asyncio.sleep(1)  # and hangs up

    async with far_end(script) as end:
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(Mailbox, address_of(end.port), None, 0.2)


@pytest.mark.parametrize("url", ["imaps://mia:secret@127.0.0.1:{port}", "imap://mia:secret@127.0.0.1:{port}"])
async def test_the_password_goes_over_a_safe_line_to_a_server_that_is_trusted(url: str, tmp_path: Path) -> None:
    authority, heard = make_authority(tmp_path), list[str]()
    server = obeying(heard, authority.server, CAPABILITY=("* CAPABILITY IMAP4rev1 STARTTLS", *OK))
    async with far_end(server, context=authority.server if url.startswith("imaps") else None) as end:
        address = ImapAddress.read(url.format(port=end.port))
        with pytest.raises(AWAY, match="certificate verify failed"):
            await asyncio.to_thread(Mailbox, address)
        assert not any("LOGIN" in command for command in heard)
        mailbox = await asyncio.to_thread(Mailbox, address, authority.context)
        await asyncio.to_thread(mailbox.close)
    assert heard[-3:] == ['tls LOGIN "mia" "secret"', 'tls SELECT "INBOX"', "tls LOGOUT"]


async def test_without_starttls_the_password_is_not_said() -> None:
    heard: list[str] = []
    async with far_end(obeying(heard)) as end:
        with pytest.raises(AWAY, match="TLS not supported"):
            await asyncio.to_thread(Mailbox, ImapAddress.read(f"imap://mia:secret@127.0.0.1:{end.port}/INBOX"))
    assert [command for command in heard if command != "CAPABILITY"] == ["LOGOUT"]


@pytest.mark.parametrize(
    ("url", "port", "tls", "folder"),
    [
        ("imaps://a:b@host", 993, "tls", "INBOX"),
        ("imap://a:b@host/", 143, "starttls", "INBOX"),
        ("imap://a:b@host/Lists/Replies%20to%20us?tls=none", 143, "none", "Lists/Replies to us"),
        ("imap://a:b@host:10143/x?tls=starttls", 10143, "starttls", "x"),
    ],
)
def test_what_an_address_leaves_out(url: str, port: int, tls: str, folder: str) -> None:
    found = ImapAddress.read(url)
    assert (found.port, found.tls, found.folder) == (port, tls, folder)


async def test_a_user_of_two_words_is_quoted() -> None:
    heard: list[str] = []
    async with far_end(obeying(heard)) as end:
        address = ImapAddress.read(f"imap://Mia%20%22M%22:secret@127.0.0.1:{end.port}/?tls=none")
        await asyncio.to_thread((await asyncio.to_thread(Mailbox, address)).close)
    assert heard[1] == r'LOGIN "Mia \"M\"" "secret"'


@pytest.mark.parametrize("who", ["mia:gehe%C3%ADm", "mi%C3%A4:geheim"])
async def test_who_has_signs_beyond_ascii_is_signed_in_too(who: str) -> None:
    told: list[str] = []

    async def script(far: Far) -> None:
        far.say("* OK far.test")
        for answer in ("* CAPABILITY IMAP4rev1 AUTH=PLAIN", "+ "):
            tag, _, command = (await far.line()).partition(" ")
            far.say(answer, *[f"{tag} OK done"] * (command == "CAPABILITY"))
        assert command == "AUTHENTICATE PLAIN"
        told.append(b64decode(await far.line()).decode())
        far.say(f"{tag} NO not you")

    async with far_end(script) as end:
        with pytest.raises(AWAY, match="not you"):
            await asyncio.to_thread(Mailbox, ImapAddress.read(f"imap://{who}@127.0.0.1:{end.port}/?tls=none"), timeout=2)
    assert told == ["\0" + unquote(who).replace(":", "\0")]


async def test_a_no_without_a_word_is_a_no() -> None:
    async with far_end(obeying([], SELECT=("NO ",))) as end:
        with pytest.raises(AWAY, match="NO"):
            await asyncio.to_thread(Mailbox, address_of(end.port))


@pytest.mark.parametrize(
    ("folder", "said_as"),
    [
        ("Replies%20to%20us", "Replies to us"),
        ("%22quoted%22%20%5C", r"\"quoted\" \\"),
        ("R%C3%BCckl%C3%A4ufer", "R&APw-ckl&AOQ-ufer"),
        ("Q&A", "Q&-A"),
        ("~peter/mail/%E5%8F%B0%E5%8C%97/%E6%97%A5%E6%9C%AC%E8%AA%9E", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
    ],
)
async def test_folders_of_all_kinds_of_names(folder: str, said_as: str) -> None:
    """Quoted (RFC 9051 4.3) and, beyond ASCII, in modified UTF-7, whose last example is that of RFC 3501 5.1.3."""
    heard: list[str] = []
    async with far_end(obeying(heard)) as end:
        mailbox = await asyncio.to_thread(Mailbox, address_of(end.port, folder))
        await asyncio.to_thread(mailbox.close)
    assert heard[-2] == f'SELECT "{said_as}"'


async def test_of_a_long_letter_only_the_beginning_is_fetched(imap_server: ImapServer) -> None:
    imap_server.put(b"Subject: long\r\n\r\n" + b"x" * LARGEST)
    mailbox = await asyncio.to_thread(Mailbox, ImapAddress.read(imap_server.url))
    assert len(mailbox.read(b"1")) == LARGEST
    mailbox.close()


async def test_what_others_have_put_on_a_letter_stays_there(imap_server: ImapServer) -> None:
    imap_server.put(b"Subject: for you\r\n\r\n")
    imap_server.flag(1, "Flagged")
    mailbox = await asyncio.to_thread(Mailbox, ImapAddress.read(imap_server.url))
    mailbox.mark(b"1")
    mailbox.close()
    assert imap_server.flags() == ["FS"]


async def test_a_search_that_finds_nothing_may_say_nothing() -> None:
    async with far_end(obeying([])) as end:
        mailbox = await asyncio.to_thread(Mailbox, address_of(end.port))
        assert await asyncio.to_thread(mailbox.unseen) == []
        await asyncio.to_thread(mailbox.close)


def test_the_words_of_an_error_fit_a_line() -> None:
    assert said(imaplib.IMAP4.error(b"no\r\nand \xff no")) == "no and \ufffd no"
    assert said(OSError(111, "Connection refused")) == "[Errno 111] Connection refused"
    assert said(imaplib.IMAP4.abort()) == "abort"
    assert len(said(imaplib.IMAP4.error(b"x" * 500))) == 200
