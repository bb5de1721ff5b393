"""The one rule of statuses, and what a draft changes of a person."""

from datetime import UTC, datetime

import pytest

from nurture.domain.people import Draft, Known, lowers, merge, newcomer, raises
from nurture.domain.words import Status, ZoneSource
from nurture.domain.zones import ZoneFound

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def known(**columns: object) -> Known:
    base = {"status": "subscribed", "name": "Anna", "timezone": None, "zone_source": "default"}
    return Known(1, base | columns, {"n": 1}, {"t": True}, frozenset({"a"}))


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("wanted", list(Status))
def test_no_draft_ever_brings_letters_back(before: Status, wanted: Status) -> None:
    merged = merge(known(status=before.value), Draft("a@x", status=wanted), NOW)
    after = Status(merged.values.get("status", before.value))
    assert not raises(before, after)
    assert bool(merged.refused) is raises(before, wanted)
    if lowers(before, wanted):
        assert after is wanted
        assert merged.values["status_at"] == NOW


def test_a_complaint_is_not_softened() -> None:
    assert not merge(known(status="complained"), Draft("a@x", status=Status.UNSUBSCRIBED), NOW).changes


def test_what_is_said_again_changes_nothing() -> None:
    draft = Draft("a@x", {"name": "Anna"}, {"n": 1}, {"t": True}, ("a",), Status.SUBSCRIBED)
    assert not merge(known(), draft, NOW).changes


def test_true_is_not_one() -> None:
    assert merge(known(), Draft("a@x", fields={"n": True}), NOW).values == {"fields": {"n": True}}


def test_tags_are_added_or_replaced() -> None:
    added = merge(known(), Draft("a@x", tags=("b",)), NOW)
    assert (added.add_tags, added.drop_tags) == ({"b"}, set())
    replaced = merge(known(), Draft("a@x", tags=("b",)), NOW, replace_tags=True)
    assert (replaced.add_tags, replaced.drop_tags) == ({"b"}, {"a"})
    assert not merge(known(), Draft("a@x"), NOW, replace_tags=True).changes


def test_a_better_known_zone_stays() -> None:
    guess = ZoneFound("America/Chicago", ZoneSource.GUESSED)
    own = known(timezone="Europe/Berlin", zone_source="explicit")
    assert not merge(own, Draft("a@x", zone=guess), NOW).changes
    assert merge(own, Draft("a@x", zone=guess, zone_exact=True), NOW).values == {"timezone": "America/Chicago", "zone_source": "guessed"}
    assert merge(known(), Draft("a@x", zone=guess), NOW).values == {"timezone": "America/Chicago", "zone_source": "guessed"}


def test_nobody_joined_in_the_future() -> None:
    row = newcomer(Draft("a@x", joined_at=datetime(2027, 1, 1, tzinfo=UTC), fields={"x": None, "y": 1}), NOW)
    assert (row["joined_at"], row["fields"], row["status"]) == (NOW, {"y": 1}, "subscribed")


@pytest.mark.parametrize(
    ("name", "chosen", "looser", "stricter"),
    [
        ("kinds", "useful", "all", None),
        ("frequency", "less", "normal", None),
        ("tracking", "aggregate", "individual", "none"),
        ("paused_until", NOW.replace(month=4), NOW.replace(month=3, day=3), NOW.replace(month=5)),
        ("paused_until", NOW.replace(month=4), None, None),
    ],
)
def test_a_file_never_undoes_what_a_person_chose(name: str, chosen: object, looser: object, stricter: object) -> None:
    own = known(**{name: chosen})
    assert not merge(own, Draft("a@x", {name: looser}), NOW, loosen=False).changes
    assert merge(own, Draft("a@x", {name: looser}), NOW).values == {name: looser}
    if stricter is not None:
        assert merge(own, Draft("a@x", {name: stricter}), NOW, loosen=False).values == {name: stricter}


def test_a_file_never_brings_a_left_topic_back() -> None:
    left = Known(1, {"status": "subscribed"}, {}, {"roofs": False, "tools": True}, frozenset())
    draft = Draft("a@x", topics={"roofs": True, "tools": False, "news": True})
    assert merge(left, draft, NOW, loosen=False).values == {"topics": {"roofs": False, "tools": False, "news": True}}
    assert merge(left, draft, NOW).values == {"topics": {"roofs": True, "tools": False, "news": True}}
