"""What letters link to: it works always, gives nothing away, and only a POST changes anything."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError

from api.app import create_app
from api.public.recording import Recorder
from nurture.domain.evidence import Hit
from nurture.domain.tokens import Purpose, read
from nurture.services.tracking import Received, to_line
from nurture.store.tables import METADATA
from tests.api.conftest import House, client_of
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import NOW, add_people

EVERY = [Purpose.OPEN, Purpose.CLICK, Purpose.LEAVE, Purpose.PREFERENCES]


def path_of(purpose: Purpose, token: str, link: int = 0) -> str:
    return {
        Purpose.OPEN: f"/o/{token}.gif", Purpose.CLICK: f"/c/{token}/{link}", Purpose.LEAVE: f"/u/{token}",
        Purpose.PREFERENCES: f"/preferences/{token}",
    }[purpose]  # fmt: skip


async def letter_for(house: House, email: str = "anna@example.com", *, letter: str = "school/first", **columns: Any) -> dict[Purpose, str]:
    """The tokens of a letter that Anna got just now."""
    [person] = await add_people(house.app.db, email, **columns)
    found = await add_letter(house.app.db, letter)
    delivery = await add_delivery(house.app.db, person, found)
    return {purpose: house.token(purpose, delivery, person, found[1]) for purpose in EVERY}


async def everything_but_events(house: House) -> dict[str, Any]:
    return {name: await rows_of(house.app.db, name) for name in METADATA.tables if name != "events"}


async def test_an_open_and_a_click_become_events(house: House) -> None:
    tokens = await letter_for(house)
    house.clock.forward(hours=1)
    pixel = await house.client.get(path_of(Purpose.OPEN, tokens[Purpose.OPEN]))
    assert (pixel.status_code, pixel.headers["content-type"], len(pixel.content)) == (200, "image/gif", 43)
    assert "no-store" in pixel.headers["cache-control"]
    click = await house.client.get(path_of(Purpose.CLICK, tokens[Purpose.CLICK], 1))
    assert (click.status_code, click.headers["location"]) == (302, "https://example.com/b")
    await house.folded()
    events = await rows_of(house.app.db, "events")
    assert [(e["type"], e["evidence"], e["link"], e["ip"], e["url"]) for e in events] == [
        ("opened", "human", None, "203.0.113.9", None), ("clicked", "human", 1, "203.0.113.9", "https://example.com/b"),
    ]  # fmt: skip
    assert not house.client.cookies


async def test_a_merge_field_in_a_link_is_filled_for_the_person(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.public.targets.WITHIN", 2.0)  # not about time: a busy machine may take longer to open a connection
    tokens = await letter_for(house, first_name="Änne & Co")
    click = await house.client.get(path_of(Purpose.CLICK, tokens[Purpose.CLICK], 2))
    assert click.headers["location"] == "https://example.com/c?who=%C3%84nne%20%26%20Co&x=1"


async def test_fifty_looks_change_nothing_but_events(house: House) -> None:
    """Link scanners fetch everything, GET and HEAD, again and again."""
    tokens = await letter_for(house)
    before = await everything_but_events(house)
    calls = [
        house.client.request(method, path_of(purpose, tokens[purpose]), headers={"User-Agent": agent})
        for purpose in EVERY for method in ("GET", "HEAD") for agent in ("Barracuda Sentinel", "Mozilla/5.0", "") for _ in range(9)
    ]  # fmt: skip
    answers = await asyncio.gather(*calls)
    assert {a.status_code for a in answers} == {200, 302}
    assert not any("set-cookie" in a.headers for a in answers)
    await house.folded()
    assert await everything_but_events(house) == before
    events = await rows_of(house.app.db, "events")
    assert len(events) == len(answers)
    assert "human" not in {e["evidence"] for e in events if e["type"] != "opened"}


async def test_every_wrong_token_gets_the_same_bytes(small_house: House) -> None:
    house = small_house
    tokens = await letter_for(house)
    good = tokens[Purpose.CLICK]
    raw = bytearray(base64.urlsafe_b64decode(good))
    mutated = []
    for at in range(33):
        changed = raw.copy()
        changed[at] ^= 1 << (at % 8)
        mutated.append(base64.urlsafe_b64encode(changed).decode())
    wrong = [path_of(p, t) for t in mutated for p in EVERY]
    wrong += [path_of(p, tokens[q]) for p in EVERY for q in EVERY if p is not q]
    wrong += [path_of(p, t) for p in EVERY for t in ("", "x", good[:-1], good + "A", good + "=", "a" * 44, "%00" * 44, "é" * 44)]
    wrong += [path_of(Purpose.CLICK, good, n) for n in (3, 999, 10**30)] + [f"/c/{good}", f"/c/{good}/x", f"/c/{good}/-1", "/u/a/b/c"]
    answers = [await house.client.get(path) for path in wrong]
    assert {a.status_code for a in answers} == {404}
    assert len({a.content for a in answers}) == 1
    assert [(await house.client.post(path_of(p, mutated[7]))).status_code for p in (Purpose.LEAVE, Purpose.PREFERENCES)] == [404, 404]
    await house.folded()
    assert await rows_of(house.app.db, "events") == []


BODIES: dict[str, dict[str, Any]] = {
    "urlencoded": {"data": {"List-Unsubscribe": "One-Click"}},
    "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
    "nothing": {},
    "something else": {"content": b"\xff\x00 whatever", "headers": {"Content-Type": "text/weird"}},
    "broken multipart": {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
}


@pytest.mark.parametrize("body", BODIES)
async def test_one_post_leaves_everything(house: House, body: str) -> None:
    tokens = await letter_for(house)
    async with client_of(house.api) as client:
        answers = [await client.post(path_of(Purpose.LEAVE, tokens[Purpose.LEAVE]), **BODIES[body]) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert "set-cookie" not in answers[0].headers
    [person] = await rows_of(house.app.db, "subscribers")
    assert person["status"] == "unsubscribed"
    assert len(await rows_of(house.app.db, "consents")) == 1
    assert [e["type"] for e in await rows_of(house.app.db, "events")] == ["left"]


async def test_the_leave_page_asks_first_in_the_readers_language(house: House) -> None:
    tokens = await letter_for(house, locale="pl")
    page = await house.client.get(path_of(Purpose.LEAVE, tokens[Purpose.LEAVE]))
    assert page.status_code == 200
    assert 'lang="pl"' in page.text
    assert '<form method="post"' in page.text
    assert "<script" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert [r["status"] for r in await rows_of(house.app.db, "subscribers")] == ["subscribed"]


async def test_preferences_work_by_post_alone(house: House) -> None:
    tokens = await letter_for(house)
    path = path_of(Purpose.PREFERENCES, tokens[Purpose.PREFERENCES])
    for choice, column, value in (("useful", "kinds", "useful"), ("less", "frequency", "less")):
        page = await house.client.post(path, data={"choice": choice})
        assert page.status_code == 200
        assert 'role="status"' in page.text
        house.clock.forward(seconds=1)
        [person] = await rows_of(house.app.db, "subscribers")
        assert person[column] == value
    await house.client.post(path, data={"choice": "pause"})
    [person] = await rows_of(house.app.db, "subscribers")
    assert (person["paused_until"] - house.clock()).days == 30
    before = await everything_but_events(house)
    for odd in ({"choice": "everything"}, {}, {"other": "x"}, {"choice": "leave", "why": "x" * 4096}):
        assert (await house.client.post(path, data=odd)).status_code == 200
    assert await everything_but_events(house) == before
    await house.client.post(path, data={"choice": "leave"})
    assert [r["status"] for r in await rows_of(house.app.db, "subscribers")] == ["unsubscribed"]
    assert 'value="useful"' not in (await house.client.get(path)).text


async def test_nobody_fills_the_consent_log_by_pressing_without_end(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.public.routes.BY_PERSON", 3)
    async with client_of(create_app(small_house.app)) as client:
        anna, bob = await letter_for(small_house), await letter_for(small_house, "bob@example.com", letter="school/second")
        path = path_of(Purpose.PREFERENCES, anna[Purpose.PREFERENCES])
        pressed = [await client.post(path, data={"choice": choice}) for choice in ("useful", "all", "less")]
        pressed += [await client.post(path, data={"choice": "normal"}), await client.post(path.replace("preferences", "stay"))]
        assert [(a.status_code, a.headers.get("retry-after")) for a in pressed] == [(200, None)] * 3 + [(429, "3600")] * 2
        assert (await client.post(path_of(Purpose.PREFERENCES, bob[Purpose.PREFERENCES]), data={"choice": "less"})).status_code == 200
        assert len(await rows_of(small_house.app.db, "consents")) == 4
        left = await client.post(path, data={"choice": "leave"})  # always
        assert (left.status_code, (await client.post(path_of(Purpose.LEAVE, anna[Purpose.LEAVE]))).status_code) == (200, 200)
        assert [p["status"] for p in await rows_of(small_house.app.db, "subscribers")] == ["unsubscribed", "subscribed"]


async def test_links_lead_on_for_ever_also_for_the_erased(house: House) -> None:
    letter = await add_letter(house.app.db)
    token = house.token(Purpose.CLICK, 999_999, 888_888, letter[1])
    answer = await house.client.get(path_of(Purpose.CLICK, token, 2))
    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/c?who=&x=1")
    leaving = await house.client.post(path_of(Purpose.LEAVE, house.token(Purpose.LEAVE, 999_999, 888_888, letter[1])))
    assert leaving.status_code == 200
    await house.folded()
    assert await rows_of(house.app.db, "events") == []


async def test_everything_works_while_the_database_is_away(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known links lead on, hits and the wish to leave are kept and count as soon as the database is back."""
    house = small_house
    tokens = await letter_for(house)
    await house.client.get(path_of(Purpose.CLICK, tokens[Purpose.CLICK]))
    await house.folded()
    house.clock.forward(hours=1)

    @contextlib.asynccontextmanager
    async def away(_self: object) -> AsyncIterator[None]:
        raise OperationalError("SELECT 1", {}, OSError("connection refused"))
        yield

    with monkeypatch.context() as broken:
        broken.setattr("nurture.store.database.Database.read", away)
        broken.setattr("nurture.store.database.Database.write", away)
        from api.app import create_app  # noqa: PLC0415 - a fresh process knows only the file of targets

        fresh = create_app(house.app)
        async with client_of(fresh) as client:
            click = await client.get(path_of(Purpose.CLICK, tokens[Purpose.CLICK], 2))
            assert (click.status_code, click.headers["location"]) == (302, "https://example.com/c?who=&x=1")
            assert (await client.get(path_of(Purpose.OPEN, tokens[Purpose.OPEN]))).status_code == 200
            assert (await client.post(path_of(Purpose.LEAVE, tokens[Purpose.LEAVE]))).status_code == 200
            assert (await client.get(path_of(Purpose.LEAVE, tokens[Purpose.LEAVE]))).status_code == 200
            assert (await client.get("/health/ready")).status_code == 503
            assert (await client.get("/health/live")).status_code == 200
            unknown = house.token(Purpose.CLICK, 1, 1, 77)
            assert (await client.get(path_of(Purpose.CLICK, unknown))).status_code == 503
    await fresh.state.recorder.fold_now()
    await fresh.state.recorder.close()
    assert [r["status"] for r in await rows_of(house.app.db, "subscribers")] == ["unsubscribed"]
    assert sorted(e["type"] for e in await rows_of(house.app.db, "events")) == ["clicked", "clicked", "left", "opened", "visited"]


