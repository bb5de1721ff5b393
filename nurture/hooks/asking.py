"""One GET of a page of our own, as a reader's browser would come for it. Redirects are told, not followed."""

import asyncio
import http.client
import socket
import ssl
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from nurture.domain.examination.facts import Page

LIMIT = 10.0  # seconds for connecting, and for the answer
_MOST = 4096


async def get(url: str, *, tls: ssl.SSLContext | None = None) -> Page:
    """Never raises for what the net does. `tls`: whom to trust; the system's authorities unless told."""
    try:
        return await asyncio.to_thread(_get, url, tls)
    except ssl.SSLCertVerificationError as error:
        return Page(trouble=f"its certificate is not trusted ({error.verify_message})")
    except socket.gaierror:
        return Page(trouble="its name leads to no address")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Page(trouble=(getattr(error, "strerror", None) or str(error) or type(error).__name__).lower())


def _get(url: str, tls: ssl.SSLContext | None) -> Page:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=LIMIT, context=tls or ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=LIMIT)  # type: ignore[assignment]  # what they share is all we use
    try:
        connection.request("GET", f"{parts.path or '/'}?{parts.query}", headers={"User-Agent": "Nurture doctor", "Connection": "close"})
        answer = connection.getresponse()
        date = answer.headers.get("Date")
        return Page(answer.status, answer.read(_MOST), answer.headers.get("Location", ""), parsedate_to_datetime(date) if date else None)
    finally:
        connection.close()
