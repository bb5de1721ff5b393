"""What the planner said last of each way: of a letter that has its row, the row says it; of everything else, the way's `decision`."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, literal, text

from nurture.store.enrolments import enrolments
from nurture.store.ledger import deliveries, letters
from nurture.store.tables.deliveries import STILL_OPEN

_row, _name = deliveries.alias("written"), letters.alias("written_letter")
_e = enrolments.c
_ITS_ROW = and_(
    _row.c.subscriber_id == _e.subscriber_id, _row.c.enrolment_id == _e.id, text(f"written.{STILL_OPEN} AND written.kind <> 'service'")
)  # fmt: skip
LETTER: ColumnElement[Any] = func.coalesce(_name.c.name, _e.decision["letter"].as_string())
WORD: ColumnElement[Any] = case((_row.c.id.is_not(None), literal("send")), else_=_e.decision["decision"].as_string())
RULE: ColumnElement[Any] = func.coalesce(_row.c.rule, _e.decision["rule"].as_string())


def with_rows(query: Select[Any], ways: FromClause = enrolments) -> Select[Any]:
    """`query` over ways, so that it may ask for LETTER, WORD and RULE."""
    return query.outerjoin_from(ways, _row, _ITS_ROW).outerjoin(_name, _name.c.id == _row.c.letter_id)
