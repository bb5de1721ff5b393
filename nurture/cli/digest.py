"""`nurture digest`: the weekly digest as it would leave now; send this week's without waiting for its day."""

from typing import Annotated

import typer

from nurture.cli.session import opened, print_json, run


def register(app: typer.Typer) -> None:
    """Add `digest`."""

    @app.command("digest")
    def digest(
        json: Annotated[bool, typer.Option("--json", help="What it is made from, as one JSON value.")] = False,
        html: Annotated[bool, typer.Option("--html", help="The HTML part, to look at in a browser.")] = False,
        send: Annotated[bool, typer.Option("--send", help="Send this week's now to whoever has not got it.")] = False,
    ) -> None:
        """The weekly digest to the marketer, as it would leave now."""
        run(_digest(as_json=json, html=html, send=send))


async def _digest(*, as_json: bool, html: bool, send: bool) -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - heavy imports only where they are used

    from nurture.services.forecasting import policy  # noqa: PLC0415
    from nurture.weekly import digest_data, preview_digest, send_digest  # noqa: PLC0415

    async with opened() as app:
        if send:
            letters = await send_digest(app, at_once=True)
            typer.echo(_sent(letters, wanted=(await policy(app.db)).digest is not None))
        elif as_json:
            print_json(await digest_data(app, ZoneInfo((await policy(app.db)).timezone)))
        else:
            found = await preview_digest(app)
            typer.echo(found.html if html else f"Subject: {found.subject}\n\n{found.text}")


def _sent(letters: int, *, wanted: bool) -> str:
    if letters:
        return f"{letters} on their way."
    if wanted:
        return "Nobody is left to send it to: all have this week's."
    return "The policy wants no digest; write into it: digest: {day: mon}"
