"""The page of a question: own words first, then the choices, the one that was pressed in the letter already set.

GET and HEAD change nothing but the count of hits: a filter that follows every link votes for nothing. POST keeps the answer.
"""

import asyncio
import re
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.auth import client_ip
from api.limits import AN_HOUR, Limit, household
from api.public.joining import TRAP
from api.public.pages import Pages
from api.public.recording import Recorder, hit_of
from api.public.words import WORDS, language
from nurture.answerdesk import Sent, keep_answer
from nurture.domain.asking import Question, choice_address
from nurture.domain.errors import NurtureError
from nurture.domain.evidence import judge_answer
from nurture.domain.tokens import Purpose, Token, read
from nurture.services.answering import Answered, Asked, look
from nurture.services.drawing import Shown, show_draw

if TYPE_CHECKING:
    from nurture.bootstrap import App

_AWAY = (SQLAlchemyError, OSError, TimeoutError)
FORM_MOST = 65_536
FIELDS_MOST = 60
LOOK_WITHIN = 2.0
KEEP_WITHIN = 10.0
BY_IP = 240  # an office has one address
BY_TOKEN = 20
KNOWN_MOST = 512
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
LINKS_FROM = 1_000_000  # numbers of answer links, beyond those of any letter: what tells two choices apart when hits are judged


def link_number(choice: str | None) -> int:
    return LINKS_FROM + (1 + zlib.crc32(choice.encode()) % 1_000_000_000 if choice else 0)


class Answering:
    def __init__(self, app: "App", recorder: Recorder, pages: Pages) -> None:
        self._app, self._recorder, self._pages = app, recorder, pages
        self._by_ip, self._by_token = Limit(BY_IP, AN_HOUR), Limit(BY_TOKEN, AN_HOUR)
        self._known: OrderedDict[int, Asked] = OrderedDict()  # by letter version: what the page shows while the database is away

    async def page(self, request: Request) -> Response:
        token = read(request.path_params["token"], Purpose.ANSWER, self._app.keys)
        if token is None:
            return self._pages.gone()
        return await (self._sent(request, token) if request.method == "POST" else self._look(request, token))

    async def _look(self, request: Request, token: Token) -> Response:
        choice = request.path_params.get("choice")
        try:
            asked = await self._asked(token)
        except _AWAY:
            await self._recorder.hit(token, hit_of(request, self._app, link=link_number(choice)))
            return self._pages.later(request)
        if asked is None:
            return self._pages.gone()
        question = asked.question
        chosen = choice if choice in question.options else None
        address = choice_address(question.name, chosen) if chosen else f"question:{question.name}"
        await self._recorder.hit(token, hit_of(request, self._app, link=link_number(chosen)), address)
        if asked.closed:
            return self._note(request, "closed", asked.locale)
        said = {"choice": chosen} if chosen else _said(asked)
        return self._show(request, asked, said, again=asked.said is not None)

    async def _asked(self, token: Token) -> Asked | None:
        """What the letter asks; while the database is away, as it was when it was last looked at, without what this person said."""
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                asked = await look(self._app.db, token.version, token.subscriber, self._app.clock())
        except _AWAY:
            if token.version in self._known:
                return self._known[token.version]
            raise
        if asked is not None:
            self._known[token.version] = replace(asked, said=None, locale=None)
            self._known.move_to_end(token.version)
            while len(self._known) > KNOWN_MOST:
                self._known.popitem(last=False)
        return asked

    async def _sent(self, request: Request, token: Token) -> Response:
        ip = client_ip(request)
        if not (self._by_ip.take(household(ip)) and self._by_token.take(f"{token.delivery}:{token.subscriber}")):
            response = self._note(request, "too_many", None, 429)
            response.headers["Retry-After"] = "3600"
            return response
        given = await _fields(request)
        hit = replace(hit_of(request, self._app), trap=bool(given.pop(TRAP, "")))
        sent = Sent(secrets.token_hex(12), token.version, token.subscriber, token.delivery, given, judge_answer(hit), hit.at)
        try:
            async with asyncio.timeout(KEEP_WITHIN):
                answered = await keep_answer(self._app, sent)
        except NurtureError:
            return await self._amiss(request, token, given)
        except _AWAY:
            kept = await self._recorder.answer_later(sent)
            return self._pages.show(request, "answered.html", done=None) if kept else self._pages.later(request)
        return self._told(request, answered)

    async def _amiss(self, request: Request, token: Token, given: Mapping[str, str]) -> Response:
        try:
            asked = await self._asked(token)
        except _AWAY:
            return self._pages.later(request)
        if asked is None:
            return self._pages.gone()
        words = WORDS[language(asked.locale, request.headers.get("accept-language"))]
        fault = words["answer_quiz_wrong" if asked.question.quiz else "answer_wrong"]
        return self._show(request, asked, given, fault=fault)

    def _show(self, request: Request, asked: Asked, given: Mapping[str, str], *, fault: str = "", again: bool = False) -> Response:
        action = f"/a/{request.path_params['token']}"
        question = asked.question.spoken(language(asked.locale, request.headers.get("accept-language")))
        shown = page_of(question, asked.commitment, given, fault=fault, again=again) | {"action": action}
        return self._pages.show(request, "answer.html", locale=asked.locale, status=422 if fault else 200, **shown)

    def _told(self, request: Request, answered: Answered | None) -> Response:
        if answered is None:
            return self._pages.gone()
        if answered.asked.closed:
            return self._note(request, "closed", answered.asked.locale)
        question = answered.asked.question.spoken(language(answered.asked.locale, request.headers.get("accept-language")))
        band = question.band(answered.score) if answered.score is not None else None
        done = replace(answered, asked=replace(answered.asked, question=question), band=band)
        return self._pages.show(request, "answered.html", locale=answered.asked.locale, done=done)

    def _note(self, request: Request, which: str, locale: str | None, status: int = 200) -> Response:
        words = WORDS[language(locale, request.headers.get("accept-language"))]
        title, text = words[f"{which}_title"], words[f"{which}_text"]
        return self._pages.show(request, "note.html", locale=locale, status=status, title=title, text=text)

    async def draw_page(self, request: Request) -> Response:
        """The promise of a draw; once it is made, all that is needed to check it. No names but those that winners allowed."""
        name = request.path_params["question"]
        if not SLUG.fullmatch(name):
            return self._pages.gone()
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                shown: Shown | None = await show_draw(self._app.db, name)
        except _AWAY:
            return self._pages.later(request)
        return self._pages.gone() if shown is None else self._pages.show(request, "draw.html", draw=shown)


