"""All that is kept about a reader, by their own POST: shown, taken along, erased for good."""

import json
from typing import Any

import pytest

from nurture.domain.tokens import Purpose
from nurture.services.leaving import leave
from nurture.store.tables import METADATA
from tests.api.conftest import House, client_of
from tests.api.test_public import everything_but_events, letter_for, path_of
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import add_people

MIA = {"email": "mia@example.org", "name": "Mia <b>Fir</b>", "first_name": "Mia", "fields": {"town": "Ulm"}, "tags": ["roof"], "locale": "de"}


async def pages(house: House) -> str:
    tokens = await letter_for(house, **MIA)
    return path_of(Purpose.PREFERENCES, tokens[Purpose.PREFERENCES])


async def test_a_look_shows_buttons_alone(house: House) -> None:
    path = await pages(house)
    before = await everything_but_events(house)
    for query in ("", "?choice=data", "?choice=download", "?choice=erase_now"):
        page = await house.client.get(path + query)
        assert [f'value="{choice}"' in page.text for choice in ("data", "download", "erase", "erase_now")] == [True, True, True, False]
        assert "Ulm" not in page.text
    assert await everything_but_events(house) == before


async def test_all_that_is_kept_is_shown_and_taken_along(house: House) -> None:
    path = await pages(house)
    await add_people(house.app.db, "other@example.org", name="Somebody Else")
    await house.client.post(path, data={"choice": "useful"})
    before = await everything_but_events(house)
    page = await house.client.post(path, data={"choice": "data"})
    assert (page.status_code, page.headers["cache-control"], page.headers["content-language"]) == (200, "no-store", "de")
    for word in ("mia@example.org", "Ulm", "roof", "Mia &lt;b&gt;Fir&lt;/b&gt;", "preference:useful", "Was über Sie gespeichert ist"):
        assert word in page.text, word
    assert "Somebody Else" not in page.text
    file = await house.client.post(path, data={"choice": "download"})
    assert file.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert (file.headers["cache-control"], file.headers["referrer-policy"]) == ("no-store", "no-referrer")
    told = json.loads(file.content)
    assert (told["person"]["email"], told["person"]["fields"], [t["tag"] for t in told["tags"]]) == ("mia@example.org", {"town": "Ulm"}, ["roof"])
    assert [c["what"] for c in told["consents"]] == ["preference:useful"]
    assert len(told["letters"]) == 1
    assert "other@example.org" not in file.text
    assert await everything_but_events(house) == before


async def test_who_has_left_may_still_ask(house: House) -> None:
    path = await pages(house)
    [row] = await rows_of(house.app.db, "subscribers")
    await leave(house.app.db, row["id"], delivery_id=None, now=house.clock(), how="test")
    assert 'value="data"' in (await house.client.get(path)).text
    assert "mia@example.org" in (await house.client.post(path, data={"choice": "download"})).text


async def test_erasing_asks_first_and_is_for_good(house: House) -> None:
    path = await pages(house)
    before = await everything_but_events(house)
    page = await house.client.post(path, data={"choice": "erase"})
    assert ("Alles über Sie löschen?" in page.text, 'value="erase_now"' in page.text) == (True, True)
    assert await everything_but_events(house) == before
    captured = house.app.settings.data_dir / "captured"
    captured.mkdir(exist_ok=True)
    for letter in await rows_of(house.app.db, "deliveries"):
        (captured / f"{letter['id']}.eml").write_bytes(b"To: mia@example.org")
    assert list(captured.iterdir()) != []
    first = await house.client.post(path, data={"choice": "erase_now"})
    assert "Sie sind gelöscht" in first.text
    again = await house.client.post(path, data={"choice": "erase_now"}, headers={"Accept-Language": "de"})
    assert again.content == first.content
    for name in METADATA.tables:
        kept = str(await rows_of(house.app.db, name))
        assert not [word for word in ("mia@example", "Mia", "Ulm") if word in kept], name
    assert (await rows_of(house.app.db, "suppressions")) != []
    assert list(captured.iterdir()) == []
    for choice in ("data", "download"):
        answer = await house.client.post(path, data={"choice": choice})
        assert ("You are erased" in answer.text, answer.headers["content-type"].startswith("text/html")) == (True, True)
    await house.folded()
    assert {e["subscriber_id"] for e in await rows_of(house.app.db, "events")} <= {0}


async def test_a_letter_on_the_wire_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.public.own_data.WIRE", 0.0)
    path = await pages(house)
    [row] = await rows_of(house.app.db, "subscribers")
    await add_delivery(house.app.db, row["id"], await add_letter(house.app.db, "school/second"), state="sending")
    page = await house.client.post(path, data={"choice": "erase_now"})
    assert (page.status_code, page.headers["retry-after"]) == (503, "5")
    assert (await rows_of(house.app.db, "subscribers"))[0]["status"] == "archived"  # nothing more leaves meanwhile


async def test_it_cannot_be_asked_without_end(house: House) -> None:
    path = await pages(house)
    answers: list[Any] = []
    for n in range(32):
        async with client_of(house.api, ip=f"2001:db8::{n}" if n < 31 else "2001:db8:0:1::1") as client:
            answers.append(await client.post(path, data={"choice": "erase"}))
    assert [a.status_code for a in answers] == [200] * 30 + [429, 200]
    assert answers[30].headers["retry-after"] == "3600"
    assert (await house.client.post(path, data={"choice": "useful"})).status_code == 200
