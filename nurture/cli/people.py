"""`nurture import`, `nurture export`, `nurture segment`: people in, people out, and who matches a question."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nurture.cli.session import opened, print_json, run

if TYPE_CHECKING:
    from nurture.domain.conditions import Condition
    from nurture.services.importing import ImportResult, Progress

_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add `import`, `export` and `segment count|list`."""

    @app.command("import")
    def import_command(
        file: Path = typer.Argument(help="A CSV file: our own export, Mailchimp's, listmonk's, or any other with --map."),
        mapping: list[str] = typer.Option([], "--map", metavar="COLUMN=FIELD", help='What a column means, "Column=-" to leave it out.'),
        dry_run: bool = typer.Option(False, "--dry-run", help="Read and judge every row, change nothing."),
        enrol: list[str] = typer.Option([], "--enrol", metavar="NAME", help="A sequence the people enter; without it none starts."),
        errors: Path = typer.Option(Path("errors.csv"), "--errors", help="Where refused rows go: line, reason, row."),
        json: bool = typer.Option(False, "--json", help="One JSON value: added, updated, unchanged, refused, errors."),
    ) -> None:
        """Put people in from a CSV file. It may be broken off and run again: it goes on where it was. Nobody who left is brought back."""
        run(_import(file, _mapping(mapping), enrol, errors, dry_run=dry_run, as_json=json))

    @app.command("export")
    def export_command(
        segment: str | None = typer.Option(None, "--segment", metavar="NAME", help="Only those who match this segment now."),
        out: Path | None = typer.Option(None, "--out", metavar="FILE", help="The file to write; standard output unless told."),
    ) -> None:
        """Write people as CSV that `import` reads back unchanged."""
        run(_export(segment, out))

    _register_segments(app)


def _register_segments(app: typer.Typer) -> None:
    group = typer.Typer(help="Saved questions about people, answered now.", no_args_is_help=True)
    app.add_typer(group, name="segment")

    @group.command("count")
    def count_command(
        name: str | None = typer.Argument(None, help="A segment."),
        where: str | None = typer.Option(None, "--where", metavar="JSON", help='A condition, such as {"tag": "roof"}.'),
        json: bool = typer.Option(False, "--json", help="One JSON value."),
    ) -> None:
        """How many people match a segment or a condition."""
        run(_count(name, where, as_json=json))

    @group.command("list")
    def list_command(json: bool = typer.Option(False, "--json", help="One JSON value.")) -> None:
        """Every segment with its people now."""
        run(_list(as_json=json))

    @group.command("people")
    def people_command(
        name: str | None = typer.Argument(None, help="A segment."),
        where: str | None = typer.Option(None, "--where", metavar="JSON", help="A condition."),
        limit: int = typer.Option(100, "--limit", min=1, max=100_000, help="At most this many."),
        json: bool = typer.Option(False, "--json", help="One JSON value."),
    ) -> None:
        """Who matches a segment or a condition."""
        run(_people(name, where, limit, as_json=json))


