"""The house keeps its shape: small files, speaking names, a pure domain, no clock where time is an argument, no heavy work at import."""

import ast
import functools
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("nurture", "api", "tests")
LONGEST_FILE = 400
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common", "stuff"}
CLOCKLESS = ("nurture/domain", "nurture/services", "nurture/store")
HEAVY = ("fastapi", "starlette", "sqlalchemy", "sqlmodel", "arq", "redis", "alembic", "uvicorn", "aiosmtplib", "jinja2")


def python_files(*folders: str) -> list[Path]:
    found = [p for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))]
    assert found, f"no source in {folders}: this rule would hold for nothing"
    return found


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lines = {name_of(p): len(p.read_text().splitlines()) for p in python_files(*SOURCES)}
    assert {n: c for n, c in lines.items() if c > LONGEST_FILE} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    modules = {name_of(p): {p.stem, p.parent.name} for p in python_files(*SOURCES)}
    assert [n for n, words in modules.items() if words & EMPTY_NAMES] == []


@functools.cache
def tree_of(path: Path) -> ast.AST:
    """Parsed once. CPython 3.11 counts depth for all threads together (gh-106905), so a traceback shown elsewhere may disturb it once."""
    try:
        return ast.parse(path.read_text())
    except SystemError:
        return ast.parse(path.read_text())


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively; write the whole name"
            yield node.module or ""


def test_the_domain_imports_the_standard_library_pydantic_and_itself() -> None:
    allowed = sys.stdlib_module_names | {"pydantic", "pydantic_core"}
    unwanted = {"logging", "random", "secrets", "os", "time", "pathlib", "socket", "subprocess", "asyncio"}
    breaches = [
        f"{name_of(path)}: {name}"
        for path in python_files("nurture/domain")
        for name in imported(path)
        if not name.startswith("nurture.domain") and (name.split(".")[0] not in allowed or name.split(".")[0] in unwanted)
    ]
    assert breaches == []


def test_the_domain_opens_and_prints_nothing() -> None:
    calls = [
        f"{name_of(path)} line {node.lineno}"
        for path in python_files("nurture/domain")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print", "input", "exec", "eval"}
    ]
    assert calls == []


def clock_readings(tree: ast.AST) -> Iterator[str]:
    """Calls that read a clock behind the caller's back: datetime.now(), date.today(), datetime.utcnow(), time.time()."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            last = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if (last, node.func.attr) in {
                ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
            }:  # fmt: skip
                yield f"line {node.lineno}: {last}.{node.func.attr}()"


def test_time_is_an_argument_and_never_read_below_the_fourth_floor() -> None:
    readings = [f"{name_of(path)} {found}" for path in python_files(*CLOCKLESS) for found in clock_readings(tree_of(path))]
    assert readings == []


@pytest.mark.parametrize("planted", ["datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "time.time()"])
def test_the_clock_rule_sees_a_planted_breach(planted: str) -> None:
    assert list(clock_readings(ast.parse(planted)))


def loaded_by(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stdout.split())


def test_the_command_line_starts_without_the_heavy_parts() -> None:
    assert loaded_by("import nurture.cli") & set(HEAVY) == set()


def test_the_whole_command_tree_is_built_without_the_heavy_parts() -> None:
    assert loaded_by("from nurture.cli.session import build; build()") & set(HEAVY) == set()


def test_importing_every_module_opens_nothing(tmp_path: Path) -> None:
    """Imports all of `nurture` and `api` with sockets, files for writing and threads reported by an audit hook."""
    program = """
import importlib, pkgutil, sys
WATCHED = {"socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.mkdir"}
def watch(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+") and "__pycache__" not in str(args[0])
    if event in WATCHED or writes:
        print("breach", event, args[:1], flush=True)
sys.dont_write_bytecode = True
sys.addaudithook(watch)
count = 0
for root in ("nurture", "api"):
    package = importlib.import_module(root)
    for found in pkgutil.walk_packages(package.__path__, root + "."):
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
            count += 1
print("modules", count)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("breach")] == []
    assert int(done.stdout.split()[-1]) > 40
    assert list(tmp_path.iterdir()) == []


def test_the_floors_hold() -> None:
    done = subprocess.run([Path(sys.executable).with_name("lint-imports"), "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_wheel_carries_templates_sequences_and_migrations(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], check=True, capture_output=True, text=True, cwd=ROOT
    )
    (wheel,) = tmp_path.glob("nurture-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"nurture/_shipped/{p.relative_to(ROOT).as_posix()}"
        for folder in ("templates", "sequences", "trades")
        for p in (ROOT / folder).rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert "nurture/_shipped/sequences/two-weeks.yaml" in wanted
    assert "nurture/_shipped/templates/letters/offer/letter.html" in wanted
    assert wanted - inside == set()
    assert any(n.startswith("nurture/store/migrations/versions/0001") for n in inside)
    assert any(n.startswith("api/") for n in inside)
    assert not any(n.startswith("tests/") for n in inside)


def test_the_constraints_pin_every_version_and_name_no_registry() -> None:
    lines = [x for x in (ROOT / "constraints.txt").read_text().splitlines() if x and not x.startswith("#")]
    assert len(lines) > 50
    assert [x for x in lines if x.count("==") != 1 or "://" in x or "@" in x or "/" in x] == []


def test_every_named_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = project["dependencies"] + [x for extra in project["optional-dependencies"].values() for x in extra]
    wanted = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~! ;]", x)[0]).lower() for x in named}
    pinned = {x.split("==")[0] for x in (ROOT / "constraints.txt").read_text().splitlines()}
    assert wanted - pinned == set()
