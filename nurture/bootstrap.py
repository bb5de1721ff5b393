"""The composition root: Settings -> App, a frozen record of open resources. No use case lives here."""

import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nurture.domain.errors import NurtureError
from nurture.domain.tokens import TokenKey
from nurture.mail.capture import CaptureRelay
from nurture.mail.dkim_keys import KeyFolder
from nurture.mail.relay import SmtpRelay
from nurture.queue.embedded import EmbeddedBell
from nurture.services.sealing import seal_plain
from nurture.settings import Settings
from nurture.shipped import shipped
from nurture.store.database import Database, connect
from nurture.store.schema import migrate
from nurture.store.workspace import ensure_workspace

if TYPE_CHECKING:
    from nurture.queue.arq import ArqBell


def utc_now() -> datetime:
    """The one clock of the real world."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class App:
    """All that is open. `keys`: the first signs, all verify. `captures`: no relay is set, letters are kept and shown instead of sent."""

    settings: Settings
    db: Database
    clock: Callable[[], datetime]
    keys: tuple[TokenKey, ...]
    relay: SmtpRelay | CaptureRelay
    bell: "ArqBell | EmbeddedBell"
    templates: Path
    captures: bool
    dkim: KeyFolder


def secret_key(settings: Settings) -> str:
    """The signing secret: from the setting, or made once and kept 0600 in the data folder (SQLite only)."""
    if settings.secret_key:
        return settings.secret_key
    if not settings.url.startswith("sqlite"):
        raise NurtureError("NURTURE_SECRET_KEY is required with PostgreSQL; make one with: openssl rand -base64 32")
    path = settings.data_dir / "secret.key"
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(handle)  # links that are signed with it must go on working after a power cut
    if not (key := path.read_text().strip()):
        raise NurtureError(f"{path} is empty; put the key from your backup there, or remove the file if no letter has left yet.")
    return key


def token_keys(settings: Settings) -> tuple[TokenKey, ...]:
    """The key that signs, then the old one that only verifies."""
    written = [secret_key(settings), settings.secret_key_old]
    return tuple(TokenKey.derive(text) for text in written if text)


def _relay(settings: Settings) -> SmtpRelay | CaptureRelay:
    if settings.smtp_url is None:
        return CaptureRelay(settings.data_dir / "captured")
    return SmtpRelay(
        settings.smtp_url,
        connections=settings.smtp_connections,
        connect_timeout=settings.smtp_connect_timeout.total_seconds(),
        command_timeout=settings.smtp_command_timeout.total_seconds(),
        dot_timeout=settings.smtp_dot_timeout.total_seconds(),
        verify=settings.smtp_verify,
    )


def _bell(settings: Settings) -> "ArqBell | EmbeddedBell":
    if not settings.redis_url:
        return EmbeddedBell()
    from nurture.queue.arq import ArqBell  # noqa: PLC0415 - 4 MB: only who has Redis pays for it

    return ArqBell(settings.redis_url)


@contextlib.asynccontextmanager
async def open_app(settings: Settings, clock: Callable[[], datetime] = utc_now) -> AsyncIterator[App]:
    """Open everything, bring the schema up to date, and close all at the end."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # a list of people is for nobody else on this machine
    except OSError as error:
        raise NurtureError(f"the data folder {settings.data_dir} cannot be made: {error.strerror}; check NURTURE_DATA_DIR.") from error
    keys = token_keys(settings)
    db = connect(settings.url)
    await db.reach()
    await migrate(db)
    async with db.write() as tx:
        await ensure_workspace(tx, clock(), secrets.token_bytes(16))
    await seal_plain(db, keys[0])
    relay = _relay(settings)
    bell = _bell(settings)
    try:
        yield App(
            settings, db, clock, keys, relay, bell, shipped("templates"), captures=settings.smtp_url is None,
            dkim=KeyFolder(settings.dkim_folder),
        )  # fmt: skip
    finally:
        await relay.close()
        await bell.close()
        await db.close()
