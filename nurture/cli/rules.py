"""`nurture tasks`, `nurture rule list` and `nurture webhooks`: what rules did, and what they ask people and other systems to do."""

from dataclasses import asdict
from typing import Annotated

import typer

from nurture.cli.session import opened, print_json, run

AsJson = Annotated[bool, typer.Option("--json", help="Machine output.")]


def register(app: typer.Typer) -> None:
    """Add tasks, rule and webhooks."""
    tasks = typer.Typer(help="What rules ask people of the team to do; the open tasks unless told.", invoke_without_command=True)
    tasks.callback()(list_tasks)
    tasks.command("done")(finish_task)
    app.add_typer(tasks, name="tasks")
    rules = typer.Typer(help="Look at rules.", no_args_is_help=True)
    rules.command("list")(list_rules)
    app.add_typer(rules, name="rule")
    webhooks = typer.Typer(help="What other systems are told.", no_args_is_help=True)
    webhooks.command("list")(list_webhooks)
    webhooks.command("secret")(show_secret)
    app.add_typer(webhooks, name="webhooks")


def list_tasks(
    context: typer.Context,
    json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="Also what is done or cancelled.")] = False,
) -> None:
    """Open tasks, the oldest first."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> None:
        from nurture.services.tasks import STATES  # noqa: PLC0415 - heavy imports only where they are used
        from nurture.services.tasks import list_tasks as load  # noqa: PLC0415

        async with opened() as app:
            found = await load(app.db, states=STATES if every else ("open",), limit=1000)
        if json:
            print_json([asdict(line) for line in found])
            return
        for line in found:
            typer.echo(f"{line.id:>6}  {line.created_at:%Y-%m-%d}  {line.state:9} {line.email:32} {line.text}  (rule {line.rule})")
        if not found:
            typer.echo("No task yet." if every else "No open task.")

    run(work())


def finish_task(task: Annotated[int, typer.Argument(help="Its number, as `nurture tasks` shows it.")]) -> None:
    """Mark a task as done."""

    async def work() -> None:
        from nurture.services.tasks import finish_task as finish  # noqa: PLC0415

        async with opened() as app:
            line = await finish(app.db, task, "cli", app.clock())
        typer.echo(f"Done: {line.text} ({line.email})")

    run(work())


def list_rules(json: AsJson = False) -> None:
    """All rules with how often they acted."""

    async def work() -> None:
        from nurture.services.reacting.listing import list_rules as load  # noqa: PLC0415

        async with opened() as app:
            found = await load(app.db)
        if json:
            print_json([asdict(line) for line in found])
            return
        for line in found:
            did = f"{line.acted:>7} acted {line.undone:>5} undone {line.refused:>4} refused"
            typer.echo(f"{line.name:24} {line.state:6} v{line.version:<3} {did}   {line.title}")
        if not found:
            typer.echo("No rule yet; write one and run: nurture apply FILE")

    run(work())


def list_webhooks(json: AsJson = False) -> None:
    """Addresses that are told of events, without their secrets. They are added and removed over the API."""

    async def work() -> None:
        from nurture.services.registering import list_registered  # noqa: PLC0415

        async with opened() as app:
            found = await list_registered(app.db)
        if json:
            print_json([{"id": w.id, "url": w.url, "types": w.types, "created_at": w.created_at} for w in found])
            return
        for w in found:
            typer.echo(f"{w.id:>4}  {w.url}  {', '.join(w.types)}")
        if not found:
            typer.echo("No webhook yet; add one with POST /api/v1/webhooks")

    run(work())


def show_secret() -> None:
    """The secret that signs the webhooks named in rules: give it to the system that receives them."""

    async def work() -> None:
        from nurture.services.calling import house_secret  # noqa: PLC0415

        async with opened() as app:
            typer.echo(house_secret(app.keys[0]))

    run(work())
