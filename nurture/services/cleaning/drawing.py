"""Draw the audience, each person with their rank, and take people in as their step comes."""

from datetime import datetime

from nurture.domain.cleanup.audience import Facts, sort, still
from nurture.domain.cleanup.courses import Leg
from nurture.domain.cleanup.sampling import draw, rank
from nurture.domain.cleanup.steps import LAST_STEP, event_is_over
from nurture.domain.cleanup.words import EXEMPT_WORDS, CleanupState, Part, Verdict
from nurture.services.cleaning.cleaned import Cleaned
from nurture.services.cleaning.starting import LAST_ZONE
from nurture.store import cleanup_members as members
from nurture.store import cleanups
from nurture.store.cleanups import Run
from nurture.store.database import Connection

_LEG_OF = {Part.OFFERS: Leg.OFFERS, Part.REPERMISSION: Leg.REPERMISSION}


async def fill(tx: Connection, run: Run, now: datetime, chunk: int, done: Cleaned) -> bool:
    """The next people of the audience by id; after the last one holdout and steps are cut. Returns whether there is more to do."""
    if run.filled_at is not None or run.state is not CleanupState.CANARY:
        return False
    found = await members.facts(tx, run.document_id, run.document.tag, after=run.drawn_to, limit=chunk)
    exempt = dict(run.exempt)
    rows = []
    for person in found:
        part, reason = sort(run.document, person, now)
        if part is not None:
            rows.append(_member(run, person, part))
        elif reason is not None:
            exempt[reason] = exempt.get(reason, 0) + 1
    await members.add_members(tx, rows)
    done.drawn += len(rows)
    values = {"exempt": exempt, "drawn_to": found[-1].subscriber_id if found else run.drawn_to}
    await cleanups.change_run(tx, run.document_id, **values)
    if len(found) == chunk:
        return True
    cut = draw(await members.count_part(tx, run.document_id, Part.OFFERS), run.document.holdout, run.document.canary)
    await members.hold_out(tx, run.document_id, cut.held)
    sizes = {"held": cut.held, "canary": cut.steps[0], "treated": cut.treated}
    await cleanups.change_run(tx, run.document_id, filled_at=now, step_at=now, **sizes)
    return True


def _member(run: Run, person: Facts, part: Part) -> dict[str, object]:
    return {
        "document_id": run.document_id, "subscriber_id": person.subscriber_id, "part": part.value,
        "rank": rank(run.name, person.subscriber_id), "engagement": person.engagement.value, "reason": "",
    }  # fmt: skip


async def take(tx: Connection, run: Run, now: datetime, chunk: int, done: Cleaned) -> bool:
    """The next people of the present step. Who gave a reason meanwhile to be left alone is spared."""
    if run.filled_at is None or run.paused_at is not None or run.state not in (CleanupState.CANARY, CleanupState.RAMP):
        return False
    if event_is_over(run.document.event, (now - LAST_ZONE).date()):
        return False
    wanted = await members.to_take(tx, run, run.draw.steps[run.step], chunk, repermission=run.step == LAST_STEP)
    ids = [person for person, _ in wanted]
    now_facts = {f.subscriber_id: f for f in await members.facts(tx, run.document_id, run.document.tag, ids=ids)}
    taken: dict[Part, list[int]] = {}
    spared: list[tuple[int, Verdict, str, datetime]] = []
    for person, part in wanted:
        why = still(run.document, now_facts[person], part, now)
        if why is None:
            taken.setdefault(part, []).append(person)
        else:
            spared.append((person, Verdict.SPARED, EXEMPT_WORDS[why], now))
    await members.write_verdicts(tx, run.document_id, spared)
    for part, people in taken.items():
        await members.take_in(tx, run, _LEG_OF[part], people, now)
        done.taken += len(people)
    return len(wanted) == chunk
