"""/api/v1/campaigns/{name}/preflight, preview, result, resend, and /send-test: a campaign looked at before, during and after it runs."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.marketer.storing import READ, WRITE
from nurture.campaigndesk import look_before, send_again, show_to, try_out
from nurture.domain.preflight import to_json
from nurture.domain.scalars import Duration
from nurture.services.campaigning.resending import AFTER
from nurture.services.campaigning.results import results
from nurture.services.campaigning.results import to_json as results_json

Name = Annotated[str, Path(max_length=80)]
LetterName = Annotated[str, Field(min_length=1, max_length=200, description="A campaign, or a letter as `document/id`.")]
router = APIRouter(tags=["campaigns"], route_class=IdempotentRoute)
PEOPLE = [Depends(scope("subscribers:read"))]


class PreviewOut(BaseModel):
    letter: str
    to: str = Field(description="For whom it was written; an invented reader where nobody was named.")
    subject: str
    html: str
    text: str
    note: str = Field(description="Where the letter came from, where that is not plain.")


class Resend(BaseModel):
    model_config = ConfigDict(extra="forbid")
    after: Duration = Field(default=AFTER, description="Only to those whose letter was accepted so long ago.", examples=["3d"])
    subject: Annotated[str, Field(min_length=1, max_length=900)] | None = Field(default=None, description="Another subject.")


class ResentOut(BaseModel):
    date: date
    people: int = Field(description="Who gets it again.")
    early: int = Field(description="Who had it too short a time ago, or not yet; ask again later.")


class Try(BaseModel):
    model_config = ConfigDict(extra="forbid")
    letter: LetterName
    to: Annotated[str, Field(min_length=3, max_length=320, description="Any address; the letter counts nowhere.")]
    reader: Annotated[str, Field(min_length=3, max_length=320)] | None = Field(
        default=None, alias="for", description="Whose eyes: the address of a subscriber."
    )
    variant: Annotated[str, Field(pattern="^[a-d]$")] | None = None


class TriedOut(BaseModel):
    to: str
    subject: str
    accepted: bool
    answer: str = Field(description="The relay's own words.")


@router.get("/campaigns/{name}/preflight", dependencies=PEOPLE, operation_id="preflight_campaign", summary="Look before it is started")
async def look(request: Request, name: Name) -> dict[str, Any]:
    """Who is reached, who is held back and why, what stands empty, when the last letter leaves."""
    return to_json(await look_before(app_of(request), name))


@router.get("/campaigns/{name}/preview", dependencies=PEOPLE, operation_id="preview_campaign", summary="The letter as one person reads it")
async def preview(
    request: Request, name: Name, reader: Annotated[str | None, Query(alias="for", max_length=320)] = None,
    variant: Annotated[str | None, Query(pattern="^[a-d]$")] = None,
) -> PreviewOut:  # fmt: skip
    """The next occasion's letter, drawn as it would be drawn then. Nothing is stored, and nothing counts."""
    found = await show_to(app_of(request), name, reader, variant)
    words, rendered = found.words, found.rendered
    return PreviewOut(
        letter=words.name, to=found.reader.email, subject=rendered.subject, html=rendered.html, text=rendered.text, note=words.note
    )


@router.get("/campaigns/{name}/result", dependencies=READ, operation_id="result_of_campaign", summary="What each occasion brought")
async def result(request: Request, name: Name) -> dict[str, Any]:
    """Sent, answered, left, complained; the variants with their verdict; what the letter changed against those held out."""
    app = app_of(request)
    return results_json(name, await results(app.db, name, app.clock()))


@router.post("/campaigns/{name}/resend", dependencies=WRITE, operation_id="resend_campaign", summary="Send again to the silent")
async def again(request: Request, name: Name, wanted: Resend) -> ResentOut:
    """The newest letter once more to those who got it and gave no sign. It counts as any letter does."""
    found = await send_again(app_of(request), name, wanted.after, wanted.subject)
    return ResentOut(date=found.nominal, people=found.people, early=found.early)


@router.post("/send-test", dependencies=[Depends(scope("send"))], tags=["send"], summary="One letter to an address of your own")
async def send_one(request: Request, wanted: Try) -> TriedOut:
    """Handed to the relay now. It has no pixel and plain links, and stands in no ledger: it counts nowhere."""
    tried = await try_out(app_of(request), wanted.letter, wanted.to, wanted.reader, wanted.variant)
    return TriedOut(to=tried.to, subject=tried.subject, accepted=tried.accepted, answer=tried.answer)
