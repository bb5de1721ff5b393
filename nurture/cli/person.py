"""`nurture why EMAIL`: every decision on one person, in the planner's own words."""

from typing import Annotated

import typer

from nurture.cli.session import opened, print_json, run


def register(app: typer.Typer) -> None:
    app.command("why")(why)


def why(
    email: Annotated[str, typer.Argument(help="The person's address.")],
    as_json: Annotated[bool, typer.Option("--json", help="Machine output.")] = False,
) -> None:
    """Why this person got, waits for or never gets each letter."""

    async def work() -> None:
        from nurture.domain.errors import ErrorKind, NurtureError  # noqa: PLC0415 - heavy with what follows
        from nurture.services import explaining  # noqa: PLC0415 - heavy: the store

        async with opened() as app:
            person = await explaining.look_up(app.db, email)
            if person is None:
                raise NurtureError(f"nobody here has the address {email}; look at the list with: nurture export", ErrorKind.MISSING)
            found = await explaining.why(app.db, person)
        if as_json:
            print_json([explaining.to_json(w) for w in found])
            return
        for w in found:
            until = f" (until {w.until:%Y-%m-%d %H:%M} UTC)" if w.until else ""
            print(f"{w.at:%Y-%m-%d %H:%M} UTC  {w.decision:5} {w.letter or w.source}: {w.reason}{until}")
        if not found:
            print(f"No letter has been considered for {email}: no sequence has taken them in.")

    run(work())
