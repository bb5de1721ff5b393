"""Bounces that say it in words only: qmail, old Exim, Exchange, providers of every country. The recipients and what is said of each.

The text is read up to where the returned letter begins. An address is a recipient when it stands in that text, or in `X-Failed-Recipients`,
and is neither ours nor the mail system's.
"""

import re
from collections.abc import Collection

from nurture.domain.feedback import Failure
from nurture.mail.inbound.reports import IN_REPLY_TO_DATA

_RETURNED = re.compile(
    r"^[ \t>*=_-]{0,60}(?:begin(?:ning)? of )?(?:(?:below (?:this|the next) line|below is|here is|this is|included is"
    r"|following is|a)\b.{0,30}\bcopy of"
    r"|[-*]{1,60} ?(?:original|returned|forwarded|unsent|undelivered)\b.{0,40}(?:message|mail|headers?|follows)"
    r"|original message(?: (?:as received|follows|headers?|attached))|the (?:original|first)\b.{0,40}(?:message"
    r"|lines)\b.{0,30}(?:follow|below|:)"
    r"|received:|return-path:|message headers? follow|(?:the )?(?:message|mail) (?:header|you sent|text)s?\b.{0,20}(?:follow|:)"
    r"|a (?:summary|copy) of the (?:undelivered |original )?message|header of the source mail|[-*]{1,60} ?(?:message header"
    r"|the header)|reporting-mta:)",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{"
    r"|}~.\x80-\uffff-]{1,64}@[A-Za-z0-9\x80-\uffff-]{1,63}(?:\.[A-Za-z0-9\x80-\uffff-]{1,63}){0,8}")
_FAILED = re.compile(
    r"undeliver|(?:un)?able to deliver|deliver(?:y|ies)?\b.{0,30}\b(?:fail|error|problem|notif|status|unsuccess)"
    r"|fail\w*\b.{0,20}\b(?:deliver|mail|notice)"
    r"|(?:not|n't|cannot|could not|never|no)\b.{0,40}\b(?:deliver|reach|sent|accept|be found|exist|recogni)|returned (?:mail"
    r"|to sender|message)"
    r"|mail (?:error|problem)|message (?:status|rejected|refused|blocked)|rejected|permanent error|nondeliver|non[- ]?remis|bounce"
    r"|failure notice|unknown|invalid|quota|mailbox|user"
    r"|не (?:может|могло?|удалось|доставлен)|недоставлен|невозможно|не существует|nie (?:może|można|mógł|istnieje|dostarczon)"
    r"|unzustellbar|nicht (?:zugestellt|zustellbar|erreich)|no se (?:ha podido|pudo)|impossible|non[- ]?distribu",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"(?:not yet|hasn't yet|has not yet) been (?:delivered|sent)|delay(?:ed|\b)|will (?:continue|keep|be retried|try again)"
    r"|still (?:trying|attempting)"
    r"|no action is required|just a warning|this is a warning|warning: (?:could not send|message|mail)|temporarily deferred|transient",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(r"(?:have|has|'ve) given (?:it )?up|permanent|could not be delivered|failed permanently"
    r"|has been returned", re.IGNORECASE)
_SYSTEM = re.compile(r"^(?:mailer-?daemon|postmaster|mdaemon|root|abuse|support|help|admin(?:istrator)?|hostmaster"
    r"|webmaster)$", re.IGNORECASE)
_MOST = 100
_LONGEST = 4000  # of what is said of one
_HEAD_LINE = re.compile(r"^[ \t*>]{0,60}(?:to|cc|from|subject|sent|date)[ \t]{0,9}:.*$", re.IGNORECASE | re.MULTILINE)
_LISTED = re.compile(
    r"^[ \t>*-]{0,60}(?:(?:failed |intended |final )?(?:recipient|address)e?s?:)?[ \t]{0,20}[<\[\"']?(" + _ADDRESS.pattern
    + r")[>\]\"']{0,3}[ \t]{0,20}(?:$|[:;(]|\.\.\.| on |<| -)", re.IGNORECASE | re.MULTILINE,
)  # fmt: skip
_GOES_ON = re.compile(r"attempts? will continue|will continue to (?:be )?(?:attempt|try|retr)|will (?:keep|be) (?:trying"
    r"|retried)|no action is required", re.IGNORECASE)


def read_prose(
    text: str, subject: str, failed_recipients: str, ours: Collection[str], returned_to: Collection[str] = ()
) -> list[Failure]:  # fmt: skip
    """The failures that a mail system's text tells of. `ours`: addresses that are no recipients (to whom the report came, who sent it).

    `returned_to`: whom the returned mail was for; they are meant where the text names nobody.
    """
    report = _RETURNED.split(text, maxsplit=1)[0]
    if not report.strip():
        report = text
    if not (_FAILED.search(subject) or _FAILED.search(report) or failed_recipients):
        return []
    goes_on = bool(_GOES_ON.search(report) or _DELAYED.search(subject))
    delayed = goes_on or (bool(_DELAYED.search(report)) and not _GAVE_UP.search(report))
    said = _named(report, failed_recipients, ours) or _mentioned(report, [*_ADDRESS.findall(subject), *returned_to], ours)
    action = "delayed" if delayed else "failed"
    return [Failure(address, action, "", words, bool(IN_REPLY_TO_DATA.search(words))) for address, words in said.items()]


def _named(report: str, failed_recipients: str, ours: Collection[str]) -> dict[str, str]:
    """Recipients that are named as such: in the header for it, or each at the beginning of a line, with all that is said of each."""
    named = _wanted(_ADDRESS.findall(failed_recipients), ours) or _wanted(_LISTED.findall(report), ours)
    return _said(report, named[:_MOST])


def _mentioned(report: str, elsewhere: Collection[str], ours: Collection[str]) -> dict[str, str]:
    """Addresses somewhere in the text, with the lines about each alone: one that is only an example is not refused in them."""
    lines = report.splitlines()
    about = _HEAD_LINE.sub("", report)
    found = _wanted(_ADDRESS.findall(about), ours) or _wanted(_ADDRESS.findall(report), ours)
    if not found:
        return dict.fromkeys(_wanted(elsewhere, ours)[:_MOST], report[:_LONGEST])
    said = {}
    for address in found[:_MOST]:
        at = next((n for n, line in enumerate(lines) if address in line), 0)
        said[address] = "\n".join(lines[max(0, at - 3) : at + 4])[:_LONGEST] if len(lines) > 12 or len(found) > 1 else report[:_LONGEST]
    return said


def _wanted(addresses: Collection[str], ours: Collection[str]) -> list[str]:
    unwanted = {a.lower() for a in ours}
    kept = (re.sub(r"^(?:.*[=:])?smtp=", "", a.strip(".'`"), flags=re.IGNORECASE) for a in addresses)
    return list(dict.fromkeys(a for a in kept if a.lower() not in unwanted and not _SYSTEM.match(a.partition("@")[0])))


def _said(report: str, addresses: list[str]) -> dict[str, str]:
    """What stands from each recipient's first mention to the next one's; one recipient alone has the whole text."""
    if len(addresses) < 2:
        return dict.fromkeys(addresses, report[:_LONGEST])
    low = report.lower()
    places = sorted((low.find(a.lower()), a) for a in addresses)
    said = {}
    for (start, address), following in zip(places, [*(p for p, _ in places[1:]), len(report)], strict=True):
        words = report[max(start, 0) : following]
        if not re.search(r"[^\W\d_]{3}", words.replace(address, "")):  # a bare list: the words stand before it, for all
            words = report[:_LONGEST]
        said[address] = words[:_LONGEST]
    return said
