"""Feeds: read over a real connection, bounded, never from a private address, and never more than words and addresses."""

import pytest

from nurture.domain.errors import NurtureError
from nurture.hooks.feeds import read_items
from nurture.hooks.fetching import fetch
from tests.support.feeds import ATOM, RSS, entry, site


async def test_a_page_is_read_and_redirects_are_looked_at_anew() -> None:
    with site() as there:
        there.say(entry("one", "First"))
        assert await fetch(there.url, loopback=True) == there.page
        there.moves = {"/old": there.url}
        assert await fetch(f"http://127.0.0.1:{there.port}/old", loopback=True) == there.page
        there.moves = {"/feed.xml": "https://10.0.0.1/feed.xml"}
        with pytest.raises(NurtureError, match=r"10\.0\.0\.1 is refused"):
            await fetch(there.url, loopback=True)
        there.moves = {"/feed.xml": "/feed.xml"}
        with pytest.raises(NurtureError, match="sends on and on"):
            await fetch(there.url, loopback=True)
        assert len(there.asked) == 1 + 2 + 1 + 4


async def test_what_must_not_be_called_is_not() -> None:
    with site() as there:
        there.say(entry("one", "First"))
        for url, says in (
            (there.url, "goes over https"), (f"https://127.0.0.1:{there.port}/", "is refused"), ("https://192.168.1.1/feed", "is refused"),
            ("https://[::1]/feed", "is refused"), ("https://169.254.169.254/latest", "is refused"), ("file:///etc/passwd", "is written"),
        ):  # fmt: skip
            with pytest.raises(NurtureError, match=says):
                await fetch(url)
        assert there.asked == []


async def test_size_and_status_are_bounds() -> None:
    with site() as there:
        there.page = b"x" * 50_000
        with pytest.raises(NurtureError, match="longer than 10,000 bytes"):
            await fetch(there.url, loopback=True, most=10_000)
        there.status = 503
        with pytest.raises(NurtureError, match="answers 503"):
            await fetch(there.url, loopback=True)
    with pytest.raises(NurtureError, match="cannot be read"):
        await fetch(there.url, loopback=True)


def test_atom_and_rss_become_items() -> None:
    page = ATOM.format(entry("one", "Tom & Jerry <b>here</b>", "2026-03-01T10:00:00Z", summary="<p>Some <i>words</i></p><script>x()</script>"))
    [found] = read_items(page.encode())
    assert (found.key, found.title, found.link, found.summary) == ("one", "Tom & Jerry here", "https://example.com/one", "Some words")
    assert found.at is not None
    assert found.at.isoformat() == "2026-03-01T10:00:00+00:00"
    rss = RSS.format("<item><title>Two</title><link>https://example.com/2</link><guid>g2</guid><pubDate>Tue, 03 Mar 2026 10:00:00 GMT</pubDate></item>")
    [other] = read_items(rss.encode())
    assert (other.key, other.title, other.link) == ("g2", "Two", "https://example.com/2")


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "https://user:pw@example.com/", "//example.com/x", 'https://exa"mple.com/', "mailto:a@example.com"]
)
def test_only_web_addresses_are_links(link: str) -> None:
    [found] = read_items(ATOM.format(entry("one", "First", link=link)).encode())
    assert found.link == ""


def test_a_link_holds_nothing_that_could_end_it() -> None:
    [found] = read_items(ATOM.format(entry("one", "x", link='https://example.com/a b)"><{{x}}')).encode())
    assert not set(found.link) & set(' )"<>{}')


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss version="2.0"><channel><title>&b;</title></channel></rss>', "entities of its own"),
        (b"<html><body>Not found</body></html>", "no RSS or Atom feed"),
        (b"\x00\x01\x02", "no RSS or Atom feed"),
        (b"", "no RSS or Atom feed"),
    ],
)
def test_what_is_no_feed_says_so(page: bytes, says: str) -> None:
    with pytest.raises(NurtureError, match=says):
        read_items(page)


def test_texts_are_bounded() -> None:
    [found] = read_items(ATOM.format(entry("one", "word " * 500, summary="word " * 500)).encode())
    assert len(found.title) <= 300
    assert len(found.summary) <= 600
    assert len(read_items(ATOM.format("".join(entry(f"k{n}", "t") for n in range(500))).encode())) == 200


