"""The words of a cleanup, each once: states, parts, verdicts. Their spelling is stored and sent over the API; it never changes."""

from enum import StrEnum


class CleanupState(StrEnum):
    DRAFT = "draft"
    CANARY = "canary"
    RAMP = "ramp"
    SETTLING = "settling"
    FINISHED = "finished"
    STOPPED = "stopped"


RUNNING = (CleanupState.CANARY, CleanupState.RAMP, CleanupState.SETTLING)


class Part(StrEnum):
    """What a person of the audience is in for."""

    OFFERS = "offers"
    HOLDOUT = "holdout"
    REPERMISSION = "repermission"


class Verdict(StrEnum):
    """What a cleanup found out about one person. `spared`: a reason to leave them alone came up before their first letter."""

    REVIVED = "revived"
    LEFT = "left"
    SILENT = "silent"
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    SPARED = "spared"


class Exempt(StrEnum):
    """Why somebody whom the audience's word would fit is left alone."""

    RIPENING = "ripening"
    CUSTOMER = "customer"
    REFUSER = "refuser"
    DECLINED = "declined"
    PAUSED = "paused"
    CLEANED = "cleaned"
    ELSEWHERE = "elsewhere"
    UNSEEN = "unseen"
    AWAKE = "awake"
    GONE = "gone"


EXEMPT_WORDS: dict[Exempt, str] = {
    Exempt.RIPENING: "ripening: a sign of life in twelve months, or joined under six months ago",
    Exempt.CUSTOMER: "a customer",
    Exempt.REFUSER: "said no, or not interested, in the last 180 days",
    Exempt.DECLINED: "declined sales letters, or the topic of these",
    Exempt.PAUSED: "paused their letters",
    Exempt.CLEANED: "was in a cleanup in the last six months",
    Exempt.ELSEWHERE: "is in another cleanup now",
    Exempt.UNSEEN: "cannot be seen, and this cleanup has no re-permission letter",
    Exempt.AWAKE: "is not of the audience any more",
    Exempt.GONE: "does not get letters any more",
}
