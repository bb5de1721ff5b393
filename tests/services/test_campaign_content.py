"""What an occasion sends, on real databases: the next letter of a folder, the library, a feed over a real connection."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from nurture.campaigndesk import look_before
from nurture.definitions.loading import load_text
from nurture.domain.errors import NurtureError
from nurture.services.campaigning import close_occasions, open_occasions, start
from nurture.services.campaigning.composing import compose
from nurture.services.campaigning.drawing import Sources, draw_due, feed_reader, warn_of_dry_folders
from nurture.services.campaigning.results import results
from nurture.services.defining import apply
from nurture.services.defining.differing import diff
from nurture.services.explaining import why
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.services.publishing import publish
from nurture.shipped import shipped
from nurture.store.database import Database
from nurture.store.documents import load_letter_versions
from nurture.store.letterbook import BookShelf
from nurture.store.publications import list_publications
from nurture.store.tables import Occasion
from nurture.store.workspace import ensure_workspace
from nurture.weekly import digest_data
from tests.support.desk import HOST, browser, open_desk, sign_in
from tests.support.feeds import entry, site
from tests.support.people import NOW, add_people
from tests.support.programme import end_row, rows_of

DAY = timedelta(days=1)
OPENS = datetime(2026, 3, 2, 10, tzinfo=UTC)  # Tuesday 3 March at UTC+14
WEEK = 7 * DAY
HEAD = "segment: readers\nwhere: {tag: x}\n---\ncampaign: weekly\nsegment: readers\nschedule: {weekly: tue}\n"
POSTS = (
    "letter:\n  id: posts\n  kind: news\n  subject: \"{{ first_name | default('Hello') }}, {{ items[0].title }}\"\n"
    '  call_to_action: "{{ items[0].link }}"\n'
    "  body: |\n    Hello {{ first_name | default('there') }}\n\n"
    "    {% for item in items %}\n    [{{ item.title }}]({{ item.link }})\n    {% endfor %}\n"
)


def book(key: str, kind: str = "useful") -> str:
    return f"letter: {key}\nkind: {kind}\nsubject: \"{{{{ first_name | default('Hello') }}}}, {key}\"\ncall_to_action: reply\nbody: Hello\n"


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    (tmp_path / "letters" / "weekly").mkdir(parents=True)
    (tmp_path / "letters" / "_layout").symlink_to(shipped("templates") / "letters" / "_layout")
    return tmp_path


async def install(db: Database, text: str, templates: Path, now: datetime = NOW) -> None:
    async with db.write() as tx:
        await ensure_workspace(tx, now, b"installation-id!")
    loaded = load_text(text)
    assert not loaded.errors, loaded.errors
    await apply(db, loaded.documents, now, templates=templates)


def sources(templates: Path) -> Sources:
    return Sources(templates, feed_reader(loopback=True))


async def occasions(db: Database) -> list[Any]:
    async with db.read() as tx:
        return list(await tx.execute(select(Occasion.number, Occasion.nominal, Occasion.letter, Occasion.note, Occasion.ended_at).order_by(Occasion.number)))


async def sweep(db: Database, templates: Path, now: datetime) -> list[str]:
    said = await draw_due(db, sources(templates), now)
    await open_occasions(db, now)
    await plan(db, now)
    await close_occasions(db, now)
    return said


async def sent(db: Database, now: datetime) -> None:
    await end_row(db, now)
    await fold(db, now)
    await plan(db, now)


async def test_each_occasion_takes_the_next_letter_of_the_folder(db: Database, templates: Path) -> None:
    folder = templates / "letters" / "weekly"
    (folder / "01-a.yaml").write_text(book("a"))
    (folder / "02-b.yaml").write_text(book("b", "news"))
    await install(db, HEAD + "letters: {folder: letters/weekly}\n", templates)
    people = await add_people(db, "a@example.com", "b@example.com", tags=("x",))
    await start(db, "weekly", NOW)
    assert await draw_due(db, sources(templates), NOW) == [], "not before it opens"
    assert await sweep(db, templates, OPENS) == ["weekly: letters/weekly/01-a.yaml"]
    assert await sweep(db, templates, OPENS + timedelta(hours=1)) == [], "drawn once"
    assert await rows_of(db, "subscriber_id", "occasion", "kind") == [(p, "2026-03-03", "useful") for p in people]
    await sent(db, OPENS + DAY)
    await sweep(db, templates, OPENS + WEEK)
    kinds = [(o, k) for o, k in await rows_of(db, "occasion", "kind")]
    assert kinds[2:] == [("2026-03-10", "news")] * 2
    assert [(o.nominal, o.letter and o.letter["id"]) for o in await occasions(db)][:2] == [(date(2026, 3, 3), "a"), (date(2026, 3, 10), "b")]


async def test_each_drawn_letter_that_is_marked_comes_into_the_archive(db: Database, templates: Path) -> None:
    folder = templates / "letters" / "weekly"
    for name, marked in (("a", True), ("b", False), ("c", True)):
        (folder / f"{name}.yaml").write_text(book(name) + ("archive: true\n" if marked else ""))
    await install(db, HEAD + "letters: {folder: letters/weekly}\n", templates)
    await add_people(db, "a@example.com", tags=("x",))
    await start(db, "weekly", NOW)
    for week in range(3):
        await sweep(db, templates, OPENS + week * WEEK)
        await sent(db, OPENS + week * WEEK + DAY)
        assert await publish(db, OPENS + week * WEEK + DAY, "https://letters.example.com") == (week != 1)
    async with db.read() as tx:
        assert [entry.slug for _, entry in await list_publications(tx, limit=9)] == ["weekly/c/2026-03-17", "weekly/a/2026-03-03"]


async def test_a_dry_folder_is_warned_of_and_passes_with_a_sentence(db: Database, templates: Path) -> None:
    (templates / "letters" / "weekly" / "01-a.yaml").write_text(book("a"))
    await install(db, HEAD + "letters: {folder: letters/weekly}\n", templates)
    [person] = await add_people(db, "a@example.com", tags=("x",))
    await start(db, "weekly", NOW)
    warned = await warn_of_dry_folders(db, templates, NOW)
    assert warned == {"weekly": "letters/weekly holds no letter for Tuesday 10 March; put one there before, or that date is skipped"}
    await sweep(db, templates, OPENS)
    await sent(db, OPENS + DAY)
    [said] = await sweep(db, templates, OPENS + WEEK)
    assert said == "weekly: The folder letters/weekly held no unsent letter, so none went; put the next one there."
    rows = await occasions(db)
    assert [(o.number, o.nominal, o.note or "", bool(o.ended_at)) for o in rows][1:] == [
        (2, date(2026, 3, 10), said.removeprefix("weekly: "), True), (3, date(2026, 3, 17), "", False),
    ]  # fmt: skip
    assert len(await rows_of(db, "id")) == 1
    assert len(await why(db, person)) == 2
    (templates / "letters" / "weekly" / "02-b.yaml").write_text(book("b"))
    assert await warn_of_dry_folders(db, templates, OPENS + WEEK) == {}
    assert await sweep(db, templates, OPENS + 2 * WEEK) == ["weekly: letters/weekly/02-b.yaml"]


async def test_a_file_to_be_mended_delays_the_occasion(db: Database, templates: Path) -> None:
    file = templates / "letters" / "weekly" / "01-a.yaml"
    file.write_text("letter: a\nkind: usefull\nsubject: x\nbody: y\n")
    await install(db, HEAD + "letters: {folder: letters/weekly}\n", templates)
    await add_people(db, "a@example.com", tags=("x",))
    await start(db, "weekly", NOW)
    [said] = await sweep(db, templates, OPENS)
    assert said.startswith("weekly: letters/weekly/01-a.yaml: line 2: ")
    assert said.endswith("It is tried again every ten minutes.")
    file.write_text(book("a"))
    assert await sweep(db, templates, OPENS + timedelta(minutes=5)) == [], "not yet"
    assert await sweep(db, templates, OPENS + timedelta(minutes=11)) == ["weekly: letters/weekly/01-a.yaml"]
    assert len(await rows_of(db, "id")) == 1


async def test_what_was_drawn_before_a_crash_is_kept(db: Database, templates: Path) -> None:
    file = templates / "letters" / "weekly" / "01-a.yaml"
    file.write_text(book("a"))
    await install(db, HEAD + "letters: {folder: letters/weekly}\n", templates)
    await add_people(db, "a@example.com", tags=("x",))
    await start(db, "weekly", NOW)
    assert await draw_due(db, sources(templates), OPENS) == ["weekly: letters/weekly/01-a.yaml"]
    file.write_text(book("another"))
    assert await sweep(db, templates, OPENS + timedelta(hours=1)) == [], "it is drawn already"
    assert [o.letter and o.letter["id"] for o in await occasions(db)] == ["a", None]
    assert len(await rows_of(db, "id")) == 1


async def test_a_feed_is_frozen_when_its_occasion_opens(db: Database, templates: Path) -> None:
    with site() as there:
        there.say(entry("one", "First"), entry("two", "Second", "2026-03-01T12:00:00Z"))
        await install(db, HEAD + f"feed: {there.url}\n" + POSTS, templates)
        await add_people(db, "a@example.com", tags=("x",), first_name="Anna")
        await start(db, "weekly", NOW)
        assert await sweep(db, templates, OPENS) == ["weekly: 2 new items of the feed, the first: Second"]
        there.say(entry("three", "Third", "2026-03-02T12:00:00Z"))
        loaded = load_text(HEAD + f"feed: {there.url}\n" + POSTS.replace("Hello {{", "Good day {{"))
        [_, told] = await diff(db, loaded.documents, OPENS)
        assert told.says == ("1 are in the occasion of Tue 03 Mar 2026 and stay in it", "they keep the letter that it drew")
        await apply(db, loaded.documents, OPENS, templates=templates)
        await plan(db, OPENS)
        [(version,)] = await rows_of(db, "version_id")
        async with db.read() as tx:
            kept = (await load_letter_versions(tx, [version]))[version]
            shelved = await BookShelf().read(tx)
        assert kept.links == ["https://example.com/two", "https://example.com/one"]
        assert "Second" in kept.content["subject"]
        assert "Good day" not in kept.content["html"]
        assert shelved.topic("weekly/posts") is None
        await sent(db, OPENS + DAY)
        assert await sweep(db, templates, OPENS + WEEK) == ["weekly: 1 new item of the feed, the first: Third"]
        [_, (second,)] = await rows_of(db, "version_id")
        async with db.read() as tx:
            assert (await load_letter_versions(tx, [second]))[second].links == ["https://example.com/three"]


async def test_nothing_new_is_no_letter_and_a_feed_that_is_down_is_asked_again(db: Database, templates: Path) -> None:
    with site() as there:
        there.say(entry("one", "First"))
        await install(db, HEAD + f"feed: {there.url}\n" + POSTS, templates)
        await add_people(db, "a@example.com", tags=("x",))
        await start(db, "weekly", NOW)
        await sweep(db, templates, OPENS)
        await sent(db, OPENS + DAY)
        assert await sweep(db, templates, OPENS + WEEK) == ["weekly: The feed had nothing new since the occasion before, so no letter went."]
        there.status = 500
        third = OPENS + 2 * WEEK
        [said] = await sweep(db, templates, third)
        assert said == "weekly: 127.0.0.1 answers 500 Internal Server Error. It is tried again every ten minutes."
        asked = len(there.asked)
        await sweep(db, templates, third + timedelta(minutes=9))
        assert len(there.asked) == asked
        assert len(await rows_of(db, "id")) == 1, "no empty letter"
        there.status = 200
        there.say(entry("one", "First"), entry("late", "Late news", "2026-03-14T12:00:00Z"))
        assert await sweep(db, templates, third + timedelta(minutes=10)) == ["weekly: 1 new item of the feed, the first: Late news"]
        assert [o for (o,) in await rows_of(db, "occasion")] == ["2026-03-03", "2026-03-17"]
        found = await results(db, "weekly", third + DAY)
        assert [(o.nominal.day, o.turnout.taken_in, o.note) for o in found] == [
            (17, 1, "1 new item of the feed, the first: Late news"),
            (10, 0, "The feed had nothing new since the occasion before, so no letter went."),
            (3, 1, "1 new item of the feed, the first: First"),
        ]


async def test_a_feed_that_stays_away_ends_with_the_next_date(db: Database, templates: Path) -> None:
    with site() as there:
        there.status = 404
        await install(db, HEAD + f"feed: {there.url}\n" + POSTS, templates)
        await add_people(db, "a@example.com", tags=("x",))
        await start(db, "weekly", NOW)
        await sweep(db, templates, OPENS)
        await sweep(db, templates, OPENS + WEEK)
        assert [(o.number, o.nominal) for o in await occasions(db)] == [(1, date(2026, 3, 10))], "the date before is over"
        there.status = 200
        there.say(entry("one", "First"))
        await sweep(db, templates, OPENS + WEEK + DAY)
        assert [o for (o,) in await rows_of(db, "occasion")] == ["2026-03-10"]


async def test_once_only_a_feed_that_stays_away_is_given_up(db: Database, templates: Path) -> None:
    with site() as there:
        there.status = 404
        await install(db, HEAD.replace("schedule: {weekly: tue}", "schedule: now") + f"feed: {there.url}\n" + POSTS, templates)
        await start(db, "weekly", NOW)
        await sweep(db, templates, NOW)
        [said] = await sweep(db, templates, NOW + 9 * DAY)
        assert said.endswith("It came too late, so no letter went.")
        async with db.read() as tx:
            assert (await tx.execute(select(Occasion.ended_at))).scalar_one() is not None


async def test_the_library_lends_each_reader_the_next_they_never_had(db: Database, templates: Path) -> None:
    await install(db, f"{book('one')}---\n{book('two')}---\n{HEAD}letters: library\n", templates)
    first, second = await add_people(db, "a@example.com", "b@example.com", tags=("x",))
    await start(db, "weekly", NOW)
    await sweep(db, templates, OPENS)
    assert [(p, o, r) for p, o, r in await rows_of(db, "subscriber_id", "occasion", "rule")] == [(first, "once", "library"), (second, "once", "library")]
    await sent(db, OPENS + DAY)
    await sweep(db, templates, OPENS + WEEK)
    await sent(db, OPENS + WEEK + DAY)
    assert len({(p, letter) for p, letter in await rows_of(db, "subscriber_id", "letter_id")}) == 4
    await sweep(db, templates, OPENS + 2 * WEEK)
    assert len(await rows_of(db, "id")) == 4
    assert "the library holds no useful letter that this person never had" in [w.reason for w in await why(db, first)]


async def test_the_next_letter_can_be_looked_at_by_anybody(db: Database, templates: Path) -> None:
    (templates / "letters" / "weekly" / "01-a.yaml").write_text(book("a"))
    await install(db, HEAD + "letters: {folder: letters/weekly}\n", templates)
    await add_people(db, "a@example.com", tags=("x",), first_name="Anna")
    seen = await compose(db, sources(templates), "https://l.example", "weekly", NOW, "a@example.com")
    assert (seen.rendered.subject, seen.words.note) == ("Anna, a", "letters/weekly/01-a.yaml")
    assert (await compose(db, sources(templates), "https://l.example", "weekly", NOW)).reader.email == "anna@example.com"
    assert await occasions(db) == [], "a look stores nothing"
    with pytest.raises(NurtureError, match="Nobody here"):
        await compose(db, sources(templates), "https://l.example", "weekly", NOW, "x@example.com")
    with pytest.raises(NurtureError, match="There is no letter or campaign 'monthly'"):
        await compose(db, sources(templates), "https://l.example", "monthly", NOW)




async def test_an_edit_of_the_schedule_moves_nobody_who_is_in(db: Database, templates: Path) -> None:
    plain = (
        "policy: default\ntimezone: Asia/Tokyo\n---\nsegment: readers\nwhere: {tag: x}\n---\n"
        'campaign: weekly\nsegment: readers\nschedule: {cron: "0 15 * * 2", zone: workspace}\n'
        "letter: {id: one, kind: news, subject: s, call_to_action: reply, body: b}\n"
    )  # fmt: skip
    await install(db, plain, templates)
    [person] = await add_people(db, "a@example.com", tags=("x",), timezone="Europe/Berlin")
    await start(db, "weekly", NOW)
    await sweep(db, templates, OPENS)
    at_three_in_tokyo = datetime(2026, 3, 3, 6, tzinfo=UTC)
    assert await rows_of(db, "due_at") == [(at_three_in_tokyo,)]
    edited = load_text(plain.replace('{cron: "0 15 * * 2", zone: workspace}', '{cron: "0 18 * * 4", zone: reader}').replace("subject: s", "subject: t"))
    [_, _, told] = await diff(db, edited.documents, OPENS)
    assert told.says == (
        "1 are in the occasion of Tue 03 Mar 2026 and stay in it",
        "they keep the hour it opened with; the new schedule holds from the next occasion on",
        "whoever of them has not had the letter gets the new words",
    )
    [before] = await rows_of(db, "version_id")
    await apply(db, edited.documents, OPENS, templates=templates)
    await sweep(db, templates, OPENS + timedelta(hours=1))
    assert await rows_of(db, "due_at", "state", "occasion") == [(at_three_in_tokyo, "pending", "2026-03-03")]
    assert await rows_of(db, "version_id") != [before]
    assert (await occasions(db))[-1].nominal == date(2026, 3, 5)
    assert [w.decision for w in await why(db, person)] == ["send"]


async def test_preflight_the_list_and_the_digest_warn_of_a_dry_folder_too(sqlite_db: Database, tmp_path: Path, templates: Path) -> None:
    (templates / "letters" / "weekly" / "01-a.yaml").write_text(book("a"))
    (templates / "pages").symlink_to(shipped("templates") / "pages")
    app = replace(open_desk(sqlite_db, tmp_path / "desk"), templates=templates)
    await install(app.db, HEAD + "letters: {folder: letters/weekly}\n", templates)
    await add_people(app.db, "a@example.com", tags=("x",))
    dry = "letters/weekly holds no letter for Tuesday 10 March; put one there before, or that date is skipped"
    assert [n.words for n in (await look_before(app, "weekly")).notes if n.level == "warn"][-1] == f"The folder {dry}.", "a draft, too"
    await start(app.db, "weekly", NOW)
    assert f"The folder {dry}." in [n.words for n in (await look_before(app, "weekly")).notes]
    told = await digest_data(app, ZoneInfo("Europe/Berlin"))
    assert {"text": f"Thin days ahead for weekly: {dry}", "url": f"{HOST}/campaigns/weekly"} in told["todo"]
    async with browser(app) as page:
        await sign_in(page, app)
        assert f"{dry[:1].upper()}{dry[1:]}." in (await page.get("/campaigns")).text
    (templates / "letters" / "weekly" / "02-b.yaml").write_text(book("b"))
    assert not [n for n in (await look_before(app, "weekly")).notes if "holds no letter" in n.words]
    assert "holds no letter" not in str(await digest_data(app, ZoneInfo("Europe/Berlin")))
