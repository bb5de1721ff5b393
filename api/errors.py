"""The only place that knows HTTP numbers: each kind of error becomes a status and an answer in problem+json (RFC 9457)."""

import json
import secrets
import socket
import traceback
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from nurture.domain.errors import ErrorKind, NurtureError

STATUS: dict[ErrorKind, int] = {
    ErrorKind.INVALID: 422,
    ErrorKind.MISSING: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.TOO_MANY: 429,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.NOT_YET: 501,
}
_TITLES = {
    400: "Bad request", 401: "A key is needed", 403: "This key may not do that", 404: "Not found", 405: "Method not allowed",
    409: "Conflict", 413: "Too large", 415: "Unsupported media type", 422: "Not valid", 429: "Too many requests", 500: "Internal error",
    501: "Not yet", 503: "Not available now",
}  # fmt: skip
_DATA_ERROR = "22"  # the class of SQLSTATE for values that PostgreSQL does not take, such as NUL in a text
_AWAY = ("08", "53", "57")  # no connection, too many of them, starting up or shutting down
PROBLEM = "application/problem+json"
AGAIN = 5  # seconds after which another try may do
_log = structlog.get_logger("nurture.api")


class ProblemError(NurtureError):
    """An error with more to say: `extra` stands beside the detail in the answer."""

    def __init__(self, message: str, kind: ErrorKind = ErrorKind.INVALID, **extra: Any) -> None:
        super().__init__(message, kind)
        self.extra = extra


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **extra: Any) -> Response:
    """An answer in problem+json."""
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail} | extra
    return Response(json.dumps(jsonable_encoder(body), ensure_ascii=False), status, dict(headers or {}), PROBLEM)


def _headers(status: int) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="nurture"'}
    return {"Retry-After": str(AGAIN)} if status in (429, 503) else {}


async def _known(_request: Request, error: Exception) -> Response:
    assert isinstance(error, NurtureError)  # noqa: S101 - registered for this class alone
    status = STATUS[error.kind]
    return problem(status, error.message, _headers(status), **(error.extra if isinstance(error, ProblemError) else {}))


def _fault(told: Mapping[str, Any]) -> dict[str, str]:
    if told["type"] == "json_invalid":
        return {"at": "body", "message": f"this is not JSON from character {told['loc'][-1]} on ({told['ctx']['error']})"}
    message = "this is needed and not there" if told["type"] == "missing" else told["msg"]
    return {"at": ".".join(str(p) for p in told["loc"]), "message": message}


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    faults = [_fault(fault) for fault in error.errors()]
    first = f"{faults[0]['at']}: {faults[0]['message']}" if faults else "the request is not valid"
    return problem(422, first, faults=faults)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    if error.status_code == 404:
        return problem(404, f"there is nothing at {request.url.path}; the routes are listed at /docs")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return problem(405, f"{request.method} is not for this address; use {allowed}", error.headers)
    return problem(error.status_code, str(error.detail), error.headers)


def _place(request: Request) -> str:
    """The path for the log, without the token of a letter: who reads the log may not leave for others."""
    parts = request.url.path.split("/")
    return request.url.path if request.url.path.startswith("/api/") else "/".join(parts[:2] + ["..."] * (len(parts) > 2))


async def _away(request: Request, error: Exception) -> Response:
    _log.warning("database away", path=_place(request), error=type(getattr(error, "orig", None) or error).__name__)
    return problem(503, "the database does not answer; try again in some seconds", _headers(503))


async def _database(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)  # noqa: S101 - registered for this class alone
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError") or state.startswith(_AWAY):
        return await _away(request, error)
    if state.startswith(_DATA_ERROR):
        return problem(422, "a value holds characters or a size that cannot be stored; send plain text without control characters")
    return await _unexpected(request, error)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Nothing of the inside goes out; the id leads to the log line."""
    incident = secrets.token_hex(8)
    told = "".join(traceback.format_exception(error))  # as text: a renderer that shows local values would show keys and people
    _log.error("unexpected error", id=incident, path=_place(request), traceback=told)
    return problem(500, f"something went wrong here; the log knows it as {incident}", id=incident)


def install(api: FastAPI) -> None:
    """Answer every error in one form."""
    api.add_exception_handler(NurtureError, _known)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(DBAPIError, _database)
    for away in (PoolTimeout, ConnectionError, socket.gaierror):  # what a connection that cannot be made raises
        api.add_exception_handler(away, _away)
    api.add_exception_handler(Exception, _unexpected)
