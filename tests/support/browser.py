"""Pages as a real browser meets them: a dashboard served at a port of its own, and what is asked of every page."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
import uvicorn

from api.app import create_app
from nurture.bootstrap import App

SIZES = {"phone": (390, 844), "small": (320, 640), "desk": (1280, 900)}
SIDEWAYS = """() => { const seen = document.documentElement.clientWidth; if (document.documentElement.scrollWidth <= seen) return [];
  return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > seen + 1)
    .map(e => e.tagName + '.' + e.getAttribute('class') + ' ' + (e.textContent || '').trim().slice(0, 40)) }"""
CHARTS = """() => [...document.querySelectorAll('svg.chart')].filter(s => s.getClientRects().length).map(s => {
  const box = s.getBoundingClientRect(); return [box.width, box.height, s.getAttribute('aria-label')] })"""
in_the_browser = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
"""For a module whose tests use `chromium`: they live on the loop on which it was started."""


@contextlib.contextmanager
def at_a_port(app: App) -> Iterator[tuple[App, socket.socket]]:
    """The App with the address of a free port, and what listens there."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield replace(app, settings=app.settings.model_copy(update={"base_url": address})), listener


@contextlib.asynccontextmanager
async def serving(app: App, listener: socket.socket) -> AsyncIterator[str]:
    """Its pages are there, for whoever calls from this machine as one who is signed in; the address."""
    server = uvicorn.Server(uvicorn.Config(create_app(app, demo=True), log_level="warning", lifespan="on"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag to look at, no event to wait for
        await asyncio.sleep(0.02)
    yield app.settings.base_url
    server.should_exit = True
    await task


async def shot(page: Any, name: str) -> None:
    """A picture of the whole page in the folder NURTURE_TEST_SHOTS, where it is set."""
    if folder := os.environ.get("NURTURE_TEST_SHOTS"):
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)
