"""What other systems are told, and how they know that it comes from us: Standard Webhooks 1.0 (standardwebhooks.com).

The signature is HMAC-SHA256 over `id.timestamp.body`, keyed by the secret's bytes: `whsec_` and base64.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from nurture.domain.advice import did_you_mean
from nurture.domain.errors import NurtureError
from nurture.domain.words import EventType

EVENT_NAMES: dict[EventType, str] = {
    EventType.OPENED: "email.opened", EventType.CLICKED: "email.clicked", EventType.REPLIED: "email.replied",
    EventType.BOUNCED: "email.bounced", EventType.COMPLAINED: "email.complained", EventType.ANSWERED: "subscriber.answered",
    EventType.VISITED: "subscriber.visited", EventType.ATTENDED: "subscriber.attended", EventType.TOUCHED: "subscriber.touched",
    EventType.CONVERTED: "subscriber.converted", EventType.LEFT: "subscriber.unsubscribed", EventType.REFUSED: "subscriber.refused",
    EventType.JOINED: "subscriber.subscribed", EventType.RESUBSCRIBED: "subscriber.resubscribed",
    EventType.REFERRED: "subscriber.referred",
}  # fmt: skip
MOVED = "subscriber.moved"
_NAT64 = IPv6Network("64:ff9b::/96")
STAGE_NAMES = {stage: f"sequence.{stage}" for stage in ("entered", "done", "exited", "goal")}
ACTED, WITHDRAWN = "rule.acted", "rule.withdrawn"
TYPES = (*EVENT_NAMES.values(), MOVED, *STAGE_NAMES.values())
RETRIES = tuple(
    timedelta(seconds=s) for s in (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)  # fmt: skip
_PREFIX = "whsec_"
_LEAST = 24  # bytes of a secret, by the standard


def read_types(words: Iterable[str]) -> list[str]:
    """Event names, each once; `*` is all of them. Raises NurtureError for an unknown one or none."""
    given = list(dict.fromkeys(words))
    if "*" in given:
        return list(TYPES)
    for word in given:
        if word not in TYPES:
            raise NurtureError(f"{word!r} is no event that can be told{did_you_mean(word, TYPES) or '; use ' + ', '.join(TYPES)}")
    if not given:
        raise NurtureError('a webhook needs at least one event, such as "email.clicked", or "*" for all')
    return given


def write_secret(key: bytes) -> str:
    return _PREFIX + base64.b64encode(key).decode()


def message_id(*parts: object) -> str:
    """The same for the same sender, cause and type: a message that is written twice goes out under one id."""
    return "msg_" + hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=15).hexdigest()


def write_body(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    """Fixed when the message is written, so that every try sends the same bytes."""
    told = {"type": kind, "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def headers_for(secrets: Iterable[str], uid: str, at: datetime, body: str) -> dict[str, str]:
    """What goes with one try at this moment: a signature by each secret, since one may be on its way out."""
    stamp = str(int(at.timestamp()))
    signed = " ".join(f"v1,{_sign(secret, uid, stamp, body)}" for secret in secrets)
    return {"webhook-id": uid, "webhook-timestamp": stamp, "webhook-signature": signed}


def _sign(secret: str, uid: str, stamp: str, body: str) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise NurtureError("this is no webhook secret; it begins with whsec_") from error
    if len(key) < _LEAST:
        raise NurtureError(f"a webhook secret has at least {_LEAST} bytes")
    return base64.b64encode(hmac.new(key, f"{uid}.{stamp}.{body}".encode(), hashlib.sha256).digest()).decode()


def next_try(attempts: int) -> timedelta | None:
    """How long to wait after so many tries have failed; None when it is given up."""
    return RETRIES[attempts - 1] if attempts <= len(RETRIES) else None


def refused_address(address: str, *, loopback: bool) -> str | None:
    """Why no webhook goes to this IP address; None where it may. Only the open internet is called, never a machine inside.

    `loopback`: this very machine may be called.
    """
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or _translated(ip) or ip
    if ip.is_loopback and loopback:
        return None
    inside = isinstance(ip, IPv6Address) and ip.is_site_local  # fec0::/10, which counts as global
    if not ip.is_global or ip.is_multicast or ip.is_reserved or inside:
        return f"{address} is not an address of the open internet"
    return None


def _translated(ip: IPv6Address) -> IPv4Address | None:
    """What stands behind an address of NAT64 (RFC 6052, 64:ff9b::/96), which counts as global whatever it leads to."""
    return IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None


def refused_literal(url: str) -> str | None:
    """Why no webhook goes to an address that names its machine by number; None for names, which are asked when they are called, and for
    this very machine, which a setting may allow.
    """
    try:
        return refused_address(urlsplit(url).hostname or "", loopback=True)
    except ValueError:
        return None
