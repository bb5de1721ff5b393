"""The form that drafts a campaign: plain fields in, a document out, stored and linted like any other."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nurture.bootstrap import App
from nurture.definitions.faults import Fault, Refused
from nurture.definitions.loading import load_text
from nurture.domain.documents import At, Campaign, Weekly
from nurture.services import defining
from nurture.store.documents import document_names, load_document

LONGEST = {"title": 200, "subject": 300, "body": 100_000, "action": 1_000}
KINDS = ("useful", "news", "about", "sales")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS = ("name", "title", "segment", "when", "day", "at", "kind", "subject", "body", "action")


@dataclass(slots=True)
class Draft:
    """What stands in the form. `faults`: sentences about it; `name`: of the stored campaign that is edited."""

    values: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


def read(form: Mapping[str, str]) -> Draft:
    """The fields of a form, cut to their lengths."""
    return Draft({name: form.get(name, "").strip()[: LONGEST.get(name, 100)] for name in _FIELDS})


def fresh() -> Draft:
    """What the form begins with."""
    return Draft({
        "when": "weekly", "day": "tue", "kind": "news", "subject": "{{ first_name | default('Hello') }}, ",
        "body": "Hello {{ first_name | default('there') }},\n\n",
    })  # fmt: skip


def written(campaign: Campaign) -> Draft | None:
    """A stored campaign in the form; None where it says more than the form can."""
    letter = campaign.letter
    plain = letter is not None and letter.body is not None and not campaign.variants and campaign.feed is None
    own = campaign.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    if letter is None or not plain or set(own) - {"campaign", "title", "segment", "schedule", "letter"}:
        return None
    if set(own["letter"]) - {"id", "kind", "subject", "body", "call_to_action"}:
        return None
    values = {"when": "now", "day": "tue", "at": ""}
    if isinstance(campaign.schedule, Weekly) and campaign.schedule.zone == "reader":
        values |= {"when": "weekly", "day": campaign.schedule.weekly.value}
    elif isinstance(campaign.schedule, At) and campaign.schedule.zone == "reader":
        values |= {"when": "at", "at": campaign.schedule.at.replace(" ", "T")}
    elif campaign.schedule != "now":
        return None
    return Draft(values | {
        "name": campaign.name, "title": campaign.title, "segment": campaign.segment, "kind": letter.kind.value, "subject": letter.subject,
        "body": letter.body or "", "action": letter.call_to_action or "",
    })  # fmt: skip


async def store(app: App, draft: Draft) -> str | None:
    """Keep it as a draft; its name, or None with `faults` where it cannot be kept."""
    name = draft["name"] or await _free_name(app, draft["title"])
    loaded = load_text(json.dumps(_document(draft, name), ensure_ascii=False), "form", "campaign")
    faults = list(loaded.errors)
    if not faults:
        try:
            await defining.apply(app.db, loaded.documents, app.clock(), templates=app.templates)
        except Refused as refused:
            faults = list(refused.faults)
    draft.faults = [_said(fault) for fault in faults]
    return None if faults else name


async def remarks(app: App, campaign: Campaign) -> list[str]:
    """What lint would say about a stored campaign."""
    known, policy = await defining.known_names(app.db)
    content = campaign.model_dump(mode="json", by_alias=True, exclude_none=True)
    loaded = load_text(json.dumps(content, ensure_ascii=False), "form", "campaign")
    found = [*loaded.faults, *defining.check(loaded.documents, app.templates, known, policy)]
    return list(dict.fromkeys(_said(fault) for fault in found if fault.level == "warning"))


def _document(draft: Draft, name: str) -> dict[str, Any]:
    letter = {"id": "letter", "kind": draft["kind"], "subject": draft["subject"], "body": draft["body"].replace("\r\n", "\n")}
    if draft["action"]:
        letter["call_to_action"] = draft["action"]
    schedule: Any = {"weekly": {"weekly": draft["day"]}, "at": {"at": draft["at"].replace("T", " ")[:16]}}.get(draft["when"], "now")
    return {"campaign": name, "title": draft["title"], "segment": draft["segment"], "schedule": schedule, "letter": letter}


async def _free_name(app: App, title: str) -> str:
    """A name made of the title, which no document bears."""
    bare = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or f"campaign-{app.clock():%Y-%m-%d}"
    async with app.db.read() as tx:
        taken = {name for names in (await document_names(tx)).values() for name in names}
    return next(name for name in (bare, *(f"{bare}-{n}" for n in range(2, 1000))) if name not in taken)


async def find(app: App, name: str) -> Campaign | None:
    """A stored campaign by name."""
    async with app.db.read() as tx:
        stored = await load_document(tx, "campaign", name)
    return stored.document if stored and isinstance(stored.document, Campaign) else None


def _said(fault: Fault) -> str:
    """The fault without lines and columns, which a form has not."""
    return f"{fault.message[:1].upper()}{fault.message[1:]}. {fault.advice}"
