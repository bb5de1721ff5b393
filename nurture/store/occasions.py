"""Occasions of campaigns: the one to come, those under way, and the people they take in."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim
from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.documents import Campaign, Cron, Policy
from nurture.domain.letters import Letter
from nurture.domain.occasions import Occasion, occasions_after
from nurture.store.dialect import insert
from nurture.store.enrolments import enrolments
from nurture.store.ledger import deliveries, lanes, pieces, subscribers
from nurture.store.tables import METADATA

occasions = METADATA.tables["occasions"]
HELD_OUT = "held out, to compare with"
_o, _e, _p, _d = occasions.c, enrolments.c, subscribers.c, deliveries.c


@dataclass(frozen=True, slots=True)
class OccasionRow:
    """As in the table's description."""

    id: int
    campaign_id: int
    number: int
    nominal: date
    at: str | None
    opens_at: datetime
    filled_at: datetime | None
    ended_at: datetime | None = None
    letter: dict[str, Any] | None = None
    version_id: int | None = None
    drawn: dict[str, Any] | None = None
    note: str | None = None
    tried_at: datetime | None = None
    winner: str | None = None
    decided_at: datetime | None = None
    clock: str | None = None
    paused_at: datetime | None = None
    paused_before: int | None = None
    paused_for: int | None = None

    @property
    def resend(self) -> bool:
        return self.number < 0


_READ = [_o[name] for name in OccasionRow.__dataclass_fields__]


async def unended_occasions(tx: AsyncConnection) -> list[OccasionRow]:
    """Those that have not ended: to come, or under way; by campaign and number."""
    query = select(*_READ).where(_o.ended_at.is_(None)).order_by(_o.campaign_id, _o.number)
    return [OccasionRow(*row) for row in await tx.execute(query)]


async def coming_occasion(tx: AsyncConnection, campaign_id: int) -> OccasionRow | None:
    """The one whose people are not all taken in yet; nobody else opens it until the transaction ends (PostgreSQL)."""
    query = select(*_READ).where(_o.campaign_id == campaign_id, _o.number > 0, _o.filled_at.is_(None)).with_for_update()
    row = (await tx.execute(query)).first()
    return OccasionRow(*row) if row else None


async def has_ways(tx: AsyncConnection, row: OccasionRow) -> bool:
    """Whether it has taken in somebody."""
    query = select(_e.id).where(_e.sequence_id == row.campaign_id, _e.number == row.number).limit(1)
    return (await tx.execute(query)).first() is not None


async def last_occasion(tx: AsyncConnection, campaign_id: int) -> OccasionRow | None:
    """The newest one whose people were taken in."""
    filled = (_o.campaign_id == campaign_id, _o.number > 0, _o.filled_at.is_not(None))
    query = select(*_READ).where(*filled).order_by(_o.number.desc()).limit(1)
    row = (await tx.execute(query)).first()
    return OccasionRow(*row) if row else None


async def set_coming(tx: AsyncConnection, campaign_id: int, number: int, coming: Occasion | None) -> None:
    """What is to come next, as the schedule says now; None: nothing. An occasion whose people are in stays as it is, and so does one
    that is written already: each sweep says it again.
    """
    unfilled = (_o.campaign_id == campaign_id, _o.number > 0, _o.filled_at.is_(None))
    if coming is None:
        await tx.execute(occasions.delete().where(*unfilled))
        return
    clock = "moment" if coming.moment else coming.wall.key if coming.wall else "reader"
    at = f"{coming.at:%H:%M}" if coming.at else None
    told = {"number": number, "nominal": coming.nominal, "at": at, "opens_at": coming.opens_at, "clock": clock}
    written = (await tx.execute(select(_o.number, _o.nominal, _o.at, _o.opens_at, _o.clock).where(*unfilled))).first()
    if written is not None and tuple(written) == tuple(told.values()):
        return
    if not (await tx.execute(update(occasions).where(*unfilled).values(told).returning(_o.id))).first():
        await tx.execute(insert(tx, occasions).values(campaign_id=campaign_id, **told).on_conflict_do_nothing())


async def note_try(tx: AsyncConnection, occasion_id: int, now: datetime, note: str | None) -> None:
    """Its letter was looked for now; `note`: what came of it."""
    await tx.execute(update(occasions).where(_o.id == occasion_id).values(tried_at=now, note=note))


async def keep_letter(
    tx: AsyncConnection, occasion_id: int, letter: Letter, version_id: int, drawn: Mapping[str, Any], note: str | None
) -> None:
    """What the occasion drew, for good."""
    content = letter.model_dump(mode="json", by_alias=True, exclude_none=True)
    kept = {"letter": content, "version_id": version_id, "drawn": dict(drawn), "note": note}
    await tx.execute(update(occasions).where(_o.id == occasion_id).values(kept))


async def skip(tx: AsyncConnection, occasion_id: int, now: datetime, note: str) -> None:
    """The occasion passes without a letter; `note` says why."""
    await tx.execute(update(occasions).where(_o.id == occasion_id).values(filled_at=now, ended_at=now, note=note))


