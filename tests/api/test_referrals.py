"""Recommendations: from the link in a letter to the report. Each newcomer counts once; nobody brings themselves; looks count nothing."""

import re
from datetime import timedelta
from typing import Any

import pytest

from nurture.domain.conditions import Did
from nurture.domain.documents import Policy
from nurture.domain.tokens import Purpose
from nurture.services.erasing import erase
from nurture.services.leaving import leave
from nurture.store.conditions import matching
from nurture.store.documents import save_document
from tests.api.conftest import House
from tests.api.test_joining import POLICY, link
from tests.api.test_public import everything_but_events
from tests.support.ledger import rows_of
from tests.support.people import add_people


@pytest.fixture
async def anna(house: House, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("api.public.joining.EVEN", 0.001)  # the time of answers has a test of its own
    async with house.app.db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY | {"recommend": {"form": "site"}}), "live", house.clock())
    [person] = await add_people(house.app.db, "anna@example.com", name="Anna Roof")
    return person


def own(house: House, person: int) -> str:
    return f"/subscribe/site?r={house.token(Purpose.REFERRAL, 7, person, 3)}"


async def asks(house: House, where: str, email: str, *, as_json: bool = False, **more: Any) -> int:
    """Somebody follows the link and fills in the form as it stands on the page."""
    page = await house.client.get(where)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', page.text))
    given = {"email": email, **hidden, **more}
    answer = await (house.client.post(where, json=given) if as_json else house.client.post(where.partition("?")[0], data=given))
    return answer.status_code


async def confirms(house: House, email: str) -> None:
    [person] = await rows_of(house.app.db, "subscribers", email=email)
    [*_, letter] = await rows_of(house.app.db, "deliveries", subscriber_id=person["id"])
    assert (await house.client.post(link(house, letter))).status_code == 200


async def counted(house: House) -> list[tuple[Any, ...]]:
    return [(e["subscriber_id"], e["name"], e["evidence"]) for e in await rows_of(house.app.db, "events", type="referred")]


async def test_who_joins_by_a_link_counts_once_and_only_when_they_confirm(house: House, anna: int) -> None:
    assert await asks(house, own(house, anna), "mia@example.org") == 200
    assert await counted(house) == []
    for _ in range(3):
        await confirms(house, "mia@example.org")
    assert await counted(house) == [(anna, "site", "human")]
    assert await asks(house, own(house, anna), "json@example.org", as_json=True) == 202
    await confirms(house, "json@example.org")
    assert len(await counted(house)) == 2
    counting = await rows_of(house.app.db, "referrals")
    [other] = await add_people(house.app.db, "other@example.com")
    await add_people(house.app.db, "gone@example.com", status="unsubscribed")
    [mia] = await rows_of(house.app.db, "subscribers", email="mia@example.org")
    house.clock.forward(hours=2)
    await leave(house.app.db, mia["id"], delivery_id=None, now=house.clock(), how="leave-link")
    house.clock.forward(hours=1)
    for email in ("mia@example.org", "gone@example.com"):  # they begin afresh, which makes no newcomer of them
        await asks(house, own(house, other), email)
        await confirms(house, email)
    assert await rows_of(house.app.db, "referrals") == counting
    house.clock.forward(hours=2)
    for email in ("mia@example.org", "OTHER@example.com"):  # known already, whoever brings them
        await asks(house, own(house, anna), email)
        await asks(house, own(house, other), email)
    assert len(await counted(house)) == 2
    assert [(r["recommender_id"], r["confirmed_at"] is not None) for r in await rows_of(house.app.db, "referrals")] == [(anna, True)] * 2


