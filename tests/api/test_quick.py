"""The shortest way for opens and clicks answers as the routes do, and writes down the same."""

from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from nurture.bootstrap import open_app
from nurture.domain.tokens import Purpose
from nurture.settings import Settings
from tests.api.conftest import CHROME, House, client_of
from tests.api.test_public import letter_for, path_of
from tests.support.ledger import rows_of

HEADERS = [
    {}, {"User-Agent": 'Zoë "quoted" \\ agent'}, {"Sec-Purpose": "prefetch;prerender"}, {"X-Forwarded-For": "192.0.2.7"}, {"User-Agent": "a" * 900},
]  # fmt: skip


@pytest.mark.parametrize("headers", HEADERS)
async def test_both_ways_say_and_keep_the_same(small_house: House, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = await letter_for(small_house)
    paths = [path_of(Purpose.CLICK, tokens[Purpose.CLICK]), path_of(Purpose.OPEN, tokens[Purpose.OPEN])]
    await small_house.client.get(paths[0], headers=HEADERS[0])  # from now on the targets are known
    await small_house.folded()
    given = {k: v.encode("latin-1") for k, v in headers.items()}
    told: list[Any] = []
    for quick in (True, False):
        if not quick:
            async def never(*_: object) -> bool:
                return False

            monkeypatch.setattr(small_house.api.state.quick, "answers", never)
        before = len(await rows_of(small_house.app.db, "events"))
        answers = [await small_house.client.get(path, headers=given) for path in paths]
        await small_house.folded()
        kept = [{k: v for k, v in e.items() if k not in ("id", "uid")} for e in (await rows_of(small_house.app.db, "events"))[before:]]
        told.append(([(a.status_code, a.content, {k: v for k, v in a.headers.items() if k != "x-request-id"}) for a in answers], kept))
        assert all(len(a.headers["x-request-id"]) == 16 for a in answers)
        assert all(e["agent"] == headers.get("User-Agent", CHROME)[:400] for e in kept)
    assert told[0] == told[1]


async def test_a_line_that_a_proxy_adds_goes_before_the_visitors_own(tmp_path: Path) -> None:
    """Whoever writes X-Forwarded-For themselves names no other address, whether the proxy appends to the line or adds one."""
    async with open_app(Settings(data_dir=tmp_path, secret_key="a secret of the tests", trusted_proxies="203.0.113.9")) as app:
        api = create_app(app)
        async with api.router.lifespan_context(api), client_of(api) as client:
            house = House(app, api, client, app.clock)  # type: ignore[arg-type]
            tokens = await letter_for(house)
            lines = [("X-Forwarded-For", "192.0.2.66"), ("X-Forwarded-For", "198.51.100.1")]
            for path in (path_of(Purpose.CLICK, tokens[Purpose.CLICK]), path_of(Purpose.CLICK, tokens[Purpose.CLICK]), path_of(Purpose.LEAVE, tokens[Purpose.LEAVE])):
                assert (await client.get(path, headers=lines)).status_code in (200, 302)
            await house.folded()
            assert {e["ip"] for e in await rows_of(app.db, "events")} == {"198.51.100.1"}
