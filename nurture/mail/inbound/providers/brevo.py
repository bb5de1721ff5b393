"""Brevo: one event a call; no signature, a password in the webhook's address or a token in its header."""

from typing import Any

from nurture.domain.feedback import Failure, Heard, HeardKind, complaint, judge_failure
from nurture.mail.inbound.providers import Call, Refused, Told, message_id, text
from nurture.mail.inbound.providers.password import check_password


def read(call: Call, secret: str) -> list[Told]:
    """`secret`: the password or token of the webhook."""
    check_password(call, secret)
    row = call.json()
    if not isinstance(row, dict):
        raise Refused("not an event")
    heard = _heard(text(row, "event"), text(row, "email").lower(), row)
    letter = text(row, "message-id")
    name = f"{text(row, 'event')}:{text(row, 'ts_event', 'ts_epoch', 'ts', 'date')}:{letter or text(row, 'email')}"
    return [Told(name, heard, message_id(letter))] if heard else []


def _heard(event: str, recipient: str, row: dict[str, Any]) -> Heard | None:  # noqa: PLR0911 - a table, one row each
    words = text(row, "reason")
    match event:
        case "spam" | "complaint":
            return complaint("abuse", recipient)
        case "delivered":
            return Heard(HeardKind.DELIVERED, recipient, "delivered")
        case "hard_bounce" | "invalid_email":
            return judge_failure(Failure(recipient, "failed", "", words), dead=True)
        case "soft_bounce":
            return judge_failure(Failure(recipient, "failed", "4.0.0", words))
        case "deferred":
            return judge_failure(Failure(recipient, "delayed", "", words))
        case "blocked" | "error":
            return Heard(HeardKind.BOUNCE, recipient, f"{event}: {words[:200]}")
    return None
