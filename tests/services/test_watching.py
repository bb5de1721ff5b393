"""Campaigns as they stand, over real databases: what became of the newest occasion, whether the planner has looked again or not."""

from datetime import date, timedelta

from sqlalchemy import delete, update

from nurture.services.campaigning import open_occasions, start
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.services.watching import Turnout, campaigns
from nurture.store.database import Database
from nurture.store.tables import Delivery, Enrolment
from tests.support.people import NOW, add_people
from tests.support.programme import end_row, install, letter

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROOFS = {"segment": "roofs", "where": {"tag": "roof"}}
WEEKLY = {"campaign": "news", "segment": "roofs", "schedule": {"weekly": "tue"}, "letter": letter("one", "news")}
OTHER = WEEKLY | {"campaign": "other"}


async def turnout(db: Database, now: object = NOW + DAY) -> Turnout | None:
    lines, zone = await campaigns(db, now)  # type: ignore[arg-type]
    assert zone == "UTC"
    news, other = lines
    assert (other.campaign.name, other.standing, other.last) == ("other", "draft", None)
    return news.last


async def test_everybody_taken_in_is_under_way_sent_or_left_out(db: Database) -> None:
    await install(db, ROOFS, WEEKLY, OTHER)
    people = await add_people(db, "a@example.com", "b@example.com", "c@example.com", tags=("roof",))
    await start(db, "news", NOW)
    assert await turnout(db, NOW) is None
    await open_occasions(db, NOW + HOUR)
    await plan(db, NOW + HOUR)
    assert await turnout(db) == Turnout(date(2026, 3, 3), 3, 0, 0)
    async with db.write() as tx:
        await tx.execute(delete(Delivery).where(Delivery.subscriber_id == people[2]))
        await tx.execute(update(Enrolment).where(Enrolment.subscriber_id == people[2]).values(state="ended"))
    left = await turnout(db)
    assert left == Turnout(date(2026, 3, 3), 3, 0, 1)
    assert left.under_way == 2
    await end_row(db, NOW + DAY)
    unfolded = await turnout(db)
    assert unfolded == Turnout(date(2026, 3, 3), 3, 2, 1)
    await fold(db, NOW + DAY)
    await plan(db, NOW + DAY)
    assert await turnout(db) == unfolded
    await open_occasions(db, NOW + 8 * DAY)
    assert await turnout(db, NOW + 8 * DAY) == Turnout(date(2026, 3, 10), 3, 0, 0)
