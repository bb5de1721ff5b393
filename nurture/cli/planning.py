"""`nurture enrol`, `classify`, `rebuild`, and `sequence | campaign list, start, pause, resume, cancel`."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from nurture.cli.campaigns import add as add_looks
from nurture.cli.session import opened, print_json, run

Name = Annotated[str, typer.Argument(help="Its name, as in the first line of its document.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine output.")]


def register(app: typer.Typer) -> None:
    app.command("enrol")(enrol)
    app.command("classify")(classify)
    app.command("rebuild")(rebuild)
    app.command("rejudge")(rejudge)
    for kind in ("sequence", "campaign"):
        group = typer.Typer(help=f"Look at and steer {kind}s.", no_args_is_help=True)
        _add_listing(group, kind)
        add_steering(group, kind)
        if kind == "campaign":
            _add_campaign(group)
            add_looks(group)
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


def classify(
    preview: Annotated[
        Path | None, typer.Option("--preview", metavar="POLICY", help="Change nothing; say who would move under the policy of this file.")
    ] = None,
    json: AsJson = False,
) -> None:
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

    run(work() if preview is None else _preview(preview, as_json=json))


async def _preview(file: Path, *, as_json: bool) -> None:
    from nurture.cli.previews import NAMED, lines, read_policy  # noqa: PLC0415
    from nurture.domain.previews import to_json  # noqa: PLC0415
    from nurture.services.previewing import preview_policy  # noqa: PLC0415

    policy = read_policy(file)
    async with opened() as app:
        found = await preview_policy(app.db, app.clock(), policy, None if as_json else NAMED)
    if as_json:
        print_json(to_json(found))
        return
    for line in lines(found, file.name):
        typer.echo(line)


def rebuild() -> None:
    """Recompute every standing from the ledger and the events."""

    async def work() -> None:
        from nurture.services.folding import rebuild as recompute  # noqa: PLC0415

        async with opened() as app:
            people = await recompute(app.db, app.clock(), progress=lambda n: typer.echo(f"\r{n} people", nl=False, err=True))
        typer.echo(f"\rRebuilt the standing of {people} people.", err=True)

    run(work())


def rejudge(
    since: Annotated[str | None, typer.Option(help="Only letters touched since this day: 2026-03-02.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")] = False,
    json: AsJson = False,
) -> None:
    """Judge all opens and clicks anew by the rules of today. What changes is folded anew, and what rules did on its account is undone."""

    async def work() -> None:
        from nurture.services.rejudging import rejudge as judge  # noqa: PLC0415

        async with opened() as app:
            told = await judge(app.db, since=_day(since), dry_run=dry_run)
        if json:
            print_json(told.to_json())
            return
        for (was, now, reason), hits in told.changed.most_common():
            typer.echo(f"{hits:>9,}  {was} -> {now}: {reason}")
        changed = f"{sum(told.changed.values()):,} {'would change' if dry_run else 'changed'}"
        typer.echo(
            f"{told.hits:,} hits looked at by rule {told.rule_version}: {changed}, {told.restated:,} with another reason, "
            f"{told.kept:,} left alone because their details are forgotten."
        )

    run(work())


def _day(text: str | None) -> datetime | None:
    from nurture.domain.errors import NurtureError  # noqa: PLC0415

    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise NurtureError(f"{text!r} is no day; write it as 2026-03-02") from error


def add_steering(group: typer.Typer, kind: str) -> None:
    @group.command("pause", help=f"Stop a {kind} before its next letter.")
    def pause(name: Name) -> None:
        async def work() -> None:
            from nurture.services.steering import pause as stop  # noqa: PLC0415

            async with opened() as app:
                waiting = await stop(app.db, kind, name, app.clock())
            typer.echo(f"{name} is paused; waiting letters taken back: {waiting}. They come again after: nurture {kind} resume {name}")

        run(work())

    @group.command("resume", help=f"Let a paused {kind} go on.")
    def resume(name: Name) -> None:
        async def work() -> None:
            from nurture.services.steering import resume as go_on  # noqa: PLC0415

            async with opened() as app:
                await go_on(app.db, kind, name, app.clock())
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
                if line.on_older:
                    ways += f" ({line.on_older} on older versions)"
                if kind == "sequence":
                    ways += f" of {line.entered} entered, {line.goal} at the goal, {line.done} done, {line.exited} left before"
                if line.coming:
                    ways += f", next {line.coming:%a %d %b %Y}"
                typer.echo(f"{line.name:24} {line.state:6} v{line.version:<3} {ways}   {line.standing}   {line.title}")
            if not found:
                typer.echo(f"No {kind} yet; write one and run: nurture apply FILE")

        run(work())


def _add_campaign(group: typer.Typer) -> None:
    @group.command("start", help="Start a campaign: its letters leave by its schedule.")
    def start(name: Name) -> None:
        async def work() -> None:
            from nurture.services.campaigning import start as begin  # noqa: PLC0415

            async with opened() as app:
                first = await begin(app.db, name, app.clock())
                await app.bell.ring("plan")
            typer.echo(f"{name} runs; its first letters are of {first.nominal:%A %d %B %Y}.")

        run(work())

    @group.command("cancel", help="End a campaign for good; what waits is taken back.")
    def cancel(name: Name) -> None:
        async def work() -> None:
            from nurture.services.steering import cancel as end  # noqa: PLC0415

            async with opened() as app:
                waiting = await end(app.db, name, app.clock())
            typer.echo(f"{name} is cancelled; waiting letters taken back: {waiting}.")

        run(work())
