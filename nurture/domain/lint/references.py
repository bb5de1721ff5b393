"""Names that a document uses: segments, templates, topics, sequences, letters.

A segment or template that is not there is an error, since nothing can be run without it; all else is a warning.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from nurture.domain.advice import did_you_mean
from nurture.domain.asking import Question
from nurture.domain.conditions import All, AnyOf, Did, InSegment, InSequence, Not, OnTopic, Received
from nurture.domain.documents import AnyDocument, Campaign, Cleanup, LibraryLetter, Segment, Sequence, letters_of
from nurture.domain.letters import Letter
from nurture.domain.lint.findings import Finding, Known, Path, warn, wrong
from nurture.domain.lint.rules import NameRule
from nurture.domain.questions import circle_of
from nurture.domain.rules import Happened, Reached, Rule

_ANSWERS = re.compile(r"\{\{-?\s{0,9}(?:answer_url|call_to_action)\s{0,9}-?\}\}(?:/([a-z0-9][a-z0-9._-]{0,79}))?")


def lint_references(document: AnyDocument, known: Known) -> list[Finding]:
    """Names that are not there, as far as `known` can tell."""
    found = list(_segment(document, known))
    own = getattr(document, "topic", None)
    if not isinstance(document, LibraryLetter):
        found += _topic(own, ("topic",), known)
    for path, letter in placed_letters(document):
        found += [*_topic(letter.topic, (*path, "topic"), known), *_template(letter, path, known), *_asked(letter, path, known)]
        if letter.only_if is not None:
            found += _condition(letter.only_if, (*path, "only_if"), known)
    for key in ("audience", "where", "goal", "exit_if", "if_"):
        value = getattr(document, key, None)
        if isinstance(document, Sequence | Segment | Rule) and value is not None:
            found += _condition(value, (key.rstrip("_"),), known)
    if isinstance(document, Segment):
        found += _circle(document, known)
    elif isinstance(document, Rule):
        found += _rule(document, known)
    return found


def placed_letters(document: AnyDocument) -> list[tuple[Path, Letter]]:
    """Each letter of a document with its path in the keys of YAML."""
    match document:
        case Sequence():
            return [(("letters", i), letter) for i, letter in enumerate(document.letters)]
        case Campaign():
            return [(("letter",), letter) for letter in document.letters]
        case Cleanup():
            more = [((key,), getattr(document, key)) for key in ("repermission", "closing") if getattr(document, key)]
            return [*((("offers", i), letter) for i, letter in enumerate(document.offers)), *more]
        case Question():
            of_bands = [(("bands", i, "letter"), band.letter) for i, band in enumerate(document.bands) if band.letter is not None]
            return [*of_bands, *([(("result",), document.result)] if document.result is not None else [])]
        case _:
            return [((), letter) for letter in letters_of(document)]


def _segment(document: AnyDocument, known: Known) -> Iterator[Finding]:
    if isinstance(document, Campaign):
        yield from _known_segment(document.segment, ("segment",), known)


def _known_segment(name: str, path: Path, known: Known) -> Iterator[Finding]:
    if known.segments is not None and name not in known.segments:
        message = f'there is no segment "{name}"' + did_you_mean(name, known.segments)
        advice = f"Define it: `segment: {name}` with `where: ...`, in the same file or applied before."
        yield wrong(path, "unknown-segment", message, advice)


def _circle(segment: Segment, known: Known) -> Iterator[Finding]:
    way = circle_of(segment.name, {**known.questions, segment.name: segment.where})
    if way:
        message = f"the segment {segment.name} asks for itself ({' -> '.join(way)})"
        yield wrong(("where",), "segment-circle", message, "Take one of these segments out of the other's question.")


def _rule(rule: Rule, known: Known) -> Iterator[Finding]:
    if isinstance(rule.when, Reached):
        yield from _missing(rule.when.sequence, known.sequences, "unknown-sequence", ("when", "sequence"))
    elif isinstance(rule.when, Happened):
        yield from _did(rule.when, ("when",), known)
    for index, action in enumerate(rule.then):
        for key in ("enter", "leave"):
            if (name := getattr(action, key)) is not None:
                yield from _missing(name, known.sequences, "unknown-sequence", ("then", index, key))
        if action.webhook is not None and action.webhook.startswith("http:"):
            message = "this webhook goes over plain http, which leaves only to this very machine, and only where a setting allows it"
            yield warn(("then", index, "webhook"), "plain-webhook", message, "Write https://...")


def _template(letter: Letter, path: Path, known: Known) -> Iterator[Finding]:
    if letter.template is not None and known.templates is not None and letter.template not in known.templates:
        message = f'there is no template "{letter.template}"' + did_you_mean(letter.template, known.templates)
        yield wrong((*path, "template"), "unknown-template", message, "Name a folder under templates/ that holds letter.html or letter.md.")


def _asked(letter: Letter, path: Path, known: Known) -> Iterator[Finding]:
    """The question that a letter asks, and the choices that its links name: `{{ answer_url }}/<choice>`."""
    name, text = letter.question, letter.body or (known.templates or {}).get(letter.template or "", "")
    links = list(_ANSWERS.finditer(text))
    if name is None:
        if links:
            advice = "Name it: `call_to_action: {question: <id>}`."
            yield warn((*path, "body"), "unknown-question", f"the letter {letter.id} links to answers and asks no question", advice)
        return
    if known.asked is None:
        return
    question = known.asked.get(name)
    if question is None:
        message = f'there is no question "{name}"' + did_you_mean(name, known.asked)
        advice = f"Define it: `question: {name}` with `text: ...`; until then the links of this letter lead nowhere."
        yield warn((*path, "call_to_action"), "unknown-question", message, advice)
        return
    for choice in dict.fromkeys(found[1] for found in links if found[1] and found[1] not in question.options):
        message = f'the question {name} has no choice "{choice}"' + did_you_mean(choice, question.options)
        there = ", ".join(question.options) or "none: link to {{ answer_url }} alone"
        yield warn((*path, "body" if letter.body else "template"), "unknown-choice", message, f"Its choices: {there}.")


def _topic(topic: str | None, path: Path, known: Known) -> Iterator[Finding]:
    if topic is not None and known.topics is not None and topic not in known.topics:
        message = f'the topic "{topic}" is not in the policy' + did_you_mean(topic, known.topics)
        yield warn(path, "unknown-topic", message, f"Add it: `topics: {{{topic}: <its name for people>}}` in the policy document.")


def _missing(name: str, names: Iterable[str] | None, rule: NameRule, path: Path) -> Iterator[Finding]:
    if names is not None and name not in (there := sorted(names)):
        yield warn(
            path,
            rule,
            f'there is no {rule.removeprefix("unknown-")} "{name}"' + did_you_mean(name, there),
            "Check the name: nothing comes of it without one.",
        )


def _condition(condition: Any, path: Path, known: Known) -> Iterator[Finding]:
    match condition:
        case All(all=parts) | AnyOf(any=parts):
            word = "all" if isinstance(condition, All) else "any"
            if not parts:
                who = "everybody" if word == "all" else "nobody"
                yield warn(
                    (*path, word),
                    "empty-condition",
                    f"an empty `{word}` is true for {who}",
                    "Write what you ask for, or leave the condition out.",
                )
            for index, part in enumerate(parts):
                yield from _condition(part, (*path, word, index), known)
        case Not():
            yield from _condition(condition.not_, (*path, "not"), known)
        case OnTopic():
            yield from _topic(condition.topic, (*path, "topic"), known)
        case InSequence():
            yield from _missing(condition.in_sequence, known.sequences, "unknown-sequence", (*path, "in_sequence"))
        case InSegment():
            yield from _known_segment(condition.segment, (*path, "segment"), known)
        case Received():
            yield from _missing(condition.received, known.letters, "unknown-letter", (*path, "received"))
        case Did():
            yield from _did(condition, path, known)


def _did(asked: Did | Happened, path: Path, known: Known) -> Iterator[Finding]:
    """The letter, and the question with its choice, that an event is narrowed to."""
    if asked.letter is not None:
        yield from _missing(asked.letter, known.letters, "unknown-letter", (*path, "letter"))
    if asked.choice is None or asked.name is None or known.asked is None:
        return
    if asked.name not in known.asked:
        yield from _missing(asked.name, known.asked, "unknown-question", (*path, "name"))
    elif asked.choice not in (there := known.asked[asked.name].outcomes):
        message = f'the question {asked.name} has no choice "{asked.choice}"' + did_you_mean(asked.choice, there)
        yield warn((*path, "choice"), "unknown-choice", message, f"Its choices: {', '.join(there) or 'none'}.")
