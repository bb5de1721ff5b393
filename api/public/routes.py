"""What a letter links to: plain ASGI routes, mounted before the API. GET and HEAD change nothing but the count of hits."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from api.auth import client_ip
from api.limits import AN_HOUR, Limit
from api.public.own_data import CHOICES, OwnData
from api.public.pages import Pages
from api.public.quick import NO_STORE, PIXEL
from api.public.recording import Recorder, hit_of
from api.public.targets import DatabaseAwayError, Targets
from api.public.words import LANGUAGES, OWN_NAMES, WORDS, language
from nurture.domain.errors import NurtureError
from nurture.domain.tokens import Purpose, Token, read, sign
from nurture.domain.words import Tracking
from nurture.services.leaving import WHYS, come_back, leave, say_why
from nurture.services.preferring import Choice, Preferences, choose_topic, describe, permit, prefer, preferences
from nurture.services.staying import stay
from nurture.store.documents import load_media, load_policy

if TYPE_CHECKING:
    from nurture.bootstrap import App

_AWAY = (SQLAlchemyError, OSError, TimeoutError)
FORM_MOST = 4096
LEAVE_WITHIN = 10.0
LOOK_WITHIN = 2.0
BY_PERSON = 60  # each press is a line of the consent log, for ever; leaving has no limit
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})


class Public:
    def __init__(self, app: "App", recorder: Recorder, pages: Pages, targets: Targets) -> None:
        self._app = app
        self._recorder = recorder
        self._pages = pages
        self._targets = targets
        self._own = OwnData(app, pages)
        self._by_person = Limit(BY_PERSON, AN_HOUR)

    def _token(self, request: Request, purpose: Purpose) -> Token | None:
        return read(request.path_params["token"], purpose, self._app.keys)

    async def opened(self, request: Request) -> Response:
        token = self._token(request, Purpose.OPEN)
        if token is None:
            return self._pages.gone()
        await self._recorder.hit(token, hit_of(request, self._app))
        return Response(PIXEL, media_type="image/gif", headers=NO_STORE)

    async def clicked(self, request: Request) -> Response:
        """Lead on, whatever the verdict will be."""
        token = self._token(request, Purpose.CLICK)
        if token is None:
            return self._pages.gone()
        number: int = request.path_params["number"]
        try:
            found = await self._targets.find(token, number)
        except DatabaseAwayError:
            return self._pages.later(request)
        if found is None:
            return self._pages.gone()
        where, written = found
        await self._recorder.hit(token, hit_of(request, self._app, link=number), written)
        return RedirectResponse(where, 302, NO_STORE)

    async def leave_page(self, request: Request) -> Response:
        token = self._token(request, Purpose.LEAVE)
        if token is None:
            return self._pages.gone()
        if request.method == "POST":
            return await self._leave(request, token, "leave-link")
        await self._recorder.hit(token, hit_of(request, self._app, page="leave"))
        person = await self._look(token)
        return self._pages.show(request, "leave.html", locale=person.locale if person else None)

    async def _leave(self, request: Request, token: Token, how: str) -> Response:
        """All letters, whatever the body says; 200 without redirect. While the database is away the wish is kept and granted later."""
        ip = client_ip(request)
        locale = None
        try:
            async with asyncio.timeout(LEAVE_WITHIN):
                done = await leave(
                    self._app.db, token.subscriber, delivery_id=token.delivery or None, now=self._app.clock(), how=how, ip=ip
                )
            locale = done.locale
        except _AWAY:
            if not await self._recorder.wish_to_leave(token, how, ip):
                return self._pages.later(request)
        return self._left(request, token, locale)

    def _left(self, request: Request, token: Token, locale: str | None) -> Response:
        """What one who has left may still say, to the preferences' own address: undo it, and why."""
        own = sign(Token(Purpose.PREFERENCES, token.delivery, token.subscriber, token.version), self._app.keys[0])
        return self._pages.show(request, "left.html", locale=locale, choices=f"/preferences/{own}", whys=WHYS)

    async def preferences_page(self, request: Request) -> Response:
        token = self._token(request, Purpose.PREFERENCES)
        if token is None:
            return self._pages.gone()
        if request.method != "POST":
            await self._recorder.hit(token, hit_of(request, self._app, page="preferences"))
            return await self._choices(request, token, await self._look(token))
        given = await _form(request)
        if given.get("choice") == "leave":
            return await self._leave(request, token, "preferences")
        if (choice := given.get("choice", "")) in CHOICES:
            return await self._own_data(request, token, choice)
        return await self._pressed(request, token, given)

    async def _pressed(self, request: Request, token: Token, given: dict[str, str]) -> Response:
        if not self._by_person.take(str(token.subscriber)):
            return self._too_many(request)
        try:
            async with asyncio.timeout(LEAVE_WITHIN):
                return await self._choose(request, token, given)
        except _AWAY:
            return self._pages.later(request)

    async def _own_data(self, request: Request, token: Token, choice: str) -> Response:
        try:
            shown = await self._look(token)
            return await self._own.answer(request, token.subscriber, choice, shown.locale if shown else None)
        except _AWAY:
            return self._pages.later(request)

    async def _choose(self, request: Request, token: Token, given: dict[str, str]) -> Response:
        """What was pressed; a choice that there is not changes nothing."""
        app, person, now, ip = self._app, token.subscriber, self._app.clock(), client_ip(request)
        match given.get("choice"):
            case "undo":
                done = await come_back(app.db, person, now=now, ip=ip)
                return self._note(request, done.locale, "undone" if not done.already else "old")
            case "why":
                await say_why(app.db, person, given.get("why", ""), now, delivery_id=token.delivery or None)
                shown = await self._look(token)
                return self._pages.show(request, "thanks.html", locale=shown.locale if shown else None)
            case "topic_off" | "topic_on" as wish:
                changed = await choose_topic(app.db, person, given.get("topic", ""), now, wanted=wish == "topic_on", ip=ip)
            case "tracking" if given.get("tracking") in set(Tracking):
                changed = await permit(app.db, person, Tracking(given["tracking"]), now, ip=ip)
            case "language" if given.get("language") in LANGUAGES:
                changed = await describe(app.db, person, now, locale=given["language"])
            case "zone":
                try:
                    changed = await describe(app.db, person, now, timezone=given.get("timezone", "")[:100])
                except NurtureError:
                    return await self._choices(request, token, await self._look(token), wrong_zone=given.get("timezone", ""))
            case wish if wish in set(Choice):
                changed = await prefer(app.db, person, Choice(wish), now, ip=ip)
            case _:
                return await self._choices(request, token, await self._look(token))
        return await self._choices(request, token, changed, saved=True)

    async def stay_page(self, request: Request) -> Response:
        """Opening it changes nothing; the button says that the person stays, and brings one who was archived back."""
        token = self._token(request, Purpose.PREFERENCES)
        if token is None:
            return self._pages.gone()
        if request.method != "POST":
            await self._recorder.hit(token, hit_of(request, self._app, page="stay"))
            person = await self._look(token)
            return self._pages.show(request, "stay.html", locale=person.locale if person else None)
        if not self._by_person.take(str(token.subscriber)):
            return self._too_many(request)
        try:
            async with asyncio.timeout(LEAVE_WITHIN):
                done = await stay(
                    self._app.db, token.subscriber, self._app.clock(), delivery_id=token.delivery or None, ip=client_ip(request)
                )
        except _AWAY:
            return self._pages.later(request)
        return self._note(request, done.locale, "stayed" if done.counts else "old")

    def _note(self, request: Request, locale: str | None, which: str, status: int = 200) -> Response:
        words = WORDS[language(locale, request.headers.get("accept-language"))]
        title, text = words[f"{which}_title"], words[f"{which}_text"]
        return self._pages.show(request, "note.html", locale=locale, status=status, title=title, text=text)

    def _too_many(self, request: Request) -> Response:
        response = self._note(request, None, "too_many", 429)
        response.headers["Retry-After"] = "3600"
        return response

    async def _choices(
        self, request: Request, token: Token, person: Preferences | None, *, saved: bool = False, wrong_zone: str = ""
    ) -> Response:  # fmt: skip
        """One who has left sees that; one who is erased sees the same page as anybody."""
        shown = person or Preferences(subscribed=True, only_useful=False, less_often=False, paused=False, locale=None)
        if not shown.subscribed:
            return self._left(request, token, shown.locale)
        return self._pages.show(
            request, "preferences.html", locale=shown.locale, status=422 if wrong_zone else 200, person=shown, saved=saved,
            topics=await self._topics() if shown.topics else {}, languages=OWN_NAMES, wrong_zone=wrong_zone,
        )  # fmt: skip

    async def _topics(self) -> Mapping[str, str]:
        async with self._app.db.read() as tx:
            return (await load_policy(tx)).topics

    async def _look(self, token: Token) -> Preferences | None:
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                return await preferences(self._app.db, token.subscriber, self._app.clock())
        except _AWAY:
            return None

    async def media(self, request: Request) -> Response:
        """A letter's image, by the hash of its bytes: it never changes."""
        async with self._app.db.read() as tx:
            found = await load_media(tx, request.path_params["hash"])
        if found is None:
            return self._pages.gone()
        kind, data = found
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "cross-origin"}
        if kind not in PICTURES:
            headers |= {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'"}
        return Response(data, media_type=kind, headers=headers)

    async def gone(self, _request: Request) -> Response:
        return self._pages.gone()


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small urlencoded form; none where it is too long."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > FORM_MOST:
                return {}
    except ClientDisconnect:
        return {}
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}


def routes(app: "App", recorder: Recorder, targets: Targets) -> list[BaseRoute]:
    """All that stands in letters. What lies beside these addresses answers like a forged token."""
    public = Public(app, recorder, Pages(app.templates), targets)
    pages: list[tuple[str, Callable[[Request], Awaitable[Response]], list[str]]] = [
        ("/o/{token}.gif", public.opened, ["GET"]),
        ("/c/{token}/{number:int}", public.clicked, ["GET"]),
        ("/u/{token}", public.leave_page, ["GET", "POST"]),
        ("/preferences/{token}", public.preferences_page, ["GET", "POST"]),
        ("/stay/{token}", public.stay_page, ["GET", "POST"]),
        ("/media/{hash}", public.media, ["GET"]),
        ("/o/{rest:path}", public.gone, ["GET"]),
        ("/c/{rest:path}", public.gone, ["GET"]),
        ("/u/{rest:path}", public.gone, ["GET", "POST"]),
        ("/preferences/{rest:path}", public.gone, ["GET", "POST"]),
        ("/stay/{rest:path}", public.gone, ["GET", "POST"]),
    ]
    return [Route(path, endpoint, methods=methods) for path, endpoint, methods in pages]
