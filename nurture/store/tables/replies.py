"""What people wrote back, for the reply desk."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, text
from sqlmodel import Field

from nurture.domain.replies import ReplyState, Sort
from nurture.store.tables.base import Key, Table, one_of


class Reply(Table, table=True):
    """A person's own words. `uid`: a hash of the mail, so that it is kept once. `subscriber_id` None: nobody here has the address.

    `sort` and `state`: domain/replies.py. `answer_id`: the service letter that answered it.
    """

    __tablename__ = "replies"
    __table_args__ = (
        CheckConstraint(one_of("sort", Sort), name="sort"),
        CheckConstraint(one_of("state", ReplyState), name="state"),
        Index("ix_replies_open", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        Index("ix_replies_subscriber", "subscriber_id"),
    )
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    uid: str = Field(unique=True)
    subscriber_id: int | None = Field(default=None, sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=True))
    delivery_id: int | None = Field(default=None, sa_type=Key)
    at: datetime
    sender: str
    subject: str = ""
    text: str = ""
    sort: str = Sort.OTHER.value
    state: str = ReplyState.OPEN.value
    answer_id: int | None = Field(default=None, sa_type=Key)
    ended_at: datetime | None = None
    ended_by: str | None = None
