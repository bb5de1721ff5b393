"""Clicks while things go wrong: whoever was led on is counted, once; and everybody is led on while the database is away."""

import asyncio
import base64
from pathlib import Path

import pytest

from tests.support.clicking import Service, Told, all_in, click, fill, service
from tests.support.servers import crash_postgres

on_postgres = pytest.mark.parametrize("db_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
on_sqlite = pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)


def delivery_of(path: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(path.split("/")[2])[2:8], "big")


@on_postgres
async def test_everybody_is_led_on_while_postgres_is_away_and_counted_once_afterwards(db_url: str, tmp_path: Path) -> None:
    """Also by a process that was started while it was away, from the file of targets."""
    paths = await fill(db_url, 700)
    async with service(tmp_path, db_url) as running:
        first = await click(running.port, paths[:1], 100)
        assert set(first.statuses.values()) == {302}
        going = asyncio.create_task(click(running.port, paths[1:], 150))
        await asyncio.sleep(0.7)
        await crash_postgres(db_url, away=2)
        told = await going
        assert set(told.statuses.values()) == {302}, told.statuses
        found = await all_in(db_url, len(paths))
    assert found == {delivery_of(path): 1 for path in paths}


async def killed_again_and_again(url: str, folder: Path, *, kills: int, each: int, rate: float) -> tuple[set[str], dict[int, int]]:
    """Whom the service led on, and the clicks of each delivery afterwards. It dies by SIGKILL when a third of the visitors were answered."""
    paths, running, led_on = await fill(url, each * (kills + 1)), Service(folder, url), set[str]()
    try:
        for part in range(kills + 1):
            await running.start()
            told = Told()
            going = asyncio.create_task(click(running.port, paths[part * each : (part + 1) * each], rate, told=told))
            if part < kills:
                while len(told.led_on) < each // 3 and not going.done():  # noqa: ASYNC110 - counted, not told
                    await asyncio.sleep(0.01)
                running.kill()
            await going
            assert set(told.statuses.values()) <= {0, 302}
            assert part == kills or 0 in told.statuses.values(), "it was killed too late"
            led_on |= told.led_on
        wanted, found = {delivery_of(path) for path in led_on}, await all_in(url, len(led_on), 120)
        for _ in range(60):  # some were written down and never answered: the number alone does not say that all are in
            if wanted <= set(found):
                break
            await asyncio.sleep(1)
            found = await all_in(url, len(led_on), 120)
        return led_on, found
    finally:
        running.stop()


@on_sqlite
async def test_whoever_was_led_on_is_counted_once_though_the_process_is_killed(db_url: str, tmp_path: Path) -> None:
    """What was not answered may be missing; nothing is there twice."""
    led_on, found = await killed_again_and_again(db_url, tmp_path, kills=1, each=600, rate=600)
    assert len(led_on) >= 800
    assert {delivery_of(path) for path in led_on} <= set(found)
    assert set(found.values()) == {1}


@pytest.mark.soak
async def test_ten_kills_under_a_heavy_load(db_url: str, tmp_path: Path) -> None:
    led_on, found = await killed_again_and_again(db_url, tmp_path, kills=10, each=6000, rate=1500)
    print(f"{len(led_on)} led on, {len(found)} counted, {len({delivery_of(p) for p in led_on} - set(found))} lost")
    assert {delivery_of(path) for path in led_on} <= set(found)
    assert set(found.values()) == {1}
