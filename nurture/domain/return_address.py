"""The return address of one letter (VERP): bounces come back to it, and nobody can make one for another's letter.

    b.<53 letters of base32>@<bounce domain>

The letters are the 33 bytes of a token of the purpose `bounce` (domain/tokens.py), in lower case and without padding: mail systems fold
the case of local parts, and 55 characters fit the 64 that RFC 5321 4.5.3.1.1 allows. The layout is final.
"""

import base64
import re
from collections.abc import Sequence

from nurture.domain.tokens import Purpose, Token, TokenKey, read, sign

PREFIX = "b."
_SHAPE = re.compile(r"b\.([a-z2-7]{53})(?:@.*)?", re.IGNORECASE)


def return_address(delivery: int, subscriber: int, version: int, domain: str, key: TokenKey) -> str:
    """Where the bounces of this letter go."""
    raw = base64.urlsafe_b64decode(sign(Token(Purpose.BOUNCE, delivery, subscriber, version), key))
    return f"{PREFIX}{_letters(raw)}@{domain}"


def _letters(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


def read_return(address: str, keys: Sequence[TokenKey]) -> Token | None:
    """The letter behind a return address; None for every other address, forged ones among them."""
    found = _SHAPE.fullmatch(address.strip())
    if found is None:
        return None
    raw = base64.b32decode(found[1].upper() + "===")
    if _letters(raw) != found[1].lower():  # the last letter has a bit to spare; one spelling only
        return None
    return read(base64.urlsafe_b64encode(raw).decode(), Purpose.BOUNCE, keys)
