"""A mailbox whose server does not do what it should: nothing of it stays open."""

import asyncio

import pytest

from nurture.mail.imap import AWAY, ImapAddress, Mailbox
from tests.support.far_end import Far, Script, far_end
from tests.support.imap import obeying


def address_of(port: int, tls: str = "none") -> ImapAddress:
    return ImapAddress.read(f"imap://mia:secret@127.0.0.1:{port}/INBOX?tls={tls}")


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
