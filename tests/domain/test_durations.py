"""A duration as it is written."""

from datetime import timedelta

import pytest

from nurture.domain.scalars import LONGEST, parse_duration


@pytest.mark.parametrize(("written", "meant"), [("3s", timedelta(seconds=3)), ("2 w", timedelta(days=14)), ("36525d", LONGEST), ("0s", timedelta(0))])
def test_what_is_short_enough_is_read(written: str, meant: timedelta) -> None:
    assert parse_duration(written) == meant


@pytest.mark.parametrize("written", ["36526d", "99999999999w", "9" * 30 + "s", "9" * 5000 + "w", "0" * 16 + "1s"])
def test_what_no_moment_could_be_away_is_refused_in_words(written: str) -> None:
    with pytest.raises(ValueError, match="is longer than a hundred years; write a shorter duration"):
        parse_duration(written)
