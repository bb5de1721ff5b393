"""Is the relay fit to send through?"""

import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from nurture.domain.examination.facts import RelayFacts
from nurture.domain.findings import Finding

SOON = timedelta(days=14)
LEAST_SIZE = 1_000_000  # bytes: a long letter with its text part
_OLD_TLS = ("SSLv3", "TLSv1", "TLSv1.1")  # RFC 8996
_DATE = re.compile(r"(?:\w{3}, )?\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")


def judge_relay(facts: RelayFacts, now: datetime) -> list[Finding]:
    """Reaching it, what it offers, and whether it takes our sender. What it said stands in quotes."""
    check = f"relay {facts.name}"
    if facts.trouble:
        doing = {"connect": "cannot be reached", "hello": "broke off", "TLS": "gave no safe line", "sign in": "did not let us in"}
        return [Finding(check, "fail", f"The relay {facts.name} {doing[facts.step]}: {_quoted(facts.trouble)}; check NURTURE_SMTP_URL.")]
    if facts.mode == "none" and facts.user:
        words = f"The password for {facts.name} travels in the clear; write ?tls=starttls or ?tls=tls in NURTURE_SMTP_URL."
        found = [Finding(check, "fail", words)]
    elif doubt := next(_doubts(facts, now), ""):
        found = [Finding(check, "warn", doubt)]
    else:
        until = f", certificate until {facts.certificate_until:%Y-%m-%d}" if facts.certificate_until else ""
        user = f", signed in as {facts.user}" if facts.user else ""
        found = [Finding(check, "ok", f"{facts.name} answers, {facts.tls or 'without TLS'}{until}{user}.")]
    found.append(_offers(facts))
    if facts.sender_refused:
        words = f"The relay {facts.name} does not take our sender: {_quoted(facts.sender_refused)}; register the address there."
        found.append(Finding(f"{check} sender", "fail", words))
    return found


def _doubts(facts: RelayFacts, now: datetime) -> Iterator[str]:
    """The gravest first."""
    until = facts.certificate_until
    if until and until < now:
        yield f"The certificate of {facts.name} ended on {until:%Y-%m-%d}, and NURTURE_SMTP_VERIFY=false lets it pass; have it renewed."
    if facts.tls in _OLD_TLS:
        yield f"{facts.name} speaks only {facts.tls}, which is broken; have the relay renewed."
    if facts.mode == "none" and any(ipaddress.ip_address(address).is_global for address in facts.addresses):
        yield f"Letters to {facts.name} cross the net in the clear; write ?tls=starttls in NURTURE_SMTP_URL."
    if facts.tls and not facts.verified:
        yield f"Nobody checks that {facts.name} is the relay it says; take NURTURE_SMTP_VERIFY=false out."
    if until and until - now < SOON:
        yield f"The certificate of {facts.name} ends on {until:%Y-%m-%d}; see that it is renewed."


def _offers(facts: RelayFacts) -> Finding:
    check = f"relay {facts.name} offers"
    size = facts.offers.get("SIZE", "").split()
    if size and size[0].isdigit() and 0 < int(size[0]) < LEAST_SIZE:
        return Finding(check, "warn", f"{facts.name} takes letters of at most {int(size[0]):,} bytes; longer ones fail.")
    wanted = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE")
    missing = [name for name in wanted if name not in facts.offers]
    told = {"PIPELINING": "so each letter waits three times for it", "SMTPUTF8": "so addresses with other letters than ASCII fail"}
    words = "; ".join(f"it offers no {name}, {told[name]}" for name in missing if name in told)
    if "PIPELINING" in missing:
        return Finding(check, "warn", f"{facts.name} works, but {words}.")
    return Finding(check, "ok", f"{facts.name} offers {', '.join(n for n in wanted if n not in missing)}{f'; {words}' if words else ''}.")


def greeting_date(facts: RelayFacts) -> datetime | None:
    """The clock of a relay that names the hour in its greeting, as some do."""
    found = _DATE.search(facts.greeting)
    try:
        return parsedate_to_datetime(found[0]) if found else None
    except ValueError:
        return None


def _quoted(words: str) -> str:
    return f'"{" ".join(words.split())[:200]}"'
