"""`nurture audit`: who did what, when, on what."""

from typing import Annotated

import typer

from nurture.cli.session import opened, print_json, run


def register(app: typer.Typer) -> None:
    app.command("audit")(audit)


def audit(
    actor: Annotated[str, typer.Option(help="Only what they did: anna@example.com, key:shop, cli:root.")] = "",
    on: Annotated[str, typer.Option(help="Only what was done on this: a name, a number, an address.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many lines, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Machine output.")] = False,
) -> None:
    """The log of all changes by people, keys and commands; nobody can edit it."""

    async def work() -> None:
        from nurture.services.auditing import read_lines  # noqa: PLC0415 - heavy: the store

        async with opened() as app:
            found = await read_lines(app.db, limit=limit, actor=actor, thing=on)
        if as_json:
            shown = ("at", "actor", "action", "ip", "detail")
            print_json([{name: getattr(line, name) for name in shown} | {"object": line.thing} for line in found])
            return
        for line in found:
            where, more = f"from {line.ip}" if line.ip else "", str(dict(line.detail)) if line.detail else ""
            words = "  ".join(word for word in (line.thing, where, more) if word)
            print(f"{line.at:%Y-%m-%d %H:%M:%S}  {line.actor:24} {line.action}  {words}".rstrip())

    run(work())
