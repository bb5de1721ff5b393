"""A mailbox over IMAP: safe lines, names of all kinds, and servers that do not do what they should."""

import asyncio
import imaplib
from base64 import b64decode
from urllib.parse import unquote

import pytest

from nurture.mail.imap import AWAY, ImapAddress, Mailbox, said
from tests.support.far_end import Far, Script, far_end
from tests.support.imap import obeying


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


def test_the_words_of_an_error_fit_a_line() -> None:
    assert said(imaplib.IMAP4.error(b"no\r\nand \xff no")) == "no and \ufffd no"
    assert said(OSError(111, "Connection refused")) == "[Errno 111] Connection refused"
    assert said(imaplib.IMAP4.abort()) == "abort"
    assert len(said(imaplib.IMAP4.error(b"x" * 500))) == 200
