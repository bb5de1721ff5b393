"""POST /inbound/{provider}: what mail providers tell of bounces and complaints. Only those that the settings name are listened to."""

import asyncio
import http.client
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from nurture.mail.inbound.providers import Call, Refused, brevo, mailgun, postmark, sendgrid, ses
from nurture.services.hearing import hear_provider

if TYPE_CHECKING:
    from nurture.bootstrap import App

READERS = {"ses": ses.read, "mailgun": mailgun.read, "sendgrid": sendgrid.read, "postmark": postmark.read, "brevo": brevo.read}
BODY_MOST = 1024 * 1024
MOST_CERTIFICATES = 16
_FETCH_SECONDS = 5.0
_FETCH_MOST = 64 * 1024
log = structlog.get_logger()


class Inbound:
    def __init__(self, app: "App") -> None:
        self._app = app
        self._certificates: dict[str, bytes] = {}

    async def told(self, request: Request) -> Response:
        """200 when it counts or counted before; 404 where nobody is listened to; 403 where it is not theirs; 503 to come again."""
        provider = request.path_params["provider"]
        secret = getattr(self._app.settings, f"inbound_{provider}", None) if provider in READERS else None
        if not secret:
            return PlainTextResponse("Not found\n", 404)
        body = await request.body()
        if len(body) > BODY_MOST:
            return PlainTextResponse("Too large\n", 413)
        call = Call({k.lower(): v for k, v in request.headers.items()}, body, self._app.clock(), self._fetch)
        try:
            told = await asyncio.to_thread(READERS[provider], call, secret)
            effects = await hear_provider(self._app.db, provider, told, self._app.clock())
        except Refused as refusal:
            log.warning("a call of a provider is not believed", provider=provider, reason=str(refusal))
            return PlainTextResponse("Forbidden\n", 403)
        except (SQLAlchemyError, OSError):
            log.exception("a provider's call could not be kept; it is to come again", provider=provider)
            return PlainTextResponse("Come again\n", 503, {"Retry-After": "60"})
        log.info("a provider told", provider=provider, events=len(effects), new=sum(e.new for e in effects))
        return PlainTextResponse("Heard\n")

    def _fetch(self, address: str) -> bytes:
        """Certificates are fetched once; they stand under an address of their own each."""
        if not address.endswith(".pem"):
            return fetch(address)
        if address not in self._certificates:
            if len(self._certificates) >= MOST_CERTIFICATES:
                self._certificates.clear()
            self._certificates[address] = fetch(address)
        return self._certificates[address]


def fetch(address: str) -> bytes:
    """A small file by https, without following anybody elsewhere. The caller has checked whose address it is. Raises OSError."""
    parts = urlsplit(address)
    line = http.client.HTTPSConnection(parts.hostname or "", timeout=_FETCH_SECONDS, context=ssl.create_default_context())
    try:
        line.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = line.getresponse()
        if answer.status != 200:
            raise OSError(f"{parts.hostname} answered {answer.status}")
        return answer.read(_FETCH_MOST)
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        line.close()


def routes(app: "App") -> list[BaseRoute]:
    return [Route("/inbound/{provider}", Inbound(app).told, methods=["POST"])]