async def drawn_before(tx: AsyncConnection, campaign_id: int) -> list[OccasionRow]:
    """The occasions of a campaign that drew something or were skipped, oldest first."""
    query = select(*_READ).where(_o.campaign_id == campaign_id, _o.number > 0, or_(_o.drawn.is_not(None), _o.note.is_not(None)))
    return [OccasionRow(*row) for row in await tx.execute(query.order_by(_o.number))]


async def set_winner(tx: AsyncConnection, occasion_id: int, variant: str, now: datetime, note: str) -> bool:
    """All who took no part in the test get this variant; False where that was decided before."""
    undecided = update(occasions).where(_o.id == occasion_id, _o.winner.is_(None))
    return (await tx.execute(undecided.values(winner=variant, decided_at=now, note=note).returning(_o.id))).first() is not None


async def stand_still(tx: AsyncConnection, row: OccasionRow, now: datetime) -> None:
    """The clock of its test stands still from now on; once."""
    await tx.execute(update(occasions).where(_o.id == row.id, _o.paused_at.is_(None)).values(paused_at=now))


async def go_on(tx: AsyncConnection, row: OccasionRow, began: datetime | None, now: datetime) -> None:
    """It goes on where it stood; once. `began`: when the first letter of the test was accepted."""
    assert row.paused_at is not None  # noqa: S101 - only what stands goes on
    stood = int((now - max(row.paused_at, began or row.paused_at)).total_seconds())
    longer = {"paused_for": (row.paused_for or 0) + stood} if began else {"paused_before": (row.paused_before or 0) + stood}
    await tx.execute(update(occasions).where(_o.id == row.id, _o.paused_at == row.paused_at).values(paused_at=None, **longer))


async def add_resend(tx: AsyncConnection, first: OccasionRow, letter: Letter, version_id: int, now: datetime) -> OccasionRow:
    """The letter of this occasion goes again from now on; its number is the occasion's, below zero."""
    values = {
        "campaign_id": first.campaign_id, "number": -first.number, "nominal": first.nominal, "opens_at": now, "version_id": version_id,
        "letter": letter.model_dump(mode="json", by_alias=True, exclude_none=True),
    }  # fmt: skip
    row = (await tx.execute(insert(tx, occasions).values(values).returning(*_READ))).one()
    return OccasionRow(*row)


async def occasions_of(tx: AsyncConnection, campaign_id: int) -> list[OccasionRow]:
    """All of them with their resends, the newest date first."""
    query = select(*_READ).where(_o.campaign_id == campaign_id).order_by(_o.nominal.desc(), _o.number.desc())
    return [OccasionRow(*row) for row in await tx.execute(query)]


async def mark_filled(tx: AsyncConnection, occasion_id: int, now: datetime) -> None:
    await tx.execute(update(occasions).where(_o.id == occasion_id).values(filled_at=now))


async def end_over(tx: AsyncConnection, now: datetime) -> None:
    """Occasions whose last way has ended are over."""
    going = exists().where(_e.sequence_id == _o.campaign_id, _e.number == _o.number, _e.state == "active")
    await tx.execute(update(occasions).where(_o.filled_at.is_not(None), _o.ended_at.is_(None), ~going).values(ended_at=now))


async def not_taken_in(tx: AsyncConnection, row: OccasionRow, matching: Select[Any], limit: int) -> list[int]:
    """The next subscribed people of the segment by id, after the last one who is in this occasion."""
    inside = select(_e.subscriber_id).where(_e.sequence_id == row.campaign_id, _e.number == row.number)
    last = (await tx.execute(inside.order_by(_e.subscriber_id.desc()).limit(1))).scalar()
    query = matching.where(_p.status == "subscribed", _p.id > (last or 0)).order_by(_p.id).limit(limit)
    return list((await tx.execute(query)).scalars())


def held_out() -> ColumnElement[bool]:
    """Whether a way is that of somebody whom the campaign never mails, to compare with."""
    return func.coalesce(_e.end_reason, "") == HELD_OUT


async def take_in(tx: AsyncConnection, row: OccasionRow, ids: Iterable[int], now: datetime, without: Collection[int] = ()) -> None:
    """Each gets their way through this occasion; for those in `without` it ends where it begins: they are its holdout."""
    for piece in pieces(ids, 2_000):
        ways: list[dict[str, Any]] = [
            {
                "sequence_id": row.campaign_id, "subscriber_id": person, "number": row.number, "by": "campaign", "enrolled_at": now,
                "history": [], "state": "ended" if person in without else "active", "ended_at": now if person in without else None,
                "end_reason": HELD_OUT if person in without else None, "end_reacted": int(person in without),
            }
            for person in piece
        ]  # fmt: skip
        await tx.execute(insert(tx, enrolments).on_conflict_do_nothing(), ways)


