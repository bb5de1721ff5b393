"""Is the house in order: the database, the policy, the clocks, the zones, the address that links begin with, the disk?"""

import ipaddress
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nurture.domain.documents import Policy
from nurture.domain.examination.facts import DatabaseFacts, Page
from nurture.domain.findings import Finding

OLDEST = {"PostgreSQL": (14,), "SQLite": (3, 35)}
OTHERS = 0o007
CLOCK_DOUBT, CLOCK_WRONG = timedelta(seconds=10), timedelta(minutes=2)
DISK_LITTLE, DISK_NONE = 1_000_000_000, 100_000_000  # bytes
_DURABLE = {
    "journal_mode": ("wal",), "synchronous": ("full", "extra"), "fsync": ("on",), "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply", "remote_write", "local"),
}  # fmt: skip
_MAILBOXES = frozenset({
    "gmail.com", "googlemail.com", "yahoo.com", "outlook.com", "hotmail.com", "live.com", "icloud.com", "aol.com", "gmx.de", "gmx.net",
    "web.de", "mail.ru", "yandex.ru",
})  # fmt: skip
_ZONE_CHANGES = (  # zone, a moment after its last change of law, hours from UTC then, the release that knows it
    ("America/Mexico_City", datetime(2023, 7, 1, tzinfo=UTC), -6, "2022f"),
    ("Asia/Almaty", datetime(2024, 7, 1, tzinfo=UTC), 5, "2024a"),
    ("America/Asuncion", datetime(2025, 7, 1, tzinfo=UTC), -3, "2025a"),
)


def judge_database(facts: DatabaseFacts) -> Finding:
    version = ".".join(str(part) for part in facts.version)
    if facts.version < OLDEST[facts.kind]:
        least = ".".join(str(part) for part in OLDEST[facts.kind])
        return Finding("database", "fail", f"{facts.kind} {version} is too old; Nurture needs {least} or newer.")
    if not facts.newest_schema:
        return Finding("database", "fail", "The database has an older schema; run `nurture db upgrade`.")
    broken = [f"{name}={value}" for name, value in facts.promises.items() if value not in _DURABLE[name]]
    if broken:
        words = f"{facts.kind} says {', '.join(broken)}, so letters that left may be forgotten in a power cut; set it back."
        return Finding("database", "fail", words)
    kept = ", ".join(f"{name}={value}" for name, value in facts.promises.items())
    return Finding("database", "ok", f"{facts.kind} {version} answers, newest schema, {kept}.")


def judge_policy(policy: Policy, *, captures: bool) -> Finding:
    """Over a real relay nothing leaves without sender and postal address; captured letters do without."""
    missing = [name for name, value in (("sender", policy.sender), ("postal_address", policy.postal_address)) if not value]
    if missing:
        words = f"The policy has no {' and no '.join(missing)}, so nothing leaves over a relay; write it in the policy and apply it."
        return Finding("policy", "warn" if captures else "fail", words)
    domain = policy.sender.address.rpartition("@")[2].lower() if policy.sender else ""
    if domain in _MAILBOXES:
        words = f"The sender is a mailbox at {domain}, and only {domain} may send for it; take an address at a domain of your own."
        return Finding("policy", "fail", words)
    return Finding("policy", "ok", f"Letters come from {policy.sender.address if policy.sender else ''}, with a postal address.")


def judge_base_url(url: str, page: Page, proofs: Sequence[str], *, captures: bool) -> Finding:
    """Do the links in letters lead to this service? `proofs`: what it may answer, one for each key."""
    parts = urlsplit(url)
    local = _is_local(parts.hostname or "")
    if local and not captures:
        return Finding("base URL", "fail", f"Links in letters lead to {url}, which only this machine can open; set NURTURE_BASE_URL.")
    if parts.scheme != "https" and not local:
        words = f"{url} is not https, and one-click leaving needs it (RFC 8058); put TLS in front and write https:// in NURTURE_BASE_URL."
        return Finding("base URL", "fail", words)
    wrong = _answer(url, page, proofs)
    if wrong:
        return Finding("base URL", "warn" if local else "fail", wrong)
    return Finding("base URL", "ok", f"{url} leads to this service.")


def _answer(url: str, page: Page, proofs: Sequence[str]) -> str:
    """What is wrong with what answered; empty where it is our own service."""
    if page.trouble:
        return f"{url} does not answer ({page.trouble}), so no link in a letter works; start `nurture serve`, or mend what stands in front."
    if page.location:
        return f"{url} sends readers on to {page.location}, and one-click leaving follows nobody; write that address in NURTURE_BASE_URL."
    try:
        told = json.loads(page.body)
        answer = told.get("proof") if isinstance(told, dict) else None
    except ValueError:
        answer = None
    if page.status != 200 or not isinstance(answer, str):
        return f"At {url} something else answers ({page.status or 'no'}); let the proxy pass everything on to `nurture serve`."
    if answer not in proofs:
        return f"At {url} a Nurture with another NURTURE_SECRET_KEY answers, so links signed here fail there; give both the same key."
    return ""


def _is_local(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def judge_clock(whose: str, theirs: datetime, before: datetime, after: datetime) -> Finding:
    """Hold a clock that was read between two moments of ours against them."""
    off = max(before - theirs, theirs - after, timedelta(0))
    seconds = f"{off.total_seconds():.0f} s"
    if off >= CLOCK_WRONG:
        return Finding("clock", "fail", f"This machine and {whose} differ by {seconds}, so letters leave at wrong hours; run NTP on both.")
    if off >= CLOCK_DOUBT:
        return Finding("clock", "warn", f"This machine and {whose} differ by {seconds}; run NTP on both.")
    return Finding("clock", "ok", f"The clock agrees with that of {whose}.")


def judge_zones(find: Callable[[str], tzinfo] = ZoneInfo) -> Finding:
    """Whether the time zone data know the laws of the last years; letters leave by the reader's clock."""
    for zone, moment, hours, release in _ZONE_CHANGES:
        try:
            offset = moment.astimezone(find(zone)).utcoffset()
        except (ZoneInfoNotFoundError, ValueError):
            return Finding("time zones", "fail", f"The time zone {zone} is not known here; install tzdata.")
        if offset != timedelta(hours=hours):
            return Finding("time zones", "warn", f"The time zone data are older than {release} (see {zone}); renew tzdata.")
    return Finding("time zones", "ok", f"The time zone data know the laws up to {_ZONE_CHANGES[-1][3]} at least.")


def judge_disk(free: int, folder: str) -> Finding:
    room = f"{free / 1e9:.1f} GB"
    if free < DISK_NONE:
        return Finding("disk", "fail", f"{folder} has {room} left, and nothing is sent that cannot be recorded; make room now.")
    if free < DISK_LITTLE:
        return Finding("disk", "warn", f"{folder} has {room} left; make room soon.")
    return Finding("disk", "ok", f"{folder} has {room} left.")


def judge_secrets(modes: Iterable[tuple[str, int]]) -> Finding:
    """`modes`: each secret file with its permissions. A group may read it: secret stores mount so."""
    seen = list(modes)
    if opened := [path for path, mode in seen if mode & OTHERS]:
        return Finding("secrets", "warn", f"Every user of this machine can read {', '.join(opened)}; run chmod o= on it.")
    return Finding("secrets", "ok", f"Secret files: {len(seen)}, none of them open to every user of this machine.")
