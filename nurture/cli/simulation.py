"""`nurture simulate`: what FILES would do to invented people, on a virtual clock; nothing is stored and nothing leaves."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nurture.cli.session import print_json, run

if TYPE_CHECKING:
    from nurture.definitions.loading import Loaded

Files = Annotated[list[Path], typer.Argument(help="YAML or JSON files, or folders of them.", metavar="FILES")]
Weeks = Annotated[int, typer.Option(min=1, max=520, help="How many weeks to live through.")]
People = Annotated[int, typer.Option(min=1, max=100_000, help="How many people to invent.")]
Seed = Annotated[int, typer.Option(help="Same seed, same people, same bytes.")]
Start = Annotated[str | None, typer.Option(metavar="DATE", help="The first day, from 00:00 UTC; the coming Monday unless told.")]
Stay = Annotated[bool, typer.Option("--stay", help="Nobody leaves, bounces, moves or asks for less: all letters are seen to the end.")]
Svg = Annotated[Path | None, typer.Option("--svg", metavar="FOLDER", help="Draw composition, load and hours as SVG files there.")]
Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON value on standard output: deliveries, held, composition, left, load, people, violations."),
]


def register(app: typer.Typer) -> None:
    """Add simulate."""

    @app.command("simulate")
    def simulate_command(
        files: Files, weeks: Weeks = 8, people: People = 200, seed: Seed = 1, start: Start = None, stay: Stay = False, svg: Svg = None,
        json: Json = False,
    ) -> None:  # fmt: skip
        """Live through weeks of FILES with invented people. Each letter is held against the rules; no database is opened, none leaves.

        People answer, buy, leave, bounce, move and ask for less as those of small lists do; scanners and privacy proxies act as well.
        """
        raise typer.Exit(_simulate(files, weeks, people, seed, _monday(start), stay=stay, svg=svg, as_json=json))


def _simulate(
    files: list[Path], weeks: int, people: int, seed: int, start: datetime, *, stay: bool, svg: Path | None, as_json: bool
) -> int:  # fmt: skip
    from nurture.simulation.pictures import draw_into  # noqa: PLC0415 - heavy: only this command needs the engine
    from nurture.simulation.summary import summary  # noqa: PLC0415
    from nurture.simulation.world import simulate  # noqa: PLC0415

    loaded = _load(files)
    if loaded is None:
        return 1
    simulated = run(simulate(loaded.documents, weeks=weeks, people=people, seed=seed, start=start, stay=stay, progress=_progress()))
    for note in simulated.notes:
        sys.stderr.write(f"{note}\n")
    violations = simulated.violations()
    if as_json:
        names = ("deliveries", "held", "composition", "left", "load", "people")
        print_json({name: getattr(simulated, name) for name in names} | {"violations": [v.as_json() for v in violations]})
    else:
        typer.echo(summary(simulated, violations))
    if svg is not None:
        for path in draw_into(svg, simulated):
            sys.stderr.write(f"{path} is drawn.\n")
    return 0


def _load(files: list[Path]) -> "Loaded | None":
    """The documents; None after errors were told. Warnings are told and passed over."""
    from nurture.definitions.loading import load_files  # noqa: PLC0415
    from nurture.domain.lint import Known  # noqa: PLC0415
    from nurture.services.defining import check  # noqa: PLC0415
    from nurture.shipped import shipped  # noqa: PLC0415

    loaded = load_files(files)
    nothing_else = Known(segments=frozenset(), sequences=frozenset(), letters=frozenset(), library=frozenset())
    faults = loaded.faults if loaded.errors else (*loaded.faults, *check(loaded.documents, shipped("templates"), nothing_else))
    for fault in sorted(dict.fromkeys(faults), key=lambda f: (f.file, f.line, f.column)):
        sys.stderr.write(fault.render(loaded.sources.get(fault.file, "")) + "\n")
    if any(f.level == "error" for f in faults):
        sys.stderr.write("Nothing was simulated.\n")
        return None
    return loaded


def _monday(text: str | None) -> datetime:
    """The day given, or the coming Monday, at 00:00 UTC."""
    if text is None:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=7 - today.weekday())
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it as 2026-03-02", param_hint="--start") from None


def _progress() -> Callable[[int, int], None] | None:
    """On a terminal, a line on standard error that follows the weeks."""
    return _show if sys.stderr.isatty() else None


def _show(week: int, weeks: int) -> None:
    sys.stderr.write(f"\rweek {week} of {weeks}" + ("\n" if week == weeks else ""))
    sys.stderr.flush()
