"""Who may come in: API keys, users with passwords, their sessions, and the setup link of a fresh installation."""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from nurture.domain.advice import did_you_mean
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.roles import GRANTS, SCOPES, Role, opens, read_role
from nurture.domain.tokens import TokenKey
from nurture.store import access as rows
from nurture.store.auditing import note
from nurture.store.database import Connection, Database

_KEY_SHAPE = re.compile(r"nur_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")
_USED_EVERY = timedelta(minutes=1)
SESSION_IDLE = timedelta(days=7)
LINK_LASTS = timedelta(days=3)
SESSION_LASTS = timedelta(days=30)
PASSWORD_LEAST = 8
PASSWORD_MOST = 1024
_HASHER = PasswordHasher()
_DUMMY = "$argon2id$v=19$m=65536,t=3,p=4$q2Wrr53vCO1eVib0wLfJgw$FGqH+SGvyvkM3BHIZIf4sGauBLGm4GO+xK/09gJLprQ"  # nobody has this password


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a key."""

    key_id: int
    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the key opens this door; writing includes reading of the same subject."""
        return opens(self.scopes, scope)


@dataclass(frozen=True, slots=True)
class NewKey:
    """`key` is shown once and never again."""

    id: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    key: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A live session of a user."""

    user_id: int
    email: str
    csrf: str
    role: Role

    def may(self, scope: str) -> bool:
        """Whether this user's role opens what asks for `scope`."""
        return opens(GRANTS[self.role], scope)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def read_scopes(words: Sequence[str]) -> tuple[str, ...]:
    """`("send", "reports:read")` from words or comma-separated words; raises NurtureError naming the wrong one."""
    given = [w.strip() for word in words for w in word.split(",") if w.strip()]
    for word in given:
        if word not in SCOPES:
            raise NurtureError(f"{word!r} is not a scope{did_you_mean(word, SCOPES) or '; use ' + ', '.join(SCOPES)}")
    if not given:
        raise NurtureError("a key needs at least one scope, for instance: all")
    return tuple(dict.fromkeys(given))


async def create_key(db: Database, name: str, scopes: Sequence[str], now: datetime, *, by: str = "cli") -> NewKey:
    """A fresh key `nur_<prefix>_<secret>`; only its SHA-256 digest is stored."""
    if not name.strip():
        raise NurtureError("a key needs a name, so that you know later which one to revoke")
    chosen = read_scopes(scopes)
    prefix = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(8))
    text = f"nur_{prefix}_{secrets.token_urlsafe(32)}"
    async with db.write() as tx:
        key_id = await rows.add_key(tx, name=name.strip(), prefix=prefix, digest=_digest(text), scopes=list(chosen), now=now)
        await note(tx, by, "key.create", prefix, now, {"name": name.strip(), "scopes": list(chosen)})
    return NewKey(key_id, name.strip(), prefix, chosen, text)


async def list_keys(db: Database) -> list[rows.KeyRow]:
    async with db.read() as tx:
        return await rows.list_keys(tx)


async def revoke_key(db: Database, what: str | int, now: datetime, *, by: str = "cli") -> int:
    """Revoke by id, prefix, whole key or name; how many keys fell. Raises NurtureError when none is live under that name."""
    async with db.write() as tx:
        if isinstance(what, int):
            count = await rows.revoke_keys(tx, "id", what, now)
        else:
            shaped = _KEY_SHAPE.fullmatch(what)
            prefix = shaped[1] if shaped else what.removeprefix("nur_").split("_")[0]
            count = await rows.revoke_keys(tx, "prefix", prefix, now) or await rows.revoke_keys(tx, "name", what, now)
        if count:
            await note(tx, by, "key.revoke", str(what)[:12], now)
    if not count:
        raise NurtureError("no live key has that name or prefix; look at them with: nurture keys list", ErrorKind.MISSING)
    return count


async def check_key(db: Database, text: str, now: datetime) -> Principal | None:
    """Who holds this key; None when it is malformed, unknown or revoked. The database is asked every time: a revoked key fails at once."""
    shaped = _KEY_SHAPE.fullmatch(text)
    if not shaped:
        return None
    async with db.read() as tx:
        row = await rows.key_by_prefix(tx, shaped[1])
    good = hmac.compare_digest(_digest(text), row.digest if row else "0" * 64)
    if row is None or not good or row.revoked_at is not None:
        return None
    if row.used_at is None or now - row.used_at >= _USED_EVERY:
        async with db.write() as tx:
            await rows.mark_used(tx, row.id, now)
    return Principal(row.id, row.name, frozenset(row.scopes))


