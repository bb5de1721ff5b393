"""Pinned and migrated: for any edit and any step, who is pinned gets the old letters in the old order, who is not gets the new ones, each once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.definitions.comparing import compare_courses
from nurture.domain.documents import Policy, Sequence
from nurture.domain.edits import Weighing, outlook
from nurture.domain.forecasting import foresee
from nurture.domain.plans import Past, Person, Shelf, Way
from nurture.domain.versions import kept_course, same_course
from nurture.domain.words import Kind

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ME = Person(7, ZoneInfo("Europe/Berlin"))


def letter(key: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "kind": "useful", "subject": "s", "body": "b", "window": "any", "after": "1d"} | more


def school(*letters: dict[str, Any], **more: Any) -> Sequence:
    return Sequence.model_validate({"sequence": "school", "letters": list(letters)} | more)


ids = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)


def past(keys: list[str]) -> tuple[Past, ...]:
    moments = [MONDAY - (len(keys) - n) * DAY for n in range(len(keys))]
    return tuple(Past(f"school/{key}", Kind.USEFUL, "sent", at.date(), at) for key, at in zip(keys, moments, strict=True))


def comes(source: Sequence, had: list[str]) -> list[str]:
    way = Way(1, source, 1, MONDAY - 20 * DAY, history=past(had))
    seen = foresee(ME, (way,), Shelf(), Policy(), MONDAY, MONDAY + 60 * DAY)
    return [x.letter.removeprefix("school/") for x in seen.letters]


@settings(max_examples=60, deadline=None)
@given(old=ids, new=ids, steps=st.integers(0, 6), rewritten=ids)
def test_any_edit_at_any_step(old: list[str], new: list[str], steps: int, rewritten: list[str]) -> None:
    had = old[:steps]
    before = school(*(letter(key) for key in old))
    edited = school(*(letter(key, subject="new" if key in rewritten else "s") for key in new))
    pinned = kept_course(before, [edited])
    assert comes(pinned, had) == old[steps:]
    assert comes(edited, had) == [key for key in new if key not in had]
    assert {x.id for x in pinned.letters if x.subject == "new"} == set(old) & set(new) & set(rewritten)
    assert same_course(before, edited) is (old == new)
    assert same_course(before, pinned)
    for rule, after in (("migrate", edited), ("pin", pinned)):
        weighing = Weighing(before, edited.model_copy(update={"on_edit": rule}))
        views = [outlook("school", ME, (Way(1, s, 1, MONDAY - 20 * DAY, history=past(had)),), Shelf(), None, Policy(), MONDAY, MONDAY + 60 * DAY) for s in (before, after)]  # fmt: skip
        assert views[0]
        assert views[1]
        weighing.weigh(views[0], views[1], None)
        edit = weighing.edit(1, 1, 0, 0)
        announced = {x.id for x in edit.added if x.get}
        assert announced == set(comes(after, had)) - set(old)
        assert {x.id for x in edit.removed if x.lose} == set(old[steps:]) - set(comes(after, had))
        assert edit.finish == (not comes(after, had) and bool(comes(before, had)))


def test_a_pinned_version_says_what_is_true_now_and_keeps_its_own_times() -> None:
    before = school(letter("a", after="2d"), letter("b"), topic="roofs", mix="3:1", exit_on=["purchase"])
    middle = school(letter("a"), letter("b", body="last words"), topic="roofs")
    newest = school(letter("a", kind="sales", size="long", topic="tiles"), topic="tiles", mix="2:1", exit_on=["lead"], title="Tiles")
    kept = kept_course(before, [middle, newest])
    first, second = kept.letters
    assert (first.kind, first.size, first.topic, first.after) == ("sales", "long", "tiles", before.letters[0].after)
    assert second.body == "last words"
    assert (kept.promises, kept.exit_on, kept.topic, kept.title) == (before.promises, ("purchase",), "tiles", "Tiles")


def test_a_letter_that_became_a_greeting_has_its_day() -> None:
    before = school(letter("a"), letter("b"))
    newest = school(letter("a", kind="greeting", day="birthday", after=None), letter("b"))
    assert kept_course(before, [newest]).letters[0] == newest.letters[0]
    assert kept_course(newest, [before]).letters[0] == before.letters[0]


def test_only_the_rule_or_what_newcomers_meet_is_no_other_course() -> None:
    before = school(letter("a"))
    assert same_course(before, school(letter("a"), on_edit="pin", title="New", audience={"tag": "x"}, re_entry="always", state="draft"))
    assert not same_course(before, school(letter("a", only_if={"tag": "x"})))
    assert not same_course(before, school(letter("a"), cadence="1 per week"))


def test_the_words_name_the_step_the_rule_and_what_was_reckoned_up() -> None:
    before, after = school(letter("a"), letter("c")), school(letter("a"), letter("b"), letter("c"))
    weighing = Weighing(before, after)
    weighing.by_letter["b"].update(get=41, out_of_order=3)
    weighing.counts.update(sooner=1, later=2, taken_back=1)
    said = compare_courses(weighing.edit(440, 44, 312, 7), after)
    assert said == [
        "on_edit: migrate - 440 under way go on in the new version (7 of them are on older versions)",
        "letter b, step 2: about 410 under way will get it (about 30 of them after a letter that stands behind it); 312 have finished and will not see it",
        "about 30 are re-timed: 10 get their next letter sooner, 20 later",
        "about 10 letters that were written already are taken back",
        "reckoned up from 44 of the 440 people under way",
    ]
    assert compare_courses(Weighing(before, after).edit(0, 0, 0, 0), after)[0] == "on_edit: migrate - nobody is under way"
