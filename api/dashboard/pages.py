"""From a template's name to an answer: the Jinja environment of the dashboard, its filters, and the style sheet's address."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.auth import app_of
from api.dashboard import doors, words
from nurture.domain.roles import page_scope
from nurture.render import charts
from nurture.services.access import Visit
from nurture.store.readers import plain_subject


def _percent(share: float | None, digits: int = 0) -> str:
    return "" if share is None else f"{share:.{digits}%}"


def _sentence(text: str) -> str:
    """The first letter large, all others as they are."""
    return text[:1].upper() + text[1:]


def _kept(share: float | None) -> str:
    """A promise's share: never rounded up to a hundred."""
    if share is None:
        return ""
    return "100%" if share == 1 else f"{int(share * 1000) / 10:.1f}%"


def environment(templates: Path) -> Environment:
    """Everything is escaped; only charts, which escape by themselves, come in as markup."""
    made = Environment(
        loader=FileSystemLoader(templates / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "number": charts.number, "plain": plain_subject, "percent": _percent,
        "sentence": _sentence, "kept": _kept, "svg": Markup, "day": words.day, "full_day": words.full_day,
        "clock": words.clock, "ago": words.ago, "tone": words.tone, "state": words.state_word, "instant": words.parse_instant,
    }  # fmt: skip
    made.globals |= {"words": words, "query": _query, "opens": _opens}
    return made


def _opens(visit: Visit, address: str, method: str = "GET") -> bool:
    """Whether this page, or the button that posts there, is for this user: what is not is not shown."""
    return visit.may(page_scope(method, address))


def _query(**values: object) -> str:
    """`?kind=sales&q=anna`, leaving out what is empty."""
    given = {k: v for k, v in values.items() if v not in (None, "")}
    return f"?{urlencode(given)}" if given else "?"


class Pages:
    """Renders the dashboard's templates. `sheet` is the style sheet's address; it changes with what the sheet says."""

    def __init__(self, templates: Path) -> None:
        self.environment = environment(templates)
        digest = hashlib.sha256((templates / "pages" / "static" / "nurture.css").read_bytes()).hexdigest()
        self.sheet = f"/static/nurture.css?v={digest[:12]}"

    def answer(self, request: Request, name: str, visit: Visit | None, *, code: int = 200, **context: Any) -> HTMLResponse:
        """One page. It is never kept by a cache on the way: what it shows is about people."""
        app, token = app_of(request), doors.form_token(request)
        shared = {
            "csrf": token, "visit": visit, "path": request.url.path, "demo": bool(getattr(request.app.state, "demo", False)),
            "captures": app.captures, "sheet": self.sheet, "now": app.clock(),
        }  # fmt: skip
        body = self.environment.get_template(f"dashboard/{name}").render(shared | context)
        response = HTMLResponse(body, code, {"Cache-Control": "no-store"})
        if request.cookies.get(doors.FORM_COOKIE) != token:
            doors.keep_form_token(request, response, token)
        return response


def parse_after(text: str) -> tuple[datetime, int] | None:
    """The place in a list where the next page begins, `2026-03-02T09:00:00+00:00~17`; None for anything else."""
    moment, _, last = text.partition("~")
    if not (last.isascii() and last.isdigit() and len(last) < 19):
        return None
    found = words.parse_instant(moment)
    return (found, int(last)) if found else None


def parse_id(text: str) -> int | None:
    """A row's id from an address; None where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
