"""`nurture questions`: what people answered - results, every answer as CSV, the draw and the letter that tells of it."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from nurture.cli.session import opened, print_json, run

if TYPE_CHECKING:
    from datetime import datetime

    from nurture.domain.tally import Line, Tally
    from nurture.services.polling import Brief

_BAR = 24
_WIDE = 108
AsJson = Annotated[bool, typer.Option("--json", help="Machine output.")]
Name = Annotated[str, typer.Argument(help="The question's name.")]


def register(app: typer.Typer) -> None:
    """Add questions."""
    group = typer.Typer(help="What people answered; all questions unless told.", invoke_without_command=True)
    group.callback()(list_questions)
    group.command("result")(show_result)
    group.command("export")(export)
    group.command("draw")(draw)
    group.command("announce")(announce)
    app.add_typer(group, name="questions")


def list_questions(context: typer.Context, json: AsJson = False) -> None:
    """Every question with how many people were asked and how many answered."""
    if context.invoked_subcommand is None:
        run(tell_all(as_json=json))


async def tell_all(*, as_json: bool) -> None:
    from nurture.services.polling import list_questions as load  # noqa: PLC0415 - heavy imports only where they are used

    async with opened() as app:
        found = await load(app.db, app.clock())
    if as_json:
        print_json([asdict(line) for line in found])
        return
    for line in found:
        typer.echo(brief(line))
    if not found:
        typer.echo("No question yet; write one and run: nurture apply FILE")


def brief(line: "Brief") -> str:
    answered = f"{line.people:,} of {line.asked:,} answered" if line.asked else f"{line.people:,} answered"
    state = "closed" if line.closed else f"last {line.last:%Y-%m-%d}" if line.last else "no answer yet"
    return f"{line.name:24} {line.way:8} {answered:28} {state:16} {line.heading[:50]}"


def show_result(
    name: Name,
    json: AsJson = False,
    since: Annotated[str | None, typer.Option(help="Only answers from this date on: 2026-07-01.")] = None,
) -> None:
    """Counts, the mean with its uncertainty, the most named words. Names and texts of people: `questions export`."""

    async def work() -> None:
        from nurture.domain.tally import to_json  # noqa: PLC0415
        from nurture.services.polling import result  # noqa: PLC0415

        async with opened() as app:
            found = await result(app.db, name, since=_date(since))
        if json:
            print_json(to_json(found.tally))
            return
        for line in lines(found.tally):
            typer.echo(line)

    run(work())


def _date(written: str | None) -> "datetime | None":
    from datetime import UTC, datetime  # noqa: PLC0415

    from nurture.domain.errors import NurtureError  # noqa: PLC0415

    if written is None:
        return None
    try:
        return datetime.strptime(written, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise NurtureError(f"{written!r} is no date; write 2026-07-01") from error


def lines(tally: "Tally") -> Iterator[str]:
    """The result as text, a line each."""
    yield from wrap(f"{tally.name}: {tally.heading}", _WIDE)
    rate = f" of {tally.asked:,} asked ({tally.people / tally.asked:.1%})" if tally.asked else ""
    yield f"{tally.people:,} people answered{rate}, {tally.own_words:,} in their own words, {tally.by_click:,} by a click alone"
    if tally.machines:
        yield f"{tally.machines:,} clicks and forms of machines are left out"
    if not tally.people:
        return
    if tally.mean is not None:
        sure = "" if tally.mean.low is None else f" (surely within {tally.mean.low:.2f} - {tally.mean.high:.2f})"
        yield f"Mean {tally.mean.value:.2f}{sure}"
    yield ""
    yield from _bars(tally.lines)
    for step in tally.steps:
        yield ""
        yield step.text
        yield from _bars(step.lines)
    if tally.themes:
        yield ""
        yield "Most named in own words"
        for theme in tally.themes:
            yield f"  {theme.words:36}{len(theme.people):>6,}"
    if len(tally.periods) > 1:
        yield ""
        yield "Quarter by quarter"
        for period in tally.periods:
            most = sorted(period.chosen.items(), key=lambda item: (-item[1], item[0]))[:3]
            told = ", ".join(f"{choice} {number:,}" for choice, number in most)
            mean = "" if period.mean is None else f"  mean {period.mean:.2f}"
            yield f"  {period.name}{period.people:>8,}{mean}  {told}"


def _bars(found: "tuple[Line, ...]") -> Iterator[str]:
    for line in found:
        full = round(line.share * _BAR)
        text = line.text if len(line.text) <= 35 else line.text[:34] + "…"
        sure = f"{line.low:.0%} - {line.high:.0%}"
        yield f"  {text:36}{line.people:>6,}{line.share:>7.0%}{sure:>14}  {'█' * full}{'·' * (_BAR - full)}"


def export(name: Name, file: Annotated[Path | None, typer.Argument(help="Where to write; standard output unless told.")] = None) -> None:
    """Every answer as CSV, with who gave it. Cells that a spreadsheet would run are guarded."""

    async def work() -> None:
        from nurture.services.polling import export_answers  # noqa: PLC0415

        async with opened() as app:
            if file is None:
                await export_answers(app.db, name, sys.stdout)
                return
            with file.open("w", newline="", encoding="utf-8") as out:
                number = await export_answers(app.db, name, out)
            typer.echo(f"{number:,} answers in {file}")

    run(work())


def draw(name: Name, json: AsJson = False) -> None:
    """Draw the winners of a closed question, once and for good, and show what proves that it was fair."""

    async def work() -> None:
        from nurture.services.drawing import draw as make  # noqa: PLC0415

        async with opened() as app:
            made = await make(app.db, name, app.clock())
            page = f"{app.settings.base_url.rstrip('/')}/draws/{name}"
        if json:
            print_json(asdict(made) | {"page": page})
            return
        typer.echo(f"{len(made.entries):,} took part; drawn on {made.drawn_at:%Y-%m-%d %H:%M} UTC")
        for entry, named in made.winners:
            typer.echo(f"  {entry}  {named or '(did not agree to be named)'}")
        typer.echo(f"seed {made.seed}\nhash {made.commitment}, shown since {made.since:%Y-%m-%d}\nEverybody can check it at {page}")

    run(work())


def announce(name: Name) -> None:
    """Mail the result letter of a question to everybody who took part, once each."""

    async def work() -> None:
        from nurture.answerdesk import announce as tell  # noqa: PLC0415

        async with opened() as app:
            sent = await tell(app, name)
        typer.echo(f"{sent:,} result letters are on their way.")

    run(work())
