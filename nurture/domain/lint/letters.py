"""One letter against the practice: personal, one action, honest about its kind, short or long as it says."""

import re
from collections.abc import Iterator

from nurture.domain.letters import Letter
from nurture.domain.lint.findings import Finding, Known, Path, warn
from nurture.domain.lint.words import FIELD, LIMIT, MASS_ADDRESS, PARTS, PERSONAL, SALES, SALES_LINK
from nurture.domain.words import Kind, Size

SHORT_AT_MOST = 250  # words; a small recipe, read at once
LONG_AT_LEAST = 250
THREE_LINES = 60  # words: all that regular customers need of an offer
LONGEST_BYTES = 100_000  # mail clients cut a letter a little above
LONGEST_SUBJECT = 78
_GREETING_WITHIN = 300  # characters from the start of the body
_LINK = re.compile(
    r"\]\(\s*<?(https?://[^\s)>]+)|href\s*=\s*[\"'](https?://[^\"']+)|(?<![(\"'=<\w/])(https?://[^\s)>\"'<]+)|<(https?://[^\s>]+)>"
)
_OTHER_ACTION = re.compile(r"\]\(\s*<?((?:tel|mailto):[^\s)>]+)")
_IMAGE = re.compile(r"!\[\s*\]\(|<img(?![^>]*\balt\s*=\s*[\"'][^\"'])[^>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<[^>]+>|\{[%#][^}]*[%#]\}|\]\([^)]*\)|https?://\S+")
_SHOUT = re.compile(r"!{2,}|\b[^\W\d_]{3,}\b")


def lint_letter(letter: Letter, path: Path, known: Known) -> list[Finding]:
    """All findings about a letter that stands at `path`."""
    if letter.kind is Kind.SERVICE:
        return []
    text = letter.body if letter.body is not None else (known.templates or {}).get(letter.template or "")
    where = (*path, "body" if letter.body is not None else "template")
    found = list(_subject(letter, path))
    if text is not None:
        found += [
            *_address(letter, text, where),
            *_size(letter, text, where),
            *_fields(text, where),
            *_images(text, where),
            *_kind(letter, text, where),
        ]
    found += _action(letter, text, path)
    return found


def _subject(letter: Letter, path: Path) -> Iterator[Finding]:
    at = (*path, "subject")
    if not PERSONAL.search(letter.subject):
        yield warn(
            at, "personal-subject", "the subject does not speak to the person", "Begin it so: {{ first_name | default('Hello') }}, ..."
        )
    yield from _fields(letter.subject, at)
    if MASS_ADDRESS.search(letter.subject):
        yield warn(at, "mass-address", "the subject speaks to a crowd", "Write to one friend: {{ first_name | default('Hello') }}, ...")
    bare = _TAGS.sub("", FIELD.sub("Maria", letter.subject))
    if len(bare) > LONGEST_SUBJECT:
        yield warn(at, "subject-length", f"the subject has {len(bare)} characters; most clients show 40 to 70", "Say one thing in it.")
    words = [w for w in _SHOUT.findall(_TAGS.sub("", FIELD.sub("", letter.subject))) if not w.startswith("!")]
    if "!!" in bare or (len(words) >= 2 and all(w.isupper() for w in words)):
        yield warn(
            at, "shouting", "the subject shouts", "Write it as you would say it to a friend: small letters, at most one exclamation mark."
        )


def _address(letter: Letter, text: str, where: Path) -> Iterator[Finding]:
    crowd = MASS_ADDRESS.search(text)
    if crowd:
        line = text.count("\n", 0, crowd.start())
        yield warn(
            where, "mass-address", f'"{crowd[0]}" speaks to a crowd', "Write to one friend: {{ first_name | default('friend') }}, ...", line
        )
    elif not PERSONAL.search(text[:_GREETING_WITHIN]):
        advice = "Begin with {{ first_name | default('Hello') }}, and a comma."
        yield warn(where, "personal-greeting", f"the {letter.kind.value} letter {letter.id} greets nobody by name", advice)


def _size(letter: Letter, text: str, where: Path) -> Iterator[Finding]:
    words = len(_TAGS.sub(" ", FIELD.sub("x", text)).split())
    if letter.size is Size.SHORT and letter.kind is not Kind.SALES and words > SHORT_AT_MOST:  # an offer has eight parts
        advice = f"Keep one piece of information in it, up to {SHORT_AT_MOST} words, or write `size: long` (it then leaves on Fridays)."
        yield warn(where, "length", f"a short letter of {words} words", advice)
    if letter.size is Size.LONG and words < LONG_AT_LEAST:
        yield warn(
            where,
            "length",
            f"a long letter of only {words} words",
            "Write `size: short` (it then leaves early in the week), or give it more.",
        )
    if len(text.encode()) > LONGEST_BYTES:
        yield warn(
            where,
            "too-big",
            f"the letter has {len(text.encode()):,} bytes; mail clients cut above 100,000",
            "Put the long part on a page and link to it.",
        )


