"""One person per address: lower-cased, the domain as its A-label. Syntax only; nothing is looked up in the network."""

import re

from email_validator import EmailNotValidError, validate_email

from nurture.domain.errors import NurtureError
from nurture.domain.remembering import of_people

_PLAIN = re.compile(r"[a-z0-9]+(?:[._+-][a-z0-9]+)*", re.IGNORECASE | re.ASCII)  # local parts nobody has ever refused
LONGEST = 254  # RFC 5321 4.5.3.1.3, less the angle brackets


def normalise(text: str) -> str:
    """`Anna@Büro.Example.com ` -> `anna@xn--bro-hoa.example.com`. `.test` domains are allowed. Raises NurtureError with the fault."""
    written = text.strip().strip("\ufeff\u200b").strip()
    if len(written) > LONGEST:
        raise NurtureError(f"an e-mail address of {len(written)} characters is too long; at most {LONGEST} are allowed")
    local, at, domain = written.rpartition("@")
    plain = at and _PLAIN.fullmatch(local)
    found = (local.lower(), _validated("x@" + domain, written)[1]) if plain else _validated(written, written)  # a list has few domains
    if len(address := "@".join(found)) > LONGEST:
        raise NurtureError(f"{written!r} is not an e-mail address: as it is sent it is too long")
    return address


def _validated(address: str, written: str) -> tuple[str, str]:
    found = _parts(address)
    if isinstance(found, str):
        raise NurtureError(f"{written!r} is not an e-mail address: {found}")
    return found


@of_people(10_000)
def _parts(address: str) -> tuple[str, str] | str:
    """(local part, domain as A-label), both lower-cased, or what is wrong."""
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        return str(error).rstrip(".")
    return found.local_part.lower(), found.ascii_domain.lower()
