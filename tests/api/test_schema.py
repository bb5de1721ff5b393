"""The API against its own description: whatever fits the schema is answered as described, and never by an internal error."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import response_schema_conformance

from api.app import create_app
from nurture.bootstrap import open_app
from nurture.services.access import create_key
from nurture.settings import Settings
from tests.support.people import NOW, add_people

EXAMPLES, MANY = 8, 300  # calls of each operation in every run, and in the long one


class Served:
    """The application under a real server, on a port of its own, in a thread of its own."""

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        self._settings = Settings(data_dir=folder, secret_key="a secret of the tests", database_url=database_url)
        self._server: uvicorn.Server | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.schema: dict[str, object] = {}
        self.key = ""

    async def _serve(self) -> None:
        async with open_app(self._settings, lambda: NOW) as app:
            await add_people(app.db, *(f"p{n}@example.com" for n in range(3)), tags=("roof",))
            self.key = (await create_key(app.db, "schema", ["all"], NOW)).key
            api = create_app(app)
            self.schema = api.openapi()
            self._server = uvicorn.Server(uvicorn.Config(api, port=0, log_level="error", access_log=False))
            serving = asyncio.create_task(self._server.serve())
            while not self._server.started:  # noqa: ASYNC110 - the server has no event for this
                await asyncio.sleep(0.01)
            self._ready.set()
            await serving

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(30)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(MANY, marks=pytest.mark.soak)])
def test_whatever_fits_the_schema_is_answered_as_described(served: Served, examples: int) -> None:
    schema = schemathesis.openapi.from_dict(served.schema)
    seen: dict[str, set[int]] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.label == "DELETE /api/v1/keys/{id}":
            continue  # it would take away the key of this test

        @given(case=operation.as_strategy())
        @settings(
            max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def holds(case: schemathesis.Case) -> None:
            response = case.call(base_url=served.url, headers={"Authorization": f"Bearer {served.key}"})
            seen.setdefault(case.operation.label, set()).add(response.status_code)
            assert response.status_code != 500, response.text
            if response.status_code >= 400:
                assert response.headers["content-type"] == ["application/problem+json"], response.text
            else:
                case.validate_response(response, checks=[response_schema_conformance])

        holds()
    assert len(seen) > 30
    answered = {label for label, codes in seen.items() if any(code < 300 for code in codes)}
    assert {"GET /api/v1/subscribers", "GET /api/v1/reports/mix", "GET /api/v1/policy", "GET /api/v1/keys"} <= answered
