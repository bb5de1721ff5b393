"""What a process remembers of people between two letters: nothing of somebody who was erased."""

from datetime import timedelta

from nurture.domain import remembering
from nurture.domain.remembering import forget_people
from nurture.mail.address import normalise
from nurture.render.sheets import _escaped
from nurture.services.erasing import erase, forget_erased
from nurture.store.database import Database, connect
from nurture.store.workspace import ensure_workspace
from tests.support.people import NOW, add_people


def remembered() -> int:
    return sum(kept.cache_info().currsize for kept in remembering._OF_PEOPLE)


async def test_an_erasure_empties_what_this_process_remembers(sqlite_db: Database) -> None:
    forget_people()
    normalise("zebedee.quux@example.org")
    _escaped("Zebedee Quux")
    assert remembered() >= 2
    async with sqlite_db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
    [person] = await add_people(sqlite_db, "zebedee.quux@example.org")
    await erase(sqlite_db, person, NOW)
    assert remembered() == 0


async def test_an_erasure_elsewhere_is_noticed_at_the_next_look(db: Database) -> None:
    """Another process erases: what stands in this one's memory goes when it looks, once for each erasure, also of one who came back."""
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
    other = connect(db.engine.url.render_as_string(hide_password=False))
    mark = await forget_erased(other, None)
    for n in range(2):
        [person] = await add_people(db, "zebedee.quux@example.org")
        await erase(db, person, NOW + n * timedelta(days=1))
        normalise("zebedee.quux@example.org")
        mark = await forget_erased(other, mark)
        assert remembered() == 0
        normalise("ann@example.org")
        assert await forget_erased(other, mark) == mark
        assert remembered() == 1
    await other.close()
