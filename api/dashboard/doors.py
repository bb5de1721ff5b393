"""The dashboard's doors: who may look, the forms' tokens, signing in and out.

A form is taken only from this house: its Origin (or Referer) must be ours, and it must carry the token that the page gave it.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.auth import app_of, begin_action, clear_cookie, client_ip, cookie_name, set_cookie, visit_of
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.people import storable
from nurture.domain.roles import Role, page_scope
from nurture.services import access
from nurture.services.access import Visit
from nurture.store.auditing import Acting, begin

Page = Callable[[Request], Awaitable[Response]]
FORM_COOKIE = "nurture_form"
DEMO = Visit(0, "demo", "", Role.OWNER)


def _loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def open_demo(request: Request) -> bool:
    """With `--demo`, whoever sits at this machine is signed in; invented people need no lock.

    The Host must be this machine too, so that no page elsewhere can reach in by a name that it points here.
    """
    here = request.url.hostname in ("localhost", "127.0.0.1", "::1")
    return here and bool(getattr(request.app.state, "demo", False)) and _loopback(client_ip(request))


async def visitor(request: Request) -> Visit | None:
    """Who looks at this page, or None."""
    return await visit_of(request) or (DEMO if open_demo(request) else None)


def let_in(request: Request, visit: Visit) -> Response | None:
    """Let this user's role do what the request asks for: raises FORBIDDEN where it may not. The page that they begin with instead of the
    overview, where that is not theirs.
    """
    needed = page_scope(request.method, request.url.path)
    if visit.may(needed):
        begin_action(request, visit.email)
        return None
    if request.url.path == "/":
        return RedirectResponse("/replies", 303)
    raise NurtureError(f"your role here is {visit.role}, which does not open this; ask an owner for another role", ErrorKind.FORBIDDEN)


def to_login(request: Request) -> Response:
    """To the sign-in page, and back here afterwards."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/login" if path == "/" else f"/login?next={quote(path)}", 303)


def next_page(text: str) -> str:
    """Where to go after signing in: a path of this house and nothing else."""
    plain = text.startswith("/") and not text.startswith("//") and text.isprintable() and "\\" not in text
    return text if plain else "/"


def form_token(request: Request) -> str:
    """The token of this browser's forms: kept from an earlier page, else fresh."""
    kept = request.cookies.get(FORM_COOKIE, "")
    return kept if 20 <= len(kept) <= 100 else secrets.token_urlsafe(24)


def keep_form_token(request: Request, response: Response, token: str) -> None:
    secure = app_of(request).settings.base_url.startswith("https:")
    response.set_cookie(FORM_COOKIE, token, max_age=86_400, path="/", httponly=True, samesite="lax", secure=secure)


def same_origin(request: Request) -> bool:
    """Whether the browser says that the form stood on a page of this host. A browser that says nothing at all is refused."""
    said = request.headers.get("origin") or request.headers.get("referer") or ""
    try:
        return bool(said) and urlsplit(said).netloc == request.headers.get("host", "")
    except ValueError:  # `http://[`: no address at all
        return False


async def read_form(request: Request, token: str) -> dict[str, str]:
    """The fields of a form that came from this house with its token; raises FORBIDDEN otherwise."""
    try:
        form = await request.form()
    except UnicodeError as error:  # a multipart body may name any character set of Python's
        raise NurtureError("this form is no text; send it as UTF-8") from error
    fields: dict[str, str] = storable({k: v for k, v in form.items() if isinstance(v, str)})
    carried = hmac.compare_digest(fields.get("csrf", "").encode(), token.encode())
    if not same_origin(request) or not token or not carried:
        raise NurtureError("this form is too old or came from elsewhere; open the page again and send it once more", ErrorKind.FORBIDDEN)
    return fields


def begin_signing(request: Request) -> None:
    """The log tells from where somebody signs in, tries to, or chooses a password; not by which link."""
    first = request.url.path.split("/")[1]
    begin(Acting("web", f"{request.method} /{first}", "", app_of(request).clock(), client_ip(request)))


async def sign_in(request: Request, email: str, password: str) -> str | None:
    """A new session's cookie value, or None when address and password do not fit."""
    app = app_of(request)
    begin_signing(request)
    user = await access.check_password(app.db, email, password, app.clock())
    return None if user is None else await access.start_session(app.db, user, app.clock())


def enter(request: Request, value: str, path: str) -> Response:
    """Hand over the session and go on. The form's token is renewed, so that one from before the sign-in is worth nothing."""
    response = RedirectResponse(next_page(path), 303)
    set_cookie(app_of(request), response, value)
    response.delete_cookie(FORM_COOKIE, path="/")
    return response


async def sign_out(request: Request) -> Response:
    """End the session in the database too."""
    app = app_of(request)
    value = request.cookies.get(cookie_name(app), "")
    if value and (visit := await visit_of(request)):
        begin_action(request, visit.email)
        await access.end_session(app.db, value)
    response = RedirectResponse("/login", 303)
    clear_cookie(app, response)
    return response
