"""`nurture campaign preflight | result | resend`, `nurture preview`, `nurture send-test`."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from nurture.cli.session import opened, print_json, run

Name = Annotated[str, typer.Argument(help="The campaign's name.")]
LetterName = Annotated[str, typer.Argument(help="A campaign's name, or a letter as document/id.", metavar="LETTER")]
For = Annotated[str | None, typer.Option("--for", metavar="EMAIL", help="Whose eyes; an invented reader unless told.")]
Variant = Annotated[str | None, typer.Option("--variant", help="a for the letter as it is written, b, c, d for its variants.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine output.")]


def register(app: typer.Typer) -> None:
    app.command("preview")(preview)
    app.command("send-test")(send_test)


def add(group: typer.Typer) -> None:
    """The commands of `nurture campaign` that look before, during and after."""
    group.command("preflight")(preflight)
    group.command("result")(result)
    group.command("resend")(resend)


def preview(
    letter: LetterName, reader: For = None, variant: Variant = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the page there, to be opened in a browser.")] = None,
    json: AsJson = False,
) -> None:  # fmt: skip
    """Show a letter as one person would read it. Of a campaign, the one its next occasion sends. Nothing is stored."""

    async def work() -> None:
        from nurture.campaigndesk import show_to  # noqa: PLC0415 - heavy imports only where they are used

        async with opened() as app:
            found = await show_to(app, letter, reader, variant)
        words, rendered = found.words, found.rendered
        if html is not None:
            html.write_text(rendered.html, "utf-8")
        if json:
            told = {"letter": words.name, "to": found.reader.email, "subject": rendered.subject, "note": words.note}
            print_json(told | {"html": rendered.html, "text": rendered.text})
            return
        typer.echo(f"{words.name} for {found.reader.email}" + (f" ({words.note})" if words.note else ""))
        typer.echo(f"Subject: {rendered.subject}\n\n{rendered.text}")

    run(work())


def send_test(
    letter: LetterName, to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Any address of your own.")], reader: For = None,
    variant: Variant = None, json: AsJson = False,
) -> None:  # fmt: skip
    """Send a letter to an address of your own, now. It has plain links and no pixel, and counts nowhere."""

    async def work() -> None:
        from nurture.campaigndesk import try_out  # noqa: PLC0415
        from nurture.domain.errors import NurtureError  # noqa: PLC0415

        async with opened() as app:
            tried = await try_out(app, letter, to, reader, variant)
            captured = app.captures
        if json:
            print_json({"to": tried.to, "subject": tried.subject, "accepted": tried.accepted, "answer": tried.answer})
        elif tried.accepted:
            typer.echo(f'"{tried.subject}" {"captured" if captured else "accepted"} for {tried.to}: {tried.answer}')
        if not tried.accepted:
            raise NurtureError(f"The relay did not take it: {tried.answer}.")

    run(work())


def preflight(
    name: Name,
    network: Annotated[bool, typer.Option("--network", help="Ask base URL, relay and DNS too, as `nurture doctor`; 20 s at most.")] = False,
    json: AsJson = False,
) -> None:  # fmt: skip
    """Look before a campaign is started: who is reached, who is held and why, what stands empty, when the last letter leaves."""

    async def work() -> bool:
        from nurture.campaigndesk import look_before  # noqa: PLC0415
        from nurture.cli.doctor import place_of  # noqa: PLC0415
        from nurture.domain.preflight import in_words, to_json, with_findings  # noqa: PLC0415
        from nurture.services.examining import examine_sending  # noqa: PLC0415
        from nurture.store.documents import load_policy  # noqa: PLC0415

        async with opened() as app:
            found = await look_before(app, name)
            if network:
                async with app.db.read() as tx:
                    sender = (await load_policy(tx)).sender
                findings = await examine_sending(place_of(app.settings), sender.address if sender else None, app.clock)
                found = with_findings(found, findings)
        if json:
            print_json(to_json(found))
        else:
            for line in in_words(found):
                typer.echo(line)
        return found.ready

    if not run(work()):
        raise typer.Exit(1)


def result(name: Name, json: AsJson = False) -> None:
    """What each occasion of a campaign brought, the newest first."""

    async def work() -> None:
        from nurture.services.campaigning.results import results, to_json  # noqa: PLC0415

        async with opened() as app:
            found = to_json(name, await results(app.db, name, app.clock()))
        if json:
            print_json(found)
            return
        for occasion in found["occasions"]:
            for line in _occasion_lines(occasion):
                typer.echo(line)
        if not found["occasions"]:
            typer.echo(f"{name} has sent nothing yet.")

    run(work())


def _occasion_lines(found: dict[str, Any]) -> list[str]:
    again = ", sent again" if found["resend"] else ""
    open_ = f", {found['open']:,} on their way" if found["open"] else ""
    lines = [
        f"{found['date']}{again}: {found['letter'] or 'no letter'}",
        f"  {found['people']:,} people: {found['sent']:,} sent{open_}, {found['waiting']:,} waiting, {found['without']:,} without it",
        "  " + ", ".join(f"{n:,} {word}" for word, n in found["answers"].items())
        + f"; {found['left']:,} left, {found['complained']:,} complained, {found['bounced']:,} bounced",
    ]  # fmt: skip
    if found["note"]:
        lines.append(f"  {found['note']}")
    if test := found["test"]:
        lines += [f"  variant {v['name']}: {v['answered']:,} of {v['sent']:,} ({(v['rate'] or 0):.1%})" for v in test["variants"]]
        lines.append(f"  {test['verdict']}")
    if holdout := found["holdout"]:
        theirs = f"{holdout['held_out_did']:,} of {holdout['held_out']:,} held out"
        lines.append(f"  {holdout['outcome']}: {holdout['mailed_did']:,} of {holdout['mailed']:,} against {theirs}. {holdout['verdict']}")
    return lines


def resend(
    name: Name,
    after: Annotated[str, typer.Option("--after", help="Only to those whose letter was accepted so long ago.")] = "3d",
    subject: Annotated[str | None, typer.Option("--subject", help="Another subject.")] = None,
    json: AsJson = False,
) -> None:
    """Send the newest letter again to those who got it and neither opened it themselves, nor clicked, nor answered, nor left."""

    async def work() -> None:
        from nurture.campaigndesk import send_again  # noqa: PLC0415

        span = _span(after)
        async with opened() as app:
            found = await send_again(app, name, span, subject)
        if json:
            print_json({"date": found.nominal.isoformat(), "people": found.people, "early": found.early})
            return
        early = f" {found.early:,} had it too short a time ago, or not yet; ask again later." if found.early else ""
        typer.echo(f"{found.people:,} people get the letter of {found.nominal} again, in their own hours.{early}")

    run(work())


def _span(text: str) -> timedelta:
    from nurture.domain.errors import NurtureError  # noqa: PLC0415
    from nurture.domain.scalars import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except ValueError as error:
        raise NurtureError(f"--after: {error}") from error