def page_of(
    question: Question, commitment: str | None, given: Mapping[str, str], *, fault: str = "", again: bool = False
) -> dict[str, Any]:  # fmt: skip
    """What answer.html shows."""
    return {"question": question, "commitment": commitment, "given": given, "fault": fault, "again": again, "trap": TRAP}


def _said(asked: Asked) -> dict[str, str]:
    """The answer of before, to be changed."""
    if asked.said is None:
        return {}
    steps = {f"step.{step}": choice for step, choice in asked.said.steps.items()}
    return {"choice": asked.said.choice or "", "text": asked.said.text, "named": asked.said.named} | steps


async def _fields(request: Request) -> dict[str, str]:
    """The fields of the form; none where it is too long."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > FORM_MOST:
                return {}
        found = parse_qs(body.decode(errors="replace"), max_num_fields=FIELDS_MOST)
    except (ClientDisconnect, ValueError):
        return {}
    return {name[:100]: values[0] for name, values in found.items()}


def routes(app: "App", recorder: Recorder, pages: Pages) -> list[BaseRoute]:
    answering = Answering(app, recorder, pages)

    async def gone(_request: Request) -> Response:
        return pages.gone()

    return [
        Route("/a/{token}", answering.page, methods=["GET", "POST"]),
        Route("/a/{token}/{choice}", answering.page, methods=["GET", "POST"]),
        Route("/a/{rest:path}", gone, methods=["GET", "POST"]),
        Route("/draws/{question}", answering.draw_page, methods=["GET"]),
    ]
