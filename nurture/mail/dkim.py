"""DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed, rsa-sha256 and ed25519-sha256, one pass over the letter for all of them.

What is signed is settled in docs/decisions/0013: every header that a reader or a mailbox acts on, each one listed once more than it
occurs, so that none can be changed, taken away or put beside the true one. No `l=`: whatever is appended to a body breaks it.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from nurture.domain.envelopes import Sign

SIGNED = (
    b"from", b"to", b"reply-to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"content-transfer-encoding",
    b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id",
)  # fmt: skip
OPEN_WHERE_ABSENT = frozenset({b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id"})
"""Where a letter has none of these, somebody who passes it on to a list of his own may add them."""
LINE = 76
_RSA = (PKCS1v15(), SHA256())


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One private key and where its public half stands: `selector._domainkey.domain`. `repr` shows no secret."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def kind(self) -> str:
        return "rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519"

    def __repr__(self) -> str:
        return f"SigningKey({self.selector}._domainkey.{self.domain}, {self.kind})"

    def signature(self, signed: bytes) -> bytes:
        """Of the canonical header block. RFC 8463 3: Ed25519 signs the SHA-256 of it, RSA hashes by itself."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(signed, *_RSA)
        return self.private.sign(hashlib.sha256(signed).digest())


def signer(keys: Sequence[SigningKey], now: datetime) -> Sign:
    """Signs letters with all of `keys`, the RSA signature on top: a receiver that looks at one only is likely to know that one.

    `now` becomes `t=`; a signer serves one batch. There is no `x=`: a relay may keep a letter for days, and its signature has to hold then.
    """
    ordered = sorted(keys, key=lambda key: key.kind != "rsa")
    at = int(now.timestamp())
    opening = [(key, _opening(key, at)) for key in ordered]

    def sign(head: bytes, body: bytes) -> bytes:
        fields, names = canonical_head(head)
        listed = _listed(names)
        bh = base64.b64encode(hashlib.sha256(canonical_body(body)).digest())
        made = []
        for key, begin in opening:
            value = b"%b\r\n h=%b;\r\n bh=%b;\r\n b=" % (begin, listed, bh)
            signature = key.signature(fields + b"dkim-signature:" + value.replace(b"\r\n ", b" "))
            made.append(b"DKIM-Signature: %b%b\r\n" % (value, _folded(base64.b64encode(signature))))
        return b"".join(made)

    return sign


def _opening(key: SigningKey, at: int) -> bytes:
    return f"v=1; a={key.kind}-sha256; c=relaxed/relaxed; d={key.domain};\r\n s={key.selector}; t={at};".encode()


def canonical_head(head: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The fields to be signed, canonical (RFC 6376 3.4.2) and in the order of `h=`, and their names, each as often as it occurs.

    Of several with one name the lowest comes first (5.4.2).
    """
    found: dict[bytes, bytes] = {}
    again: list[bytes] = []
    for line in _collapsed(head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")).split(b"\r\n"):
        name, _, value = line.partition(b":")
        name = name.rstrip(b" ").lower()
        field = name + b":" + value.lstrip(b" ") + b"\r\n"
        if name in found:
            again.append(name)
            field += found[name]
        found[name] = field
    signed = [name for name in SIGNED if name in found]
    return b"".join([found[name] for name in signed]), (*signed, *again)


def canonical_body(body: bytes) -> bytes:
    """RFC 6376 3.4.4: runs of white space are one space, none ends a line, no empty line ends the body."""
    if not body:
        return body
    text = _collapsed(body if body.endswith(b"\r\n") else body + b"\r\n")
    end = len(text)
    while text.endswith(b"\r\n\r\n", 0, end):
        end -= 2
    return b"" if end == 2 and text.startswith(b"\r\n") else text[:end]


def _collapsed(text: bytes) -> bytes:
    """Every run of white space is one space, and none stands before a line end. Scans from the right: in C they take half the time."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    *pieces, last = text.rsplit(b"  ")
    if pieces:
        first, *middle = [piece.rstrip(b" ") for piece in pieces]
        text = b" ".join([first, *filter(None, middle), last])
    return text.replace(b" \r\n", b"\r\n") if text.rfind(b" \r\n") >= 0 else text


@lru_cache(maxsize=64)
def _listed(names: tuple[bytes, ...]) -> bytes:
    """`h=`: each signed field, and once more where one more must not appear; folded between names."""
    wanted = [name for one in SIGNED for name in [one] * (names.count(one) + (one in names or one not in OPEN_WHERE_ABSENT))]
    lines = [b"h="]
    for name in wanted:
        if len(lines[-1]) + len(name) + 1 > LINE:
            lines.append(b" ")
        lines[-1] += name + b":"
    return b"\r\n".join(lines)[2:-1]


def _folded(text: bytes) -> bytes:
    first = LINE - 3
    return b"\r\n ".join([text[:first], *(text[n : n + LINE] for n in range(first, len(text), LINE))])
