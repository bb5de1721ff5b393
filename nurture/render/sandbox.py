"""Letters are programs written by people: Jinja in a sandbox where nothing can be reached, changed, blown up or kept running.

On top of Jinja's own `ImmutableSandboxedEnvironment`: filters and methods by allow-list, `* ** % + ~` bounded, and a budget of steps,
characters and time that every loop turn, macro call and printed value spends from. Includes, imports and blocks are refused:
a letter is one file.
"""

import operator
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import date, datetime
from functools import wraps
from typing import Any

from jinja2 import ChainableUndefined, TemplateError, nodes
from jinja2.exceptions import SecurityError, TemplateAssertionError
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

MAX_SOURCE = 400_000
MAX_WORK = 1_000_000  # characters printed and joined, and 25 for every turn of a loop
MAX_SECONDS = 2.0
_TURN = 25
_BIG = 10**12
_LONG = 10_000

BROKEN = (
    TemplateError, RecursionError, SyntaxError, MemoryError, OverflowError, ArithmeticError,
    TypeError, ValueError, LookupError, AttributeError,
)  # fmt: skip
"""What a template of our own sandbox may raise while it is compiled or rendered; callers turn it into advice."""


class Budget:
    """What one rendering may still spend."""

    __slots__ = ("_until", "_work")

    def __init__(self) -> None:
        self._work = MAX_WORK
        self._until = time.monotonic() + MAX_SECONDS

    def spend(self, work: int) -> None:
        self._work -= work
        if self._work < 0:
            raise SecurityError("the letter grows beyond a million characters or steps; shorten its loops")
        if time.monotonic() > self._until:
            raise SecurityError(f"the letter takes longer than {MAX_SECONDS:g} s to write; simplify its loops")


_budget: ContextVar[Budget | None] = ContextVar("nurture_render_budget", default=None)


def spend(work: int) -> str:
    """Take from the budget of the rendering under way; returns nothing to print."""
    budget = _budget.get()
    if budget is not None:
        budget.spend(work)
    elif work > MAX_WORK:  # a constant folded while compiling
        raise SecurityError("a value of the letter is longer than a million characters")
    return ""


def _spent(value: Any) -> Any:
    if isinstance(value, str | list | tuple):
        spend(len(value))
    return value


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        return _spent(function(*args, **kwargs))

    return counted


def _replace(value: Any, old: Any, new: Any) -> str:
    text, gone, put = str(value), str(old), str(new)
    spend(len(text) + text.count(gone) * len(put))
    return text.replace(gone, put)


def _join(values: Any, separator: Any = "") -> str:
    pieces = [str(v) for v in values]
    spend(sum(map(len, pieces)) + len(str(separator)) * len(pieces))
    return str(separator).join(pieces)


def _round(value: Any, digits: int = 0) -> float | int:
    rounded = round(float(value), max(0, min(int(digits), 9)))
    return int(rounded) if int(digits) <= 0 else rounded


