"""What a reader may ask of us by their own POST: all that is kept about them, as a page or a file, and to be erased (GDPR 15, 17, 20)."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from api.auth import client_ip
from api.limits import AN_HOUR, Limit, household
from api.public.pages import Pages
from api.public.words import WORDS, language
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.mail.capture import forget_captured
from nurture.services.erasing import erase, own_data

if TYPE_CHECKING:
    from nurture.bootstrap import App

CHOICES = frozenset({"data", "download", "erase", "erase_now"})
BY_IP = 30
WIRE = 5.0  # seconds that a letter on the wire is waited for; the page asks to try again after that
_FILE = {
    "Content-Disposition": 'attachment; filename="my-data.json"', "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}  # fmt: skip


class OwnData:
    def __init__(self, app: "App", pages: Pages) -> None:
        self._app, self._pages = app, pages
        self._by_ip = Limit(BY_IP, AN_HOUR)

    async def answer(self, request: Request, person: int, choice: str, locale: str | None) -> Response:
        """`choice`: one of CHOICES. Who is erased already gets what they would get had they been erased just now."""
        if not self._by_ip.take(household(client_ip(request))):
            response = self._note(request, locale, "too_many", 429)
            response.headers["Retry-After"] = "3600"
            return response
        if choice == "erase":
            return self._pages.show(request, "erase.html", locale=locale)
        if choice == "erase_now":
            return await self._erase(request, person, locale)
        try:
            told = await own_data(self._app.db, person)
        except NurtureError:
            return self._note(request, locale, "erased")
        if choice == "download":
            return Response(_json(told, indent=2), media_type="application/json", headers=_FILE)
        return self._pages.show(request, "own_data.html", locale=locale, parts=_parts(told))

    async def _erase(self, request: Request, person: int, locale: str | None) -> Response:
        try:
            erased = await erase(self._app.db, person, self._app.clock(), WIRE)
        except NurtureError as error:
            return self._pages.later(request) if error.kind is ErrorKind.UNAVAILABLE else self._note(request, locale, "erased")
        await asyncio.to_thread(forget_captured, self._app.settings.data_dir / "captured", erased.letters)
        return self._note(request, locale, "erased")

    def _note(self, request: Request, locale: str | None, which: str, status: int = 200) -> Response:
        words = WORDS[language(locale, request.headers.get("accept-language"))]
        title, text = words[f"{which}_title"], words[f"{which}_text"]
        return self._pages.show(request, "note.html", locale=locale, status=status, title=title, text=text)


def _json(told: Any, indent: int | None = None) -> str:
    return json.dumps(told, ensure_ascii=False, indent=indent, default=lambda value: getattr(value, "isoformat", lambda: str(value))())


def _parts(told: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Rows of words by part; what is empty is left out of a row."""
    listed = {name: rows if isinstance(rows, list) else [rows] for name, rows in told.items()}
    return {name: [_filled(row) for row in rows] for name, rows in listed.items()}


def _filled(row: dict[str, Any]) -> dict[str, str]:
    return {key: _said(value) for key, value in row.items() if value not in ("", {}, [])}


def _said(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return _json(value) if isinstance(value, dict | list) else str(value)
