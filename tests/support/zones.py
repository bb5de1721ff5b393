"""Zones of a sending domain: one that is well, and what to change in it to make it ill."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from nurture.domain.dns.questions import Answer, Inquiry
from nurture.domain.findings import Finding
from nurture.mail.dkim_keys import published
from tests.support.signatures import ED, RSA

T = TypeVar("T")
Records = Mapping[str, Mapping[str, Sequence[str]]]
SPF = "v=spf1 include:_spf.relay.example -all"
DMARC = "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"
GOOD: dict[str, dict[str, Sequence[str]]] = {
    "example.com": {"TXT": ["site-verification=1", SPF], "MX": ["10 mx2.example.com.", "5 mx1.example.com."]},
    "smtp.relay.example": {"A": ["203.0.113.5"]},
    "_spf.relay.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all"]},
    "_dmarc.example.com": {"TXT": [DMARC]},
    published(RSA).name: {"TXT": [published(RSA).text]},
    published(ED).name: {"TXT": [published(ED).text]},
}


def zone(**changes: Any) -> dict[str, dict[str, Sequence[str]]]:
    """GOOD with some names changed: `zone(**{"_dmarc.example.com": "v=DMARC1"})`; None takes the name out."""
    made = {name: dict(records) for name, records in GOOD.items()}
    for name, value in changes.items():
        if value is None:
            del made[name]
        else:
            made[name] = made.get(name, {}) | (value if isinstance(value, dict) else {"TXT": [value]})
    return made


def answered(inquiry: Inquiry[T], records: Records) -> tuple[T, list[str]]:
    """Follow a rule through `records` without a server: its finding, and all that it asked."""
    asked: list[str] = []
    try:
        question = next(inquiry)
        while True:
            asked.append(f"{question.type} {question.name}")
            found = records.get(question.name, {})
            values = tuple(str(value).rpartition(" ")[2].rstrip(".") or "." if question.type == "MX" else str(value) for value in found.get(question.type, ()))
            question = inquiry.send(Answer(trouble="SERVFAIL") if "SERVFAIL" in found else Answer(values))
    except StopIteration as end:
        return end.value, asked


def said(findings: Sequence[Finding]) -> dict[str, tuple[str, str]]:
    return {finding.check: (finding.level, finding.words) for finding in findings}
