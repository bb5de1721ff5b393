"""Service letters: once for each occasion, at once, to people whom no other letter may reach."""

import pytest

from nurture.domain.errors import NurtureError
from nurture.domain.words import State
from nurture.services.serving import queue_service_letter
from nurture.shipped import shipped
from nurture.store.database import Database
from nurture.store.workers import enlist
from tests.support.outbox_rows import add_letter, the_rows
from tests.support.people import NOW, add_people
from tests.support.sending import Sink, prepare, send

TEMPLATES = shipped("templates")


async def test_words_become_a_letter_once(db: Database) -> None:
    await prepare(db, 1)
    (anna,) = await add_people(db, "anna@example.com", status="pending", first_name="Anna")
    asked = {
        "subscriber_id": anna, "occasion": "order-17", "now": NOW, "templates": TEMPLATES, "subject": "Your order {{ data.number }}",
        "body": "Dear {{ first_name }}, order **{{ data.number }}** is [here](https://example.com/o?n={{ data.number }}).", "data": {"number": 17},
    }  # fmt: skip
    first = await queue_service_letter(db, **asked)
    again = await queue_service_letter(db, **asked)
    other = await queue_service_letter(db, **asked | {"occasion": "order-18", "data": {"number": 18}})
    assert (first.fresh, again.fresh, first.id, first.state) == (True, False, again.id, State.PENDING)
    assert other.id != first.id
    assert other.message_id != first.message_id
    async with db.write() as tx:
        lease = await enlist(tx, "e", NOW)
    sink = Sink()
    await send(db, sink, lease)
    letters = {e.delivery: e.message for e in sink.letters}
    assert b"Subject: Your order 17" in letters[first.id]
    assert b"Subject: Your order 18" in letters[other.id]
    assert b"List-Unsubscribe" not in letters[first.id]
    assert b"/c/" not in letters[first.id], "a service letter is not tracked"
    assert {r.state for r in await the_rows(db) if r.kind == "service"} == {"accepted"}


async def test_other_words_for_the_same_occasion_are_refused(db: Database) -> None:
    """Two systems may count alike, and keys outlive the answers kept for them: no letter is lost unseen."""
    await prepare(db, 1)
    (anna,) = await add_people(db, "anna@example.com")
    asked = {"subscriber_id": anna, "occasion": "1", "now": NOW, "templates": TEMPLATES, "subject": "Order", "body": "Thanks.", "data": {"n": 1}}
    await queue_service_letter(db, **asked)
    for other in ({"subject": "Code"}, {"body": "Your code is 17."}, {"data": {"n": 2}}):
        with pytest.raises(NurtureError, match="new key"):
            await queue_service_letter(db, **asked | other)
    assert len([r for r in await the_rows(db) if r.kind == "service"]) == 1


async def test_only_a_service_letter_may_be_sent_by_name(db: Database) -> None:
    (anna,) = await add_people(db, "anna@example.com")
    await add_letter(db, "school/one")
    await add_letter(db, "mail/hello", kind="service", lane="service", html="<p>{{ data.word }}</p>", text="{{ data.word }}")
    same = {"subscriber_id": anna, "occasion": "x", "now": NOW, "templates": TEMPLATES}
    with pytest.raises(NurtureError, match="keep the mix"):
        await queue_service_letter(db, **same, letter="school/one")
    with pytest.raises(NurtureError, match="no letter 'nothing'"):
        await queue_service_letter(db, **same, letter="nothing")
    with pytest.raises(NurtureError, match="needs either"):
        await queue_service_letter(db, **same, subject="s")
    with pytest.raises(NurtureError, match="needs either"):
        await queue_service_letter(db, **same, letter="mail/hello", subject="s", body="b")
    with pytest.raises(NurtureError):
        await queue_service_letter(db, **same, subject="{{ broken", body="b")
    assert await the_rows(db) == []
    assert (await queue_service_letter(db, **same, letter="mail/hello", data={"word": "hi"})).fresh
