"""The people of a cleanup: who may be asked, who is drawn, who is taken in, what became of each. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.cleanup.audience import Facts
from nurture.domain.cleanup.courses import Leg
from nurture.domain.cleanup.verdicts import ANSWERS, OPEN_TO_CHANGE
from nurture.domain.cleanup.words import Part, Verdict
from nurture.domain.standing import FlagBit
from nurture.domain.words import Engagement, Evidence, Kinds, Status, Temperature
from nurture.store.cleanups import Run
from nurture.store.dialect import insert
from nurture.store.dialect_bulk import update_rows
from nurture.store.enrolments import enrolments, events
from nurture.store.ledger import deliveries, pieces, subscribers
from nurture.store.outbox import cancel_rows, open_rows
from nurture.store.standings import look_now, standings
from nurture.store.tables import METADATA
from nurture.store.tables.cleanups import HELD

members = METADATA.tables["cleanup_members"]
_tags = METADATA.tables["subscriber_tags"]
_documents = METADATA.tables["documents"]
_m, _p, _s, _e, _d, _v = members.c, subscribers.c, standings.c, enrolments.c, deliveries.c, events.c
_OFFERED = text("deliveries.rule = 'cleanup'")


# -- the audience --


async def facts(
    tx: AsyncConnection, cleanup_id: int | None, tag: str | None, *, after: int = 0, limit: int | None = None,
    ids: Sequence[int] | None = None,
) -> list[Facts]:  # fmt: skip
    """What decides about each: the next people whom a cleanup's word and its tag may fit, by id, or those of `ids`. Six months are asked
    of all cleanups but this one.
    """
    customer = _carries("customer")
    tagged = _carries(tag) if tag else true()
    others = select(func.max(_m.taken_at)).where(_m.subscriber_id == _p.id, _m.document_id != (cleanup_id or 0)).scalar_subquery()
    query = select(
        _p.id, _p.status, _s.engagement, _s.flags, or_(_s.customer, customer).label("customer"), _s.temperature, _p.kinds, _p.topics,
        _p.paused_until, others.label("cleaned_at"), _p.cleanup_lane.is_not(None).label("elsewhere"),
        tagged.label("tagged"),
    ).join_from(subscribers, standings, _s.subscriber_id == _p.id).order_by(_p.id)  # fmt: skip
    if ids is not None:
        return [_facts(row) for piece in pieces(ids) for row in await tx.execute(query.where(_p.id.in_(piece)))]
    fading = _s.flags.bitwise_and(FlagBit.FADING.value) != 0
    meant = or_(_s.engagement.in_([Engagement.PASSIVE.value, Engagement.UNOBSERVABLE.value]), fading)
    return [_facts(row) for row in await tx.execute(query.where(_p.id > after, _p.status == "subscribed", meant, tagged).limit(limit))]


def _carries(tag: str) -> ColumnElement[bool]:
    return exists().where(_tags.c.subscriber_id == _p.id, _tags.c.tag == tag)


def _facts(row: Any) -> Facts:
    declined = frozenset(topic for topic, wanted in (row.topics or {}).items() if wanted is False)
    return Facts(
        row.id, Status(row.status), Engagement(row.engagement), FlagBit(row.flags), bool(row.customer), Temperature(row.temperature),
        Kinds(row.kinds), declined, row.paused_until, row.cleaned_at, bool(row.elsewhere), bool(row.tagged),
    )  # fmt: skip


async def zones_of(tx: AsyncConnection, ids: Sequence[int]) -> dict[int, str | None]:
    """Each person's own zone; None for those who are taken to be where the workspace is."""
    found: dict[int, str | None] = {}
    for piece in pieces(ids):
        found.update((person, zone) for person, zone in await tx.execute(select(_p.id, _p.timezone).where(_p.id.in_(piece))))
    return found


