"""One person per address: lower-cased, the domain as its A-label. Syntax only; nothing is looked up in the network."""

from email_validator import EmailNotValidError, validate_email

from nurture.domain.errors import NurtureError

LONGEST = 254  # RFC 5321 4.5.3.1.3, less the angle brackets


def normalise(text: str) -> str:
    """`Anna@Büro.Example.com ` -> `anna@xn--bro-hoa.example.com`. `.test` domains are allowed. Raises NurtureError with the fault."""
    written = text.strip().strip("\ufeff\u200b").strip()
    if len(written) > LONGEST:
        raise NurtureError(f"an e-mail address of {len(written)} characters is too long; at most {LONGEST} are allowed")
    try:
        found = validate_email(written, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise NurtureError(f"{written!r} is not an e-mail address: {str(error).rstrip('.')}") from error
    return f"{found.local_part.lower()}@{found.ascii_domain.lower()}"
