"""View in browser, the public archive and its feeds: nothing of a person, nothing that counts, nothing that acts."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from nurture.definitions.loading import load_text
from nurture.domain.tokens import Purpose
from nurture.services.defining import apply
from nurture.services.erasing import erase
from nurture.services.publishing import publish
from nurture.store.documents import letter_catalogue
from nurture.store.tables import METADATA
from tests.api.conftest import House
from tests.api.test_public import everything_but_events
from tests.support.ledger import add_delivery, rows_of
from tests.support.people import NOW, add_people

SCHOOL = """
policy: default
sender: {name: Anna & Co, address: anna@example.com}
postal_address: 12 Slate Lane, 10115 Berlin
---
sequence: school
letters:
  - id: five
    kind: useful
    subject: "{{ first_name | default('Hello') }}, five questions <first>"
    preheader: Ten minutes now
    archive: true
    body: |
      Dear {{ name | default('reader') }}, mail to {{ email }}, you live in {{ fields.town | default('town') }}.

      [Ask them](https://example.com/five?who={{ email }})

      [In the browser]({{ archive_url }}) [Leave]({{ unsubscribe_url }})

      <script>alert(1)</script><p onclick="alert(2)">Tap</p>
  - id: private
    kind: useful
    subject: Only for you
    body: "{{ first_name }}, not for all."
"""
OWN = ("Mia", "mia@example.org", "Ulm", "2025")
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"  # a link may open a page of its own: no script, no form, no origin of ours


@pytest.fixture
async def mia(house: House) -> int:
    """Mia, who got the first letter."""
    await written(house, SCHOOL)
    [person] = await add_people(house.app.db, "mia@example.org", name="Mia Fir", first_name="Mia", fields={"town": "Ulm"}, joined_at=datetime(2025, 3, 4, tzinfo=UTC))
    return person


async def written(house: House, text: str) -> None:
    loaded = load_text(text, "school.yaml")
    assert not loaded.faults
    await apply(house.app.db, loaded.documents, house.clock(), templates=house.app.templates)


async def sent(house: House, person: int, letter: str = "school/five", **more: Any) -> str:
    """The path of the letter in the browser."""
    async with house.app.db.read() as tx:
        row = (await letter_catalogue(tx))[letter]
    delivery = await add_delivery(house.app.db, person, (row.id, row.version_id), **more)
    return f"/archive/{house.token(Purpose.ARCHIVE, delivery, person, row.version_id)}"


async def published(house: House) -> int:
    return await publish(house.app.db, house.clock(), house.app.settings.base_url)


async def test_its_reader_sees_the_letter_and_nothing_counts(house: House, mia: int) -> None:
    path = await sent(house, mia)
    page = await house.client.get(path)
    assert (page.status_code, page.headers["referrer-policy"], page.headers["cache-control"]) == (200, "no-referrer", "no-store")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert "Mia, five questions &lt;first&gt;" in page.text
    assert "Ulm" not in page.text
    framed = await house.client.get(f"{path}/letter")
    policy = framed.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "script" not in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy + page.text
    for own in ("Dear Mia Fir", "mia@example.org", "Ulm", "since 2025-03-04", 'href="https://example.com/five?who=mia%40example.org"'):
        assert own in framed.text
    for thing in ("/o/", "/c/", "/u/", "/preferences/", "<script", "onclick", "alert"):
        assert thing not in framed.text, thing
    assert "set-cookie" not in framed.headers
    assert (framed.headers["cache-control"], framed.headers["referrer-policy"]) == ("no-store", "no-referrer")


async def test_looking_is_an_event_and_nothing_else(house: House, mia: int) -> None:
    path = await sent(house, mia)
    await published(house)
    before = await everything_but_events(house)
    for _ in range(5):
        for method in ("GET", "HEAD"):
            for where in (path, f"{path}/letter", "/archive", "/archive/letters/school/five", "/archive/framed/school/five", "/archive/feed.xml", "/archive/feed.json"):
                assert (await house.client.request(method, where)).status_code == 200, where
    for where in (path, "/archive", "/archive/letters/school/five"):
        assert (await house.client.post(where)).status_code == 405
    await house.folded()
    assert await everything_but_events(house) == before
    assert {(e["type"], e["name"], e["subscriber_id"]) for e in await rows_of(house.app.db, "events")} == {("visited", "archive", mia)}


async def test_after_erasure_the_page_is_anybodys(house: House, mia: int) -> None:
    path = await sent(house, mia)
    await erase(house.app.db, mia, house.clock())
    for where in (path, f"{path}/letter"):
        page = await house.client.get(where)
        assert (page.status_code, "not shown any more" in page.text) == (200, True)
        assert not any(own in page.text for own in OWN)
    await house.folded()
    assert await rows_of(house.app.db, "events") == []


async def test_strange_tokens_get_what_all_wrong_tokens_get(house: House, mia: int) -> None:
    path = await sent(house, mia)
    wrong = (await house.client.get("/u/x")).content
    [letter] = await rows_of(house.app.db, "deliveries")
    other = house.token(Purpose.PREFERENCES, letter["id"], mia, letter["version_id"])
    for where in (path[:-1] + ("A" if path[-1] != "A" else "B"), f"/archive/{other}", "/archive/x/y/z", "/archive/letters/", "/archive/letters/school/private", "/archive/framed/no"):
        answer = await house.client.get(where)
        assert (answer.status_code, answer.content) == (404, wrong), where
    [eva] = await add_people(house.app.db, "eva@example.org")
    for stranger in (eva, 999_999):
        swapped = house.token(Purpose.ARCHIVE, letter["id"], stranger, letter["version_id"])
        assert "not shown any more" in (await house.client.get(f"/archive/{swapped}")).text


async def test_a_service_letter_is_not_shown(house: House, mia: int) -> None:
    path = await sent(house, mia, kind="service")
    assert "not shown any more" in (await house.client.get(path)).text


async def test_only_marked_letters_that_have_left_are_public_and_name_nobody(house: House, mia: int) -> None:
    assert await published(house) == 0
    assert "Nothing has been published yet" in (await house.client.get("/archive")).text
    await sent(house, mia, state="pending")
    await sent(house, mia, "school/private", accepted_at=NOW)
    assert await published(house) == 0
    house.clock.forward(days=3)
    await sent(house, mia, accepted_at=NOW + timedelta(days=2))
    assert (await published(house), await published(house)) == (1, 0)
    listing = await house.client.get("/archive")
    assert [word in listing.text for word in ("/archive/letters/school/five", "Five questions &lt;first&gt;", "Ten minutes now", "Only for you")] == [True, True, True, False]
    page, framed = await house.client.get("/archive/letters/school/five"), await house.client.get("/archive/framed/school/five")
    assert re.findall(r"<iframe[^>]*sandbox=\"([^\"]*)\"", page.text) == [SANDBOX]
    policy = framed.headers["content-security-policy"].split("; ")
    assert {f"sandbox {SANDBOX}", "default-src 'none'", "frame-ancestors 'self'"} <= set(policy)
    assert not any("script" in part for part in policy)
    assert f'datetime="{(NOW + timedelta(days=2)).date()}"' in page.text
    assert "Dear reader, mail to , you live in town." in framed.text
    feeds = [await house.client.get(f"/archive/feed.{kind}") for kind in ("xml", "json")]
    for answer in (listing, page, framed, *feeds):
        assert not any(own in answer.text for own in OWN)
        assert not any(thing in answer.text for thing in ("/o/", "/c/", "/u/", "/preferences/", "Leave<", "In the browser", "<script", "onclick", "alert("))
        assert not any(house.token(p, 1, mia, 1)[:20] in answer.text for p in Purpose)
    assert 'href="https://example.com/five?who="' in framed.text


async def test_unmarked_it_is_gone_and_edited_it_follows_at_its_old_address(house: House, mia: int) -> None:
    await sent(house, mia)
    await published(house)
    house.clock.forward(days=40)
    await written(house, SCHOOL.replace("Ten minutes now", "Twenty minutes").replace("Dear", "Good day"))
    await published(house)
    assert "Good day reader" in (await house.client.get("/archive/framed/school/five")).text
    assert [(p["slug"], p["summary"], p["at"]) for p in await rows_of(house.app.db, "publications")] == [("school/five", "Twenty minutes", NOW)]
    await written(house, SCHOOL.replace("archive: true", "archive: false"))
    await published(house)
    for where in ("/archive/letters/school/five", "/archive/framed/school/five"):
        assert (await house.client.get(where)).status_code == 404
    assert "school/five" not in "".join([(await house.client.get(p)).text for p in ("/archive", "/archive/feed.xml", "/archive/feed.json")])


async def test_each_occasion_of_a_campaign_has_its_page(house: House, mia: int) -> None:
    news = "campaign: weekly\nsegment: all\nschedule: {weekly: tue}\nletter: {id: news, kind: news, subject: Edition 1, archive: true, body: First words.}\n"
    await written(house, "segment: all\nwhere: {status: subscribed}\n---\n" + news)
    [campaign] = await rows_of(house.app.db, "documents", type="campaign")
    table = METADATA.tables["occasions"]

    async def occasion(number: int, ended: bool) -> None:
        at = NOW + timedelta(days=7 * number)
        async with house.app.db.write() as tx:
            values = {"campaign_id": campaign["id"], "number": number, "nominal": at.date(), "opens_at": at, "filled_at": at, "ended_at": at if ended else None}
            await tx.execute(table.insert().values(**values))

    await occasion(1, ended=False)
    house.clock.forward(days=8)
    assert await published(house) == 0
    await sent(house, mia, "weekly/news", accepted_at=house.clock())
    assert await published(house) == 1
    async with house.app.db.write() as tx:
        await tx.execute(table.update().values(ended_at=house.clock()))
    await written(house, news.replace("Edition 1", "Edition 2").replace("First", "Second"))
    assert await published(house) == 0  # the next edition is no correction of the last one
    await occasion(2, ended=False)
    house.clock.forward(days=7)
    await sent(house, mia, "weekly/news", accepted_at=house.clock())
    assert await published(house) == 1
    first, second = ((NOW + timedelta(days=7 * n)).date().isoformat() for n in (1, 2))
    assert [(p["slug"], p["title"]) for p in await rows_of(house.app.db, "publications")] == [(f"weekly/news/{first}", "Edition 1"), (f"weekly/news/{second}", "Edition 2")]
    assert "First words" in (await house.client.get(f"/archive/framed/weekly/news/{first}")).text


async def test_the_feeds_are_valid(house: House, mia: int) -> None:
    for answer in [await house.client.get(f"/archive/feed.{kind}") for kind in ("xml", "json")]:
        assert answer.status_code == 200  # an empty archive has feeds too
    await sent(house, mia)
    await published(house)
    base = house.app.settings.base_url.rstrip("/")
    rss = await house.client.get("/archive/feed.xml")
    assert rss.headers["content-type"] == "application/rss+xml; charset=utf-8"
    root = ET.fromstring(rss.content)
    assert (root.tag, root.attrib) == ("rss", {"version": "2.0"})
    channel = root.find("channel")
    assert channel is not None
    assert [channel.findtext(n) for n in ("title", "link", "language")] == ["Anna & Co", f"{base}/archive", "en"]
    itself = channel.find("{http://www.w3.org/2005/Atom}link")
    assert itself is not None
    assert itself.attrib == {"href": f"{base}/archive/feed.xml", "rel": "self", "type": "application/rss+xml"}
    [item] = channel.findall("item")
    assert item.findtext("guid") == item.findtext("link") == f"{base}/archive/letters/school/five"
    assert parsedate_to_datetime(item.findtext("pubDate") or "") == NOW
    assert item.findtext("title") == "Five questions <first>"
    assert "Dear reader" in (item.findtext("{http://purl.org/rss/1.0/modules/content/}encoded") or "")
    feed = json.loads((await house.client.get("/archive/feed.json")).content)
    assert (feed["version"], feed["feed_url"]) == ("https://jsonfeed.org/version/1.1", f"{base}/archive/feed.json")
    assert [(i["id"], i["url"], i["title"], i["date_published"]) for i in feed["items"]] == [(f"{base}/archive/letters/school/five", f"{base}/archive/letters/school/five", "Five questions <first>", NOW.isoformat())]
    assert (await house.client.get(urlsplit(feed["items"][0]["url"]).path)).status_code == 200


async def test_public_pages_may_be_kept_and_are_asked_for_cheaply(house: House, mia: int) -> None:
    await sent(house, mia)
    await published(house)
    for where in ("/archive", "/archive/letters/school/five", "/archive/framed/school/five", "/archive/feed.xml", "/archive/feed.json"):
        whole = await house.client.get(where)
        assert whole.headers["cache-control"] == "public, max-age=300", where
        again = await house.client.get(where, headers={"If-None-Match": whole.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", whole.headers["etag"]), where
        assert (await house.client.get(where, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_the_list_goes_on_page_by_page(house: House, mia: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nurture.services.publishing.PAGE_OF_LIST", 2)
    await sent(house, mia)
    await published(house)
    [page] = await rows_of(house.app.db, "publications")
    async with house.app.db.write() as tx:
        rows = [page | {"id": 100 + n, "slug": f"school/five-{n}", "at": NOW - timedelta(days=n)} for n in range(4)]
        await tx.execute(METADATA.tables["publications"].insert(), rows)
    seen: list[str] = []
    where = "/archive"
    while where:
        text = (await house.client.get(where)).text
        seen += [part.partition('"')[0] for part in text.split('href="/archive/letters/')[1:]]
        where = text.split('rel="next" href="')[1].partition('"')[0] if 'rel="next"' in text else ""
    assert sorted(seen) == sorted(["school/five", *(f"school/five-{n}" for n in range(4))])
    for odd in ("x", "-1", "9" * 30, "999999"):
        assert (await house.client.get("/archive", params={"before": odd})).status_code == 200
