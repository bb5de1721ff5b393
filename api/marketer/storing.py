"""How documents come in over HTTP: YAML or JSON, the path tells which document; linted, stored as a new version, never mailed by it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import Depends, Request, Response
from pydantic import BaseModel, Field

from api.auth import app_of, scope
from api.errors import ProblemError
from api.paging import Page
from nurture.definitions.faults import Fault, Refused
from nurture.definitions.loading import Loaded, load_text
from nurture.domain.documents import document_name
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.services import defining
from nurture.store.auditing import about
from nurture.store.documents import StoredDocument, canonical, load_document, load_documents
from nurture.store.lanes import notices

READ, WRITE = [Depends(scope("sequences:read"))], [Depends(scope("sequences:write"))]
TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "application/json", "text/plain", "")
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/yaml": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}},
    }
}


class FaultOut(BaseModel):
    line: int
    column: int
    rule: str
    level: str
    message: str
    advice: str


class StoredOut(BaseModel):
    """What became of a document. `passed_over`: people who match already and enter only with `--enrol-existing`. `pinned`: people under way
    who finish the version before; `released`: people who were pinned to older ones and go on in this one.
    """

    type: str
    name: str
    change: str = Field(examples=["created", "changed", "unchanged"])
    version: int
    state: str
    changes: list[str]
    passed_over: int
    pinned: int
    released: int
    warnings: list[FaultOut]


class DocumentOut(BaseModel):
    type: str
    name: str
    state: str
    version: int
    created_at: datetime
    changed_at: datetime
    stopped: str | None = Field(description="Why a sequence or campaign stands still; null while nothing holds it.", examples=[None])
    document: dict[str, Any]


def _faults(faults: Sequence[Fault]) -> list[FaultOut]:
    return [FaultOut(**{n: v for n, v in f.as_json().items() if n != "file"}) for f in faults]


def _refuse(faults: Sequence[Fault]) -> ProblemError:
    first = faults[0]
    return ProblemError(f"line {first.line}: {first.message}. {first.advice}", faults=[f.model_dump() for f in _faults(faults)])


async def read_documents(request: Request, kind: str | None = None) -> Loaded:
    """The documents of the body, YAML or JSON, all of one `kind` where it is given; raises with the first fault."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media not in TYPES:
        raise NurtureError(f"a {kind or 'document'} is sent as application/yaml or application/json, not as {media}")
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise NurtureError("the body is not UTF-8; save the file as UTF-8") from error
    loaded = await asyncio.to_thread(load_text, text, "body", kind)  # a long body may take seconds: clicks are answered meanwhile
    errors = [f for f in loaded.faults if f.level == "error"]
    if errors:
        raise _refuse(errors)
    return loaded


async def read(request: Request, kind: str) -> Loaded:
    """The one document of the body, nothing stored; 422 with every fault."""
    loaded = await read_documents(request, kind)
    if len(loaded.documents) != 1:
        raise NurtureError(f"the body holds {len(loaded.documents)} documents; send one {kind} in each request")
    return loaded


async def store(request: Request, response: Response, kind: str) -> StoredOut:
    """Store the document of the body: 201 for a new one, 200 for a changed or an unchanged one, 422 with every fault."""
    app = app_of(request)
    loaded = await read(request, kind)
    about(" ".join(f"{kind}/{document_name(placed.document)}" for placed in loaded.documents))
    known, policy = await defining.known_names(app.db)
    warnings = [*loaded.faults, *defining.check(loaded.documents, app.templates, known, policy)]
    try:
        [applied] = await defining.apply(app.db, loaded.documents, app.clock(), templates=app.templates)
    except Refused as refused:
        raise _refuse(refused.faults) from refused
    response.status_code = 201 if applied.change == "created" else 200
    values = {n: v for n, v in asdict(applied).items() if n in StoredOut.model_fields}
    return StoredOut(**values | {"changes": list(applied.changes), "warnings": _faults([w for w in warnings if w.level == "warning"])})


def _out(stored: StoredDocument, stopped: Mapping[str, str]) -> DocumentOut:
    return DocumentOut(
        type=stored.type, name=stored.name, state=stored.state, version=stored.version, created_at=stored.created_at,
        changed_at=stored.changed_at, stopped=stopped.get(f"{stored.type}:{stored.name}"), document=canonical(stored.document),
    )  # fmt: skip


async def list_all(request: Request, kind: str) -> Page[DocumentOut]:
    async with app_of(request).db.read() as tx:
        stored, stopped = await load_documents(tx, kind), await notices(tx)
    return Page(data=[_out(s, stopped) for s in sorted(stored, key=lambda s: document_name(s.document))])


async def find(request: Request, kind: str, name: str) -> DocumentOut:
    async with app_of(request).db.read() as tx:
        stored, stopped = await load_document(tx, kind, name), await notices(tx)
    if stored is None:
        raise NurtureError(f"there is no {kind} {name!r}; GET the list for the names", ErrorKind.MISSING)
    return _out(stored, stopped)
