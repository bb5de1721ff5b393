"""SPF (RFC 7208), as strictly as receivers read it: one record, ten look-ups, two that find nothing, and the relay is in it."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from nurture.domain.dns.questions import Inquiry, Question, Unanswered, ask
from nurture.domain.findings import Finding

LOOKUPS = 10  # 4.6.4
VOIDS = 2  # 4.6.4
MAIL_SERVERS = 10  # 4.6.4, for each `mx`
_STOP = 3 * LOOKUPS  # counting on tells by how many it is too long; a ring of includes must end somewhere
_TERM = re.compile(r"(?P<sign>[+?~-]?)(?P<name>[a-z0-9]+)(?::(?P<value>\S*))?(?P<length>(?:/\d+)?(?://\d+)?)", re.IGNORECASE)
_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9_.-]*)=(?P<value>\S*)", re.IGNORECASE)
_VERSION = re.compile(r"v=spf1( |$)", re.IGNORECASE)
_LENGTHS = re.compile(r"(?P<host>[^/]*)(?:/(?P<four>\d+))?(?://(?P<six>\d+))?")
_OF_RELAYS = {
    "amazonaws.com": "amazonses.com", "postmarkapp.com": "mtasv.net", "office365.com": "outlook.com", "gmail.com": "google.com",
    "smtp2go.com": "spf.smtp2go.com",
}  # fmt: skip
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Broken(Exception):  # noqa: N818 - what RFC 7208 calls a permerror: a result
    """Receivers give up on this record; the message says where and what to do."""


@dataclass(slots=True)
class _Walk:
    """What was seen on the way through a record and all that it includes."""

    lookups: int = 0
    voids: int = 0
    networks: list[Network] = field(default_factory=list)
    included: list[str] = field(default_factory=list)
    old: bool = False

    def record(self, domain: str, above: tuple[str, ...]) -> Inquiry[str]:
        """Read the record of `domain`; the sign before its `all`, or empty. Raises _Broken, Unanswered."""
        if domain in above:
            raise _Broken(f"the record of {domain} includes itself; take that include out")
        records = [text for text in (yield from ask(Question(domain, "TXT"))).values if _VERSION.match(text)]
        if len(records) > 1:
            raise _Broken(f"{domain} has {len(records)} SPF records, and receivers take none; join them into one")
        if not records:
            raise _Broken(f"{domain} has no SPF record" + (f", but {above[-1]} includes it; take it out there" if above else ""))
        redirect = ""
        for term in records[0].split()[1:]:
            if modifier := _MODIFIER.fullmatch(term):
                redirect = modifier["value"].lower() if modifier["name"].lower() == "redirect" else redirect
                continue
            mechanism = _TERM.fullmatch(term)
            if mechanism is None:
                raise _Broken(f"{domain} has {term!r}, which is no SPF term; correct it")
            if mechanism["name"].lower() == "all":
                return mechanism["sign"] or "+"  # what stands behind it, and a redirect, is never read (5.1, 6.1)
            yield from self._mechanism(domain, mechanism, (*above, domain))
        if redirect:
            self._count()
            return (yield from self.record(redirect, (*above, domain)))
        return ""

    def _mechanism(self, domain: str, term: re.Match[str], above: tuple[str, ...]) -> Inquiry[None]:
        name, value = term["name"].lower(), (term["value"] or "").lower()
        match name:
            case "ip4" | "ip6":
                self._network(domain, term, name, value)
                return
            case "include":
                self._count()
                if not value:
                    raise _Broken(f"{domain} has an include of nothing; correct it")
                if "%" not in value:  # a macro is another name for each letter
                    self.included.append(value)
                    yield from self.record(value, above)
            case "a" | "mx":
                self._count()
                yield from self._hosts(name, value + term["length"], domain)
            case "exists" | "ptr":
                self._count()
                self.old |= name == "ptr"
            case _:
                raise _Broken(f"{domain} has {term[0]!r}, which is no SPF term; correct it")

    def _network(self, domain: str, term: re.Match[str], name: str, value: str) -> None:
        try:
            network = ipaddress.ip_network(value + term["length"], strict=False)
        except ValueError as error:
            raise _Broken(f"{domain} has {term[0]!r}, which is no address or network; correct it") from error
        if network.version != int(name[-1]):
            raise _Broken(f"{domain} has {term[0]!r}; write ip{network.version}: before it")
        if not term["sign"] or term["sign"] == "+":
            self.networks.append(network)

    def _hosts(self, name: str, value: str, domain: str) -> Inquiry[None]:
        parts = _LENGTHS.fullmatch(value)
        if parts is None:
            raise _Broken(f"{domain} has {name}:{value}, which is no name; correct it")
        host = parts["host"] or domain
        if "%" in host:
            return
        hosts: Sequence[str] = (host,)
        if name == "mx":
            hosts = [found for found in (yield from ask(Question(host, "MX"))).values if found != "."]
            if len(hosts) > MAIL_SERVERS:
                raise _Broken(f"{host} has {len(hosts)} mail servers, and SPF allows {MAIL_SERVERS} for mx; name networks with ip4 instead")
        found: list[tuple[str, str | None]] = []
        for one in hosts:
            for kind, length in (("A", parts["four"]), ("AAAA", parts["six"])):
                answer = yield from ask(Question(one, "A" if kind == "A" else "AAAA"))
                found += [(address, length) for address in answer.values]
        try:
            self.networks += [ipaddress.ip_network(f"{address}/{length}" if length else address, strict=False) for address, length in found]
        except ValueError as error:
            raise _Broken(f"{domain} has {name}:{value}, whose network is longer than an address; correct it") from error
        self.voids += not found

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > _STOP:
            raise _Broken(f"it asks the name system more than {_STOP} times, and receivers stop at {LOOKUPS}; take includes out")


@dataclass(frozen=True, slots=True)
class RelayPlace:
    """The name and the addresses that the relay is reached at."""

    host: str
    addresses: tuple[str, ...] = ()


def examine_spf(domain: str, relay: RelayPlace | None = None) -> Inquiry[list[Finding]]:
    """The record of the domain in MAIL FROM; with `relay`, whether it may send for it."""
    walk = _Walk()
    try:
        end = yield from walk.record(domain, ())
    except Unanswered as silence:
        return [Finding("SPF", "fail", str(silence))]
    except _Broken as fault:
        advice = "" if "; " in str(fault) else f'; publish TXT {domain} "v=spf1 include:<your relay\'s> -all"'
        return [Finding("SPF", "fail", f"Receivers get no SPF result: {fault}{advice}.")]
    findings = [_judged(domain, walk, end)]
    return [*findings, _relay(domain, walk, relay)] if relay is not None and findings[0].level != "fail" else findings


def _judged(domain: str, walk: _Walk, end: str) -> Finding:
    asked = f"{walk.lookups} of {LOOKUPS} look-ups"
    if walk.lookups > LOOKUPS:
        words = f"The SPF record of {domain} needs {asked}, so receivers give it up; take out includes that no longer send."
        return Finding("SPF", "fail", words)
    if walk.voids > VOIDS:
        words = f"{walk.voids} names in the SPF record of {domain} do not exist, and receivers stop at {VOIDS}; take them out."
        return Finding("SPF", "fail", words)
    if end == "+":
        return Finding("SPF", "fail", f"The SPF record of {domain} lets the whole world send (+all); end it with -all.")
    if end in ("", "?"):
        return Finding("SPF", "warn", f"The SPF record of {domain} does not say who may not send; end it with -all, or ~all while you try.")
    if walk.old:
        return Finding("SPF", "warn", f"The SPF record of {domain} uses ptr, which receivers may skip; name networks instead.")
    return Finding("SPF", "ok", f"{domain} has one SPF record, {asked}, ending in {end}all.")


def _relay(domain: str, walk: _Walk, relay: RelayPlace) -> Finding:
    """A provider sends from other addresses than those it takes letters at, so its name among the includes is proof enough."""
    addresses = [ipaddress.ip_address(text) for text in relay.addresses]
    if any(address in network for address in addresses for network in walk.networks if network.version == address.version):
        return Finding("SPF relay", "ok", f"The SPF record of {domain} permits the relay {relay.host} by its address.")
    family = ".".join(relay.host.lower().rstrip(".").split(".")[-2:])
    families = {family, _OF_RELAYS.get(family, family)}
    if any(name == one or name.endswith(f".{one}") for name in walk.included for one in families):
        return Finding("SPF relay", "ok", f"The SPF record of {domain} includes the relay's provider ({family}).")
    if addresses and not any(address.is_global for address in addresses):
        words = f"The relay {relay.host} stands in your own network; see that the address it sends from is in the SPF record of {domain}."
        return Finding("SPF relay", "warn", words)
    words = f"Nothing in the SPF record of {domain} points to the relay {relay.host}; add the include that its provider names."
    return Finding("SPF relay", "warn", words)
