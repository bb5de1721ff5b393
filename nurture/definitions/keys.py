"""Which keys may stand at a place of a document, read off the pydantic models: for `did you mean`, and for the test of the docs."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from nurture.definitions.faults import Path


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a value of this type may be, or hold as items."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = get_origin(annotation)
    if origin is Annotated:
        return models_in(get_args(annotation)[0])
    if origin in (Union, UnionType, tuple, list):
        return [model for argument in get_args(annotation) for model in models_in(argument)]
    return []


def _child(models: list[type[BaseModel]], key: str) -> list[type[BaseModel]]:
    fields = [field for model in models for name, field in model.model_fields.items() if (field.alias or name) == key]
    found: list[type[BaseModel]] = []
    for field in fields:
        found += [model for model in models_in(field.annotation) if model not in found]
    return found


def models_at(model: type[BaseModel], path: Path, value: Any) -> list[type[BaseModel]]:
    """The models that may stand at `path` of a document of type `model`; those that share a key with `value` there, if any do."""
    models = [model]
    for step in path:
        models = models if isinstance(step, int) else _child(models, step)
    if isinstance(value, dict):
        fitting = [m for m in models if m.model_fields and keys_of(m)[0] in value]
        return fitting or models
    return models


def all_models(roots: list[type[BaseModel]]) -> list[type[BaseModel]]:
    """Every model reachable from these, in the order met."""
    met: list[type[BaseModel]] = []
    waiting = list(roots)
    while waiting:
        model = waiting.pop(0)
        if model not in met:
            met.append(model)
            for field in model.model_fields.values():
                waiting += models_in(field.annotation)
    return met
