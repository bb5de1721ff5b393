"""The mix of one person, and offers that are due while none is planned."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from nurture.domain.errors import NurtureError
from nurture.domain.mixes import Ratio, Thirds
from nurture.domain.person_mix import PersonMix, mix_of, to_json
from nurture.domain.words import Kind, Kinds
from nurture.services.mixing import offers_due, person_mix
from nurture.store.database import Database
from nurture.store.tables import METADATA
from tests.services.test_pacing import way, write
from tests.support.history import delivery, prepare
from tests.support.people import NOW, add_people
from tests.support.programme import install, letter

STANDINGS, SUBSCRIBERS = METADATA.tables["standings"], METADATA.tables["subscribers"]
NOTHING: tuple[dict[str, int], dict[str, int]] = ({}, {})


def mix(*promises: Any, useful: int = 0, others: int = 0, kinds: Kinds = Kinds.ALL, offers: tuple[str, ...] = ()) -> PersonMix:
    own = [(f"sequence:s{n}", (p,)) for n, p in enumerate(promises)]
    return mix_of(own, (Ratio(3),), (useful, others), kinds, offers, NOTHING)


@pytest.mark.parametrize(("found", "earned", "missing", "due"), [
    (mix(useful=2, others=5), False, 1, False), (mix(useful=3, others=3), True, 0, True),
    (mix(useful=3, others=3, offers=("s/offer",)), True, 0, False), (mix(useful=9, others=9, kinds=Kinds.USEFUL), True, 0, False),
    (mix(Ratio(2), Ratio(4), useful=3, others=3), False, 1, False), (mix(Thirds(), useful=0, others=2), True, 0, True),
    (mix(Thirds(((Kind.NEWS,), (Kind.USEFUL,), (Kind.ABOUT,))), useful=9, others=9), True, 0, False),  # no offer is promised there
    (mix(Thirds(), Ratio(3), useful=2, others=4), False, 1, False),
])  # fmt: skip
def test_an_offer_is_earned_by_every_promise_and_due_when_none_is_planned(found: PersonMix, earned: bool, missing: int, due: bool) -> None:
    assert (found.earned.allowed, found.earned.missing, found.offer_due) == (earned, missing, due)


def test_the_promises_name_their_source_and_the_workspaces_holds_where_none_is_made() -> None:
    assert mix(Ratio(2), Thirds()).promises == (("sequence:s0", "2:1"), ("sequence:s1", "thirds useful / about+news / sales"))
    assert mix().promises == (("workspace", "3:1"),)


async def test_the_mix_of_a_person_is_counted_over_everything(db: Database) -> None:
    letters, sequence, lane = await prepare(db)
    (person,) = await add_people(db, "a@example.com")
    rows = [
        delivery(person, letters["questions"], lane, "useful", "UTC", NOW - timedelta(days=80)),
        delivery(person, letters["quote"], lane, "useful", "UTC", NOW - timedelta(days=8)),
        delivery(person, letters["offer"], lane, "sales", "UTC", NOW - timedelta(days=100)),
    ]
    done = {"letter": "roof-school/questions", "kind": "useful", "outcome": "sent", "day": "2026-02-02", "at": NOW.isoformat()}
    await write(db, [way(sequence, person, "mix", history=[done])], rows)
    async with db.write() as tx:
        await tx.execute(update(STANDINGS).values(useful_since_sales=2, others_since_sales=2))
    found = to_json(await person_mix(db, person, NOW))
    assert found == {
        "promises": [{"source": "sequence:roof-school", "promise": "3:1"}],
        "since_last_offer": {"useful": 2, "others": 2},
        "next_offer": {
            "letter": "roof-school/offer", "earned": False, "missing": 1, "reason": "sales held by 3:1: 1 useful letter due first",
        },
        "offer_due": False,
        "days_28": {"useful": 1, "news": 0, "about": 0, "sales": 0}, "days_90": {"useful": 2, "news": 0, "about": 0, "sales": 0},
    }  # fmt: skip
    with pytest.raises(NurtureError, match="no subscriber 999"):
        await person_mix(db, 999, NOW)


async def test_offers_are_due_to_those_who_were_given_enough_and_have_none_ahead(db: Database) -> None:
    gives = {"sequence": "gives", "mix": "2:1", "letters": [letter("a"), letter("b"), letter("c")]}
    asks = {"sequence": "asks", "letters": [letter("a"), letter("offer", "sales")]}
    ids = await install(db, gives, asks)
    names = ("given", "little", "asked", "done", "only", "left", "nowhere")
    people = dict(zip(names, await add_people(db, *(f"{n}@example.com" for n in names)), strict=True))
    ways = [way(ids["gives"], people[n], "order") for n in ("given", "little", "asked", "done", "only", "left")]
    ways += [way(ids["asks"], people[n], "order") for n in ("asked", "done")]
    async with db.read() as tx:
        (offer,) = (await tx.execute(METADATA.tables["letters"].select().where(METADATA.tables["letters"].c.name == "asks/offer"))).all()
    gone = delivery(people["done"], (offer.id, offer.current_version_id), 1, "sales", "UTC", NOW - timedelta(days=60), enrolment_id=8)
    await write(db, ways, [gone])
    async with db.write() as tx:
        for name, useful in {"little": 1, "given": 2}.items():
            await tx.execute(update(STANDINGS).where(STANDINGS.c.subscriber_id == people[name]).values(useful_since_sales=useful))
        rest = [people[n] for n in names if n not in ("little", "given")]
        await tx.execute(update(STANDINGS).where(STANDINGS.c.subscriber_id.in_(rest)).values(useful_since_sales=5, others_since_sales=5))
        await tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == people["only"]).values(kinds="useful"))
        await tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == people["left"]).values(status="unsubscribed"))
    found = await offers_due(db)
    assert found == {"workspace": 2, "sequence:gives": 2, "sequence:asks": 1}  # given, done; done, nowhere
