"""The plain words of the pages: what each class, kind and state means to somebody who has never seen YAML."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nurture.domain.delivery import OPEN
from nurture.domain.words import State

ENGAGEMENT = {
    "passive": ("Passive", "hardly ever open; most of every list"),
    "active": ("Active", "open and click now and then, buy some things"),
    "fan": ("Fans", "always with you"),
    "new": ("New", "fewer than four letters so far, too early to tell"),
    "unobservable": ("Cannot tell", "their mail program hides whether they read"),
}
ONE = {"passive": "passive", "active": "active", "fan": "fan", "new": "new", "unobservable": "cannot tell"}
KINDS = {
    "useful": ("Useful", "gives something, asks for nothing"),
    "news": ("News", "what is happening with you"),
    "about": ("About", "who you are and how you work"),
    "sales": ("Sales", "makes an offer"),
    "greeting": ("Greeting", "on a day of theirs"),
    "service": ("Service", "confirmations and the like"),
}
STATUSES = {
    "subscribed": "gets your letters",
    "pending": "has not confirmed yet",
    "unsubscribed": "has left",
    "bounced": "the address does not work",
    "complained": "marked a letter as spam",
    "archived": "closed after a long silence",
}
STATES = {
    "pending": "planned",
    "claimed": "leaving now",
    "sending": "leaving now",
    "deferred": "will be tried again",
    "unknown": "arrival unclear",
    "held": "arrival unclear, waits for you",
    "accepted": "delivered",
    "rejected": "refused by the mail server",
    "failed": "could not be sent",
    "cancelled": "called off",
}
EVENTS = {
    "opened": "Opened",
    "clicked": "Clicked a link",
    "replied": "Replied",
    "answered": "Answered a question",
    "visited": "Visited your site",
    "attended": "Attended",
    "touched": "Was contacted",
    "converted": "Acted",
    "bounced": "It bounced",
    "complained": "Marked it as spam",
    "left": "Left your list",
    "refused": "Said no",
    "joined": "Joined",
    "resubscribed": "Came back",
    "referred": "Brought somebody",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ZONES = {
    "explicit": "told you themselves",
    "import": "came with your list",
    "form": "taken from the browser",
    "offset": "from their clock's offset",
    "country": "from their country",
    "guessed": "guessed: their country has several",
    "default": "unknown: your own is used",
}
OUTCOMES = {
    "outranked": "another letter was more urgent",
    "missed": "its hours passed; it is planned anew",
    "paused": "paused, by the person or by you",
    "left": "the person had left",
    "declined": "the person does not want letters of this kind",
    "cancelled": "its sequence or campaign was called off",
    "superseded": "the next edition came first",
    "exit": "the person had done what the letters were for",
    "expired": "too late to be useful",
    "render": "the letter could not be written for this person",
    "proved": "its arrival was proved later",
    "no_such_address": "there is no such mailbox",
    "full": "the mailbox is full",
    "disabled": "the mailbox is closed",
    "no_smtputf8": "the mail server cannot take letters in this script",
    "policy": "the mail server refuses letters from you; look at what it said",
    "content": "the mail server did not like what the letter says",
    "refused": "the mail server refused it",
}
SKIPS = {
    "stale": "an offer waited longer for its mix than it may",
    "condition": "the letter is not meant for this person",
    "had": "the person had it from the library",
    "missed": "the date that it is about has passed",
    "declined": "the person does not want letters of this kind",
    "superseded": "the next edition comes first",
    "exit": "the person had done what the letters were for",
}
TEMPERATURES = {"cold": "looking around", "warm": "asks and answers", "hot": "wants to buy now", "refuser": "said no"}
FLAGS = {"ripening": "passive, but with small signs of life", "fading": "interest is going down", "lost": "silent for a year and a half"}


def state_word(state: str) -> str:
    return STATES.get(state, state)


def is_open(state: str) -> bool:
    return state in {s.value for s in OPEN}


def tone(state: str) -> str:
    """Which colour a state is shown in: good, waiting, bad or quiet."""
    if state == State.ACCEPTED:
        return "good"
    if state in (State.REJECTED, State.FAILED, State.HELD, State.UNKNOWN):
        return "bad"
    return "quiet" if state == State.CANCELLED else "waiting"


def zone_of(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def day(value: date | datetime | None, zone: str | None = None, now: datetime | None = None) -> str:
    """`Mon 2 Mar`; with `now`, a day of another year says which: `Mon 2 Mar 2024`."""
    if value is None:
        return ""
    local = value.astimezone(zone_of(zone)) if isinstance(value, datetime) else value
    year = f" {local.year}" if now is not None and local.year != now.year else ""
    return f"{local:%a} {local.day} {local:%b}{year}"


def full_day(value: date | datetime | None, zone: str | None = None) -> str:
    if value is None:
        return ""
    local = value.astimezone(zone_of(zone)) if isinstance(value, datetime) else value
    return f"{local.day} {local:%B %Y}"


def clock(value: datetime | None, zone: str | None = None) -> str:
    """`10:42` on the reader's wall."""
    return "" if value is None else f"{value.astimezone(zone_of(zone)):%H:%M}"


def ago(value: datetime | None, now: datetime) -> str:
    """`3 days ago`, `in 2 hours`: how far from now, in one unit."""
    if value is None:
        return "never"
    seconds = (now - value).total_seconds()
    for unit, size in (("year", 31_557_600), ("month", 2_629_800), ("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(abs(seconds) // size)
        if count:
            words = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now"


def week_start(label: str) -> date | None:
    """The Monday of `2026-W09`, or of a date written out; None for another label."""
    try:
        if "-W" in label:
            year, _, week = label.partition("-W")
            return date.fromisocalendar(int(year), int(week), 1)
        return date.fromisoformat(label[:10])
    except ValueError:
        return None


def short_day(value: date) -> str:
    return f"{value.day} {value:%b}"


def parse_instant(text: object) -> datetime | None:
    """An instant of the planner's notes; None where there is none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
