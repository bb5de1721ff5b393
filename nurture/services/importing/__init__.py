"""Import people from a CSV file of any size in flat memory; a run that is broken off goes on where it was, with the same result."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from nurture.domain.columns import Plan, plan_columns
from nurture.domain.errors import NurtureError
from nurture.domain.rows import Row, read_row
from nurture.mail.address import normalise
from nurture.services.importing.batches import Line, Outcome, Refused, find_doors, put_in
from nurture.services.importing.errors_file import ErrorsFile
from nurture.services.importing.files import inspect
from nurture.services.importing.records import Lines, Record, find_delimiter, records
from nurture.services.importing.rehearsal import Rehearsal
from nurture.store import imports
from nurture.store.database import Database
from nurture.store.leftovers import let_go

CHUNK = 2_000  # rows of one transaction
LISTED = 1_000  # errors and warnings that a result lists; errors.csv has them all
_REST = 0.002  # seconds between two transactions, so that a person who leaves meanwhile gets in


@dataclass(frozen=True, slots=True)
class RowNote:
    """A row that was refused, or taken with a doubt. `line` is the physical line it begins on."""

    line: int
    reason: str


@dataclass(slots=True)
class ImportResult:
    """Counts of rows; `enrolled` counts ways that `--enrol` opened. `errors` and `warnings` list the first thousand of each. `resumed_at`:
    the line an earlier run had come to.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    errors: list[RowNote] = field(default_factory=list)
    warnings: list[RowNote] = field(default_factory=list)
    resumed_at: int = 0
    enrolled: int = 0

    def take(self, outcome: Outcome, refused: Sequence[Refused], doubts: Iterable[RowNote]) -> None:
        self.added += outcome.added
        self.updated += outcome.updated
        self.unchanged += outcome.unchanged
        self.enrolled += outcome.enrolled
        self.refused += len(refused)
        self.errors += [RowNote(r.line, r.reason) for r in refused[: max(0, LISTED - len(self.errors))]]
        self.warnings += islice(doubts, max(0, LISTED - len(self.warnings)))

    def counts(self) -> dict[str, Any]:
        notes = {name: [[n.line, n.reason] for n in getattr(self, name)] for name in ("errors", "warnings")}
        counts = {name: getattr(self, name) for name in ("added", "updated", "unchanged", "refused", "enrolled")}
        return counts | notes

    @classmethod
    def from_counts(cls, counts: Mapping[str, Any], line: int) -> "ImportResult":
        errors, warnings = ([RowNote(*pair) for pair in counts[name]] for name in ("errors", "warnings"))
        added, updated, unchanged, refused = (counts[name] for name in ("added", "updated", "unchanged", "refused"))
        return cls(added, updated, unchanged, refused, errors, warnings, line, counts.get("enrolled", 0))


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes are read; `rows` so far."""

    done: int
    total: int
    rows: int


@dataclass(slots=True)
class _Chunk:
    lines: list[Line] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    doubts: list[RowNote] = field(default_factory=list)
    rows: int = 0
    last_line: int = 0


async def import_csv(
    db: Database, path: Path, *, mapping: Mapping[str, str] | None = None, dry_run: bool = False, now: datetime,
    enrol: str | Iterable[str] | None = None, errors_path: Path | None = None, progress: Callable[[Progress], None] | None = None,
) -> ImportResult:  # fmt: skip
    """Put the people of the file in, in transactions of a few thousand rows that also say how far they came.

    `mapping`: column -> target, for headers not known by themselves. `enrol`: sequences the people enter; without it none starts by an
    import. `errors_path` gets line, reason and row of all that was refused. Raises NurtureError for a file that cannot be read at all.
    """
    names = [enrol] if isinstance(enrol, str) else list(enrol or ())
    facts = await asyncio.to_thread(inspect, Path(path), [*(f"{c}={t}" for c, t in (mapping or {}).items()), "enrol", *names])
    async with db.read() as tx:
        doors = await find_doors(tx, names)
        earlier = None if dry_run else await imports.unfinished(tx, facts.digest)
    start, counts = earlier or (0, {})
    result = ImportResult.from_counts(counts, start) if earlier else ImportResult()
    with facts.open() as file, ErrorsFile(errors_path, facts.path) as errors:
        lines = Lines(file)
        stream = records(lines, find_delimiter(lines))
        plan = plan_columns(_header(next(stream, None)), mapping)
        if earlier:
            errors.go_on(counts["errors_at"], [Refused(n.line, n.reason, "") for n in result.errors])
        elif not dry_run:
            async with db.write() as tx:
                await imports.begin(tx, facts.digest, now)
        chunks = _chunks(plan, stream, start)
        rehearsal = Rehearsal()
        rows, last = 0, start
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            if dry_run:
                async with db.read() as tx:
                    _count(result, chunk, await rehearsal.take(tx, chunk.lines, now), errors)
            else:
                async with db.write() as tx:
                    written = _count(result, chunk, await put_in(tx, chunk.lines, doors, now), errors)
                    await imports.advance(tx, facts.digest, chunk.last_line, result.counts() | {"errors_at": written})
                await asyncio.sleep(_REST)
            let_go()
            rows, last = rows + chunk.rows, chunk.last_line
            if progress:
                progress(Progress(file.buffer.tell(), facts.size, rows))
        if not dry_run:
            async with db.write() as tx:
                await imports.advance(tx, facts.digest, last, result.counts() | {"errors_at": errors.size}, now)
    return result


def _header(record: Record | None) -> list[str]:
    if record is None or record.fault:
        raise NurtureError(f"the first line must name the columns{f', but {record.fault}' if record else ''}; for example: email,name,tags")
    return record.cells


def _chunks(plan: Plan, stream: Iterator[Record], after: int) -> Iterator[_Chunk]:
    """The rows below line `after`, read and judged by themselves."""
    fresh = (record for record in stream if record.line > after)
    while piece := list(islice(fresh, CHUNK)):
        chunk = _Chunk(rows=len(piece), last_line=piece[-1].last_line)
        for record in piece:
            try:
                row = _read(plan, record)
            except (ValueError, NurtureError) as error:
                chunk.refused.append(Refused(record.line, str(error), record.raw))
            else:
                chunk.lines.append(Line(record.line, record.raw, row))
                chunk.doubts += [RowNote(record.line, warning) for warning in row.warnings]
        yield chunk


def _read(plan: Plan, record: Record) -> Row:
    if record.fault:
        raise ValueError(record.fault)
    return read_row(plan, record.cells, normalise)


def _count(result: ImportResult, chunk: _Chunk, outcome: Outcome, errors: ErrorsFile) -> int:
    """Into the result and errors.csv; the size of the latter."""
    refused = sorted([*chunk.refused, *outcome.refused], key=lambda r: r.line)
    result.take(outcome, refused, chunk.doubts)
    return errors.write(refused)
