"""Where mail comes in: the LMTP door and the IMAP mailbox, handed to services/hearing.py; who asks to leave, leaves. No rule inside."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from nurture.bootstrap import App
from nurture.mail.imap import AWAY, ImapAddress, Mailbox, said
from nurture.mail.lmtp import listen
from nurture.services.hearing import hear_mail
from nurture.services.leaving import leave

AT_ONCE = 200  # letters of one visit to the mailbox
log = structlog.get_logger()


@dataclass(slots=True)
class Mailroom:
    """One for each worker. Where several share a machine, the first has the LMTP door, and another takes it over when that one goes."""

    app: App
    _server: asyncio.Server | None = field(default=None)
    _told: bool = field(default=False)

    async def open(self) -> None:
        """Take the LMTP door if it is wanted and free. Raises NurtureError where an address of the settings makes no sense."""
        if self.app.settings.imap_url is not None:
            ImapAddress.read(self.app.settings.imap_url)
        where = self.app.settings.lmtp_listen
        if where is None or self._server is not None:
            return
        try:
            self._server = await listen(where, self.deliver)
        except OSError as error:
            if not self._told:
                log.info("the LMTP door is taken, by another worker as it seems", address=where, error=str(error))
                self._told = True
            return
        log.info("mail comes in over LMTP", address=where)

    async def deliver(self, raw: bytes, to: str) -> bool:
        """Deal with one mail; False when the database is away and it must come again."""
        try:
            effects = await hear_mail(self.app.db, raw, self.app.keys, self.app.clock(), sent_to=to)
            for effect in effects:
                if effect.asked and effect.subscriber is not None:
                    await leave(
                        self.app.db, effect.subscriber, delivery_id=effect.delivery, now=self.app.clock(), how="reply", asked=effect.asked
                    )
        except (SQLAlchemyError, OSError):
            log.exception("a mail could not be kept; it is to come again")
            return False
        for effect in effects:
            heard = effect.heard
            log.info("heard", kind=heard.kind.value, subscriber=effect.subscriber, new=effect.new, reason=heard.reason)
        return True

    async def collect(self) -> int:
        """Deal with what is new in the IMAP mailbox; how many letters."""
        if self.app.settings.imap_url is None:
            return 0
        address = ImapAddress.read(self.app.settings.imap_url)
        done = 0
        try:
            mailbox = await asyncio.to_thread(Mailbox, address)
        except AWAY as error:
            log.warning("the mailbox cannot be read", mailbox=repr(address), error=said(error))
            return 0
        try:
            for uid in await asyncio.to_thread(mailbox.unseen, AT_ONCE):
                raw = await asyncio.to_thread(mailbox.read, uid)
                if raw and not await self.deliver(raw, ""):
                    break
                await asyncio.to_thread(mailbox.mark, uid)
                done += 1
        except AWAY as error:
            log.warning("the mailbox went away", mailbox=repr(address), error=said(error))
        finally:
            await asyncio.to_thread(mailbox.close)
        return done

    async def work(self) -> None:
        """The job: the door where it is free by now, and what is new in the mailbox."""
        await self.open()
        await self.collect()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 5)
