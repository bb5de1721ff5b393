"""The dashboard as a browser meets it: the real application over a real database, its clock standing still."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx2

from api.app import create_app
from nurture.bootstrap import App, token_keys
from nurture.mail.capture import CaptureRelay
from nurture.mail.dkim_keys import KeyFolder
from nurture.queue.embedded import EmbeddedBell
from nurture.services.access import add_user
from nurture.settings import Settings
from nurture.shipped import shipped
from nurture.store.database import Database
from tests.support.people import NOW

HOST = "http://127.0.0.1:8000"
USER, PASSWORD = "anna@example.com", "correct horse battery"


def open_desk(db: Database, folder: Path, now: datetime = NOW, **more: object) -> App:
    """An App over `db` that captures what it would send; `more` are settings."""
    settings = Settings.model_validate({"data_dir": folder, "base_url": HOST} | more)
    folder.mkdir(parents=True, exist_ok=True)
    return App(
        settings, db, lambda: now, token_keys(settings), CaptureRelay(folder / "captured"), EmbeddedBell(), shipped("templates"), captures=True,
        dkim=KeyFolder(settings.dkim_folder),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def browser(app: App, *, demo: bool = False, host: str = HOST, client: str = "127.0.0.1") -> AsyncIterator[httpx2.AsyncClient]:
    """A client with its own cookies, as from the machine `client`."""
    transport = httpx2.ASGITransport(app=create_app(app, demo=demo), client=(client, 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url=host) as opened:
        yield opened


def token_of(page: str) -> str:
    """The form token that a page carries."""
    return page.split('name="csrf" value="')[1].split('"', maxsplit=1)[0]


async def sign_in(desk: httpx2.AsyncClient, app: App) -> None:
    """Add the user and sign in through the form."""
    await add_user(app.db, USER, PASSWORD, app.clock())
    page = await desk.get("/login")
    fields = {"csrf": token_of(page.text), "email": USER, "password": PASSWORD, "next": "/"}
    answer = await desk.post("/login", data=fields, headers={"Origin": str(desk.base_url).rstrip("/")})
    assert answer.status_code == 303, answer.text
