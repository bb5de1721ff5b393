"""`nurture serve`, `worker`, `halt`, `resume`, `db upgrade`, `db reseal`."""

from typing import Annotated

import typer

from nurture.cli.session import opened, run, run_service


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)
    app.command("worker")(worker)
    app.command("halt")(halt)
    app.command("resume")(resume)
    database = typer.Typer(help="Look after the database.", no_args_is_help=True)
    database.command("upgrade")(upgrade)
    database.command("reseal")(reseal)
    app.add_typer(database, name="db")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Sending processes beside the web server.")] = 1,
    demo: Annotated[bool, typer.Option("--demo", help="Invented people in a data folder of their own; nothing leaves.")] = False,
) -> None:
    """Serve the dashboard, the API and the links in letters. The workers are supervised, too."""
    from nurture.cli import serving  # noqa: PLC0415 - heavy: the web server
    from nurture.cli.demo import furnish  # noqa: PLC0415
    from nurture.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    chosen, fill = (serving.demo_settings(settings), furnish) if demo else (settings, None)
    run_service(serving.serve(chosen, host, port, workers, demo, fill))


def worker(parent: Annotated[int | None, typer.Option(hidden=True)] = None) -> None:
    """Plan, send, fold and classify until stopped. Run as many as you like."""
    from nurture.cli import working  # noqa: PLC0415 - heavy: all services
    from nurture.settings import load_settings  # noqa: PLC0415

    run_service(working.work(load_settings(), parent))


def halt(
    reason: Annotated[str, typer.Argument(help="Why; shown to everybody who looks.")] = "halted by hand; run `nurture resume`",
) -> None:
    """Stop planning and sending at once. What is on the wire finishes; clicks and leaving go on."""

    async def work() -> None:
        from nurture.store.workspace import halt as stop  # noqa: PLC0415

        async with opened() as app, app.db.write() as tx:
            await stop(tx, reason)

    run(work())
    typer.echo("Halted. Nothing is planned or sent until `nurture resume`.")


def resume() -> None:
    """Go on after a halt, whoever called it; says what it was."""

    async def work() -> str | None:
        from nurture.worker import accept_past  # noqa: PLC0415 - heavy: all services

        async with opened() as app:
            reason = await accept_past(app)
            await app.bell.ring("plan")
            return reason

    reason = run(work())
    typer.echo(f"Resumed; it had stopped because: {reason}" if reason else "Nothing was halted.")


def upgrade() -> None:
    """Bring the database to the newest schema. Every start does the same."""

    async def work() -> None:
        async with opened():
            pass

    run(work())
    typer.echo("The database has the newest schema.")


def reseal() -> None:
    """Seal the secrets of webhooks by the secret key of today, after it was changed."""

    async def work() -> None:
        from nurture.domain.errors import NurtureError  # noqa: PLC0415
        from nurture.services.sealing import reseal as again  # noqa: PLC0415 - heavy: cryptography

        async with opened() as app:
            done = await again(app.db, app.keys)
        typer.echo(f"Sealed anew: {done.anew}. By this key already: {done.before}.")
        if done.lost:
            which = ", ".join(map(str, done.lost))
            raise NurtureError(
                f"No key opens the secrets of these webhooks: {which}. Name the key before this one in NURTURE_SECRET_KEY_OLD and run this "
                "again, or make them anew."
            )

    run(work())
