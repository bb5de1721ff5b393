"""Documents, letter versions, lanes and images, on both databases."""

from dataclasses import dataclass
from datetime import timedelta

from nurture.definitions.loading import load_text
from nurture.domain.documents import AnyDocument, Policy
from nurture.domain.words import Kind
from nurture.store.database import Database
from nurture.store.documents import (
    document_names,
    ensure_lane,
    letter_catalogue,
    load_document,
    load_documents,
    load_letter_versions,
    load_media,
    load_policy,
    load_versions,
    save_document,
    save_letter_version,
    save_media,
)
from tests.support.ledger import add_delivery, rows_of
from tests.support.people import NOW, add_people

LATER = NOW + timedelta(days=1)
SEQUENCE = """sequence: school
cadence: {cadence}
audience: {{all: [{{field: score, gt: 1.5}}, {{field: vip, is: true}}, {{field: zip, is: "01067"}}]}}
letters:
  - {{id: a, kind: useful, subject: "Привет, zażółć", body: "x", after: 48h}}
"""


@dataclass(frozen=True)
class Picture:
    type: str
    data: bytes


def document(text: str) -> AnyDocument:
    return load_text(text).documents[0].document


async def test_a_document_is_created_changed_and_left_alone(db: Database):
    first, second = document(SEQUENCE.format(cadence="2 per week")), document(SEQUENCE.format(cadence="1 per week"))
    async with db.write() as tx:
        created = await save_document(tx, first, "live", NOW)
        same = await save_document(tx, first, "live", LATER)
        changed = await save_document(tx, second, "live", LATER)
        back = await save_document(tx, first, "live", LATER)
    assert [(s.change, s.version) for s in (created, same, changed, back)] == [
        ("created", 1),
        ("unchanged", 1),
        ("changed", 2),
        ("changed", 3),
    ]
    async with db.read() as tx:
        stored = await load_document(tx, "sequence", "school")
        versions = await load_versions(tx, created.id)
        assert await load_document(tx, "segment", "school") is None
    assert stored is not None
    assert (stored.document, stored.state, stored.version, stored.created_at, stored.changed_at) == (first, "live", 3, NOW, LATER)
    assert [v for v, _, _ in versions] == [1, 2, 3]
    assert versions[1][2]["cadence"] == "1 per week"


async def test_only_the_state_moving_makes_no_version(db: Database):
    campaign = document("campaign: c\nsegment: s\nletter: {id: a, kind: news, subject: s, body: b}\n")
    async with db.write() as tx:
        await save_document(tx, campaign, "draft", NOW)
        moved = await save_document(tx, campaign, "running", LATER)
        stored = await load_document(tx, "campaign", "c")
    assert (moved.change, moved.version) == ("unchanged", 1)
    assert stored is not None
    assert stored.state == "running"


async def test_documents_come_by_type_and_name(db: Database):
    async with db.write() as tx:
        assert await load_policy(tx) == Policy()
        for name in ("b", "a"):
            await save_document(tx, document(f"segment: {name}\nwhere: {{tag: x}}\n"), "live", NOW)
        await save_document(tx, document("policy: default\ncap: 2\n"), "live", NOW)
    async with db.read() as tx:
        assert [s.name for s in await load_documents(tx, "segment")] == ["a", "b"]
        assert (await load_policy(tx)).cap == 2
        names = await document_names(tx)
    assert names == {"sequence": set(), "segment": {"a", "b"}, "campaign": set(), "cleanup": set(), "rule": set(), "letter": set(), "question": set(), "policy": {"default"}}


async def test_the_same_letter_content_keeps_its_version_for_ever(db: Database):
    one, two = {"subject": "Eins", "html": "<p>ä</p>"}, {"subject": "Zwei", "html": "<p>ä</p>"}
    async with db.write() as tx:
        first = await save_letter_version(tx, "school/a", Kind.USEFUL, one, ["https://e.com"], NOW)
        second = await save_letter_version(tx, "school/a", Kind.USEFUL, two, ["https://e.com"], NOW)
        links = await save_letter_version(tx, "school/a", Kind.USEFUL, two, ["https://e.com/x"], NOW)
        again = await save_letter_version(tx, "school/a", Kind.USEFUL, dict(reversed(one.items())), ["https://e.com"], LATER)
        other = await save_letter_version(tx, "school/b", Kind.USEFUL, one, ["https://e.com"], NOW)
        catalogue = await letter_catalogue(tx)
        versions = await load_letter_versions(tx, [first, second, 999_999])
    assert again == first
    assert len({first, second, links, other}) == 4
    assert catalogue["school/a"].version_id == first
    assert set(versions) == {first, second}
    assert (versions[second].content, versions[second].links, versions[second].name, versions[second].kind) == (
        two,
        ["https://e.com"],
        "school/a",
        Kind.USEFUL,
    )


async def test_letters_that_wait_leave_in_the_new_version(db: Database):
    people = await add_people(db, *(f"{n}@example.com" for n in range(5)))
    async with db.write() as tx:
        old = await save_letter_version(tx, "school/a", Kind.USEFUL, {"subject": "old"}, [], NOW)
        letter = (await letter_catalogue(tx))["school/a"].id
    for person, state in zip(people, ("pending", "deferred", "claimed", "sending", "accepted"), strict=True):
        await add_delivery(db, person, (letter, old), state=state)
    async with db.write() as tx:
        new = await save_letter_version(tx, "school/a", Kind.USEFUL, {"subject": "new"}, [], LATER)
    assert {r["state"]: r["version_id"] for r in await rows_of(db, "deliveries")} == {
        "pending": new,
        "deferred": new,
        "claimed": old,
        "sending": old,
        "accepted": old,
    }


async def test_a_letter_of_another_kind_gives_its_place_back(db: Database):
    people = await add_people(db, "a@example.com", "b@example.com")
    async with db.write() as tx:
        version = await save_letter_version(tx, "school/a", Kind.USEFUL, {"subject": "x"}, [], NOW)
        letter = (await letter_catalogue(tx))["school/a"].id
    await add_delivery(db, people[0], (letter, version), state="pending")
    await add_delivery(db, people[1], (letter, version), state="accepted")
    async with db.write() as tx:
        await save_letter_version(tx, "school/a", Kind.SALES, {"subject": "x"}, [], LATER)
        assert (await letter_catalogue(tx))["school/a"].kind is Kind.SALES
    rows = await rows_of(db, "deliveries")
    assert [(r["state"], r["outcome"], r["kind"]) for r in rows] == [("cancelled", "outranked", "sales"), ("accepted", None, "useful")]


async def test_lanes_keep_their_flag_and_take_the_new_priority(db: Database):
    async with db.write() as tx:
        lane = await ensure_lane(tx, "sequence:school", 50)
        assert await ensure_lane(tx, "sequence:school", 70) == lane
        assert await ensure_lane(tx, "service", 100) != lane
    assert [(r["name"], r["priority"], r["flag"]) for r in await rows_of(db, "lanes")] == [
        ("sequence:school", 70, "running"),
        ("service", 100, "running"),
    ]


async def test_images_are_kept_once(db: Database):
    async with db.write() as tx:
        await save_media(tx, {"h1": Picture("image/png", b"\x00\x01")})
        await save_media(tx, {"h1": Picture("image/png", b"other"), "h2": Picture("image/gif", b"g")})
        await save_media(tx, {})
        assert await load_media(tx, "h1") == ("image/png", b"\x00\x01")
        assert await load_media(tx, "h2") == ("image/gif", b"g")
        assert await load_media(tx, "h3") is None
