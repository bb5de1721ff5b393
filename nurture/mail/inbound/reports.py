"""The parts that machines write for machines: delivery reports (RFC 3464, RFC 6522) and feedback reports (RFC 5965)."""

import re
from collections.abc import Iterator, Sequence

from nurture.domain.feedback import Failure
from nurture.mail.inbound.opening import Opened, Part, addresses_in, split_headers

DELIVERY = ("message/delivery-status", "message/global-delivery-status")
FEEDBACK = "message/feedback-report"
RETURNED = (
    "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers", "message/partial",
)  # fmt: skip
_MOST = 200  # recipients of one report
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})")
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:]+@[^\s<>()\[\]\",;:]+")
_ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
IN_REPLY_TO_DATA = re.compile(
    r"in reply to (?:the )?(?:end of )?data|after (?:end of )?data|after pipelined data|>>> DATA\s+<<< [45]\d\d", re.IGNORECASE
)


def failures_of(mail: Opened) -> list[Failure]:
    """One for each recipient of a delivery report, the last word on each; none where the mail has no such part."""
    found: dict[str, Failure] = {}
    for part in mail.parts:
        if part.kind in DELIVERY or _is_status_text(part):
            for failure in _recipients(part.text):
                found.setdefault(failure.recipient.lower(), failure)
    return list(found.values())


def _is_status_text(part: Part) -> bool:
    """A report whose part claims to be text."""
    return part.kind == "text/plain" and bool(re.match(r"\s*Reporting-MTA\s*:", part.body[:200].decode("latin-1"), re.IGNORECASE))


def _recipients(text: str) -> Iterator[Failure]:
    groups = re.split(r"\n[ \t\r]*\n", text.strip("\n"))
    for group in groups[: _MOST + 1]:
        fields, _ = split_headers(group.encode("utf-8", "replace") + b"\n\n")
        recipient = _address(fields.get("original-recipient", "")) or _address(fields.get("final-recipient", ""))
        final = _address(fields.get("final-recipient", ""))
        if not (recipient or final):
            continue
        words = fields.get("diagnostic-code", "")
        action = _action(fields)
        if action is None:
            continue
        status = _STATUS.search(fields.get("status", ""))
        known = recipient if recipient and "@" in recipient else final or recipient
        yield Failure(known, action, status[1] if status else "", _diagnostic(words), bool(IN_REPLY_TO_DATA.search(words)))


def _action(fields: dict[str, str]) -> str | None:
    """As told; by the class of the status where the word is missing (RFC 3464 asks for both, many write one)."""
    told = fields.get("action", "").lower()
    for action in _ACTIONS:
        if told.startswith(action):
            return action
    status = _STATUS.search(fields.get("status", ""))
    if status:
        return {"2": "delivered", "4": "failed", "5": "failed"}[status[1][0]]
    return "failed" if told or fields.get("diagnostic-code") else None


def _address(value: str) -> str:
    """`rfc822; <a@example.com>` -> `a@example.com`; as much as stands there where it is no whole address."""
    told = value.rpartition(";")[2].strip() if re.match(r"\s*[\w-]+\s*;", value) else value.strip()
    found = _ADDRESS.search(told)
    return (found[0] if found else told.split(" ")[0]).strip("<>\"'. ")[:320]


def _diagnostic(value: str) -> str:
    return re.sub(r"^\s*(?:smtp|x-[\w-]+|unix|dns)\s*;\s*", "", value, flags=re.IGNORECASE)


def complaint_of(mail: Opened) -> tuple[str, tuple[str, ...]] | None:
    """Type and recipients of a feedback report; also of the older form in which the reported mail alone comes back, marked."""
    for part in mail.parts:
        if part.kind == FEEDBACK or (part.kind == "text/plain" and re.match(rb"\s*Feedback-Type\s*:", part.body[:200], re.IGNORECASE)):
            fields, _ = split_headers(part.text.strip("\n").encode("utf-8", "replace") + b"\n\n")
            told = [v for name in ("original-rcpt-to", "removal-recipient") for v in _all(part.text, name)]
            known = _unique(_address(value) for value in told) or returned_to(mail.parts)
            return fields.get("feedback-type", "abuse").strip().lower() or "abuse", known
    for part in mail.parts:
        if part.kind in RETURNED:
            marked = split_headers(part.body)[0].get("x-hmxmroriginalrecipient")
            if marked:
                return "abuse", (_address(marked),)
    return None


def _all(text: str, name: str) -> list[str]:
    return re.findall(rf"^{name}[ \t]*:[ \t]*(.+?)[ \t\r]*$", text, re.IGNORECASE | re.MULTILINE)[:_MOST]


def returned_to(parts: Sequence[Part]) -> tuple[str, ...]:
    """Whom the returned mail was for, by its own head."""
    for part in parts:
        if part.kind in RETURNED:
            headers = split_headers(part.body)[0]
            found = addresses_in(headers.get("x-original-to", "") or headers.get("to", ""))
            if found:
                return _unique(found)[:20]
    return ()


def returned_by(parts: Sequence[Part]) -> list[str]:
    """Who had sent the returned mail: an address of ours."""
    for part in parts:
        if part.kind in RETURNED:
            headers = split_headers(part.body)[0]
            return [a for name in ("from", "sender", "return-path", "reply-to", "errors-to") for a in addresses_in(headers.get(name, ""))]
    return []


def _unique(addresses: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(a.lower() for a in addresses if a))
