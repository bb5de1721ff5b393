"""People for tests, put in by plain inserts."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from nurture.store.database import Database
from nurture.store.tables import Standing, Subscriber, SubscriberTag

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def add_people(db: Database, *emails: str, now: datetime = NOW, tags: tuple[str, ...] = (), **columns: Any) -> list[int]:
    """Subscribed people with their standings; returns their ids in order."""
    ids = []
    async with db.write() as tx:
        for email in emails:
            row = {"email": email, "joined_at": now, "status_at": now, "changed_at": now} | columns
            model = Subscriber(**row)
            values = {k: v for k, v in model.model_dump().items() if k != "id"}
            new = (await tx.execute(insert(Subscriber).values(values).returning(Subscriber.id))).scalar_one()
            standing = Standing(subscriber_id=new).model_dump()
            await tx.execute(insert(Standing).values(standing))
            for tag in tags:
                await tx.execute(insert(SubscriberTag).values(subscriber_id=new, tag=tag))
            ids.append(new)
    return ids
