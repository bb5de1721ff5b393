"""The list as classes read it: the same facts as the whole standings, subscribed people only, page after page."""

from sqlalchemy import update

from nurture.domain.signs import seconds
from nurture.store.database import Database
from nurture.store.standings import load_signs, load_standings, stream_signs
from nurture.store.tables import Standing, Subscriber
from tests.support.judging import signs_of
from tests.support.listed import fill_list
from tests.support.people import NOW


async def test_signs_are_the_standings_in_whole_seconds(db: Database) -> None:
    await fill_list(db, 30)
    moments = {n: NOW.replace(microsecond=999_999) for n in ("last_sign_at", "bought_at", "wanted_at", "asked_at", "refused_at", "score_at", "downs_at")}
    async with db.write() as tx:
        await tx.execute(update(Standing).where(Standing.subscriber_id == 7).values(downs=1, purchases=b"\0\0\0\1", **moments))
        await tx.execute(update(Subscriber).where(Subscriber.id == 9).values(status="unsubscribed"))
        await tx.execute(update(Subscriber).where(Subscriber.id == 8).values(tracking="none"))
    async with db.read() as tx:
        whole = await load_standings(tx, range(1, 31))
        pages = [await stream_signs(tx, after, 12) for after in (0, 13, 25)]
        some = await load_signs(tx, [9, 8, 7, 99])
    found = [signs for page in pages for signs in page]
    assert [s.subscriber_id for s in found] == [n for n in range(1, 31) if n != 9]
    for signs in found:
        assert signs._replace(joined=0, tracking=None) == signs_of(whole[signs.subscriber_id])
    assert found[6].last_sign == found[6].downs_at == seconds(NOW)
    assert (found[7].tracking, found[6].tracking) == ("none", None)
    assert some == [found[6], found[7]]
