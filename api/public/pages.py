"""The pages a subscriber sees, from templates/pages/public. No script, no cookie, nothing kept."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.public.words import WORDS, language

_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


class Pages:
    def __init__(self, templates: Path) -> None:
        self._jinja = Environment(loader=FileSystemLoader(templates / "pages"), autoescape=True, undefined=StrictUndefined)
        english = WORDS["en"]
        self._gone = self.written("note.html", "en", title=english["gone_title"], text=english["gone_text"]).encode()

    def written(self, name: str, spoken: str, **more: Any) -> str:
        """A page in a language of LANGUAGES."""
        return self._jinja.get_template(f"public/{name}").render(language=spoken, words=WORDS[spoken], **more)

    def show(
        self, request: Request, name: str, *, locale: str | None = None, otherwise: str | None = None, status: int = 200, **more: Any
    ) -> Response:  # fmt: skip
        """A page in the person's language, else the browser's, else `otherwise`."""
        spoken = language(locale, request.headers.get("accept-language"), otherwise)
        page = self.written(name, spoken, **{"action": request.url.path} | more)
        return HTMLResponse(page, status, _HEADERS | {"Content-Language": spoken})

    def gone(self) -> Response:
        """The one answer to every token that is not ours: same bytes, whatever is wrong with it."""
        return HTMLResponse(self._gone, 404, _HEADERS)

    def later(self, request: Request) -> Response:
        spoken = language(request.headers.get("accept-language"))
        words = WORDS[spoken]
        page = self.written("note.html", spoken, title=words["later_title"], text=words["later_text"])
        return HTMLResponse(page, 503, _HEADERS | {"Retry-After": "5"})
