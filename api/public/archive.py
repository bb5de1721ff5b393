"""The archive: a letter in the browser for whoever got it, and the public pages and feeds of letters that are marked for them.

Each letter stands in a frame that can do nothing: sandboxed, of an origin of its own, without script. GET changes nothing but events.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.public import feeds
from api.public.pages import Pages
from api.public.recording import Recorder, hit_of
from api.public.words import WORDS, language
from nurture.domain.tokens import Purpose, Token, read
from nurture.services.publishing import fed, listed, published
from nurture.services.viewing import view

if TYPE_CHECKING:
    from nurture.bootstrap import App

_AWAY = (SQLAlchemyError, OSError, TimeoutError)
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"  # a link opens a page of its own; nothing else is allowed
FRAMED = f"sandbox {SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: http:; frame-ancestors 'self'"
FRESH = 300  # seconds that a public page may be kept by whoever stands between
_PUBLIC = {"Cache-Control": f"public, max-age={FRESH}", "Referrer-Policy": "no-referrer"}
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


class Archive:
    def __init__(self, app: "App", recorder: Recorder, pages: Pages) -> None:
        self._app, self._recorder, self._pages = app, recorder, pages

    @property
    def _base(self) -> str:
        return self._app.settings.base_url.rstrip("/")

    def _token(self, request: Request) -> Token | None:
        return read(request.path_params["token"], Purpose.ARCHIVE, self._app.keys)

    async def own(self, request: Request) -> Response:
        """View in browser: the page around the letter. Once its reader is erased it is a page like any other."""
        token = self._token(request)
        if token is None:
            return self._pages.gone()
        await self._recorder.hit(token, hit_of(request, self._app, page="archive"))
        try:
            found = await view(
                self._app.db, token.delivery, token.subscriber, token.version, self._base, self._app.clock()
            )
        except _AWAY:
            return self._pages.later(request)
        if found is None:
            return self._not_kept(request)
        frame = f"{request.url.path}/letter"
        return self._pages.show(request, "archived.html", locale=found.locale, title=found.title, frame=frame, sandbox=SANDBOX, entry=None)

    async def own_letter(self, request: Request) -> Response:
        token = self._token(request)
        if token is None:
            return self._pages.gone()
        try:
            found = await view(
                self._app.db, token.delivery, token.subscriber, token.version, self._base, self._app.clock()
            )
        except _AWAY:
            return self._pages.later(request)
        return self._not_kept(request) if found is None else _framed(found.html, _PRIVATE)

    def _not_kept(self, request: Request) -> Response:
        words = WORDS[language(request.headers.get("accept-language"))]
        return self._pages.show(request, "note.html", title=words["not_kept_title"], text=words["not_kept_text"])

    async def list_page(self, request: Request) -> Response:
        asked = request.query_params.get("before", "")
        before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else None
        try:
            found = await listed(self._app.db, before)
        except _AWAY:
            return self._pages.later(request)
        page = self._pages.show(
            request, "archive.html", locale=None, otherwise=found.locale, found=found, feeds=(feeds.RSS_PATH, feeds.JSON_PATH)
        )
        return _kept_public(request, page)

    async def letter_page(self, request: Request) -> Response:
        try:
            found = await published(self._app.db, request.path_params["slug"])
        except _AWAY:
            return self._pages.later(request)
        if found is None:
            return self._pages.gone()
        entry, _, locale = found
        frame = f"/archive/framed/{entry.slug}"
        page = self._pages.show(request, "archived.html", locale=locale, title=entry.title, frame=frame, sandbox=SANDBOX, entry=entry)
        return _kept_public(request, page)

    async def letter(self, request: Request) -> Response:
        try:
            found = await published(self._app.db, request.path_params["slug"])
        except _AWAY:
            return self._pages.later(request)
        return self._pages.gone() if found is None else _kept_public(request, _framed(found[1], {}))

    async def rss(self, request: Request) -> Response:
        return await self._feed(request, feeds.as_rss, "application/rss+xml; charset=utf-8")

    async def json(self, request: Request) -> Response:
        return await self._feed(request, feeds.as_json, "application/feed+json; charset=utf-8")

    async def _feed(self, request: Request, write: Callable[..., bytes], kind: str) -> Response:
        try:
            about, items = await fed(self._app.db, self._base)
        except _AWAY:
            return self._pages.later(request)
        words = WORDS[language(about.locale)]
        title = about.workspace or words["archive_title"]
        body = write(self._base, title, words["archive_text"], about.locale, items)
        return _kept_public(request, Response(body, media_type=kind, headers={"Access-Control-Allow-Origin": "*"}))

    async def gone(self, _request: Request) -> Response:
        return self._pages.gone()


def _framed(html: str, headers: dict[str, str]) -> Response:
    return Response(html, media_type="text/html", headers=headers | {"Content-Security-Policy": FRAMED})


def _kept_public(request: Request, response: Response) -> Response:
    """A public answer with its mark (RFC 9110 8.8.3): who has it already is told so in a few bytes."""
    tag = f'"{hashlib.blake2b(bytes(response.body), digest_size=12).hexdigest()}"'
    response.headers.update(_PUBLIC | {"ETag": tag})
    if "x-robots-tag" in response.headers:
        del response.headers["x-robots-tag"]
    if "content-language" in response.headers:
        response.headers["Vary"] = "Accept-Language"
    known = [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]
    if tag not in known and "*" not in known:
        return response
    kept = {name: response.headers[name] for name in ("cache-control", "etag", "vary", "referrer-policy") if name in response.headers}
    return Response(status_code=304, headers=kept)


def routes(app: "App", recorder: Recorder, pages: Pages) -> list[BaseRoute]:
    archive = Archive(app, recorder, pages)
    found: list[tuple[str, Callable[[Request], Awaitable[Response]]]] = [
        ("/archive", archive.list_page),
        (feeds.RSS_PATH, archive.rss),
        (feeds.JSON_PATH, archive.json),
        ("/archive/letters/{slug:path}", archive.letter_page),
        ("/archive/framed/{slug:path}", archive.letter),
        ("/archive/{token}", archive.own),
        ("/archive/{token}/letter", archive.own_letter),
        ("/archive/{rest:path}", archive.gone),
    ]
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in found]
