"""SendGrid: a list of events; ECDSA over timestamp and body ("Event Webhook Security Features")."""

import base64
import binascii
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from nurture.domain.feedback import Failure, Heard, HeardKind, complaint, judge_failure
from nurture.mail.inbound.providers import MOST_EVENTS, Call, Refused, Told, check_moment, message_id, text

_SIGNATURE, _MOMENT = "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"


def read(call: Call, secret: str) -> list[Told]:
    """`secret`: the verification key that SendGrid shows, base64."""
    moment = call.headers.get(_MOMENT, "")
    try:
        key = load_der_public_key(base64.b64decode(secret))
        signature = base64.b64decode(call.headers.get(_SIGNATURE, ""), validate=True)
        if not isinstance(key, EllipticCurvePublicKey):
            raise Refused("NURTURE_INBOUND_SENDGRID holds no key for ECDSA")
        key.verify(signature, moment.encode() + call.body, ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, binascii.Error) as error:
        raise Refused("the signature is not theirs") from error
    check_moment(call, moment)
    rows = call.json()
    if not isinstance(rows, list):
        raise Refused("not a list of events")
    return [told for row in rows[:MOST_EVENTS] if isinstance(row, dict) and (told := _told(row))]


def _told(row: dict[str, Any]) -> Told | None:
    heard = _heard(text(row, "event"), text(row, "email").lower(), row)
    name = text(row, "sg_event_id")
    return Told(name, heard, message_id(text(row, "smtp-id"))) if heard and name else None


def _heard(event: str, recipient: str, row: dict[str, Any]) -> Heard | None:
    if event == "spamreport":
        return complaint("abuse", recipient)
    if event == "delivered":
        return Heard(HeardKind.DELIVERED, recipient, "delivered")
    if event not in ("bounce", "dropped", "deferred"):
        return None
    words, status = text(row, "reason", "response"), text(row, "status")
    if event == "deferred":
        return judge_failure(Failure(recipient, "delayed", status, words))
    dead = text(row, "type") == "bounce" and text(row, "bounce_classification") in ("Invalid Address", "")
    return judge_failure(Failure(recipient, "failed", status, words), dead=dead or words.startswith("Bounced Address"))
