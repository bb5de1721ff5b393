"""The reply desk over the API and in the dashboard: answered once, closed, banned; on a real database."""

from pathlib import Path

from nurture.bootstrap import App
from nurture.domain.documents import Policy
from nurture.services.hearing import hear_mail
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.tables import METADATA
from nurture.store.workspace import ensure_workspace
from tests.api.conftest import House
from tests.support.desk import HOST, browser, open_desk, sign_in, token_of
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import NOW, add_people
from tests.support.returned import reply

V1 = "/api/v1/replies"


async def wrote(db: Database, app: App, *emails: str, known: bool = True, text: str = "How much is {{ it }}?") -> None:
    for email in emails:
        if known:
            [person] = await add_people(db, email)
            await add_delivery(db, person, await add_letter(db, f"school/{email}"))
        await hear_mail(db, reply(text).replace(b"mia@example.org", email.encode()), app.keys, NOW)


async def test_the_desk_over_the_api(small_house: House) -> None:
    app = small_house.app
    await wrote(app.db, app, "mia@example.org", "tom@example.org", "eva@example.org")
    await wrote(app.db, app, "who@example.net", known=False)
    key = await small_house.key("replies:write")
    page = (await small_house.client.get(V1, headers=key)).json()
    mia, tom, eva, who = page["data"]
    assert (mia["sender"], mia["letter"], mia["text"], mia["sort"], mia["state"]) == ("mia@example.org", "school/mia@example.org", "How much is {{ it }}?", "question", "open")
    assert who["subscriber_id"] is None

    answered = await small_house.client.post(f"{V1}/{mia['id']}/answer", json={"body": "About 9,000. {{ secret }}"}, headers=key)
    assert (answered.status_code, answered.json()["state"]) == (200, "answered")
    [row] = await rows_of(app.db, "deliveries", kind="service")
    assert (row["id"], row["subscriber_id"], row["payload"]["subject"]) == (answered.json()["answer_id"], mia["subscriber_id"], "Re: Five questions")
    again = await small_house.client.post(f"{V1}/{mia['id']}/answer", json={"body": "Again"}, headers=key)
    assert again.status_code == 409

    assert (await small_house.client.post(f"{V1}/{tom['id']}/close", headers=key)).json()["state"] == "closed"
    assert (await small_house.client.post(f"{V1}/{eva['id']}/ban", headers=key)).json()["state"] == "banned"
    assert [p["status"] for p in await rows_of(app.db, "subscribers", email="eva@example.org")] == ["unsubscribed"]
    for step in ("answer", "ban"):
        refused = await small_house.client.post(f"{V1}/{who['id']}/{step}", json={"body": "Hello"}, headers=key)
        assert (refused.status_code, "not in the list" in refused.text) == (422, True)
    assert len((await small_house.client.get(V1, headers=key)).json()["data"]) == 1
    assert len((await small_house.client.get(f"{V1}?state=all&sort=question", headers=key)).json()["data"]) == 4
    assert (await small_house.client.post(f"{V1}/999/close", headers=key)).status_code == 404


async def test_the_desk_in_the_dashboard(db: Database, tmp_path: Path) -> None:
    app = open_desk(db, tmp_path)
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"the replies desk")
    await wrote(db, app, "mia@example.org", text="<script>alert(1)</script> How much?")
    async with browser(app) as desk:
        await sign_in(desk, app)
        page = await desk.get("/replies")
        assert "&lt;script&gt;alert(1)" in page.text
        assert "How much?" not in (await desk.get("/replies?sort=praise")).text
        form = {"csrf": token_of(page.text), "body": "About 9,000."}
        [line] = await rows_of(db, "replies")
        answer = await desk.post(f"/replies/{line['id']}/answer", data=form, headers={"Origin": HOST})
        assert (answer.status_code, answer.headers["location"]) == (303, "/replies")
        forged = await desk.post(f"/replies/{line['id']}/close", data={"csrf": "x"}, headers={"Origin": "https://evil.example"})
        assert forged.status_code == 403
        assert "Nothing on the desk" in (await desk.get("/replies")).text
    [line] = await rows_of(db, "replies")
    assert (line["state"], line["ended_by"]) == ("answered", "anna@example.com")


async def test_answers_lie_ready_for_rude_words_and_for_praise(small_house: House) -> None:
    app = small_house.app
    await wrote(app.db, app, "mia@example.org", text="Danke, toll!")
    await wrote(app.db, app, "tom@example.org", text="You idiots")
    async with app.db.write() as tx:
        await tx.execute(METADATA.tables["subscribers"].update().where(METADATA.tables["subscribers"].c.email == "mia@example.org").values(locale="de"))
        await save_document(tx, Policy.model_validate({"policy": "default", "desk": {"polite": "We are sorry, {{ name }}."}}), "live", NOW)
    key = await small_house.key("replies:write")
    mia, tom = (await small_house.client.get(V1, headers=key)).json()["data"]
    assert (mia["sort"], tom["sort"]) == ("praise", "rude")
    for wrong in ({}, {"body": "x", "ready": "polite"}, {"ready": "loud"}, {"ready": None, "body": None}):
        assert (await small_house.client.post(f"{V1}/{mia['id']}/answer", json=wrong, headers=key)).status_code == 422
    for line, ready in ((mia, "thanks"), (tom, "polite")):
        answered = await small_house.client.post(f"{V1}/{line['id']}/answer", json={"ready": ready}, headers=key)
        assert (answered.status_code, answered.json()["state"]) == (200, "answered")
    texts = [row["payload"]["content"]["text"] for row in await rows_of(app.db, "deliveries", kind="service")]
    assert "vielen Dank für die freundlichen Worte" in texts[0]
    assert "We are sorry, { { name }}." in texts[1]


async def test_ready_answers_are_a_button_of_their_piles(db: Database, tmp_path: Path) -> None:
    app = open_desk(db, tmp_path)
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"the replies desk")
    for email, text in (("mia@example.org", "You idiots"), ("tom@example.org", "How much?")):
        await wrote(db, app, email, text=text)
    async with browser(app) as desk:
        await sign_in(desk, app)
        page = await desk.get("/replies")
        assert (page.text.count("Answer politely"), page.text.count("Say thank you")) == (1, 0)
        [rude] = await rows_of(db, "replies", sort="rude")
        form = {"csrf": token_of(page.text), "ready": "polite"}
        assert (await desk.post(f"/replies/{rude['id']}/answer", data=form, headers={"Origin": HOST})).status_code == 303
    assert [(r["state"], r["ended_by"]) for r in await rows_of(db, "replies", sort="rude")] == [("answered", "anna@example.com")]
