"""The simple expressions of a letter as plain functions: names, fields, defaults, comparisons; what is known is worked out at once.

Each step calls the very function of the sandbox that Jinja would call, so both ways say the same. What could loop, grow or reach
further is not simple: TooRich, and Jinja writes that letter under its budget.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from jinja2 import nodes

from nurture.domain.readers import Reader
from nurture.render.occasions import Occasion
from nurture.render.sandbox import BROKEN, LetterEnvironment, unmarked

_FILTERS = {"default", "d", "upper", "lower", "title", "capitalize", "trim", "date"}  # at most a little longer than what they are given
_TESTS = {"defined", "undefined", "none", "string", "number", "true", "false"}
_METHODS = {"startswith", "endswith"}
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "gteq": operator.ge, "lt": operator.lt, "lteq": operator.le,
    "in": lambda a, b: a in b, "notin": lambda a, b: a not in b,
}  # fmt: skip


class TooRich(Exception):  # noqa: N818 - no error: the letter takes the other way
    """Not to be said by plain functions."""


Say = Callable[[Reader, Occasion], Any]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that is the same for everybody who gets this sheet."""

    value: Any


Part = Fixed | Say

_PEOPLE: dict[str, Say] = {
    "first_name": lambda r, _: r.first_name if r.first_name.isprintable() else unmarked(r.first_name),
    "patronymic": lambda r, _: unmarked(r.patronymic),
    "name": lambda r, _: unmarked(r.name),
    "email": lambda r, _: unmarked(r.email),
    "locale": lambda r, _: unmarked(r.locale),
    "fields": lambda r, _: unmarked(r.fields),
    "received": lambda r, _: unmarked(list(r.received)),
    "today": lambda _, o: o.today,
    "why": lambda _, o: o.why if o.why.isprintable() else unmarked(o.why),
    "subject": lambda _, o: o.subject,
    "preheader": lambda _, o: o.preheader,
}
DYNAMIC = frozenset(_PEOPLE)


def getter(part: Part) -> Say:
    if isinstance(part, Fixed):
        value = part.value
        return lambda _r, _o: value
    return part


