"""Start a cleanup, or end one by hand."""

from datetime import datetime, timedelta
from typing import Any

from nurture.domain.cleanup.courses import PRIORITY
from nurture.domain.cleanup.steps import event_is_over
from nurture.domain.cleanup.words import RUNNING, CleanupState
from nurture.domain.documents import Cleanup, lane_name
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.services.cleaning.stopping import stop
from nurture.store import cleanups as store
from nurture.store.cleanup_figures import workspace_figures
from nurture.store.database import Connection, Database
from nurture.store.documents import StoredDocument, ensure_lane, load_document, set_state
from nurture.store.lanes import set_lane

LAST_ZONE = timedelta(hours=12)


async def stored_cleanup(tx: Connection, name: str) -> tuple[StoredDocument, Cleanup]:
    """Raises NurtureError where there is none of this name."""
    stored = await load_document(tx, "cleanup", name)
    if stored is None or not isinstance(stored.document, Cleanup):
        advice = "apply its file first, or look at the names with: nurture cleanup list"
        raise NurtureError(f"There is no cleanup {name!r}; {advice}", ErrorKind.MISSING)
    return stored, stored.document


async def begin(db: Database, name: str, now: datetime) -> None:
    """Start it: the next sweep draws its audience and takes in the canary. Raises NurtureError when it has begun or has no time left."""
    async with db.write() as tx:
        stored, document = await stored_cleanup(tx, name)
        if stored.state in RUNNING:
            raise NurtureError(f"The cleanup {name!r} runs already.", ErrorKind.CONFLICT)
        if stored.state != CleanupState.DRAFT:
            again = "which is for good; write it under another name to run it again"
            raise NurtureError(f"The cleanup {name!r} is {stored.state}, {again}.", ErrorKind.CONFLICT)
        if event_is_over(document.event, (now - LAST_ZONE).date()):
            again = "give it a date to come and apply it again"
            raise NurtureError(f"The event of {name!r} was on {document.event}; {again}.", ErrorKind.CONFLICT)
        before: dict[str, Any] = await workspace_figures(tx, now)
        await store.begin_run(tx, stored.id, now, before)
        await set_state(tx, stored.id, CleanupState.CANARY, now)
        await ensure_lane(tx, lane_name(document), PRIORITY)
        await set_lane(tx, lane_name(document), "running")
        await store.add_move(tx, stored.id, CleanupState.DRAFT, CleanupState.CANARY, "started", {}, now)


async def cancel(db: Database, name: str, now: datetime) -> None:
    """End it for good: no further letter leaves, everybody goes on as before."""
    async with db.write() as tx:
        stored, document = await stored_cleanup(tx, name)
        if stored.state == CleanupState.DRAFT:
            await set_state(tx, stored.id, CleanupState.STOPPED, now)
            await store.add_move(tx, stored.id, CleanupState.DRAFT, CleanupState.STOPPED, "cancelled by hand before it began", {}, now)
            await set_lane(tx, lane_name(document), "cancelled")
            return
        run = await store.load_run(tx, stored.id)
        if stored.state not in RUNNING or run is None:
            raise NurtureError(f"The cleanup {name!r} is {stored.state}; there is nothing to cancel.", ErrorKind.CONFLICT)
        await stop(tx, run, "cancelled by hand", {}, now)
