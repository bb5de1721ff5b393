"""Who made a hit: a person, a machine, or nobody can tell. Every hit is kept, only its verdict changes.

A verdict may change for ten minutes: later hits of the same delivery can show that an earlier click belonged to a scanner.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain.words import Evidence

RULE_VERSION = 2  # 2: agents of Lynx, Mosaic and a phone's secure mail are people; crawlers are found by how they name themselves
SETTLES = timedelta(minutes=10)
INSTANT = timedelta(seconds=10)
BURST = timedelta(seconds=2)
BURST_LINKS = 3
TRAP_REACH = timedelta(seconds=30)
HEAD_REACH = timedelta(seconds=10)
SHARED_BY = 3

PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_SCANNERS = re.compile(
    # filters of mail and of the net
    r"barracuda|proofpoint|mimecast|safelinks|ciscosecureemail|\btmes\b|trendmicro|symantec|messagelabs|fortimail|forcepoint"
    r"|sophos (?:time|email|url)|palo alto networks|censysinspect|netcraftsurvey|urlscan|virustotal"
    # libraries and tools; Lynx and Mosaic are browsers, and say libwww too
    r"|python-|aiohttp|\bhttpx|scrapy|go-http-client|\bcurl/|\bwget|libwww-perl|^lwp|okhttp|\bjava/|apache-httpclient|node-fetch|^undici|^axios"
    r"|^ruby|^faraday|^php/|guzzlehttp|postmanruntime|headlesschrome|phantomjs"
    # previews and crawlers: they call themselves bot (Cubot is a maker of phones) or give the address of their own page
    r"|bingpreview|skypeuripreview|facebookexternalhit|^whatsapp/|crawler|spider|(?<!cu)bot(?![a-z])|\+https?:",
    re.IGNORECASE,
)
_APPLE_PROXY = "Mozilla/5.0"
_GOOGLE_PROXY = "googleimageproxy"
_YAHOO_PROXY = "yahoomailproxy"
# Published egress ranges of mail filters: nobody browses from there (Microsoft Exchange Online Protection; Barracuda).
SCANNER_NETWORKS = tuple(
    ipaddress.ip_network(n)
    for n in (
        "40.92.0.0/14", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17", "2a01:111:f400::/48", "2a01:111:f403::/48",
        "64.235.144.0/20", "209.222.80.0/20",
    )
)  # fmt: skip
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Hit:
    """One request for a link or picture of one delivery.

    `link` is the link's number; `page` is `leave`, `preferences` or `archive` for the letter's own pages; neither means the open pixel.
    `prefetch`: the request said itself that nobody looks yet. `trap`: the link is invisible to people.
    """

    at: datetime
    method: str = "GET"
    link: int | None = None
    page: str | None = None
    agent: str = ""
    ip: str = ""
    prefetch: bool = False
    trap: bool = False

    @property
    def is_open(self) -> bool:
        return self.link is None and self.page is None


@dataclass(frozen=True, slots=True)
class Judged:
    evidence: Evidence
    reason: str
    rule_version: int = RULE_VERSION


def asks_ahead(headers: Mapping[str, str]) -> bool:
    """Whether request headers (lower-case names) say that this is a prefetch or a preview."""
    return any(re.search("prefetch|preview|prerender", headers.get(name, ""), re.IGNORECASE) for name in PREFETCH_HEADERS)


def judge(hit: Hit, hits: Sequence[Hit], accepted_at: datetime | None, networks: Sequence[Network] = SCANNER_NETWORKS) -> Judged:
    """The verdict on one hit, given all hits of its delivery known so far (with or without this one)."""
    around = hits if hit in hits else (*hits, hit)
    return judge_all(around, accepted_at, networks)[list(around).index(hit)]


def judge_all(hits: Sequence[Hit], accepted_at: datetime | None, networks: Sequence[Network] = SCANNER_NETWORKS) -> list[Judged]:
    """Verdicts on the hits of one delivery, in the order given. `accepted_at`: when the relay took the letter, if that is known."""
    bursts = _bursts(hits)
    traps = [h.at for h in hits if h.trap]
    heads = [h for h in hits if h.method != "GET"]
    verdicts = [_alone(h, accepted_at, networks) or _together(h, bursts, traps, heads) or _Plain for h in hits]
    people = {(h.ip, h.agent) for h, v in zip(hits, verdicts, strict=True) if v is _Plain and not h.is_open}
    shared = len(people) >= SHARED_BY
    return [_plain(h, shared=shared) if v is _Plain else v for h, v in zip(hits, verdicts, strict=True)]


def judge_answer(sent: Hit, networks: Sequence[Network] = SCANNER_NETWORKS) -> Judged:
    """The verdict on a form that was sent: scanners follow links and press no buttons, so only what betrays itself is a machine's."""
    told = _by_request(replace(sent, method="GET"))
    if told is None and _inside(sent.ip, networks):
        told = _machine("from a network of mail filters")
    return told or _nameless(sent) or Judged(Evidence.HUMAN, "sent by the button of the page")