def write_date(value: Any, form: str = "%-d %B %Y") -> str:
    """`{{ today | date('%d.%m.%Y') }}`; `%-d` and `%-m` are days and months without zero. Other letters of strftime stay as they are."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    if not isinstance(value, date):
        return "" if value is None or isinstance(value, Undefined) else str(value)
    day = value
    return re.sub(
        r"%(-[dm]|[dmYyBbAaHMj])",
        lambda found: str(day.day if found[1] == "-d" else day.month) if found[1] in ("-d", "-m") else day.strftime(found[0]),
        form,
    )


def _range(*bounds: int) -> range:
    whole = range(*bounds)
    if len(whole) > 1000:
        raise SecurityError("range() gives at most 1000 numbers")
    return whole


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """As in Jinja, and an empty name counts as missing: most lists know only some names, and `, five questions` greets nobody."""
    if isinstance(value, str):
        return value if value.strip() else default_value
    if value is None:
        return default_value
    return FILTERS["default"](value, default_value, boolean)


_PLAIN = (
    "upper", "lower", "title", "capitalize", "trim", "first", "last", "length", "count", "int", "float", "abs",
    "escape", "e", "urlencode", "list", "sort", "unique", "reverse", "truncate", "striptags", "string",
)  # fmt: skip
_FILTERS: dict[str, Callable[..., Any]] = {name: _counted(FILTERS[name]) for name in _PLAIN} | {
    "default": _default,
    "d": _default,
    "replace": _replace,
    "join": _join,
    "round": _round,
    "date": write_date,
}
_METHODS = {
    str: {"upper", "lower", "strip", "lstrip", "rstrip", "title", "capitalize", "startswith", "endswith", "split"},
    dict: {"items", "keys", "values", "get"},
    LoopContext: {"cycle", "changed"},
}
_REFUSED = {
    nodes.Include: "include", nodes.Import: "import", nodes.FromImport: "from ... import", nodes.Extends: "extends", nodes.Block: "block",
}  # fmt: skip


class _Bounds(NodeTransformer):
    """Writes the spending into the template: at each turn of a loop, each call of a macro, each joining by `~`."""

    def _with_spending(self, node: Any) -> Any:
        self.generic_visit(node)
        words = sum(len(data.data) for data in node.find_all(nodes.TemplateData))
        steps = sum(1 for _ in node.find_all(nodes.Expr))
        call = nodes.Call(nodes.EnvironmentAttribute("spend"), [nodes.Const(_TURN + words + steps)], [], None, None)
        node.body.insert(0, nodes.ExprStmt(call).set_lineno(node.lineno))
        return node

    visit_For = visit_Macro = visit_CallBlock = _with_spending  # noqa: N815 - names that Jinja's visitor looks for

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        return nodes.Call(nodes.EnvironmentAttribute("joined"), node.nodes, [], None, None).set_lineno(node.lineno)


class LetterEnvironment(ImmutableSandboxedEnvironment):
    """Jinja for letters. Missing names print nothing; `finalize` is what every printed value passes."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, *, autoescape: bool, finalize: Callable[[Any], Any]) -> None:
        super().__init__(autoescape=autoescape, undefined=ChainableUndefined, finalize=finalize)
        self.filters = dict(_FILTERS)
        self.globals = {"range": _range, "namespace": Namespace}
        self._own = {_range, Namespace, self.spend, self.joined}

    def spend(self, work: int) -> None:
        spend(work)

    def joined(self, *values: Any) -> str:
        """What `~` does, counted."""
        markup = any(isinstance(v, Markup) for v in values)
        pieces = [str(v) for v in values]
        spend(sum(map(len, pieces)))
        return Markup("").join(values) if markup else "".join(pieces)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for kind, word in _REFUSED.items():
            for node in tree.find_all(kind):
                raise TemplateAssertionError(f"a letter is one file and knows no `{word}`", node.lineno, name, filename)
        bounded: nodes.Template = _Bounds().visit(tree)
        return bounded

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`fields.items` is the person's field, not the dictionary's method."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_callable(self, obj: Any) -> bool:
        if isinstance(obj, Macro | LoopContext):
            return True
        owner = getattr(obj, "__self__", None)
        for kind, names in _METHODS.items():
            if isinstance(owner, kind):
                return getattr(obj, "__name__", "") in names
        try:
            return obj in self._own
        except TypeError:
            return False

    def call_binop(self, context: Any, operator_: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - the signature is Jinja's
        if operator_ == "+":
            return _spent(self.binop_table["+"](left, right))
        texts = [v for v in (left, right) if not isinstance(v, int | float)]
        if operator_ == "*" and len(texts) == 1 and isinstance(texts[0], str):
            times = right if texts[0] is left else left
            if len(texts[0]) * times > _LONG:
                raise SecurityError("text may be repeated up to 10,000 characters")
            return _spent(operator.mul(left, right))
        if texts:
            raise SecurityError(f"`{operator_}` works on numbers; give an empty value a default: | default(0)")
        if abs(left) > _BIG or abs(right) > _BIG or (operator_ == "**" and (abs(right) > 16 or abs(left) > 1000)):
            raise SecurityError(f"the numbers of `{operator_}` are too big")
        return self.binop_table[operator_](left, right)


def printed(value: Any) -> Any:
    """Each printed value: counted, without control characters, dates as words."""
    if isinstance(value, str):
        spend(len(value) + 1)
        if value.isprintable():
            return value
        return type(value)(_UNWANTED.sub("", _ENDS.sub("\n", value)))
    if value is None:
        return ""
    if isinstance(value, date):
        return write_date(value)
    if isinstance(value, bool | int | float | Undefined):
        spend(1)
        return value
    if isinstance(value, list | tuple | dict):
        return printed(", ".join(str(v) for v in value))
    raise SecurityError("only words, numbers, dates and lists can be printed")


def words_of(value: Any) -> str:
    """The same as plain text, and at once where nothing is to be counted or mended: outside of a template's rendering."""
    return value if type(value) is str and value.isprintable() else str(printed(value))


_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ufffe\uffff\ud800-\udfff]")
_ENDS = re.compile("\r\n?")
RESERVED = re.compile("[\U000f0000-\U000f0003]")


def unmarked(value: Any) -> Any:
    """A person's data without the characters that are marks in a compiled letter (see marks.py), so that nobody's name becomes a link."""
    if isinstance(value, str):
        return value if value.isprintable() else RESERVED.sub("", value)
    if isinstance(value, dict):
        return {unmarked(key): unmarked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [unmarked(inner) for inner in value]
    return value


HTML = LetterEnvironment(autoescape=True, finalize=printed)
TEXT = LetterEnvironment(autoescape=False, finalize=printed)


def run(template: Any, names: dict[str, Any], budget: Budget | None = None) -> str:
    """Render within a budget, a fresh one where none is given. Raises one of BROKEN."""
    token = _budget.set(budget or Budget())
    try:
        return str(template.render(names))
    finally:
        _budget.reset(token)
