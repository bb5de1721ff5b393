"""The weekly digest, as far as no report has it: who turned hot, which letters did best, what waits, and to whom it goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.digest import Seen, best_of
from nurture.domain.digest_policy import digest_week
from nurture.domain.hygiene import sentence
from nurture.domain.reports import Report
from nurture.domain.words import Kind
from nurture.mail.address import normalise
from nurture.store import digest, proposals, replies
from nurture.store.database import Database
from nurture.store.documents import letter_catalogue, load_policy
from nurture.store.house import ensure_house
from nurture.store.service_rows import find_service_row
from nurture.store.tasks import list_tasks

WEEK, TWO_WEEKS = timedelta(days=7), timedelta(days=14)
NAMED = 10
PROPOSED = 8
_ALL = 10_000
OCCASION = "digest:"


@dataclass(frozen=True, slots=True)
class Due:
    """A digest that is to leave: `occasion` is its week, `people` are the rows of those who have not got it."""

    occasion: str
    people: tuple[int, ...]
    zone: ZoneInfo


async def due_digest(db: Database, now: datetime, letter: str, *, at_once: bool = False) -> Due | None:
    """Whom this week's digest is still to be written for; None where the policy wants none, or not yet, or all have it.

    `letter`: the key's letter of service letters that are given as words. `at_once`: whatever the day.
    """
    async with db.read() as tx:
        policy = await load_policy(tx)
        zone = ZoneInfo(policy.timezone)
        if policy.digest is None:
            return None
        week = digest_week(policy.digest, now, zone, at_once=at_once)
        wanted = list(policy.digest.to) or await digest.user_addresses(tx)
    if week is None or not wanted:
        return None
    async with db.write() as tx:
        people = [await ensure_house(tx, address, now) for address in dict.fromkeys(map(normalise, wanted))]
        known = (await letter_catalogue(tx)).get(letter)
        had = [p for p in people if known and await find_service_row(tx, known.id, p, OCCASION + week)]
    left = tuple(p for p in people if p not in had)
    return Due(OCCASION + week, left, zone) if left else None


async def see(
    db: Database, now: datetime, report: Report, *, ahead: Mapping[date, Mapping[Kind, int]] | None, reached: int, dry: str | None,
    offers_due: int, troubles: Sequence[str], folders: Mapping[str, str],
) -> Seen:  # fmt: skip
    """What the digest is made from: the reports, which the caller has, and what only it asks."""
    async with db.read() as tx:
        hot, number = await digest.turned_hot(tx, now - WEEK, NAMED)
        best = best_of(await digest.letters_since(tx, now - TWO_WEEKS))
        tasks = len(await list_tasks(tx, limit=_ALL, states=("open",)))
        waiting = sum((await replies.count_open(tx)).values())
        found = await proposals.list_proposals(tx, limit=_ALL)
    said = [sentence(p.kind, p.people, p.detail) for p in found]
    shown = said[:PROPOSED] + ([f"And {len(said) - PROPOSED:,} more."] if len(said) > PROPOSED else [])
    return Seen(report, hot, number, best, ahead, reached, dry, offers_due, tasks, waiting, shown, len(said), troubles, folders)