def _fields(text: str, where: Path) -> Iterator[Finding]:
    for field in FIELD.finditer(text):
        name, rest = field["name"], field["rest"] or ""
        guarded = re.search(r"\{%-?\s*(?:el)?if[^%]*\b" + re.escape(name) + r"\b", text[: field.start()])
        if "default" not in rest and not rest.startswith(("or ", "if ")) and not guarded:
            line = text.count("\n", 0, field.start())
            yield warn(
                where,
                "empty-merge-field",
                f"{name} may be empty, and a hole would stand there",
                f"Write {{{{ {name} | default('friend') }}}}.",
                line,
            )


def _images(text: str, where: Path) -> Iterator[Finding]:
    for image in _IMAGE.finditer(text):
        line = text.count("\n", 0, image.start())
        yield warn(where, "alt-text", "an image without a description", "Write ![what it shows](...): many clients hide images.", line)


def links(text: str) -> list[str]:
    """The addresses a text asks people to go to, each once; leave, preferences and archive links are merge fields and do not stand here."""
    found = [next(g for g in m.groups() if g).rstrip(".,;!?") for m in _LINK.finditer(text)] + _OTHER_ACTION.findall(text)
    images = set(re.findall(r"!\[[^\]]*\]\(\s*<?([^\s)>]+)", text)) | set(re.findall(r"src\s*=\s*[\"']([^\"']+)", text))
    return list(dict.fromkeys(link for link in found if link not in images))


def _same(one: str, other: str) -> bool:
    """The same page: queries and fragments only tell where a click came from."""
    return _page(one) == _page(other)


def _page(link: str) -> str:
    return re.split(r"[?#]", link, maxsplit=1)[0].rstrip("/")


def _action(letter: Letter, text: str | None, path: Path) -> Iterator[Finding]:
    at = (*path, "call_to_action") if letter.call_to_action else path
    asked = links(text or "")
    action = letter.call_to_action
    if action is None and not asked and letter.kind is not Kind.GREETING:
        yield warn(
            at,
            "no-call-to-action",
            f"the letter {letter.id} asks for nothing",
            "Ask for one thing: call_to_action: https://..., reply, tel:... or {question: <id>}.",
        )
    others = [link for link in asked if action is None or not _same(link, action)]
    distinct = [link for i, link in enumerate(others) if not any(_same(link, o) for o in others[:i])]
    count = len(distinct) + (action is not None)
    if count > 1:
        shown = ", ".join(distinct[:3])
        advice = "Keep one; what else people may want goes into another letter."
        yield warn(at, "one-call-to-action", f"the letter {letter.id} asks for {count} things ({shown})", advice)


def _kind(letter: Letter, text: str, where: Path) -> Iterator[Finding]:
    plain = _TAGS.sub(" ", text)
    if letter.kind in (Kind.USEFUL, Kind.NEWS, Kind.ABOUT):
        paragraphs = [p for p in re.split(r"\n\s*\n", plain.strip()) if p.strip()]
        body = "\n".join(paragraphs[:-1]) if len(paragraphs) > 1 else ""  # one soft closing offer is fine
        selling = sorted({w.lower() for w in SALES.findall(body)})
        link = SALES_LINK.search(letter.call_to_action or "")
        if len(selling) >= 2 or (link and selling):
            words = ", ".join(selling[:4])
            advice = "Call it `kind: sales`, or give first and leave one soft offer for the last paragraph."
            yield warn(where, "kind-against-words", f"a {letter.kind.value} letter that sells ({words})", advice)
        elif link:
            yield warn(
                where,
                "kind-against-words",
                f"a {letter.kind.value} letter whose one action is to buy",
                "Call it `kind: sales`, or link to something useful.",
            )
    if letter.kind is Kind.SALES:
        yield from _offer(text, plain, where)


def _offer(text: str, plain: str, where: Path) -> Iterator[Finding]:
    """A light look for the eight parts: words are only traces, so a single missing one says nothing."""
    if len(plain.split()) <= THREE_LINES:
        return
    missing = [part for part, words in PARTS.items() if not re.search(words, text, re.IGNORECASE)]
    if len(missing) >= 3:
        advice = (
            "The eight parts: problem, pain, hope, steps, offer, bonus, limit, call to action; regular customers need only three lines."
        )
        yield warn(where, "sales-parts", "an offer without a trace of: " + ", ".join(missing), advice)
    if not LIMIT.search(plain):
        advice = "Name a date or a number that is true: until 31 March, twelve places. If there is none, leave it so."
        yield warn(where, "honest-limit", "an offer without a limit that has a date or a number", advice)