async def newest_begun(tx: AsyncConnection, now: datetime) -> list[OccasionRow]:
    """The newest occasion of each campaign that has opened somewhere."""
    newest = select(_o.campaign_id, func.max(_o.number)).where(_o.opens_at <= now, _o.number > 0).group_by(_o.campaign_id)
    query = select(*_READ).where(tuple_(_o.campaign_id, _o.number).in_(newest))
    return [OccasionRow(*row) for row in await tx.execute(query)]


async def count_ways(tx: AsyncConnection, rows: Sequence[OccasionRow]) -> dict[int, tuple[int, int]]:
    """(people taken in, those of them still under way) of each of these occasions, by campaign; those held out are not counted."""
    those = or_(false(), *(and_(_e.sequence_id == row.campaign_id, _e.number == row.number) for row in rows))
    under_way = func.count().filter(_e.state == "active")
    query = select(_e.sequence_id, func.count(), under_way).where(those, ~held_out()).group_by(_e.sequence_id)
    return {campaign: (taken, active) for campaign, taken, active in await tx.execute(query)}


async def count_accepted(
    tx: AsyncConnection, rows: Sequence[OccasionRow], lane_names: Mapping[int, str]
) -> dict[int, tuple[int, int]]:  # fmt: skip
    """(accepted letters, those of them whose way still counts as under way) of each of these occasions, by campaign. `lane_names`: of the
    campaigns, by their ids.
    """
    those = or_(false(), *(
        and_(lanes.c.name == lane_names[row.campaign_id], _d.occasion == row.nominal.isoformat(), _d.accepted_at >= row.opens_at)
        for row in rows
    ))  # fmt: skip
    query = (
        select(lanes.c.name, func.count(), func.count().filter(_e.state == "active"))
        .join_from(deliveries, lanes, lanes.c.id == _d.lane_id)
        .outerjoin(enrolments, _e.id == _d.enrolment_id)
        .where(_d.state == "accepted", those)
        .group_by(lanes.c.name)
    )
    counted = {name: (letters, active) for name, letters, active in await tx.execute(query)}
    return {key: counted[name] for key, name in lane_names.items() if name in counted}


def occasion_of(row: OccasionRow, campaign: Campaign, workspace: ZoneInfo) -> Occasion:
    """The row as the rules know it: it keeps the clock it was written with, whatever the schedule says since."""
    if row.resend:
        return Occasion(row.nominal, moment=row.opens_at, resend=True)
    at, clock = time.fromisoformat(row.at) if row.at else None, row.clock or _clock_of(campaign, workspace)
    wall = None if clock in ("reader", "moment") else ZoneInfo(clock)
    return Occasion(row.nominal, at, wall, row.opens_at if clock == "moment" else None, chosen=row.winner)


def _clock_of(campaign: Campaign, workspace: ZoneInfo) -> str:
    if campaign.schedule == "now":
        return "moment"
    return workspace.key if campaign.schedule.zone == "workspace" else "reader"


def own_copies(rows: Iterable[OccasionRow], campaigns: Mapping[int, Campaign]) -> dict[tuple[int, int], Campaign]:
    """(campaign id, number) -> the campaign with the letter that this occasion drew, of those that drew one."""
    drawn = [(r, campaigns[r.campaign_id]) for r in rows if r.letter is not None and r.campaign_id in campaigns]
    return {(r.campaign_id, r.number): with_letter(campaign, Letter.model_validate(r.letter)) for r, campaign in drawn}


def with_letter(campaign: Campaign, letter: Letter) -> Campaign:
    """The campaign as if this letter were written out in it: nothing is drawn, and nothing is compared."""
    return campaign.model_copy(update={"letter": letter, "drawn": None, "feed": None, "variants": (), "test": None})


def by_number(rows: Iterable[OccasionRow], campaigns: Mapping[int, Campaign], workspace: ZoneInfo) -> dict[tuple[int, int], Occasion]:
    """(campaign id, number) -> occasion, of campaigns that are known."""
    known = [(r, campaigns[r.campaign_id]) for r in rows if r.campaign_id in campaigns]
    return {(r.campaign_id, r.number): occasion_of(r, campaign, workspace) for r, campaign in known}


def to_come(campaign: Campaign, last: date | None, started: datetime, policy: Policy) -> Iterator[Occasion]:
    """The occasions of a campaign after the nominal date `last`, oldest first; the first one no earlier than the start."""
    workspace = ZoneInfo(policy.timezone)
    if not isinstance(campaign.schedule, Cron):
        yield from occasions_after(campaign, last, started, workspace)
        return
    wall = workspace if campaign.schedule.zone == "workspace" else None
    since = datetime.combine(last + timedelta(days=1), time(0)) - timedelta(minutes=1) if last else None
    last_day = last
    for moment in CronSim(campaign.schedule.cron, since or started.astimezone(workspace).replace(tzinfo=None)):
        if moment.date() != last_day:  # the key is a date: one occasion on each
            yield Occasion(moment.date(), moment.time(), wall)
        last_day = moment.date()
