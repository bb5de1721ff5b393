"""What tests of sending begin with: a relay without a wire, planned rows, one sweep."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from nurture.domain.documents import Policy, Sequence
from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.domain.tokens import TokenKey
from nurture.mail.crew import OneByOne
from nurture.services.sending import SendingRules, Sent, send_due
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.outbox import plan_rows
from nurture.store.workers import WorkerLease, enlist
from tests.support.outbox_rows import add_letter, planned
from tests.support.people import NOW, add_people

KEY = TokenKey.derive("a secret")
BASE = "https://letters.example.com"
POLICY = {"policy": "default", "sender": {"name": "Anna", "address": "anna@example.com"}, "postal_address": "1 Main Street, Town"}
SEQUENCE = {
    "sequence": "school", "topic": "roofs",
    "letters": [{"id": "one", "kind": "useful", "subject": "s", "body": "b"}, {"id": "two", "kind": "useful", "subject": "s", "body": "b", "window": "any"}],
}  # fmt: skip


class Sink(OneByOne):
    """A relay without a wire, for the paths where the wire is not the question."""

    def __init__(self, answer: Callable[[Envelope], Reply] | None = None) -> None:
        self.letters: list[Envelope] = []
        self.answer = answer or (lambda e: Reply(e.delivery, Phase.BODY, 250, "2.0.0", "ok", "sink"))

    async def deliver(self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, *_: object) -> Reply:
        if not may_write():
            return Reply(envelope.delivery, Phase.CONNECT, None, None, "not written in time", "sink")
        self.letters.append(envelope)
        return self.answer(envelope)


def says(code: int | None, text: str = "", *, enhanced: str | None = None, phase: Phase = Phase.BODY) -> Callable[[Envelope], Reply]:
    return lambda e: Reply(e.delivery, phase, code, enhanced, text, "sink")


async def prepare(
    db: Database, people: int = 1, policy: dict[str, Any] | None = POLICY, **more: Any
) -> tuple[WorkerLease, dict[str, Any], list[int]]:  # fmt: skip
    """People, a letter, a planned row for each, a worker."""
    ids = await add_people(db, *[f"p{n}@example.com" for n in range(people)], first_name="Ann", timezone="Europe/Berlin")
    letter = await add_letter(db)
    async with db.write() as tx:
        if policy:
            await save_document(tx, Policy.model_validate(policy), "live", NOW)
        await save_document(tx, Sequence.model_validate(SEQUENCE), "live", NOW)
        await plan_rows(tx, [planned(letter, person, **more) for person in ids])
        lease = await enlist(tx, "e", NOW)
    return lease, letter, ids


RULES = SendingRules(base_url=BASE)


async def send(db: Database, relay: Any, lease: WorkerLease, *, now: datetime = NOW, rules: SendingRules = RULES, **more: Any) -> Sent:
    return await send_due(db, relay, lease, rules, [KEY], lambda: now, **more)
