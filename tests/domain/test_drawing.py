"""What an occasion draws: the next letter of a folder, what is new in a feed."""

from datetime import UTC, date, datetime, timedelta

from nurture.domain.drawing import Item, date_of, fresh_items, next_in_folder

TUESDAY = date(2026, 3, 10)
T = datetime(2026, 3, 10, tzinfo=UTC)


def test_a_folder_goes_by_name() -> None:
    files = [("02-b.yaml", "b"), ("01-a.yaml", "a"), ("10-c.yaml", "c")]
    used: list[str] = []
    while (found := next_in_folder(files, used, TUESDAY)) is not None:
        used.append(found)
    assert used == ["a", "b", "c"]


def test_a_date_in_front_keeps_a_letter_until_then() -> None:
    files = [("2026-03-10-spring.yaml", "spring"), ("2026-03-17-warm.yaml", "warm"), ("any.yaml", "any")]
    assert next_in_folder(files, (), date(2026, 3, 3)) == "any"
    assert next_in_folder(files, ("any",), date(2026, 3, 3)) is None
    assert next_in_folder(files, (), TUESDAY) == "spring"
    assert next_in_folder(files, ("spring",), date(2026, 3, 17)) == "warm"
    assert next_in_folder(files, (), date(2026, 3, 18)) == "warm", "the newest whose date has come"
    assert next_in_folder(files, ("warm",), date(2026, 3, 24)) == "any", "an older date is over"
    assert next_in_folder([("2026-03-10-a.yaml", "a"), ("2026-03-10-b.yaml", "b")], ("a",), TUESDAY) == "b"


def test_a_date_is_one_of_the_calendar() -> None:
    assert date_of("2026-03-10.yaml") == TUESDAY
    assert date_of("2026-02-30-x.yaml") is None
    assert date_of("spring-2026-03-10.yaml") is None


def item(key: str, at: datetime | None = None) -> Item:
    return Item(key=key, title=key, at=at)


def test_new_is_what_was_not_in_the_feed_before() -> None:
    old, new, undated = item("old", T - timedelta(days=8)), item("new", T - timedelta(hours=2)), item("undated")
    items = [old, undated, new]
    assert [i.key for i in fresh_items(items, (), None, 10)] == ["new", "old", "undated"], "the newest first"
    assert [i.key for i in fresh_items(items, ("old",), T - timedelta(days=7), 10)] == ["new", "undated"]
    assert [i.key for i in fresh_items(items, ("old", "new", "undated"), T, 10)] == []
    assert [i.key for i in fresh_items(items, (), None, 1)] == ["new"]


def test_a_feed_with_new_keys_throughout_brings_no_old_news() -> None:
    moved = [item("x1", T - timedelta(days=400)), item("x2", T - timedelta(days=9)), item("x3", T + timedelta(hours=1))]
    assert [i.key for i in fresh_items(moved, ("old",), T, 10)] == ["x3"]
