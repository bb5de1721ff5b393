"""What plain functions cannot say - a loop, a filter that may grow - is left to Jinja, alone: one small template among ready chunks.

An island leaves no name behind, and is rendered in the sandbox; all those of a letter share one budget.
"""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes

from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose
from nurture.render.expressions import Say
from nurture.render.linking import reader_names
from nurture.render.marks import LINK_OPEN
from nurture.render.occasions import Occasion
from nurture.render.sandbox import Budget, LetterEnvironment, run, unmarked

Finish = Callable[[str, Reader, Callable[[Purpose], str]], str]


def island(node: nodes.Node, environment: LetterEnvironment, known: Mapping[str, Any], urls: Mapping[str, str], finish: Finish) -> Say:
    """What says one piece of a template. `known` and `urls`: as in Reading; `finish` sets links and tokens in the place of their marks."""
    piece = nodes.Template([node], lineno=1)
    piece.set_environment(environment)
    template = environment.from_string(piece)
    asked = [name for name in urls if any(found.name == name for found in node.find_all(nodes.Name))]

    def say(reader: Reader, occasion: Occasion) -> str:
        def token(purpose: Purpose) -> str:
            return occasion.tokens[purpose]

        occasion.budget = occasion.budget or Budget()
        if occasion.names is None:
            occasion.names = _names(reader, occasion)
        links = {name: finish(urls[name], reader, token) for name in asked}
        said = run(template, {**known, **occasion.names, **links}, occasion.budget)
        return finish(said, reader, token) if LINK_OPEN in said else said

    return say


def _names(reader: Reader, occasion: Occasion) -> dict[str, Any]:
    return {
        **reader_names(reader),
        "received": unmarked(list(reader.received)),
        "today": occasion.today,
        "why": unmarked(occasion.why),
        "subject": occasion.subject,
        "preheader": occasion.preheader,
        "data": unmarked(dict(occasion.data)),
    }
