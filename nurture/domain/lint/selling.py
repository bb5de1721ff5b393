"""Whether a letter is what it says: a gift that sells, an offer without its parts, a limit without a date.

Source: "a selling letter shows the problem, sharpens the pain, shows hope, gives step-by-step help, makes the offer, adds bonuses, sets an
honest limit, calls to act. Regular customers get three lines: what it is, which problem it solves, how to get it fast. A soft offer at the
end of an article is welcome."
"""

import re
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from nurture.domain.conditions import All, AnyOf, Did, HasTag, HasTemperature
from nurture.domain.lint.findings import Finding, warn
from nurture.domain.lint.languages import Language
from nurture.domain.lint.reading import Reading, paragraphs
from nurture.domain.words import EventType, Kind, Temperature

Readers: TypeAlias = Literal["customers", "others"]
THREE_LINES = 60  # words: all that regular customers need of an offer
_MAY_MISS = 2  # words are only traces: a single missing one says nothing
_CLOSING_WORDS = 6  # a signature or the label of a button
_SALES_LINK = re.compile(
    r"https?://[^\s)\"'>]{0,500}/(?:buy|order|checkout|cart|basket|pay|payment|kaufen|kasse|bestellen|kupi\w*|zakaz|oplata|korzina"
    r"|koszyk|kup|zamow\w*|platnosc)(?:[/?#\"')]|$)",
    re.IGNORECASE,
)
_ADVICE = "The eight parts: problem, pain, hope, steps, offer, bonus, limit, call to action; regular customers need only three lines."


def readers_of(condition: Any) -> Readers | None:
    """Who answers to a condition: customers and people who want to buy now need three lines; None where everybody may."""
    if condition is None:
        return None
    return "customers" if _asks_customers(condition) else "others"


def _asks_customers(condition: Any) -> bool:
    match condition:
        case All():
            return any(_asks_customers(part) for part in condition.all)
        case AnyOf():
            return bool(condition.any) and all(_asks_customers(part) for part in condition.any)
        case HasTag():
            return condition.tag == "customer"
        case HasTemperature():
            return condition.temperature is Temperature.HOT
        case Did():
            return condition.did is EventType.CONVERTED and condition.name == "purchase"
    return False


def lint_selling(reading: Reading, readers: Readers | None) -> Iterator[Finding]:
    letter, language = reading.letter, reading.language
    if reading.text is None:
        return
    if letter.kind in (Kind.USEFUL, Kind.NEWS, Kind.ABOUT):
        yield from _sells(reading, language)
    if letter.kind is Kind.SALES and language is not None:
        asked = readers_of(letter.only_if)
        yield from _offer(reading, language, "customers" if "customers" in (asked, readers) else readers)


def _sells(reading: Reading, language: Language | None) -> Iterator[Finding]:
    kind = reading.letter.kind.value
    said = _said(_before_closing(reading.text or "", language), language)
    link = _SALES_LINK.search(reading.letter.call_to_action or "")
    if link:
        message = f"a {kind} letter whose one action is to buy"
        yield warn(reading.where, "kind-against-words", message, "Call it `kind: sales`, or link to something useful.")
    elif len(said) >= 2:
        advice = "Call it `kind: sales`, or give first and leave one soft offer for the last paragraph."
        yield warn(reading.where, "kind-against-words", f"a {kind} letter that sells ({', '.join(said.values())})", advice)


def _said(text: str, language: Language | None) -> dict[str, str]:
    """What is said to sell, one phrase for each concept."""
    found = {concept: table.search(text) for concept, table in (language.selling.items() if language else ())}
    return {concept: match[0].lower().strip() for concept, match in found.items() if match}


def _before_closing(text: str, language: Language | None) -> str:
    """The text without one soft offer at its end, which is welcome: one that does not hurry people, and is not most of the letter."""
    parts = paragraphs(text)
    while parts and len(parts[-1].split()) <= _CLOSING_WORDS:
        parts.pop()
    if len(parts) > 1 and len(parts[-1].split()) <= sum(len(p.split()) for p in parts[:-1]) and "hurry" not in _said(parts[-1], language):
        parts.pop()
    return "\n\n".join(parts)


def _offer(reading: Reading, language: Language, readers: Readers | None) -> Iterator[Finding]:
    short = reading.words <= THREE_LINES
    if short and readers != "others":
        return  # three lines are all that customers need, and whoever it is for may be customers
    missing = [part for part, traces in language.parts.items() if not traces.search(reading.plain)]
    if readers == "customers":
        lost = [part for part in ("problem", "offer") if part in missing]
        if len(lost) == 2:
            message = "an offer to customers that says neither what it is nor which problem it solves"
            yield warn(reading.where, "sales-parts", message, "Three lines: what it is, which problem it solves, how to get it fast.")
        return
    limited = language.limit.search(reading.plain) is not None
    if len(missing) > _MAY_MISS:
        missing += [] if limited else ["limit"]
        yield warn(reading.where, "sales-parts", "an offer without a trace of: " + ", ".join(missing), _ADVICE)
    elif not limited and not short:
        advice = "Name a date or a number that is true: until 31 March, twelve places. If there is none, leave it so."
        yield warn(reading.where, "honest-limit", "an offer without a limit that has a date or a number", advice)
