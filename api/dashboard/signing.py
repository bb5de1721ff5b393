"""Signing in, out, and the first user of a fresh installation."""

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.auth import client_ip
from api.dashboard import doors
from api.dashboard.pages import Pages
from api.dashboard.patience import Patience
from api.errors import STATUS
from api.limits import household
from nurture.domain.errors import NurtureError
from nurture.services import access

if TYPE_CHECKING:
    from nurture.bootstrap import App


LONGEST_LINK = 100


def add(routes: APIRouter, app: "App", pages: Pages) -> None:
    """Put `/login`, `/logout` and `/setup/{token}` on the router."""

    patience = Patience()

    async def login(request: Request) -> Response:
        wanted = doors.next_page(request.query_params.get("next", "/"))
        if request.method != "POST":
            if await doors.visitor(request):
                return RedirectResponse(wanted, 303)
            return pages.answer(request, "login.html", None, next=wanted, email="", fault="", fresh=await access.needs_setup(app.db))
        try:
            fields = await doors.read_form(request, doors.form_token(request))
        except NurtureError as error:
            return pages.answer(
                request, "login.html", None, code=STATUS[error.kind], next=wanted, email="", fault=error.message, fresh=False
            )
        email = fields.get("email", "").strip()[:254]
        who, now = (f"account {email.lower()}", f"address {household(client_ip(request))}"), app.clock()
        if patience.ended(who, now):
            fault = "Too many wrong tries. Wait a quarter of an hour, then try again."
            return pages.answer(request, "login.html", None, code=429, next=wanted, email=email, fault=fault, fresh=False)
        value = await patience.bear(who, now, doors.sign_in(request, email, fields.get("password", "")))
        if value is None:
            fault = "Address and password do not fit together. Forgotten? On the server: nurture users password"
            return pages.answer(request, "login.html", None, code=422, next=fields.get("next", "/"), email=email, fault=fault, fresh=False)
        return doors.enter(request, value, fields.get("next", "/"))

    async def logout(request: Request) -> Response:
        try:
            await doors.read_form(request, doors.form_token(request))
        except NurtureError as error:
            return pages.answer(request, "error.html", await doors.visitor(request), code=STATUS[error.kind], message=error.message)
        return await doors.sign_out(request)

    async def setup(request: Request) -> Response:
        """The first user's link, or the one that an owner made for somebody: either lets a password be chosen, once."""
        token, now = request.path_params["token"][:LONGEST_LINK], app.clock()
        known, fresh = await access.link_of(app.db, token, now), await access.needs_setup(app.db)
        if known is None and not fresh:
            return RedirectResponse("/login", 303)
        if request.method != "POST":
            return pages.answer(request, "setup.html", None, token=token, known=known, email="", fault="")
        email = ""
        try:
            fields = await doors.read_form(request, doors.form_token(request))
            email, password = fields.get("email", "").strip()[:254], fields.get("password", "")
            doors.begin_signing(request)
            if known:
                user = await access.use_link(app.db, token, password, now)
            else:
                user = await access.set_up(app.db, token, app.keys, email, password, now)
        except NurtureError as error:
            code = STATUS[error.kind]
            return pages.answer(request, "setup.html", None, code=code, token=token, known=known, email=email, fault=error.message)
        return doors.enter(request, await access.start_session(app.db, user, now), "/")

    routes.add_route("/login", login, methods=["GET", "POST"])
    routes.add_route("/logout", logout, methods=["POST"])
    routes.add_route("/setup/{token}", setup, methods=["GET", "POST"])