@dataclass(frozen=True, slots=True)
class Grammar:
    """Turns expressions of one environment into parts. `known`: names with one value for everybody; `dynamic`: those that people have."""

    environment: LetterEnvironment
    known: Mapping[str, Any]
    dynamic: frozenset[str] = DYNAMIC

    def part(self, node: nodes.Node) -> Part:
        """Raises TooRich."""
        try:
            return self._BY_NODE[type(node)](self, node)
        except KeyError as error:
            raise TooRich(type(node).__name__) from error
        except BROKEN as error:  # a constant that cannot be worked out: Jinja says so when it writes
            raise TooRich(str(error)) from error

    def _const(self, node: nodes.Const) -> Part:
        return Fixed(node.value)

    def _list(self, node: nodes.List | nodes.Tuple) -> Part:
        return Fixed([_constant(item) for item in node.items])

    def _name(self, node: nodes.Name) -> Part:
        if node.name in self.known:
            return Fixed(self.known[node.name])
        if node.name in self.dynamic:
            return _PEOPLE[node.name]
        raise TooRich(node.name)

    def _getattr(self, node: nodes.Getattr) -> Part:
        return self._reached(node.node, node.attr, self.environment.getattr)

    def _getitem(self, node: nodes.Getitem) -> Part:
        if not isinstance(node.arg, nodes.Const):
            raise TooRich("index")
        return self._reached(node.node, node.arg.value, self.environment.getitem)

    def _reached(self, owner: nodes.Node, key: Any, reach: Callable[[Any, Any], Any]) -> Part:
        if isinstance(owner, nodes.Name) and owner.name == "fields" and "fields" in self.dynamic:
            return lambda r, _: unmarked(r.fields[key]) if key in r.fields else reach(unmarked(r.fields), key)
        return _through(self.part(owner), lambda value: reach(value, key))

    def _filter(self, node: nodes.Filter) -> Part:
        if node.name not in _FILTERS or node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise TooRich(node.name)
        apply = self.environment.filters[node.name]
        given = [_constant(arg) for arg in node.args]
        named = {str(pair.key): _constant(pair.value) for pair in node.kwargs}
        part = self.part(node.node)
        if len(given) == 1 and not named and not isinstance(part, Fixed):  # `default` nearly always: a call less for each letter
            inner, only = part, given[0]
            return lambda r, o: apply(inner(r, o), only)
        return _through(part, lambda value: apply(value, *given, **named))

    def _test(self, node: nodes.Test) -> Part:
        if node.name not in _TESTS or node.args or node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise TooRich(node.name)
        holds: Any = self.environment.tests[node.name]
        return _through(self.part(node.node), holds)

    def _call(self, node: nodes.Call) -> Part:
        method = node.node
        if not isinstance(method, nodes.Getattr) or method.attr not in _METHODS or len(node.args) != 1 or node.kwargs:
            raise TooRich("call")
        name, given = method.attr, _constant(node.args[0])
        if node.dyn_args is not None or node.dyn_kwargs is not None or not isinstance(given, str):
            raise TooRich("call")

        def asked(value: Any) -> bool:
            if not isinstance(value, str):
                raise TooRich(name)
            return value.startswith(given) if name == "startswith" else value.endswith(given)

        return _through(self.part(method.node), asked)

    def _compare(self, node: nodes.Compare) -> Part:
        if len(node.ops) != 1:
            raise TooRich("chain")
        compare = _COMPARED[node.ops[0].op]
        left, right = self.part(node.expr), self.part(node.ops[0].expr)
        if isinstance(left, Fixed) and isinstance(right, Fixed):
            return Fixed(compare(left.value, right.value))
        one, other = getter(left), getter(right)
        return lambda r, o: compare(one(r, o), other(r, o))

    def _not(self, node: nodes.Not) -> Part:
        return _through(self.part(node.node), operator.not_)

    def _and(self, node: nodes.And) -> Part:
        left, right = self.part(node.left), self.part(node.right)
        if isinstance(left, Fixed):
            return right if left.value else left
        first, second = left, getter(right)
        return lambda r, o: first(r, o) and second(r, o)

    def _or(self, node: nodes.Or) -> Part:
        left, right = self.part(node.left), self.part(node.right)
        if isinstance(left, Fixed):
            return left if left.value else right
        first, second = left, getter(right)
        return lambda r, o: first(r, o) or second(r, o)

    def _choice(self, node: nodes.CondExpr) -> Part:
        if node.expr2 is None:
            raise TooRich("if without else")
        test, one, other = self.part(node.test), self.part(node.expr1), self.part(node.expr2)
        if isinstance(test, Fixed):
            return one if test.value else other
        chosen, first, second = test, getter(one), getter(other)
        return lambda r, o: first(r, o) if chosen(r, o) else second(r, o)

    _BY_NODE: ClassVar[dict[type[nodes.Node], Callable[["Grammar", Any], Part]]] = {
        nodes.Const: _const, nodes.List: _list, nodes.Tuple: _list, nodes.Name: _name, nodes.Getattr: _getattr, nodes.Getitem: _getitem,
        nodes.Filter: _filter, nodes.Test: _test, nodes.Call: _call, nodes.Compare: _compare, nodes.Not: _not, nodes.And: _and,
        nodes.Or: _or, nodes.CondExpr: _choice,
    }  # fmt: skip


def _constant(node: nodes.Node) -> Any:
    if not isinstance(node, nodes.Const):
        raise TooRich("argument")
    return node.value


def _through(part: Part, function: Callable[[Any], Any]) -> Part:
    if isinstance(part, Fixed):
        return Fixed(function(part.value))
    inner = part
    return lambda r, o: function(inner(r, o))
