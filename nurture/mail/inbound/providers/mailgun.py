"""Mailgun: JSON with a signature of its own, HMAC-SHA256 over timestamp and token (documentation.mailgun.com, "Securing webhooks")."""

import hashlib
import hmac
from typing import Any

from nurture.domain.feedback import Failure, Heard, HeardKind, complaint, judge_failure
from nurture.mail.inbound.providers import Call, Refused, Told, check_moment, message_id, text


def read(call: Call, secret: str) -> list[Told]:
    """`secret`: the HTTP webhook signing key of the account."""
    body = call.json()
    signed, data = (body.get("signature"), body.get("event-data")) if isinstance(body, dict) else (None, None)
    if not isinstance(signed, dict) or not isinstance(data, dict):
        raise Refused("neither signature nor event-data")
    moment, token = text(signed, "timestamp"), text(signed, "token")
    ours = hmac.new(secret.encode(), f"{moment}{token}".encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(ours.encode(), text(signed, "signature").encode()):
        raise Refused("the signature is not theirs")
    check_moment(call, moment)
    heard = _heard(data)
    sent: Any = data.get("message")
    headers = sent.get("headers") if isinstance(sent, dict) else None
    known = message_id(text(headers, "message-id")) if isinstance(headers, dict) else ()
    return [Told(text(data, "id") or token, heard, known)] if heard else []


def _heard(data: dict[str, Any]) -> Heard | None:
    event, recipient = text(data, "event"), text(data, "recipient").lower()
    if event == "complained":
        return complaint("abuse", recipient)
    if event == "delivered":
        return Heard(HeardKind.DELIVERED, recipient, "delivered")
    if event != "failed":
        return None
    status = data.get("delivery-status")
    told = status if isinstance(status, dict) else {}
    words = " ".join(filter(None, (text(told, "code"), text(told, "enhanced-code"), text(told, "message"), text(told, "description"))))
    permanent = text(data, "severity") == "permanent"
    dead = permanent and text(data, "reason") in ("bounce", "suppress-bounce")
    action = "failed" if permanent else "delayed"
    return judge_failure(Failure(recipient, action, text(told, "enhanced-code"), words), dead=dead)
