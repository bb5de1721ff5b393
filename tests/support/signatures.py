"""An independent judge of DKIM signatures: dkimpy, which shares no code with ours, and reads keys as they would stand in the DNS."""

import logging
import re
from collections.abc import Iterable
from pathlib import Path

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nurture.mail.dkim import SigningKey
from nurture.mail.dkim_keys import KeyFolder, published

RSA = SigningKey("example.com", "s2026a", generate_private_key(65537, 2048))
ED = SigningKey("example.com", "s2026a-ed", Ed25519PrivateKey.generate())
_quiet = logging.getLogger("dkimpy-of-tests")
_quiet.setLevel(logging.CRITICAL)


def key_folder(path: Path, *keys: SigningKey) -> KeyFolder:
    """A folder with these keys, which all sign: making new ones takes long."""
    path.mkdir(mode=0o700)
    folder = KeyFolder(path)
    for key in keys:
        pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (path / f"{key.selector}._domainkey.{key.domain}.pem").write_bytes(pem)
    folder.use(keys[0].domain, [key.selector for key in keys])
    return folder


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
