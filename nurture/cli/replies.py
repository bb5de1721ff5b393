"""`nurture replies`: what people wrote back; answer, close, ban."""

from dataclasses import asdict
from typing import Annotated

import typer

from nurture.cli.session import opened, print_json, run

BY_HAND = "the command line"
Number = Annotated[int, typer.Argument(help="Its number, as `nurture replies` shows it.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What people wrote back; what still lies on the desk unless told.", invoke_without_command=True)
    group.callback()(list_replies)
    group.command("answer")(answer)
    group.command("close")(close)
    group.command("ban")(ban)
    app.add_typer(group, name="replies")


def list_replies(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Machine output.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also what was dealt with.")] = False,
) -> None:
    """Open replies, the oldest first."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> None:
        from nurture.services.replying import ALL, OPEN  # noqa: PLC0415 - heavy imports only where they are used
        from nurture.services.replying import list_replies as load  # noqa: PLC0415

        async with opened() as app:
            found = await load(app.db, states=ALL if every else OPEN, limit=1000)
        if json:
            print_json([asdict(line) for line in found])
            return
        for line in found:
            words = " ".join(line.text.split())[:70] or line.subject
            typer.echo(f"{line.id:>6}  {line.at:%Y-%m-%d}  {line.sort:9} {line.state:9} {line.sender:32} {words}")
        if not found:
            typer.echo("No reply yet." if every else "No open reply.")

    run(work())


def answer(
    reply: Number,
    text: Annotated[str | None, typer.Argument(help="The answer, Markdown.")] = None,
    ready: Annotated[str | None, typer.Option("--ready", help="Words that lie ready: polite (to rudeness) or thanks (to praise).")] = None,
) -> None:
    """Answer a reply; the answer leaves at once, outside mix and caps."""

    async def work() -> None:
        from nurture.domain.desk import Ready  # noqa: PLC0415
        from nurture.domain.errors import NurtureError  # noqa: PLC0415
        from nurture.replydesk import answer_ready, answer_reply  # noqa: PLC0415

        if (text is None) == (ready is None) or (ready and ready not in set(Ready)):
            raise NurtureError("write the answer, or name the one that lies ready: --ready polite, or --ready thanks")
        async with opened() as app:
            line = await (answer_ready(app, reply, Ready(ready), BY_HAND) if ready else answer_reply(app, reply, text or "", BY_HAND))
        typer.echo(f"The answer to {line.sender} is on its way.")

    run(work())


def close(reply: Number) -> None:
    """Nothing is to be done."""

    async def work() -> None:
        from nurture.replydesk import close_reply  # noqa: PLC0415

        async with opened() as app:
            await close_reply(app, reply, BY_HAND)
        typer.echo("Closed.")

    run(work())


def ban(reply: Number) -> None:
    """No further letter to whoever wrote it."""

    async def work() -> None:
        from nurture.replydesk import ban_sender  # noqa: PLC0415

        async with opened() as app:
            line = await ban_sender(app, reply, BY_HAND)
        typer.echo(f"{line.sender} gets no further letter.")

    run(work())
