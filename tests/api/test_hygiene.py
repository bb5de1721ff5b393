"""The weekly hygiene over the API, in the dashboard and on the command line: shown, accepted once, dismissed; by the right doors."""

import json
from datetime import timedelta
from pathlib import Path

from nurture.store.database import Database
from nurture.weekly import tidy_once
from tests.api.conftest import House
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
