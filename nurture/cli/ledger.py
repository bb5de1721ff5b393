"""`nurture status`, `nurture proof` and `nurture deliveries`: how sending stands, what the ledger proves, and letters in doubt."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from nurture.cli.session import opened, print_json, run

AsJson = Annotated[bool, typer.Option("--json", help="Machine output.")]
Email = Annotated[str | None, typer.Option(help="Only letters for this address.")]
Letter = Annotated[str | None, typer.Option(help="Only this letter: document/id.")]
Source = Annotated[str | None, typer.Option(help="Only of this sequence or campaign: campaign:weekly.")]


def register(app: typer.Typer) -> None:
    """Add status, proof and deliveries."""
    app.command("status")(status)
    app.command("proof")(proof)
    deliveries = typer.Typer(help="Rows of the ledger, and those in doubt.", no_args_is_help=True)
    deliveries.command("list")(list_rows)
    deliveries.command("resolve")(resolve)
    app.add_typer(deliveries, name="deliveries")


def status(json: AsJson = False) -> None:
    """What keeps letters back now: halts, paused campaigns, slow or resting relays and domains, the warm-up's day."""

    async def work() -> None:
        from nurture.services.overseeing import oversee  # noqa: PLC0415 - heavy imports only where they are used

        async with opened() as app:
            found = await oversee(app.db, app.clock(), app.settings.warm_up)
        if json:
            print_json(found.to_json())
            return
        waiting = ", ".join(f"{count:,} {state}" for state, count in found.open.items() if count) or "none"
        typer.echo(f"Letters under way: {waiting}. Workers: {found.workers}.")
        for line in found.words():
            typer.echo(line)

    run(work())


def proof(json: AsJson = False) -> None:
    """Was it safe to resume? Rows by state, letters in doubt, copies that are possible. Exit code 1 while anything is in doubt."""

    async def work() -> bool:
        from nurture.services.proving import prove  # noqa: PLC0415

        async with opened() as app:
            found = await prove(app.db, app.clock())
        if json:
            print_json(found.to_json())
        else:
            typer.echo("Safe: yes." if found.safe else "Safe: not entirely.")
            for line in found.words():
                typer.echo(line)
            for state, count in found.ledger.by_state.items():
                typer.echo(f"  {state:10}{count:>12,}")
        return found.safe

    if not run(work()):
        raise typer.Exit(1)


def list_rows(
    state: Annotated[str, typer.Option(help="The state of the rows to show.")] = "held",
    email: Email = None, letter: Letter = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    json: AsJson = False,
) -> None:  # fmt: skip
    """Rows of the ledger in one state; those that are held unless told."""

    async def work() -> None:
        from nurture.domain.errors import NurtureError  # noqa: PLC0415
        from nurture.domain.words import State  # noqa: PLC0415
        from nurture.mail.address import normalise  # noqa: PLC0415
        from nurture.store.deliveries import list_deliveries  # noqa: PLC0415

        if state not in [known.value for known in State]:
            raise NurtureError(f"{state!r} is no state; use one of {', '.join(known.value for known in State)}")
        async with opened() as app, app.db.read() as tx:
            found = await list_deliveries(
                tx, after=0, limit=limit, state=state, email=normalise(email) if email else None, letter=letter
            )  # fmt: skip
        if json:
            print_json([asdict(line) for line in found])
            return
        for line in found:
            since = line.handed_at or line.created_at
            typer.echo(f"{line.id:>9}  {since:%Y-%m-%d %H:%M}  {line.email:32} {line.letter:32} {line.answer or line.outcome or ''}")
        if not found:
            typer.echo(f"No letter is {state}.")

    run(work())


def resolve(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers of deliveries; or --all with what narrows it.")] = None,
    end: Annotated[
        Literal["accepted", "pending", "cancelled"] | None,
        typer.Option("--as", help="accepted: it came; pending: send it once more; cancelled: give it up."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are held and fit the options.")] = False,
    state: Annotated[Literal["held", "unknown"], typer.Option(help="Resolve those in this state.")] = "held",
    email: Email = None, letter: Letter = None, source: Source = None, json: AsJson = False,
) -> None:  # fmt: skip
    """Say what became of letters whose answer was lost. The same words again change nothing."""

    async def work() -> None:
        from nurture.domain.errors import NurtureError  # noqa: PLC0415
        from nurture.domain.words import State  # noqa: PLC0415
        from nurture.mail.address import normalise  # noqa: PLC0415
        from nurture.services.resolving import resolve as settle  # noqa: PLC0415
        from nurture.store.doubts import Doubts  # noqa: PLC0415

        if end is None:
            raise NurtureError("Say what became of them: --as accepted, --as pending or --as cancelled.")
        if not ids and not every:
            raise NurtureError("Name deliveries by their numbers, or write --all; look at them with: nurture deliveries list")
        which = Doubts(State(state), ids or None, normalise(email) if email else None, letter, source)
        async with opened() as app:
            done = await settle(app.db, which, State(end), "cli", app.clock())
            await app.bell.ring("send" if end == "pending" else "plan")
        if json:
            print_json(done.to_json())
            return
        words = {"busy": "left, since their people have another letter under way", "passed": "in no doubt any more"}
        told = [f"{count:,} {words.get(word, word)}" for word, count in done.to_json().items() if count]
        typer.echo(f"{', '.join(told)}." if told else "No letter fits.")

    run(work())
