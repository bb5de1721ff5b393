"""Merge fields of letters: is the template whole, does it name what a letter can see, is it written in another system's dialect?

Only parsed, never run or compiled: compiling folds constants, and a constant can be made as large as the memory.
"""

import re
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nurture.definitions.faults import FormRule, Level
from nurture.domain.advice import nearest

LETTER_NAMES = frozenset({
    "first_name", "patronymic", "name", "email", "fields", "received", "unsubscribe_url", "preferences_url", "stay_url", "archive_url",
    "why", "referral_url", "forward_text", "answer_url",
    "today", "postal_address", "sender_name", "reply_to", "subject", "preheader", "call_to_action", "title", "confirm_url", "data",
    "locale",
})  # fmt: skip
"""What a letter can name; held against nurture.render by a test, since neither room may import the other."""
LETTER_FILTERS = frozenset({
    "default", "d", "upper", "lower", "title", "capitalize", "trim", "first", "last", "length", "count", "int", "float", "abs", "escape",
    "e", "urlencode", "list", "sort", "unique", "reverse", "truncate", "striptags", "string", "replace", "join", "round", "date",
})  # fmt: skip
OF_FEEDS = frozenset({"items"})
"""What the letter of a campaign with a feed can name besides."""
_BUILT_IN = frozenset({"loop", "range", "namespace"})
_ELSEWHERE = {
    "FNAME": "first_name", "LNAME": "name", "EMAIL": "email", "UNSUB": "unsubscribe_url", "UPDATE_PROFILE": "preferences_url",
    "ARCHIVE": "archive_url", "FIRSTNAME": "first_name", "FIRST_NAME": "first_name", "NAME": "name", "LASTNAME": "name",
    "FULLNAME": "name", "FULL_NAME": "name", "LAST_NAME": "name",
    "CURRENT_YEAR": "today.year", "DATE": "today", "LIST_ADDRESS": "postal_address", "LIST:ADDRESS": "postal_address",
}  # fmt: skip
_LIQUID = re.compile(r"\{\{-?\s*([\w.]+)\s*\|\s*default:\s*([\"'])(.*?)\2\s*-?\}\}")
_STARS = re.compile(r"\*\|([A-Za-z0-9_:]+)\|\*")
_BARS = re.compile(r"\|\s*\w+\s*:\s")
_OWNED = re.compile(
    r"\{\{-?\s{0,9}\.?(?P<owner>[Ss]ubscriber|contact|customer|person|profile|recipient|user|lead)\.(?P<name>\w{1,80})"
    r"(?P<rest>[^{}]{0,200})\}\}"
)  # Kit, Notifuse, Keila, Customer.io; with a leading dot listmonk
_RAW = re.compile(
    r"%(?P<percent>FIRST_?NAME|LAST_?NAME|FULL_?NAME|EMAIL|UNSUBSCRIBELINK)%|\{(?P<mautic>contactfield=\w{1,40}|unsubscribe_(?:url|text))\}"
    r"|(?P<track>https?://[^\s)\"'<>]{1,500}@TrackLink)|\{\{\s{0,9}(?P<listmonk>UnsubscribeURL|MessageURL|OptinURL|TrackView)\s{0,9}\}\}"
)  # ActiveCampaign, Mautic, listmonk
_SYSTEM = {
    "UnsubscribeURL": "{{ unsubscribe_url }}", "MessageURL": "{{ archive_url }}", "OptinURL": "{{ confirm_url }}", "UNSUBSCRIBELINK":
    "{{ unsubscribe_url }}", "unsubscribe_url": "{{ unsubscribe_url }}", "unsubscribe_text": "{{ unsubscribe_url }}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remark:
    """`line` and `column` count from 0 within the text."""

    line: int
    column: int
    rule: FormRule
    level: Level
    message: str
    advice: str


def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(autoescape=True)


def check_text(text: str, more: frozenset[str] = frozenset()) -> list[Remark]:
    """What is wrong with the merge fields of one text. `more`: what this letter can name besides."""
    remarks = _dialects(text)
    plain = _LIQUID.sub(lambda m: "{{ " + _ours(m[1]) + " }}", text)  # its error is said; what else is wrong with the text?
    plain = _RAW.sub("", _OWNED.sub(lambda m: "{{ " + _ours(m["name"]) + m["rest"] + "}}", plain))
    if "{{" not in plain and "{%" not in plain and "{#" not in plain:
        return remarks
    try:
        tree = _environment().parse(plain)
    except TemplateSyntaxError as error:
        line = max(0, (error.lineno or 1) - 1)
        advice = (
            "Filters take brackets: {{ first_name | default('Hello') }}."
            if _BARS.search(plain)
            else "Every {{ needs a }}, every {% if %} an {% endif %}."
        )
        remarks.append(Remark(line, 0, "template", "error", f"this template is broken: {_plain_words(error.message or '')}", advice))
        return remarks
    except (RecursionError, MemoryError, OverflowError):
        remarks.append(Remark(0, 0, "template", "error", "this template is nested too deep", "Write it simpler."))
        return remarks
    return remarks + _words(tree, more)


def _plain_words(message: str) -> str:
    """The parser's own sentence without its search list, lower-cased at its start and without its full stop."""
    opened = re.search(r"innermost block that needs to be closed is '(\w+)'", message)
    if opened:
        return f"{{% {opened[1]} %}} is opened and never closed"
    first = message.partition(". ")[0]
    return (first[:1].lower() + first[1:]).rstrip(".")


def _dialects(text: str) -> list[Remark]:
    remarks = []
    for found in _LIQUID.finditer(text):
        advice = f"Write {{{{ {_ours(found[1])} | default('{found[3]}') }}}}."
        remarks.append(Remark(*_at(text, found.start()), "dialect", "error", "this default is written as in another system", advice))
    for found in _STARS.finditer(text):
        name = _ours(found[1])
        advice = f"Write {{{{ {name} | default('friend') }}}}." if name in ("first_name", "name") else f"Write {{{{ {name} }}}}."
        remarks.append(Remark(*_at(text, found.start()), "dialect", "warning", f"{found[0]} would be sent as it stands", advice))
    for found in _OWNED.finditer(text):
        if _LIQUID.match(text, found.start()):
            continue
        name = _ours(found["name"])
        dotted = found[0].lstrip("{- ").startswith(".")
        message = f"{found['owner']}.{found['name']} is written as in another system" + ("" if dotted else ", so nothing would stand there")
        level: Level = "error" if dotted else "warning"  # a leading dot breaks the template
        remarks.append(Remark(*_at(text, found.start()), "dialect", level, message, f"Write {_filled(name, found['rest'])}."))
    for found in _RAW.finditer(text):
        message = f"{found[0]} would {'stand empty' if found['listmonk'] else 'be sent as it stands'}"
        remarks.append(Remark(*_at(text, found.start()), "dialect", "warning", message, _raw_advice(found)))
    return remarks


def _filled(name: str, rest: str) -> str:
    """The field as it is written here; a default that stands there already is kept."""
    return f"{{{{ {name}{rest.rstrip()} }}}}" if "default(" in rest else f"{{{{ {name} | default('friend') }}}}"


def _raw_advice(found: re.Match[str]) -> str:
    word = found["percent"] or found["listmonk"] or found["mautic"]
    if word is None:
        return "Leave @TrackLink out: clicks are counted without it."
    if word == "TrackView":
        return "Leave it out: opens are counted without it."
    return f"Write {_SYSTEM[word] if word in _SYSTEM else _filled(_ours(word.removeprefix('contactfield=')), '')}."


def _ours(word: str) -> str:
    bare = word.rpartition(".")[2]
    if word in LETTER_NAMES or word.startswith("fields."):
        return word
    if word.upper() in _ELSEWHERE or bare.upper() in _ELSEWHERE:
        return _ELSEWHERE.get(word.upper()) or _ELSEWHERE[bare.upper()]
    return bare if bare in LETTER_NAMES else f"fields.{bare.lower()}"


def _at(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1


def _words(tree: nodes.Template, more: frozenset[str]) -> list[Remark]:
    """Filters and tests that do not exist break the letter; names that a letter cannot see leave a hole in it."""
    remarks: list[Remark] = []
    for used in tree.find_all(nodes.Filter):
        if used.name not in LETTER_FILTERS:
            near = nearest(used.name, LETTER_FILTERS)
            advice = f"Did you mean {near}?" if near else "Use one of " + ", ".join(sorted(LETTER_FILTERS)) + "."
            remarks.append(Remark(used.lineno - 1, 0, "template", "error", f'there is no filter "{used.name}"', advice))
    refused = tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport))
    one_file = ("a letter cannot take in other files", "Write the text out, or use `template: letters/<folder>`.")
    remarks += [Remark(node.lineno - 1, 0, "template", "error", *one_file) for node in refused]
    names = list(tree.find_all(nodes.Name))
    known = {name.name for name in names if name.ctx in ("store", "param")} | LETTER_NAMES | _BUILT_IN | more
    known |= {macro.name for macro in tree.find_all(nodes.Macro)}
    for name in names:
        if name.name not in known:
            known.add(name.name)
            near = nearest(name.name, LETTER_NAMES)
            advice = f"Did you mean {near}?" if near else f"Own columns are written {{{{ fields.{name.name} }}}}."
            message = f'a letter does not know "{name.name}", so nothing would stand there'
            remarks.append(Remark(name.lineno - 1, 0, "unknown-name", "warning", message, advice))
    return remarks
