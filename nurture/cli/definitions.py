"""`nurture lint | diff | apply | schema`: what marketers write, looked at before it counts."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nurture.cli.session import opened, print_json, run

if TYPE_CHECKING:
    from nurture.definitions.faults import Fault
    from nurture.definitions.loading import Loaded
    from nurture.domain.documents import Policy
    from nurture.domain.lint import Known
    from nurture.services.defining import Applied
    from nurture.services.defining.differing import Difference

Files = Annotated[list[Path], typer.Argument(help="YAML or JSON files, or folders of them.", metavar="FILES")]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output.")]


def register(app: typer.Typer) -> None:
    """Add lint, diff, apply and schema."""

    @app.command("lint")
    def lint_command(
        files: Files,
        online: Annotated[bool, typer.Option("--online", help="Also visit every link of every letter.")] = False,
        allow_private: Annotated[
            bool, typer.Option("--allow-private", help="With --online: visit addresses of your own network, too.")
        ] = False,
        json: Json = False,
    ) -> None:
        """Say what is wrong with these files; exit 1 on errors only. Works without a database."""
        raise typer.Exit(_lint(files, online=online, allow_private=allow_private, as_json=json))

    @app.command("diff")
    def diff_command(files: Files, json: Json = False) -> None:
        """Show what `apply` would change, and what that does to people under way. Also who matches now and who would be enrolled."""
        raise typer.Exit(run(_diff(files, as_json=json)))

    @app.command("apply")
    def apply_command(
        files: Files,
        enrol_existing: Annotated[
            bool, typer.Option("--enrol-existing", help="Also take in the people who match a sequence already.")
        ] = False,
        json: Json = False,
    ) -> None:
        """Store these files, all or nothing. Nobody is mailed by it; campaigns and cleanups are kept as drafts."""
        raise typer.Exit(run(_apply(files, enrol_existing=enrol_existing, as_json=json)))

    @app.command("schema")
    def schema_command() -> None:
        """Print the JSON schema of all documents, for editors."""
        from nurture.definitions.schema import json_schema  # noqa: PLC0415 - heavy imports only where they are used

        print_json(json_schema())


def _lint(files: list[Path], *, online: bool, allow_private: bool, as_json: bool) -> int:
    from nurture.definitions.loading import load_files  # noqa: PLC0415
    from nurture.services.defining import check  # noqa: PLC0415
    from nurture.shipped import shipped  # noqa: PLC0415

    loaded = load_files(files)
    known, policy = run(_stored())
    visited = run(_visited(loaded, allow_private=allow_private)) if online else []
    faults = _sorted([*loaded.faults, *check(loaded.documents, shipped("templates"), known, policy), *visited])
    errors = sum(f.level == "error" for f in faults)
    if as_json:
        print_json([f.as_json() for f in faults])
    else:
        _print_faults(faults, loaded, sys.stdout)
        typer.echo(_summary(len(loaded.documents), errors, len(faults) - errors))
    return 1 if errors else 0


async def _visited(loaded: "Loaded", *, allow_private: bool) -> "list[Fault]":
    from nurture.services.visiting import check_links  # noqa: PLC0415
    from nurture.shipped import shipped  # noqa: PLC0415

    return await check_links(loaded.documents, shipped("templates"), allow_private=allow_private)


async def _stored() -> "tuple[Known | None, Policy | None]":
    """What the workspace holds. A workspace that does not exist holds nothing; one that does not answer tells nothing."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from nurture.domain.errors import NurtureError  # noqa: PLC0415
    from nurture.domain.lint import Known  # noqa: PLC0415
    from nurture.services.defining import known_names  # noqa: PLC0415
    from nurture.store.database import connect  # noqa: PLC0415

    try:
        url = _workspace()
        if url is None:
            return Known(segments=frozenset(), sequences=frozenset(), letters=frozenset(), library=frozenset()), None
        db = connect(url)
        try:
            return await known_names(db)
        finally:
            await db.close()
    except (NurtureError, SQLAlchemyError, OSError):
        return None, None


def _workspace() -> str | None:
    """The database's URL; None where its file is not there, so that linting makes none."""
    from sqlalchemy import make_url  # noqa: PLC0415

    from nurture.settings import load_settings  # noqa: PLC0415

    url = load_settings().url
    parsed = make_url(url)
    missing = parsed.get_backend_name() == "sqlite" and not (parsed.database and Path(parsed.database).is_file())
    return None if missing else url


