"""Postmark: no signature, so its webhook address carries a name and a password (HTTP Basic), as Postmark advises."""

from typing import Any

from nurture.domain.feedback import Failure, Heard, HeardKind, complaint, judge_failure
from nurture.mail.inbound.providers import Call, Refused, Told, text
from nurture.mail.inbound.providers.password import check_password

_SOFT = {"SoftBounce": "4.2.2", "Transient": "4.4.7", "DnsError": "4.4.3"}
_NOT_THE_ADDRESS = (
    "SpamNotification", "Blocked", "SMTPApiError", "DMARCPolicy", "TemplateRenderingFailed", "InboundError", "VirusNotification",
)  # fmt: skip


def read(call: Call, secret: str) -> list[Told]:
    """`secret`: the password in the webhook's address."""
    check_password(call, secret)
    row = call.json()
    if not isinstance(row, dict):
        raise Refused("not an event")
    heard = _heard(row, text(row, "Email", "Recipient").lower())
    name = text(row, "ID") or f"{text(row, 'MessageID')}:{text(row, 'RecordType')}"
    return [Told(name, heard)] if heard else []


def _heard(row: dict[str, Any], recipient: str) -> Heard | None:  # noqa: PLR0911 - a table, one row each
    kind, sort = text(row, "RecordType"), text(row, "Type")
    if kind == "SpamComplaint" or sort == "SpamComplaint":
        return complaint("abuse", recipient)
    if kind == "Delivery":
        return Heard(HeardKind.DELIVERED, recipient, "delivered")
    if kind != "Bounce":
        return None
    words = " ".join(filter(None, (text(row, "Details"), text(row, "Description"))))
    if sort in ("AutoResponder", "AddressChange", "ChallengeVerification", "Subscribe", "Unsubscribe", "OpenRelayTest"):
        return Heard(HeardKind.AUTO_REPLY, recipient, sort)
    if sort in _SOFT:
        return judge_failure(Failure(recipient, "failed", _SOFT[sort], text(row, "Details")))
    if sort in _NOT_THE_ADDRESS:
        return Heard(HeardKind.BOUNCE, recipient, f"{sort}: {words[:200]}")
    return judge_failure(Failure(recipient, "failed", "", words), dead=sort in ("HardBounce", "BadEmailAddress", "ManuallyDeactivated"))
