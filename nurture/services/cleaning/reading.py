"""Read a cleanup: where it stands with its gauges, and the result sheet."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nurture.domain.cleanup import sheet
from nurture.domain.cleanup.guard import Gauge, gauges
from nurture.domain.cleanup.sheet import Difference
from nurture.domain.cleanup.steps import STEP_NAMES
from nurture.domain.cleanup.words import RUNNING, CleanupState
from nurture.domain.documents import Cleanup
from nurture.services.cleaning.starting import stored_cleanup
from nurture.store import cleanup_members as members
from nurture.store import cleanups
from nurture.store.cleanup_figures import workspace_figures
from nurture.store.cleanups import MoveLine, Run
from nurture.store.database import Connection, Database
from nurture.store.documents import load_documents, load_policy
from nurture.store.lanes import notices


@dataclass(frozen=True, slots=True)
class Line:
    """One cleanup in a list. `standing`: why it stands still; `people` of the audience, `taken` of them so far."""

    name: str
    title: str
    state: str
    step: str
    version: int
    standing: str
    people: int
    taken: int
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The result, or how it stands so far. `table`: people by part and verdict; `before` and `after`: the list, `after` as of now while it
    runs. `run` None: not started.
    """

    name: str
    title: str
    state: CleanupState
    document: Cleanup
    run: Run | None
    standing: str
    table: dict[str, dict[str, int]]
    against: dict[str, Difference | None]
    gauges: tuple[Gauge, ...]
    letters: int
    before: dict[str, Any]
    after: dict[str, Any]
    moves: list[MoveLine]
    taken: int

    @property
    def people(self) -> int:
        return sum(self.table["all"].values())

    @property
    def step(self) -> str:
        return STEP_NAMES[self.run.step] if self.run and self.state in (CleanupState.CANARY, CleanupState.RAMP) else ""


async def list_cleanups(db: Database) -> list[Line]:
    """All cleanups by name."""
    async with db.read() as tx:
        stopped = await notices(tx)
        found = []
        for stored in await load_documents(tx, "cleanup"):
            run = await cleanups.load_run(tx, stored.id)
            parts = await members.count_parts(tx, stored.id) if run else {}
            step = STEP_NAMES[run.step] if run and stored.state in (CleanupState.CANARY, CleanupState.RAMP) else ""
            standing = stopped.get(f"cleanup:{stored.name}", "running") if stored.state in RUNNING else ""
            people = sum(count for word, count in parts.items() if word != "taken")
            title = str(getattr(stored.document, "title", ""))
            started = run.started_at if run else None
            found.append(Line(stored.name, title, stored.state, step, stored.version, standing, people, parts.get("taken", 0), started))
        return found


async def result(db: Database, name: str, now: datetime) -> Sheet:
    """The result sheet; raises NurtureError where there is no such cleanup."""
    async with db.read() as tx:
        stored, document = await stored_cleanup(tx, name)
        run = await cleanups.load_run(tx, stored.id)
        standing = (await notices(tx)).get(f"cleanup:{name}", "running") if stored.state in RUNNING else ""
        table = sheet.verdict_table(await members.count_verdicts(tx, stored.id))
        measured, letters = await _measured(tx, run) if run else (gauges(0, 0, 0, 0), 0)
        now_figures = dict(run.after) if run and run.after else await workspace_figures(tx, now)
        before = dict(run.before) if run else now_figures
        price = (await load_policy(tx)).cost_per_thousand
        each = sheet.letters_each(before)
        taken = (await members.count_parts(tx, stored.id))["taken"]
        moves = await cleanups.load_moves(tx, stored.id)
        return Sheet(
            name, document.title, CleanupState(stored.state), document, run, standing, table, sheet.against_holdout(table), measured,
            letters, sheet.condition(before, each, price), sheet.condition(now_figures, each, price), moves, taken,
        )  # fmt: skip


async def _measured(tx: Connection, run: Run) -> tuple[tuple[Gauge, ...], int]:
    reached, tried, letters = await cleanups.count_reached(tx, run.lane_id)
    complaints, bounces = await members.count_ends(tx, run)
    return gauges(complaints, reached, bounces, tried), letters


def to_json(found: Sheet) -> dict[str, Any]:
    """What the command line and the API give out."""
    run = found.run
    return {
        "name": found.name, "title": found.title, "state": found.state.value, "step": found.step or None, "standing": found.standing,
        "started_at": run.started_at.isoformat() if run else None, "ended_at": run.ended_at.isoformat() if run and run.ended_at else None,
        "audience": found.people, "taken": found.taken, "letters": found.letters, "verdicts": found.table,
        "exempt": dict(run.exempt) if run else {},
        "against_holdout": {word: d._asdict() if d else None for word, d in found.against.items()},
        "gauges": [
            {"name": g.line.name, "count": g.found, "people": g.people, "rate": g.rate, "least": g.least, "warn": g.line.warn,
             "stop": g.line.stop, "level": g.level}
            for g in found.gauges
        ],
        "before": found.before, "after": found.after,
        "moves": [{**asdict(m), "at": m.at.isoformat(), "numbers": dict(m.numbers)} for m in found.moves],
    }  # fmt: skip
