"""Apply and diff: all or nothing, nobody mailed, those who match already passed over."""

from datetime import timedelta
from pathlib import Path

import pytest

from nurture.definitions.faults import Refused
from nurture.definitions.loading import Placed, load_files, load_text
from nurture.services.defining import apply, check, known_names
from nurture.services.defining.differing import diff
from nurture.services.enrolling import enrol, enrol_matching
from nurture.shipped import shipped
from nurture.store.database import Database
from nurture.store.documents import letter_catalogue, load_document
from tests.support.ledger import rows_of
from tests.support.people import NOW, add_people

TEMPLATES = shipped("templates")
LATER = NOW + timedelta(hours=1)
SCHOOL = """sequence: school
audience: {tag: roof}
mix: 3:1
letters:
  - id: a
    kind: useful
    subject: "{{ first_name | default('Hello') }}, one"
    call_to_action: https://example.com/a
    body: |
      Hello {{ first_name | default('you') }},

      [go](https://example.com/a)
"""
CAMPAIGN = """campaign: news
segment: readers
letter:
  id: first
  kind: news
  subject: "{{ first_name | default('Hello') }}, news"
  call_to_action: reply
  body: Hello {{ first_name | default('you') }}, what do you think?
"""
SEGMENT = "segment: readers\nwhere: {tag: roof}\n"


def placed(*texts: str) -> tuple[Placed, ...]:
    loaded = load_text("\n---\n".join(texts))
    assert loaded.errors == ()
    return loaded.documents


async def test_everything_is_stored_and_nobody_is_mailed(db: Database):
    await add_people(db, "a@example.com", tags=("roof",))
    applied = await apply(db, placed(SCHOOL, CAMPAIGN, SEGMENT), NOW, templates=TEMPLATES)
    assert [(a.type, a.name, a.change, a.state) for a in applied] == [
        ("segment", "readers", "created", "live"), ("sequence", "school", "created", "live"), ("campaign", "news", "created", "draft"),
    ]  # fmt: skip
    async with db.read() as tx:
        assert set(await letter_catalogue(tx)) == {"school/a", "news/first"}
    assert [r["name"] for r in await rows_of(db, "lanes")] == ["sequence:school", "campaign:news"]
    version = (await rows_of(db, "letter_versions"))[0]
    assert version["links"] == ["https://example.com/a"]
    assert {"subject", "preheader", "html", "text", "kind", "size", "call_to_action", "title"} <= set(version["content"])
    assert await rows_of(db, "deliveries") == []
    assert await rows_of(db, "enrolments") == []


async def test_those_who_match_already_stay_out_and_those_who_come_to_match_enter(db: Database):
    early = await add_people(db, "early@example.com", tags=("roof",))
    pending = await add_people(db, "pending@example.com", tags=("roof",), status="pending")
    applied = await apply(db, placed(SCHOOL), NOW, templates=TEMPLATES)
    assert (applied[0].passed_over, applied[0].taken_in) == (1, 0)
    late = await add_people(db, "late@example.com", tags=("roof",))
    await enrol_matching(db, NOW)
    assert [r["subscriber_id"] for r in await rows_of(db, "enrolments")] == late
    assert early != late != pending


async def test_enrol_existing_takes_them_in_once(db: Database):
    early = await add_people(db, "early@example.com", tags=("roof",))
    await apply(db, placed(SCHOOL), NOW, templates=TEMPLATES)
    applied = await apply(db, placed(SCHOOL), NOW, templates=TEMPLATES, enrol_existing=True)
    assert (applied[0].change, applied[0].taken_in) == ("unchanged", 1)
    await enrol_matching(db, NOW)
    await apply(db, placed(SCHOOL), NOW, templates=TEMPLATES, enrol_existing=True)
    await enrol_matching(db, NOW)
    assert [r["subscriber_id"] for r in await rows_of(db, "enrolments")] == early


async def test_another_audience_makes_another_baseline(db: Database):
    await add_people(db, "tile@example.com", tags=("tile",))
    await apply(db, placed(SCHOOL), NOW, templates=TEMPLATES)
    await apply(db, placed(SCHOOL.replace("{tag: roof}", "{tag: tile}")), NOW, templates=TEMPLATES)
    await enrol_matching(db, NOW)
    assert await rows_of(db, "enrolments") == []


async def test_a_changed_sequence_is_a_new_version_and_its_people_are_looked_at_again(db: Database):
    person, other = await add_people(db, "a@example.com", "b@example.com")
    await apply(db, placed(SCHOOL), NOW, templates=TEMPLATES)
    await enrol(db, "school", [person], NOW, "hand")
    applied = await apply(db, placed(SCHOOL.replace("mix: 3:1", "cadence: 2 per week")), LATER, templates=TEMPLATES)
    assert (applied[0].change, applied[0].version, applied[0].changes) == (
        "changed",
        2,
        ("mix 3:1 taken out", 'cadence "2 per week" added'),
    )
    looks = {r["subscriber_id"]: r["plan_at"] for r in await rows_of(db, "standings")}
    assert looks == {person: LATER, other: None}


