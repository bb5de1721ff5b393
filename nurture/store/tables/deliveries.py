"""The ledger: one durable row per letter, person and occasion; the lanes it is claimed by; the workers that hold leases."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, UniqueConstraint, text
from sqlmodel import Field

from nurture.domain.words import Kind, State
from nurture.store.tables.base import Json, Key, Table, one_of

# An index whose condition names the state is written at each of a letter's four steps. These name what fewer steps change, and the hand-off
# none of it (docs/decisions/0028-what-a-letters-step-writes.md). A query repeats the words of the index that it wants.
STILL_OPEN = "ended_at IS NULL"
STOPPED = "ended_at IS NOT NULL AND accepted_at IS NULL"
ACCEPTED = "accepted_at IS NOT NULL"
IDLE = f"worker_id IS NULL AND {STILL_OPEN}"
DUE = f"{IDLE} AND state IN ('pending', 'deferred')"
IN_HAND = "worker_id > 0"  # in these words, that no question by `worker_id =` takes it for the shortest way to a row
LEASED = f"{IN_HAND} AND state IN ('claimed', 'sending')"
NEWS = "folded = 0"
DOUBT = f"{NEWS} AND {STILL_OPEN}"  # what the answer was lost to
UNKNOWN = f"{DOUBT} AND state = 'unknown'"
UNFOLDED = f"{NEWS} AND state IN ('accepted', 'rejected', 'failed', 'cancelled', 'held', 'unknown')"
WORDED = "payload IS NOT NULL"
OLD_MESSAGE_ID = "message_id NOT LIKE '<1%'"  # made before the form that names the person (domain/delivery.py)
OFFERED = "rule = 'cleanup'"
COMPARED = f"timing IS NOT NULL AND {ACCEPTED}"
ROW_OF_ITS_STATE = (  # the steps that are taken most come first
    f"CASE WHEN state IN ('sending', 'claimed') THEN {STILL_OPEN} AND {IN_HAND} "
    f"WHEN state = 'accepted' THEN {ACCEPTED} AND ended_at IS NOT NULL "
    f"WHEN state IN ('pending', 'deferred') THEN {IDLE} AND folded = 1 WHEN state = 'unknown' THEN {IDLE} AND {NEWS} "
    f"WHEN state IN ('rejected', 'failed', 'cancelled', 'held') THEN {STOPPED} ELSE FALSE END"
)


class Lane(Table, table=True):
    """`service`, `sequence:<name>`, `campaign:<name>`, `cleanup:<name>`. `flag`: running, paused, cancelled, halted."""

    __tablename__ = "lanes"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    name: str = Field(unique=True)
    priority: int = 50
    flag: str = "running"
    reason: str | None = None


class Delivery(Table, table=True):
    """`due_at` is the next try, `closes_at` the end of its window (None: any time). `reason` and `rule` are the planner's words for `why`.

    `letter_id` and `lane_id` are no foreign keys: neither is ever deleted, and asking cost more than writing the row
    (docs/decisions/0027-what-a-planned-letter-costs.md). `message_id` is found through the person (store/inbound.py).

    `zone` and `local_day` are fixed at hand-off, in the zone the person had then. `timing`: the arm of the personal hour's comparison.
    `throttle_id`: the throttle of the recipient's domain whose turn the row waits for, 0 for none.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("letter_id", "subscriber_id", "occasion", name="uq_deliveries_dedup_key"),
        CheckConstraint(ROW_OF_ITS_STATE, name="state"),
        CheckConstraint(one_of("kind", Kind), name="kind"),
        Index(
            "uq_deliveries_one_open", "subscriber_id", unique=True,
            sqlite_where=text(f"{STILL_OPEN} AND kind <> 'service'"), postgresql_where=text(f"{STILL_OPEN} AND kind <> 'service'"),
        ),
        Index(
            "ix_deliveries_lane_due", "lane_id", "throttle_id", "due_at",
            sqlite_where=text(IDLE), postgresql_where=text(IDLE),
        ),
        Index("ix_deliveries_leased", "worker_id", sqlite_where=text(IN_HAND), postgresql_where=text(IN_HAND)),
        Index("ix_deliveries_unfolded", "subscriber_id", "id", sqlite_where=text(NEWS), postgresql_where=text(NEWS)),
        Index("ix_deliveries_unknown", "due_at", sqlite_where=text(DOUBT), postgresql_where=text(DOUBT)),
        Index("ix_deliveries_accepted", "accepted_at", sqlite_where=text(ACCEPTED), postgresql_where=text(ACCEPTED)),
        Index("ix_deliveries_timing", "accepted_at", sqlite_where=text(COMPARED), postgresql_where=text(COMPARED)),
        Index("ix_deliveries_stopped", "id", sqlite_where=text(STOPPED), postgresql_where=text(STOPPED)),
        Index("ix_deliveries_worded", "ended_at", sqlite_where=text(WORDED), postgresql_where=text(WORDED)),
        Index(
            "ix_deliveries_old_message_id", "message_id",
            sqlite_where=text(OLD_MESSAGE_ID), postgresql_where=text(OLD_MESSAGE_ID),
        ),
        Index("ix_deliveries_offered", "lane_id", "subscriber_id", sqlite_where=text(OFFERED), postgresql_where=text(OFFERED)),
        Index("ix_deliveries_subscriber", "subscriber_id", "id"),
        {"sqlite_autoincrement": True},  # ids stand in links for ever and are never used twice
    )  # fmt: skip
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    letter_id: int = Field(sa_type=Key)
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id"), nullable=False))
    occasion: str
    version_id: int = Field(sa_type=Key)
    lane_id: int = Field(sa_type=Key)
    enrolment_id: int | None = Field(default=None, sa_type=Key)
    kind: str
    variant: str | None = None
    message_id: str
    state: str = State.PENDING.value
    fence: int = 0
    worker_id: int | None = Field(default=None, sa_type=Key)
    due_at: datetime
    closes_at: datetime | None = None
    attempts: int = 0
    first_try_at: datetime | None = None
    dup_risk: int = 0
    throttle_id: int = Field(default=0, sa_type=Key)
    folded: int = 1  # nothing to fold yet; 0 once it has ended
    zone: str | None = None
    local_day: date | None = None
    created_at: datetime
    claimed_at: datetime | None = None
    handed_at: datetime | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    rule: str = ""
    timing: str | None = None
    outcome: str | None = None
    code: int | None = None
    enhanced: str | None = None
    answer: str | None = None
    relay: str | None = None
    payload: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))


class Throttle(Table, table=True):
    """What a relay or a recipient domain takes for now, shared by all workers. `name`: `relay:<host:port>` or `domain:<domain>`.

    `rate`: letters a second as of `slowed_at`, from where it rises (domain/throttles.py); None: no limit of its own. `away_until`: nothing
    goes there before that moment; `trips`: how often in a row it went away; `reason`: the sentence for both.
    """

    __tablename__ = "throttles"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    name: str = Field(unique=True)
    rate: float | None = None
    slowed_at: datetime | None = None
    away_until: datetime | None = None
    trips: int = 0
    reason: str = ""


class Worker(Table, table=True):
    """A sending process. Its lease lives while `seen` moves; watchers measure that by their own monotonic clock."""

    __tablename__ = "workers"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    epoch: str
    seen: int = 0
    started_at: datetime
    ended_at: datetime | None = None
