"""A raw mail as domain/feedback.py judges it: which report it is, whom it tells of, who wrote it, and what in their own words."""

import re
from dataclasses import replace

from nurture.domain.feedback import Failure, Incoming
from nurture.mail.inbound.automatic import automatic_because, from_daemon, is_mailing
from nurture.mail.inbound.opening import Opened, Part, addresses_in, open_mail, split_headers
from nurture.mail.inbound.prose import read_prose
from nurture.mail.inbound.reports import IN_REPLY_TO_DATA, RETURNED, complaint_of, failures_of, returned_by, returned_to

_QUOTED = re.compile(
    r"^(?:>|[ \t]{0,20}-{2,20} ?(?:original message|ursprüngliche nachricht|исходное сообщение|wiadomość oryginalna|forwarded message)"
    r"|on .{5,200} wrote:\s*$|am .{5,200} schrieb .{1,100}:\s*$|.{5,200}(?:пишет|писал\(?а?\)?|napisał\(?a?\)?|a écrit)\s?:\s*$"
    r"|from: .+|от: .+|von: .+|od: .+|_{10,})",
    re.IGNORECASE | re.MULTILINE,
)

_MESSAGE_ID = re.compile(r"<[^<>\s@]{1,200}@[^<>\s]{1,200}>")
_ORIGINAL_ID = re.compile(r"^(?:original-message-id|x-original-message-id)[ \t]{0,9}:(.{0,500})", re.IGNORECASE | re.MULTILINE)
LONGEST = 32_000  # characters of its own words that are read


def read_mail(raw: bytes) -> Incoming:
    """Read a mail of any size and make; raises nothing."""
    mail = open_mail(raw)
    return replace(_read(mail), answers=_answers(mail), addressed=_addressed(mail))


def _answers(mail: Opened) -> tuple[str, ...]:
    """The Message-IDs that a reply or a report refers to, the returned letter's own first."""
    returned = [split_headers(p.body)[0].get("message-id", "") for p in mail.parts if p.kind in RETURNED]
    named = [mail.headers.get(name, "") for name in ("in-reply-to", "references", "original-message-id")]
    reported = [found for p in mail.parts if p.kind.startswith("message/") for found in _ORIGINAL_ID.findall(p.text[:8_000])]
    return tuple(dict.fromkeys(i for told in (*returned, *reported, *named) for i in _MESSAGE_ID.findall(told)))[:50]


def _addressed(mail: Opened) -> tuple[str, ...]:
    names = ("x-original-to", "delivered-to", "envelope-to", "to", "cc")
    return tuple(dict.fromkeys(a for name in names for a in addresses_in(mail.headers.get(name, ""))))[:50]


def _read(mail: Opened) -> Incoming:
    if mail.parts and mail.parts[0].kind == "message/rfc822" and from_daemon(mail.headers):
        inner = open_mail(mail.parts[0].body)  # a gateway that forwards the report as a whole
        if from_daemon(inner.headers):
            mail = inner
    headers = mail.headers
    sender = next(iter(addresses_in(headers.get("from", ""))), "").lower()
    subject = headers.get("subject", "")
    complaint = complaint_of(mail)
    if complaint is not None:
        return Incoming(sender, subject, complaint=complaint[0], recipients=complaint[1])
    text = _own_text(mail)
    daemon = from_daemon(headers)
    automatic = automatic_because(headers)
    failures = _with_words(failures_of(mail), text)
    if not failures and daemon and not _is_away(automatic):
        failures = _told_in_words(mail, text, sender)
    if mail.parameters.get("report-type", "").lower() == "disposition-notification" and not failures:
        automatic = automatic or "a receipt that the letter was shown or thrown away (RFC 8098)"
    return Incoming(
        sender, subject, _unquoted(text), tuple(failures), automatic=automatic, listed=is_mailing(headers), from_daemon=daemon
    )  # fmt: skip


def _is_away(automatic: str | None) -> bool:
    """Answering machines write with the null sender too, and in their words many a "cannot be reached"."""
    return automatic is not None and automatic.startswith("the subject")


def _own_text(mail: Opened) -> str:
    """What stands before the returned mail: plain text, else HTML."""
    before: list[Part] = []
    for part in mail.parts:
        if part.kind in RETURNED:
            break
        before.append(part)
    for kind in ("text/plain", "text/html"):
        texts = [p.text for p in before if p.kind == kind]
        if any(t.strip() for t in texts):
            return "\n".join(texts)[:LONGEST]
    return ""


def _with_words(failures: list[Failure], text: str) -> list[Failure]:
    """A report that says little of its one recipient is read together with the words that people get to see."""
    if len(failures) != 1 or len(failures[0].words) > 40:
        return failures
    only = failures[0]
    words = f"{only.words}\n{text[:4000]}".strip()
    return [Failure(only.recipient, only.action, only.status, words, bool(IN_REPLY_TO_DATA.search(words)))]


def _told_in_words(mail: Opened, text: str, sender: str) -> list[Failure]:
    headers = mail.headers
    told = (text, headers.get("subject", ""), headers.get("x-failed-recipients", ""))
    ours = [sender, *(a for name in ("to", "cc", "sender", "errors-to", "x-original-to") for a in addresses_in(headers.get(name, "")))]
    found = read_prose(*told, [*ours, *returned_by(mail.parts)], returned_to(mail.parts))
    return found or read_prose(*told, ours)  # somebody who wrote to themselves


def _unquoted(text: str) -> str:
    """Without what the writer quotes."""
    return _QUOTED.split(text, maxsplit=1)[0].strip()[:20_000]
