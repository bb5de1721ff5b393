"""The weekly hygiene over the API, in the dashboard and on the command line: shown, accepted once, dismissed; by the right doors."""

import json
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from nurture.domain.standing import FlagBit
from nurture.proposaldesk import take_on
from nurture.services.cleaning import begin, list_cleanups, preflight
from nurture.store.database import Database
from nurture.store.subscribers import drop_tags
from nurture.store.tables import METADATA
from nurture.weekly import tidy_once
from tests.api.conftest import House
from tests.support.cleaning import sleepers
from tests.support.desk import HOST, browser, open_desk, sign_in, token_of
from tests.support.ledger import rows_of
from tests.support.people import NOW, add_people
from tests.support.programme import install

V1 = "/api/v1"


async def test_the_report_names_nobody_and_proposals_do_with_their_own_scope(house: House) -> None:
    db = house.app.db
    await add_people(db, "mia@gmail.com", "m.ia@gmail.com", name="Mia", now=NOW - timedelta(days=400), timezone="Europe/Berlin", zone_source="explicit")
    reader, writer = await house.key("reports:read"), await house.key("subscribers:write")
    nothing = (await house.client.get(f"{V1}/reports/hygiene", headers=reader)).json()
    assert (nothing["run"], nothing["open"]) == (None, {})
    assert await tidy_once(house.app) is not None
    assert await tidy_once(house.app) is None, "once a week"
    report = await house.client.get(f"{V1}/reports/hygiene", headers=reader)
    assert "@" not in report.text
    told = report.json()
    assert (told["period"], told["run"]["looked_at"]) == ("2026-W10", 2)
    assert told["run"]["fields"][0] == {"name": "name", "people": 2, "median_days": 400, "old": 2, "share_old": 1.0}
    assert told["open"] == {"data": {"proposals": 1, "people": 2}, "duplicate": {"proposals": 1, "people": 2}}
    assert (await house.client.get(f"{V1}/proposals", headers=reader)).status_code == 403
    first = (await house.client.get(f"{V1}/proposals?limit=1", headers=writer)).json()
    second = (await house.client.get(f"{V1}/proposals?limit=1&cursor={first['next']}", headers=writer)).json()
    assert [p["kind"] for p in first["data"] + second["data"]] == ["data", "duplicate"]
    pair = second["data"][0]
    assert [n["email"] for n in pair["named"]] == ["mia@gmail.com", "m.ia@gmail.com"]
    done = (await house.client.post(f"{V1}/proposals/{pair['id']}/accept", headers=writer)).json()
    assert (done["state"], done["ended_by"]) == ("accepted", "key:test")
    refused = await house.client.post(f"{V1}/proposals/{pair['id']}/dismiss", headers=writer)
    assert (refused.status_code, "was accepted by key:test" in refused.text) == (409, True)
    assert (await house.client.post(f"{V1}/proposals/{first['data'][0]['id']}/dismiss", headers=writer)).json()["state"] == "dismissed"
    assert (await house.client.post(f"{V1}/proposals/999/accept", headers=writer)).status_code == 404
    assert len((await house.client.get(f"{V1}/proposals?state=all", headers=writer)).json()["data"]) == 2


async def test_the_page_asks_and_takes_the_answer(db: Database, tmp_path: Path) -> None:
    app = open_desk(db, tmp_path)
    await install(db)
    await add_people(db, "<b>mia@gmail.com", "<b>m.ia@gmail.com", timezone="Europe/Berlin", zone_source="explicit")
    async with browser(app) as desk:
        await sign_in(desk, app)
        assert "The first run is still to come" in (await desk.get("/hygiene")).text
        await tidy_once(app)
        page = await desk.get("/hygiene")
        assert "One person twice?" in page.text
        assert "&lt;b&gt;mia@gmail.com" in page.text
        [row] = await rows_of(db, "proposals")
        forged = await desk.post(f"/hygiene/{row['id']}/accept", data={"csrf": "x"}, headers={"Origin": "https://evil.example"})
        assert forged.status_code == 403
        assert (await rows_of(db, "proposals"))[0]["state"] == "open"
        assert (await desk.get(f"/hygiene/{row['id']}/accept")).status_code in (404, 405), "looking changes nothing"
        answer = await desk.post(f"/hygiene/{row['id']}/accept", data={"csrf": token_of(page.text)}, headers={"Origin": HOST})
        assert (answer.status_code, answer.headers["location"]) == (303, "/hygiene")
        assert "Nothing to decide" in (await desk.get("/hygiene")).text
        assert (await desk.post("/hygiene/1/burn", data={"csrf": token_of(page.text)}, headers={"Origin": HOST})).status_code == 404
    assert sorted(p["status"] for p in await rows_of(db, "subscribers")) == ["archived", "subscribed"]
    assert (await rows_of(db, "proposals"))[0]["ended_by"] == "anna@example.com"


