"""/api/v1/subscribers/import: a CSV file of any size, as multipart/form-data."""

import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from pydantic import BaseModel

from api.auth import app_of, scope
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.services.access import Principal
from nurture.services.importing import import_csv

router = APIRouter(prefix="/subscribers", tags=["subscribers"])  # an import is repeatable by itself: a body this size is not kept for a key
_PIECE = 1 << 20


class Note(BaseModel):
    line: int
    reason: str


class ImportOut(BaseModel):
    """Counts of rows, and of the ways that `enrol` opened; `errors` and `warnings` list the first thousand of each."""

    added: int
    updated: int
    unchanged: int
    refused: int
    enrolled: int
    errors: list[Note]
    warnings: list[Note]


@router.post("/import")
async def take_file(
    request: Request,
    caller: Annotated[Principal, Depends(scope("subscribers:write"))],
    file: Annotated[UploadFile, File(description="CSV with a header line.")],
    map: Annotated[list[str] | None, Form(max_length=200, description="Column=target, for headers not known by themselves.")] = None,  # noqa: A002 - the word of the API
    enrol: Annotated[list[str] | None, Form(max_length=50, description="Sequences the people enter; also needs sequences:write.")] = None,
    dry_run: Annotated[bool, Form(description="Only say what would happen.")] = False,
) -> ImportOut:
    """Put the people of a CSV file in. Nobody who left is brought back; no sequence starts unless `enrol` names it."""
    if enrol and not caller.may("sequences:write"):
        raise NurtureError("enrolling needs the scope sequences:write beside subscribers:write", ErrorKind.FORBIDDEN)
    app = app_of(request)
    mapping = {}
    for pair in map or []:
        column, equals, target = pair.rpartition("=")
        if not equals or not column or not target:
            raise NurtureError(f"{pair!r} is not a mapping; write it as Column=target")
        mapping[column] = target
    with tempfile.TemporaryDirectory(prefix="nurture-import-") as folder:
        path = Path(folder) / "upload.csv"
        await _keep(file, path)
        try:
            result = await import_csv(app.db, path, mapping=mapping, dry_run=dry_run, now=app.clock(), enrol=enrol or None)
        except NurtureError as error:  # under the name that the caller knows, not under ours
            raise NurtureError(error.message.replace(str(path), file.filename or "the file"), error.kind) from error
    if enrol and not dry_run:
        await app.bell.ring("plan")
    return ImportOut.model_validate({name: asdict(result)[name] for name in ImportOut.model_fields})


async def _keep(file: UploadFile, path: Path) -> None:
    with path.open("wb") as out:
        while piece := await file.read(_PIECE):
            await asyncio.to_thread(out.write, piece)
