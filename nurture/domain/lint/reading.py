"""A letter's text as lint reads it: without tags and merge fields, in paragraphs and sections, with the links it asks people to follow.

Every pattern is bounded, so that no text, however it is made, takes long.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from nurture.domain.letters import Letter
from nurture.domain.lint.findings import Known, Path
from nurture.domain.lint.languages import Language, language_of
from nurture.domain.lint.languages.language import TAG

PERSONAL = re.compile(
    r"\{[{%][^{}]{0,300}\b(?:first_name|patronymic|name)\b[^{}]{0,300}[}%]\}"
    r"|\*\|[FL]NAME\|\*|%(?:FIRST|LAST|FULL)_?NAME%|\{contactfield=first"  # a name in another system's words: `dialect` says so
)
FIELD = re.compile(
    r"\{\{-?\s{0,9}(?P<name>first_name|patronymic|name|fields(?:\.\w{1,80}|\[[^\]\n]{1,80}\]))\s{0,9}"
    r"(?P<rest>\|[^}]{0,300}|or [^}]{0,300}|if [^}]{0,300})?-?\}\}"
)
GUARD = re.compile(r"\{%-?\s{0,9}(?:el)?if\b(?P<asked>[^%]{0,300})")
IMAGE = re.compile(r"!\[\s{0,9}\]\(|<img(?![^<>]{0,2000}\balt\s{0,9}=\s{0,9}[\"'][^\"'])[^<>]{0,2000}>", re.IGNORECASE)
_LINK = re.compile(
    r"\]\(\s{0,9}<?(https?://[^\s)>]{1,2000})|href\s{0,9}=\s{0,9}[\"'](https?://[^\"']{1,2000})"
    r"|(?<![(\"'=<\w/])(https?://[^\s)>\"'<]{1,2000})|<(https?://[^\s>]{1,2000})>"
)
_OTHER_ACTION = re.compile(r"\]\(\s{0,9}<?((?:tel|mailto):[^\s)>]{1,500})|href\s{0,9}=\s{0,9}[\"']((?:tel|mailto):[^\"']{1,500})")
_PICTURES = re.compile(r"!\[[^\]\n]{0,500}\]\(\s{0,9}<?([^\s)>]{1,2000})|src\s{0,9}=\s{0,9}[\"']([^\"']{1,2000})")
_MERGED = re.compile(r"\{\{[^{}]{0,500}\}\}|\{%[^{}]{0,500}%\}|\{#[^{}]{0,500}#\}")
_UNREAD = re.compile(r"<(style|script|title)\b|<!--", re.IGNORECASE)  # what stands in these is no text of the letter
_ENDS = {word: re.compile(f"</{word}>", re.IGNORECASE) for word in ("style", "script", "title")} | {"": re.compile("-->")}
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,2000}>")
_ADDRESS = re.compile(r"\]\([^()\s]{0,2000}\)|https?://\S{1,2000}")
_HEADING = re.compile(r"^\s{0,3}#{1,4}\s+\S.*$|<h[1-4]\b", re.MULTILINE | re.IGNORECASE)
_BREAK = re.compile(r"\n[ \t]*\n|</p>|</li>|<br\s*/?>\s*<br\s*/?>", re.IGNORECASE)
_BLOCK_END = re.compile(r"</(?:p|h[1-6]|li|tr|div|blockquote)>|<br\s*/?>", re.IGNORECASE)
_QUOTED = re.compile(r"«[^«»]{0,500}»|„[^„“”\"]{0,500}[“”\"]|“[^“”]{0,500}”|\"[^\"\n]{0,500}\"|^[ \t]*(?:>|—|–).*$", re.MULTILINE)
_GREETING_WITHIN = 300  # characters from the start of the body


@dataclass(frozen=True)
class Reading:
    """A letter, its text where it is known, and where in the document it stands. `path` is the letter's, `where` its text's."""

    letter: Letter
    path: Path
    where: Path
    text: str | None
    language: Language | None

    @cached_property
    def plain(self) -> str:
        """The words alone, in lines and paragraphs."""
        return plain(self.text or "")

    @cached_property
    def words(self) -> int:
        return len(self.plain.split())

    @cached_property
    def opening(self) -> str:
        return _opening(self.text or "")

    @cached_property
    def links(self) -> list[str]:
        return links(self.text or "")


def read(letter: Letter, path: Path, known: Known, locale: str | None = None) -> Reading:
    """The text is the body, or that of the letter's template where it is known."""
    text = letter.body if letter.body is not None else (known.templates or {}).get(letter.template or "")
    where = (*path, "body" if letter.body is not None else "template")
    told = plain(text or "")
    return Reading(letter, path, where, text, language_of(told if text else unmerged(letter.subject), locale))


