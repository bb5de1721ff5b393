"""Opens and clicks by the shortest way: token, target, one line in the spool, answer - plain ASGI, before every other layer.

Whatever is not quite ordinary (another method, a broken token, a link that this process has not met, one with a merge field) is left to the
routes, which answer the same way.
"""

import base64
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from starlette.types import Scope, Send

from api.auth import visitor
from api.middleware import Meters, mark
from api.public.recording import Recorder
from api.public.targets import Targets
from nurture.domain.evidence import PREFETCH_HEADERS, Hit, asks_ahead
from nurture.domain.tokens import Purpose, read
from nurture.services.tracking import AGENT_MOST

if TYPE_CHECKING:
    from nurture.bootstrap import App

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
NO_STORE = {"Cache-Control": "no-store, max-age=0", "Referrer-Policy": "no-referrer"}
_HIT = re.compile(r"/(?:c/([A-Za-z0-9_-]{44})/([0-9]{1,4})|o/([A-Za-z0-9_-]{44})\.gif)")
_AHEAD = tuple((name, name.encode()) for name in PREFETCH_HEADERS)
_NOTHING = {"type": "http.response.body", "body": b""}
_PICTURE = {"type": "http.response.body", "body": PIXEL}
Headers = list[tuple[bytes, bytes]]


class Quick:
    def __init__(self, app: "App", recorder: Recorder, targets: Targets, meters: Meters, *, https: bool) -> None:
        self._app, self._recorder, self._targets = app, recorder, targets
        self._clicked = _carried("/c/", {"content-length": "0"}, https=https)
        self._opened = _carried("/o/", {"content-type": "image/gif", "content-length": str(len(PIXEL))}, https=https)
        self._clicks = (meters.requests.labels("c", "302"), meters.seconds.labels("c"))
        self._opens = (meters.requests.labels("o", "200"), meters.seconds.labels("o"))

    async def answers(self, scope: Scope, send: Send) -> bool:
        """Whether this was an open or a click, which is answered now; False leaves the request untouched."""
        found = _HIT.fullmatch(scope["path"]) if scope["method"] == "GET" else None
        if found is None:
            return False
        began = time.perf_counter()
        token = read(found[1] or found[3], Purpose.CLICK if found[1] else Purpose.OPEN, self._app.keys)
        if token is None:
            return False
        if found[1] is None:
            await self._recorder.hit(token, self._hit(scope, None))
            await _send(send, 200, self._opened, (), _PICTURE)
            meters = self._opens
        else:
            number = int(found[2])
            known = self._targets.known(token.version, number)
            if known is None:
                return False
            await self._recorder.hit(token, self._hit(scope, number), known[1])
            await _send(send, 302, self._clicked, ((b"location", known[0]),), _NOTHING)
            meters = self._clicks
        meters[0].inc()
        meters[1].observe(time.perf_counter() - began)
        return True

    def _hit(self, scope: Scope, link: int | None) -> Hit:
        headers = dict(scope["headers"])
        forwarded = ""
        if b"x-forwarded-for" in headers:
            forwarded = ",".join(v.decode("latin-1") for n, v in scope["headers"] if n == b"x-forwarded-for")
        said = {n: headers[b].decode("latin-1") for n, b in _AHEAD if b in headers}
        peer = scope["client"][0] if scope.get("client") else ""
        return Hit(
            at=self._app.clock(), link=link, agent=headers.get(b"user-agent", b"").decode("latin-1")[:AGENT_MOST],
            ip=visitor(peer, forwarded, self._app.settings.trusted_proxies), prefetch=bool(said) and asks_ahead(said),
        )  # fmt: skip


def _carried(path: str, own: dict[str, str], *, https: bool) -> Headers:
    """The headers that are the same for all of these answers."""
    message: dict[str, Any] = {"headers": [(n.lower().encode(), v.encode()) for n, v in (own | NO_STORE).items()]}
    mark(message, path, "", https=https)
    return [(n, v) for n, v in message["headers"] if n != b"x-request-id"]


async def _send(send: Send, status: int, carried: Headers, own: tuple[tuple[bytes, bytes], ...], body: dict[str, Any]) -> None:
    headers = [*carried, *own, (b"x-request-id", secrets.token_hex(8).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(body)
