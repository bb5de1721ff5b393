"""Export people as CSV that our import reads back to the same people: statuses, tags, topics, free fields with their types, times."""

import csv
from datetime import datetime
from typing import TextIO

from nurture.domain.cells import guard, write_instant, write_json, write_tags, write_typed
from nurture.store import subscribers
from nurture.store.conditions import compile_condition
from nurture.store.database import Database
from nurture.store.documents import load_policy
from nurture.store.segments import segment_condition
from nurture.store.subscribers import Person

COLUMNS = (
    "email", "name", "first_name", "patronymic", "timezone", "zone_source", "locale", "country", "tags", "topics", "source", "status",
    "status_at", "joined_at", "frequency", "kinds", "tracking", "paused_until",
)  # fmt: skip
_INSTANTS = ("status_at", "joined_at", "paused_until")


async def export_csv(db: Database, out: TextIO, segment: str | None = None, *, now: datetime) -> int:
    """Write everybody, or those of a segment, in the order they came; returns how many. Open `out` with newline="".

    Each free field is a column `fields.<name>`. Raises NurtureError for an unknown segment before anything is written.
    """
    async with db.read() as tx:
        chosen = None
        if segment is not None:
            chosen = compile_condition(await segment_condition(tx, segment), now, (await load_policy(tx)).timezone)
        names = await subscribers.field_names(tx)
        writer = csv.writer(out)
        writer.writerow([*COLUMNS, *(f"fields.{name}" for name in names)])
        number = 0
        async for people in subscribers.stream(tx, chosen):
            writer.writerows(_row(person, names) for person in people)
            number += len(people)
    return number


def _row(person: Person, names: list[str]) -> list[str]:
    own = (_cell(person, column) for column in COLUMNS)
    free = (write_typed(person.fields[name]) if name in person.fields else "" for name in names)
    return [guard(text) for text in (*own, *free)]


def _cell(person: Person, column: str) -> str:
    value = getattr(person, column)
    if column in _INSTANTS:
        return write_instant(value)
    if column == "tags":
        return write_tags(value)
    if column == "topics":
        return write_json(value)
    return "" if value is None else str(value)
