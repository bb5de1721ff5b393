"""The dry run: the same questions asked of the same rows, with nothing written.

Two numbers for each address of the file stand in for what a real run would have stored of it by then.
"""

from collections.abc import Sequence
from datetime import datetime

from nurture.domain.people import GONE, raises, refusal
from nurture.domain.words import Status
from nurture.services.importing.batches import Line, Outcome, Refused, judge
from nurture.store import subscribers
from nurture.store.database import Connection
from nurture.store.suppressions import ERASED, suppressed


class Rehearsal:
    """One dry run over a whole file."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, Status]] = {}

    async def take(self, tx: Connection, lines: Sequence[Line], now: datetime) -> Outcome:
        """What these rows would do after the earlier ones."""
        known = await subscribers.find_many(tx, [line.row.draft.email for line in lines])
        erased = await suppressed(tx, [e for line in lines if (e := line.row.draft.email) not in known])
        outcome = Outcome()
        for line in lines:
            draft = line.row.draft
            key, content = hash(draft.email), hash(repr(draft))
            earlier = self._seen.get(key)
            person = known.get(draft.email)
            if earlier is not None:
                stands = earlier[1]
                wanted = draft.status or Status.SUBSCRIBED
                refused = refusal(stands, wanted) if raises(stands, wanted) and (draft.status or stands in GONE) else None
                changes = earlier[0] != content
            else:
                merged = judge(person, draft, now) if person else None
                stands = person.status if person else Status.SUBSCRIBED
                refused = merged.refused if merged else ERASED if draft.email in erased else None
                changes = merged.changes if merged else True
            if refused:
                outcome.refused.append(Refused(line.number, refused, line.raw))
                continue
            self._seen[key] = (content, draft.status or stands)
            if person is None and earlier is None:
                outcome.added += 1
            elif changes:
                outcome.updated += 1
            else:
                outcome.unchanged += 1
        return outcome
