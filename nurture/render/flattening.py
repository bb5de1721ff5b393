"""A template whose conditions are answered, as one string: words as they will be printed, and marks where tokens and a person's words go.

To the marks of marks.py come two that live only here: `t2` is the token of purpose 2, `h0` is hole 0.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import nodes
from markupsafe import escape

from nurture.render.expressions import Fixed, Grammar, Say, TooRich
from nurture.render.marks import mark
from nurture.render.sandbox import printed

_APART = (nodes.For, nodes.With, nodes.FilterBlock)  # what sets no name for those behind it


@dataclass(slots=True)
class Holes:
    """What is said of each person, each expression once. `ready`: holes whose words are printed already, by an island."""

    says: list[Say] = field(default_factory=list)
    ready: set[int] = field(default_factory=set)
    _places: dict[str, int] = field(default_factory=dict)

    def place(self, key: str, say: Say, ready: bool = False) -> str:
        """The mark of the hole for `say`; equal keys share one."""
        if key not in self._places:
            self._places[key] = len(self.says)
            self.says.append(say)
            if ready:
                self.ready.add(self._places[key])
        return mark("h", str(self._places[key]))


@dataclass(frozen=True, slots=True)
class Reading:
    """One template under one grammar. `urls`: names that are signed links, as text with their token's mark, empty where there is none.

    `truths`: answers by the text of their question, None where the question failed. `island` says what plain functions cannot (see
    islands.py); where there is none, TooRich is raised.
    """

    grammar: Grammar
    urls: Mapping[str, str]
    truths: Mapping[str, bool | None] = field(default_factory=dict)
    island: Callable[[nodes.Node], Say] | None = None

    def questions(self, body: Sequence[nodes.Node]) -> Iterator[tuple[str, Say]]:
        """What must be asked of each person before their sheet is known: (text, answer)."""
        for node in body:
            if isinstance(node, nodes.If):
                for test, taken in _branches(node):
                    asked: dict[str, Say] = {}
                    try:
                        truth = self._truth(test, asked)
                    except TooRich:  # an island then
                        break
                    yield from asked.items()
                    if truth is not False:
                        yield from self.questions(taken)
                    if truth:
                        break

    def text(self, body: Sequence[nodes.Node], holes: Holes) -> str:
        """The whole template; every question must be answered."""
        return "".join(self._texts(body, holes))

    def _texts(self, body: Sequence[nodes.Node], holes: Holes) -> Iterator[str]:
        for node in body:
            if isinstance(node, nodes.Output):
                for child in node.nodes:
                    yield child.data if isinstance(child, nodes.TemplateData) else self._said(child, holes)
            else:
                try:
                    taken = self._taken(node)
                except TooRich:
                    yield self._apart(node, node, holes)
                else:
                    yield from self._texts(taken, holes)

    def _taken(self, node: nodes.Node) -> Sequence[nodes.Node]:
        if not isinstance(node, nodes.If):
            raise TooRich(type(node).__name__)
        for test, taken in _branches(node):
            truth = self._truth(test, {})
            if truth is None:
                raise TooRich("a question without an answer")
            if truth:
                return taken
        return []

    def _said(self, node: nodes.Expr, holes: Holes) -> str:
        try:
            return self._printed(node, holes)
        except TooRich:
            return self._apart(node, nodes.Output([node], lineno=node.lineno), holes)

    def _apart(self, node: nodes.Node, piece: nodes.Node, holes: Holes) -> str:
        if self.island is None:
            raise TooRich(type(node).__name__)
        return holes.place(f"island {id(node)}", self.island(piece), ready=True)

    def _printed(self, node: nodes.Expr, holes: Holes) -> str:
        shown = escape if self.grammar.environment.autoescape else str
        if isinstance(node, nodes.Name) and node.name in self.urls:
            return str(shown(self.urls[node.name]))
        part = self.grammar.part(node)
        if not isinstance(part, Fixed):
            return holes.place(repr(node), part)
        if not isinstance(part.value, str | int | float):
            raise TooRich("constant")
        return str(shown(printed(part.value)))

    def _truth(self, test: nodes.Node, asked: dict[str, Say]) -> bool | None:
        """What is known of a condition; the questions that would tell the rest go into `asked`."""
        if isinstance(test, nodes.Not):
            inner = self._truth(test.node, asked)
            return None if inner is None else not inner
        if isinstance(test, nodes.And | nodes.Or):
            settles = isinstance(test, nodes.Or)  # True settles an `or`, False an `and`
            left = self._truth(test.left, asked)
            right = left if left is settles else self._truth(test.right, asked)
            return right if right is settles or left is not None else None
        return self._answer(test, asked)

    def _answer(self, test: nodes.Node, asked: dict[str, Say]) -> bool | None:
        if isinstance(test, nodes.Name) and test.name in self.urls:
            return bool(self.urls[test.name])
        key = repr(test)
        part = self.grammar.part(test)
        if isinstance(part, Fixed):
            return bool(part.value)
        if key not in self.truths and not only_locale(test):  # the language chooses the sheet anyhow
            asked[key] = part
        return self.truths.get(key)


def stand_alone(body: Sequence[nodes.Node]) -> bool:
    """Whether each piece can be said without the others: no `set`, no macro outside of a loop."""
    return all(
        all(stand_alone(taken) for _, taken in _branches(node)) if isinstance(node, nodes.If) else isinstance(node, (nodes.Output, *_APART))
        for node in body
    )


def _branches(node: nodes.If) -> Iterator[tuple[nodes.Node, Sequence[nodes.Node]]]:
    yield node.test, node.body
    for other in node.elif_:
        yield other.test, other.body
    yield nodes.Const(True), node.else_


def only_locale(node: nodes.Node) -> bool:
    names = {node.name} if isinstance(node, nodes.Name) else {found.name for found in node.find_all(nodes.Name)}
    return names == {"locale"}
