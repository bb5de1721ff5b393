"""What the columns of a CSV file mean, and what one row says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from nurture.domain.columns import plan_columns
from nurture.domain.errors import NurtureError
from nurture.domain.rows import Row, read_row
from nurture.domain.words import Status, ZoneSource

MAILCHIMP = [
    "Email Address",
    "First Name",
    "Last Name",
    "MEMBER_RATING",
    "OPTIN_TIME",
    "OPTIN_IP",
    "CONFIRM_TIME",
    "CONFIRM_IP",
    "LATITUDE",
    "LONGITUDE",
    "GMTOFF",
    "DSTOFF",
    "TIMEZONE",
    "CC",
    "REGION",
    "LAST_CHANGED",
    "LEID",
    "EUID",
    "NOTES",
    "TAGS",
]


def read(header: list[str], cells: list[str], chosen: dict[str, str] | None = None) -> Row:
    return read_row(plan_columns(header, chosen), cells, str.lower)


def test_our_own_headers() -> None:
    header = ["Email", "Name", "first_name", "timezone", "tags", "topics", "status", "joined_at", "kinds", "fields.n", "city", "frequency"]
    cells = ["A@X.DE", "Anna B", "Anna", "Europe/Kiev", "a, b", "roofs", "Pending", "2020-01-01", "useful", "5", " Bonn ", "less"]
    row = read(header, cells)
    draft = row.draft
    assert (draft.email, draft.status, draft.tags, draft.topics) == ("a@x.de", Status.PENDING, ("a", "b"), {"roofs": True})
    assert draft.columns == {"name": "Anna B", "first_name": "Anna", "kinds": "useful", "frequency": "less"}
    assert draft.fields == {"n": 5, "city": "Bonn"}
    assert draft.zone is not None
    assert (draft.zone.zone, draft.zone.source) == ("Europe/Kyiv", ZoneSource.IMPORT)
    assert draft.joined_at == datetime(2020, 1, 1, tzinfo=UTC)


def test_what_is_computed_cannot_be_brought_along() -> None:
    header = ["id", "email", "engagement", "temperature"]
    assert read(header, ["7", "a@x.de", "fan", "hot"]).draft.fields == {}
    assert read(["id", "email"], ["7", "a@x.de"]).draft.fields == {"id": "7"}  # somebody's own number


def test_mailchimp() -> None:
    cells = [
        "A@x.de",
        "Anna",
        "Schmidt",
        "4",
        "2019-05-27 10:11:12",
        "192.0.2.1",
        "2019-05-28 10:11:12",
        "192.0.2.2",
        "50",
        "8",
        "1",
        "2",
        "Europe/Berlin",
        "de",
        "BY",
        "2020-01-01",
        "1",
        "e",
        "hello",
        "",
    ]
    cells[-1] = '"Roof, flat","Wall"'
    row = read(MAILCHIMP, cells)
    assert row.draft.columns == {"first_name": "Anna", "name": "Anna Schmidt", "country": "DE"}
    assert row.draft.tags == ("Roof, flat", "Wall")
    assert row.draft.status is None
    assert row.draft.fields == {"last_name": "Schmidt", "MEMBER_RATING": "4", "REGION": "BY", "NOTES": "hello"}
    assert row.draft.zone is not None
    assert row.draft.zone.zone == "Europe/Berlin"
    assert row.draft.joined_at == datetime(2019, 5, 28, 10, 11, 12, tzinfo=UTC)
    assert row.agreed is not None
    assert (row.agreed.at, row.agreed.ip) == (datetime(2019, 5, 28, 10, 11, 12, tzinfo=UTC), "192.0.2.2")


def test_mailchimp_without_a_zone_goes_by_its_offsets_then_its_country() -> None:
    plain = dict.fromkeys(MAILCHIMP, "") | {"Email Address": "a@x.de", "CC": "US"}
    row = read(MAILCHIMP, list((plain | {"GMTOFF": "-8", "DSTOFF": "-7"}).values()))
    assert row.draft.zone is not None
    assert (row.draft.zone.zone, row.draft.zone.source) == ("America/Los_Angeles", ZoneSource.OFFSET)
    row = read(MAILCHIMP, list(plain.values()))
    assert row.draft.zone is not None
    assert row.draft.zone.source is ZoneSource.GUESSED


@pytest.mark.parametrize(("column", "status"), [("UNSUB_TIME", Status.UNSUBSCRIBED), ("CLEAN_TIME", Status.BOUNCED)])
def test_mailchimps_lists_of_those_who_are_gone(column: str, status: Status) -> None:
    row = read([*MAILCHIMP, column], ["a@x.de", *[""] * (len(MAILCHIMP) - 1), "2021-01-01 00:00:00"])
    assert (row.draft.status, row.draft.status_at) == (status, datetime(2021, 1, 1, tzinfo=UTC))
    assert read([*MAILCHIMP, column], ["a@x.de"]).draft.status is status  # the file says it, not the cell


def test_mailchimps_birthdays_become_yearly_days() -> None:
    assert read([*MAILCHIMP, "Birthday"], ["a@x.de", *[""] * (len(MAILCHIMP) - 1), "5/27"]).draft.fields == {"birthday": "05-27"}


@pytest.mark.parametrize(
    ("written", "kept", "doubts"),
    [
        ("12.07.1980", "1980-07-12", 0),
        ("1.5.", "05-01", 0),
        ("1980-05-27", "1980-05-27", 0),
        ("05-27", "05-27", 0),
        ("5/27", "05-27", 0),
        ("7/12/1980", "7/12/1980", 1),  # July or December: nobody can tell
        ("in spring", "in spring", 1),
    ],
)
def test_birthdays_are_kept_as_greetings_read_them_or_doubted(written: str, kept: str, doubts: int) -> None:
    for header in ("Birthday", "Geburtstag"):
        row = read(["email", header], ["a@x.de", written])
        assert row.draft.fields == {"birthday": kept}
        assert len(row.warnings) == doubts
    assert read(["email", "b"], ["a@x.de", written], {"b": "birthday"}).draft.fields == {"birthday": kept}


def test_a_mistyped_word_after_map_makes_no_field() -> None:
    with pytest.raises(NurtureError, match=r'did you mean "first_name".*fields\.frist_name'):
        plan_columns(["email", "n"], {"n": "frist_name"})
    assert plan_columns(["email", "n"], {"n": "fields.frist_name"}).targets == ("email", "text:frist_name")


def test_a_header_without_an_address_is_told_which_column_it_may_be() -> None:
    with pytest.raises(NurtureError, match='--map "Kontakt-Mail privat=email"'):
        plan_columns(["Name", "", "Kontakt-Mail privat"])


def test_listmonk() -> None:
    header = ["uuid", "email", "name", "attributes", "status", "created_at"]
    row = read(header, ["u", "a@x.de", "Anna Schmidt", '{"city": "Bonn", "n": 5, "deep": {"x": [1]}}', "enabled", "2021-05-05T10:00:00Z"])
    assert row.draft.columns == {"name": "Anna Schmidt", "first_name": "Anna"}
    assert row.draft.fields == {"city": "Bonn", "n": 5, "deep": {"x": [1]}}
    assert row.draft.status is Status.SUBSCRIBED
    for word in ("blocklisted", "disabled", "unsubscribed"):
        assert read(header, ["u", "a@x.de", "", "", word, ""]).draft.status is Status.UNSUBSCRIBED
    with pytest.raises(ValueError, match="attributes"):
        read(header, ["u", "a@x.de", "", "not json", "", ""])


def test_any_other_by_hand() -> None:
    header = ["Kontakt", "Ort", "Kundennummer", "geheim"]
    chosen = {"kontakt": "email", "Ort": "fields.city", "Kundennummer": "number", "geheim": "-"}
    assert read(header, ["a@x.de", "Bonn", "0049", "x"], chosen).draft.fields == {"city": "Bonn", "number": "0049"}


def test_usual_words_are_known_without_a_map() -> None:
    row = read(["E-Mail", "Vorname", "Nachname", "Time Zone"], ["a@x.de", "Anna", "Schmidt", "+03:00"])
    assert row.draft.columns == {"first_name": "Anna", "name": "Anna Schmidt"}
    assert row.draft.zone is not None
    assert (row.draft.zone.zone, row.draft.zone.source) == ("Etc/GMT-3", ZoneSource.OFFSET)


@pytest.mark.parametrize(
    ("header", "chosen", "advice"),
    [
        (["name", "city"], {}, "--map"),
        (["email", "town"], {"twon": "city"}, 'did you mean "town"'),
        (["a@x.de", "Anna"], {}, "first line must name the columns"),
        (["email", "E-Mail"], {}, "two columns hold the email"),
        (["email", *map(str, range(10_000))], {}, "at most 1,000"),
    ],
)
def test_headers_that_cannot_be_read(header: list[str], chosen: dict[str, str], advice: str) -> None:
    with pytest.raises(NurtureError, match=advice):
        plan_columns(header, chosen)


def test_two_free_columns_of_one_name_are_both_kept() -> None:
    assert read(["email", "x", "x", ""], ["a@x.de", "1", "2", "3"]).draft.fields == {"x": "1", "x 2": "2"}


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"status": "active"}, "the status 'active' is not known; use one of pending, subscribed"),
        ({"email": " "}, "no e-mail address"),
        ({"joined_at": "soon"}, "joined_at"),
        ({"kinds": "some"}, "use one of all, useful"),
        ({"name": "n" * 301}, "at most 300"),
        ({"zone_source": "rumour"}, "zone_source"),
        ({"fields": "[]"}, "fields"),
    ],
)
def test_rows_that_are_refused(told: dict[str, Any], reason: str) -> None:
    row = {"email": "a@x.de"} | told
    with pytest.raises(ValueError, match=reason):
        read(list(row), list(row.values()))


def test_too_many_values_mean_an_unquoted_delimiter() -> None:
    with pytest.raises(ValueError, match="3 values but the header 2"):
        read(["email", "name"], ["a@x.de", "Schmidt", "Anna"])
    assert read(["email", "name"], ["a@x.de", "Anna", "", " "]).draft.columns == {"name": "Anna"}
    assert read(["email", "name"], ["a@x.de"]).draft.columns == {}


@pytest.mark.parametrize(("cell", "tags", "doubts"), [("roof;vip", ("roof;vip",), 1), ("roof|vip", ("roof|vip",), 1), ("roof, vip", ("roof", "vip"), 0)])
def test_tags_parted_otherwise_are_kept_as_one_and_doubted(cell: str, tags: tuple[str, ...], doubts: int) -> None:
    row = read(["email", "tags"], ["a@x.de", cell])
    assert (row.draft.tags, len(row.warnings)) == (tags, doubts)


def test_an_unknown_zone_is_a_doubt_not_a_fault() -> None:
    row = read(["email", "timezone", "country"], ["a@x.de", "Mars/X", "PL"])
    assert row.warnings == ("'Mars/X' is not a known time zone; Europe/Warsaw (country) is used",)
    assert read(["email", "timezone"], ["a@x.de", "Mars/X"]).draft.zone is None


def test_controls_and_guards_are_taken_away() -> None:
    row = read(["email", "name", "x"], ["a@x.de", "Anna\r\nBcc: b@x.de", "'=1+1"])
    assert row.draft.columns == {"name": "Anna Bcc: b@x.de"}
    assert row.draft.fields == {"x": "=1+1"}
