"""Try: one letter to an address of the marketer's own. It has no row in the ledger, no pixel and plain links, so that it never counts.

A row belongs to a subscriber: whatever a mailbox answers to a try-out - a bounce, a click - would be laid to that person's account.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from nurture.domain.documents import Policy, Sender
from nurture.domain.envelopes import Envelope, Reply, Sign
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.mail.address import normalise
from nurture.render.message import assemble
from nurture.services.campaigning.composing import Composed
from nurture.store.database import Database
from nurture.store.workspace import halted_because

MARK = "[Test] "
_UNSET = Sender(name="Nurture", address="letters@nurture.invalid")  # captured letters need no policy


class Relay(Protocol):
    """The relay, or the folder that letters are captured in."""

    async def deliver(self, envelope: Envelope) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Tried:
    """`accepted`: the relay has taken it. `answer`: the relay's own words."""

    to: str
    subject: str
    accepted: bool
    answer: str


async def send_test(
    db: Database, relay: Relay, composed: Composed, to: str, now: datetime, sign: Callable[[str, datetime], Sign | None], *, captures: bool
) -> Tried:
    """Hand it over now, and say what the relay said. Raises NurtureError while the workspace is halted, and without a sender."""
    address = normalise(to)
    async with db.read() as tx:
        if reason := await halted_because(tx):
            raise NurtureError(f"Nothing leaves now: {reason}.", ErrorKind.CONFLICT)
    sender = _sender(composed.policy, captures=captures)
    domain = sender.address.rsplit("@", 1)[1]
    subject = MARK + composed.rendered.subject
    number = secrets.randbelow(2**31)
    message = assemble(
        replace(composed.rendered, subject=subject), sender=sender, to=address, to_name="",
        message_id=f"<test-{secrets.token_hex(12)}@{domain}>", date=now, list_id=f"test.{domain}", unsubscribe_url=None,
        unsubscribe_mailto=None, feedback_id=None, sign=sign(domain, now),
    )  # fmt: skip
    envelope = Envelope(-1 - number, sender.address, address, message, "")
    reply = await relay.deliver(envelope)
    accepted = reply.code is not None and 200 <= reply.code < 300
    answer = f"{reply.code or ''} {reply.text}".strip() or "no answer"
    return Tried(address, subject, accepted, answer)


def _sender(policy: Policy, *, captures: bool) -> Sender:
    if policy.sender is not None:
        return policy.sender
    if captures:
        return _UNSET
    raise NurtureError("The policy names no sender; write `sender: {name: ..., address: ...}` into the policy document first.")