async def test_a_started_campaign_keeps_its_state(db: Database):
    await apply(db, placed(CAMPAIGN, SEGMENT), NOW, templates=TEMPLATES)
    async with db.write() as tx:
        await tx.exec_driver_sql("UPDATE documents SET state = 'running' WHERE type = 'campaign'")
    await apply(db, placed(CAMPAIGN.replace("what do", "what, then, do")), LATER, templates=TEMPLATES)
    async with db.read() as tx:
        stored = await load_document(tx, "campaign", "news")
    assert stored is not None
    assert (stored.state, stored.version) == ("running", 2)


@pytest.mark.parametrize(
    ("texts", "rule", "line", "words"),
    [
        ((SCHOOL, CAMPAIGN), "unknown-segment", 16, 'no segment "readers"'),
        ((SCHOOL, SCHOOL.replace("school", "b").partition("    body")[0] + "    template: letters/nowhere\n"), "template", 23, "letters/nowhere"),
        ((SCHOOL, "segment: readers\nwhere: {tag: a}\n", CAMPAIGN.replace("campaign: news", "campaign: school")), "taken-name", 19, "belongs to a sequence"),
        ((SCHOOL, SCHOOL.replace("school", "b").replace("mix: 3:1", "mix: [thirds, {thirds: [news, useful, sales]}]")), "contradicting-promises", 17, "exclude"),
        ((SCHOOL, SCHOOL.replace("school", "b").replace("](https://example.com/a)", "](javascript:alert(1))")), "template", 23, "javascript"),
    ],
)  # fmt: skip
async def test_one_document_that_cannot_run_keeps_all_out(db: Database, texts, rule, line, words):
    with pytest.raises(Refused) as refused:
        await apply(db, placed(*texts), NOW, templates=TEMPLATES)
    fits = [f for f in refused.value.faults if f.rule == rule]
    assert fits
    assert words in fits[0].message
    assert fits[0].line == line
    assert await rows_of(db, "documents") == []
    assert await rows_of(db, "letters") == []


async def test_a_segment_that_was_applied_before_is_known(db: Database):
    await apply(db, placed(SEGMENT), NOW, templates=TEMPLATES)
    known, policy = await known_names(db)
    assert (known.segments, policy) == (frozenset({"readers"}), None)
    assert set(known.questions) == {"readers"}
    assert known.library == frozenset()
    assert [f for f in check(placed(CAMPAIGN), TEMPLATES, known, policy) if f.level == "error"] == []
    await apply(db, placed(CAMPAIGN), NOW, templates=TEMPLATES)


async def test_diff_counts_and_changes_nothing(db: Database):
    people = await add_people(db, "a@example.com", "b@example.com", "c@example.com", tags=("roof",))
    fresh = await diff(db, placed(SCHOOL, SEGMENT), NOW)
    assert [(d.change, d.matching, d.would_enrol, d.under_way) for d in fresh] == [("created", 3, 3, 0), ("created", 0, 0, 0)]
    assert await rows_of(db, "documents") == []
    await apply(db, placed(SCHOOL), NOW, templates=TEMPLATES)
    await enrol(db, "school", people[:1], NOW, "hand")
    changed = await diff(db, placed(SCHOOL.replace('one"', 'two"')), NOW)
    assert (changed[0].change, changed[0].matching, changed[0].would_enrol, changed[0].under_way) == ("changed", 3, 2, 1)
    assert "subject" in changed[0].changes[0]
    assert [d.change for d in await diff(db, placed(SCHOOL), NOW)] == ["unchanged"]


async def test_the_shipped_documents_apply_as_they_are(db: Database):
    loaded = load_files([shipped("sequences")])
    applied = await apply(db, loaded.documents, NOW, templates=TEMPLATES)
    assert len(applied) == len(loaded.documents)
    assert {a.change for a in applied} == {"created"}
    assert [f.render(loaded.sources[f.file]) for f in check(loaded.documents, TEMPLATES)] == []


def test_a_letter_folder_without_a_page_is_told_where_it_is_named(tmp_path: Path):
    (tmp_path / "letters" / "empty").mkdir(parents=True)
    faults = check(placed(SCHOOL.partition("    body")[0] + "    template: letters/empty\n"), tmp_path)
    assert ("unknown-template", 9) in {(f.rule, f.line) for f in faults}
