"""Where mail comes in: the LMTP door and the IMAP mailbox, handed to services/hearing.py; who asks to leave, leaves. No rule inside.

A letter that cannot be kept holds up no other: it stays in the mailbox, unseen, and comes again after those that were tried less often.
"""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

import structlog

from nurture.bootstrap import App
from nurture.domain.errors import NurtureError
from nurture.mail.imap import AWAY, ImapAddress, Mailbox, said
from nurture.mail.lmtp import listen
from nurture.services.hearing import hear_mail
from nurture.services.leaving import leave

AT_ONCE = 200  # letters of one visit to the mailbox
ENOUGH = 3  # of them that could not be kept: by then it is hardly the letters, and a database that is locked makes each wait
log = structlog.get_logger()


@dataclass(slots=True)
class Mailroom:
    """One for each worker. Where several share a machine, the first has the LMTP door, and another takes it over when that one goes."""

    app: App
    _server: asyncio.Server | None = field(default=None)
    _told: bool = field(default=False)
    _tries: Counter[bytes] = field(default_factory=Counter)  # by UID, of letters that are unseen all the same

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
        """Deal with one mail; False when it could not be kept, be it for the database or a fault of our own, and must come again."""
        try:
            effects = await hear_mail(self.app.db, raw, self.app.keys, self.app.clock(), sent_to=to)
            for effect in effects:
                if effect.asked and effect.subscriber is not None:
                    await leave(
                        self.app.db, effect.subscriber, delivery_id=effect.delivery, now=self.app.clock(), how="reply", asked=effect.asked
                    )
        except Exception:
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
        done = failed = 0
        try:
            mailbox = await asyncio.to_thread(Mailbox, address)
        except AWAY as error:
            log.warning("the mailbox cannot be read", mailbox=repr(address), error=said(error))
            return 0
        try:
            for uid in await self._in_turn(mailbox):
                self._tries[uid] += 1  # beforehand: it may be the letter that the server breaks off at
                raw = await asyncio.to_thread(mailbox.read, uid)
                if not raw or await self.deliver(raw, ""):
                    await asyncio.to_thread(mailbox.mark, uid)
                    done += 1
                elif not await self._goes_on(uid, failed := failed + 1):
                    break
        except AWAY as error:
            log.warning("the mailbox went away", mailbox=repr(address), error=said(error))
        finally:
            await asyncio.to_thread(mailbox.close)
        return done

    async def _in_turn(self, mailbox: Mailbox) -> list[bytes]:
        """What a visit reads: those that were tried least often, the oldest first. So each has its turn, however many can never be kept."""
        unseen = await asyncio.to_thread(mailbox.unseen)
        self._tries = Counter({uid: self._tries[uid] for uid in unseen if uid in self._tries})
        return sorted(unseen, key=self._tries.__getitem__)[:AT_ONCE]

    async def _goes_on(self, uid: bytes, failed: int) -> bool:
        """Tell of a letter that could not be kept, the visit's n-th; whether those behind it are read."""
        try:
            await self.app.db.reach()
            ends = f"{failed} letters could not be kept" if failed >= ENOUGH else ""
        except NurtureError as error:
            ends = error.message
        log.warning(
            "a letter of the mailbox could not be kept; it stays unseen and comes again after the others",
            uid=uid.decode(),
            tries=self._tries[uid],
            then=f"the visit ends: {ends}" if ends else "those behind it are read",
        )
        return not ends

    async def work(self) -> None:
        """The job: the door where it is free by now, and what is new in the mailbox."""
        await self.open()
        await self.collect()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 5)
