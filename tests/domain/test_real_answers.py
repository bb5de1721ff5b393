"""What receivers and relays really say, as their own pages and people's logs show it, and what it must mean.

Each line: where it was said, the answer, whose affair it is, what becomes of the row, and marks: `suppress`, `soft`, `slows`, `trips`.
"""

import pytest

from nurture.domain.answers import Level, Verdict, judge
from nurture.domain.envelopes import Phase, Reply
from nurture.domain.words import State
from tests.support.people import NOW

P, L = Phase, Level
LATER, GONE = State.DEFERRED, State.REJECTED
REAL: dict[str, list[tuple[Phase, str, Level | None, State, str]]] = {
    "Gmail": [
        (P.RCPT, "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking - gsmtp", L.PERSON, GONE, "suppress"),
        (P.RCPT, "550 5.2.1 The email account that you tried to reach is disabled. - gsmtp", L.PERSON, GONE, "soft"),
        (P.RCPT, "552 5.2.2 The email account that you tried to reach is over quota. - gsmtp", L.PERSON, GONE, "soft"),
        (P.RCPT, "452 4.2.2 The email account that you tried to reach is over quota. - gsmtp", L.PERSON, LATER, ""),
        (P.RCPT, "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages - gsmtp", L.PERSON, LATER, ""),
        (P.RCPT, "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages - gsmtp", L.PERSON, LATER, ""),
        (P.BODY, "421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address. - gsmtp", L.DOMAIN, LATER, "slows"),
        (P.BODY, "421 4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP address. - gsmtp", L.DOMAIN, LATER, "slows"),
        (P.BODY, "421 4.7.0 Try again later, closing connection. - gsmtp", L.DOMAIN, LATER, "slows"),
        (P.BODY, "451 4.3.0 Mail server temporarily rejected message. x1sor - gsmtp", None, LATER, ""),
        (P.BODY, "421 4.7.26 This mail is unauthenticated, which poses a security risk - gsmtp", L.RELAY, LATER, "slows"),
        (P.BODY, "550 5.7.26 This mail is unauthenticated, which poses a security risk to the sender and Gmail users - gsmtp", L.RELAY, LATER, "trips"),
        (P.BODY, "550 5.7.25 The IP address sending this message does not have a PTR record setup - gsmtp", L.RELAY, LATER, "trips"),
        (P.BODY, "550 5.7.1 Our system has detected that this message is likely unsolicited mail. - gsmtp", L.LETTER, GONE, ""),
        (P.BODY, "550 5.7.1 The IP you're using to send mail is not authorized to send email directly to our servers. - gsmtp", L.RELAY, LATER, "trips"),
        (P.BODY, "550 5.7.1 very low reputation of the sending domain. - gsmtp", L.RELAY, LATER, "trips"),
        (P.BODY, "552 5.7.0 This message was blocked because its content presents a potential security issue. - gsmtp", L.LETTER, GONE, ""),
        (P.BODY, "552 5.3.4 Your message exceeded Google's message size limits. - gsmtp", L.LETTER, LATER, ""),
        (P.MAIL, "550 5.4.5 Daily user sending quota exceeded. - gsmtp", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 5.4.5 Daily SMTP relay limit exceeded for customer. - gsmtp", L.RELAY, LATER, "trips"),
        (P.RCPT, "450 4.2.1 Peak SMTP relay limit exceeded for customer. - gsmtp", L.RELAY, LATER, "trips"),
        (P.AUTH, "535 5.7.8 Username and Password not accepted. - gsmtp", L.RELAY, LATER, "trips"),
        (P.AUTH, "454 4.7.0 Too many login attempts, please try again later. - gsmtp", L.RELAY, LATER, "slows"),
    ],
    "Outlook and Exchange": [
        (P.RCPT, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", L.PERSON, GONE, "soft"),
        (P.RCPT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", L.PERSON, GONE, "suppress"),
        (P.RCPT, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", L.PERSON, GONE, "soft"),
        (P.BODY, "451 4.7.650 The mail server [1.2.3.4] has been temporarily rate limited due to IP reputation. (S775)", L.DOMAIN, LATER, "slows"),
        (P.BODY, "451 4.7.651 The mail server [1.2.3.4] has been temporarily rate limited due to IP reputation. (S3114)", L.DOMAIN, LATER, "slows"),
        (P.RCPT, "451 4.7.500 Server busy. Please try again later from [1.2.3.4]. (AS843)", L.DOMAIN, LATER, "slows"),
        (P.MAIL, "421 RP-001 The mail server IP connecting to Outlook.com server has exceeded the rate limit allowed.", L.DOMAIN, LATER, "slows"),
        (P.MAIL, "550 5.7.1 Unfortunately, messages from [1.2.3.4] weren't sent. part of their network is on our block list (S3140).", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 5.7.1 Service unavailable, Client host [1.2.3.4] blocked using Spamhaus.", L.RELAY, LATER, "trips"),
        (P.BODY, "550 5.7.515 Access denied, sending domain example.com does not meet the required authentication level.", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 5.7.606 Access denied, banned sending IP [1.2.3.4].", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.", L.RELAY, LATER, "trips"),
        (P.BODY, "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", L.PERSON, GONE, ""),
        (P.BODY, "550 5.2.122 RESOLVER.RST.RecipientExceeded; the recipient exceeded their hourly limit for the number of messages", L.PERSON, LATER, ""),
        (P.BODY, "554 5.2.252 SendAsDenied; a@example.com not allowed to send as b@example.com", L.RELAY, LATER, "trips"),
        (P.MAIL, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", L.RELAY, LATER, "slows"),
        (P.RCPT, "550 5.7.64 TenantAttribution; Relay Access Denied", L.RELAY, LATER, "trips"),
        (P.RCPT, "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException", L.PERSON, GONE, "soft"),
        (P.RCPT, "452 4.3.1 Insufficient system resources", L.RELAY, LATER, ""),
        (P.BODY, "550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", L.PERSON, GONE, ""),
    ],
    "Yahoo and AOL": [
        (P.BODY, "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]", L.PERSON, GONE, "suppress"),
        (P.BODY, "554 30 Sorry, your message to x@yahoo.com cannot be delivered. This mailbox is disabled (554.30).", L.PERSON, GONE, "soft"),
        (P.RCPT, "552 1 Requested mail action aborted, mailbox not found", L.PERSON, GONE, "suppress"),
        (P.MAIL, "421 4.7.0 [TSS04] Messages from 1.2.3.4 temporarily deferred due to unexpected volume or user complaints", L.DOMAIN, LATER, "slows"),
        (P.RCPT, "421 4.7.1 [TS03] All messages from 1.2.3.4 will be permanently deferred", L.DOMAIN, LATER, "slows"),
        (P.BODY, "421 Message temporarily deferred - 4.16.51. Please refer to the postmaster page", L.DOMAIN, LATER, "slows"),
        (P.RCPT, "450 User is receiving mail too quickly", L.PERSON, LATER, ""),
        (P.BODY, "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes", L.RELAY, LATER, "trips"),
        (P.MAIL, "553 5.7.1 [BL21] Connections will not be accepted from 1.2.3.4, because the ip is in Spamhaus's list", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 5.1.1 <bad_user@aol.com>: Recipient address rejected: aol.com [RCPT_TO]", L.PERSON, GONE, "suppress"),
    ],
    "Postfix": [
        (P.RCPT, "550 5.1.1 <x@y.org>: Recipient address rejected: User unknown in virtual mailbox table", L.PERSON, GONE, "suppress"),
        (P.RCPT, "450 4.2.0 <x@y.org>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/y.org.html", L.PERSON, LATER, ""),
        (P.RCPT, "451 4.7.1 Greylisting in action, please come back later", L.PERSON, LATER, ""),
        (P.RCPT, "554 5.7.1 <x@y.org>: Relay access denied", L.RELAY, LATER, "trips"),
        (P.RCPT, "454 4.7.1 <x@y.org>: Relay access denied", L.RELAY, LATER, "trips"),
        (P.RCPT, "554 5.7.1 Service unavailable; Client host [1.2.3.4] blocked using zen.spamhaus.org", L.RELAY, LATER, "trips"),
        (P.RCPT, "450 4.7.1 Client host rejected: cannot find your hostname, [1.2.3.4]", L.RELAY, LATER, "slows"),
        (P.RCPT, "550 5.1.0 <a@example.com>: Sender address rejected: User unknown in local recipient table", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 5.1.1 <a@example.com>: Sender address rejected: undeliverable address", L.RELAY, LATER, "trips"),
        (P.RCPT, "553 5.7.1 <a@example.com>: Sender address rejected: not owned by user b", L.RELAY, LATER, "trips"),
        (P.RCPT, "450 4.1.8 <a@example.com>: Sender address rejected: Domain not found", L.RELAY, LATER, "slows"),
        (P.RCPT, "504 5.5.2 <box>: Helo command rejected: need fully-qualified hostname", L.RELAY, LATER, "trips"),
        (P.RCPT, "450 4.1.1 <x@y.org>: Recipient address rejected: unverified address: connection timed out", L.PERSON, LATER, ""),
        (P.MAIL, "552 5.3.4 Message size exceeds fixed limit", L.LETTER, LATER, ""),
        (P.MAIL, "452 4.3.1 Insufficient system storage", L.RELAY, LATER, ""),
        (P.CONNECT, "421 4.7.0 Error: too many connections from 1.2.3.4", L.RELAY, LATER, "slows"),
        (P.BODY, "451 4.3.0 Error: queue file write error", None, LATER, ""),
        (P.RCPT, "554 5.7.1 <x@y.org>: Recipient address rejected: Policy restrictions", L.PERSON, GONE, ""),
        (P.MAIL, "530 5.7.0 Must issue a STARTTLS command first", L.RELAY, LATER, "trips"),
    ],
    "Exim and cPanel": [
        (P.RCPT, "550 Unrouteable address", L.PERSON, GONE, "suppress"),
        (P.RCPT, "550 No Such User Here", L.PERSON, GONE, "suppress"),
        (P.RCPT, "550 relay not permitted", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 Sender verify failed", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 Administrative prohibition", L.PERSON, GONE, ""),
        (P.BODY, "550 Administrative prohibition", L.LETTER, GONE, ""),
        (P.BODY, "550 This message was classified as SPAM and may not be delivered", L.LETTER, GONE, ""),
        (P.RCPT, "451 Temporary local problem - please try later", L.PERSON, LATER, ""),
        (P.BODY, "452 Space shortage, please try later", None, LATER, ""),
        (P.RCPT, "550 Mailbox quota exceeded", L.PERSON, GONE, "soft"),
        (P.RCPT, "552 mailbox x@y.org is full", L.PERSON, GONE, "soft"),
        (P.BODY, "550 Domain example.com has exceeded the max emails per hour (151/150 (100%)) allowed.", L.RELAY, LATER, "trips"),
        (P.BODY, "552 Message size exceeds maximum permitted", L.LETTER, LATER, ""),
    ],
    "Sendmail and others of the corpus": [
        (P.RCPT, "553 5.3.0 <userx@example.com>... No such user here", L.PERSON, GONE, "suppress"),
        (P.RCPT, "550 5.1.1 <roland@example.com>... User unknown", L.PERSON, GONE, "suppress"),
        (P.RCPT, "553 5.1.1 unknown or illegal user: x@example.com", L.PERSON, GONE, "suppress"),
        (P.RCPT, "550 5.7.1 <x@y.org>... Relaying denied", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 There is no user by that name", L.PERSON, GONE, "suppress"),
        (P.RCPT, "550 unknown user <userx@example.com>", L.PERSON, GONE, "suppress"),
        (P.RCPT, "553 5.3.0 <one_bad_address@example.net>... Addressee unknown, relay=[205.208.202.10]", L.PERSON, GONE, "suppress"),
        (P.RCPT, "552 Quota violation for userx@example.com", L.PERSON, GONE, "soft"),
        (P.RCPT, "552 Message for <bbbsss@example.com> would exceed mailbox quota", L.PERSON, GONE, "soft"),
        (P.RCPT, "550 subscriber@earthlink.net...User account is overquota", L.PERSON, GONE, "soft"),
        (P.RCPT, "550 Requested action not taken: mailbox unavailable or not local.", L.PERSON, GONE, "soft"),
        (P.RCPT, "553 Exceeded maximum inbound message size", L.PERSON, GONE, ""),
        (P.RCPT, "554 joem@example.com... aliasing/forwarding loop broken (11 aliases deep; 10 max)", L.PERSON, GONE, ""),
        (P.RCPT, "554 Too many hops 26 (25 max): from a@python.org via localhost", L.PERSON, GONE, ""),
    ],
    "GMX, T-Online, mail.ru, Yandex, iCloud, Orange, Free": [
        (P.RCPT, "550 Requested action not taken: mailbox unavailable", L.PERSON, GONE, "soft"),
        (P.BODY, "554 Transaction failed. Reject due to policy restrictions.", L.LETTER, GONE, ""),
        (P.CONNECT, "554 No SMTP service. Bad DNS PTR resource record.", L.RELAY, LATER, "trips"),
        (P.MAIL, "450 Requested mail action not taken: mailbox unavailable. Mail send limit exceeded.", L.RELAY, LATER, "trips"),
        (P.CONNECT, "554 IP=1.2.3.4 - A problem occurred. (BL)", L.RELAY, LATER, "trips"),
        (P.BODY, "550 spam message rejected. Please visit http://help.mail.ru/notspam-support/", L.LETTER, GONE, ""),
        (P.RCPT, "550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: user not found", L.PERSON, GONE, "suppress"),
        (P.RCPT, "550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: account is disabled", L.PERSON, GONE, "soft"),
        (P.RCPT, "550 5.7.1 No such user!", L.PERSON, GONE, "suppress"),
        (P.BODY, "554 5.7.1 [2] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc", L.LETTER, GONE, ""),
        (P.RCPT, "451 4.7.1 Sorry, the service is currently unavailable. Please come back later.", L.RELAY, LATER, "slows"),
        (P.RCPT, "550 5.1.1 <x@icloud.com>: user lookup success but no user record found", L.PERSON, GONE, "suppress"),
        (P.BODY, "554 5.7.1 [HM08] Message rejected due to local policy. Please visit https://support.apple.com/", L.LETTER, GONE, ""),
        (P.MAIL, "421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR004_104", L.DOMAIN, LATER, "slows"),
        (P.RCPT, "421 Too many spams from your IP (1.2.3.4), please visit http://postmaster.free.fr/", L.DOMAIN, LATER, "slows"),
    ],
    "relays for hire": [
        (P.BODY, "454 Throttling failure: Maximum sending rate exceeded.", L.RELAY, LATER, "slows"),
        (P.BODY, "454 Throttling failure: Daily message quota exceeded.", L.RELAY, LATER, "trips"),
        (P.BODY, "554 Message rejected: Email address is not verified. The following identities failed the check", L.RELAY, LATER, "trips"),
        (P.BODY, "554 Sending paused for this account.", L.RELAY, LATER, "trips"),
        (P.BODY, "550 The from address does not match a verified Sender Identity.", L.RELAY, LATER, "trips"),
        (P.AUTH, "451 Authentication failed: Maximum credits exceeded", L.RELAY, LATER, "trips"),
        (P.AUTH, "525 5.7.1 Unauthorized IP address", L.RELAY, LATER, "trips"),
        (P.AUTH, "502 5.7.0 Your SMTP account is not yet activated.", L.RELAY, LATER, "trips"),
        (P.RCPT, "550 5.7.1 Sandbox subdomains are for test purposes only.", L.RELAY, LATER, "trips"),
    ],
}  # fmt: skip


def heard(phase: Phase, answer: str) -> Verdict:
    code, _, text = answer.partition(" ")
    head = text.split(" ", maxsplit=1)[0]
    parts = head.split(".")
    enhanced = head if len(parts) == 3 and all(p.isdigit() for p in parts) else None
    return judge(Reply(7, phase, int(code), enhanced, text, "relay"), 0, None, NOW)


@pytest.mark.parametrize(("who", "line"), [(who, line) for who, lines in REAL.items() for line in lines], ids=lambda v: v if isinstance(v, str) else v[1][:60])
def test_real_answers_mean_what_they_should(who: str, line: tuple[Phase, str, Level | None, State, str]) -> None:
    phase, answer, level, state, marks = line
    verdict = heard(phase, answer)
    said = {mark for mark in ("suppress", "soft", "slows", "trips") if getattr(verdict, mark)}
    assert (verdict.level, verdict.state, said) == (level, state, set(marks.split())), verdict.reason


def test_what_is_not_the_persons_never_touches_the_person() -> None:
    for lines in REAL.values():
        for phase, answer, level, _, _ in lines:
            verdict = heard(phase, answer)
            if level is not L.PERSON:
                assert not verdict.suppress, answer
                assert not verdict.soft, answer


def test_a_slowing_answer_burns_no_try_except_a_bare_holding_back() -> None:
    for lines in REAL.values():
        for phase, answer, *_ in lines:
            verdict = heard(phase, answer)
            if verdict.slows and not verdict.reason.startswith("the relay holds back"):
                assert not verdict.counts_attempt, answer
