"""One person per address, whatever way it is written."""

import pytest

from nurture.domain.errors import NurtureError
from nurture.mail.address import normalise


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Anna@Example.COM", "anna@example.com"),
        (" \ufeffanna@example.com\u200b ", "anna@example.com"),
        ("a.b+c@Büro.example", "a.b+c@xn--bro-hoa.example"),
        ("anna@mail.test", "anna@mail.test"),
        ("Élan@example.com", "élan@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ],
)
def test_one_spelling(written: str, kept: str) -> None:
    assert normalise(written) == kept
    assert normalise(kept) == kept


@pytest.mark.parametrize(
    "written",
    [
        "", "anna", "@example.com", "anna@", "anna@localhost", "a@b@example.com", "Anna <anna@example.com>", "an na@example.com",
        "anna@exa mple.com", ".anna@example.com", "an..na@example.com", "anna.@example.com", "anna@example.com\r\nBcc: x@example.com",
        "anna\0@example.com", "anna@-example.com", "a@" + "b" * 250 + ".com", "anna@example.com, bob@example.com",
        "a@" + ".".join(["bücher" * 6] * 6) + ".example",
        "a" * 60 + "@" + ".".join(["ü" + "b" * 45] + ["b" * 46] * 3) + ".de",
    ],
)  # fmt: skip
def test_what_is_no_address(written: str) -> None:
    with pytest.raises(NurtureError):
        normalise(written)


def test_letters_that_only_look_plain_are_judged_in_full() -> None:
    assert normalise("\u212aelvin@example.com") == "kelvin@example.com"  # the Kelvin sign is a k when it is made small
