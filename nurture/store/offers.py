"""What the hand-off asks of a cleanup's letters, and of all others because of cleanups: conditions over `deliveries` and their person.

An ordinary row pays for one comparison: what only a cleanup's row is asked stands behind its rule.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_

from nurture.domain.cleanup.verdicts import ANSWERS
from nurture.domain.words import Evidence
from nurture.store.enrolments import enrolments, events
from nurture.store.ledger import deliveries, one_of, subscribers

_d, _p, _e, _v = deliveries.c, subscribers.c, enrolments.c, events.c
_other = deliveries.alias("other")


def of_a_cleanup(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition, for letters of a cleanup alone."""
    return and_(_d.rule == "cleanup", condition)


def cleaned_by_another() -> ColumnElement[bool]:
    """A cleanup has the person, and the letter is not its own; or the letter is one of a cleanup that let them go."""
    let_go = and_(_d.rule == "cleanup", _p.cleanup_lane.is_(None))
    return or_(let_go, and_(_p.cleanup_lane.is_not(None), _p.cleanup_lane != _d.lane_id))


def answered() -> ColumnElement[bool]:
    """The person has answered since the cleanup took them in: out at the first human click, reply, purchase or leave."""
    began = and_(_e.id == _d.enrolment_id, _v.at >= _e.enrolled_at)
    acts = (one_of(_v.type, [kind.value for kind in ANSWERS]), _v.evidence == Evidence.HUMAN.value)
    return exists().where(_v.subscriber_id == _d.subscriber_id, began, *acts).correlate_except(events, enrolments)


def on_its_date(day: Any) -> ColumnElement[bool]:
    """Another letter of this lane, or this one as far as anybody knows, has gone to the person on this local date."""
    went = (_other.c.subscriber_id == _d.subscriber_id, _other.c.lane_id == _d.lane_id, _other.c.local_day == day, _other.c.id != _d.id)
    gone = one_of(_other.c.state, ("accepted", "sending", "unknown", "held"))
    this = and_(_d.dup_risk > 0, _d.local_day == day)
    return or_(this, exists().where(*went, or_(gone, _other.c.dup_risk > 0)).correlate_except(_other))
