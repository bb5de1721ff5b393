"""The real application over a real database, called through its ASGI face; the clock is the test's."""

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from nurture.bootstrap import App, open_app
from nurture.domain.tokens import Purpose, Token, sign
from nurture.services.access import create_key
from nurture.settings import Settings
from tests.support.people import NOW

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **step: float) -> None:
        self.now += timedelta(**step)


@dataclass
class House:
    """The open App, its web application and a browser without cookies."""

    app: App
    api: Any
    client: httpx2.AsyncClient
    clock: Clock
    keys: dict[str, str] = field(default_factory=dict)

    async def key(self, *scopes: str) -> dict[str, str]:
        """Headers with a fresh key of these scopes."""
        new = await create_key(self.app.db, "test", scopes or ("all",), self.clock())
        return {"Authorization": f"Bearer {new.key}"}

    def token(self, purpose: Purpose, delivery: int, subscriber: int, version: int) -> str:
        return sign(Token(purpose, delivery, subscriber, version), self.app.keys[0])

    async def folded(self) -> None:
        """All hits so far are in the database."""
        await self.api.state.recorder.fold_now()


def client_of(api: Any, *, ip: str = "203.0.113.9", **more: Any) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=api, raise_app_exceptions=False, client=(ip, 4711))
    return httpx2.AsyncClient(transport=transport, base_url="http://nurture.test", headers={"User-Agent": CHROME}, **more)


@pytest.fixture(autouse=True)
def _quick_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms answer at once: the time of their answers has a test of its own (test_joining.py)."""
    monkeypatch.setattr("api.public.joining.EVEN", 0.001)


@pytest.fixture
async def house(db_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = Clock()
    settings = Settings(data_dir=tmp_path / "data", database_url=db_url, secret_key="a secret of the tests")
    async with open_app(settings, clock) as app:
        api = create_app(app)
        async with api.router.lifespan_context(api), client_of(api) as client:
            yield House(app, api, client, clock)


@pytest.fixture
async def small_house(sqlite_db: Any, tmp_path: Path) -> AsyncIterator[House]:
    """Only SQLite: for what no database can change."""
    clock = Clock()
    await sqlite_db.close()
    settings = Settings(data_dir=tmp_path, secret_key="a secret of the tests")
    async with open_app(settings, clock) as app:
        api = create_app(dataclasses.replace(app))
        async with api.router.lifespan_context(api), client_of(api) as client:
            yield House(app, api, client, clock)
