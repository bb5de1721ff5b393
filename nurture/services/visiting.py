"""Visit the links of letters before they leave: `lint --online`. Says which lead nowhere, and which lead where no reader can go.

Only what a reader could not open is told: a server that refuses machines (401, 403, 429) is there. A link with a merge field in its path is
another page for everybody and is not visited. Addresses of private networks are not visited unless they are allowed: no reader reaches
them, and whoever can write a letter should not be able to knock at doors inside the house.
"""

import asyncio
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from nurture.definitions.faults import Fault
from nurture.definitions.linting import PlacedLink, links_in, read_templates
from nurture.definitions.loading import Placed

AT_ONCE = 8  # visits side by side
TIME_LIMIT = 8.0  # seconds for each connection and each answer
MOST_LINKS = 500
_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_THERE_ALL_THE_SAME = (401, 402, 403, 405, 406, 409, 412, 418, 423, 429, 451, 999)
_AGENT = "Nurture (checks the links of a letter before it leaves)"
_DEAD = "Mend the address, or take the link out."


class _Private(Exception):  # noqa: N818 - an answer, not an accident
    """The address belongs to a private network."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What became of one link: `trouble` is None where a reader would see a page."""

    link: str
    trouble: str | None
    private: bool = False


async def check_links(
    documents: Sequence[Placed], templates: Path, *, allow_private: bool = False, time_limit: float = TIME_LIMIT
) -> list[Fault]:
    """A warning for every place that leads nowhere. Each address is visited once, at most 500 of them."""
    places = links_in(documents, read_templates(templates))
    wanted = list(dict.fromkeys(place.link for place in places))
    found = {visit.link: visit for visit in await visit_all(wanted[:MOST_LINKS], allow_private=allow_private, time_limit=time_limit)}
    return [_fault(place, found[place.link]) for place in places if place.link in found and found[place.link].trouble]


def _fault(place: PlacedLink, visit: Visit) -> Fault:
    message = f"{visit.link} {visit.trouble}"
    if visit.private:
        advice = "Link to a public page; `--allow-private` visits your own network."
        return Fault(place.file, place.line, place.column, "private-link", "warning", message, advice)
    return Fault(place.file, place.line, place.column, "dead-link", "warning", message, _DEAD)


async def visit_all(links: Iterable[str], *, allow_private: bool = False, time_limit: float = TIME_LIMIT) -> list[Visit]:
    """Visit each link, eight at once, in the order given."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(link: str) -> Visit:
        async with gate:
            return await asyncio.to_thread(_visit, link, allow_private, time_limit)

    return list(await asyncio.gather(*(one(link) for link in links)))


def _visit(link: str, allow_private: bool, time_limit: float) -> Visit:
    try:
        status = _status(link, allow_private, time_limit)
    except _Private:
        return Visit(link, "leads into a private network, where no reader can go", private=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Visit(link, _in_words(error, time_limit))
    if status < 400 or status in _THERE_ALL_THE_SAME:
        return Visit(link, None)
    return Visit(link, f"answers {status} {http.client.responses.get(status, '')}".rstrip())


def _in_words(error: Exception, time_limit: float) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"has a certificate that browsers refuse ({error.verify_message})"
        case TimeoutError():
            return f"did not answer within {time_limit:g} seconds"
        case socket.gaierror():
            return "leads to a host that does not exist"
        case OSError():
            return f"could not be reached ({(error.strerror or type(error).__name__).lower()})"
        case ValueError():
            return f"could not be visited ({error})"
    return f"could not be reached ({type(error).__name__})"


def _status(link: str, allow_private: bool, time_limit: float) -> int:
    """The last status: asked by HEAD, and again by GET where a server does not like to be asked so, or hangs up."""
    try:
        status = _follow("HEAD", link, allow_private, time_limit)
    except (ConnectionResetError, http.client.HTTPException):
        status = 0
    return status if 0 < status < 400 else _follow("GET", link, allow_private, time_limit)


def _follow(method: str, link: str, allow_private: bool, time_limit: float) -> int:
    """The status at the end of the redirects. Raises ValueError when they never end."""
    here = link
    for _ in range(_REDIRECTS + 1):
        status, location = _ask(method, here, allow_private, time_limit)
        if status not in _MOVED or not location:
            return status
        here = urljoin(here, location)
    raise ValueError("it is sent round in circles")


def _ask(method: str, link: str, allow_private: bool, time_limit: float) -> tuple[int, str | None]:
    """(status, where it sends us). The host is resolved once and that address is taken, so that it cannot become another one meanwhile."""
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no web address")
    host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    sock = _connect(host, port, allow_private, time_limit)
    try:
        if parts.scheme == "https":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        connection = http.client.HTTPConnection(host, port, timeout=time_limit)
        connection.sock = sock
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
            f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
        )
        connection.request(
            method, target, headers={"User-Agent": _AGENT, "Accept": "*/*", "Connection": "close", "Host": parts.netloc.rpartition("@")[2]}
        )
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location")
    finally:
        sock.close()


def _connect(host: str, port: int, allow_private: bool, time_limit: float) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    if not allow_private and any(not ipaddress.ip_address(address.partition("%")[0]).is_global for address in addresses):
        raise _Private
    trouble: OSError = ConnectionError("no address")
    for address in dict.fromkeys(addresses):
        try:
            return socket.create_connection((address, port), timeout=time_limit)
        except OSError as error:
            trouble = error
    raise trouble
