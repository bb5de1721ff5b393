"""Register webhooks: who is told of which events. The secret is made here and shown once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.tokens import TokenKey
from nurture.domain.webhooks import read_types, write_secret
from nurture.hooks.posting import check_url
from nurture.store import webhooks
from nurture.store.auditing import note
from nurture.store.database import Database
from nurture.store.seals import WEBHOOK, seal
from nurture.store.webhooks import WebhookRow

AT_MOST = 100


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """`secret` is shown once and never again."""

    id: int
    url: str
    types: Sequence[str]
    secret: str = field(repr=False)
    created_at: datetime


async def register(
    db: Database, url: str, types: Sequence[str], now: datetime, *, key: TokenKey, loopback: bool, by: str = "cli"
) -> NewWebhook:  # fmt: skip
    """From now on this address is told of these events; the secret lies sealed by `key`.

    Raises NurtureError for an address inside the house, or an unknown event.
    """
    wanted = read_types(types)
    await check_url(url, loopback=loopback)
    secret = write_secret(secrets.token_bytes(32))
    async with db.write() as tx:
        if len(await webhooks.live_webhooks(tx)) >= AT_MOST:
            raise NurtureError(f"there are {AT_MOST} webhooks already; remove one first", ErrorKind.CONFLICT)
        number = await webhooks.add_webhook(tx, url, wanted, seal(secret, WEBHOOK, key), now)
        await note(tx, by, "webhook.add", str(number), now, {"url": url, "types": wanted})
    return NewWebhook(number, url, wanted, secret, now)


async def list_registered(db: Database) -> list[WebhookRow]:
    async with db.read() as tx:
        return await webhooks.live_webhooks(tx)


async def unregister(db: Database, webhook_id: int, now: datetime, *, by: str = "cli") -> None:
    """Nothing more goes there, what waits included. Raises NurtureError for one that is not there."""
    async with db.write() as tx:
        if not await webhooks.end_webhook(tx, webhook_id, "removed", now):
            raise NurtureError(f"there is no webhook {webhook_id}; GET the list for the ids", ErrorKind.MISSING)
        await note(tx, by, "webhook.remove", str(webhook_id), now)
