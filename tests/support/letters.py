"""Letters, readers and addresses for tests of rendering."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from nurture.domain.documents import Sender
from nurture.domain.letters import Letter
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose
from nurture.render.compiling import CompiledLetter, compile_letter
from nurture.render.message import assemble
from nurture.render.rendering import Addressed, Rendered, prepare, render

TEMPLATES = Path(__file__).parents[2] / "templates"
BASE = "https://news.example.com"
TOKENS = {purpose: purpose.name.lower() + "-token" for purpose in Purpose}
POSTAL = "1 Slate Street, 12345 Rooftown"


def a_letter(body: str = "Hello {{ first_name }}", **more: Any) -> Letter:
    given = {"id": "five", "kind": "useful", "subject": "Five questions", "body": body} | more
    return Letter.model_validate({k: v for k, v in given.items() if v is not None})


def compiled(body: str = "Hello {{ first_name }}", **more: Any) -> CompiledLetter:
    return compile_letter(a_letter(body, **more), TEMPLATES)


def a_reader(**more: Any) -> Reader:
    return Reader(**({"subscriber_id": 1, "email": "bob@example.org", "name": "Bob Roof", "first_name": "Bob"} | more))


def addressed(**more: Any) -> Addressed:
    given = {
        "base_url": BASE, "tokens": TOKENS, "today": date(2026, 3, 2), "sender_name": "Anna", "postal_address": POSTAL,
        "why": "You joined in January.", "reply_to": "anna@example.com",
    }  # fmt: skip
    return Addressed(**(given | more))


def written(letter: CompiledLetter, reader: Reader | None = None, **more: Any) -> Rendered:
    return render(prepare(letter.content, letter.links), reader or a_reader(), addressed(**more))


def message(rendered: Rendered, **more: Any) -> bytes:
    given = {
        "sender": Sender(name="Anna", address="anna@example.com"), "to": "bob@example.org", "to_name": "Bob", "message_id": "<abc@example.com>",
        "date": datetime(2026, 3, 2, 9, tzinfo=UTC), "list_id": "school.example.com", "unsubscribe_url": rendered.unsubscribe_url,
        "unsubscribe_mailto": "leave@example.com", "feedback_id": "school:useful:sequence:examplecom",
    }  # fmt: skip
    return assemble(rendered, **(given | more))
