"""Hits become events: stored once, judged together with the other hits of their delivery, and a verdict that changes is marked.

A person who allows no tracking leaves nothing; one who allows only counts leaves a nameless row. Erased people leave nothing.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from nurture.domain.evidence import SETTLES, Hit, Judged, judge_all
from nurture.domain.remembering import of_people
from nurture.domain.words import EventType, Evidence, Tracking
from nurture.store import events
from nurture.store.arrivals import prove_arrival
from nurture.store.database import Connection, Database
from nurture.store.documents import load_policy

AT_ONCE = 64  # some 10 ms of the write lock, and of the event loop that answers visitors
REST = 0.002  # seconds between two transactions, so that other writers get their turn
AGENT_MOST = 400
CLOCKS_OFF = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Received:
    """One hit as it came in. `uid` is made on receipt: a replay of the spool stores it once."""

    uid: str
    delivery: int
    subscriber: int
    version: int
    hit: Hit
    url: str | None = None

    @property
    def names_nobody(self) -> bool:
        """By a token that is the same for all who allow counts alone."""
        return not self.delivery and not self.subscriber


def to_line(received: Received) -> str:
    """One line of the spool: JSON, put together by hand, since thousands a second are written."""
    hit, url = received.hit, "null" if received.url is None else _quoted(received.url)
    link, page = "null" if hit.link is None else hit.link, "null" if hit.page is None else _quoted(hit.page)
    return (
        f'{{"uid": {_quoted(received.uid)}, "d": {received.delivery}, "s": {received.subscriber}, "v": {received.version}, '
        f'"at": {hit.at.timestamp()!r}, "method": {_quoted(hit.method)}, "link": {link}, "page": {page}, '
        f'"agent": {_kept(hit.agent[:AGENT_MOST])}, "ip": {_kept(hit.ip)}, "prefetch": {_BOOL[hit.prefetch]}, "trap": {_BOOL[hit.trap]}, '
        f'"url": {url}}}'
    )


_quoted = json.encoder.encode_basestring_ascii
_kept = of_people(1024)(_quoted)  # many come with the same few agents
_BOOL = ("false", "true")


def from_line(line: str) -> Received:
    """Raises ValueError or KeyError for a line that to_line() did not write."""
    row = json.loads(line)
    at = datetime.fromtimestamp(row["at"], UTC)
    hit = Hit(at, row["method"], row["link"], row["page"], row["agent"], row["ip"], row["prefetch"], row["trap"])
    return Received(row["uid"], row["d"], row["s"], row["v"], hit, row["url"])


def event_type(hit: Hit) -> EventType:
    if hit.is_open:
        return EventType.OPENED
    return EventType.VISITED if hit.page else EventType.CLICKED


async def record_hits(
    db: Database, hits: Iterable[Received], now: datetime, settles: timedelta = SETTLES, rest: Callable[[float], float] = lambda _: REST
) -> int:  # fmt: skip
    """Store and judge hits, in short transactions; how many events were new. `settles`: how long a verdict may still change. `rest`: how
    many seconds to leave to others after a transaction that took this many.
    """
    coming = iter(hits)
    added = 0
    while chunk := list(islice(coming, AT_ONCE)):
        began = time.perf_counter()
        async with db.write() as tx:
            added += await _record(tx, chunk, now, settles)
        await asyncio.sleep(rest(time.perf_counter() - began))
    return added


async def _record(tx: Connection, chunk: Sequence[Received], now: datetime, settles: timedelta) -> int:
    sent = await events.sent_deliveries(tx, (r.delivery for r in chunk))
    await prove_arrival(tx, (r.delivery for r in chunk if r.delivery in sent), now)
    default = (await load_policy(tx)).tracking
    named: list[Received] = []
    nameless: list[Received] = []
    for received in chunk:
        row = sent.get(received.delivery)
        if received.names_nobody:
            nameless.append(received)
            continue
        if row is None or row.subscriber_id != received.subscriber:
            continue
        allowed = Tracking(row.permission) if row.permission else default
        if allowed is Tracking.INDIVIDUAL:
            named.append(received)
        elif allowed is Tracking.AGGREGATE:
            nameless.append(received)
    added = await _record_named(tx, named, sent, settles)
    return added + len(await events.add_hits(tx, [_nameless(r, sent.get(r.delivery)) for r in nameless]))


async def _record_named(tx: Connection, named: Sequence[Received], sent: Mapping[int, events.Sent], settles: timedelta) -> int:
    known = await events.hits_of(tx, {r.delivery for r in named}, _sent_since(sent[r.delivery] for r in named))
    by_delivery: dict[int, list[Received]] = {}
    for received in named:
        by_delivery.setdefault(received.delivery, []).append(received)
    rows: list[dict[str, Any]] = []
    changes: list[tuple[int, str, str, int]] = []
    for delivery, arrived in by_delivery.items():
        old = known.get(delivery, [])
        seen = {row["uid"] for row in old}
        new = [r for r in arrived if r.uid not in seen]
        if not new:
            continue
        verdicts = judge_all([events.read_hit(row) for row in old] + [r.hit for r in new], sent[delivery].left_at)
        horizon = min(r.hit.at for r in new) - settles
        judged_anew = [(row, v) for row, v in zip(old, verdicts, strict=False) if row["at"] >= horizon]
        changes += [_change(row, v) for row, v in judged_anew if row["evidence"] != v.evidence]
        rows += [_event(r, v, settles) for r, v in zip(new, verdicts[len(old) :], strict=True)]
    await events.change_verdicts(tx, changes)
    return len(await events.add_hits(tx, rows))


def _sent_since(rows: Iterable[events.Sent]) -> datetime | None:
    """No hit on these letters is older; a clock may have gone wrong by a day. None where one never left for all we know."""
    moments = [row.left_at for row in rows]
    known = [moment for moment in moments if moment is not None]
    return min(known) - CLOCKS_OFF if known and len(known) == len(moments) else None


def _change(row: Mapping[str, Any], verdict: Judged) -> tuple[int, str, str, int]:
    return row["id"], verdict.evidence.value, verdict.reason, verdict.rule_version


def _event(received: Received, verdict: Judged, settles: timedelta) -> dict[str, Any]:
    hit = received.hit
    detail = {"method": hit.method} | ({"prefetch": True} if hit.prefetch else {}) | ({"trap": True} if hit.trap else {})
    return {
        "uid": received.uid, "subscriber_id": received.subscriber, "delivery_id": received.delivery, "type": event_type(hit).value,
        "at": hit.at, "settles_at": hit.at + settles, "link": hit.link, "url": received.url, "name": hit.page, "ip": hit.ip or None,
        "agent": hit.agent[:AGENT_MOST] or None, "evidence": verdict.evidence.value, "reason": verdict.reason,
        "rule_version": verdict.rule_version, "folded": 0, "detail": detail if detail != {"method": "GET"} else None,
    }  # fmt: skip


def _nameless(received: Received, row: events.Sent | None) -> dict[str, Any]:
    """A count without a person: no subscriber, delivery, address or agent; there is nothing to fold."""
    verdict = judge_all([received.hit], row.left_at if row else None)[0]
    return {
        "uid": received.uid, "subscriber_id": 0, "type": event_type(received.hit).value, "at": received.hit.at,
        "settles_at": received.hit.at, "link": received.hit.link, "evidence": Evidence(verdict.evidence).value,
        "reason": verdict.reason, "folded": 1, "detail": {"version": received.version},
    }  # fmt: skip
