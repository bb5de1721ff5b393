"""/api/v1/keys: doors for other systems. A key is shown once, when it is made."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import app_of, scope
from api.paging import Page
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.services import access
from nurture.services.access import Principal

router = APIRouter(prefix="/keys", tags=["keys"])
KeyHolder = Annotated[Principal, Depends(scope("keys:write"))]


class KeyIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[str], Field(min_length=1, max_length=20, examples=[["subscribers:write", "events:write"]])]


class KeyOut(BaseModel):
    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class NewKeyOut(BaseModel):
    id: int
    name: str
    prefix: str
    scopes: list[str]
    key: str = Field(description="Shown this once and never again.")


@router.get("")
async def read(request: Request, _caller: KeyHolder) -> Page[KeyOut]:
    keys = await access.list_keys(app_of(request).db)
    data = [KeyOut(id=k.id, name=k.name, prefix=k.prefix, scopes=list(k.scopes), created_at=k.created_at, used_at=k.used_at,
                   revoked_at=k.revoked_at) for k in keys]  # fmt: skip
    return Page(data=data)


@router.post("", status_code=201)
async def create(request: Request, key: KeyIn, caller: KeyHolder) -> NewKeyOut:
    """Make a key. Nobody gives away a scope that their own key lacks."""
    for wanted in access.read_scopes(key.scopes):
        if not caller.may(wanted):
            raise NurtureError(f"your own key lacks the scope {wanted}, so it cannot give it away", ErrorKind.FORBIDDEN)
    app = app_of(request)
    new = await access.create_key(app.db, key.name, key.scopes, app.clock(), by=f"key:{caller.name}")
    return NewKeyOut(id=new.id, name=new.name, prefix=new.prefix, scopes=list(new.scopes), key=new.key)


@router.delete("/{id}", status_code=204)
async def revoke(request: Request, id: Annotated[int, Path(ge=1, le=2**48)], caller: KeyHolder) -> Response:  # noqa: A002 - the word of the API
    """Revoke a key: it fails from the next request on."""
    app = app_of(request)
    await access.revoke_key(app.db, id, app.clock(), by=f"key:{caller.name}")
    return Response(status_code=204)