async def _diff(files: list[Path], *, as_json: bool) -> int:
    from nurture.services.defining.differing import diff  # noqa: PLC0415

    loaded = _load(files, as_json=as_json)
    if loaded is None:
        return 1
    async with opened() as app:
        found = await diff(app.db, loaded.documents, app.clock())
    if as_json:
        print_json([asdict(d) for d in found])
        return 0
    for difference in found:
        for line in _difference_lines(difference):
            typer.echo(line)
    return 0


async def _apply(files: list[Path], *, enrol_existing: bool, as_json: bool) -> int:
    from nurture.definitions.faults import Refused  # noqa: PLC0415
    from nurture.services.defining import apply, check, known_names  # noqa: PLC0415

    loaded = _load(files, as_json=as_json)
    if loaded is None:
        return 1
    async with opened() as app:
        known, policy = await known_names(app.db)
        faults = _sorted([*loaded.faults, *check(loaded.documents, app.templates, known, policy)])
        _print_faults(faults, loaded, sys.stderr)
        if any(f.level == "error" for f in faults):
            sys.stderr.write("Nothing was stored.\n")
            return 1
        try:
            applied = await apply(app.db, loaded.documents, app.clock(), templates=app.templates, enrol_existing=enrol_existing)
        except Refused as refused:
            _print_faults(refused.faults, loaded, sys.stderr)
            sys.stderr.write("Nothing was stored.\n")
            return 1
        await app.bell.ring("plan")
    if as_json:
        print_json([asdict(a) for a in applied])
        return 0
    for one in applied:
        for line in _applied_lines(one):
            typer.echo(line)
    return 0


def _load(files: list[Path], *, as_json: bool) -> "Loaded | None":
    """The files, or None after their errors were told."""
    from nurture.definitions.loading import load_files  # noqa: PLC0415

    loaded = load_files(files)
    if not loaded.errors:
        return loaded
    if as_json:
        print_json([f.as_json() for f in loaded.faults])
    _print_faults(loaded.faults, loaded, sys.stderr)
    sys.stderr.write("Nothing was stored.\n")
    return None


def _sorted(faults: "Iterable[Fault]") -> "list[Fault]":
    return sorted(dict.fromkeys(faults), key=lambda f: (f.file, f.line, f.column))


def _print_faults(faults: "Iterable[Fault]", loaded: "Loaded", out: Any) -> None:
    for fault in faults:
        out.write(fault.render(loaded.sources.get(fault.file, "")) + "\n")


def _summary(documents: int, errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return f"{_counted(documents, 'document')}, nothing to say."
    return f"{_counted(documents, 'document')} read: {_counted(errors, 'error')}, {_counted(warnings, 'warning')}."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _difference_lines(found: "Difference") -> list[str]:
    lines = [f"{found.type} {found.name}: {found.change}", *(f"  {line}" for line in (*found.changes, *found.says))]
    if found.type == "sequence":
        lines.append(
            f"  {found.matching} match now, {found.would_enrol} would be enrolled with --enrol-existing, {found.under_way} under way"
        )
    return lines


def _applied_lines(one: "Applied") -> list[str]:
    draft = " (draft)" if one.state == "draft" else ""
    if draft and one.type == "campaign":
        draft = f" (draft; it leaves by: nurture campaign start {one.name})"
    if draft and one.type == "cleanup":
        draft = f" (draft; look at it with: nurture cleanup preflight {one.name}, let it begin with: nurture cleanup start {one.name})"
    lines = [f"{one.type} {one.name}: {one.change}, version {one.version}{draft}", *(f"  {change}" for change in one.changes)]
    if one.passed_over:
        lines.append(f"  {one.passed_over} match already and are passed over; --enrol-existing takes them in")
    if one.pinned:
        lines.append(f"  {one.pinned} under way finish the version before; newcomers get this one")
    if one.released:
        lines.append(f"  {one.released} who were on older versions go on in this one")
    if one.taken_in:
        lines.append(f"  {one.taken_in} match already and are taken in by the next run of the worker")
    return lines
