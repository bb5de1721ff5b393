"""One vocabulary for both readings: what a server answers, and what a report quotes of it, mean the same."""

import pytest

from nurture.domain.answers import Level, judge
from nurture.domain.envelopes import Phase, Reply
from nurture.domain.refusal_words import Refusal, refusal_in
from tests.support.people import NOW

SAID = {
    Refusal.FULL: ("mailbox is full", "user is over quota", "Postfach ist voll", "Ящик переполнен", "Skrzynka jest pełna", "disk quota exceeded"),
    Refusal.DISABLED: ("account has been disabled", "user account is locked", "Пользователь заблокирован", "konto zablokowane", "suspended mailbox"),
    Refusal.DEAD: (
        "unknown user", "User does not exist", "no such mailbox", "Empfänger unbekannt", "Пользователь не найден", "użytkownik nie istnieje",
        "invalid recipient", "Email address could not be found", "unrouteable address", "doesn't have a yahoo.com account",
    ),
    Refusal.SENDER: ("your IP has been blocked", "listed by zen.spamhaus.org", "fails DMARC", "Relaying denied", "sender address rejected", "reverse DNS is missing"),
    Refusal.CONTENT: ("looks like spam", "message contains a virus", "message content rejected", "suspicious link"),
}  # fmt: skip
MEANS = {
    Refusal.FULL: (Level.PERSON, False, True), Refusal.DISABLED: (Level.PERSON, False, True), Refusal.DEAD: (Level.PERSON, True, False),
    Refusal.SENDER: (Level.RELAY, False, False), Refusal.CONTENT: (Level.LETTER, False, False),
}  # fmt: skip
NOT_THE_PERSON = (
    "message size exceeds fixed limit", "Domain name not found", "Sender domain not found", "Mail from unknown domain", "host unknown", "Rejected by policy",
    "message rejected for unknown reasons", "no longer accepting mail from this network", "this mailbox is no longer available from outside",
)  # fmt: skip


@pytest.mark.parametrize(("refusal", "words"), [(refusal, words) for refusal, every in SAID.items() for words in every])
def test_an_answer_and_a_report_of_it_mean_the_same(refusal: Refusal, words: str) -> None:
    verdict = judge(Reply(0, Phase.BODY if refusal is Refusal.CONTENT else Phase.RCPT, 550, None, words, ""), 0, None, NOW)
    assert (verdict.level, verdict.suppress, verdict.soft) == MEANS[refusal], verdict.reason
    found = refusal_in(f"550 {words}")
    assert found is not None
    assert found[0] is refusal


@pytest.mark.parametrize("words", NOT_THE_PERSON)
def test_what_only_a_report_may_read_so_suppresses_nobody_in_an_answer(words: str) -> None:
    """A server that says so to RCPT may mean the sender, the letter or itself."""
    for phase in (Phase.RCPT, Phase.BODY):
        assert not judge(Reply(0, phase, 550, None, words, ""), 0, None, NOW).suppress
