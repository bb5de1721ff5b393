"""Questions to the name system, answered by dnspython: the system's servers, or the one that NURTURE_DNS_SERVER names."""

import ipaddress
import re
from typing import TypeVar

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from nurture.domain.dns.questions import Answer, Inquiry, Question
from nurture.domain.errors import NurtureError

T = TypeVar("T")
TIMEOUT, LIFETIME = 2.0, 6.0  # seconds for one server, for all of them
_PAYLOAD = 1232  # bytes: what passes everywhere in one piece; longer answers come by TCP
_PLACE = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:]+|[^\[]*:[^:]*:[^\]]*))(?::(?P<port>\d{1,5}))?")
_WRITTEN = "write it as 9.9.9.9, 127.0.0.1:5353 or [::1]:5353"


class Resolver:
    """Answers are kept for the length of an examination. Nothing here raises for what the name system does."""

    def __init__(self, server: str | None = None) -> None:
        """`server`: address and perhaps port; the system's own servers unless told. Raises NurtureError on what is no address."""
        self._trouble = ""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=server is None)
        except (dns.resolver.NoResolverConfiguration, OSError):
            self._resolver = dns.asyncresolver.Resolver(configure=False)
            self._trouble = "this machine knows no name server; set NURTURE_DNS_SERVER"
        if server is not None:
            host, self._resolver.port = _place(server)
            self._resolver.nameservers = [host]
        self._resolver.timeout, self._resolver.lifetime = TIMEOUT, LIFETIME
        self._resolver.use_edns(0, payload=_PAYLOAD)
        self._kept: dict[Question, Answer] = {}

    async def ask(self, question: Question) -> Answer:
        if question not in self._kept:
            self._kept[question] = Answer(trouble=self._trouble) if self._trouble else await self._asked(question)
        return self._kept[question]

    async def _asked(self, question: Question) -> Answer:
        try:
            found = await self._resolver.resolve(question.name + ".", question.type, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
            return Answer()
        except dns.resolver.NoNameservers as error:
            said = {str(tried[3]) for tried in error.kwargs.get("errors", []) if str(tried[3])}
            return Answer(trouble=", ".join(sorted(said)) or "no server gave an answer")
        except dns.exception.Timeout:
            return Answer(trouble=f"no answer within {LIFETIME:g} s")
        except (dns.exception.DNSException, OSError) as error:
            return Answer(trouble=str(error) or type(error).__name__)
        return Answer(_values(question, found))

    async def follow(self, inquiry: Inquiry[T]) -> T:
        """Answer all that a rule asks, until it returns."""
        try:
            question = next(inquiry)
            while True:
                question = inquiry.send(await self.ask(question))
        except StopIteration as end:
            found: T = end.value
            return found


def _place(server: str) -> tuple[str, int]:
    """`9.9.9.9`, `127.0.0.1:5353`, `::1`, `[::1]:5353`."""
    written = _PLACE.fullmatch(server.strip())
    try:
        host = ipaddress.ip_address((written["six"] or written["host"]) if written else "")
        return str(host), int((written and written["port"]) or 53)
    except ValueError as error:
        raise NurtureError(f"NURTURE_DNS_SERVER: {server!r} is not the address of a name server; {_WRITTEN}.") from error


def _values(question: Question, found: dns.resolver.Answer) -> tuple[str, ...]:
    if found.rrset is None:
        return ()
    match question.type:
        case "TXT":
            return tuple(b"".join(data.strings).decode("utf-8", "replace") for data in found.rrset)
        case "MX":
            best_first = sorted(found.rrset, key=lambda data: data.preference)
            return tuple(data.exchange.to_text(omit_final_dot=True).lower() for data in best_first)
    return tuple(data.address for data in found.rrset)
