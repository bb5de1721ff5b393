"""Providers that sign nothing: the webhook's own address or header carries a password."""

import base64
import hmac

from nurture.mail.inbound.providers import Call, Refused


def check_password(call: Call, secret: str) -> None:
    """HTTP Basic (any name) or Bearer; raises Refused."""
    scheme, _, given = call.headers.get("authorization", "").partition(" ")
    told = given.strip()
    if scheme.lower() == "basic":
        try:
            told = base64.b64decode(told, validate=True).decode("utf-8", "replace").partition(":")[2]
        except ValueError:  # not base64, or not ASCII
            told = ""
    elif scheme.lower() != "bearer":
        told = ""
    if not hmac.compare_digest(told.encode(), secret.encode()):
        raise Refused("the password is wrong")
