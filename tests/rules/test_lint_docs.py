"""docs/lint.md is true: every rule is there, every rule there exists, and every example fires or keeps quiet as it says."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from nurture.definitions.faults import FaultRule
from nurture.definitions.linting import lint_documents
from nurture.definitions.loading import load_text
from nurture.definitions.yaml_reading import read_yaml
from nurture.domain.asking import Question
from nurture.domain.conditions import HasEngagement, HasTag
from nurture.domain.documents import DOCUMENT_TYPES, Policy
from nurture.domain.lint import Known
from nurture.domain.words import Engagement

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lint.md").read_text()
SECTIONS = dict(re.findall(r"^### `([a-z-]+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
ROWS = {row[0].strip("` "): row[1:] for row in (re.split(r"(?<!\\)\|", line)[1:-1] for line in re.findall(r"^\| `.*\|$", PAGE, re.MULTILINE))}
ONLINE = {"dead-link", "private-link"}  # tests/services/test_visiting.py visits a real server

HI = "Hello {{ first_name | default('there') }},\n\n"
OFFER = (
    "your roof leaks, and it costs you money. Imagine it dry. First we look, then we mend. Our offer for 149 €, with a gift on top. "
    "We have twelve places until 31 March. Not interested? [Leave]({{ unsubscribe_url }})"
)
READERS, SLEEPERS = HasTag(tag="roof"), HasEngagement(engagement=Engagement.PASSIVE)
KNOWN = Known(
    segments=frozenset({"readers", "sleepers"}),
    sequences=frozenset({"school"}),
    topics=frozenset({"roofs"}),
    letters=frozenset({"school/five-questions"}),
    templates={"letters/recipe": HI + "a recipe"},
    questions={"readers": READERS, "sleepers": SLEEPERS},
    library=frozenset({"roof-faq"}),
    asked={"your-roof": Question.model_validate({"question": "your-roof", "text": "Why?", "choices": [{"id": "leak", "text": "a"}, {"id": "cost", "text": "b"}]})},
)
POLICY = Policy.model_validate({"blackout": ["12-24"], "pace": {"most": "2 per week"}})


def names(alias: Any) -> Iterator[str]:
    for part in get_args(alias):
        yield from [part] if isinstance(part, str) else names(part)


RULES = list(names(FaultRule))


def test_every_rule_is_documented_and_every_documented_rule_exists() -> None:
    assert len(RULES) == len(set(RULES))
    assert set(RULES) == SECTIONS.keys() | ROWS.keys()


def test_every_rule_is_used() -> None:
    """The names are a closed type, so that mypy refuses a rule that is not on the page; here: none is there for nothing."""
    used: set[str] = set()
    for path in [*(ROOT / "nurture/definitions").glob("*.py"), *(ROOT / "nurture/domain/lint").rglob("*.py"), *(ROOT / "nurture/services").rglob("*.py")]:
        if path.name not in ("rules.py", "faults.py"):
            used |= {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    assert set(RULES) - used == set()


@pytest.mark.parametrize("rule", SECTIONS)
def test_every_section_says_what_to_do(rule: str) -> None:
    assert "Advice:" in SECTIONS[rule]
    assert re.search(r"^(Only|A link|An \*\*error|Looks|Walks|Counts)", SECTIONS[rule], re.MULTILINE)


def letter(given: dict[str, Any], number: int = 0) -> dict[str, Any]:
    """A letter without blame, with what the example says about it."""
    kind, long = given.get("kind", "useful"), given.get("size") == "long"
    body = HI + (OFFER if kind == "sales" else "here is a small recipe. " * (70 if long else 1))
    base = {
        "id": f"letter-{number}", "kind": kind, "subject": "{{ first_name | default('Hello') }}, a recipe", "body": body,
        "call_to_action": "https://example.com/a",
    }  # fmt: skip
    if "template" in given:
        del base["body"]
    return {k: v for k, v in (base | given).items() if v is not None}


def document(text: str) -> dict[str, Any]:
    tree, faults = read_yaml(text, "<example>")
    assert tree
    assert faults == []
    written: dict[str, Any] = tree.value
    if isinstance(written.get("body"), str):
        written["body"] = written["body"].replace("(100,000 bytes)", "word " * 20_000)
    word = next(iter(written))
    if word not in DOCUMENT_TYPES:
        return {"letter": "example", **{k: v for k, v in letter(written).items() if k != "id"}}
    if word == "letter":
        return {"letter": written["letter"], **{k: v for k, v in letter(written).items() if k not in ("id", "letter")}}
    for key in ("letters", "offers"):
        if key in written:
            written[key] = [letter(x, n) for n, x in enumerate(written[key])]
    if isinstance(written.get("letter"), dict):
        written["letter"] = letter(written["letter"])
    return written


def said(text: str) -> list[tuple[str, str]]:
    loaded = load_text(json.dumps(document(text)))
    return [(f.level, f.rule) for f in [*loaded.faults, *lint_documents(loaded.documents, KNOWN, POLICY)]]


def examples(rule: str) -> tuple[str, str]:
    found = re.search(r"^```yaml\n# fires\n(.*?)^# does not\n(.*?)^```", SECTIONS[rule], re.MULTILINE | re.DOTALL)
    assert found, f"{rule} has no examples"
    return found[1], found[2]


@pytest.mark.parametrize("rule", [r for r in SECTIONS if r not in ONLINE])
def test_the_examples_of_a_rule_fire_and_keep_quiet(rule: str) -> None:
    fires, quiet = map(said, examples(rule))
    assert [r for _, r in fires if r == rule] == [rule]  # once for one cause
    assert rule not in [r for _, r in quiet]
    assert "error" not in [level for level, _ in quiet]


UNSHOWN = {"character", "encoding", "size", "empty", "taken-name"}
BASE = "letter: example\nkind: useful\nsubject: s\nbody: b\n"


def raw(cell: str) -> list[str]:
    code = cell.strip().strip("`").replace("⏎", "\n").replace("\\|", "|")
    begins = code.split(":")[0] in DOCUMENT_TYPES or code.startswith("sequense")
    return [f.rule for f in load_text(code if begins else BASE + code, "<example>.yaml").faults]


@pytest.mark.parametrize("rule", [r for r in ROWS if r not in UNSHOWN])
def test_the_examples_of_a_rule_of_form_fire_and_keep_quiet(rule: str) -> None:
    _, fires, quiet, _ = ROWS[rule]
    assert rule in raw(fires)
    assert raw(quiet) == []
