"""What is written about Nurture is true: every setting and key is documented, every link leads somewhere, every example is valid."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from nurture.cli.session import build
from nurture.definitions.loading import load_text
from nurture.domain.documents import DOCUMENT_TYPES, Policy
from nurture.domain.letters import Letter, Windows
from nurture.domain.scalars import format_duration
from nurture.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
SETTINGS = (DOCS / "settings.md").read_text()
REFERENCE = (DOCS / "yaml.md").read_text()


def rows(text: str) -> dict[str, tuple[str, str]]:
    """variable -> (default, what it does), from the tables of settings.md."""
    found = re.findall(r"^\| `(NURTURE_[A-Z_]+)` \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    return {name: (default, words.replace("\\|", "|")) for name, default, words in found}


def written(default: object) -> str:
    match default:
        case None:
            return "unset"
        case "":
            return "empty"
        case bool():
            return f"`{str(default).lower()}`"
        case timedelta():
            return f"`{format_duration(default)}`"
    return f"`{default}`"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_in_its_own_words(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description, f"{name} has no description"
    assert rows(SETTINGS).get(PREFIX + name.upper()) == (written(field.default), field.description)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_page_names_a_setting_that_does_not_exist(page: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {"NURTURE_TEST_NO_SKIP"}
    assert set(re.findall(r"NURTURE_[A-Z_]*[A-Z]", page.read_text())) - known == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)", text):
        leads_to = (page.parent / target).resolve() if target else page
        assert leads_to.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", leads_to.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


def keys_of(model: type) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("model", [*DOCUMENT_TYPES.values(), Letter, Windows], ids=lambda m: m.__name__)
def test_every_key_of_every_document_is_in_the_reference(model: type) -> None:
    assert {key for key in keys_of(model) if f"`{key}`" not in REFERENCE} == set()


def examples() -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)


def test_every_example_of_the_reference_is_valid_in_both_readers() -> None:
    """The strict reader (YAML 1.2) and a plain YAML 1.1 one agree on what we show people."""
    seen = set()
    for example in examples():
        loaded = load_text(example)
        assert [f.message for f in loaded.faults if f.level == "error"] == []
        plain = [DOCUMENT_TYPES[next(iter(raw))].model_validate(raw) for raw in yaml.safe_load_all(example)]
        assert plain == [placed.document for placed in loaded.documents]
        seen |= {type(document) for document in plain}
    assert seen == set(DOCUMENT_TYPES.values())


def test_the_reference_shows_the_defaults_that_hold() -> None:
    policy = Policy()
    for words in (f"cap: {policy.cap}", f"gap: {format_duration(policy.gap)}", f"lateness: {format_duration(policy.lateness)}"):
        assert words in REFERENCE


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_on_a_page_exists(page: Path) -> None:
    root: Any = get_command(build())
    blocks = "\n".join(re.findall(r"^```(?:sh|console)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
    spans = "\n".join(re.findall(r"`(nurture [^`]+)`", page.read_text()))
    for line in re.findall(r"(?:^|[\s/])nurture ((?:[a-z-]+ ?)+[^\n#|]*)", blocks + "\n" + spans):
        words = line.split()
        command, rest = root.commands.get(words[0]), words[1:]
        assert command is not None, f"{page.name} shows `nurture {words[0]}`, which does not exist"
        if hasattr(command, "commands") and rest and not rest[0].startswith("-"):
            command = command.commands.get(rest[0])
            assert command is not None, f"{page.name} shows `nurture {' '.join(words[:2])}`, which does not exist"
        options = {o for p in command.params for o in p.opts} | {"--help"}
        shown = {w.split("=")[0] for w in rest if w.startswith("--")}
        assert shown <= options, f"{page.name} shows `nurture {line}` with options that do not exist: {shown - options}"
