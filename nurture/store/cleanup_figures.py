"""The workspace in figures, before and after a cleanup: who is there, how many answer, how many letters a year that makes."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.cleanup.verdicts import ANSWERS
from nurture.domain.words import Evidence, Kind, Status
from nurture.store.classes import count_classes
from nurture.store.enrolments import events
from nurture.store.ledger import deliveries, subscribers

ANSWERED_WITHIN = timedelta(days=28)
LETTERS_OF = timedelta(days=90)
_d, _p, _v = deliveries.c, subscribers.c, events.c


async def workspace_figures(tx: AsyncConnection, now: datetime) -> dict[str, Any]:
    """`composition`: subscribed people by class; `answering`: those of them who answered in 28 days; `letters_90`: letters accepted in 90
    days, those of cleanups and service letters aside.
    """
    acts = (_v.type.in_([kind.value for kind in ANSWERS]), _v.at >= now - ANSWERED_WITHIN, _v.evidence == Evidence.HUMAN.value)
    answering = select(func.count(_v.subscriber_id.distinct())).join(subscribers, _p.id == _v.subscriber_id)
    ordinary = (_d.rule != "cleanup", _d.kind != Kind.SERVICE.value, _d.state == "accepted", _d.accepted_at >= now - LETTERS_OF)
    composition = await count_classes(tx)
    return {
        "composition": {str(word): count for word, count in composition.items()},
        "people": sum(composition.values()),
        "answering": int((await tx.execute(answering.where(*acts, _p.status == Status.SUBSCRIBED.value))).scalar_one()),
        "letters_90": int((await tx.execute(select(func.count()).where(*ordinary))).scalar_one()),
    }