def unmerged(text: str, name: str = "") -> str:
    """Without merge fields and control blocks; `name` stands for each field."""
    return _MERGED.sub(lambda found: name if found[0].startswith("{{") else "", text)


def plain(text: str) -> str:
    """The words of a letter without tags, merge fields and addresses; a field counts as one word."""
    bare = _MERGED.sub(lambda found: "x" if found[0].startswith("{{") else "", text)
    return _ADDRESS.sub(" ", _TAG.sub(" ", _BLOCK_END.sub("\n\n", _read_only(bare))))


def blanked(text: str) -> str:
    """The same length, so that places stay: tags become a mark and blanks, merge fields a letter x in each place."""

    def tag(found: re.Match[str]) -> str:
        return TAG + re.sub(r"[^\n]", " ", found[0][1:])

    merged = _MERGED.sub(lambda found: re.sub(r"[^\n]", "x" if found[0].startswith("{{") else " ", found[0]), text)
    return _TAG.sub(tag, _read_only(merged))


def _read_only(text: str) -> str:
    """The same length, with blanks for styles, scripts, titles of pages and comments. Each end is looked for once: no text takes long."""
    out: list[str] = []
    done = 0
    absent: set[str] = set()
    for found in _UNREAD.finditer(text):
        word = (found[1] or "").lower()
        if found.start() < done or word in absent:
            continue
        end = _ENDS[word].search(text, found.end())
        if end is None:
            absent.add(word)
            continue
        out += [text[done : found.start()], re.sub(r"[^\n]", " ", text[found.start() : end.end()])]
        done = end.end()
    return "".join(out) + text[done:]


def own_words(text: str) -> str:
    """Without what others say: quotations and dialogue."""
    return _QUOTED.sub(" ", text)


def paragraphs(text: str) -> list[str]:
    """Paragraphs with words in them, tags and addresses taken out."""
    return [p for p in (plain(part).strip() for part in _BREAK.split(text)) if p]


def sections(text: str) -> list[str]:
    """What stands under each heading; without a heading none. What stands before the first belongs to no section."""
    starts = [found.start() for found in _HEADING.finditer(text)]
    return [text[begin:end] for begin, end in pairwise([*starts, len(text)])]


def links(text: str) -> list[str]:
    """The addresses a text asks people to go to, each once; leave, preferences and archive links are merge fields and do not stand here."""
    found = [next(g for g in m.groups() if g).rstrip(".,;!?") for m in _LINK.finditer(text)]
    found += [next(g for g in m.groups() if g) for m in _OTHER_ACTION.finditer(text)]
    images = {next(g for g in m.groups() if g) for m in _PICTURES.finditer(text)}
    return list(dict.fromkeys(link for link in found if link not in images))


def page(link: str) -> str:
    """The page a link leads to: queries and fragments only tell where a click came from."""
    return re.split(r"[?#]", link, maxsplit=1)[0].rstrip("/")


def line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place)


def holes(text: str) -> Iterator[tuple[str, int]]:
    """(name, place) of the first use of each merge field that may stay empty: without a default and not asked for before."""
    guards = [(found.start(), found["asked"]) for found in GUARD.finditer(text)]
    told: set[str] = set()
    for field in FIELD.finditer(text):
        name, rest = field["name"], field["rest"] or ""
        if name in told or "default" in rest or rest.startswith(("or ", "if ")):
            continue
        if any(place < field.start() and _asks(asked, name) for place, asked in guards):
            continue
        told.add(name)
        yield name, field.start()


def _asks(condition: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}(?!\w)", condition) is not None


def _opening(text: str) -> str:
    """The first lines that a person reads: what stands before them in the head of a page is not read."""
    body = re.search(r"<body\b[^<>]{0,2000}>", text, re.IGNORECASE)
    start = text[body.end() :] if body else text
    return start[:_GREETING_WITHIN] if "<" not in start[:_GREETING_WITHIN] else start[: 4 * _GREETING_WITHIN]
