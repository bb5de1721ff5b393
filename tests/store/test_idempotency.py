"""Answers kept for an Idempotency-Key go when their time is over."""

from datetime import timedelta

from nurture.store.database import Database
from nurture.store.idempotency import KEPT_FOR, keep, kept, purge, reserve
from tests.support.people import NOW


async def test_only_what_is_older_than_its_time_goes(db: Database) -> None:
    async with db.write() as tx:
        for key, at in (("old", NOW - KEPT_FOR - timedelta(seconds=1)), ("young", NOW - KEPT_FOR)):
            assert await reserve(tx, 1, key, "digest", at)
            await keep(tx, 1, key, 201, b"{}")
        assert await purge(tx, NOW) == 1
        assert [await kept(tx, 1, key) is None for key in ("old", "young")] == [True, False]
