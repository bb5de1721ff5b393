"""How a person's zone is found and how sure we are."""

from zoneinfo import ZoneInfo

import pytest

from nurture.domain.words import ZoneSource
from nurture.domain.zone_tables import ALIASES, ODD_OFFSETS, OFFSET_PAIRS, ONE_ZONE, SEVERAL_ZONES
from nurture.domain.zones import ZoneFound, better, find_zone, read_zone, zone_of_country, zone_of_offset


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/kiev", "Europe/Kyiv"),
        (" Asia/Calcutta ", "Asia/Kolkata"),
        ("US/Eastern", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("Europe/Amsterdam", "Europe/Amsterdam"),  # a country's own name stays
        ("Etc/GMT-3", "Etc/GMT-3"),  # as written: three hours east
        ("+03:00", "Etc/GMT-3"),
        ("UTC+3", "Etc/GMT-3"),
        ("gmt-5", "Etc/GMT+5"),
        ("+0530", "Asia/Kolkata"),
        ("\u22125", "Etc/GMT+5"),
        ("UTC", "UTC"),
        ("z", "UTC"),
        ("+00:00", "UTC"),
        ("Mars/Olympus", None),
        ("+99", None),
        ("-03:30", None),  # only with its summer's offset, in Newfoundland
        ("localtime", None),
        ("../../etc/passwd", None),
        ("", None),
    ],
)
def test_reading_a_zone(written: str, zone: str | None) -> None:
    assert read_zone(written) == zone


def test_every_zone_of_the_tables_exists() -> None:
    for table in (ALIASES, ONE_ZONE, SEVERAL_ZONES, OFFSET_PAIRS, ODD_OFFSETS):
        for zone in table.values():
            assert ZoneInfo(zone).key == zone
    assert not ONE_ZONE.keys() & SEVERAL_ZONES.keys()


@pytest.mark.parametrize(
    ("winter", "summer", "country", "zone"),
    [
        (-300, -240, "US", "America/New_York"),
        (60, 120, "", "Europe/Berlin"),
        (60, 120, "pl", "Europe/Warsaw"),
        (60, 120, "JP", "Europe/Berlin"),  # the country's clock says otherwise: the offsets hold
        (660, 600, "AU", "Australia/Sydney"),  # summer first, south of the equator
        (540, 540, "JP", "Asia/Tokyo"),
        (540, None, "", "Etc/GMT-9"),
        (-210, -150, "CA", "America/St_Johns"),
        (0, 0, "", "UTC"),
        (900, None, "", None),
        (17, None, "", None),
    ],
)
def test_a_zone_from_offsets(winter: int, summer: int | None, country: str, zone: str | None) -> None:
    assert zone_of_offset(winter, summer, country) == zone


def test_a_country_with_several_zones_is_a_guess() -> None:
    assert zone_of_country("de") == ZoneFound("Europe/Berlin", ZoneSource.COUNTRY)
    assert zone_of_country("US") == ZoneFound("America/Chicago", ZoneSource.GUESSED)
    assert zone_of_country("Germany") == ZoneFound(None, ZoneSource.DEFAULT)


def test_the_best_source_wins() -> None:
    assert find_zone("Asia/Tokyo", winter=60, country="US") == ZoneFound("Asia/Tokyo", ZoneSource.IMPORT)
    assert find_zone("+09:00", country="US") == ZoneFound("Etc/GMT-9", ZoneSource.OFFSET)
    assert find_zone("", winter=60, summer=120, country="US") == ZoneFound("Europe/Berlin", ZoneSource.OFFSET)
    assert find_zone("Mars/X", country="PL") == ZoneFound("Europe/Warsaw", ZoneSource.COUNTRY, unknown="Mars/X")
    assert find_zone("Mars/X") == ZoneFound(None, ZoneSource.DEFAULT, unknown="Mars/X")


def test_news_replace_only_what_is_known_worse() -> None:
    assert better(ZoneSource.EXPLICIT, "import")
    assert better(ZoneSource.IMPORT, "import")
    assert better(ZoneSource.GUESSED, None)
    assert not better(ZoneSource.IMPORT, "explicit")
    assert not better(ZoneSource.GUESSED, "country")
