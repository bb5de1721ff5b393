"""Secrets that this service must use itself, as they lie in the database: sealed under a key made from the installation's secret.

    v1:<key id>:<base64url of nonce (12 bytes), AES-256-GCM ciphertext and tag>

The sealing key is HKDF-Expand (RFC 5869) of the signing key, with a purpose of its own. Its id, 8 hex digits, stands in front: what the key
before the last change sealed opens as long as that key is given. The column is bound in: a secret that was put elsewhere does not open.
What does not begin so was written before there were seals, and is read as it is.
"""

import base64
import binascii
import os
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.tokens import TokenKey

FORMAT = "v1:"
_NONCE = 12
WEBHOOK = "webhooks.secret"


@lru_cache(maxsize=16)
def _box(secret: bytes) -> tuple[str, AESGCM]:
    """(key id, the box): the id is made beside the key and tells nothing of it."""
    made = HKDFExpand(SHA256(), 36, b"nurture-seal-1").derive(secret)
    return made[:4].hex(), AESGCM(made[4:])


def sealed_prefix(key: TokenKey) -> str:
    """How everything begins that this key seals."""
    return f"{FORMAT}{_box(key.secret)[0]}:"


def seal(text: str, column: str, key: TokenKey) -> str:
    """`column`: where it will lie, such as WEBHOOK. Twice the same is sealed differently."""
    nonce = os.urandom(_NONCE)
    hidden = _box(key.secret)[1].encrypt(nonce, text.encode(), column.encode())
    return sealed_prefix(key) + base64.urlsafe_b64encode(nonce + hidden).decode()


def unseal(text: str, column: str, keys: Sequence[TokenKey]) -> str:
    """Raises NurtureError where no key of these sealed it, or it was changed."""
    if not text.startswith(FORMAT):
        return text
    for key in keys:
        if text.startswith(prefix := sealed_prefix(key)):
            try:
                raw = base64.b64decode(text.removeprefix(prefix), altchars=b"-_", validate=True)
                return _box(key.secret)[1].decrypt(raw[:_NONCE], raw[_NONCE:], column.encode()).decode()
            except (InvalidTag, ValueError, binascii.Error):
                break
    raise NurtureError(
        "this secret was sealed by another secret key; name that one in NURTURE_SECRET_KEY_OLD, or make the webhook anew",
        ErrorKind.CONFLICT,
    )
