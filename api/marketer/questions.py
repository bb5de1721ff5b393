"""/api/v1/questions: what letters ask; who answered what; the draw, and the letter that tells of the result."""

import io
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.marketer import storing
from api.marketer.storing import BODY, READ, WRITE, DocumentOut, StoredOut
from api.paging import Page, Paging
from nurture.answerdesk import announce as tell_result
from nurture.services import drawing, polling

router = APIRouter(prefix="/questions", tags=["questions"], route_class=IdempotentRoute)
PEOPLE = [Depends(scope("subscribers:read"))]
Name = Annotated[str, Path(max_length=80)]


class AnswerOut(BaseModel):
    """`choice`: the id of the choice, the mark, or the band of a quiz; `value`: the rating or the score; `how`: `page`, sent by the button,
    or `click`, a settled click in the letter; `named`: the name under which a winner may be named.
    """

    id: int
    subscriber_id: int
    email: str
    at: datetime
    choice: str | None
    value: float | None
    text: str
    how: str
    named: str
    steps: dict[str, str]


class WinnerOut(BaseModel):
    entry: str
    name: str = Field(description="As the winner allowed; empty where they did not.")


class DrawOut(BaseModel):
    """`commitment` is the SHA-256 of `seed`, shown since `since`; docs/concepts.md says how to check it."""

    prize: str
    commitment: str
    since: datetime
    drawn_at: datetime | None
    seed: str
    entries: list[str]
    winners: list[WinnerOut]


class AnnouncedOut(BaseModel):
    letters: int = Field(description="How many result letters are newly on their way.")


@router.post("", dependencies=WRITE, status_code=201, openapi_extra=BODY, responses={200: {"description": "Changed or unchanged."}})
async def store(request: Request, response: Response) -> StoredOut:
    """Store a question."""
    return await storing.store(request, response, "question")


@router.get("", dependencies=READ)
async def read(request: Request) -> Page[DocumentOut]:
    """All questions by name."""
    return await storing.list_all(request, "question")


@router.get("/{name}", dependencies=READ)
async def read_one(request: Request, name: Name) -> DocumentOut:
    return await storing.find(request, "question", name)


@router.get("/{name}/answers", dependencies=PEOPLE)
async def answers(request: Request, name: Name, paging: Paging) -> Page[AnswerOut]:
    """Every answer by id, with who gave it; the last one of a person counts."""
    found = await polling.list_answers(app_of(request).db, name, after=paging.after, limit=paging.limit + 1)
    shown = [
        AnswerOut(
            id=one.id, subscriber_id=one.subscriber_id, email=one.email, at=one.at, choice=one.answer.choice, value=one.answer.value,
            text=one.answer.text, how=one.how, named=one.answer.named, steps=dict(one.answer.steps),
        )
        for one in found
    ]  # fmt: skip
    return paging.page(shown, lambda one: one.id)


@router.get("/{name}/answers.csv", dependencies=PEOPLE, response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def answers_csv(request: Request, name: Name) -> Response:
    """Every answer as CSV, cells guarded against spreadsheets that run formulas."""
    out = io.StringIO(newline="")
    await polling.export_answers(app_of(request).db, name, out)
    return Response(out.getvalue(), 200, {"Content-Disposition": f'attachment; filename="{name}.csv"'}, "text/csv; charset=utf-8")


@router.post("/{name}/draw", dependencies=WRITE)
async def draw(request: Request, name: Name) -> DrawOut:
    """Draw the winners of a closed question, once; later calls show what was drawn."""
    app = app_of(request)
    made = await drawing.draw(app.db, name, app.clock())
    return DrawOut(
        prize=made.prize, commitment=made.commitment, since=made.since, drawn_at=made.drawn_at, seed=made.seed, entries=list(made.entries),
        winners=[WinnerOut(entry=entry, name=named) for entry, named in made.winners],
    )  # fmt: skip


@router.post("/{name}/announce", dependencies=WRITE)
async def announce(request: Request, name: Name) -> AnnouncedOut:
    """Mail the result letter to everybody who took part, once each."""
    return AnnouncedOut(letters=await tell_result(app_of(request), name))
