"""Typing errors of domains and one person under two spellings: what is proposed, and above all what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.addresses import SCHEME, TYPED, meant, one_slip, same_people

LIST = {"gmail.com": 300, "roofschool.de": 40, "example.com": 100, "web.de": 60, "stadtwerke-bonn.de": 25}


@pytest.mark.parametrize(("wrong", "right"), [
    ("gmial.com", "gmail.com"), ("gmail.con", "gmail.com"), ("rofschool.de", "roofschool.de"), ("roofshcool.de", "roofschool.de"),
    ("roofschooll.de", "roofschool.de"), ("example.con", "example.com"), ("example.cmo", "example.com"), ("stadtwerke-bon.de", "stadtwerke-bonn.de"),
])  # fmt: skip
def test_a_slip_of_the_finger_names_the_domain_that_was_meant(wrong: str, right: str) -> None:
    assert meant(LIST | {wrong: 1}) == {wrong: right}


@pytest.mark.parametrize("own", [
    "ymail.com", "roofschool.be", "example.net", "example.co", "wep.de", "rofschol.de", "gmx.de", "stadtwerke-köln.de", "other.example.com",
])  # fmt: skip
def test_what_may_be_somebodys_own_is_left_alone(own: str) -> None:
    """Another country's firm, two slips, a short name, a known neighbour of a big one."""
    assert meant(LIST | {own: 1}) == {}


def test_a_domain_that_many_have_is_no_slip() -> None:
    assert meant({"roofschool.de": 40, "rofschool.de": 3}) == {}
    assert meant({"roofschool.de": 60, "rofschool.de": 3}) == {"rofschool.de": "roofschool.de"}
    assert meant({"roofschool.de": 19, "rofschool.de": 1}) == {}, "nineteen people make no domain that others mean"


def test_the_kept_table_leads_from_no_domain_to_another_wrong_one() -> None:
    assert {right for right in TYPED.values() if right in TYPED} == set()
    assert len(TYPED) > 50


@given(st.text("abc", min_size=1, max_size=7), st.text("abc", max_size=7))
def test_one_slip_is_damerau_distance_one(a: str, b: str) -> None:
    """Against all words that one error makes."""
    letters = "abc"
    cut = {a[:i] + a[i + 1 :] for i in range(len(a))}
    put = {a[:i] + x + a[i:] for i in range(len(a) + 1) for x in letters}
    changed = {a[:i] + x + a[i + 1 :] for i in range(len(a)) for x in letters}
    swapped = {a[:i] + a[i + 1] + a[i] + a[i + 2 :] for i in range(len(a) - 1)}
    assert one_slip(a, b) == (b in (cut | put | changed | swapped) - {a})


def test_one_person_under_several_spellings() -> None:
    rows = [
        (1, "anna.berg@gmail.com", ""), (2, "annaberg+roofs@googlemail.com", ""), (3, "anna.berg@gmial.com", "Anna Berg"),
        (4, "mia@example.com", "Mia Holm"), (5, "mia+news@example.com", ""),
        (6, "jo.berg@example.com", "Jo Berg"), (7, "joberg@example.com", "jo  berg"), (8, "j.oberg@example.com", "Jens Oberg"), (9, "job.erg@example.com", "Jo"),
    ]  # fmt: skip
    found = same_people(rows)
    assert set(found) == {(1, 2, 3), (4, 5), (6, 7)}
    assert "dots" in found[6, 7]


def test_a_scheme_of_addresses_is_no_person() -> None:
    rows = [(n, f"events+{n}@example.com", "") for n in range(SCHEME + 1)]
    assert same_people(rows) == {}
    assert len(same_people(rows[:-1])) == 1
