"""What becomes of the silent: the last letter, the patience after it, and the archive; or they are kept, as the document says."""

from datetime import datetime

from nurture.domain.cleanup.audience import closing_refused
from nurture.domain.cleanup.courses import Leg
from nurture.domain.cleanup.words import EXEMPT_WORDS, CleanupState
from nurture.domain.delivery import letter_name
from nurture.services.cleaning.cleaned import Cleaned
from nurture.store import cleanup_closing as store
from nurture.store import cleanup_members as members
from nurture.store.cleanups import Run
from nurture.store.database import Connection


async def close(tx: Connection, run: Run, now: datetime, chunk: int, done: Cleaned) -> bool:
    """One chunk of the silent a step further; whether there may be more to do now."""
    document = run.document
    if run.state is not CleanupState.SETTLING or run.settled_at is None or run.paused_at is not None or document.silent == "keep":
        return False
    ids = await store.to_close(tx, run, chunk)
    facts = {f.subscriber_id: f for f in await members.facts(tx, run.document_id, document.tag, ids=ids)}
    kept = {person: why for person in ids if (why := closing_refused(document, facts[person], now))}
    for person, why in kept.items():
        await store.keep(tx, run, [person], f"kept: {EXEMPT_WORDS[why]}", now)
    asked = [person for person in ids if person not in kept]
    if document.closing is not None:
        await members.take_in(tx, run, Leg.CLOSING, asked, now)
        silent, missed = await store.closed_letters(tx, run, letter_name(run.name, document.closing.id), document.closes_after, now, chunk)
        await store.keep(tx, run, missed, "kept: the last letter did not reach them", now)
    else:
        silent, missed = asked, []
    await store.archive(tx, run, silent, now)
    await members.release(tx, run, dict.fromkeys([*silent, *missed], "closed"), now)
    done.archived += len(silent)
    return bool(silent or missed) or len(ids) == chunk
