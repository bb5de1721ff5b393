"""One sweep over every cleanup that runs: draw the audience, judge, move on, take people in, let them go, close."""

import sys
from collections.abc import Mapping
from datetime import datetime, timedelta

from nurture.domain.cleanup.guard import gauges
from nurture.domain.cleanup.steps import STEP_NAMES, Progress, Step, event_is_over, next_step, settles_at
from nurture.domain.cleanup.verdicts import ENDED_BY_STATUS, stronger
from nurture.domain.cleanup.words import RUNNING, CleanupState, Part, Verdict
from nurture.domain.delivery import letter_name
from nurture.domain.words import Status
from nurture.services.cleaning.cleaned import Cleaned
from nurture.services.cleaning.closing import close
from nurture.services.cleaning.drawing import fill, take
from nurture.services.cleaning.starting import LAST_ZONE
from nurture.services.cleaning.stopping import stop
from nurture.store import cleanup_closing, cleanups
from nurture.store import cleanup_members as members
from nurture.store.cleanup_figures import workspace_figures
from nurture.store.cleanups import Run
from nurture.store.database import Connection, Database
from nurture.store.dialect import alone
from nurture.store.documents import set_state
from nurture.store.workspace import load_workspace

CHUNK = 150  # people in a transaction: on SQLite everybody else who writes waits for it, some 20 ms
JUDGED_AGAIN = timedelta(minutes=30)  # how far back a sweep looks for what came in late; the first of an hour looks at everything
EVERY = timedelta(seconds=30)


async def clean(db: Database, now: datetime, *, every: timedelta = EVERY, chunk: int = CHUNK) -> Cleaned:
    """Lead every cleanup on as far as it goes now. Idempotent; of several workers one does it at a time. `every`: a cleanup that was
    looked at so lately is left alone.
    """
    done = Cleaned()
    async with db.read() as tx:
        runs = [] if (await load_workspace(tx)).halted else await cleanups.load_runs(tx, now)
    for run in runs:
        if run.judged_at is None or run.judged_at <= now - every or run.judged_at > now:
            await _lead(db, run.document_id, now, chunk, done)
    return done


async def _lead(db: Database, document_id: int, now: datetime, chunk: int, done: Cleaned) -> None:
    """One transaction after the other, a chunk of people each, until nothing more is to be done now. What the rules of moving count is
    read before, with no lock: it holds where the run is the same when the lock is had.
    """
    more, full = True, False
    progress: Progress | None = None
    while more:
        taken = done.taken
        async with db.read() as tx:
            seen = await cleanups.load_run(tx, document_id)
            why: Mapping[int, str] = {}
            if not full:  # between two full chunks of people nothing else is due
                progress = await progress_of(tx, seen, now) if seen and _moves(seen) and seen.judged_at == now else None
                why = await members.to_release(tx, seen, chunk, everybody=seen.state is CleanupState.STOPPED) if seen else {}
        async with db.write() as tx:
            run = await cleanups.load_run(tx, document_id) if await alone(tx, "cleaning") else None
            if run is None:
                return
            sys.audit("nurture.cleaning")
            more = run != seen or await _step(tx, run, progress, why, now, chunk, done)
        full = done.taken - taken >= chunk
        sys.audit("nurture.cleaned")


async def _step(
    tx: Connection, run: Run, progress: Progress | None, why: Mapping[int, str], now: datetime, chunk: int, done: Cleaned
) -> bool:  # fmt: skip
    """The next thing to do; whether there may be more now. Verdicts come before moves, moves before people."""
    if await _clock(tx, run, now) or await fill(tx, run, now, chunk, done):
        return True
    if run.filled_at is not None and run.judged_at != now:
        await _judge(tx, run, now, done)
        return True
    if progress is not None and await _move(tx, run, progress, now, done):
        return True
    took = progress is not None and progress.to_take > 0 and await take(tx, run, now, chunk, done)
    let_go = await _release(tx, run, why, now, chunk, done)
    return await close(tx, run, now, chunk, done) or let_go or took


async def _clock(tx: Connection, run: Run, now: datetime) -> bool:
    """While its lane stands still - by hand, or since the policy lacks a line - a cleanup's own clock does too. Whether that changed."""
    if run.state is CleanupState.STOPPED or (run.lane_flag == "running") == (run.paused_at is None):
        return False
    begins = run.paused_at is None
    change = {"paused_at": now} if begins else {"paused_at": None, "step_at": run.step_at + (now - (run.paused_at or now))}
    await cleanups.change_run(tx, run.document_id, **change)
    return True


