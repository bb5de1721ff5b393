"""The stop: one commit after which no further letter of the cleanup leaves. The people follow in chunks, by the sweep."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nurture.domain.cleanup.words import CleanupState
from nurture.domain.documents import lane_name
from nurture.store import cleanups as store
from nurture.store.cleanups import Run
from nurture.store.database import Connection
from nurture.store.documents import set_state
from nurture.store.lanes import set_lane


async def stop(tx: Connection, run: Run, reason: str, numbers: Mapping[str, Any], now: datetime) -> None:
    """The lane's flag is read by every claim and every intent."""
    await set_lane(tx, lane_name(run.document), "cancelled")
    await set_state(tx, run.document_id, CleanupState.STOPPED, now)
    await store.change_run(tx, run.document_id, ended_at=now)
    await store.add_move(tx, run.document_id, run.state, CleanupState.STOPPED, reason, numbers, now)
