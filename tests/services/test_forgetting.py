"""What a process remembers of people between two letters: nothing of somebody who was erased."""

from nurture.domain import remembering
from nurture.domain.remembering import forget_people
from nurture.mail.address import normalise
from nurture.render.sheets import _escaped
from nurture.services.erasing import erase
from nurture.store.database import Database
from nurture.store.workspace import ensure_workspace
from tests.support.people import NOW, add_people


async def test_an_erasure_empties_what_this_process_remembers(sqlite_db: Database) -> None:
    forget_people()
    normalise("zebedee.quux@example.org")
    _escaped("Zebedee Quux")
    assert sum(kept.cache_info().currsize for kept in remembering._OF_PEOPLE) >= 2
    async with sqlite_db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
    [person] = await add_people(sqlite_db, "zebedee.quux@example.org")
    await erase(sqlite_db, person, NOW)
    assert sum(kept.cache_info().currsize for kept in remembering._OF_PEOPLE) == 0
