"""A cleanup written in a form, by somebody who never saw YAML: its fields, and the document that they make."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nurture.definitions.faults import Fault
from nurture.definitions.loading import Loaded, load_text

OFFERS = 4
CLOSING = (
    "Hello {{ first_name | default('there') }},\n\nyou have not opened our letters for a long time, so we will stop sending them in a "
    "week. If that is fine, do nothing.\n\n[Yes, I want to stay]({{ stay_url }})\n"
)
ASKING = (
    "Hello {{ first_name | default('there') }},\n\nyour mail program does not tell us whether you read us, which is your good right. "
    "So we ask: shall we go on?\n\n[Yes, I want to stay]({{ stay_url }})\n"
)
_FIELDS = {
    "title": "", "audience": "passive", "tag": "", "event": "", "silent": "archive",
    "closing_subject": "We are about to close your subscription", "closing_body": CLOSING, "asking_subject": "", "asking_body": ASKING,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """`fields` as they were typed; `offers`: (subject, text, link) of each."""

    fields: dict[str, str] = field(default_factory=lambda: dict(_FIELDS))
    offers: tuple[tuple[str, str, str], ...] = (("", "", ""),) * OFFERS

    @classmethod
    def typed(cls, given: Mapping[str, str]) -> "Draft":
        """From the form: line ends as a text has them, nothing else changed."""
        fields = {name: given.get(name, "").replace("\r\n", "\n").strip() for name in _FIELDS}


        def said(part: str, n: int) -> str:
            return given.get(f"offer_{part}_{n}", "").replace("\r\n", "\n").strip()

        offers = tuple((said("subject", n), said("body", n), said("link", n)) for n in range(1, OFFERS + 1))
        return cls(fields, offers)

    @property
    def name(self) -> str:
        """`Who is still with us?` -> `who-is-still-with-us`."""
        plain = unicodedata.normalize("NFKD", self.fields["title"]).encode("ascii", "ignore").decode().lower()
        return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "cleanup"

    def document(self) -> dict[str, Any]:
        """As it would be written in YAML."""
        f = self.fields
        offers = [
            {"id": f"day-{n}", "kind": "sales", "subject": subject, "body": body, **({"call_to_action": link} if link else {})}
            for n, (subject, body, link) in enumerate((o for o in self.offers if o[0] or o[1]), 1)
        ]
        written: dict[str, Any] = {
            "cleanup": self.name, "title": f["title"], "audience": f["audience"], "offers": offers, "silent": f["silent"],
        }  # fmt: skip
        written |= {name: f[name] for name in ("tag", "event") if f[name]}
        if f["silent"] == "archive" and f["closing_subject"]:
            written["closing"] = {"id": "closing", "kind": "about", "subject": f["closing_subject"], "body": f["closing_body"]}
        if f["asking_subject"]:
            written["repermission"] = {"id": "still-there", "kind": "about", "subject": f["asking_subject"], "body": f["asking_body"]}
        return written

    def read(self) -> Loaded:
        return load_text(json.dumps({"document": "cleanup", **self.document()}), "the form", "cleanup")

    def faults(self) -> list[str]:
        """What is missing, in the words of the form."""
        found = [] if self.fields["title"] else ["Give it a name."]
        written = [o for o in self.offers if o[0] or o[1]]
        if not written:
            found.append("Write at least one offer: its subject and its text.")
        half = ((n, "text" if subject else "subject") for n, (subject, body, _) in enumerate(written, 1) if not (subject and body))
        return found + [f"Offer {n} has no {what}." for n, what in half]


def in_words(faults: list[Fault]) -> list[str]:
    """Each fault once, without the line of a file that nobody wrote."""
    return list(dict.fromkeys(f"{f.message[:1].upper()}{f.message[1:]}. {f.advice}" for f in faults))
