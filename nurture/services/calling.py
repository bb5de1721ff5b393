"""Call: the webhook messages that are due, each signed anew for its try; those that fail come again later, a bounded number of times.

At least once: a message is counted as tried before it leaves, and its `webhook-id` is the same at every try, so that receivers can tell.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from nurture.domain.errors import NurtureError
from nurture.domain.tokens import TokenKey
from nurture.domain.webhooks import headers_for, write_secret
from nurture.hooks.posting import Answer, post
from nurture.store.database import Database
from nurture.store.seals import WEBHOOK, unseal
from nurture.store.webhooks import Message, end_webhook, settle, take_due
from nurture.store.workspace import load_workspace

AT_ONCE = 16


def house_secret(key: TokenKey) -> str:
    """What signs the webhooks that rules name themselves: of this installation, made from its secret key; `nurture webhooks secret`."""
    return write_secret(hashlib.blake2b(b"rules", digest_size=32, key=key.secret, person=b"nurture-hooks-1").digest())


async def call_due(
    db: Database, keys: Sequence[TokenKey], clock: Callable[[], datetime], *, loopback: bool, go_on: Callable[[], bool] = lambda: True
) -> Counter[str]:
    """Try what is due, some at once, until nothing is or `go_on` says no. Returns how many ended in which state."""
    ended: Counter[str] = Counter()
    house = [house_secret(key) for key in keys]  # the key before the last change signs, too: receivers may change theirs later
    async with db.read() as tx:
        if (await load_workspace(tx)).halted:
            return ended
    while go_on():
        async with db.write() as tx:
            taken = await take_due(tx, clock(), AT_ONCE)
        if not taken:
            break
        answers = await asyncio.gather(*(_try(message, keys, house, clock(), loopback=loopback) for message in taken))
        async with db.write() as tx:
            for message, answer in zip(taken, answers, strict=True):
                ended[await settle(tx, message, answer.said, clock(), delivered=answer.delivered)] += 1
                if answer.gone and message.webhook_id is not None:
                    await end_webhook(tx, message.webhook_id, "it answered 410: gone", clock())
    return ended


async def _try(message: Message, keys: Sequence[TokenKey], house: Sequence[str], now: datetime, *, loopback: bool) -> Answer:
    try:
        signing = [unseal(message.secret, WEBHOOK, keys)] if message.secret else house
    except NurtureError as error:
        return Answer(delivered=False, said=error.message)
    headers = headers_for(signing, message.uid, now, message.body)
    return await post(message.url, message.body, headers, loopback=loopback)
