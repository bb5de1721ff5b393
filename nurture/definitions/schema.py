"""JSON schema of every document, for editors: completion, types and descriptions while one writes."""

from typing import Any

from pydantic.json_schema import models_json_schema

from nurture.definitions.keys import keys_of
from nurture.domain.documents import DOCUMENT_TYPES

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """One schema for all documents: the first key tells which, as in YAML; in JSON files `document` may say so, too."""
    chosen, schema = models_json_schema([(model, "validation") for model in DOCUMENT_TYPES.values()], by_alias=True)
    definitions = schema["$defs"]
    cases = []
    for word, model in DOCUMENT_TYPES.items():
        reference = chosen[model, "validation"]
        name = reference["$ref"].rsplit("/", 1)[-1]
        definitions[name]["properties"]["document"] = {"const": word, "description": "In JSON files: which document this is."}
        cases.append({"if": _told_by(word), "then": reference})
    return {
        "$schema": _DIALECT,
        "title": "Nurture document",
        "type": "object",
        "anyOf": [{"required": [word]} for word in DOCUMENT_TYPES],
        "allOf": cases,
        "$defs": definitions,
    }


def _told_by(word: str) -> dict[str, Any]:
    """A schema knows no first key: a document is told by its word, unless that word is a key of another document that is there, too."""
    bearers = [other for other, model in DOCUMENT_TYPES.items() if other != word and word in keys_of(model)]
    told: dict[str, Any] = {"required": [word]}
    return told | {"not": {"anyOf": [{"required": [other]} for other in bearers]}} if bearers else told
