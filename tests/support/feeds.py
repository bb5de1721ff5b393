"""A site with a feed: a real HTTP server on this machine that says what it is told."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from html import escape

ATOM = '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><id>urn:feed</id><updated>2026-03-01T00:00:00Z</updated>{}</feed>'
RSS = '<?xml version="1.0"?>\n<rss version="2.0"><channel><title>News</title><link>https://example.com</link><description>x</description>{}</channel></rss>'


def entry(key: str, title: str, at: str = "2026-03-01T10:00:00Z", link: str | None = None, summary: str = "") -> str:
    where = link if link is not None else f"https://example.com/{key}"
    return (
        f"<entry><id>{escape(key)}</id><title>{escape(title)}</title><updated>{at}</updated>"
        f'<link href="{escape(where)}"/><summary type="html">{escape(summary)}</summary></entry>'
    )


@dataclass
class Site:
    """`page`: what it answers; `status`; `moves`: where to, by path; `asked`: the paths that were asked for."""

    port: int = 0
    page: bytes = b""
    status: int = 200
    moves: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/feed.xml"

    def say(self, *entries: str) -> None:
        self.page = ATOM.format("".join(entries)).encode()


@contextmanager
def site() -> Iterator[Site]:
    kept = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept.asked.append(self.path)
            if self.path in kept.moves:
                self.send_response(302)
                self.send_header("Location", kept.moves[self.path])
                self.end_headers()
                return
            self.send_response(kept.status)
            self.send_header("Content-Type", "application/atom+xml")
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(kept.page)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
