"""The condition language compiled to SQL: one expression over `subscribers`, the same on both databases.

Every leaf is true or false, never NULL, so that `not` means what it says. Text is compared exactly, `contains` without regard to the
case of A to Z; a text that looks like a number or a truth is compared as one where the condition names a number or a truth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, literal, not_, or_, select, true

from nurture.domain.asking import choice_address
from nurture.domain.conditions import (
    All,
    AnyOf,
    Condition,
    DateNear,
    Did,
    FieldIs,
    FromSource,
    HasEngagement,
    HasFlag,
    HasStatus,
    HasTag,
    HasTemperature,
    InSequence,
    Joined,
    Not,
    OnTopic,
    Received,
)
from nurture.domain.standing import FlagBit
from nurture.domain.words import EventType, Evidence, State, Status
from nurture.store.condition_fields import compare_field, date_near, sure
from nurture.store.database import Connection
from nurture.store.dialect_fields import FieldTruth
from nurture.store.ledger import of_the_house
from nurture.store.tables import Delivery, Document, Enrolment, Event, Letter, Standing, Subscriber, SubscriberTag

_people: Any = Subscriber.__table__.c  # type: ignore[attr-defined]
_event: Any = Event.__table__.c  # type: ignore[attr-defined]
_delivery: Any = Delivery.__table__.c  # type: ignore[attr-defined]
_standing: Any = Standing.__table__.c  # type: ignore[attr-defined]
_tag: Any = SubscriberTag.__table__.c  # type: ignore[attr-defined]
_enrolment: Any = Enrolment.__table__.c  # type: ignore[attr-defined]
_document: Any = Document.__table__.c  # type: ignore[attr-defined]
_letter: Any = Letter.__table__.c  # type: ignore[attr-defined]
_SEEN = (EventType.OPENED, EventType.CLICKED)
_AT_A_TIME = 5000
_HALF_A_YEAR = timedelta(days=182)  # a yearly day looked at from further away would be mistaken for its next return


@dataclass(frozen=True, slots=True)
class Since:
    """Counts only what is news since a moment of each person, an SQL expression that is never NULL.

    `later`: an event at the very moment is none, and a yearly date is news when its last time is over. Else events count from the moment
    on.
    """

    moment: ColumnElement[Any]
    later: bool


@dataclass(frozen=True, slots=True)
class _Moment:
    now: datetime
    zone: str
    since: Since | None = None


def compile_condition(condition: Condition, now: datetime, policy_zone: str = "UTC", since: Since | None = None) -> ColumnElement[bool]:
    """One expression over `subscribers`. `now` is aware UTC; `policy_zone` names the zone of people without one and of today's date.

    The condition names no segment: domain/questions.py has written them out. `since` does not reach into a `not`.
    """
    return _compile(condition, _Moment(now, policy_zone, since))


def compile_news(condition: Condition, now: datetime, policy_zone: str, since: Since) -> ColumnElement[bool]:
    """The condition holds, and it is an event since that moment that makes it hold."""
    match condition:
        case Did():
            return compile_condition(condition, now, policy_zone, since)
        case All(all=parts):
            held = compile_condition(condition, now, policy_zone, since)
            return and_(held, or_(false(), *(compile_news(part, now, policy_zone, since) for part in parts)))
        case AnyOf(any=parts):
            return or_(false(), *(compile_news(part, now, policy_zone, since) for part in parts))
    return false()


def matching_query(condition: Condition, now: datetime, policy_zone: str = "UTC", since: Since | None = None) -> Select[Any]:
    """The ids of all who match; to be narrowed, ordered or inserted from."""
    return select(_people.id).where(compile_condition(condition, now, policy_zone, since))


async def matching(
    tx: Connection, condition: Condition, now: datetime, ids: Sequence[int] | None = None, policy_zone: str = "UTC"
) -> list[int]:
    """Ids of those who match, in order; only of `ids` where given."""
    query = matching_query(condition, now, policy_zone).order_by(_people.id)
    if ids is None:
        return [row[0] for row in await tx.execute(query)]
    wanted = sorted(set(ids))
    chunks = [wanted[start : start + _AT_A_TIME] for start in range(0, len(wanted), _AT_A_TIME)]
    return [row[0] for chunk in chunks for row in await tx.execute(query.where(_people.id.in_(chunk)))]


async def count(tx: Connection, condition: Condition, now: datetime, policy_zone: str = "UTC") -> int:
    """How many people match. A column that no index has is counted: by an index SQLite would meet them, and theirs, out of order."""
    query = select(func.count(_people.status)).where(compile_condition(condition, now, policy_zone))
    return int((await tx.execute(query)).scalar_one())


def _is_there(of: Sequence[Any], *tests: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether one of these tables has such a row. They are its own, also where the question around it reads the same tables."""
    return exists().where(*tests).correlate_except(*of)


def _compile(condition: Any, moment: _Moment) -> ColumnElement[bool]:
    return _WORDS[type(condition)](condition, moment)