async def _hash(password: str) -> str:
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise NurtureError(f"a password has {PASSWORD_LEAST} to {PASSWORD_MOST} characters; a sentence is easy to keep in mind")
    return await asyncio.to_thread(_HASHER.hash, password)


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password[:PASSWORD_MOST])
    except (VerificationError, InvalidHashError):
        return False


def _address(email: str) -> str:
    cleaned = email.strip().lower()
    if not re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,255}", cleaned):
        raise NurtureError(f"{email!r} is not an e-mail address; write it as anna@example.com")
    return cleaned


async def list_users(db: Database) -> list[rows.UserRow]:
    async with db.read() as tx:
        return await rows.list_users(tx)


async def add_user(db: Database, email: str, password: str, now: datetime, *, role: str = Role.OWNER, by: str = "cli") -> int:
    address, chosen, hashed = _address(email), read_role(role), await _hash(password)
    async with db.write() as tx:
        return await _add(tx, address, hashed, chosen, now, by)


async def _add(tx: Connection, address: str, hashed: str, role: Role, now: datetime, by: str) -> int:
    if await rows.user_by(tx, "email", address):
        raise NurtureError(f"{address} is a user already; change the password with: nurture users password", ErrorKind.CONFLICT)
    user_id = await rows.add_user(tx, address, hashed, role, now)
    await note(tx, by, "user.add", address, now, {"role": role})
    return user_id


async def invite(db: Database, email: str, now: datetime, *, role: str, by: str) -> str:
    """Add a user without a password; the secret of the link by which they choose one. It is shown once and opens once, for three days."""
    address, chosen = _address(email), read_role(role)
    secret = secrets.token_urlsafe(32)
    async with db.write() as tx:
        user_id = await _add(tx, address, "", chosen, now, by)
        await rows.set_link(tx, user_id, _digest(secret), now + LINK_LASTS)
    return secret


async def new_link(db: Database, email: str, now: datetime, *, by: str) -> str:
    """A fresh link to choose a password by; the one before falls. Sessions and password stay until it is used."""
    secret = secrets.token_urlsafe(32)
    async with db.write() as tx:
        found = await _existing(tx, email)
        await rows.set_link(tx, found.id, _digest(secret), now + LINK_LASTS)
        await note(tx, by, "user.link", found.email, now)
    return secret


async def link_of(db: Database, secret: str, now: datetime) -> str | None:
    """Whose link this is: the address, while it is good."""
    async with db.read() as tx:
        found = await rows.user_by(tx, "link_digest", _digest(secret))
    return found.email if found and found.link_until and now < found.link_until else None


async def use_link(db: Database, secret: str, password: str, now: datetime) -> int:
    """Choose the password; the link is used up and every earlier session ends. Raises FORBIDDEN for a wrong, used or old link."""
    hashed = await _hash(password)
    async with db.write() as tx:
        found = await rows.user_by(tx, "link_digest", _digest(secret))
        if found is None or found.link_until is None or now >= found.link_until:
            raise NurtureError("this link is used or too old; ask an owner for a new one", ErrorKind.FORBIDDEN)
        await rows.set_password(tx, found.id, hashed)
        await rows.end_sessions(tx, user_id=found.id)
        await note(tx, found.email, "user.password", found.email, now, {"by": "link"})
    return found.id


async def _existing(tx: Connection, email: str) -> rows.UserRow:
    found = await rows.user_by(tx, "email", _address(email))
    if found is None:
        raise NurtureError(f"there is no user {_address(email)}; add one with: nurture users add", ErrorKind.MISSING)
    return found


async def change_password(db: Database, email: str, password: str, now: datetime, *, by: str = "cli") -> None:
    """Set a password; every session of that user ends."""
    hashed = await _hash(password)
    async with db.write() as tx:
        found = await _existing(tx, email)
        await rows.set_password(tx, found.id, hashed)
        await rows.end_sessions(tx, user_id=found.id)
        await note(tx, by, "user.password", found.email, now)


