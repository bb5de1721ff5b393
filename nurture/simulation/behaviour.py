"""How invented people answer letters, calibrated to what small lists report.

Of a hundred, 80 are passive (a quarter of them ripening), 17 active, 3 fans; 5 to 15 react; 3 buy in a season; interest fades over 18
months; the ripening look at the site now and then and wake after months.
Pure: a temper, a letter and a `Random` in; acts with their delays out. Machines act as well: scanners click every link at once, privacy
proxies fetch every picture. The engine must tell them apart from people by itself.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from random import Random

from nurture.domain.words import Kind

FADES = timedelta(days=548)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
GOOGLE_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
APPLE_PROXY = "Mozilla/5.0"
SCANNER = "Mozilla/5.0 (compatible; Barracuda Sentinel)"


class Type(StrEnum):
    """What a person is at heart; the engine only sees their acts."""

    PASSIVE = "passive"
    RIPENING = "ripening"
    ACTIVE = "active"
    FAN = "fan"


class Act(StrEnum):
    OPEN = "open"
    CLICK = "click"
    REPLY = "reply"
    VISIT = "visit"
    BUY = "buy"
    LEAVE = "leave"
    BOUNCE = "bounce"
    LESS = "less"
    USEFUL = "useful"
    PAUSE = "pause"


SEEN_ON_LETTERS = (Act.OPEN, Act.CLICK)  # hits on the letter's own picture and links
ENDING = (Act.LEAVE, Act.BOUNCE, Act.LESS, Act.USEFUL, Act.PAUSE)  # after these a person gets fewer letters or none


@dataclass(frozen=True, slots=True)
class Rates:
    """Chances per letter; `buy` is per sales letter; `choose`: to ask for less on the preferences page instead of leaving."""

    open: float
    click: float
    reply: float
    visit: float
    buy: float
    leave: float
    choose: float


RATES: dict[Type, Rates] = {
    Type.PASSIVE: Rates(open=0.03, click=0.0005, reply=0.0, visit=0.001, buy=0.0004, leave=0.0012, choose=0.0003),
    Type.RIPENING: Rates(open=0.09, click=0.003, reply=0.0002, visit=0.03, buy=0.003, leave=0.0006, choose=0.0003),
    Type.ACTIVE: Rates(open=0.55, click=0.20, reply=0.012, visit=0.04, buy=0.013, leave=0.0006, choose=0.0004),
    Type.FAN: Rates(open=0.95, click=0.74, reply=0.06, visit=0.10, buy=0.08, leave=0.0001, choose=0.0001),
}
LATE_BOUNCE = 0.0003  # per letter: the relay took it, the mailbox beyond it is gone
SHARES: tuple[tuple[Type, float], ...] = ((Type.PASSIVE, 0.60), (Type.RIPENING, 0.20), (Type.ACTIVE, 0.17), (Type.FAN, 0.03))


@dataclass(frozen=True, slots=True)
class Temper:
    """`keenness` scales a person's rates; `proxy`: a privacy proxy fetches their pictures; `scanned`: a filter clicks before them.

    `wakes`: how long a ripening person sleeps before they become active.
    """

    type: Type
    keenness: float = 1.0
    proxy: bool = False
    scanned: bool = False
    wakes: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """An act so long after acceptance. `link` counts the letter's links from 0; `page`: the click was on the letter's own leave page.

    `machine`: no person did it.
    """

    after: timedelta
    act: Act
    agent: str = ""
    link: int | None = None
    page: str | None = None
    machine: bool = False


def draw_temper(rng: Random) -> Temper:
    """One person's temper, in the usual shares."""
    kind = rng.choices([t for t, _ in SHARES], weights=[s for _, s in SHARES])[0]
    wakes = timedelta(days=rng.randint(60, FADES.days)) if kind is Type.RIPENING else None
    return Temper(kind, rng.uniform(0.8, 1.2), proxy=rng.random() < 0.08, scanned=rng.random() < 0.04, wakes=wakes)


