"""Examine an installation, from the disk to the DNS: `nurture doctor`. It changes nothing and sends no letter.

Whatever is broken, the rest is examined all the same: each part ends in findings, never in an error.
"""

import asyncio
import secrets
import shutil
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from nurture.domain.documents import Policy
from nurture.domain.errors import NurtureError
from nurture.domain.examination import house, relay
from nurture.domain.findings import Finding
from nurture.domain.tokens import TokenKey, proof
from nurture.hooks.asking import get
from nurture.mail.dkim_keys import KeyFolder
from nurture.mail.lookups import Resolver
from nurture.mail.probe import look
from nurture.mail.relay_address import RelayAddress
from nurture.queue.arq import trouble_with
from nurture.services.examining.sending_domain import examine_domain
from nurture.store.database import Database, connect
from nurture.store.dialect_health import facts as database_facts
from nurture.store.documents import load_policy
from nurture.store.schema import is_newest
from nurture.store.workspace import load_workspace

Clock = Callable[[], datetime]
LIMIT = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class Installation:
    """What there is to look at. `keys`: those that sign links, none where the secret is not made yet. `relays` empty: letters are captured.

    `trust`: whom to trust at the base URL, the system's authorities unless told; `verify` likewise for the relay, or False.
    """

    database_url: str
    data_dir: Path
    base_url: str
    keys: Sequence[TokenKey]
    relays: Sequence[RelayAddress]
    dkim: KeyFolder
    resolver: Resolver
    redis_url: str | None = None
    bounce_domain: str | None = None
    verify: bool | ssl.SSLContext = True
    trust: ssl.SSLContext | None = None

    @property
    def captures(self) -> bool:
        return not self.relays


async def examine(place: Installation, clock: Clock) -> list[Finding]:
    """Everything, in the order in which one would mend it."""
    db = connect(place.database_url)
    try:
        (stored, policy), queue, web = await asyncio.gather(_database(db, place, clock), _redis(place), _web(place, clock))
    finally:
        await db.close()
    sender = policy.sender.address if policy and policy.sender else None
    sending, names = await asyncio.gather(
        _relays(place, sender, clock), examine_domain(place.resolver, sender, place.relays, place.dkim, place.bounce_domain)
    )
    return [*_house(place), *stored, *queue, *web, *sending, *names]


async def examine_sending(place: Installation, sender: str | None, clock: Clock, limit: float = LIMIT) -> list[Finding]:
    """Of these what concerns the letters of one sender: base URL, relays, the names of the domain. `limit`: seconds for all of it."""
    names = examine_domain(place.resolver, sender, place.relays, place.dkim, place.bounce_domain)
    try:
        async with asyncio.timeout(limit):
            found = await asyncio.gather(_web(place, clock), _relays(place, sender, clock), names)
            return [finding for part in found for finding in part]
    except TimeoutError:
        words = f"Base URL, relay and DNS did not all answer within {limit:g} s; `nurture doctor` asks each with patience."
        return [Finding("network", "warn", words)]


def _house(place: Installation) -> list[Finding]:
    files = [place.data_dir / "secret.key", *place.dkim.path.glob("*.pem")]
    found = [house.judge_secrets((str(path), path.stat().st_mode) for path in files if path.is_file()), house.judge_zones()]
    if place.data_dir.is_dir():
        found.append(house.judge_disk(shutil.disk_usage(place.data_dir).free, str(place.data_dir)))
    return found


async def _database(db: Database, place: Installation, clock: Clock) -> tuple[list[Finding], Policy | None]:
    file = Path(db.engine.url.database or "")
    if db.sqlite and not file.is_file():  # noqa: ASYNC240 - one look, and opening it would make it
        words = f"There is no database {file} yet; `nurture db upgrade` makes it, unless NURTURE_DATA_DIR is another."
        return [Finding("database", "fail", words)], None
    try:
        await db.reach()
        newest = await is_newest(db)
        async with db.read() as tx:
            before = clock()
            seen = await database_facts(tx, newest=newest)
            after = clock()
            found = [house.judge_database(seen)]
            if seen.clock is not None:
                found.append(house.judge_clock("the database", seen.clock, before, after))
            if not newest:
                return found, None
            policy = await load_policy(tx)
            found.append(house.judge_policy(policy, captures=place.captures))
            if halted := (await load_workspace(tx)).halted:
                found.append(Finding("halted", "warn", f"Nothing is planned or sent: {halted}."))
    except NurtureError as error:
        return [Finding("database", "fail", error.message)], None
    except SQLAlchemyError as error:
        words = str(getattr(error, "orig", None) or error).rpartition(">: ")[2]
        return [Finding("database", "fail", f"The database answers with an error ({words}); run `nurture db upgrade`.")], None
    return found, policy


async def _redis(place: Installation) -> list[Finding]:
    if place.redis_url is None:
        return []
    trouble = await trouble_with(place.redis_url)
    if trouble:
        words = f"Redis does not answer ({trouble}), so workers only look every NURTURE_SWEEP; check NURTURE_REDIS_URL."
        return [Finding("redis", "fail", words)]
    return [Finding("redis", "ok", "Redis answers.")]


async def _web(place: Installation, clock: Clock) -> list[Finding]:
    question = secrets.token_urlsafe(12)
    before = clock()
    page = await get(f"{place.base_url.rstrip('/')}/health/live?ask={question}", tls=place.trust)
    after = clock()
    proofs = [proof(question, key) for key in place.keys]
    found = [house.judge_base_url(place.base_url, page, proofs, captures=place.captures)]
    if page.date is not None:
        found.append(house.judge_clock("the web server", page.date, before, after))
    return found


async def _relays(place: Installation, sender: str | None, clock: Clock) -> list[Finding]:
    if place.captures:
        return [Finding("relay", "warn", "No relay is set, so letters are captured and none leaves; set NURTURE_SMTP_URL.")]
    found: list[Finding] = []
    for address in place.relays:
        before = clock()
        seen = await look(address, sender, verify=place.verify)
        found += relay.judge_relay(seen, clock())
        if (theirs := relay.greeting_date(seen)) is not None:
            found.append(house.judge_clock(f"the relay {seen.name}", theirs, before, clock()))
    return found