async def change_role(db: Database, email: str, role: str, now: datetime, *, by: str = "cli") -> None:
    """Give another role; every session of that user ends. Raises CONFLICT for the last owner."""
    chosen = read_role(role)
    async with db.write() as tx:
        found = await _existing(tx, email)
        await _keep_an_owner(tx, found, leaves=chosen is not Role.OWNER)
        await rows.set_role(tx, found.id, chosen)
        await rows.end_sessions(tx, user_id=found.id)
        await note(tx, by, "user.role", found.email, now, {"was": found.role, "role": chosen})


async def remove_user(db: Database, email: str, now: datetime, *, by: str = "cli") -> None:
    """Raises CONFLICT for the last owner: without users the setup link would open to whoever has seen it."""
    async with db.write() as tx:
        found = await _existing(tx, email)
        await _keep_an_owner(tx, found, leaves=True)
        await rows.end_sessions(tx, user_id=found.id)
        await rows.remove_user(tx, found.id)
        await note(tx, by, "user.remove", found.email, now)


async def _keep_an_owner(tx: Connection, user: rows.UserRow, *, leaves: bool) -> None:
    await rows.lock_users(tx)
    if leaves and user.role == Role.OWNER and await rows.count_role(tx, Role.OWNER) == 1:
        raise NurtureError(f"{user.email} is the only owner; make another user an owner first", ErrorKind.CONFLICT)


async def check_password(db: Database, email: str, password: str, now: datetime) -> int | None:
    """The user's id, or None. An unknown address costs as much time as a wrong password."""
    async with db.read() as tx:
        found = await rows.user_by(tx, "email", email.strip().lower())
    good = await asyncio.to_thread(_verify, (found and found.password) or _DUMMY, password)
    async with db.write() as tx:
        await note(tx, "web", "login.ok" if found and good else "login.fail", email.strip().lower(), now)
    return found.id if found and found.password and good else None


async def start_session(db: Database, user_id: int, now: datetime) -> str:
    """A new session; the value for the cookie. Only its digest is stored."""
    value = secrets.token_urlsafe(32)
    async with db.write() as tx:
        await rows.add_session(
            tx, digest=_digest(value), user_id=user_id, csrf=secrets.token_urlsafe(24), now=now, expires_at=now + SESSION_LASTS
        )
    return value


async def check_session(db: Database, value: str, now: datetime) -> Visit | None:
    """Whose session this is; None when it is unknown, ended, idle for a week or a month old."""
    if not value or len(value) > 100:
        return None
    digest = _digest(value)
    async with db.read() as tx:
        row = await rows.session_by_digest(tx, digest)
    if row is None or now >= row.expires_at or now - row.seen_at > SESSION_IDLE:
        return None
    if now - row.seen_at >= _USED_EVERY:
        async with db.write() as tx:
            await rows.mark_seen(tx, digest, now)
    return Visit(row.user_id, row.email, row.csrf, Role(row.role))


async def end_session(db: Database, value: str) -> None:
    async with db.write() as tx:
        await rows.end_sessions(tx, digest=_digest(value))


def setup_token(key: TokenKey) -> str:
    """The secret of the one setup link; it opens only while there are no users."""
    raw = hashlib.blake2b(b"setup", digest_size=18, key=key.secret, person=b"nurture-setup-1").digest()
    return base64.urlsafe_b64encode(raw).decode()


async def needs_setup(db: Database) -> bool:
    async with db.read() as tx:
        return await rows.count_users(tx) == 0


async def set_up(db: Database, token: str, keys: Sequence[TokenKey], email: str, password: str, now: datetime) -> int:
    """Make the first user, an owner; raises FORBIDDEN for a wrong or used link."""
    if not any(hmac.compare_digest(token.encode(), setup_token(key).encode()) for key in keys):
        raise NurtureError("this setup link is not valid; start `nurture serve` again to see the right one", ErrorKind.FORBIDDEN)
    address, hashed = _address(email), await _hash(password)
    async with db.write() as tx:
        if await rows.count_users(tx):
            raise NurtureError("this setup link was used already; sign in instead", ErrorKind.FORBIDDEN)
        user_id = await rows.add_user(tx, address, hashed, Role.OWNER, now)
        await note(tx, "setup", "user.add", address, now)
    return user_id
