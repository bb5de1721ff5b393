"""Comparisons of the condition language with a person's own columns and free fields, and the yearly dates among them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, or_, true

from nurture.domain.conditions import DateNear, FieldIs, Scalar
from nurture.store.dialect_fields import (
    AsciiLower,
    Bytewise,
    FieldFilled,
    FieldHolds,
    FieldNumber,
    FieldText,
    FieldTruth,
    MonthDay,
    Position,
)
from nurture.store.tables import Subscriber

_People: Any = Subscriber.__table__.c  # type: ignore[attr-defined]
OWN_TEXT = (
    "email", "name", "first_name", "patronymic", "timezone", "zone_source", "locale", "country", "status", "source", "frequency", "kinds",
    "tracking",
)  # fmt: skip
OWN_INSTANTS = ("joined_at", "status_at", "paused_until", "changed_at")


def sure(test: ColumnElement[Any], *, default: bool = False) -> ColumnElement[bool]:
    """True or false, never NULL: so that `not` of it holds where the value is missing."""
    return func.coalesce(test, _bool(default))


def compare_field(condition: FieldIs, policy_zone: str) -> ColumnElement[bool]:
    """`fields.x` names the free field even where a column has that name; people without a zone live in the workspace's."""
    name = condition.field
    if name in OWN_TEXT:
        column = func.coalesce(_People[name], policy_zone) if name == "timezone" else _People[name]
        return _own_text(column, condition)
    if name in OWN_INSTANTS:
        return _own_instant(_People[name], condition)
    return _free_field(literal(name.removeprefix("fields.")), condition)


def _own_text(column: Any, condition: FieldIs) -> ColumnElement[bool]:
    if condition.exists is not None:
        return sure(column != "") == _bool(condition.exists)
    if condition.contains is not None:
        return sure(_contains(column, condition.contains))
    if condition.gt is not None:
        return sure(Bytewise(column) > _text(condition.gt))
    if condition.lt is not None:
        return sure(Bytewise(column) < _text(condition.lt))
    options = condition.in_ if condition.in_ is not None else (condition.is_,)
    return sure(column.in_([_text(o) for o in options if o is not None]))


def _own_instant(column: Any, condition: FieldIs) -> ColumnElement[bool]:
    """Instants compare with an ISO date or time (UTC unless it says otherwise); what is no time matches nobody."""
    if condition.exists is not None:
        return column.is_not(None) if condition.exists else column.is_(None)  # type: ignore[no-any-return]
    bound = _instant(condition.gt if condition.gt is not None else condition.lt)
    if bound is None:
        return false()
    return sure(column > bound if condition.gt is not None else column < bound)


def _free_field(key: Any, condition: FieldIs) -> ColumnElement[bool]:
    fields = _People.fields
    if condition.exists is not None:
        return sure(FieldFilled(fields, key)) == _bool(condition.exists)
    if condition.contains is not None:
        part = condition.contains
        return or_(sure(_contains(FieldText(fields, key), part)), sure(FieldHolds(fields, key, literal(part))))
    if condition.gt is not None or condition.lt is not None:
        return _ordered(key, condition)
    options = condition.in_ if condition.in_ is not None else (condition.is_,)
    return or_(false(), *(_equals(key, o) for o in options if o is not None))


def _equals(key: Any, value: Scalar) -> ColumnElement[bool]:
    fields = _People.fields
    if isinstance(value, bool):
        return sure(FieldTruth(fields, key) == _bool(value))
    if isinstance(value, str):
        # `is: "5"` also means the number 5, and `is: "true"` the truth: who writes it need not know how it came in
        options, number = [sure(FieldText(fields, key) == value)], _number(value)
        if number is not None:
            options.append(sure(and_(FieldText(fields, key).is_(None), FieldNumber(fields, key) == _amount(number))))
        if value in ("true", "false"):
            options.append(sure(FieldTruth(fields, key) == _bool(value == "true")))
        return or_(*options)
    return sure(FieldNumber(fields, key) == _amount(value))


def _ordered(key: Any, condition: FieldIs) -> ColumnElement[bool]:
    above = condition.gt is not None
    value = condition.gt if above else condition.lt
    if isinstance(value, bool) or value is None:
        return false()
    number = _number(value) if isinstance(value, str) else value
    if number is None:
        text = Bytewise(FieldText(_People.fields, key))
        return sure(text > value if above else text < value)
    amount = FieldNumber(_People.fields, key)
    return sure(amount > _amount(number) if above else amount < _amount(number))


def _contains(text: Any, part: str) -> ColumnElement[bool]:
    return Position(AsciiLower(text), AsciiLower(literal(part))) > 0


def _bool(value: bool) -> ColumnElement[bool]:
    return true() if value else false()


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str) -> float | int | None:
    bare = text.removeprefix("-")
    if not bare.isascii() or not bare.replace(".", "", 1).isdigit() or bare[0] == "." or bare[-1] == "." or len(text) > 60:
        return None
    return float(text) if "." in bare else int(text)


def _amount(value: float) -> Any:
    """A bound number that is exact on PostgreSQL (numeric) and a float on SQLite, like the values it is held against."""
    return literal(Decimal(str(value)), FieldNumber.type)


def _instant(value: Scalar | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found and (found if found.tzinfo else found.replace(tzinfo=UTC))


def date_near(condition: DateNear, today: date) -> ColumnElement[bool]:
    """The yearly day lies between today and today + within, both included. 29 February is kept on the 28th of a common year."""
    if condition.date in OWN_INSTANTS:
        yearly: ColumnElement[Any] = MonthDay(_People[condition.date])
    else:
        written = FieldText(_People.fields, literal(condition.date.removeprefix("fields.")))
        # stored as 1980-12-31 (also with a time after it), 12-31 or --12-31
        yearly = func.substr(written, case((func.length(written) >= 10, 6), (written.startswith("--"), 3), else_=1), 5)
    first, last = today.strftime("%m-%d"), _last_day(today + timedelta(days=condition.within.days))
    day = Bytewise(yearly)
    if condition.within >= timedelta(days=365):
        return sure(and_(day >= "01-01", day <= "12-31"))
    if first <= last and today.year == (today + timedelta(days=condition.within.days)).year:
        return sure(and_(day >= first, day <= last))
    return sure(or_(and_(day >= first, day <= "12-31"), and_(day >= "01-01", day <= last)))


def _last_day(day: date) -> str:
    leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    return "02-29" if (day.month, day.day) == (2, 28) and not leap else day.strftime("%m-%d")
