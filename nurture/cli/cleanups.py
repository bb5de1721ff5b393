"""`nurture cleanup list | preflight | start | pause | resume | cancel | result`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from nurture.cli.planning import AsJson, Name, add_steering
from nurture.cli.session import opened, print_json, run

if TYPE_CHECKING:
    from nurture.services.cleaning import Preflight, Sheet

People = Annotated[int, typer.Option("--people", min=0, help="How many people are named one by one.")]
_VERDICTS = ("revived", "left", "silent", "complained", "bounced", "spared", "open")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Look at and steer cleanups: offers to passive people, with guard rails and a verdict.", no_args_is_help=True)
    group.command("list", help="All cleanups with their state.")(_list)
    group.command("preflight", help="Before it starts: who is in or out and why, when how many letters leave, the load.")(_preflight)
    group.command("start", help="Start a cleanup: its canary gets the first offer.")(_start)
    add_steering(group, "cleanup")
    group.command("cancel", help="Stop a cleanup for good; everybody goes on as before.")(_cancel)
    group.command("result", help="The result sheet, or how it stands so far.")(_result)
    app.add_typer(group, name="cleanup")


def _list(json: AsJson = False) -> None:
    async def work() -> None:
        from dataclasses import asdict  # noqa: PLC0415

        from nurture.services.cleaning import list_cleanups  # noqa: PLC0415 - heavy imports only where they are used

        async with opened() as app:
            found = await list_cleanups(app.db)
        if json:
            print_json([asdict(line) for line in found])
            return
        for line in found:
            state = f"{line.state} {line.step}".strip()
            asked = f"{line.taken:>7} of {line.people} asked"
            typer.echo(f"{line.name:24} {state:12} v{line.version:<3} {asked}   {line.standing}   {line.title}")
        if not found:
            typer.echo("No cleanup yet; write one and run: nurture apply FILE")

    run(work())


def _preflight(name: Name, people: People = 20, json: AsJson = False) -> None:
    async def work() -> None:
        from nurture.services.cleaning import preflight  # noqa: PLC0415
        from nurture.services.cleaning.rehearsing import to_json  # noqa: PLC0415

        async with opened() as app:
            found = await preflight(app.db, name, app.clock(), named=people)
        if json:
            print_json(to_json(found))
            return
        for line in _preflight_lines(found):
            typer.echo(line)

    run(work())


def _preflight_lines(found: "Preflight") -> Iterator[str]:
    from nurture.domain.cleanup.words import EXEMPT_WORDS  # noqa: PLC0415

    cut, table = found.draw, found.table
    yield f"{found.name} ({found.state}): {cut.treated} people get offers, {cut.held} are held out to compare,"
    yield f"{found.repermission} are asked whether they still want letters. Nothing was stored, nobody was written to."
    yield ""
    for step in table.steps:
        dates = f"{step.first:%a %d %b} to {step.last:%a %d %b}" if step.first and step.last else "nobody"
        yield f"  {step.name:8} {step.people:>8} people   first letter {dates}"
    if table.settles:
        closed = f", subscriptions closed by {table.closes:%a %d %b %Y}" if table.closes else ""
        yield f"  verdicts on {table.settles:%a %d %b %Y}{closed}"
    yield ""
    for day in sorted(table.letters):
        yield f"  {day:%a %d %b %Y} {table.letters[day]:>8} letters"
    usual = f"; a normal week has {found.normal_week:.0f}" if found.normal_week else "; no ordinary letters left in 90 days"
    yield f"  at most {sum(table.letters.values())} letters, {table.busiest_week} in the fullest week{usual}"
    yield ""
    yield "Left alone:" if found.exempt else "Nobody of those meant is left alone."
    for reason, count in sorted(found.exempt.items(), key=lambda e: -e[1]):
        yield f"  {count:>8} {EXEMPT_WORDS[reason]}"
    for warning in found.warnings:
        yield f"Note: {warning}."
    for person in found.named:
        word = f"left alone: {person.exempt}" if person.exempt else f"{person.part} {person.step or ''}".strip()
        yield f"  {person.email:40} {word}"


def _start(name: Name) -> None:
    async def work() -> None:
        from nurture.services.cleaning import begin  # noqa: PLC0415

        async with opened() as app:
            await begin(app.db, name, app.clock())
            await app.bell.ring("plan")
        typer.echo(f"{name} has begun: its audience is drawn, its canary gets the first offer. Look at it: nurture cleanup result {name}")

    run(work())


def _cancel(name: Name) -> None:
    async def work() -> None:
        from nurture.services.cleaning import cancel  # noqa: PLC0415

        async with opened() as app:
            await cancel(app.db, name, app.clock())
            await app.bell.ring("plan")
        typer.echo(f"{name} is stopped: no further letter of it leaves, and everybody goes on as before.")

    run(work())


def _result(name: Name, json: AsJson = False) -> None:
    async def work() -> None:
        from nurture.services.cleaning import result  # noqa: PLC0415
        from nurture.services.cleaning.reading import to_json  # noqa: PLC0415

        async with opened() as app:
            found = await result(app.db, name, app.clock())
        if json:
            print_json(to_json(found))
            return
        for line in _result_lines(found):
            typer.echo(line)

    run(work())


def _result_lines(found: "Sheet") -> Iterator[str]:
    standing = f", {found.standing}" if found.standing not in ("", "running") else ""
    yield f"{found.name}: {found.state.value} {found.step}".rstrip() + f"{standing}; {found.people} people, {found.letters} letters"
    yield ""
    yield f"  {'':14}" + "".join(f"{word:>12}" for word in _VERDICTS)
    for part, row in found.table.items():
        if sum(row.values()) or part == "all":
            yield f"  {part:14}" + "".join(f"{row[word]:>12}" for word in _VERDICTS)
    yield ""
    for word, d in found.against.items():
        if d is not None:
            told = "shown" if d.shown else "not shown: it may be chance"
            yield f"  {word:12} {d.treated:7.2%} with offers, {d.holdout:7.2%} without: {d.by:+.2%} ({d.low:+.2%} to {d.high:+.2%}), {told}"
    for gauge in found.gauges:
        yield f"  {gauge.level:5} {gauge.words}"
    yield ""
    for label, key, shape in (
        ("people", "people", "{}"), ("passive share", "passive_share", "{:.1%}"), ("response rate", "response_rate", "{:.1%}"),
        ("letters a year", "letters_a_year", "{}"), ("cost a year", "cost_a_year", "{}"),
    ):  # fmt: skip
        before, after = (shape.format(x[key]) if x[key] is not None else "-" for x in (found.before, found.after))
        yield f"  {label:16} before {before:>12}   after {after:>12}"
    yield ""
    for move in found.moves:
        yield f"  {move.at:%Y-%m-%d %H:%M} {move.old} -> {move.new}: {move.reason}"
