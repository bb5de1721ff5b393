"""Who calls: a Bearer key for the API, a session cookie for people. Every route names the scope it needs."""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.services import access
from nurture.services.access import SESSION_LASTS, Principal, Visit
from nurture.store.auditing import Acting, begin

if TYPE_CHECKING:
    from nurture.bootstrap import App

API = "/api/v1"  # its routes know their paths from here on
READING = frozenset({"GET", "HEAD", "OPTIONS"})
TELLING = frozenset({"/api/v1/subscribers/{id}/data"})  # all of a person goes out of the house
TRAFFIC = frozenset({"/api/v1/events", "/api/v1/send"})
_BEARER = HTTPBearer(auto_error=False, description="A key made with `nurture keys create` or POST /api/v1/keys.")


def app_of(connection: HTTPConnection) -> "App":
    """The open App behind this request."""
    app: App = connection.app.state.nurture
    return app


async def principal_of(request: Request) -> Principal | None:
    """The holder of the request's key; None without a valid one. Asked once per request."""
    if not hasattr(request.state, "principal"):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        app = app_of(request)
        found = await access.check_key(app.db, key.strip(), app.clock()) if scheme.lower() == "bearer" else None
        request.state.principal = found
    principal: Principal | None = request.state.principal
    return principal


def scope(needed: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency: the caller's key must open `needed`."""

    async def check(request: Request, _scheme: Annotated[object, Depends(_BEARER)]) -> Principal:
        principal = await principal_of(request)
        if principal is None:
            raise NurtureError("this needs a valid key in the header: Authorization: Bearer nur_...", ErrorKind.UNAUTHENTICATED)
        if not request.app.state.by_key.take(str(principal.key_id)):
            raise NurtureError("this key asks too often; wait some seconds, and see NURTURE_API_RATE", ErrorKind.TOO_MANY)
        if not principal.may(needed):
            raise NurtureError(f"this key lacks the scope {needed}; make one that has it", ErrorKind.FORBIDDEN)
        begin_action(request, f"key:{principal.name}")
        return principal

    return check


def begin_action(request: Request, actor: str) -> None:
    """What a request changes from here on is this actor's doing, and the first change carries its line of the audit log.

    Events and service letters by the thousand are rows of their own already: of each key only the first of a day is written down.
    """
    path = _pattern(request)
    if request.method in READING and path not in TELLING:
        return
    now, app = app_of(request).clock(), request.app
    action = Acting(actor, f"{request.method} {path}", " ".join(str(v) for v in request.path_params.values()), now, client_ip(request))
    if path in TRAFFIC:
        first = f"{now:%Y-%m-%d} {actor} {action.action}"
        action.noted = first in app.state.noted
        app.state.noted = {known for known in app.state.noted if known[:10] == first[:10]} | {first}
    begin(action)


def _pattern(request: Request) -> str:
    """The address with the names of its parts: `/api/v1/keys/{id}`."""
    if request.url.path.startswith(API):
        return API + getattr(request.scope.get("route"), "path", "")
    names = {str(value): f"{{{name}}}" for name, value in request.path_params.items()}
    return "/".join(names.get(part, part) for part in request.url.path.split("/"))


def cookie_name(app: "App") -> str:
    """`__Host-` binds the cookie to this host, but browsers take it over https only."""
    return "__Host-nurture" if app.settings.base_url.startswith("https:") else "nurture_session"


async def visit_of(request: Request) -> Visit | None:
    """The signed-in user of this request, if there is one. Asked once per request."""
    if not hasattr(request.state, "visit"):
        app = app_of(request)
        value = request.cookies.get(cookie_name(app), "")
        request.state.visit = await access.check_session(app.db, value, app.clock()) if value else None
    visit: Visit | None = request.state.visit
    return visit


def set_cookie(app: "App", response: Response, value: str) -> None:
    """Hand the session's value to the browser."""
    response.set_cookie(
        cookie_name(app), value, max_age=int(SESSION_LASTS.total_seconds()), path="/", httponly=True, samesite="lax",
        secure=app.settings.base_url.startswith("https:"),
    )  # fmt: skip


def clear_cookie(app: "App", response: Response) -> None:
    response.delete_cookie(
        cookie_name(app), path="/", httponly=True, samesite="lax", secure=app.settings.base_url.startswith("https:")
    )  # fmt: skip


async def key_or_visit(request: Request) -> None:
    """For pages about the API itself: any valid key or a session."""
    if await principal_of(request) is None and await visit_of(request) is None:
        raise NurtureError("sign in, or send a key: Authorization: Bearer nur_...", ErrorKind.UNAUTHENTICATED)


def client_ip(connection: HTTPConnection) -> str:
    """The visitor's address. X-Forwarded-For is believed only from the proxies named in NURTURE_TRUSTED_PROXIES, from the right."""
    peer = connection.client.host if connection.client else ""
    forwarded = ",".join(connection.headers.getlist("x-forwarded-for"))  # a proxy may add a line of its own after the visitor's
    return visitor(peer, forwarded, app_of(connection).settings.trusted_proxies)


def visitor(peer: str, forwarded: str, trusted: str) -> str:
    """Who stands behind `peer`: the rightmost address of X-Forwarded-For that is no proxy of ours."""
    if forwarded and peer in (proxies := _listed(trusted)):
        chain = [a.strip() for a in forwarded.split(",") if a.strip()]
        while peer in proxies and chain:
            peer = chain.pop()
    return peer[:45]


@lru_cache(maxsize=8)
def _listed(trusted: str) -> frozenset[str]:
    return frozenset(a.strip() for a in trusted.split(",") if a.strip())
