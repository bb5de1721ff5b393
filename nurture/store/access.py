"""API keys, users and sessions: rows hold digests and argon2 hashes, never the secrets themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from nurture.store.database import Connection
from nurture.store.tables import METADATA

KEYS, USERS, SESSIONS = (METADATA.tables[n] for n in ("api_keys", "users", "sessions"))


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: int
    name: str
    prefix: str
    digest: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserRow:
    """`password`: an argon2 hash, empty for one who has not chosen any yet."""

    id: int
    email: str
    password: str
    role: str
    link_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    user_id: int
    email: str
    role: str
    csrf: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


_KEY = (KEYS.c.id, KEYS.c.name, KEYS.c.prefix, KEYS.c.digest, KEYS.c.scopes, KEYS.c.created_at, KEYS.c.used_at, KEYS.c.revoked_at)


_USER = (USERS.c.id, USERS.c.email, USERS.c.password, USERS.c.role, USERS.c.link_until, USERS.c.created_at)


def _user(row: Any) -> UserRow:
    return UserRow(*row)


def _key(row: Any) -> KeyRow:
    return KeyRow(row[0], row[1], row[2], row[3], tuple(row[4]), row[5], row[6], row[7])


async def add_key(tx: Connection, *, name: str, prefix: str, digest: str, scopes: list[str], now: datetime) -> int:
    values = {"name": name, "prefix": prefix, "digest": digest, "scopes": scopes, "created_at": now}
    row = (await tx.execute(insert(KEYS).values(**values).returning(KEYS.c.id))).one()
    return int(row[0])


async def key_by_prefix(tx: Connection, prefix: str) -> KeyRow | None:
    row = (await tx.execute(select(*_KEY).where(KEYS.c.prefix == prefix))).one_or_none()
    return _key(row) if row else None


async def list_keys(tx: Connection) -> list[KeyRow]:
    return [_key(row) for row in await tx.execute(select(*_KEY).order_by(KEYS.c.id))]


async def revoke_keys(tx: Connection, column: str, value: Any, now: datetime) -> int:
    """Revoke the live keys whose `column` (`id`, `name`, `prefix`) is `value`; how many there were."""
    table = KEYS
    found = update(table).where(table.c[column] == value, table.c.revoked_at.is_(None)).values(revoked_at=now)
    return int((await tx.execute(found)).rowcount)


async def mark_used(tx: Connection, key_id: int, now: datetime) -> None:
    await tx.execute(update(KEYS).where(KEYS.c.id == key_id).values(used_at=now))


async def count_users(tx: Connection) -> int:
    return int((await tx.execute(select(func.count()).select_from(USERS))).scalar_one())


async def list_users(tx: Connection) -> list[UserRow]:
    return [_user(row) for row in await tx.execute(select(*_USER).order_by(USERS.c.email))]


async def lock_users(tx: Connection) -> None:
    """Whoever else would take away an owner waits; SQLite has one writer anyway."""
    if tx.dialect.name == "postgresql":
        await tx.exec_driver_sql("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")


async def count_role(tx: Connection, role: str) -> int:
    return int((await tx.execute(select(func.count()).select_from(USERS).where(USERS.c.role == role))).scalar_one())


async def add_user(tx: Connection, email: str, password: str, role: str, now: datetime) -> int:
    """`password`: its argon2 hash; empty for one who is yet to choose it by a link."""
    values = {"email": email, "password": password, "role": role, "created_at": now}
    return int((await tx.execute(insert(USERS).values(**values).returning(USERS.c.id))).one()[0])


async def user_by(tx: Connection, column: str, value: Any) -> UserRow | None:
    """The user whose `column` (`id`, `email`, `link_digest`) is `value`."""
    row = (await tx.execute(select(*_USER).where(USERS.c[column] == value))).one_or_none()
    return _user(row) if row else None


async def set_password(tx: Connection, user_id: int, password: str) -> None:
    """A link that waits is used up, too."""
    await tx.execute(update(USERS).where(USERS.c.id == user_id).values(password=password, link_digest=None, link_until=None))


async def set_link(tx: Connection, user_id: int, digest: str, until: datetime) -> None:
    await tx.execute(update(USERS).where(USERS.c.id == user_id).values(link_digest=digest, link_until=until))


async def set_role(tx: Connection, user_id: int, role: str) -> None:
    await tx.execute(update(USERS).where(USERS.c.id == user_id).values(role=role))


async def remove_user(tx: Connection, user_id: int) -> None:
    await tx.execute(delete(USERS).where(USERS.c.id == user_id))


async def end_sessions(tx: Connection, *, user_id: int | None = None, digest: str | None = None) -> None:
    """End one session, or all of one user."""
    chosen = SESSIONS.c.digest == digest if digest is not None else SESSIONS.c.user_id == user_id
    await tx.execute(delete(SESSIONS).where(chosen))


async def add_session(tx: Connection, *, digest: str, user_id: int, csrf: str, now: datetime, expires_at: datetime) -> None:
    values = {"digest": digest, "user_id": user_id, "csrf": csrf, "created_at": now, "seen_at": now, "expires_at": expires_at}
    await tx.execute(insert(SESSIONS).values(**values))
    await tx.execute(delete(SESSIONS).where(SESSIONS.c.expires_at <= now))


async def session_by_digest(tx: Connection, digest: str) -> SessionRow | None:
    query = (
        select(
            SESSIONS.c.user_id, USERS.c.email, USERS.c.role, SESSIONS.c.csrf, SESSIONS.c.created_at, SESSIONS.c.seen_at,
            SESSIONS.c.expires_at,
        )
        .join(USERS, USERS.c.id == SESSIONS.c.user_id)
        .where(SESSIONS.c.digest == digest)
    )
    row = (await tx.execute(query)).one_or_none()
    return SessionRow(*row) if row else None


async def mark_seen(tx: Connection, digest: str, now: datetime) -> None:
    await tx.execute(update(SESSIONS).where(SESSIONS.c.digest == digest).values(seen_at=now))

