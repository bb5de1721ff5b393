"""One letter, one piece of information, one thing to do.

Source: "each is a small recipe; one letter, one piece of information; and always one action to take: a link, a reply, a call, an answer.
Never write just so."
"""

import re
from collections.abc import Iterator

from nurture.domain.lint.findings import Finding, warn
from nurture.domain.lint.reading import Reading, links, page, sections
from nurture.domain.words import Kind

_ANSWER = r"\s{0,20}(?:[-*+]|\d{1,2}[.)])?[ \t]{0,9}\[[^\]\n]{1,200}\]\([^()\s]{1,2000}\)[ \t\\]{0,9}(?:\n|$)"
_ANSWERS = re.compile(rf"\?[*_\"”»]{{0,4}}\s{{0,20}}\n(?P<answers>(?:{_ANSWER}){{2,12}})")
_ASKED = "Ask for one thing: call_to_action: https://..., reply, tel:... or {question: <id>}."


def lint_actions(reading: Reading) -> Iterator[Finding]:
    letter, action = reading.letter, reading.letter.call_to_action
    if action is None and not reading.links and reading.text is not None and letter.kind is not Kind.GREETING:
        yield warn(reading.path, "no-call-to-action", f"the letter {letter.id} asks for nothing", _ASKED)
    topics = _topics(reading)
    if topics:
        yield warn(reading.where, "one-topic", topics, "Keep the first; each of the others is a letter of its own.")
        return
    others = _asked_for(reading)
    count = len(others) + (action is not None)
    if count > 1:
        shown = ", ".join(others[:3])
        message = f"the letter {letter.id} asks for {count} things ({shown})"
        at = (*reading.path, "call_to_action") if action else reading.path
        yield warn(at, "one-call-to-action", message, "Keep one; what else people may want goes into another letter.")


def _asked_for(reading: Reading) -> list[str]:
    """Pages asked for beside the call to action, each once. The answers of one question are one thing asked."""
    action, text = reading.letter.call_to_action or "", reading.text or ""
    answers = {page(link) for found in _ANSWERS.finditer(text) for link in links(found["answers"])}
    question = action.startswith("question:")
    found: dict[str, str] = {}
    for link in reading.links:
        place = page(link)
        if place == page(action):
            continue
        if place in answers:
            if question:
                continue
            place = "answers"
        found.setdefault(place, link)
    return list(found.values())


def _topics(reading: Reading) -> str | None:
    """Why a letter seems to hold several things. Quiet in doubt: only sections each ending in their own action, or a digest's words."""
    text = reading.text or ""
    parts = sections(text)
    if len(parts) < 2:
        return None
    own = [{page(link) for link in links(part)} for part in parts]
    ending = [pages for pages in own if pages]
    distinct = set().union(*ending) if ending else set()
    if len(ending) >= 2 and len(distinct) >= 2 and all(len(pages) == 1 for pages in ending[:2]) and not (ending[0] & ending[1]):
        return f"the letter {reading.letter.id} holds {len(ending)} topics: {len(ending)} sections each end in their own link"
    found = reading.language.digest.search(reading.plain) if reading.language else None
    return f'the letter {reading.letter.id} is a digest ("{found[0]}"), not one piece of information' if found else None
