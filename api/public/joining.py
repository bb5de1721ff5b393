"""Joining: the hosted form, the same as a target for forms on other sites and as JSON, and the page that confirms. GET changes nothing."""

import asyncio
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api.auth import client_ip
from api.errors import PROBLEM, STATUS
from api.limits import AN_HOUR, Limit, household
from api.public.pages import Pages
from api.public.words import WORDS, language
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.forms import Form
from nurture.domain.joining import confirming_letter
from nurture.domain.people import read_stranger
from nurture.domain.recommending import mailbox
from nurture.domain.tokens import Purpose, Token, read
from nurture.domain.words import Tracking
from nurture.services.joining import Asked, Wish, ask_to_join, confirm, load_form, standing
from nurture.services.serving import queue_service_letter
from nurture.store.documents import load_policy

if TYPE_CHECKING:
    from nurture.bootstrap import App

_AWAY = (SQLAlchemyError, OSError, TimeoutError)
_ANYWHERE = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Content-Type", "Access-Control-Allow-Methods": "POST"}
FORM_MOST = 16_384
TRAP = "website"  # people do not see this field; what fills it in is no person
BY_IP = 20
BY_MAILBOX = 3  # letters an hour to all spellings of one mailbox: what stands behind a `+` makes a new address, and no new reader
EVEN = 0.1  # seconds: answers leave at whole multiples after the wish came, so that the time tells nobody who is known


class Joining:
    def __init__(self, app: "App", pages: Pages) -> None:
        self._app, self._pages = app, pages
        self._by_ip, self._by_mailbox = Limit(BY_IP, AN_HOUR), Limit(BY_MAILBOX, AN_HOUR)

    async def form_page(self, request: Request) -> Response:
        try:
            form = await load_form(self._app.db, request.path_params["form"])
        except NurtureError:
            return self._pages.gone()
        except _AWAY:
            return self._pages.later(request)
        return await self._show(request, form)

    def _recommender(self, token: Any) -> int | None:
        """Who gave the link that led here; a link that was changed on its way is as none."""
        found = read(token, Purpose.REFERRAL, self._app.keys) if isinstance(token, str) else None
        return found.subscriber if found else None

    async def _show(self, request: Request, form: Form, given: dict[str, Any] | None = None, fault: str = "") -> Response:
        async with self._app.db.read() as tx:
            names = (await load_policy(tx)).topics
        token = (given or {}).get("r") or request.query_params.get("r")
        topics = {topic: names[topic] for topic in form.topics if topic in names}
        status = 422 if fault else 200
        return self._pages.show(
            request, "subscribe.html", locale=form.locale, status=status, form=form, topics=topics, given=given or {}, fault=fault,
            recommended=token if self._recommender(token) else None,
        )  # fmt: skip

    async def join(self, request: Request) -> Response:
        """The answer is the same for known and unknown addresses, and for machines that fill in what nobody sees, in bytes and in time."""
        began = time.monotonic()
        response = await self._joined(request)
        await asyncio.sleep(-(time.monotonic() - began) % EVEN)
        return response

    async def _joined(self, request: Request) -> Response:
        as_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
        ip = client_ip(request)
        if not self._by_ip.take(household(ip)):
            return _told(429) if as_json else self._note(request, "too_many", None, 429)
        given = await _fields(request, as_json=as_json)
        if given is None:
            return _told(422, "the body is no form and no JSON object") if as_json else self._pages.gone()
        try:
            form = await load_form(self._app.db, request.path_params["form"])
            if not given.get(TRAP):
                wish = _wish(request, form, given, self._recommender(given.get("r") or request.query_params.get("r")))
                await self._ask(await ask_to_join(self._app.db, request.path_params["form"], wish, self._app.clock(), ip=ip), wish, request)
        except NurtureError as error:
            return _told(STATUS[error.kind], error.message) if as_json else await self._amiss(request, error, given)
        except _AWAY:
            return _told(503) if as_json else self._pages.later(request)
        return JSONResponse({"status": "asked"}, 202, _ANYWHERE) if as_json else self._note(request, "asked", form.locale)

    async def _amiss(self, request: Request, error: NurtureError, given: dict[str, Any]) -> Response:
        """The form once more, with what is wrong; or the page of an address that there is not."""
        if error.kind is ErrorKind.MISSING:
            return self._pages.gone()
        form = await load_form(self._app.db, request.path_params["form"])
        spoken = language(form.locale, request.headers.get("accept-language"))
        return await self._show(request, form, given, WORDS[spoken]["wrong_email"])

    async def options(self, _request: Request) -> Response:
        """Scripts of other sites may send the JSON of a form."""
        return Response(status_code=204, headers=_ANYWHERE)

    async def _ask(self, asked: Asked, wish: Wish, request: Request) -> None:
        if asked.subscriber is None or not self._by_mailbox.take(" ".join(mailbox(wish.email.strip().lower()))):
            return
        spoken = language(asked.form.locale, request.headers.get("accept-language"))
        subject, body = confirming_letter(spoken, asked.form.title)
        await queue_service_letter(
            self._app.db, subscriber_id=asked.subscriber, occasion=asked.occasion, now=self._app.clock(), templates=self._app.templates,
            subject=subject, body=body,
        )  # fmt: skip
        await self._app.bell.ring("send")

    def _note(self, request: Request, which: str, locale: str | None, status: int = 200) -> Response:
        words = WORDS[language(locale, request.headers.get("accept-language"))]
        title, text = words[f"{which}_title"], words[f"{which}_text"]
        response = self._pages.show(request, "note.html", locale=locale, status=status, title=title, text=text)
        if status == 429:
            response.headers["Retry-After"] = "3600"
        return response

    async def confirm_page(self, request: Request) -> Response:
        token = read(request.path_params["token"], Purpose.CONFIRM, self._app.keys)
        if token is None:
            return self._pages.gone()
        try:
            return await (self._confirm(request, token) if request.method == "POST" else self._look(request, token))
        except _AWAY:
            return self._pages.later(request)

    async def _look(self, request: Request, token: Token) -> Response:
        found = await standing(self._app.db, token.subscriber)
        if found.subscribed:
            return self._note(request, "joined", found.locale)
        return self._pages.show(request, "confirm.html", locale=found.locale)

    async def _confirm(self, request: Request, token: Token) -> Response:
        done = await confirm(self._app.db, token.subscriber, token.delivery, self._app.clock(), ip=client_ip(request))
        if done.subscribed:
            await self._app.bell.ring("plan")
        return self._note(request, "joined" if done.subscribed or not done.known else "old", done.locale)