def _mapping(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        column, equals, target = pair.rpartition("=")
        if not equals or not column.strip():
            raise typer.BadParameter(f'{pair!r} is not understood; write it as "Column=field"', param_hint="--map")
        found[column.strip()] = target.strip()
    return found


@contextmanager
def _bar(*, shown: bool) -> "Iterator[Callable[[Progress], None] | None]":
    """A progress bar on standard error, when somebody is looking."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - heavy imports only where they are used
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Importing", total=None)
        yield lambda p: bar.update(task, total=p.total, completed=p.done, description=f"{p.rows:,} rows")


async def _import(file: Path, mapping: dict[str, str], enrol: list[str], errors: Path, *, dry_run: bool, as_json: bool) -> None:
    from nurture.services.importing import import_csv  # noqa: PLC0415

    async with opened() as app:
        with _bar(shown=not as_json) as progress:
            result = await import_csv(
                app.db, file, mapping=mapping, dry_run=dry_run, now=app.clock(), enrol=enrol, errors_path=errors, progress=progress
            )  # fmt: skip
        if not dry_run:
            await app.bell.ring("plan")
    if as_json:
        notes = [{"line": e.line, "reason": e.reason} for e in result.errors]
        counts = {name: getattr(result, name) for name in ("added", "updated", "unchanged", "refused")}
        print_json(counts | {"errors": notes})
    else:
        _tell(result, errors, dry_run=dry_run)
        if enrol and not dry_run:
            typer.echo(f"{result.enrolled:,} enrolled in {', '.join(enrol)}: those who fit the audience and are not there yet.")


def _tell(result: "ImportResult", errors: Path, *, dry_run: bool) -> None:
    if result.resumed_at:
        typer.echo(f"Went on after line {result.resumed_at:,}, where an earlier run was broken off.")
    would = "would be " if dry_run else ""
    typer.echo(f"{result.added:,} {would}added, {result.updated:,} updated, {result.unchanged:,} unchanged, {result.refused:,} refused.")
    for note in result.errors[:_SHOWN]:
        typer.echo(f"  line {note.line:,}: {note.reason}")
    if result.refused:
        typer.echo(f"All refused rows with their reasons: {errors}")
    for note in result.warnings[:_SHOWN]:
        typer.echo(f"  line {note.line:,}: {note.reason}", err=True)
    if len(result.warnings) > _SHOWN:
        typer.echo(f"  ... and {len(result.warnings) - _SHOWN:,} more such lines; their rows are taken in all the same.", err=True)


async def _export(segment: str | None, out: Path | None) -> None:
    from nurture.domain.errors import NurtureError  # noqa: PLC0415
    from nurture.services.auditing import record  # noqa: PLC0415
    from nurture.services.exporting import export_csv  # noqa: PLC0415

    async with opened() as app:
        await record(app.db)
        if out is None:
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
            await export_csv(app.db, sys.stdout, segment, now=app.clock())
            return
        part = out.with_name(out.name + ".part")  # the old export stays whole until the new one is
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                number = await export_csv(app.db, file, segment, now=app.clock())
            part.replace(out)
        except OSError as error:
            raise NurtureError(f"{out} cannot be written: {(error.strerror or str(error)).lower()}") from error
        finally:
            part.unlink(missing_ok=True)
    typer.echo(f"{number:,} people written to {out}", err=True)


def _condition(where: str | None) -> "Condition | None":
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    from nurture.domain.conditions import Condition  # noqa: PLC0415
    from nurture.domain.errors import NurtureError  # noqa: PLC0415

    if where is None:
        return None
    try:
        condition: Condition = TypeAdapter(Condition).validate_json(where)
    except ValidationError as error:
        first = error.errors()[0]
        steps = [str(step) for n, step in enumerate(first["loc"]) if not n or step != first["loc"][n - 1]]  # pydantic names the word twice
        place = ".".join(steps)
        said = str(first.get("ctx", {}).get("error", first["msg"]))
        if first["type"] == "json_invalid":
            said = 'it is not JSON; write the words in double quotes and all of it in single ones, such as \'{"tag": "roof"}\''
        raise NurtureError(f"--where{' at ' + place if place else ''}: {said}") from error
    return condition


async def _count(name: str | None, where: str | None, *, as_json: bool) -> None:
    from nurture.services.segmenting import count_people  # noqa: PLC0415

    condition = _condition(where)
    async with opened() as app:
        number = await count_people(app.db, app.clock(), segment=name, where=condition)
    if as_json:
        print_json({"count": number})
    else:
        typer.echo(f"{number:,}")


async def _list(*, as_json: bool) -> None:
    from nurture.services.segmenting import list_segments  # noqa: PLC0415

    async with opened() as app:
        segments = await list_segments(app.db, app.clock())
    if as_json:
        print_json([{"name": s.name, "title": s.title, "count": s.people} for s in segments])
        return
    for segment in segments:
        typer.echo(f"{segment.people:>10,}  {segment.name}  {segment.title}".rstrip())
    if not segments:
        typer.echo("No segments yet; apply a file with `segment: name` and `where: ...`.")


async def _people(name: str | None, where: str | None, limit: int, *, as_json: bool) -> None:
    from nurture.services.segmenting import list_people  # noqa: PLC0415

    condition = _condition(where)
    async with opened() as app:
        people = await list_people(app.db, app.clock(), segment=name, where=condition, limit=limit)
    if as_json:
        print_json([{"id": p.id, "email": p.email, "name": p.name, "status": p.status.value, "tags": list(p.tags)} for p in people])
        return
    for person in people:
        typer.echo(f"{person.email}  {person.status.value}  {', '.join(person.tags)}".rstrip())