def mood(temper: Temper, since: timedelta) -> tuple[Temper, float]:
    """The temper so long after the beginning, with how much interest is left: who was ripening may have woken by then."""
    if temper.wakes is None or since < temper.wakes:
        return temper, faded(temper, since)
    awake = replace(temper, type=Type.ACTIVE, wakes=None)
    return awake, faded(awake, since - temper.wakes)


def faded(temper: Temper, since: timedelta) -> float:
    """How much interest is left after so long: halved each half year, an eighth after 18 months; fans and the passive stay as they are."""
    if temper.type is not Type.ACTIVE:
        return 1.0
    return float(0.5 ** (since / FADES * 3))


def react(temper: Temper, kind: Kind, links: int, interest: float, rng: Random) -> list[Reaction]:
    """What follows one accepted letter, in order of time. `links`: how many links it has; `interest` from `faded`."""
    acts = _machines(temper, links, rng)
    rates, scale = RATES[temper.type], temper.keenness * interest
    opened_after = _delay(rng)
    clicks = rng.random() < rates.click * scale
    if clicks or rng.random() < rates.open * scale:
        acts.append(Reaction(opened_after, Act.OPEN, APPLE_PROXY if temper.proxy else GOOGLE_PROXY if rng.random() < 0.5 else CHROME))
    if clicks:  # a letter without a link asks for an answer by mail
        answered_after = opened_after + timedelta(seconds=rng.randint(15, 400))
        acts.append(Reaction(answered_after, Act.CLICK, CHROME, 0) if links else Reaction(answered_after, Act.REPLY))
    later = opened_after + timedelta(seconds=rng.randint(900, 20_000))
    if rng.random() < rates.reply * scale:
        acts.append(Reaction(later, Act.REPLY))
    if rng.random() < rates.visit * scale:
        acts.append(Reaction(later, Act.VISIT))
    if kind is Kind.SALES and rng.random() < rates.buy * scale:
        acts.append(Reaction(later, Act.BUY))
    acts += _endings(rates, later, rng)
    return sorted(acts, key=lambda r: r.after)


def _endings(rates: Rates, later: timedelta, rng: Random) -> list[Reaction]:
    """What makes letters fewer; drawn whatever the interest, so that a tired reader is no safer than a keen one."""
    acts = []
    if rng.random() < rates.leave:
        acts.append(Reaction(later, Act.LEAVE, CHROME))
    if rng.random() < rates.choose:
        acts.append(Reaction(later, rng.choices((Act.LESS, Act.USEFUL, Act.PAUSE), weights=(5, 3, 2))[0], CHROME))
    if rng.random() < LATE_BOUNCE:
        acts.append(Reaction(timedelta(seconds=rng.randint(60, 2 * 86_400)), Act.BOUNCE, machine=True))
    return acts


def _machines(temper: Temper, links: int, rng: Random) -> list[Reaction]:
    acts = []
    if temper.scanned:
        acts = _scan(links, rng)
    if temper.proxy:
        acts.append(Reaction(timedelta(seconds=rng.randint(2, 900)), Act.OPEN, APPLE_PROXY, machine=True))
    return acts


def _scan(links: int, rng: Random) -> list[Reaction]:
    """Most filters click every link within seconds; some take the letter in hand minutes later and try its leave page as well."""
    agent = SCANNER if rng.random() < 0.5 else CHROME
    late = rng.random() < 0.3
    first = timedelta(seconds=rng.randint(40, 400) if late else rng.randint(1, 6))
    acts = [Reaction(first, Act.CLICK, agent, n, machine=True) for n in range(links)]
    if late:
        acts.append(Reaction(first + timedelta(seconds=1), Act.CLICK, agent, page="leave", machine=True))
    return acts


def _delay(rng: Random) -> timedelta:
    """Half within the hour, most within the day: a long tail, never under 20 seconds."""
    return timedelta(seconds=20 + int(min(rng.lognormvariate(8.0, 1.4), 4 * 86_400)))
