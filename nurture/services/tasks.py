"""Tasks that rules have set for people of the team: listed, and done."""

from collections.abc import Iterable
from datetime import datetime

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.store import tasks
from nurture.store.database import Database
from nurture.store.tasks import TaskLine

STATES = ("open", "done", "cancelled")


async def list_tasks(db: Database, *, states: Iterable[str] = ("open",), after: int = 0, limit: int = 100) -> list[TaskLine]:
    """By id, the oldest first; raises NurtureError for a state that there is not."""
    for state in states:
        if state not in STATES:
            raise NurtureError(f"{state!r} is no state of a task; use {', '.join(STATES)}")
    async with db.read() as tx:
        return await tasks.list_tasks(tx, after=after, limit=limit, states=states)


async def finish_task(db: Database, task_id: int, by: str, now: datetime) -> TaskLine:
    """Mark it as done; one that is done already stays as it is. Raises NurtureError for one that is not there, or was cancelled."""
    async with db.write() as tx:
        await tasks.end_task(tx, task_id, "done", by, now)
        line = await tasks.find_task(tx, task_id)
    if line is None:
        raise NurtureError(f"there is no task {task_id}; look at them with: nurture tasks", ErrorKind.MISSING)
    if line.state == "cancelled":
        raise NurtureError(f"the task {task_id} was cancelled: {line.ended_by}", ErrorKind.CONFLICT)
    return line
