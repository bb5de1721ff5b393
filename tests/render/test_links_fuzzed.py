"""Where a letter's links lead cannot be bent: by odd addresses at definition, by a person's data, by whoever edits the address of a click."""

import random
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from starlette.responses import RedirectResponse

from nurture.domain.errors import NurtureError
from nurture.render.linking import check_link, target

TIMES = 10_000
PIECES = (
    "https:", "http:", "HTTPS:", "javascript:", "data:text/html,", "vbscript:", "file:", "ftp:", "blob:", "//", "///", "/", "\\", "/\\", "\\\\", "@", ":", ":80", ":99999",
    "?", "#", "%2f", "%5c", "%00", "%0d%0a", "%09", "\t", "\n", "\r", "\0", " ", "\u00a0", "\u200b", "\u2028", "\u202e", "\u3002", "\uff0e", "\uff0f", "\ufe55", "\ufeff", "\u0130",
    "evil.example", "good.example", "user", "user:pw@", "[::1]", "[", "]", "127.0.0.1", "0x7f.1", "2130706433", "é", "ß", "xn--", "..", ".", "-", "_", "<", ">", '"', "'",
    "`", "{{", "}}", "{%", "alert(1)", "&", ";", "=", "a", "\ud800", "\U000f0000",
)  # fmt: skip
NETWORK = re.compile(r"([A-Za-z0-9._~-]+|\[[0-9a-f:.]+\])(:[0-9]{0,5})?")


def _drawn(seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    for n in range(TIMES):
        rest = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 7)))
        yield rest if n % 3 == 0 else chance.choice(("https://", "http://", "https://good.example")) + rest


def _location(link: str) -> str | None:
    """As a browser gets it."""
    found = target([link], 0, None)
    return None if found is None else RedirectResponse(found).headers["location"]


def test_ten_thousand_addresses_are_refused_or_lead_where_they_say() -> None:
    kept = 0
    for href in _drawn(18):
        try:
            link = check_link(href, "a letter")
        except NurtureError:
            continue
        kept += 1
        where = _location(link)
        if where is None:
            continue
        assert where.isascii(), href
        assert where.isprintable(), href
        assert not set(where) & set('\\<>"` '), (href, where)
        parts = urlsplit(where)
        assert parts.scheme in ("http", "https"), (href, where)
        assert parts.username is None, (href, where)
        assert NETWORK.fullmatch(parts.netloc), (href, where)
    assert kept > TIMES // 20  # the others would prove little


@pytest.mark.parametrize("link", ["https://good.example/{{ fields.x }}", "https://good.example?to={{ fields.x }}&y=1", "http://good.example/a#{{ first_name }}"])
def test_no_data_of_a_person_leads_elsewhere(link: str) -> None:
    before, _, after = re.split(r"(\{\{.*?\}\})", link)
    for value in _drawn(19):
        filled = target([link], 0, {"first_name": value, "fields": {"x": value}})
        assert filled is not None
        inside = filled.removeprefix(before).removesuffix(after)
        assert filled == before + inside + after
        assert re.fullmatch(r"[A-Za-z0-9._~%-]*", inside), (value, filled)
