"""Files and texts to documents: every fault of every document of every file at once, each with its place and its advice."""

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from nurture.definitions.checking import check_document, check_form
from nurture.definitions.explaining import explain
from nurture.definitions.faults import Fault, Path, Position, Tree
from nurture.definitions.json_reading import read_json
from nurture.definitions.yaml_reading import read_yaml
from nurture.domain.advice import nearest
from nurture.domain.documents import DOCUMENT_TYPES, AnyDocument, document_name, document_type
from nurture.domain.errors import ErrorKind, NurtureError

MAX_BYTES = 2_000_000
_ENDINGS = (".yaml", ".yml", ".json")
_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_ENDED = re.compile(r"^\.\.\.\s*$", re.MULTILINE)
_UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_ENDS = re.compile("\r\n|\r")
_FIRST_WORDS = ", ".join(DOCUMENT_TYPES)


@dataclass(frozen=True, slots=True)
class Placed:
    """A document and where it came from; `positions` tells where each part of it stands, by path of keys as written."""

    document: AnyDocument
    file: str
    line: int
    positions: Mapping[Path, Position]

    def at(self, path: Path) -> Position:
        """The place of a path, or of the nearest part around it that stands in the file."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions[path]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What could be read. `sources` holds each file's text, for showing faults in it."""

    documents: tuple[Placed, ...]
    faults: tuple[Fault, ...]
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Fault, ...]:
        return tuple(f for f in self.faults if f.level == "error")


def load_files(paths: Iterable[FilePath | str]) -> Loaded:
    """All documents of these files; a folder stands for the YAML and JSON files under it.

    Raises NurtureError for a path that is not there.
    """
    documents: list[Placed] = []
    faults: list[Fault] = []
    sources: dict[str, str] = {}
    for path in _files(paths):
        loaded = _load_bytes(path.read_bytes(), str(path), None)
        documents += loaded.documents
        faults += loaded.faults
        sources |= loaded.sources
    return Loaded(tuple(documents), tuple(faults + _twice(documents)), sources)


def load_text(text: str, file: str = "<input>", document_type: str | None = None) -> Loaded:
    """The documents of a text, YAML or JSON. `document_type` says what each of them is where the path of a request tells it."""
    loaded = _load_text(text, file, document_type)
    return Loaded(loaded.documents, loaded.faults + tuple(_twice(loaded.documents)), loaded.sources)


def _files(paths: Iterable[FilePath | str]) -> list[FilePath]:
    found: list[FilePath] = []
    for given in paths:
        path = FilePath(given)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in _ENDINGS and p.is_file())
            if not inside:
                raise NurtureError(f"{path} holds no .yaml, .yml or .json file; name a file or another folder.", ErrorKind.MISSING)
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise NurtureError(f"{path} is not there; check the name of the file.", ErrorKind.MISSING)
    return list(dict.fromkeys(found))


def _load_bytes(raw: bytes, file: str, wanted: str | None) -> Loaded:
    if len(raw) > MAX_BYTES:
        size = f"this file has {len(raw):,} bytes; {MAX_BYTES:,} is the limit"
        return Loaded((), (Fault(file, 1, 1, "size", "error", size, "Split it into several files."),))
    try:
        return _load_text(raw.decode("utf-8"), file, wanted)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        fault = Fault(file, line, 1, "encoding", "error", "this file is not UTF-8 text", "Save it again as UTF-8 in your editor.")
        return Loaded((), (fault,))


def _load_text(text: str, file: str, wanted: str | None) -> Loaded:
    source = _LINE_ENDS.sub("\n", text.removeprefix("\ufeff"))
    if len(source) > MAX_BYTES:
        fault = Fault(file, 1, 1, "size", "error", f"this text is longer than {MAX_BYTES:,} characters", "Split it into several.")
        return Loaded((), (fault,))
    clean = re.sub("[\x85\u2028\u2029]", " ", source)  # line ends to YAML, but not to an editor: lines would not be counted alike
    faults = _unprintable(clean, file)
    clean = _UNPRINTABLE.sub(" ", clean)
    documents: list[Placed] = []
    trees: list[Tree] = []
    json_text = file.endswith(".json") or (not file.endswith((".yaml", ".yml")) and _is_json(clean))
    for tree, found in _json_trees(clean, file) if json_text else _yaml_trees(clean, file):
        faults += found
        trees += [tree] if tree else []
    for tree in trees:
        document, found = _validated(tree, file, wanted)
        faults += found
        if document is not None:
            documents.append(Placed(document, file, tree.start.line, tree.positions))
    if not trees and not faults:
        faults.append(Fault(file, 1, 1, "empty", "error", "this file holds no document", f"Begin one with {_FIRST_WORDS}."))
    return Loaded(tuple(documents), tuple(sorted(faults, key=lambda f: (f.line, f.column))), {file: source})


def _is_json(text: str) -> bool:
    """JSON without a file name to say so: it begins as JSON does, and YAML with flow braces is left to the YAML reader."""
    return text.lstrip().startswith(('{"', "[{", "[ {", "{\n")) or _parses(text)