async def test_a_run_that_fails_is_tried_again(db: Database, tmp_path: Path) -> None:
    app = open_desk(db, tmp_path)
    await install(db)
    async with db.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE proposals RENAME TO away")
    failed = False
    try:
        await tidy_once(app)
    except Exception:  # noqa: BLE001 - whatever the database says of a table that is not there
        failed = True
    async with db.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE away RENAME TO proposals")
    assert failed
    assert await tidy_once(app) is not None
    [run] = await rows_of(db, "jobs", job="hygiene")
    assert json.loads(json.dumps(run["result"]))["looked_at"] == 0


async def test_lost_and_fading_people_wait_in_a_draft_cleanup_that_nobody_starts(db: Database, tmp_path: Path) -> None:
    app = open_desk(db, tmp_path)
    await install(db)
    first, second, *_ = lost = await sleepers(db, 6, "lost", flags=int(FlagBit.LOST))
    others = await sleepers(db, 3, "passive") + await sleepers(db, 2, "gone", flags=int(FlagBit.LOST), status="unsubscribed")
    fading = await sleepers(db, 2, "fading", "active", flags=int(FlagBit.FADING))
    await tidy_once(app)
    numbers = {row["kind"]: row["id"] for row in await rows_of(db, "proposals")}
    told = await take_on(app, numbers["lost"], "anna")
    assert told.cleanup == "lost-2026-w10"
    assert (told.proposal.outcome or "").startswith("6 people carry the tag lost-2026-w10. The cleanup lost-2026-w10 is a draft")
    assert (await take_on(app, numbers["lost"], "jo")).proposal.ended_by == "anna", "twice is once"
    assert (await take_on(app, numbers["fading"], "anna")).cleanup == "fading-2026-w10"
    [fades, draft] = await list_cleanups(db)
    assert (draft.name, draft.state, draft.started_at, fades.state) == ("lost-2026-w10", "draft", None, "draft")
    ahead = await preflight(db, "lost-2026-w10", NOW)
    assert ahead.draw.held + ahead.draw.treated == 6
    assert {n.email for n in ahead.named} == {f"lost{n}@example.com" for n in range(6)}, f"none of {others}"
    assert "words of an example" in " ".join(ahead.warnings)
    assert {n.email for n in (await preflight(db, "fading-2026-w10", NOW)).named} == {"fading0@example.com", "fading1@example.com"}, fading
    assert await rows_of(db, "deliveries") == []
    async with db.write() as tx:
        await drop_tags(tx, {first: ["lost-2026-w10"]})
        await tx.execute(update(METADATA.tables["proposals"]).values(state="open"))
    [late] = await sleepers(db, 1, "late", flags=int(FlagBit.LOST))
    app = open_desk(db, tmp_path, NOW + timedelta(days=21))
    assert (await take_on(app, numbers["lost"], "anna")).cleanup == "lost-2026-w10", "they join the draft that is there"
    tagged = {row["subscriber_id"] for row in await rows_of(db, "subscriber_tags", tag="lost-2026-w10")}
    assert tagged == {*lost, late}, "whose tag was taken away meanwhile has it again, since they are lost"
    await begin(db, "lost-2026-w10", app.clock())
    async with db.write() as tx:
        await drop_tags(tx, {second: ["lost-2026-w10"]})
        await tx.execute(update(METADATA.tables["proposals"]).values(state="open"))
    assert (await take_on(app, numbers["lost"], "anna")).cleanup == "lost-2026-w13", "the first one is no draft any more"


async def test_the_page_leads_to_the_draft_and_to_a_form_for_the_same_people(db: Database, tmp_path: Path) -> None:
    app = open_desk(db, tmp_path)
    await install(db)
    await sleepers(db, 3, "lost", flags=int(FlagBit.LOST))
    await tidy_once(app)
    async with browser(app) as desk:
        await sign_in(desk, app)
        [row] = [row for row in await rows_of(db, "proposals") if row["kind"] == "lost"]
        page = (await desk.get("/hygiene")).text
        answer = await desk.post(f"/hygiene/{row['id']}/accept", data={"csrf": token_of(page)}, headers={"Origin": HOST})
        assert answer.headers["location"] == "/cleanups/lost-2026-w10"
        draft = (await desk.get("/cleanups/lost-2026-w10")).text
        assert "Only people who carry the tag <strong>lost-2026-w10</strong>" in draft
        form = (await desk.get("/cleanups/new?audience=passive&tag=lost-2026-w10")).text
        typed = {"title": "Ours", "audience": "passive", "tag": "lost-2026-w10", "silent": "keep", "offer_subject_1": "S", "offer_body_1": "B"}
        kept = await desk.post("/cleanups/new", data={"csrf": token_of(form), **typed}, headers={"Origin": HOST})
        assert kept.headers["location"] == "/cleanups/ours"
    assert 'value="lost-2026-w10"' in form
    [row] = await rows_of(db, "documents", name="ours")
    assert row["content"]["tag"] == "lost-2026-w10"
