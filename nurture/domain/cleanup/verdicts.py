"""The verdict on one person: the strongest of what they did since the cleanup began. Treated people and holdout are measured alike."""

from nurture.domain.cleanup.words import Verdict
from nurture.domain.words import EventType, Status

ANSWERS = (EventType.CLICKED, EventType.REPLIED, EventType.ANSWERED, EventType.CONVERTED, EventType.ATTENDED)
"""Human acts that end the offers: an open alone is none."""

ENDED_BY_STATUS = {Status.COMPLAINED: Verdict.COMPLAINED, Status.BOUNCED: Verdict.BOUNCED, Status.UNSUBSCRIBED: Verdict.LEFT}
STRENGTH = (Verdict.COMPLAINED, Verdict.BOUNCED, Verdict.LEFT, Verdict.REVIVED, Verdict.SILENT, Verdict.SPARED)
OPEN_TO_CHANGE = (None, Verdict.REVIVED, Verdict.SILENT, Verdict.SPARED)


def stronger(old: Verdict | None, new: Verdict) -> bool:
    """Whether a new finding takes the place of the verdict so far."""
    return old is None or STRENGTH.index(new) < STRENGTH.index(old)
