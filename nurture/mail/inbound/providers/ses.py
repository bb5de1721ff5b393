"""Amazon SES by SNS: signed JSON, the certificate from an address of Amazon's (docs: "Verifying the signatures of Amazon SNS messages")."""

import base64
import binascii
import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from nurture.domain.feedback import Failure, Heard, HeardKind, complaint, judge_failure
from nurture.domain.people import read_stranger
from nurture.mail.inbound.providers import MOST_EVENTS, Call, Refused, Told, check_moment, message_id, text

_AMAZON = re.compile(r"https://sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?/[A-Za-z0-9._?=&%/+:-]{1,2000}")
_CERTIFICATE = re.compile(r"/[A-Za-z0-9._-]{1,200}\.pem")  # a file of theirs; what answers to a query may say what it was asked
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: dict[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - version 1 is Amazon's, not ours to choose
_DEAD = ("General", "NoEmail", "Suppressed", "OnAccountSuppressionList")


def read(call: Call, secret: str) -> list[Told]:
    """`secret`: the ARN of the topic, or several separated by commas. A new subscription is confirmed by visiting its address."""
    row = call.json()
    if not isinstance(row, dict) or text(row, "Type") not in _SIGNED:
        raise Refused("not a message of SNS")
    if text(row, "TopicArn") not in {t.strip() for t in secret.split(",")}:
        raise Refused("another topic")
    _check_signature(call, row)
    try:
        check_moment(call, datetime.fromisoformat(text(row, "Timestamp")).timestamp())
    except ValueError as error:
        raise Refused("no moment") from error
    if row["Type"] == "SubscriptionConfirmation":
        call.fetch(_amazons(text(row, "SubscribeURL")))
    if row["Type"] != "Notification":
        return []
    try:
        said = read_stranger(row["Message"])
    except (ValueError, TypeError, KeyError):
        return []  # a topic may carry other words
    return _told(said, text(row, "MessageId")) if isinstance(said, dict) else []


def _check_signature(call: Call, row: dict[str, Any]) -> None:
    lines = "".join(f"{name}\n{row[name]}\n" for name in _SIGNED[row["Type"]] if isinstance(row.get(name), str))
    algorithm = _HASHES.get(text(row, "SignatureVersion"))
    if algorithm is None:
        raise Refused("an unknown version of signature")
    try:
        where = _amazons(text(row, "SigningCertURL"))
        if not _CERTIFICATE.fullmatch(where, where.index("/", len("https://"))):
            raise Refused("no file of a certificate")
        key = _key(call.fetch(where))
        key.verify(base64.b64decode(text(row, "Signature"), validate=True), lines.encode(), PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError, binascii.Error) as error:
        raise Refused("the signature is not theirs") from error


@lru_cache(maxsize=8)
def _key(certificate: bytes) -> RSAPublicKey:
    key = x509.load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("no RSA key")  # noqa: TRY004 - a certificate that is not theirs, as any other
    return key


def _amazons(address: str) -> str:
    if not _AMAZON.fullmatch(address):
        raise Refused("an address that is not Amazon's")
    return address


def _told(said: dict[str, Any], sns_id: str) -> list[Told]:
    mail = said.get("mail")
    kept = mail if isinstance(mail, dict) else {}
    headers = [h for h in kept.get("headers") or () if isinstance(h, dict)]
    own = [text(h, "value") for h in headers if text(h, "name").lower() == "message-id"]
    common = kept.get("commonHeaders")
    own += [text(common, "messageId")] if isinstance(common, dict) else []
    ids = tuple(dict.fromkeys(i for value in own for i in message_id(value)))
    return [Told(f"{sns_id}:{n}", heard, ids) for n, heard in enumerate(_heard(said)[:MOST_EVENTS])]


def _heard(said: dict[str, Any]) -> list[Heard]:
    kind = text(said, "notificationType", "eventType")
    part = said.get(kind.lower())
    told = part if isinstance(part, dict) else {}
    if kind == "Complaint":
        sort = text(told, "complaintFeedbackType") or "abuse"
        return [complaint(sort, text(r, "emailAddress").lower()) for r in _recipients(told, "complainedRecipients")]
    if kind == "Delivery":
        return [Heard(HeardKind.DELIVERED, str(r).lower(), "delivered") for r in told.get("recipients") or ()]
    if kind != "Bounce":
        return []
    permanent, sort = text(told, "bounceType") == "Permanent", text(told, "bounceSubType")
    return [
        judge_failure(
            Failure(
                text(r, "emailAddress").lower(), "failed", text(r, "status") or ("" if permanent else "4.0.0"), text(r, "diagnosticCode"),
            ),
            dead=permanent and sort in _DEAD,
        )
        for r in _recipients(told, "bouncedRecipients")
    ]  # fmt: skip


def _recipients(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [r for r in told.get(name) or () if isinstance(r, dict)]