async def test_nobody_brings_themselves_and_machines_bring_nobody(house: House, anna: int) -> None:
    await asks(house, own(house, anna), "anna@example.com")
    await asks(house, own(house, anna), "anna+me@example.com")
    await asks(house, own(house, anna), "robot@example.org", website="https://spam.example")
    await confirms(house, "anna+me@example.com")
    assert (await counted(house), await rows_of(house.app.db, "referrals")) == ([], [])
    before = await everything_but_events(house)
    for method in ("GET", "HEAD"):
        for _ in range(50):
            assert (await house.client.request(method, own(house, anna))).status_code == 200
    assert (await everything_but_events(house), await rows_of(house.app.db, "events")) == (before, [e for e in await rows_of(house.app.db, "events") if e["type"] == "joined"])


async def test_a_link_shows_nobody_and_a_changed_one_is_as_none(house: House, anna: int) -> None:
    page = await house.client.get(own(house, anna))
    assert "Somebody who reads these letters thought of you" in page.text
    assert not re.search("anna|roof@|example.com|Anna", page.text)
    assert page.headers["referrer-policy"] == "no-referrer"
    good = own(house, anna)
    forged = [good[:-1] + ("A" if good[-1] != "A" else "B"), "/subscribe/site?r=", "/subscribe/site?r=x" * 30, f"/subscribe/site?r={house.token(Purpose.LEAVE, 7, anna, 3)}"]
    plain = (await house.client.get("/subscribe/site")).text
    for n, where in enumerate(forged):
        assert (await house.client.get(where)).text == plain
        assert await asks(house, where, f"p{n}@example.org") == 200
        await confirms(house, f"p{n}@example.org")
    assert await counted(house) == []


async def test_a_wrong_address_keeps_whose_link_it_was(house: House, anna: int) -> None:
    where = own(house, anna)
    page = await house.client.post("/subscribe/site", data={"email": "no address", "r": where.partition("r=")[2]})
    assert (page.status_code, where.partition("r=")[2] in page.text) == (422, True)


async def test_who_was_erased_brings_nobody_and_is_not_named(house: House, anna: int) -> None:
    await asks(house, own(house, anna), "mia@example.org")
    await confirms(house, "mia@example.org")
    await erase(house.app.db, anna, house.clock())
    assert await rows_of(house.app.db, "referrals") == []
    await asks(house, own(house, anna), "eva@example.org")
    await confirms(house, "eva@example.org")
    assert await rows_of(house.app.db, "referrals") == []


async def test_reports_conditions_and_the_persons_page(house: House, anna: int) -> None:
    [rare, *_] = await add_people(house.app.db, "rare@example.com", "never@example.com")
    for n in range(3):
        await asks(house, own(house, anna), f"a{n}@example.org")
        await confirms(house, f"a{n}@example.org")
        house.clock.forward(days=20)
    await asks(house, own(house, rare), "b@example.org")
    await confirms(house, "b@example.org")
    await asks(house, own(house, rare), "silent@example.org")
    key = await house.key("reports:read")
    told = (await house.client.get("/api/v1/reports/referrals", headers=key)).json()
    assert told["standings"] == {"constant": 1, "rare": 1, "never": 5}
    assert (told["asked"], told["joined"], told["statuses"]) == (5, 4, {"subscribed": 4})
    assert [(r["email"], r["standing"], r["people"]) for r in told["recommenders"]] == [("anna@example.com", "constant", 3), ("rare@example.com", "rare", 1)]
    assert len((await house.client.get("/api/v1/reports/referrals", params={"names": 1}, headers=key)).json()["recommenders"]) == 1
    async with house.app.db.read() as tx:
        for least, found in ((1, [anna, rare]), (2, [anna]), (4, [])):
            assert await matching(tx, Did.model_validate({"did": "referred", "at_least": least}), house.clock()) == found
        assert await matching(tx, Did.model_validate({"did": "referred", "within": "30d"}), house.clock() + timedelta(days=25)) == [rare]
    story = (await house.client.get(f"/api/v1/subscribers/{anna}/timeline", headers=await house.key("subscribers:read"))).json()["data"]
    assert sum((x["what"], x["name"]) == ("event", "referred") for x in story) == 3
