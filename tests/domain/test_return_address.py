"""Return addresses, byte by byte: letters in the world carry them for years."""

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.return_address import read_return, return_address
from nurture.domain.tokens import Purpose, Token, TokenKey

KEY, OTHER = TokenKey.derive("a secret of the house"), TokenKey.derive("another one")


def test_the_form_is_final() -> None:
    address = return_address(7, 9, 3, "bounces.example.com", KEY)
    assert address == FINAL
    local = address.partition("@")[0]
    assert len(local) == 55
    assert local == local.lower()


FINAL = "b.c7gqaaaaaaaaoaaaaaaasaaaaabssgzf7wjf2utbiso6k7obfhep4@bounces.example.com"


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**40 - 1), st.integers(0, 2**32 - 1))
def test_it_reads_back_in_any_case(delivery: int, subscriber: int, version: int) -> None:
    address = return_address(delivery, subscriber, version, "x.example", KEY)
    token = Token(Purpose.BOUNCE, delivery, subscriber, version)
    assert read_return(address, [OTHER, KEY]) == read_return(address.upper(), [KEY]) == token


@given(st.integers(2, 54), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_letter_of_it_can_be_changed(at: int, letter: str) -> None:
    address = return_address(7, 9, 3, "x.example", KEY)
    changed = address[:at] + letter + address[at + 1 :]
    assert (read_return(changed, [KEY]) is None) == (changed != address)


def test_the_bit_to_spare_makes_no_second_spelling() -> None:
    """33 bytes are 264 bits, 53 letters hold 265: the last two letters of a pair decode alike."""
    local, _, domain = FINAL.partition("@")
    assert local.endswith("4")
    assert read_return(f"{local}@{domain}", [KEY]) is not None
    assert read_return(f"{local[:-1]}5@{domain}", [KEY]) is None


def test_other_addresses_are_nobodys() -> None:
    for address in ("", "anna@example.com", "b.@x", "b." + "a" * 53 + "@x", return_address(1, 2, 3, "x", OTHER)):
        assert read_return(address, [KEY]) is None
