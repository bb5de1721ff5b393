"""The words of the field, each once: statuses, kinds, classes, states. Their spelling is stored and sent over the API; it never changes."""

from enum import StrEnum


class Status(StrEnum):
    PENDING = "pending"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ARCHIVED = "archived"


class Kind(StrEnum):
    USEFUL = "useful"
    NEWS = "news"
    ABOUT = "about"
    SALES = "sales"
    GREETING = "greeting"
    SERVICE = "service"


class Size(StrEnum):
    SHORT = "short"
    LONG = "long"


class Engagement(StrEnum):
    NEW = "new"
    PASSIVE = "passive"
    ACTIVE = "active"
    FAN = "fan"
    UNOBSERVABLE = "unobservable"


class Flag(StrEnum):
    RIPENING = "ripening"
    FADING = "fading"
    LOST = "lost"


class Temperature(StrEnum):
    COLD = "cold"
    WARM = "warm"
    HOT = "hot"
    REFUSER = "refuser"


class Evidence(StrEnum):
    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class Tracking(StrEnum):
    NONE = "none"
    AGGREGATE = "aggregate"
    INDIVIDUAL = "individual"


class Frequency(StrEnum):
    NORMAL = "normal"
    LESS = "less"


class Kinds(StrEnum):
    ALL = "all"
    USEFUL = "useful"


class ZoneSource(StrEnum):
    """Where a person's time zone came from, best first."""

    EXPLICIT = "explicit"
    IMPORT = "import"
    FORM = "form"
    OFFSET = "offset"
    COUNTRY = "country"
    GUESSED = "guessed"
    DEFAULT = "default"


class EventType(StrEnum):
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    ANSWERED = "answered"
    VISITED = "visited"
    ATTENDED = "attended"
    TOUCHED = "touched"
    CONVERTED = "converted"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    LEFT = "left"
    REFUSED = "refused"
    JOINED = "joined"
    RESUBSCRIBED = "resubscribed"
    REFERRED = "referred"


class State(StrEnum):
    """Where a delivery stands; see `domain/delivery.py` for the moves."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SENDING = "sending"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"
    HELD = "held"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
