"""What the policy says of the weekly digest: who gets it, and when."""

from datetime import datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from nurture.domain.letters import Document, Weekday
from nurture.domain.scalars import TimeOfDay

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+$", max_length=254)]


class Digest(Document):
    """`to` empty: everybody who may sign in to the dashboard. From `day` at `at`, workspace time, once in a calendar week."""

    to: tuple[Address, ...] = Field(default=(), max_length=20)
    day: Weekday = Weekday.MON
    at: TimeOfDay = time(7)


def digest_week(policy: Digest, now: datetime, zone: ZoneInfo, *, at_once: bool = False) -> str | None:
    """The ISO week whose digest is due now (`2026-W10`); None while it is not yet time. `at_once`: whatever day it is.

    A digest that was missed on its day still comes later in its week; one of a week gone by does not.
    """
    local = now.astimezone(zone)
    if not at_once and (local.weekday(), local.time()) < (policy.day.number, policy.at):
        return None
    year, week, _ = local.isocalendar()
    return f"{year}-W{week:02}"