def _tagged(condition: HasTag, _moment: _Moment) -> ColumnElement[bool]:
    return _is_there([_tag.tag.table], _tag.subscriber_id == _people.id, _tag.tag == condition.tag)


def _on_topic(condition: OnTopic, _moment: _Moment) -> ColumnElement[bool]:
    return sure(FieldTruth(_people.topics, literal(condition.topic)), default=True)


def _standing_is(test: ColumnElement[bool]) -> ColumnElement[bool]:
    return _is_there([_standing.engagement.table], _standing.subscriber_id == _people.id, test)


def _in_sequence(condition: InSequence, _moment: _Moment) -> ColumnElement[bool]:
    return _is_there(
        [_enrolment.id.table, _document.id.table],
        _enrolment.subscriber_id == _people.id,
        _enrolment.state == "active",
        _enrolment.sequence_id == _document.id,
        _document.type == "sequence",
        _document.name == condition.in_sequence,
    )


def _did(condition: Did, moment: _Moment) -> ColumnElement[bool]:
    # An open or a click counts only when a person is behind it; of the rest only what is known to be a machine is left out.
    believed = _event.evidence == Evidence.HUMAN.value if condition.did in _SEEN else _event.evidence != Evidence.MACHINE.value
    tests = [_event.subscriber_id == _people.id, _event.type == condition.did.value, believed]
    if moment.since is not None:
        tests.append(_event.at > moment.since.moment if moment.since.later else _event.at >= moment.since.moment)
    if condition.within is not None:
        tests.append(_event.at >= moment.now - condition.within)
    if condition.name is not None:
        tests.append(_event.name == condition.name)
    if condition.choice is not None:
        tests.append(_event.url == choice_address(condition.name or "", condition.choice))
    if condition.link is not None:
        tests.append(_same_link(condition.link))
    if condition.letter is not None or condition.kind is not None:
        tests.append(_of_letter(condition))
    if condition.at_least == 1:
        return _is_there([_event.id.table], *tests)
    times = select(func.count()).select_from(_event.id.table).where(*tests).correlate_except(_event.id.table).scalar_subquery()
    return times >= condition.at_least


def _same_link(link: str) -> ColumnElement[bool]:
    """The address itself, with or without what a merge field put into its query."""
    url = _event.url
    return or_(url == link, url.startswith(link + "?", autoescape=True), url.startswith(link + "#", autoescape=True))


def _of_letter(condition: Did) -> ColumnElement[bool]:
    tests = [_delivery.id == _event.delivery_id]
    if condition.kind is not None:
        tests.append(_delivery.kind == condition.kind.value)
    if condition.letter is not None:
        tests += [_delivery.letter_id == _letter.id, _letter.name == condition.letter]
    return _is_there([_delivery.id.table, _letter.id.table], *tests)


def _date_near(condition: DateNear, moment: _Moment) -> ColumnElement[bool]:
    near = date_near(condition, moment.now.astimezone(ZoneInfo(moment.zone)).date())
    if moment.since is None or not moment.since.later:
        return near
    before = moment.now - min(condition.within, _HALF_A_YEAR)
    return and_(near, moment.since.moment < literal(before, _event.at.type))


def _received(condition: Received, moment: _Moment) -> ColumnElement[bool]:
    tests = [
        _delivery.subscriber_id == _people.id,
        _delivery.state == State.ACCEPTED.value,
        _delivery.letter_id == _letter.id,
        _letter.name == condition.received,
    ]
    if condition.within is not None:
        tests.append(_delivery.accepted_at >= moment.now - condition.within)
    return _is_there([_delivery.id.table, _letter.id.table], *tests)


def _has_status(status: Status) -> ColumnElement[bool]:
    has: ColumnElement[bool] = _people.status == status.value
    return and_(has, not_(of_the_house())) if status is Status.ARCHIVED else has


_WORDS: dict[type, Callable[[Any, _Moment], ColumnElement[bool]]] = {
    All: lambda c, moment: and_(true(), *(_compile(inner, moment) for inner in c.all)),
    AnyOf: lambda c, moment: or_(false(), *(_compile(inner, moment) for inner in c.any)),
    Not: lambda c, moment: not_(_compile(c.not_, replace(moment, since=None))),
    HasTag: _tagged,
    OnTopic: _on_topic,
    FieldIs: lambda c, moment: compare_field(c, moment.zone),
    HasStatus: lambda c, _: _has_status(c.status),
    FromSource: lambda c, _: _people.source == c.source,
    HasEngagement: lambda c, _: _standing_is(_standing.engagement == c.engagement.value),
    HasTemperature: lambda c, _: _standing_is(_standing.temperature == c.temperature.value),
    HasFlag: lambda c, _: _standing_is(_standing.flags.bitwise_and(int(FlagBit[c.flag.name])) != 0),
    Did: _did,
    Received: _received,
    InSequence: _in_sequence,
    Joined: lambda c, moment: _people.joined_at >= moment.now - c.joined,
    DateNear: _date_near,
}
