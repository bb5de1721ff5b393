"""`nurture doctor`: is this installation fit to send, from the disk to the DNS?"""

from textwrap import wrap
from typing import TYPE_CHECKING

import typer

from nurture.cli.session import print_json, run

if TYPE_CHECKING:
    from nurture.domain.findings import Finding
    from nurture.services.examining import Installation
    from nurture.settings import Settings

_WIDE = 100
_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def register(app: typer.Typer) -> None:
    """Add `doctor`."""

    @app.command("doctor")
    def doctor_command(json: bool = typer.Option(False, "--json", help="One JSON value: ok, findings.")) -> None:
        """Look at database, policy, relay, clock, base URL, SPF, DKIM and DMARC. Changes nothing; exit code 1 where something fails."""
        from nurture.domain.findings import to_json  # noqa: PLC0415 - heavy imports only where they are used

        found = run(_examined())
        if json:
            print_json(to_json(found))
        else:
            for line in lines(found):
                typer.echo(line)
        if any(finding.level == "fail" for finding in found):
            raise typer.Exit(1)


def lines(found: "list[Finding]") -> list[str]:
    """Each finding with its mark, then how many of which."""
    width = max(len(finding.check) for finding in found)
    told = []
    for finding in found:
        first, *rest = wrap(finding.words, _WIDE)
        told.append(f"{_MARKS[finding.level]}  {finding.check:{width}}  {first}")
        told += [f"{'':6}{'':{width}}  {line}" for line in rest]
    counts = {level: sum(finding.level == level for finding in found) for level in _MARKS}
    return [*told, f"{counts['ok']} well, {counts['warn']} to look at, {counts['fail']} to mend."]


async def _examined() -> "list[Finding]":
    from nurture.bootstrap import utc_now  # noqa: PLC0415 - heavy: all of the house
    from nurture.services.examining import examine  # noqa: PLC0415
    from nurture.settings import load_settings  # noqa: PLC0415

    return await examine(place_of(load_settings()), utc_now)


def place_of(settings: "Settings") -> "Installation":
    """What there is to look at, by the settings."""
    from nurture.bootstrap import token_keys  # noqa: PLC0415
    from nurture.mail.dkim_keys import KeyFolder  # noqa: PLC0415
    from nurture.mail.lookups import Resolver  # noqa: PLC0415
    from nurture.mail.relay_address import RelayAddress  # noqa: PLC0415
    from nurture.services.examining import Installation  # noqa: PLC0415

    made = settings.secret_key or (settings.data_dir / "secret.key").exists()  # a look makes no key
    return Installation(
        database_url=settings.url, data_dir=settings.data_dir, base_url=settings.base_url, keys=token_keys(settings) if made else (),
        relays=RelayAddress.read_all(settings.smtp_url) if settings.smtp_url else [], dkim=KeyFolder(settings.dkim_folder),
        resolver=Resolver(settings.dns_server), redis_url=settings.redis_url, verify=settings.smtp_verify,
        bounce_domain=settings.bounce_domain,
    )  # fmt: skip
