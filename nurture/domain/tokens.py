"""The signed token in every link of a letter: 33 bytes, 44 characters of base64url, no padding and no slack bits.

    byte 0      format (high nibble, 1) and purpose (low nibble)
    byte 1      key id: first byte of a BLAKE2b of the key
    bytes 2-7   delivery id      48 bits, 0 where there is none
    bytes 8-12  subscriber id    40 bits
    bytes 13-16 letter version   32 bits
    bytes 17-32 BLAKE2b-128 of bytes 0-16, keyed

Links live for ever, so this layout is final: a new one takes a new format number. Unknown, forged, mutated and swapped tokens are all
alike: None.
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

FORMAT = 1
TOKEN_BYTES = 33
_PAYLOAD = 17
_SHAPE = re.compile(r"[A-Za-z0-9_-]{44}")


class Purpose(IntEnum):
    OPEN = 1
    CLICK = 2
    LEAVE = 3
    PREFERENCES = 4
    CONFIRM = 5
    ARCHIVE = 6
    BOUNCE = 7
    ANSWER = 8
    REFERRAL = 9


@dataclass(frozen=True, slots=True)
class Token:
    purpose: Purpose
    delivery: int
    subscriber: int
    version: int


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One signing key. `id` is public and stands in the token, so that old links verify after a rotation."""

    id: int
    secret: bytes = field(repr=False)

    @classmethod
    def derive(cls, secret: str) -> "TokenKey":
        """From the installation's secret; the derived key serves tokens, and what is made from it under a name of its own."""
        derived = hashlib.blake2b(secret.encode(), digest_size=32, person=b"nurture-token-1").digest()
        return cls(hashlib.blake2b(derived, digest_size=1, person=b"nurture-keyid-1").digest()[0], derived)


_FIRST = {purpose: bytes(((FORMAT << 4) | purpose,)) for purpose in Purpose}
_REST = struct.Struct(">BHIBII")  # bytes 1-16
_LOW = 2**32 - 1
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_CUTS = [struct.Struct("44s" * n) for n in range(len(Purpose) + 1)]  # tokens side by side


@lru_cache(maxsize=16)
def _begun(secret: bytes) -> "hashlib.blake2b":
    """The MAC with its key taken in; copied for each use, which takes a third less than beginning anew."""
    return hashlib.blake2b(digest_size=16, key=secret)


def _mac(payload: bytes, key: TokenKey) -> bytes:
    mac = _begun(key.secret).copy()
    mac.update(payload)
    return mac.digest()


def proof(question: str, key: TokenKey) -> str:
    """Who answers a question so holds the key: tells our own service from a stranger's. Of no use as a token (other personalisation)."""
    return hashlib.blake2b(question.encode(), digest_size=16, key=key.secret, person=b"nurture-proof-1").hexdigest()


def sign(token: Token, key: TokenKey) -> str:
    return sign_each((token.purpose,), token.delivery, token.subscriber, token.version, key)[0].decode()


def sign_each(purposes: Sequence[Purpose], delivery: int, subscriber: int, version: int, key: TokenKey) -> tuple[bytes, ...]:
    """The tokens of one delivery, one MAC for each purpose: all links of a letter share them."""
    rest = _REST.pack(key.id, delivery >> 32, delivery & _LOW, subscriber >> 32, subscriber & _LOW, version)
    begun, signed = _begun(key.secret), b""
    for purpose in purposes:
        payload = _FIRST[purpose] + rest
        mac = begun.copy()
        mac.update(payload)
        signed += payload + mac.digest()
    row = binascii.b2a_base64(signed, newline=False).translate(_URLSAFE)  # in one go: 33 bytes are 44 characters, no padding
    return _CUTS[len(purposes)].unpack(row)


def of_nobody(purpose: Purpose, version: int, key: TokenKey) -> str:
    """The token of a letter version that stands in the letters of all who allow counts alone: it names no person and no delivery."""
    return sign(Token(purpose, 0, 0, version), key)


def read(text: str, purpose: Purpose, keys: Sequence[TokenKey]) -> Token | None:
    """The token, if one of `keys` signed it for this purpose; otherwise None, whatever is wrong with it."""
    if not _SHAPE.fullmatch(text):  # one spelling only: `+` and `/` would decode too
        return None
    raw = base64.urlsafe_b64decode(text)
    payload, mac = raw[:_PAYLOAD], raw[_PAYLOAD:]
    good = False
    for key in keys:
        good |= hmac.compare_digest(mac, _mac(payload, key)) and payload[1] == key.id
    if not good or payload[0] != (FORMAT << 4) | purpose:
        return None
    return Token(purpose, int.from_bytes(payload[2:8], "big"), int.from_bytes(payload[8:13], "big"), int.from_bytes(payload[13:17], "big"))