def _parses(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _unprintable(text: str, file: str) -> list[Fault]:
    faults = []
    for found in _UNPRINTABLE.finditer(text):
        line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
        message = f"a control character (U+{ord(found[0]):04X}) stands here"
        faults.append(
            Fault(file, line, column, "character", "error", message, "Delete it; it often comes from copying out of another program.")
        )
        if len(faults) == 20:
            break
    return faults


def _yaml_trees(text: str, file: str) -> list[tuple[Tree | None, list[Fault]]]:
    """The documents of a stream, each read for itself, so that a broken one does not hide the next."""
    starts = [0, *(m.start() for m in _MARKER.finditer(text) if m.start() > 0), len(text)]
    trees = []
    for begin, end in itertools.pairwise(starts):
        part = _ENDED.sub("", text[begin:end])
        bare = "".join(line for line in _MARKER.sub("", part, count=1).split("\n") if not line.lstrip().startswith("#"))
        if bare.strip():
            trees.append(read_yaml(part.rstrip("\n") + "\n", file, text.count("\n", 0, begin) + 1))
    return trees


def _json_trees(text: str, file: str) -> list[tuple[Tree | None, list[Fault]]]:
    tree, faults = read_json(text, file)
    if tree is None or not isinstance(tree.value, list):
        return [(tree, faults)]
    trees: list[tuple[Tree | None, list[Fault]]] = [(None, faults)]
    for index, value in enumerate(tree.value):
        below = {path[1:]: place for path, place in tree.positions.items() if path[:1] == (index,)}
        trees.append((Tree(value, below), []))
    return trees


def _validated(tree: Tree, file: str, wanted: str | None) -> tuple[AnyDocument | None, list[Fault]]:
    place = tree.start
    if not isinstance(tree.value, dict):
        message = "a document is a mapping of key: value"
        return None, [Fault(file, place.line, place.column, "type", "error", message, f"Begin it with one of {_FIRST_WORDS}.")]
    word, data, faults = _told_apart(tree, file, wanted)
    if word is None:
        return None, faults
    model = DOCUMENT_TYPES[word]
    mended = Tree(data, tree.positions, tree.repaired, tree.incomplete)
    faults += check_form(data, model, mended, file)
    document: AnyDocument | None = None
    try:
        document = model.model_validate_json(json.dumps(data), strict=True)  # strict in its JSON form: "yes" is no boolean, "3" no number
    except ValidationError as error:
        known = {(f.line, f.message) for f in faults} | {(f.line, f.column) for f in faults if f.rule == "unknown-key"}
        found = [f for f in explain(error, model, mended, file) if f.line not in tree.repaired]
        faults += [f for f in found if (f.line, f.message) not in known and (f.line, f.column) not in known]
    faults += check_document(data, mended, file)
    return (None if any(f.level == "error" for f in faults) else document), faults


def _told_apart(tree: Tree, file: str, wanted: str | None) -> tuple[str | None, dict[str, Any], list[Fault]]:
    """(which document, its data under its own first key, faults): by the first key, by `document`, or by what the request's path says."""
    data = dict(tree.value)
    faults: list[Fault] = []
    first = next(iter(data), "")
    place = tree.at((first,))
    told = data.pop("document", None) if "document" in data else None
    if told is not None and told not in DOCUMENT_TYPES:
        at = tree.at(("document",))
        near = nearest(str(told), DOCUMENT_TYPES)
        advice = (f'Did you mean "{near}"? ' if near else "") + f"Write one of {_FIRST_WORDS}."
        faults.append(Fault(file, at.line, at.column, "document", "error", f'"{told}" is not a kind of document', advice))
        told = near
    word = wanted or told or (first if first in DOCUMENT_TYPES else None)
    if word is None:
        near = nearest(first, DOCUMENT_TYPES) or next((w for w in DOCUMENT_TYPES if w in data), None)
        moved = near is not None and near in data
        message = f'the first key tells the document, and "{first}" is none'
        advice = (
            f"Move `{near}: ...` to the top."
            if moved
            else (f'Did you mean "{near}"? ' if near else "") + f"Begin with one of {_FIRST_WORDS}."
        )
        faults.append(Fault(file, place.key_line, place.key_column, "document", "error", message, advice))
        if near is None:
            return None, data, faults
        word = near
        if not moved:
            data = {word: data.pop(first), **data}
    if told and wanted and told != wanted:
        message = f"this is a {told}, but a {wanted} is wanted here"
        faults.append(Fault(file, place.key_line, place.key_column, "document", "error", message, "Send it to its own path."))
        return None, data, faults
    return word, _named(word, data), faults


def _named(word: str, data: dict[str, Any]) -> dict[str, Any]:
    """JSON may call the name `name` (a letter's `id`); as written in YAML it stands under the document's own word."""
    plain = "id" if word == "letter" else "name"
    if word not in data and plain in data:
        data = {word: data[plain], **{k: v for k, v in data.items() if k != plain}}
    return data


def _twice(documents: Iterable[Placed]) -> list[Fault]:
    """Two documents of one type and name would overwrite each other."""
    seen: dict[tuple[str, str], Placed] = {}
    faults: list[Fault] = []
    for placed in documents:
        key = (document_type(placed.document), document_name(placed.document))
        if key in seen:
            first = seen[key]
            message = f"the {key[0]} {key[1]} stands twice (first in {first.file}, line {first.line})"
            faults.append(
                Fault(placed.file, placed.line, 1, "duplicate-document", "error", message, "Keep one of them, or give it another name.")
            )
        else:
            seen[key] = placed
    return faults
