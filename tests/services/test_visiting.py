"""`lint --online`: every link is really visited, over HTTP, on a server of this test."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nurture.definitions.loading import load_text
from nurture.services import visiting
from nurture.services.visiting import Visit, check_links, visit_all


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Pages)
        self.asked: Counter[tuple[str, str]] = Counter()
        self.inside = self.most_inside = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Pages(BaseHTTPRequestHandler):
    server: Site

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        with self.server.lock:
            self.server.asked[self.command, self.path] += 1
            self.server.inside += 1
            self.server.most_inside = max(self.server.most_inside, self.server.inside)
        path = self.path.partition("?")[0]
        if path == "/hangs-up-on-head" and self.command == "HEAD":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif path == "/silent":
            time.sleep(1)
        else:
            self.say(path)
        with self.server.lock:
            self.server.inside -= 1

    def say(self, path: str) -> None:
        if path.startswith("/slow"):
            time.sleep(0.03)
        moved = {"/moved": "/there", "/moved-away": "/gone", "/round": "/round", "/outside-in": "http://10.0.0.1/"}
        status = {"/gone": 404, "/broken": 500, "/robots-unwelcome": 403, "/busy": 429}.get(path, 302 if path in moved else 200)
        if path == "/no-head" and self.command == "HEAD":
            status = 405
        if path == "/no-head-at-all" and self.command == "HEAD":
            status = 404
        self.send_response(status)
        if path in moved:
            self.send_header("Location", moved[path])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *said: object) -> None:
        """Tests read what was asked."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def trouble(link: str, **more: float) -> str | None:
    return (await visit_all([link], allow_private=True, **more))[0].trouble


@pytest.mark.parametrize(
    "path",
    ["/there", "/moved", "/no-head", "/no-head-at-all", "/hangs-up-on-head", "/robots-unwelcome", "/busy", "/ü?a=ж", "/a%20b", "", "/x?q=1&r=2#part"],
)
async def test_what_a_reader_can_open_is_left_in_peace(site: Site, path: str):
    assert await trouble(site.url + path) is None


@pytest.mark.parametrize(
    ("path", "words"),
    [("/gone", "404 Not Found"), ("/broken", "500"), ("/moved-away", "404"), ("/round", "circles")],
)
async def test_what_leads_nowhere_is_told(site: Site, path: str, words: str):
    assert words in (await trouble(site.url + path) or "")


async def test_it_asks_by_head_and_by_get_only_where_it_must(site: Site):
    await visit_all([f"{site.url}/there", f"{site.url}/gone"], allow_private=True)
    assert site.asked == {("HEAD", "/there"): 1, ("HEAD", "/gone"): 1, ("GET", "/gone"): 1}


async def test_a_silent_server_a_closed_door_and_a_name_that_is_none(site: Site):
    assert "within 0.2 seconds" in (await trouble(f"{site.url}/silent", time_limit=0.2) or "")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert "refused" in (await trouble(f"http://127.0.0.1:{closed.getsockname()[1]}/") or "")
    for link in ("http://no-such-host.invalid/", "http://[broken/", "http://example.com:99999/", "http:///x", "http://a..b/"):
        assert await trouble(link), link


async def test_many_links_are_visited_side_by_side_but_eight_at_most(site: Site):
    visits = await visit_all([f"{site.url}/slow{n}" for n in range(24)], allow_private=True)
    assert [v.trouble for v in visits] == [None] * 24
    assert 2 <= site.most_inside <= visiting.AT_ONCE


async def test_no_door_inside_the_house_is_knocked_at(site: Site):
    for link in (site.url, "http://localhost:1/", "http://10.1.2.3/", "http://169.254.169.254/latest", "http://[::1]/", "http://0.0.0.0/"):
        assert await visit_all([link]) == [Visit(link, "leads into a private network, where no reader can go", private=True)]
    assert site.asked == {}


LETTER = """
letter: faq
kind: useful
subject: "{{{{ first_name | default('Hello') }}}}, moss"
call_to_action: {site}/there
body: |
  Hello {{{{ first_name | default('you') }}}},

  [fine]({site}/there?utm_source=x) and
  [gone]({site}/gone) and [yours]({site}/gone?name={{{{ first_name | default('x') }}}})
  and [own]({site}/{{{{ fields.city | default('x') }}}}) and [inside](http://10.1.2.3/x)
"""


async def test_a_dead_link_is_told_at_its_line(site: Site, tmp_path: Path):
    loaded = load_text(LETTER.format(site=site.url))
    dead = [f for f in await check_links(loaded.documents, tmp_path, allow_private=True, time_limit=0.2) if "10.1.2.3" not in f.message]
    assert [(f.line, f.rule, f.level) for f in dead] == [(10, "dead-link", "warning")]
    assert not any("city" in path or "{" in path for _, path in site.asked)
    inside = await check_links(loaded.documents, tmp_path)
    assert {(f.line, f.rule) for f in inside} == {(5, "private-link"), (9, "private-link"), (10, "private-link"), (11, "private-link")}
