"""How a letter speaks: to one person, by name, with one *you*, in an ordinary voice.

Source: "written to a friend and not into the mass; formal you or familiar you by the audience's age, never mixed; by name in subject and
greeting".
"""

import re
from collections.abc import Iterator

from nurture.domain.letters import Letter
from nurture.domain.lint.findings import Finding, warn
from nurture.domain.lint.languages import Language
from nurture.domain.lint.reading import PERSONAL, Reading, blanked, line_of, own_words, unmerged

LONGEST_SUBJECT = 78
_NAMED = "Maria"  # an ordinary name, to measure a subject with
_WORD = re.compile(r"[^\W\d_]{3,}")
_EXCLAIMED = re.compile(r"!(?:\s?!){2,}|!{2,}1+")
_LOUD_RUN = 5  # so many loud words in a row are no heading and no abbreviation any more


def lint_voice(reading: Reading) -> Iterator[Finding]:
    subject = list(_subject(reading.letter, reading))
    yield from subject
    yield from _address(reading)
    yield from _mixed_you(reading)
    if not any(f.rule == "shouting" for f in subject):
        yield from _shouting(reading)


def _subject(letter: Letter, reading: Reading) -> Iterator[Finding]:
    at = (*reading.path, "subject")
    crowd = _crowd(reading, letter.subject)
    if crowd:
        yield warn(at, "mass-address", f'the subject speaks to a crowd ("{crowd[1]}")', _friend(reading.language))
    elif not PERSONAL.search(letter.subject):
        yield warn(
            at, "personal-subject", "the subject does not speak to the person", f"Begin it so: {_name(_hello(reading.language))}, ..."
        )
    bare = unmerged(letter.subject, _NAMED)
    if len(bare) > LONGEST_SUBJECT:
        yield warn(at, "subject-length", f"the subject has {len(bare)} characters; most clients show 40 to 70", "Say one thing in it.")
    words = _WORD.findall(unmerged(letter.subject))
    if "!!" in bare or (len(words) >= 2 and all(map(_loud, words))) or _loud_run(words) >= 3:
        advice = "Write it as you would say it to a friend: small letters, at most one exclamation mark."
        yield warn(at, "shouting", "the subject shouts", advice)


def _address(reading: Reading) -> Iterator[Finding]:
    text, letter = reading.text, reading.letter
    if text is None:
        return
    crowd = _crowd(reading, text)
    if crowd:
        yield warn(reading.where, "mass-address", f'"{crowd[1]}" speaks to a crowd', _friend(reading.language), line_of(text, crowd[0]))
    elif not PERSONAL.search(reading.opening):
        message = f"the {letter.kind.value} letter {letter.id} greets nobody by name"
        yield warn(reading.where, "personal-greeting", message, f"Begin with {_name(_hello(reading.language))} and a comma.")


def _shouting(reading: Reading) -> Iterator[Finding]:
    lines = reading.plain.split("\n")
    if _EXCLAIMED.search(reading.plain) or any(_loud_run(_WORD.findall(line)) >= _LOUD_RUN for line in lines):
        yield warn(reading.where, "shouting", "the text shouts", "Write it as you would say it across a table; one word may be **bold**.")


def _crowd(reading: Reading, text: str) -> tuple[int, str] | None:
    """(place, words) of an address to everybody."""
    found = reading.language.mass_address.search(blanked(text)) if reading.language else None
    return (found.start("crowd"), found["crowd"]) if found else None


def _mixed_you(reading: Reading) -> Iterator[Finding]:
    """Two ways of saying you in the writer's own words; what others say in quotation marks is theirs."""
    language = reading.language
    if reading.text is None or language is None or language.formal is None or language.familiar is None:
        return
    words = own_words(unmerged(reading.letter.subject)) + "\n" + own_words(reading.plain)
    formal, familiar = language.formal.findall(words), language.familiar.findall(words)
    if formal and familiar:
        one, other = (x[0].strip(" ,;") for x in (formal, familiar))
        prevails = "formal" if len(formal) >= len(familiar) else "familiar"
        advice = f"Keep one of them by the age of your readers; the {prevails} one prevails here."
        message = f'the letter mixes formal and familiar you ("{one}", {len(formal)} times; "{other}", {len(familiar)} times)'
        yield warn(reading.where, "mixed-you", message.replace(" 1 times", " once"), advice, _line(reading.text, other))


def _line(text: str, word: str) -> int:
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    return line_of(text, found.start()) if found else 0


def _loud(word: str) -> bool:
    return word.isupper()


def _loud_run(words: list[str]) -> int:
    """The longest run of words in capitals."""
    longest = run = 0
    for word in words:
        run = run + 1 if _loud(word) else 0
        longest = max(longest, run)
    return longest


def _name(other: str) -> str:
    return f"{{{{ first_name | default('{other}') }}}}"


def _hello(language: Language | None) -> str:
    return language.hello if language else "Hello"


def _friend(language: Language | None) -> str:
    return f"Write to one friend: {_name(language.friend if language else 'friend')}, ..."