_Plain = Judged(Evidence.HUMAN, "an ordinary request")


def _plain(hit: Hit, *, shared: bool) -> Judged:
    if hit.is_open:
        return Judged(Evidence.HUMAN, "opened in an ordinary mail client")
    return Judged(Evidence.HUMAN, "shared: clicked from several places" if shared else "an ordinary click")


def _machine(reason: str) -> Judged:
    return Judged(Evidence.MACHINE, reason)


def _alone(hit: Hit, accepted_at: datetime | None, networks: Sequence[Network]) -> Judged | None:
    """What the request tells by itself."""
    early = accepted_at is not None and hit.at - accepted_at < INSTANT
    return _by_request(hit) or (_opening(hit, early=early) if hit.is_open else _clicking(hit, networks, early=early))


def _by_request(hit: Hit) -> Judged | None:
    if hit.method != "GET":
        return _machine(f"a {hit.method} request")
    if hit.prefetch:
        return _machine("a prefetch or preview, by its own header")
    if hit.trap:
        return _machine("followed a link that people cannot see")
    named = None if hit.is_open and _proxied(hit.agent, early=False) else _SCANNERS.search(hit.agent)
    return _machine(f"the agent names itself: {named[0].strip().lower()}") if named else None


def _opening(hit: Hit, *, early: bool) -> Judged | None:
    proxied = _proxied(hit.agent, early=early)
    if proxied is None and early:
        return Judged(Evidence.UNKNOWN, "opened within 10 s of acceptance: a filter or a quick reader")
    return proxied or _nameless(hit)


def _clicking(hit: Hit, networks: Sequence[Network], *, early: bool) -> Judged | None:
    if hit.page:
        return _machine(f"only looked at the {hit.page} page; that proves nobody")
    if _inside(hit.ip, networks):
        return _machine("from a network of mail filters")
    return _machine("clicked within 10 s of acceptance") if early else _nameless(hit)


def _nameless(hit: Hit) -> Judged | None:
    return None if hit.agent else Judged(Evidence.UNKNOWN, "the request names no agent")


def _proxied(agent: str, *, early: bool) -> Judged | None:
    lower = agent.lower()
    if agent.strip() == _APPLE_PROXY:
        return Judged(Evidence.UNKNOWN, "proxy: Apple fetches pictures for people who may never look")
    if _YAHOO_PROXY in lower:
        return Judged(Evidence.UNKNOWN, "proxy: Yahoo fetches pictures ahead")
    if _GOOGLE_PROXY in lower:
        if early:
            return Judged(Evidence.UNKNOWN, "proxy: Google, within 10 s of acceptance")
        return Judged(Evidence.HUMAN, "Google's picture proxy, 10 s or more after acceptance")
    return None


def _inside(ip: str, networks: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(address.version == n.version and address in n for n in networks)


@dataclass(frozen=True, slots=True)
class _Burst:
    first: datetime
    last: datetime
    sources: frozenset[tuple[str, str]]


def _bursts(hits: Sequence[Hit]) -> list[_Burst]:
    """Spans where three links, or two of which one is the letter's own page, were fetched within 2 s."""
    clicks = sorted((h for h in hits if not h.is_open), key=lambda h: h.at)
    found: list[_Burst] = []
    start = 0
    for end, click in enumerate(clicks):
        while click.at - clicks[start].at > BURST:
            start += 1
        window = clicks[start : end + 1][-64:]
        links = {(h.link, h.page) for h in window}
        if len(links) >= BURST_LINKS or (len(links) == 2 and any(h.page for h in window)):
            sources = frozenset((h.ip, h.agent) for h in window)
            found.append(_Burst(window[0].at, click.at, sources))
    return found


def _together(hit: Hit, bursts: Sequence[_Burst], traps: Sequence[datetime], heads: Sequence[Hit]) -> Judged | None:
    """What the other hits of the delivery tell about this one."""
    if any(abs(hit.at - at) <= TRAP_REACH for at in traps):
        return _machine("beside a link that people cannot see")
    for burst in bursts:
        source = (hit.ip, hit.agent) in burst.sources
        if burst.first <= hit.at <= burst.last and (source or not hit.is_open):
            return _machine("several links within 2 s")
        if burst.first - SETTLES <= hit.at < burst.first and (source or not hit.is_open):
            return _machine("withdrawn: several links within 2 s followed")
        if burst.last < hit.at <= burst.last + SETTLES and source:
            return _machine("from where several links were fetched within 2 s")
    if not hit.is_open and any(h.link == hit.link and h.page == hit.page and abs(h.at - hit.at) <= HEAD_REACH for h in heads):
        return _machine("beside a HEAD request for the same link")
    return None