async def _judge(tx: Connection, run: Run, now: datetime, done: Cleaned, *, whole: bool = False) -> None:
    """New verdicts. Treated people and holdout are measured alike; a stronger finding takes the place of a weaker."""
    if run.filled_at is None:
        return
    last = run.judged_at
    anew = whole or last is None or (last.date(), last.hour) != (now.date(), now.hour)
    since = run.started_at if anew or last is None else last - JUDGED_AGAIN
    found = [(person, ENDED_BY_STATUS[Status(word)], word, at) for person, word, at in await members.judged_by_status(tx, run, since)]
    found += [(person, Verdict.REVIVED, kind, at) for person, kind, at in await members.judged_by_answer(tx, run, since, now)]
    known = await members.verdicts_of(tx, run.document_id, [person for person, *_ in found])
    best: dict[int, tuple[int, Verdict, str, datetime]] = {}
    for person, verdict, reason, at in found:
        before = best[person][1] if person in best else known.get(person)
        if stronger(before, verdict):
            best[person] = (person, verdict, reason, at)
    await members.write_verdicts(tx, run.document_id, best.values())
    await cleanups.change_run(tx, run.document_id, judged_at=now)
    done.judged += len(best)


def _moves(run: Run) -> bool:
    return run.filled_at is not None and run.state in RUNNING and run.paused_at is None


async def _move(tx: Connection, run: Run, progress: Progress, now: datetime, done: Cleaned) -> bool:
    """The next move, with the numbers it is made by; asked again until there is none."""
    step = next_step(progress, now)
    if step is None:
        await _warn(tx, run, progress, now)
        return False
    numbers = await _numbers(tx, run, progress)
    done.moves += 1
    if step.state is CleanupState.STOPPED:
        await stop(tx, run, step.reason, numbers, now)
    else:
        await _to(tx, run, step, numbers, now)
    return True


async def _to(tx: Connection, run: Run, step: Step, numbers: dict[str, object], now: datetime) -> None:
    ended = {"ended_at": now, "after": await workspace_figures(tx, now)} if step.state is CleanupState.FINISHED else {}
    await set_state(tx, run.document_id, step.state, now)
    await cleanups.change_run(tx, run.document_id, step=step.step, step_at=now, **ended)
    await cleanups.add_move(tx, run.document_id, run.state, step.state, step.reason, numbers, now)
    if run.state is CleanupState.CANARY:  # its people may have their second offer now
        await members.look_at_held(tx, run, now)


async def progress_of(tx: Connection, run: Run, now: datetime) -> Progress:
    """How far it is, as the rules of moving read it."""
    reached, tried, _ = await cleanups.count_reached(tx, run.lane_id)
    complaints, bounces = await members.count_ends(tx, run)
    under_way, waiting = await members.count_ways(tx, run)
    wanted = await members.to_take(tx, run, run.draw.steps[run.step], 1, repermission=run.step == len(STEP_NAMES) - 1)
    over = event_is_over(run.document.event, (now - LAST_ZONE).date())
    first = letter_name(run.name, run.document.offers[0].id)
    return Progress(
        run.state, run.step, run.step_at, run.draw, to_take=len(wanted), first_waiting=waiting,
        last_first_at=await cleanups.last_first(tx, run.lane_id, first), under_way=under_way, settled=run.settled_at is not None,
        unresolved=await cleanup_closing.unresolved(tx, run) if run.document.silent == "archive" else 0,
        gauges=gauges(complaints, reached, bounces, tried), event_over=over,
    )  # fmt: skip


async def _numbers(tx: Connection, run: Run, progress: Progress) -> dict[str, object]:
    """What a move's row keeps: the gauges, and people by verdict."""
    verdicts: dict[str, int] = {}
    for (part, word), count in (await members.count_verdicts(tx, run.document_id)).items():
        if part != Part.HOLDOUT:
            verdicts[word] = verdicts.get(word, 0) + count
    measured = {
        g.line.name: {"count": g.found, "people": g.people, "rate": g.rate, "least": g.least, "level": g.level} for g in progress.gauges
    }
    return {"step": STEP_NAMES[run.step], "verdicts": verdicts, **measured}


async def _warn(tx: Connection, run: Run, progress: Progress, now: datetime) -> None:
    """A line to warn at is crossed: told once, as a row among the moves."""
    told = run.warned.split(",")
    for found in progress.gauges:
        if found.level == "warn" and found.line.name not in told:
            told.append(found.line.name)
            await cleanups.add_move(
                tx, run.document_id, run.state, run.state, f"warning: {found.words}", await _numbers(tx, run, progress), now
            )  # fmt: skip
    if ",".join(told) != run.warned:
        await cleanups.change_run(tx, run.document_id, warned=",".join(told))


async def _release(tx: Connection, run: Run, why: Mapping[int, str], now: datetime, chunk: int, done: Cleaned) -> bool:
    """Whoever answered, left or has had every letter goes on as before. After a stop, everybody does."""
    if run.state is CleanupState.STOPPED and run.settled_at is None:
        await _judge(tx, run, now, done, whole=True)
        await members.close_verdicts(tx, run, "the cleanup was stopped before their turn", now)
        await cleanups.change_run(tx, run.document_id, settled_at=now, after=await workspace_figures(tx, now))
    await members.release(tx, run, why, now)
    done.released += len(why)
    if run.state is CleanupState.SETTLING and run.settled_at is None and now >= settles_at(run.step_at) and not why:
        await _judge(tx, run, now, done, whole=True)
        await members.close_verdicts(tx, run, "no letter of the cleanup reached them", now)
        await cleanups.change_run(tx, run.document_id, settled_at=now)
        return True
    return len(why) == chunk
