"""What a subscriber looks like over HTTP, shared by the routes that show people."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from nurture.domain.words import Engagement, Frequency, Kinds, Status, Temperature
from nurture.store.subscribers import Person


class SubscriberOut(BaseModel):
    id: int
    email: str
    name: str
    first_name: str
    patronymic: str
    timezone: str | None
    zone_source: str
    locale: str | None
    country: str | None
    tags: list[str]
    topics: dict[str, Any]
    fields: dict[str, Any]
    source: str
    status: Status
    engagement: Engagement
    temperature: Temperature
    frequency: Frequency
    kinds: Kinds
    tracking: str | None
    paused_until: datetime | None
    joined_at: datetime
    changed_at: datetime


def subscriber_out(person: Person) -> SubscriberOut:
    return SubscriberOut(**{name: getattr(person, name) for name in SubscriberOut.model_fields if name != "tags"}, tags=list(person.tags))
