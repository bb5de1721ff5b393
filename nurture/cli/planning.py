"""`nurture enrol`, `classify`, `rebuild`, and `sequence | campaign | cleanup list, start, pause, resume`."""

from dataclasses import asdict
from typing import Annotated

import typer

from nurture.cli.session import opened, print_json, run

Name = Annotated[str, typer.Argument(help="Its name, as in the first line of its document.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine output.")]


def register(app: typer.Typer) -> None:
    app.command("enrol")(enrol)
    app.command("classify")(classify)
    app.command("rebuild")(rebuild)
    for kind in ("sequence", "campaign", "cleanup"):
        group = typer.Typer(help=f"Look at and steer {kind}s.", no_args_is_help=True)
        _add_listing(group, kind)
        if kind == "sequence":
            group.command("pause")(pause)
            group.command("resume")(resume)
        else:
            _add_start(group, kind)
        app.add_typer(group, name=kind)


def enrol(
    sequence: Name, emails: Annotated[list[str], typer.Argument(help="Addresses of subscribers to take in.")], json: AsJson = False
) -> None:
    """Take people into a sequence by hand. The planner chooses each one's letter and hour."""

    async def work() -> None:
        from nurture.domain.errors import ErrorKind, NurtureError  # noqa: PLC0415
        from nurture.services.enrolling import enrol as take_in  # noqa: PLC0415 - heavy imports only where they are used
        from nurture.services.people import find_person  # noqa: PLC0415

        async with opened() as app:
            people = [await find_person(app.db, email) for email in emails]
            missing = [email for email, person in zip(emails, people, strict=True) if person is None]
            if missing:
                raise NurtureError(
                    f"{', '.join(missing)}: not in the list; import or add them first, nobody was enrolled.", ErrorKind.MISSING
                )
            taken = await take_in(app.db, sequence, [p.id for p in people if p], app.clock(), "hand")
            await app.bell.ring("plan")
        passed = len(set(emails)) - len(taken)
        if json:
            print_json({"enrolled": len(taken), "passed_over": passed})
        else:
            typer.echo(f"{len(taken)} enrolled in {sequence}; {passed} were there already.")

    run(work())


def classify(json: AsJson = False) -> None:
    """Run the weekly classification now. A fall still needs two runs at least six days apart."""

    async def work() -> None:
        from nurture.services.classifying import classify_weekly  # noqa: PLC0415
        from nurture.services.folding import fold  # noqa: PLC0415

        async with opened() as app:
            await fold(app.db, app.clock())
            counts = await classify_weekly(app.db, app.clock())
        if json:
            print_json(counts)
        else:
            typer.echo(", ".join(f"{people} {name}" for name, people in counts.items()) or "Nobody is subscribed yet.")

    run(work())


def rebuild() -> None:
    """Recompute every standing from the ledger and the events."""

    async def work() -> None:
        from nurture.services.folding import rebuild as recompute  # noqa: PLC0415

        async with opened() as app:
            people = await recompute(app.db, app.clock(), progress=lambda n: typer.echo(f"\r{n} people", nl=False, err=True))
        typer.echo(f"\rRebuilt the standing of {people} people.", err=True)

    run(work())


def pause(name: Name) -> None:
    """Stop a sequence before its next letter."""

    async def work() -> None:
        from nurture.services.steering import pause_sequence  # noqa: PLC0415

        async with opened() as app:
            waiting = await pause_sequence(app.db, name, app.clock())
        typer.echo(f"{name} is paused; waiting letters taken back: {waiting}. They come again after: nurture sequence resume {name}")

    run(work())


def resume(name: Name) -> None:
    """Let a paused sequence go on."""

    async def work() -> None:
        from nurture.services.steering import resume_sequence  # noqa: PLC0415

        async with opened() as app:
            await resume_sequence(app.db, name, app.clock())
            await app.bell.ring("plan")
        typer.echo(f"{name} goes on.")

    run(work())


def _add_listing(group: typer.Typer, kind: str) -> None:
    @group.command("list", help=f"All {kind}s with their state.")
    def listing(json: AsJson = False) -> None:
        async def work() -> None:
            from nurture.services.steering import list_documents  # noqa: PLC0415

            async with opened() as app:
                found = await list_documents(app.db, kind)
            if json:
                print_json([asdict(line) for line in found])
                return
            for line in found:
                ways = f"{line.under_way:>7} on the way"
                if kind == "sequence":
                    ways += f" of {line.entered} entered, {line.goal} at the goal, {line.done} done, {line.exited} left before"
                typer.echo(f"{line.name:24} {line.state:6} v{line.version:<3} {ways}   {line.standing}   {line.title}")
            if not found:
                typer.echo(f"No {kind} yet; write one and run: nurture apply FILE")

        run(work())


def _add_start(group: typer.Typer, kind: str) -> None:
    @group.command("start", help=f"Start a {kind}.")
    def start_one(name: Name) -> None:
        async def work() -> None:
            from nurture.services.steering import start  # noqa: PLC0415

            async with opened() as app:
                await start(app.db, kind, name)

        run(work())
