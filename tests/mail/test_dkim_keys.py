"""The folder of keys: who signs for whom, how keys are changed, and what never leaves it."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateNumbers,
    RSAPublicNumbers,
    generate_private_key,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)  # fmt: skip
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from nurture.domain.errors import NurtureError
from nurture.mail.dkim_keys import KeyFolder, published
from nurture.services.sending import SendingRules
from nurture.store.database import Database
from tests.support.outbox_rows import the_rows
from tests.support.sending import BASE, Sink, prepare, send

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HEAD, BODY = b"From: a@example.com\r\n", b"x\r\n"


def selectors(folder: KeyFolder, sender: str) -> list[tuple[str, str]]:
    """(d=, s=) of the signatures that a letter From `sender` gets."""
    sign = folder.signer(sender, NOW)
    found = sign(HEAD, BODY).decode() if sign else ""
    fields = [part for part in found.split("DKIM-Signature: ") if part]
    return [(field.partition(" d=")[2].partition(";")[0], field.partition(" s=")[2].partition(";")[0]) for field in fields]


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "dkim")


def test_a_key_is_readable_by_its_owner_alone_and_shown_by_nobody(folder: KeyFolder) -> None:
    key = folder.make("Example.COM.", "s2026a", "rsa")
    (file,) = folder.path.iterdir()
    assert file.name == "s2026a._domainkey.example.com.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert repr(key) == "SigningKey(s2026a._domainkey.example.com, rsa)"
    assert "private" not in repr(folder)
    assert key.private.key_size == 2048  # type: ignore[union-attr]


def test_nothing_signs_before_it_is_told_to(folder: KeyFolder) -> None:
    assert selectors(folder, "example.com") == []
    folder.make("example.com", "s2026a", "rsa")
    assert selectors(folder, "example.com") == []
    folder.use("example.com", ["s2026a"])
    assert selectors(folder, "example.com") == [("example.com", "s2026a")]


def test_a_domain_signs_for_itself_and_what_is_below_it_and_for_nobody_else(folder: KeyFolder) -> None:
    for domain in ("example.com", "news.example.com", "büro.example"):
        folder.make(domain, "k", "ed25519")
        folder.use(domain, ["k"])
    assert selectors(folder, "shop.example.com") == [("example.com", "k")]
    assert selectors(folder, "a.news.example.com") == [("news.example.com", "k")]
    assert selectors(folder, "NEWS.Example.com") == [("news.example.com", "k")]
    assert selectors(folder, "büro.example") == [("xn--bro-hoa.example", "k")]
    for stranger in ("example.org", "myexample.com", "com", "localhost", "..", "a b"):
        assert selectors(folder, stranger) == []


def test_what_serves_a_domain_ends_with_the_nearest_that_signs(folder: KeyFolder) -> None:
    for domain in ("example.com", "news.example.com", "shop.example.com"):
        folder.make(domain, "k", "ed25519")
    for domain in ("example.com", "news.example.com"):
        folder.use(domain, ["k"])
    assert [(key.domain, signs) for key, signs in folder.serving("news.example.com")] == [("news.example.com", True)]
    assert [(key.domain, signs) for key, signs in folder.serving("shop.example.com")] == [("shop.example.com", False), ("example.com", True)]


def test_a_change_of_keys_is_seen_without_a_restart(folder: KeyFolder) -> None:
    folder.make("example.com", "old", "rsa")
    folder.use("example.com", ["old"])
    assert selectors(folder, "example.com") == [("example.com", "old")]
    elsewhere = KeyFolder(folder.path)  # another process
    elsewhere.make("example.com", "new", "rsa")
    elsewhere.make("example.com", "new-ed", "ed25519")
    assert selectors(folder, "example.com") == [("example.com", "old")]
    elsewhere.use("example.com", ["new-ed", "new"])
    assert selectors(folder, "example.com") == [("example.com", "new"), ("example.com", "new-ed")]
    assert {key.selector for key in folder.every("example.com")} == {"old", "new", "new-ed"}


def test_a_selector_is_never_used_twice(folder: KeyFolder) -> None:
    before = published(folder.make("example.com", "s1", "ed25519")).public
    with pytest.raises(NurtureError, match="has a key s1 already; take another selector"):
        folder.make("example.com", "s1", "rsa")
    assert [published(key).public for key in folder.every()] == [before]
    folder.make("example.org", "s1", "rsa")


@pytest.mark.parametrize("selector", ["", "-a", "a.b", "A", "a/../b", "ä", "a" * 64])
def test_selectors_are_labels(folder: KeyFolder, selector: str) -> None:
    with pytest.raises(NurtureError, match="not a selector"):
        folder.make("example.com", selector, "ed25519")


@pytest.mark.parametrize("domain", ["", "com", "a b.com", "-a.com", "../x", "a..b"])
def test_domains_are_domains(folder: KeyFolder, domain: str) -> None:
    with pytest.raises(NurtureError, match="is not a domain"):
        folder.make(domain, "s1", "ed25519")


def test_only_known_keys_sign_and_one_of_a_kind(folder: KeyFolder) -> None:
    folder.make("example.com", "a", "rsa")
    folder.make("example.com", "b", "rsa")
    folder.use("example.com", ["a"])
    with pytest.raises(NurtureError, match=r"no key c for example\.com .*; there are: a, b"):
        folder.use("example.com", ["c"])
    with pytest.raises(NurtureError, match="one kind"):
        folder.use("example.com", ["a", "b"])
    assert folder.selectors("example.com") == ("a",)
    assert [path.name for path in folder.path.iterdir() if path.name.startswith(".")] == []


def pem(bits: int, password: bytes | None = None) -> bytes:
    hidden = BestAvailableEncryption(password) if password else NoEncryption()
    return generate_private_key(65537, bits).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden)


def short_pem() -> bytes:
    """An RSA key of 648 bits, which the library would not make."""
    p, q, e = 2**521 - 1, 2**127 - 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = RSAPrivateNumbers(p, q, d, rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q), RSAPublicNumbers(e, p * q))
    return numbers.private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"nonsense", "is not a private key in PEM"), (pem(2048, b"secret"), "without a password"), (b"", "is not a private key"),
     (short_pem(), "no RSA key of at least 1024 bits")],
)
async def test_with_a_broken_key_nothing_leaves_unsigned(sqlite_db: Database, folder: KeyFolder, content: bytes, words: str) -> None:
    folder.make("example.com", "a", "ed25519")
    folder.use("example.com", ["a"])
    file = folder.path / "a._domainkey.example.com.pem"
    whole = file.read_bytes()
    file.write_bytes(content)
    lease, _, _ = await prepare(sqlite_db, people=2)
    sink, rules = Sink(), SendingRules(BASE, signer=folder.signer)
    with pytest.raises(NurtureError, match=words) as caught:
        await send(sqlite_db, sink, lease, rules=rules)
    assert str(file) in str(caught.value)
    assert "PRIVATE" not in str(caught.value)
    assert (sink.letters, [row.state for row in await the_rows(sqlite_db)]) == ([], ["pending"] * 2)
    file.write_bytes(whole)
    assert (await send(sqlite_db, sink, lease, rules=rules)).accepted == 2
    assert all(letter.message.startswith(b"DKIM-Signature: v=1; a=ed25519-sha256;") for letter in sink.letters)


def test_a_broken_key_of_another_domain_is_no_hindrance(folder: KeyFolder) -> None:
    for domain in ("example.com", "example.org"):
        folder.make(domain, "a", "ed25519")
        folder.use(domain, ["a"])
    (folder.path / "a._domainkey.example.org.pem").write_bytes(b"")
    assert selectors(folder, "example.com") == [("example.com", "a")]


def test_a_folder_that_cannot_be_used_is_named(folder: KeyFolder) -> None:
    folder.path.write_text("a file stands in its place")
    for act in (lambda: folder.make("example.com", "a", "ed25519"), folder.every, lambda: folder.signer("example.com", NOW)):
        with pytest.raises(NurtureError, match=r"folder of DKIM keys .* check NURTURE_DKIM_DIR"):
            act()


def test_a_list_that_cannot_be_read_is_named(folder: KeyFolder) -> None:
    folder.make("example.com", "a", "ed25519")
    (folder.path / "example.com.signing").write_bytes(b"\xff\xfe")
    with pytest.raises(NurtureError, match=r"example\.com\.signing cannot be read"):
        folder.signer("example.com", NOW)


def test_a_listed_key_that_is_gone_is_named(folder: KeyFolder) -> None:
    folder.make("example.com", "a", "ed25519")
    folder.use("example.com", ["a"])
    (folder.path / "a._domainkey.example.com.pem").unlink()
    with pytest.raises(NurtureError, match=r"no key a for example\.com"):
        folder.signer("example.com", NOW)


def test_a_key_from_elsewhere_may_be_put_there(folder: KeyFolder) -> None:
    folder.path.mkdir()
    (folder.path / "old._domainkey.example.com.pem").write_bytes(pem(1024))
    folder.use("example.com", ["old"])
    assert selectors(folder, "example.com") == [("example.com", "old")]
    assert published(folder.every()[0]).bits == 1024
