"""What a letter costs: written for a person against bare Jinja, packed into bytes against the standard library."""

from datetime import UTC, date, datetime
from email.message import EmailMessage

import pytest
from jinja2 import Environment

from nurture.definitions.loading import load_files
from nurture.domain.documents import Sender, letters_of
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose
from nurture.render.compiling import CompiledLetter, compile_letter
from nurture.render.message import assemble
from nurture.render.rendering import Addressed, prepare, render
from nurture.shipped import shipped
from tests.bench.conftest import Figures, seconds

pytestmark = pytest.mark.bench
MANY = 300
READERS = [Reader(n, f"p{n}@example.com", f"Person {n}", f"Name{n}", received=("One", "Two", "Three")) for n in range(MANY)]
ADDRESSED = Addressed(
    base_url="https://letters.example.com", tokens=dict.fromkeys(Purpose, "t" * 44), today=date(2026, 3, 2), sender_name="Anna",
    postal_address="12 Slate Lane, 10115 Berlin", why="You joined on 2 March 2026.", reply_to="anna@example.com",
)  # fmt: skip
SENDER = Sender.model_validate({"name": "Anna", "address": "anna@example.com"})
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def offer() -> CompiledLetter:
    """The longest of the two weeks: conditions, a loop, a layout with dark mode."""
    (placed,) = load_files([shipped("sequences") / "two-weeks.yaml"]).documents
    return compile_letter(letters_of(placed.document)[-1], shipped("templates"))


def test_rendering_against_bare_jinja(offer: CompiledLetter, figures: Figures) -> None:
    ours = prepare(offer.content, offer.links)
    plain, texts = Environment(autoescape=True), Environment(autoescape=False)
    html = plain.from_string(offer.content["html"])
    others = [texts.from_string(offer.content[part]) for part in ("text", "subject", "preheader")]

    def bare() -> None:
        for reader in READERS:
            names = {"first_name": reader.first_name, "received": reader.received, "why": ADDRESSED.why, "sender_name": "Anna"}
            html.render(names)
            for other in others:
                other.render(names)

    rendered = seconds(lambda: [render(ours, reader, ADDRESSED) for reader in READERS])
    figures.note("rendering_us", rendered / MANY * 1e6)
    ratio = figures.note("rendering_to_jinja_ratio", rendered / seconds(bare))
    assert ratio < 15


def test_assembling_against_the_standard_library(offer: CompiledLetter, figures: Figures) -> None:
    written = [render(prepare(offer.content, offer.links), reader, ADDRESSED) for reader in READERS[:100]]

    def ours() -> None:
        for n, letter in enumerate(written):
            assemble(
                letter, sender=SENDER, to=f"p{n}@example.com", to_name="P", message_id=f"<{n}@example.com>", date=NOON, list_id="two-weeks.example.com",
                unsubscribe_url=letter.unsubscribe_url, unsubscribe_mailto=None, feedback_id=None,
            )  # fmt: skip

    def theirs() -> None:
        for n, letter in enumerate(written):
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "Anna <anna@example.com>", f"p{n}@example.com", letter.subject
            message["Message-ID"], message["Date"] = f"<{n}@example.com>", NOON
            message.set_content(letter.text, cte="quoted-printable")
            message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
            message.as_bytes()

    spent = seconds(ours)
    figures.note("assembling_us", spent / len(written) * 1e6)
    ratio = figures.note("assembling_to_email_package_ratio", spent / seconds(theirs, times=3))
    assert ratio < 1
