"""The letter as a thing: its length, its weight, its pictures, its merge fields, and what the law and good manners want at its foot.

Source: "short and clear"; mail clients cut a letter a little above 100 KB and hide pictures; the layout brings the leave link and why
people get this, so only a document of one's own can lack them.
"""

import re
from collections.abc import Iterator

from nurture.domain.lint.findings import Finding, Known, warn
from nurture.domain.lint.reading import IMAGE, Reading, holes, line_of, page
from nurture.domain.words import Kind, Size

SHORT_AT_MOST = 250  # words; a small recipe, read at once
LONG_AT_LEAST = 250
LONGEST_BYTES = 100_000
_WORDS_BESIDE_PICTURES = 12
_PICTURE = re.compile(r"<img\b|!\[", re.IGNORECASE)
_MEDIUM = re.compile(r"[?&]utm_medium=([^&#\s]{0,100})")
_WHOLE = re.compile(r"<html[\s>]", re.IGNORECASE)


def lint_body(reading: Reading, known: Known) -> Iterator[Finding]:
    yield from _holes(reading)
    yield from _campaign_tags(reading)
    if reading.text is None:
        return
    yield from _size(reading, reading.text)
    yield from _pictures(reading, reading.text)
    yield from _foot(reading, reading.text)
    yield from _own_text_part(reading, known)


def _holes(reading: Reading) -> Iterator[Finding]:
    """Each name once, where it is first read."""
    told: set[str] = set()
    for where, text in (
        ("subject", reading.letter.subject),
        ("preheader", reading.letter.preheader),
        (reading.where[-1], reading.text or ""),
    ):
        for name, place in holes(text):
            if name not in told:
                told.add(name)
                message = f"{name} may be empty, and a hole would stand there"
                advice = f"Write {{{{ {name} | default('friend') }}}}."
                yield warn((*reading.path, where), "empty-merge-field", message, advice, line_of(text, place))


def _campaign_tags(reading: Reading) -> Iterator[Finding]:
    """Analytics count a visit as one from e-mail by this exact word alone."""
    for link in dict.fromkeys([reading.letter.call_to_action or "", *reading.links]):
        medium = _MEDIUM.search(link)
        if medium and medium[1] != "email" and "{" not in medium[1]:
            at = (*reading.path, "call_to_action") if link == reading.letter.call_to_action else reading.where
            line = line_of(reading.text, reading.text.find(link)) if at == reading.where and reading.text else 0
            message = f"utm_medium={medium[1]} is not counted as e-mail"
            yield warn(at, "utm-medium", message, "Write utm_medium=email, in small letters.", line)
            return


def _size(reading: Reading, text: str) -> Iterator[Finding]:
    letter, words, size = reading.letter, reading.words, len(text.encode())
    if size > LONGEST_BYTES:
        message = f"the letter has {size:,} bytes; mail clients cut above 100,000"
        yield warn(reading.where, "too-big", message, "Put the long part on a page and link to it.")
    elif letter.size is Size.SHORT and letter.kind is not Kind.SALES and words > SHORT_AT_MOST:  # an offer has eight parts
        advice = f"Keep one piece of information in it, up to {SHORT_AT_MOST} words, or write `size: long` (it then leaves on Fridays)."
        yield warn(reading.where, "length", f"a short letter of {words} words", advice)
    if letter.size is Size.LONG and words < LONG_AT_LEAST:
        advice = "Write `size: short` (it then leaves early in the week), or give it more."
        yield warn(reading.where, "length", f"a long letter of only {words} words", advice)


def _pictures(reading: Reading, text: str) -> Iterator[Finding]:
    bare = list(IMAGE.finditer(text))
    if bare:
        message = "an image without a description" if len(bare) == 1 else f"{len(bare)} images without a description"
        yield warn(
            reading.where, "alt-text", message, "Write ![what it shows](...): many clients hide images.", line_of(text, bare[0].start())
        )
    elif _PICTURE.search(text) and reading.words < _WORDS_BESIDE_PICTURES:
        message = f"the letter is a picture with {reading.words} words: its text part says nothing"
        yield warn(reading.where, "text-part", message, "Write the words as words; the picture stands beside them.")


def _foot(reading: Reading, text: str) -> Iterator[Finding]:
    """Only a page of one's own stands without the layout, which brings both."""
    if not _WHOLE.search(text):
        return
    if "unsubscribe_url" not in text:
        advice = 'Add <a href="{{ unsubscribe_url }}">Leave these letters</a> to its foot; a bare one is put at the end otherwise.'
        yield warn(reading.where, "leave-link", "this page has no leave link of its own", advice)
    if not re.search(r"\{\{-?\s{0,9}why\b", text):
        message = "this page does not say why people get it"
        yield warn(reading.where, "why-you-get-this", message, "Add {{ why }} to its foot: since when and from where they get letters.")


def _own_text_part(reading: Reading, known: Known) -> Iterator[Finding]:
    """A letter.txt is sent as it is written: what it leaves out, readers of plain text never see."""
    own = known.text_parts.get(reading.letter.template or "")
    action = reading.letter.call_to_action or ""
    if own is not None and action.startswith("http") and page(action) not in own and "call_to_action" not in own:
        message = f"letter.txt of {reading.letter.template} does not name the call to action"
        advice = f"Write {action} in it, or delete letter.txt: the text part is then made from the letter."
        yield warn(reading.where, "text-part", message, advice)