async def test_the_file_of_targets_never_goes_before_the_database(small_house: House) -> None:
    """After a backup was restored, the numbers of letters made since are given to other letters."""
    house = small_house
    tokens = await letter_for(house)
    token = read(tokens[Purpose.CLICK], Purpose.CLICK, house.app.keys)
    assert token is not None
    file = house.app.settings.data_dir / "spool" / "targets.jsonl"
    file.parent.mkdir(exist_ok=True)
    lost = token.version + 1
    lines = [{"version": token.version, "links": ["https://old.example/"]}, {"version": lost, "links": ["https://a.example/"]}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for _ in range(2):
        click = await house.client.get(path_of(Purpose.CLICK, tokens[Purpose.CLICK], 1))
        assert click.headers["location"] == "https://example.com/b"
    unknown = await house.client.get(path_of(Purpose.CLICK, house.token(Purpose.CLICK, 9, 9, lost)))
    assert unknown.headers["location"] == "https://a.example/"  # a letter that the backup does not know still leads on


async def test_a_kept_wish_to_leave_goes_before_all_hits(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever waits beside it, and whatever cannot be folded: the next letter must not go out first."""
    house = small_house
    tokens = await letter_for(house)
    token = read(tokens[Purpose.LEAVE], Purpose.LEAVE, house.app.keys)
    assert token is not None
    spool = house.app.settings.data_dir / "spool"
    spool.mkdir(exist_ok=True)
    (spool / "hits-1-a.jsonl").write_text(
        "".join(to_line(Received(f"u{n}", token.delivery, token.subscriber, 1, Hit(NOW))) + "\n" for n in range(99))
    )
    (spool / "hits-2-b.jsonl").write_text('{"leave": "what"\n')
    recorder = Recorder(house.app, CollectorRegistry())

    async def broken(*_: object) -> int:
        raise ValueError("a hit that no database takes")

    with monkeypatch.context() as patched:
        patched.setattr("api.public.recording.record_hits", broken)
        await recorder.wish_to_leave(token, "leave-link", "203.0.113.5")
        with pytest.raises(ValueError, match="no database"):
            await recorder.fold_now()
    assert [r["status"] for r in await rows_of(house.app.db, "subscribers")] == ["unsubscribed"]
    await recorder.close()
    assert len(await rows_of(house.app.db, "events")) == 100


async def test_a_full_disk_costs_the_count_not_the_visitor(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = await letter_for(small_house)

    async def full(_self: object, _line: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nurture.store.spool.Spool.append", full)
    answer = await small_house.client.get(path_of(Purpose.CLICK, tokens[Purpose.CLICK]))
    assert answer.status_code == 302


async def test_media_is_served_by_its_hash_and_pictures_that_script_are_caged(small_house: House) -> None:
    async with small_house.app.db.write() as tx:
        rows = [{"hash": "a1", "type": "image/png", "data": b"png"}, {"hash": "b2", "type": "image/svg+xml", "data": b"<svg/>"}]
        await tx.execute(METADATA.tables["media"].insert(), rows)
    png, svg = await small_house.client.get("/media/a1"), await small_house.client.get("/media/b2")
    assert (png.content, png.headers["content-type"], png.headers["x-content-type-options"]) == (b"png", "image/png", "nosniff")
    assert "immutable" in png.headers["cache-control"]
    assert svg.headers["content-security-policy"].startswith("sandbox")
    assert (await small_house.client.get("/media/zz")).status_code == 404


async def test_hits_reach_the_database_by_themselves(small_house: House) -> None:
    """Without anybody asking: the folder beside the server wakes up."""
    tokens = await letter_for(small_house)
    await asyncio.gather(*(small_house.client.get(path_of(Purpose.OPEN, tokens[Purpose.OPEN])) for _ in range(50)))
    async with asyncio.timeout(10):
        while len(await rows_of(small_house.app.db, "events")) < 50:  # noqa: ASYNC110 - there is no event to wait for: the test looks from outside
            await asyncio.sleep(0.02)  # the folder beside the server tells nobody when it is done


async def test_what_a_dead_process_left_is_taken_up_at_the_next_start(small_house: House) -> None:
    house = small_house
    tokens = await letter_for(house)
    spool = house.app.settings.data_dir / "spool"
    await house.client.get(path_of(Purpose.OPEN, tokens[Purpose.OPEN]))
    await house.folded()
    [event] = await rows_of(house.app.db, "events")
    replay = to_line(Received(event["uid"], event["delivery_id"], event["subscriber_id"], 1, Hit(event["at"])))
    left = to_line(Received("other", event["delivery_id"], event["subscriber_id"], 1, Hit(event["at"])))
    (spool / "hits-1-dead.jsonl").write_text(f"{replay}\n{left}\nnot json\n{left[:20]}")
    await Recorder(house.app, CollectorRegistry()).fold_now()
    assert {e["uid"] for e in await rows_of(house.app.db, "events")} == {event["uid"], "other"}
    assert list(spool.glob("hits-*")) == []
