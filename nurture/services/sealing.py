"""Seal the secrets in the database: those from before there were seals at every start, all others when the secret key was changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from nurture.domain.errors import NurtureError
from nurture.domain.tokens import TokenKey
from nurture.store import webhooks
from nurture.store.database import Database
from nurture.store.dialect_erasing import overwrite, scrub
from nurture.store.seals import FORMAT, WEBHOOK, seal, sealed_prefix, unseal


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many secrets are sealed anew, how many were by this key before, and the webhooks whose secret no key opens."""

    anew: int = 0
    before: int = 0
    lost: tuple[int, ...] = ()


async def seal_plain(db: Database, key: TokenKey) -> int:
    """Seal what still lies readable; how many. What another key sealed stays. Looks only, where there is nothing to do."""
    async with db.read() as tx:
        if all(kept.startswith(FORMAT) for _, kept in await webhooks.secrets_of(tx)):
            return 0
    return (await reseal(db, (key,))).anew


async def reseal(db: Database, keys: Sequence[TokenKey]) -> Resealed:
    """Seal every secret by the first key; the others open what they sealed. Twice the same as once."""
    anew = before = 0
    lost: list[int] = []
    async with db.write() as tx:
        await overwrite(tx)
        for number, kept in await webhooks.secrets_of(tx, lock=True):
            if kept.startswith(sealed_prefix(keys[0])):
                before += 1
                continue
            try:
                await webhooks.keep_secret(tx, number, seal(unseal(kept, WEBHOOK, keys), WEBHOOK, keys[0]))
                anew += 1
            except NurtureError:
                lost.append(number)
    if anew:
        await scrub(db)
    return Resealed(anew, before, tuple(lost))
