"""`nurture hygiene`: what the last weekly run found, what it proposes; accept, dismiss, run now."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nurture.cli.session import opened, print_json, run

if TYPE_CHECKING:
    from nurture.services.proposing import Hygiene, Told

BY_HAND = "the command line"
Number = Annotated[int, typer.Argument(help="Its number, as `nurture hygiene` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the group `hygiene`."""
    group = typer.Typer(help="The weekly hygiene: its last run and what it proposes.", invoke_without_command=True)
    group.callback()(show)
    group.command("accept")(accept)
    group.command("dismiss")(dismiss)
    group.command("run")(run_now)
    app.add_typer(group, name="hygiene")


def show(context: typer.Context, json: Annotated[bool, typer.Option("--json", help="Machine output.")] = False) -> None:
    """The last run, and all open proposals."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> None:
        from nurture.services.proposing import last_run, list_told, to_json  # noqa: PLC0415 - heavy imports only where they are used

        async with opened() as app:
            found, told = await last_run(app.db), await list_told(app.db, limit=1_000)
        if json:
            print_json(to_json(found) | {"proposals": [proposal_json(one) for one in told]})
            return
        _tell(found, told)

    run(work())


def proposal_json(told: "Told") -> dict[str, Any]:
    """One proposal, with whom it is about where it is about few."""
    return asdict(told.proposal) | {"says": told.says, "people_named": [{"id": p.id, "email": p.email} for p in told.people]}


def _tell(found: "Hygiene", told: "list[Told]") -> None:
    from nurture.domain.hygiene import ACTS  # noqa: PLC0415

    if found.result is None:
        typer.echo("The weekly hygiene has not run yet; a worker does it, or: nurture hygiene run")
        return
    result = found.result
    typer.echo(f"Hygiene of {found.ended_at:%Y-%m-%d %H:%M} UTC over {result['looked_at']:,} people")
    typer.echo(f"  {result['purged']:,} forgotten who never confirmed, {result['unreachable']:,} marked as unreachable after soft bounces")
    if result["fields"]:
        typer.echo(f"\n  {'what we know':26}{'people':>9}{'median age':>13}{'over a year':>14}")
    for line in result["fields"]:
        typer.echo(f"  {line['name'][:25]:26}{line['people']:>9,}{line['median_days']:>8,} days{line['share_old']:>14.0%}")
    for zone in result["zones"][:5]:
        typer.echo(f"  zone {zone['source']}: {zone['zone'] or 'that of the workspace'}, {zone['people']:,} people")
    typer.echo("")
    for one in told:
        typer.echo(f"{one.proposal.id:>6}  {one.says}")
        if one.people:
            typer.echo(f"        {', '.join(p.email for p in one.people)}")
        typer.echo(f"        accept: {ACTS[one.proposal.kind][1]}")
    if not told:
        typer.echo("Nothing is proposed.")


def accept(proposal: Number) -> None:
    """Take a proposal on, and do what it says."""

    async def work() -> None:
        from nurture.proposaldesk import take_on  # noqa: PLC0415

        async with opened() as app:
            told = await take_on(app, proposal, BY_HAND)
        typer.echo(told.proposal.outcome or "Accepted.")

    run(work())


def dismiss(proposal: Number) -> None:
    """Wave a proposal off."""

    async def work() -> None:
        from nurture.services.proposing import dismiss as wave_off  # noqa: PLC0415

        async with opened() as app:
            await wave_off(app.db, proposal, BY_HAND, app.clock())
        typer.echo("Dismissed.")

    run(work())


def run_now() -> None:
    """Do it now, whether or not this week's run was."""

    async def work() -> None:
        from nurture.weekly import tidy_once  # noqa: PLC0415

        async with opened() as app:
            done = await tidy_once(app, again=True)
        if done:
            typer.echo(f"Forgotten: {done.purged:,}. Unreachable: {done.unreachable:,}. New proposals: {done.opened:,}.")
            typer.echo("See: nurture hygiene")

    run(work())
