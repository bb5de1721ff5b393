"""What providers tell, signed as they sign: believed or not, and what it says. Keys and certificates are made here."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from nurture.domain.feedback import HeardKind
from nurture.mail.inbound.providers import MOST_EVENTS, Call, Refused, Told, brevo, mailgun, postmark, sendgrid, ses

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERT = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc.pem"


def nothing(address: str) -> bytes:
    raise AssertionError(f"nobody asked for {address}")


def call(body: Any, headers: dict[str, str] | None = None, fetch: Callable[[str], bytes] = nothing, now: datetime = NOW) -> Call:
    return Call(headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode(), now, fetch)


def basic(word: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"nurture:{word}".encode()).decode()}


def said(told: list[Told]) -> list[tuple[str, str, bool]]:
    return [(t.heard.kind.value, t.heard.recipient, t.heard.suppress) for t in told]


def from_mailgun(data: dict[str, Any], *, at: datetime = NOW, key: str = "key") -> dict[str, Any]:
    moment = str(int(at.timestamp()))
    signature = hmac.new(key.encode(), f"{moment}tok".encode(), hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": moment, "token": "tok", "signature": signature}, "event-data": data}


def test_mailgun() -> None:
    bounce = {
        "event": "failed", "severity": "permanent", "reason": "bounce", "id": "e1", "recipient": "Mia@example.org",
        "message": {"headers": {"message-id": "abc@example.com"}},
        "delivery-status": {"code": 550, "message": "5.1.1 The email account that you tried to reach does not exist"},
    }  # fmt: skip
    (told,) = mailgun.read(call(from_mailgun(bounce)), "key")
    assert (told.id, told.message_ids, told.heard.suppress, told.heard.recipient) == ("e1", ("<abc@example.com>",), True, "mia@example.org")
    spam = bounce | {"delivery-status": {"code": 550, "message": "5.7.1 message rejected as spam"}}
    later = bounce | {"severity": "temporary"}
    assert said(mailgun.read(call(from_mailgun(spam)), "key")) == said(mailgun.read(call(from_mailgun(later)), "key")) == [("bounce", "mia@example.org", False)]
    assert said(mailgun.read(call(from_mailgun({"event": "complained", "recipient": "mia@example.org"})), "key")) == [("complaint", "mia@example.org", True)]
    assert mailgun.read(call(from_mailgun({"event": "opened"})), "key") == []


@pytest.mark.parametrize("body", [{}, [], {"signature": 1, "event-data": {}}, b"{", from_mailgun({}, key="other"), from_mailgun({}, at=NOW + timedelta(hours=1)), from_mailgun({}, at=NOW - timedelta(days=9))])
def test_mailgun_is_not_believed(body: Any) -> None:
    with pytest.raises(Refused):
        mailgun.read(call(body), "key")


def test_a_call_that_is_tried_again_hours_later_is_believed() -> None:
    assert mailgun.read(call(from_mailgun({"event": "delivered", "recipient": "a@b.c"}, at=NOW - timedelta(hours=8))), "key")


def from_sendgrid(rows: Any, key: ec.EllipticCurvePrivateKey) -> Call:
    body, moment = json.dumps(rows).encode(), str(int(NOW.timestamp()))
    signature = base64.b64encode(key.sign(moment.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    return call(body, {"x-twilio-email-event-webhook-signature": signature, "x-twilio-email-event-webhook-timestamp": moment})


def test_sendgrid() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).decode()
    rows = [
        {"event": "bounce", "type": "bounce", "email": "mia@example.org", "sg_event_id": "1", "smtp-id": "<abc@example.com>", "reason": "550 5.1.1 no such user", "status": "5.1.1"},
        {"event": "bounce", "type": "blocked", "email": "tom@example.org", "sg_event_id": "2", "reason": "550 5.7.1 blocked by spamhaus", "status": "5.7.1"},
        {"event": "spamreport", "email": "eva@example.org", "sg_event_id": "3"}, {"event": "open", "email": "x@y.z", "sg_event_id": "4"}, "junk",
    ]  # fmt: skip
    told = sendgrid.read(from_sendgrid(rows, key), public)
    assert said(told) == [("bounce", "mia@example.org", True), ("bounce", "tom@example.org", False), ("complaint", "eva@example.org", True)]
    assert told[0].message_ids == ("<abc@example.com>",)
    with pytest.raises(Refused):
        sendgrid.read(from_sendgrid(rows, ec.generate_private_key(ec.SECP256R1())), public)
    changed = from_sendgrid(rows, key)
    with pytest.raises(Refused):
        sendgrid.read(Call(changed.headers, changed.body + b" ", NOW, nothing), public)
    with pytest.raises(Refused):
        sendgrid.read(call(rows), public)
    ahead = from_sendgrid(rows, key)
    with pytest.raises(Refused):
        sendgrid.read(replace(ahead, now=ahead.now - timedelta(minutes=6)), public)
    many = [{"event": "delivered", "email": "a@b.c", "sg_event_id": str(n)} for n in range(MOST_EVENTS + 5)]
    assert len(sendgrid.read(from_sendgrid(many, key), public)) == MOST_EVENTS


def test_sendgrid_with_a_key_of_another_kind_believes_nobody(amazon: tuple[rsa.RSAPrivateKey, bytes]) -> None:
    other = base64.b64encode(amazon[0].public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).decode()
    with pytest.raises(Refused, match="no key for ECDSA"):
        sendgrid.read(from_sendgrid([], ec.generate_private_key(ec.SECP256R1())), other)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"RecordType": "Bounce", "Type": "HardBounce", "ID": 1, "Email": "mia@example.org", "Details": "smtp;550 5.1.1 User unknown"}, ("bounce", True)),
        ({"RecordType": "Bounce", "Type": "HardBounce", "ID": 1, "Email": "mia@example.org", "Details": "550 5.7.26 unauthenticated DMARC"}, ("bounce", False)),
        ({"RecordType": "Bounce", "Type": "SoftBounce", "ID": 1, "Email": "mia@example.org", "Details": "mailbox full"}, ("bounce", False)),
        ({"RecordType": "Bounce", "Type": "AutoResponder", "ID": 1, "Email": "mia@example.org"}, ("auto_reply", False)),
        ({"RecordType": "Bounce", "Type": "SpamNotification", "ID": 1, "Email": "mia@example.org"}, ("bounce", False)),
        ({"RecordType": "SpamComplaint", "ID": 1, "Email": "mia@example.org"}, ("complaint", True)),
        ({"RecordType": "Delivery", "MessageID": "m", "Recipient": "mia@example.org"}, ("delivered", False)),
    ],
)  # fmt: skip
def test_postmark(row: dict[str, Any], expected: tuple[str, bool]) -> None:
    (told,) = postmark.read(call(row, basic("word")), "word")
    assert (told.heard.kind, told.heard.suppress) == expected
    for headers in ({}, basic("other"), {"authorization": "Basic !"}, {"authorization": "Digest word"}):
        with pytest.raises(Refused):
            postmark.read(call(row, headers), "word")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"event": "hard_bounce", "reason": "550 5.1.1 unknown"}, True), ({"event": "hard_bounce", "reason": ""}, True),
        ({"event": "hard_bounce", "reason": "554 blocked by policy"}, False), ({"event": "soft_bounce", "reason": "mailbox full"}, False),
        ({"event": "blocked", "reason": "user unknown"}, False), ({"event": "spam"}, True), ({"event": "deferred"}, False),
    ],
)  # fmt: skip
def test_brevo(row: dict[str, Any], expected: bool) -> None:
    told = brevo.read(call(row | {"email": "mia@example.org", "ts_event": 1, "message-id": "<a@b.example>"}, {"authorization": "Bearer word"}), "word")
    assert [t.heard.suppress for t in told] == [expected]
    assert told[0].message_ids == ("<a@b.example>",)
    for headers in ({}, {"authorization": "Bearer other"}, {"authorization": "word"}, basic("")):
        with pytest.raises(Refused):
            brevo.read(call(row, headers), "word")


@pytest.fixture(scope="module")
def amazon() -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    cert = made.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1)).sign(key, hashes.SHA256())
    return key, cert.public_bytes(serialization.Encoding.PEM)


def signed(key: rsa.RSAPrivateKey, said_: Any = None, version: str = "2", **more: str) -> dict[str, str]:
    row = {
        "Type": "Notification", "MessageId": "sns-1", "TopicArn": TOPIC, "Message": json.dumps(said_), "Timestamp": "2026-03-02T08:59:00.000Z",
        "SignatureVersion": version, "SigningCertURL": CERT,
    } | more  # fmt: skip
    names = ses._SIGNED[row["Type"]]
    text = "".join(f"{n}\n{row[n]}\n" for n in names if n in row)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    return row | {"Signature": base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()}


BOUNCE = {
    "notificationType": "Bounce", "mail": {"commonHeaders": {"messageId": "<abc@example.com>"}, "headers": [{"name": "Message-ID", "value": "<abc@example.com>"}]},
    "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [
        {"emailAddress": "Mia@example.org", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}, {"emailAddress": "tom@example.org", "diagnosticCode": "smtp; 554 5.7.1 spam"}]},
}  # fmt: skip


@pytest.mark.parametrize("version", ["1", "2"])
def test_ses(amazon: tuple[rsa.RSAPrivateKey, bytes], version: str) -> None:
    key, cert = amazon
    told = ses.read(call(signed(key, BOUNCE, version), fetch=lambda _a: cert), TOPIC)
    assert said(told) == [("bounce", "mia@example.org", True), ("bounce", "tom@example.org", False)]
    assert (told[0].id, told[0].message_ids) == ("sns-1:0", ("<abc@example.com>",))
    complaint = {"eventType": "Complaint", "complaint": {"complainedRecipients": [{"emailAddress": "eva@example.org"}], "complaintFeedbackType": "not-spam"}}
    assert [t.heard.kind for t in ses.read(call(signed(key, complaint, version), fetch=lambda _a: cert), TOPIC)] == [HeardKind.OTHER]
    assert ses.read(call(signed(key, "words", version), fetch=lambda _a: cert), TOPIC) == []


def test_ses_of_another_time_is_refused(amazon: tuple[rsa.RSAPrivateKey, bytes]) -> None:
    key, cert = amazon
    for moment in ("2026-03-02T09:06:00.000Z", "2026-02-25T09:00:00.000Z", "soon"):
        with pytest.raises(Refused):
            ses.read(call(signed(key, BOUNCE, Timestamp=moment), fetch=lambda _a: cert), TOPIC)


def test_ses_confirms_a_subscription_by_visiting_amazon(amazon: tuple[rsa.RSAPrivateKey, bytes]) -> None:
    key, cert = amazon
    visited: list[str] = []

    def fetch(address: str) -> bytes:
        visited.append(address)
        return cert

    address = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    row = signed(key, "hello", Type="SubscriptionConfirmation", SubscribeURL=address, Token="abc")
    assert ses.read(call(row, fetch=fetch), TOPIC) == []
    assert visited == [CERT, address]
    elsewhere = signed(key, "hello", Type="SubscriptionConfirmation", SubscribeURL="https://10.0.0.1/sns.eu-west-1.amazonaws.com/", Token="abc")
    with pytest.raises(Refused, match="not Amazon's"):
        ses.read(call(elsewhere, fetch=fetch), TOPIC)
    assert visited[2:] == [CERT]


def test_ses_listens_to_the_named_topics_alone(amazon: tuple[rsa.RSAPrivateKey, bytes]) -> None:
    """Anybody may have a topic of their own at Amazon, with a good signature on whatever they like to say."""
    key, cert = amazon
    strange = signed(key, BOUNCE, TopicArn="arn:aws:sns:eu-west-1:999999999999:bounces")
    with pytest.raises(Refused, match="another topic"):
        ses.read(call(strange), TOPIC)  # nothing is fetched for it either
    assert ses.read(call(signed(key, BOUNCE), fetch=lambda _a: cert), f"arn:aws:sns:eu-west-1:1:other, {TOPIC}")


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": TOPIC + "x"}, {"Message": "{}"}, {"Signature": "AAAA"}, {"SignatureVersion": "3"}, {"Type": "Other"}, {"Timestamp": "2026-03-02T10:00:00Z"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem"}, {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/a.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/?Action=Say&x=/a.pem"}, {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/a.pem?x=.pem"},
        {"SigningCertURL": "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem"}, {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem"},
        {"SigningCertURL": CERT + " HTTP/1.1\r\nHost: evil.example"}, {"TopicArn": ""}, {"SignatureVersion": ""},
    ],
)  # fmt: skip
def test_ses_is_not_believed(amazon: tuple[rsa.RSAPrivateKey, bytes], changes: dict[str, str]) -> None:
    key, cert = amazon
    fetched: list[str] = []

    def fetch(address: str) -> bytes:
        fetched.append(address)
        return cert

    with pytest.raises(Refused):
        ses.read(call(signed(key, BOUNCE) | changes, fetch=fetch), TOPIC)
    assert set(fetched) <= {CERT}