def _told(status: int, detail: str = "") -> Response:
    """A problem (RFC 9457), readable by scripts of other sites."""
    body = {"type": "about:blank", "status": status, "detail": detail or "try again later"}
    headers = _ANYWHERE | ({"Retry-After": "3600"} if status == 429 else {})
    return JSONResponse(body, status, headers, media_type=PROBLEM)


async def _fields(request: Request, *, as_json: bool) -> dict[str, Any] | None:
    """`email`, `first_name`, `name`, `timezone`, `locale`, `tracking` as words, `topic` as a list; None: too long or no form."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > FORM_MOST:
                return None
    except ClientDisconnect:
        return None
    if as_json:
        try:
            told = read_stranger(body)
        except ValueError:
            return None
        if not isinstance(told, dict):
            return None
        topics = told.get("topics")
        words = {k: v for k, v in told.items() if isinstance(v, str)}
        return words | {"topic": [t for t in topics if isinstance(t, str)] if isinstance(topics, list) else None}
    found = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {k: v[0] for k, v in found.items()} | {"topic": found.get("topic", [])}


def _wish(request: Request, form: Form, given: dict[str, Any], recommender: int | None) -> Wish:
    spoken = language(given.get("locale"), form.locale, request.headers.get("accept-language"))
    chosen = given.get("topic")
    topics = frozenset(chosen) if form.topics and chosen is not None else None
    level = given.get("tracking")
    return Wish(
        given.get("email", "")[:320], given.get("first_name", ""), given.get("name", ""), given.get("timezone", "")[:100], spoken, topics,
        Tracking(level) if level in set(Tracking) else None, recommender,
    )  # fmt: skip


def routes(app: "App", pages: Pages) -> list[BaseRoute]:
    joining = Joining(app, pages)
    return [
        Route("/subscribe/{form}", joining.form_page, methods=["GET"]),
        Route("/subscribe/{form}", joining.join, methods=["POST"]),
        Route("/subscribe/{form}", joining.options, methods=["OPTIONS"]),
        Route("/confirm/{token}", joining.confirm_page, methods=["GET", "POST"]),
    ]
