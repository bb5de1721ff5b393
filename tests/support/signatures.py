"""An independent judge of DKIM signatures: dkimpy, which shares no code with ours, and reads keys as they would stand in the DNS."""

import logging
import re
from collections.abc import Iterable

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from nurture.mail.dkim import SigningKey
from nurture.mail.dkim_keys import published

RSA = SigningKey("example.com", "s2026a", generate_private_key(65537, 2048))
ED = SigningKey("example.com", "s2026a-ed", Ed25519PrivateKey.generate())
_quiet = logging.getLogger("dkimpy-of-tests")
_quiet.setLevel(logging.CRITICAL)


def verdicts(raw: bytes, keys: Iterable[SigningKey] = (RSA, ED)) -> list[bool]:
    """For each DKIM-Signature from the top: does it verify?"""
    records = {f"{published(key).name}.".encode(): published(key).text.encode() for key in keys}
    count = len(re.findall(rb"(?im)^DKIM-Signature:", raw.partition(b"\r\n\r\n")[0]))
    found = []
    for index in range(count):
        judge = dkim.DKIM(raw, logger=_quiet)
        try:
            found.append(judge.verify(idx=index, dnsfunc=lambda name, timeout=5: records.get(name)))
        except dkim.DKIMException:
            found.append(False)
    return found
