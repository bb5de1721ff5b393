"""A cleanup on real databases, from the start to everybody's verdict."""

from collections import Counter
from datetime import timedelta

from nurture.services.cleaning import begin
from nurture.store.database import Database
from tests.support.cleaning import NOW, live, members_of, moves_of, run_of, sleepers, spring
from tests.support.programme import install, rows_of

DAY = timedelta(days=1)


async def test_from_the_start_to_everybodys_verdict(db: Database) -> None:
    ids = await install(db, spring(silent="keep"))
    await sleepers(db, 40)
    await begin(db, "spring", NOW)
    await live(db, NOW, NOW + 12 * DAY)
    run = await run_of(db, ids["spring"])
    assert (run.state, run.held, run.canary, run.treated) == ("finished", 4, 18, 36)
    assert await moves_of(db, ids["spring"]) == [
        "draft -> canary", "canary -> ramp", "ramp -> settling", "settling -> finished",
    ]  # fmt: skip
    letters = Counter(await rows_of(db, "letter_id", "occasion", "state"))
    assert list(letters.values()) == [36, 36, 36], letters
    assert Counter(await members_of(db, "part", "verdict")) == {("offers", "silent"): 36, ("holdout", "silent"): 4}
