"""`nurture keys ...` and `nurture users ...`: who may come in."""

import sys
from typing import Annotated

import typer

from nurture.cli.session import opened, operator, print_json, run

Email = Annotated[str, typer.Argument(help="The user's address.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine output.")]


def register(app: typer.Typer) -> None:
    keys = typer.Typer(help="Keys for the API.", no_args_is_help=True)
    users = typer.Typer(help="People who sign in to the dashboard.", no_args_is_help=True)
    keys.command("create")(create_key)
    keys.command("list")(list_keys)
    keys.command("revoke")(revoke_key)
    users.command("add")(add_user)
    users.command("list")(list_users)
    users.command("role")(change_role)
    users.command("link")(new_link)
    users.command("password")(change_password)
    users.command("remove")(remove_user)
    app.add_typer(keys, name="keys")
    app.add_typer(users, name="users")


def create_key(
    name: Annotated[str, typer.Option("--name", help="What it is for, so that you know later which one to revoke.")],
    scopes: Annotated[list[str], typer.Option("--scopes", help="all, or some: subscribers:write,events:write,send ...")],
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown this once."""

    async def work() -> None:
        from nurture.services.access import create_key as create  # noqa: PLC0415 - heavy: argon2 and the store

        async with opened() as app:
            new = await create(app.db, name, scopes, app.clock(), by=operator())
        if as_json or not sys.stdout.isatty():
            print_json({"key": new.key})
        else:
            print(f"{new.key}\nKeep it now: it is not shown again.")

    run(work())


def list_keys(as_json: AsJson = False) -> None:
    """All keys, without their secrets."""

    async def work() -> None:
        from nurture.services.access import list_keys as load  # noqa: PLC0415 - heavy: argon2 and the store

        async with opened() as app:
            rows = await load(app.db)
        if as_json:
            shown = ("name", "prefix", "scopes", "used_at", "revoked_at")
            print_json([{name: getattr(r, name) for name in shown} for r in rows])
        else:
            for r in rows:
                print(f"nur_{r.prefix}_...  {'revoked' if r.revoked_at else 'live':8} {r.name}  ({', '.join(r.scopes)})")

    run(work())


def revoke_key(key: Annotated[str, typer.Argument(help="The key's name, its prefix or the key itself.")]) -> None:
    """Revoke a key: it fails from the next request on."""

    async def work() -> None:
        from nurture.services.access import revoke_key as revoke  # noqa: PLC0415 - heavy: argon2 and the store

        async with opened() as app:
            count = await revoke(app.db, key, app.clock(), by=operator())
        print(f"{count} key{'s' if count > 1 else ''} revoked.")

    run(work())


def _password() -> str:
    """Asked twice at a terminal; read from standard input otherwise, so that it never stands in a command line."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def add_user(
    email: Email,
    role: Annotated[str, typer.Option(help="owner, marketer, helper (of the reply desk) or reader.")] = "owner",
    link: Annotated[bool, typer.Option("--link", help="Ask for no password; show a link by which they choose one.")] = False,
) -> None:
    """Add a user; the password is asked, or read from standard input."""
    password = "" if link else _password()

    async def work() -> None:
        from nurture.services import access  # noqa: PLC0415 - heavy: argon2 and the store

        async with opened() as app:
            if link:
                secret = await access.invite(app.db, email, app.clock(), role=role, by=operator())
                print(_told(app.settings.base_url, secret))
            else:
                await access.add_user(app.db, email, password, app.clock(), role=role, by=operator())
                print(f"{email} may sign in now, as {role}.")

    run(work())


def _told(base_url: str, secret: str) -> str:
    return f"{base_url.rstrip('/')}/setup/{secret}\nHand it over yourself: it opens once, within three days."


def new_link(email: Email) -> None:
    """A link by which a user chooses a new password; it opens once, within three days."""

    async def work() -> None:
        from nurture.services.access import new_link as make  # noqa: PLC0415 - heavy: argon2 and the store

        async with opened() as app:
            print(_told(app.settings.base_url, await make(app.db, email, app.clock(), by=operator())))

    run(work())


def list_users(as_json: AsJson = False) -> None:
    """All users and their roles."""

    async def work() -> None:
        from nurture.services.access import list_users as load  # noqa: PLC0415 - heavy: argon2 and the store

        async with opened() as app:
            rows = await load(app.db)
        if as_json:
            print_json([{"email": r.email, "role": r.role, "created_at": r.created_at, "has_password": bool(r.password)} for r in rows])
        else:
            for r in rows:
                print(f"{r.role:9} {r.email}{'' if r.password else '  (has not chosen a password)'}")

    run(work())


def change_role(email: Email, role: Annotated[str, typer.Argument(help="owner, marketer, helper or reader.")]) -> None:
    """Give a user another role; their sessions end everywhere."""

    async def work() -> None:
        from nurture.services.access import change_role as change  # noqa: PLC0415 - heavy: argon2 and the store

        async with opened() as app:
            await change(app.db, email, role, app.clock(), by=operator())
        print(f"{email} is {role} now; their sessions have ended.")

    run(work())


def change_password(email: Email) -> None:
    """Set a new password; the user's sessions end everywhere."""
    password = _password()

    async def work() -> None:
        from nurture.services.access import change_password as change  # noqa: PLC0415 - heavy: argon2 and the store

        async with opened() as app:
            await change(app.db, email, password, app.clock(), by=operator())
        print(f"The password of {email} is changed; all their sessions have ended.")

    run(work())


def remove_user(email: Email) -> None:
    """Remove a user and end their sessions."""

    async def work() -> None:
        from nurture.services.access import remove_user as remove  # noqa: PLC0415 - heavy: argon2 and the store

        async with opened() as app:
            await remove(app.db, email, app.clock(), by=operator())
        print(f"{email} is removed.")

    run(work())