async def add_members(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await tx.execute(insert(tx, members).on_conflict_do_nothing(), rows)


async def count_part(tx: AsyncConnection, cleanup_id: int, part: Part) -> int:
    return int((await tx.execute(select(func.count()).where(_m.document_id == cleanup_id, _m.part == part.value))).scalar_one())


async def hold_out(tx: AsyncConnection, cleanup_id: int, number: int) -> None:
    """The first so many of the drawing get nothing."""
    if number:
        below = await _rank_at(tx, cleanup_id, number)
        own = (_m.document_id == cleanup_id, _m.part == Part.OFFERS.value)
        await tx.execute(update(members).where(*own, *([_m.rank < below] if below is not None else [])).values(part=Part.HOLDOUT.value))


async def _rank_at(tx: AsyncConnection, cleanup_id: int, number: int) -> int | None:
    """The rank of the first person after so many of those who get offers; None: there are no more."""
    query = select(_m.rank).where(_m.document_id == cleanup_id, _m.part == Part.OFFERS.value).order_by(_m.rank).offset(number).limit(1)
    return (await tx.execute(query)).scalar()


async def to_take(tx: AsyncConnection, run: Run, number: int, limit: int, *, repermission: bool) -> list[tuple[int, Part]]:
    """The next people whose turn has come: of the first `number` of the drawing, and with `repermission` those who cannot be seen."""
    if not number and not repermission:
        return []
    waiting = (_m.document_id == run.document_id, _m.taken_at.is_(None), _m.verdict.is_(None))
    found: list[tuple[int, Part]] = []
    if number:
        below = await _rank_at(tx, run.document_id, number)
        first = [_m.rank < below] if below is not None else []
        query = select(_m.subscriber_id).where(*waiting, _m.part == Part.OFFERS.value, *first).order_by(_m.rank).limit(limit)
        found += [(person, Part.OFFERS) for person in (await tx.execute(query)).scalars()]
    if repermission and len(found) < limit:
        query = select(_m.subscriber_id).where(*waiting, _m.part == Part.REPERMISSION.value).order_by(_m.rank).limit(limit - len(found))
        found += [(person, Part.REPERMISSION) for person in (await tx.execute(query)).scalars()]
    return found


# -- in and out --


async def take_in(tx: AsyncConnection, run: Run, leg: Leg, ids: Sequence[int], now: datetime) -> None:
    """The cleanup has these people now: a way of their own, and what else waits for them is taken back for the while."""
    if not ids:
        return
    ways: list[dict[str, Any]] = [
        {"sequence_id": run.document_id, "subscriber_id": i, "number": leg.value, "state": "active", "by": "cleanup", "enrolled_at": now,
         "history": []}
        for i in sorted(ids)
    ]  # fmt: skip
    await tx.execute(insert(tx, enrolments).on_conflict_do_nothing(), ways)
    for piece in pieces(sorted(ids)):
        await tx.execute(update(subscribers).where(_p.id.in_(piece)).values(cleanup_lane=run.lane_id))
        own = (_m.document_id == run.document_id, _m.subscriber_id.in_(piece))
        closing = {"closed_at": now} if leg is Leg.CLOSING else {}
        await tx.execute(update(members).where(*own).values(taken_at=now, released_at=None, **closing))
    waiting = await open_rows(tx, sorted(ids))
    await cancel_rows(tx, [row.id for row in waiting.values() if row.lane_id != run.lane_id], "paused", now)
    await look_now(tx, ids, now)


async def to_release(tx: AsyncConnection, run: Run, limit: int, *, everybody: bool = False) -> dict[int, str]:
    """People whom the cleanup has and has no more letters for, with the reason: a verdict, or their way is through."""
    held = (text(HELD), _m.document_id == run.document_id)
    active = exists().where(_e.sequence_id == run.document_id, _e.subscriber_id == _m.subscriber_id, _e.state == "active")
    through = and_(_m.closed_at.is_(None), ~active)
    judged = and_(_m.verdict.is_not(None), _m.verdict != Verdict.SILENT.value)
    query = select(_m.subscriber_id, _m.verdict).where(*held, *([] if everybody else [or_(judged, through)])).limit(limit)
    return {person: verdict or "through" for person, verdict in await tx.execute(query)}


async def release(tx: AsyncConnection, run: Run, why: Mapping[int, str], now: datetime) -> None:
    """The cleanup lets these people go: its way ends, everything else goes on where it stood, with its clocks put forward."""
    if not why:
        return
    ids = sorted(why)
    since: dict[int, datetime] = {}
    for piece in pieces(ids):
        own = (_m.document_id == run.document_id, _m.subscriber_id.in_(piece))
        since.update((row.subscriber_id, row.taken_at) for row in await tx.execute(select(_m.subscriber_id, _m.taken_at).where(*own)))
        await tx.execute(update(members).where(*own).values(released_at=now))
        theirs = (_p.id.in_(piece), _p.cleanup_lane == run.lane_id)
        await tx.execute(update(subscribers).where(*theirs).values(cleanup_lane=None))
        ended = {"state": "ended", "ended_at": now, "end_reason": "the cleanup let the person go"}
        way = (_e.subscriber_id.in_(piece), _e.sequence_id == run.document_id, _e.state == "active")
        await tx.execute(update(enrolments).where(*way).values(ended))
    waiting = await open_rows(tx, ids)
    await cancel_rows(tx, [row.id for row in waiting.values() if row.lane_id == run.lane_id], "answered", now)
    await _clocks_go_on(tx, ids, since, now)
    await look_now(tx, ids, now)


async def _clocks_go_on(tx: AsyncConnection, ids: Sequence[int], since: Mapping[int, datetime], now: datetime) -> None:
    """The patience of held letters did not run meanwhile; that of a campaign's letter begins anew, as after its own pause."""
    put: list[tuple[datetime, int]] = []
    for piece in pieces(ids):
        query = select(_e.id, _e.subscriber_id, _e.stale_since, _documents.c.type).join(_documents, _documents.c.id == _e.sequence_id)
        for row in await tx.execute(query.where(_e.subscriber_id.in_(piece), _e.state == "active")):
            if row.type == "campaign":
                put.append((now, row.id))
            elif row.stale_since is not None and (began := since.get(row.subscriber_id)):
                put.append((row.stale_since + (now - max(began, row.stale_since)), row.id))
    await update_rows(tx, enrolments, "id", ("stale_since",), put)


async def look_at_held(tx: AsyncConnection, run: Run, now: datetime) -> None:
    """The planner looks anew at everybody whom the cleanup has."""
    held = select(_m.subscriber_id).where(text(HELD), _m.document_id == run.document_id)
    await tx.execute(update(standings).where(_s.subscriber_id.in_(held)).values(plan_at=now))


# -- what they did --


async def judged_by_status(tx: AsyncConnection, run: Run, since: datetime) -> list[tuple[int, str, datetime]]:
    """(person, status, since when) of members who left, bounced or complained and changed since the moment."""
    ended = [Status.COMPLAINED.value, Status.BOUNCED.value, Status.UNSUBSCRIBED.value]
    changed = (_p.changed_at >= since, _p.status.in_(ended), _p.status_at >= run.started_at)
    mine = exists().where(_m.document_id == run.document_id, _m.subscriber_id == _p.id, _undecided())
    return [(row[0], row[1], row[2]) for row in await tx.execute(select(_p.id, _p.status, _p.status_at).where(*changed, mine))]


async def judged_by_answer(tx: AsyncConnection, run: Run, since: datetime, now: datetime) -> list[tuple[int, str, datetime]]:
    """(person, what they did first, when) of members who answered since the cleanup began, by settled events since the moment."""
    begins = max(since, run.started_at)
    acts = (_v.type.in_([kind.value for kind in ANSWERS]), _v.at >= begins, _v.evidence == Evidence.HUMAN.value, _v.settles_at <= now)
    mine = exists().where(_m.document_id == run.document_id, _m.subscriber_id == _v.subscriber_id, _undecided())
    query = select(_v.subscriber_id, _v.type, _v.at).where(*acts, mine).order_by(_v.at)
    found: dict[int, tuple[int, str, datetime]] = {}
    for person, kind, at in await tx.execute(query):
        found.setdefault(person, (person, kind, at))
    return list(found.values())


def _undecided() -> ColumnElement[bool]:
    return or_(_m.verdict.is_(None), _m.verdict.in_([v.value for v in OPEN_TO_CHANGE if v]))


async def verdicts_of(tx: AsyncConnection, cleanup_id: int, ids: Iterable[int]) -> dict[int, Verdict | None]:
    found: dict[int, Verdict | None] = {}
    for piece in pieces(sorted(set(ids))):
        query = select(_m.subscriber_id, _m.verdict).where(_m.document_id == cleanup_id, _m.subscriber_id.in_(piece))
        found.update((person, Verdict(word) if word else None) for person, word in await tx.execute(query))
    return found


async def write_verdicts(tx: AsyncConnection, cleanup_id: int, rows: Iterable[tuple[int, Verdict, str, datetime]]) -> None:
    """(person, verdict, reason, when)."""
    by: dict[tuple[Verdict, str, datetime], list[int]] = {}
    for person, verdict, reason, at in rows:
        by.setdefault((verdict, reason, at), []).append(person)
    for (verdict, reason, at), ids in by.items():
        for piece in pieces(ids):
            own = (_m.document_id == cleanup_id, _m.subscriber_id.in_(piece))
            await tx.execute(update(members).where(*own).values(verdict=verdict.value, reason=reason, verdict_at=at))


async def close_verdicts(tx: AsyncConnection, run: Run, spared: str, now: datetime) -> None:
    """Whoever has no verdict yet was silent, if a letter of the cleanup reached them or they were held out; else they were spared."""
    reached = exists().where(_OFFERED, _d.lane_id == run.lane_id, _d.subscriber_id == _m.subscriber_id, _d.state == "accepted")
    silent = or_(_m.part == Part.HOLDOUT.value, reached)
    found = {
        "verdict": case((silent, Verdict.SILENT.value), else_=Verdict.SPARED.value), "verdict_at": now,
        "reason": case((silent, "no answer"), else_=spared),
    }
    await tx.execute(update(members).where(_m.document_id == run.document_id, _m.verdict.is_(None)).values(found))


# -- counting --


async def count_verdicts(tx: AsyncConnection, cleanup_id: int) -> dict[tuple[str, str], int]:
    """People by (part, verdict); `open` where there is none yet."""
    query = select(_m.part, func.coalesce(_m.verdict, "open"), func.count()).where(_m.document_id == cleanup_id)
    return {(part, word): count for part, word, count in await tx.execute(query.group_by(_m.part, _m.verdict))}


async def count_ends(tx: AsyncConnection, run: Run) -> tuple[int, int]:
    """(complaints, bounces) of people whom a letter of the cleanup went to."""
    tried = exists().where(
        _OFFERED, _d.lane_id == run.lane_id, _d.subscriber_id == _m.subscriber_id, _d.state.in_(("accepted", "rejected"))
    )
    complained, bounced = (func.count().filter(_m.verdict == word.value) for word in (Verdict.COMPLAINED, Verdict.BOUNCED))
    ended = _m.verdict.in_([Verdict.COMPLAINED.value, Verdict.BOUNCED.value])
    complaints, bounces = (await tx.execute(select(complained, bounced).where(_m.document_id == run.document_id, ended, tried))).one()
    return complaints, bounces


async def count_ways(tx: AsyncConnection, run: Run) -> tuple[int, int]:
    """(people with letters still to come, those of them who wait for their first)."""
    own = (_e.sequence_id == run.document_id, _e.state == "active", _e.number != Leg.CLOSING.value)
    done = exists().where(
        _OFFERED, _d.lane_id == run.lane_id, _d.subscriber_id == _e.subscriber_id,
        _d.state.in_(("accepted", "rejected", "failed", "held")),
    )  # fmt: skip
    under_way = int((await tx.execute(select(func.count()).where(*own))).scalar_one())
    first = int((await tx.execute(select(func.count()).where(*own, ~done))).scalar_one()) if under_way else 0
    return under_way, first


async def count_parts(tx: AsyncConnection, cleanup_id: int) -> dict[str, int]:
    """People by part, and under `taken` those whom the cleanup has or had."""
    query = select(_m.part, func.count(), func.count(_m.taken_at)).where(_m.document_id == cleanup_id).group_by(_m.part)
    rows = (await tx.execute(query)).all()
    return {part: people for part, people, _ in rows} | {"taken": sum(taken for _, _, taken in rows)}
