"""What a letter costs from a claimed row to the bytes that leave, in CPU time: against bare Jinja, and against the standard library."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import pytest
from jinja2 import Environment

from nurture.definitions.loading import load_files
from nurture.domain.documents import Policy, Sender, letters_of
from nurture.domain.letterbook import LetterBook
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose, TokenKey
from nurture.domain.words import Kind
from nurture.render.compiling import CompiledLetter, compile_letter
from nurture.render.masthead import write_generally
from nurture.render.occasions import Occasion
from nurture.render.rendering import Addressed, Rendered, prepare, render
from nurture.services.sending.desk import Prepared
from nurture.services.sending.rules import SendingRules
from nurture.services.sending.writing import Writer
from nurture.shipped import shipped
from nurture.store.claims import Claimed
from tests.bench.conftest import Figures
from tests.support.letters import a_letter

pytestmark = pytest.mark.bench
MANY = 256  # one slice
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = Policy(sender=Sender(name="Anna", address="anna@example.com"), postal_address="12 Slate Lane, 10115 Berlin")
WRITER = Writer(SendingRules("https://letters.example.com"), LetterBook(POLICY, {}), TokenKey.derive("a secret of thirty-two characters"))
READERS = {
    n: Reader(n, f"p{n}@example.com", f"Person {chr(65 + n % 26)}", f"Name{n}", source="form", joined_at=NOW - timedelta(n % 90), received=("One", "Two"))
    for n in range(1, MANY + 1)
}
ROWS = [
    Claimed(
        id=n, fence=1, subscriber_id=n, version_id=1, lane_id=1, kind=Kind.USEFUL, message_id=f"<abcdefghijklmnopqrstuv{n}@example.com>",
        attempts=0, first_try_at=None, closes_at=None, payload=None,
    ) for n in READERS
]  # fmt: skip
PARAGRAPH = "Most roofs are lost on the doorstep, in the ten minutes before the ladder goes up. " * 4
TEN_LINKS = "Hello {{ first_name | default('there') }},\n\n" + "\n\n".join(f"{PARAGRAPH}[Page {n}](https://example.com/{n})." for n in range(10))


@pytest.fixture(scope="module")
def ten_links() -> CompiledLetter:
    """About 15 KB on the wire: what most letters are."""
    return compile_letter(a_letter(TEN_LINKS, subject="{{ first_name | default('Hello') }}, ten pages"), shipped("templates"))


@pytest.fixture(scope="module")
def offer() -> CompiledLetter:
    """The longest of the two weeks: conditions, a loop over the letters received, a layout with dark mode."""
    (placed,) = load_files([shipped("sequences") / "two-weeks.yaml"]).documents
    return compile_letter(letters_of(placed.document)[-1], shipped("templates"))


def cpu_us(work: Callable[[], object], each: int = MANY, times: int = 15) -> float:
    """Microseconds of CPU for each letter, the best of several runs."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / each * 1e6


def write(letter: CompiledLetter) -> Callable[[], int]:
    """Writes one slice and tells the size of its first message; nobody fails."""
    versions = {1: Prepared("school/ten", prepare(letter.content, letter.links))}

    def slice_() -> int:
        ready, faults = WRITER.write(ROWS, "sequence:school", versions, READERS, NOW)
        assert not faults
        return len(ready[0].envelope.message)

    return slice_


def bare_jinja(letter: CompiledLetter) -> Callable[[], None]:
    html = Environment(autoescape=True).from_string(letter.content["html"])
    others = [Environment(autoescape=False).from_string(letter.content[part]) for part in ("text", "subject", "preheader")]

    def slice_() -> None:
        for reader in READERS.values():
            names = {"first_name": reader.first_name, "received": reader.received, "why": "You joined.", "sender_name": "Anna", "locale": "en"}
            for template in (html, *others):
                template.render(names)

    return slice_


def standard_library(letter: Rendered) -> Callable[[], None]:
    def some() -> None:
        for n in range(20):
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "Anna <anna@example.com>", f"p{n}@example.com", letter.subject
            message["Message-ID"], message["Date"] = f"<{n}@example.com>", NOW
            message.set_content(letter.text, cte="quoted-printable")
            message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
            message.as_bytes()

    return some


def test_a_letter_with_ten_links(ten_links: CompiledLetter, figures: Figures) -> None:
    slice_ = write(ten_links)
    figures.note("letter_bytes", slice_())
    ours = figures.note("letter_us", cpu_us(slice_))
    rendered = render(prepare(ten_links.content, ten_links.links), READERS[1], addressed())
    to_jinja = figures.note("letter_to_jinja_ratio", ours / cpu_us(bare_jinja(ten_links), times=5))
    to_library = figures.note("letter_to_email_package_ratio", ours / cpu_us(standard_library(rendered), each=20, times=3))
    assert to_jinja < 1.2
    assert to_library < 0.03


def test_a_letter_with_a_loop(offer: CompiledLetter, figures: Figures) -> None:
    ours = figures.note("looped_letter_us", cpu_us(write(offer), times=5))
    assert figures.note("looped_letter_to_jinja_ratio", ours / cpu_us(bare_jinja(offer), times=5)) < 4


def test_the_general_way(ten_links: CompiledLetter, figures: Figures) -> None:
    """What previews take, and letters that set names of their own."""
    template, masthead = prepare(ten_links.content, ten_links.links), WRITER.masthead("sequence:school", Kind.USEFUL)

    def some() -> None:
        for n in range(1, 41):
            occasion = Occasion(n, 1, f"<{n}@example.com>", NOW, NOW.date(), "You joined.")
            write_generally(template, masthead, READERS[n], occasion)

    assert figures.note("general_way_us", cpu_us(some, each=40, times=5)) < 5000


def addressed() -> Addressed:
    return Addressed("https://letters.example.com", dict.fromkeys(Purpose, "t" * 44), date(2026, 3, 2), "Anna", "12 Slate Lane, 10115 Berlin", "You joined.")
