"""Judge stored hits anew, by the rules of today: what would change, and changing it.

A verdict is computed from hits that are kept, so it can be computed again after the rules were bettered. What changed is marked as a late
verdict is: folding takes it out of the standing, and what rules did on its account is undone. Hits whose address and agent are forgotten
(retention, erasure) keep the verdict of their time, with the version of the rules that gave it; so do all others of the same letter.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nurture.domain.evidence import RULE_VERSION, Judged, judge_all
from nurture.store import events
from nurture.store.database import Connection, Database

AT_ONCE = 32  # deliveries in a transaction
REST = 0.002


@dataclass(slots=True)
class Rejudged:
    """`changed`: (was, is, why) -> how many. `restated`: same verdict, another reason or an older rule. `kept`: details are forgotten."""

    rule_version: int = RULE_VERSION
    hits: int = 0
    kept: int = 0
    restated: int = 0
    changed: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        lines = [{"was": w, "is": i, "reason": r, "hits": n} for (w, i, r), n in self.changed.most_common()]
        return {"rule_version": self.rule_version, "hits": self.hits, "kept": self.kept, "restated": self.restated, "changed": lines}


async def rejudge(
    db: Database, *, since: datetime | None = None, dry_run: bool = False, progress: Callable[[int], None] | None = None
) -> Rejudged:  # fmt: skip
    """All hits on letters that were touched (`since` then), some letters at a time; `dry_run` changes nothing. Idempotent."""
    told, after = Rejudged(), 0
    while True:
        async with db.read() as tx:
            ids = await events.hit_deliveries(tx, after, AT_ONCE, since)
            if dry_run:
                await _judge(tx, ids, told)
        if not ids:
            return told
        if not dry_run:
            async with db.write() as tx:
                changes, reasons = await _judge(tx, ids, told)
                await events.change_verdicts(tx, changes)
                await events.note_reasons(tx, reasons)
            await asyncio.sleep(REST)
        after = ids[-1]
        if progress:
            progress(told.hits)


async def _judge(
    tx: Connection, ids: Sequence[int], told: Rejudged
) -> tuple[list[tuple[int, str, str, int]], list[tuple[int, str, int]]]:  # fmt: skip
    """Verdicts that change, and those that only get another reason."""
    sent = await events.sent_deliveries(tx, ids)
    changes: list[tuple[int, str, str, int]] = []
    reasons: list[tuple[int, str, int]] = []
    for delivery in sent:  # one by one: a reading is bounded, and one letter may have been passed around
        rows = (await events.hits_of(tx, [delivery])).get(delivery, [])
        told.hits += len(rows)
        if len(rows) >= events.HITS_AT_MOST or any(_forgotten(row) for row in rows):
            told.kept += len(rows)
            continue
        for row, verdict in zip(rows, judge_all([events.read_hit(row) for row in rows], sent[delivery].left_at), strict=True):
            if row["evidence"] != verdict.evidence:
                changes.append((row["id"], verdict.evidence.value, verdict.reason, verdict.rule_version))
                told.changed[row["evidence"], verdict.evidence.value, verdict.reason] += 1
            elif _differs(row, verdict):
                reasons.append((row["id"], verdict.reason, verdict.rule_version))
                told.restated += 1
    return changes, reasons


def _forgotten(row: Mapping[str, Any]) -> bool:
    return row["ip"] is None and row["agent"] is None


def _differs(row: Mapping[str, Any], verdict: Judged) -> bool:
    return bool(row["reason"] != verdict.reason or row["rule_version"] != verdict.rule_version)
