"""`nurture dkim new`, `show`, `use`: the keys that sign letters, and the records that belong to them."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nurture.cli.session import print_json, run

if TYPE_CHECKING:
    from nurture.domain.dns.dkim import PublishedKey
    from nurture.mail.dkim import SigningKey
    from nurture.mail.dkim_keys import KeyFolder

Domain = Annotated[str | None, typer.Option("--domain", help="The domain, as behind the @ of your sender.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine output.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Keys that sign letters (DKIM), and their DNS records.", no_args_is_help=True)
    group.command("new")(new)
    group.command("show")(show)
    group.command("use")(use)
    app.add_typer(group, name="dkim")


def new(
    domain: Annotated[str, typer.Option("--domain", help="The domain, as behind the @ of your sender.")],
    selector: Annotated[str, typer.Option("--selector", help="A name for this key, never used before, such as s2026a.")],
    kind: Annotated[
        Literal["rsa", "ed25519", "both"], typer.Option("--kind", help="rsa: everybody verifies it; ed25519: fast, short; both: two keys.")
    ] = "rsa",
    as_json: AsJson = False,
) -> None:
    """Make a key and print the DNS record to publish. It signs from `nurture dkim use` on."""
    folder = _folder()
    if kind == "both":
        made = [folder.make(domain, selector, "rsa"), folder.make(domain, f"{selector}-ed", "ed25519")]
    else:
        made = [folder.make(domain, selector, kind)]
    if as_json:
        print_json([_shown(key, signs=False) for key in made])
        return
    then = f"nurture dkim use {' '.join(key.selector for key in made)} --domain {made[0].domain}"
    typer.echo(f"Made in {folder.path}. Publish, then run: {then}\n")
    for key in made:
        _print_record(key)


def show(domain: Domain = None, as_json: AsJson = False) -> None:
    """The keys, which of them sign, and their records. Private halves are never shown."""
    from nurture.mail.dkim_keys import host_name  # noqa: PLC0415 - heavy: cryptography

    folder = _folder()
    keys = [(key, key.selector in folder.selectors(key.domain)) for key in folder.every(host_name(domain) if domain else None)]
    if as_json:
        print_json([_shown(key, signs=signs) for key, signs in keys])
        return
    if not keys:
        typer.echo(f"There is no key in {folder.path}; make one with `nurture dkim new`.")
    for key, signs in keys:
        typer.echo(f"{key.domain}  {key.selector}  {key.kind}  {'signs' if signs else 'does not sign'}")
        _print_record(key)


def use(
    selectors: Annotated[list[str], typer.Argument(help="One key, or an RSA key and an Ed25519 key that sign together.")],
    domain: Domain = None,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Do not look whether the records are published.")] = False,
) -> None:
    """Sign with these keys from the next letter on; the others stop. Looks first whether their records are published."""
    from nurture.domain.errors import NurtureError  # noqa: PLC0415
    from nurture.mail.dkim_keys import host_name, published  # noqa: PLC0415 - heavy: cryptography

    folder = _folder()
    name = host_name(domain) if domain else _only_domain(folder)
    if not unchecked and (fault := run(_unpublished([published(key) for key in folder.every(name) if key.selector in selectors]))):
        raise NurtureError(f"{fault} Nothing was changed; a new record may take an hour to be seen.")
    before = folder.selectors(name)
    used = folder.use(name, selectors)
    typer.echo(f"Letters of {name} are signed with {' and '.join(published(key).name for key in used)}.")
    if retired := [selector for selector in before if selector not in {key.selector for key in used}]:
        typer.echo(f"Leave the record of {', '.join(retired)} published for another week: letters on their way are signed with it.")


async def _unpublished(keys: "list[PublishedKey]") -> str:
    """What is wrong with the first record that is; empty where receivers can verify."""
    from nurture.domain.dns.dkim import examine_key  # noqa: PLC0415
    from nurture.mail.lookups import Resolver  # noqa: PLC0415 - heavy: dnspython
    from nurture.settings import load_settings  # noqa: PLC0415

    resolver = Resolver(load_settings().dns_server)
    for key in keys:
        if (await resolver.follow(examine_key(key, signs=True))).level == "fail":
            return (await resolver.follow(examine_key(key, signs=False))).words
    return ""


def _folder() -> "KeyFolder":
    from nurture.mail.dkim_keys import KeyFolder  # noqa: PLC0415 - heavy: cryptography
    from nurture.settings import load_settings  # noqa: PLC0415

    return KeyFolder(load_settings().dkim_folder)


def _only_domain(folder: "KeyFolder") -> str:
    from nurture.domain.errors import NurtureError  # noqa: PLC0415

    domains = sorted({key.domain for key in folder.every()})
    if len(domains) != 1:
        there = f"{folder.path} has keys of {', '.join(domains)}" if domains else f"There is no key in {folder.path}"
        raise NurtureError(f"{there}; say which domain with --domain.")
    return domains[0]


def _shown(key: "SigningKey", *, signs: bool) -> dict[str, object]:
    from nurture.mail.dkim_keys import published  # noqa: PLC0415

    record = published(key)
    return {
        "domain": key.domain, "selector": key.selector, "kind": key.kind, "signs": signs, "name": record.name, "text": record.text,
        "strings": record.strings,
    }  # fmt: skip


def _print_record(key: "SigningKey") -> None:
    from nurture.mail.dkim_keys import published  # noqa: PLC0415

    record = published(key)
    typer.echo(f"  name  {record.name}\n  type  TXT\n  text  {record.text}\n  zone  {record.zone_line}\n")
