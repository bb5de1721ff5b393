"""Where the links of a letter lead: checked when it is compiled, filled when somebody clicks. Never an open redirect."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import idna
from jinja2 import Template

from nurture.domain.errors import NurtureError
from nurture.domain.readers import Reader
from nurture.render.marks import PLACE
from nurture.render.sandbox import BROKEN, LetterEnvironment, run, unmarked, write_date

_SAFE = "%/:?#[]@!$&'()*+,;=~-._"
_NETWORK = re.compile(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::\d{0,5})?", re.IGNORECASE | re.ASCII)
_HTTP = re.compile(r"https?://[^\s\\\x00-\x20\x7f]+", re.IGNORECASE)


def _escaped(value: Any) -> str:
    """A merge field in a link: percent-encoded as a whole, so that it stays inside its place."""
    text = "" if value is None else write_date(value, "%Y-%m-%d") if hasattr(value, "isoformat") else str(value)
    return quote(text.encode("utf-8", "replace"), safe="")


_LINKS = LetterEnvironment(autoescape=False, finalize=_escaped)


def reader_names(reader: Reader) -> dict[str, Any]:
    """What merge fields see of a person, in letters and in links alike."""
    return {
        "first_name": unmarked(reader.first_name),
        "patronymic": unmarked(reader.patronymic),
        "name": unmarked(reader.name),
        "email": unmarked(reader.email),
        "locale": unmarked(reader.locale),
        "fields": unmarked(dict(reader.fields)),
    }


def check_link(href: str, where: str) -> str:
    """The link ready to be kept: http or https, a host written out, everything percent-encoded.

    `href` may hold merge fields behind its host, as shelf places (see marks). Raises NurtureError with advice otherwise.
    """
    authority = re.match(r"(https?)://([^/?#]*)", href, re.IGNORECASE)
    if not authority:
        shown = PLACE.sub("{{ ... }}", href)
        if PLACE.match(href):
            raise NurtureError(f"{where}: the link {shown} begins with a merge field; write https:// and the host before it.")
        if re.match(r"[a-z][a-z0-9+.-]*:", href, re.IGNORECASE):
            raise NurtureError(f"{where}: the link {shown} is of a kind that letters do not carry; use https://, mailto: or tel:.")
        raise NurtureError(f"{where}: the link {shown!r} is not whole; write it with https:// and the host.")
    if PLACE.search(authority[2]) or not authority[2]:
        raise NurtureError(f"{where}: the host of a link is written out; merge fields may stand only behind it.")
    try:
        split = urlsplit(PLACE.sub("", href))
        host = split.hostname or ""
        _ = split.port
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except (ValueError, idna.IDNAError) as error:
        raise NurtureError(f"{where}: {PLACE.sub('{{ ... }}', href)!r} is not a link that can be opened; check its host.") from error
    rest = href[authority.end() :]
    network = authority[2].replace(host, ascii_host) if host != ascii_host else authority[2]
    if not host or not _NETWORK.fullmatch(network):
        raise NurtureError(f"{where}: {PLACE.sub('{{ ... }}', href)!r} is not a link that can be opened; check its host.")
    pieces = PLACE.split(rest)
    places = PLACE.findall(rest)
    quoted = [quote(piece.encode("utf-8", "replace"), safe=_SAFE) for piece in pieces]
    encoded = "".join(piece + place for piece, place in zip(quoted, [*places, ""], strict=True))
    return f"{authority[1].lower()}://{network}{encoded}"


@lru_cache(maxsize=4096)
def _compiled(link: str) -> Template:
    return _LINKS.from_string(link)


def fill(link: str, names: Mapping[str, Any] | None) -> str:
    """The link with its merge fields filled from `names`; emptied where None, or where they cannot be read."""
    if "{" not in link:
        return link
    try:
        return run(_compiled(link), dict(names or {}))
    except BROKEN:
        return re.sub(r"\{[{%].*?[}%]\}", "", link)


def target(links: Sequence[str], n: int, fields: Mapping[str, Any] | None) -> str | None:
    """Where link `n` (counted from 0) leads; None when there is no such link.

    `fields` is what `reader_names` gives, or None while the database is away: merge fields are left empty then. http and https only.
    """
    if not 0 <= n < len(links):
        return None
    filled = fill(links[n], fields)
    return filled if _HTTP.fullmatch(filled) else None
