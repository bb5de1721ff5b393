"""The weekly hygiene: what the policy says of it, what a run found, what it proposes. A proposal is a row with its people, never an act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from nurture.domain.field_ages import FieldAge
from nurture.domain.letters import Document
from nurture.domain.scalars import Duration
from nurture.domain.standing import FlagBit

CONFIRM_TAG = "confirm-data"  # who carries it is asked by the shipped sequence confirm-your-data
RETURNS_AFTER = timedelta(days=180)  # a dismissed proposal about the whole list comes back when it is still true then


class Hygiene(Document):
    """`unconfirmed`: so long after asking, people who never confirmed are forgotten. `soft_bounces` over `soft_span` with no sign of life
    since make an address unreachable. `stale`: after this age what we know of a person counts as old.
    """

    unconfirmed: Duration = timedelta(days=30)
    soft_bounces: int = Field(default=3, ge=2, le=20)
    soft_span: Duration = timedelta(days=7)
    stale: Duration = timedelta(days=365)


class ProposalKind(StrEnum):
    LOST = "lost"
    FADING = "fading"
    DUPLICATE = "duplicate"
    DOMAIN = "domain"
    DATA = "data"
    ZONE = "zone"


class ProposalState(StrEnum):
    """`gone`: no longer true at the last run."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Proposal:
    """`key` tells it from others of its kind, from week to week. `detail` names nobody: ids, domains, words."""

    kind: ProposalKind
    key: str
    people: int
    detail: Mapping[str, Any]


def comes_back(kind: ProposalKind, state: ProposalState, ended_at: datetime | None, now: datetime) -> bool:
    """Whether an ended proposal that is found again opens anew: a decision about two people or a domain holds, one about the list ages."""
    if state is ProposalState.GONE or ended_at is None:
        return True
    if kind in (ProposalKind.DUPLICATE, ProposalKind.DOMAIN):
        return state is ProposalState.ACCEPTED  # it was mended, and is there again
    return now - ended_at >= RETURNS_AFTER


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def sentence(kind: ProposalKind, people: int, detail: Mapping[str, Any]) -> str:
    """What was found, in one sentence."""
    has = "has" if people == 1 else "have"
    match kind:
        case ProposalKind.LOST:
            return f"{_people(people)} {has} shown no sign of life in 18 months."
        case ProposalKind.FADING:
            return f"{_people(people)} {'is' if people == 1 else 'are'} fading: their interest is down to less than half of its best."
        case ProposalKind.DUPLICATE:
            return f"{_people(people)} may be one: {detail['why']}."
        case ProposalKind.DOMAIN:
            rest = f" (and {detail['unreachable']:,} who bounced there)" if detail.get("unreachable") else ""
            return f"{_people(people)} at {detail['from']}{rest}: {detail['to']} was probably meant."
        case ProposalKind.DATA:
            aged = "in a year two thirds of such data lose their meaning"
            return f"{_people(people)} {has} told us nothing for longer than {detail['stale']}; {aged}."
        case ProposalKind.ZONE:
            return f"The time zone of {_people(people)} is guessed, or taken from the workspace: their letters may come at the wrong hour."


CLEANED: Mapping[ProposalKind, Literal["passive", "fading"]] = {ProposalKind.LOST: "passive", ProposalKind.FADING: "fading"}
"""The proposals that a draft cleanup is made of, with the audience that holds all their people."""
FLAGS: Mapping[ProposalKind, FlagBit] = {ProposalKind.LOST: FlagBit.LOST, ProposalKind.FADING: FlagBit.FADING}

_DRAFTS = "Puts them into a draft cleanup, under a tag of its own; nothing leaves before you have looked at it and pressed Start"
_KEEPS = "Keeps the one with the latest sign of life: with the tags and fields of all, the stricter of all choices, the earliest joining."
_STAYS = "The others are archived. History is not merged: what they got, clicked and bought stays with them."
ACTS: Mapping[ProposalKind, tuple[str, str]] = {
    ProposalKind.LOST: ("Draft a cleanup", f"{_DRAFTS}."),
    ProposalKind.FADING: ("Draft a cleanup", f"{_DRAFTS}. Milder: leave it, and let sequences/fading.yaml ask what they would like."),
    ProposalKind.DUPLICATE: ("Keep one", f"{_KEEPS} {_STAYS}"),
    ProposalKind.DOMAIN: (
        "Correct them", "Writes the addresses anew. Who bounced stays bounced; whose right address is here already is left as it is.",
    ),
    ProposalKind.DATA: (
        "Ask them", f"Tags them {CONFIRM_TAG}: the sequence confirm-your-data asks each once, within mix, hours and cap.",
    ),
    ProposalKind.ZONE: (
        "Ask them", f"Tags them {CONFIRM_TAG}: the sequence confirm-your-data asks each once, and their own page has their time zone.",
    ),
}  # fmt: skip
"""What accepting is called, and what it does."""


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """People whose zone rests on little: `source` guessed or default. `zone` None: the workspace's."""

    zone: str | None
    source: str
    people: int


@dataclass(frozen=True, slots=True)
class Tidied:
    """One weekly run. `purged`: people who never confirmed; `unreachable`: marked as bounced after soft bounces; `looked_at`: subscribed
    people; `opened`: proposals that are new.
    """

    purged: int
    unreachable: int
    looked_at: int
    fields: Sequence[FieldAge]
    zones: Sequence[ZoneCount]
    opened: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "purged": self.purged, "unreachable": self.unreachable, "looked_at": self.looked_at, "opened": self.opened,
            "fields": [
                {"name": f.name, "people": f.people, "median_days": f.median_days, "old": f.old, "share_old": round(f.share_old, 4)}
                for f in self.fields
            ],
            "zones": [{"zone": z.zone, "source": z.source, "people": z.people} for z in self.zones],
        }  # fmt: skip
