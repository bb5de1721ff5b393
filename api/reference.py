"""/openapi.json and /docs: the API described by itself, for a session or any key, as plain HTML without scripts from elsewhere."""

from typing import Any

from fastapi import FastAPI
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from api.auth import app_of, key_or_visit

_VERBS = ("get", "post", "put", "patch", "delete")


def routes(api: FastAPI) -> list[Route]:
    async def openapi(request: Request) -> Response:
        await key_or_visit(request)
        return JSONResponse(api.openapi())

    async def docs(request: Request) -> Response:
        await key_or_visit(request)
        jinja = Environment(loader=FileSystemLoader(app_of(request).templates / "pages"), autoescape=True)
        return HTMLResponse(jinja.get_template("public/reference.html").render(title=api.title, groups=_groups(api.openapi())))

    return [Route("/openapi.json", openapi), Route("/docs", docs)]


def _groups(schema: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The operations by their tag, each with what the page shows."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, verbs in schema["paths"].items():
        for verb in _VERBS:
            if operation := verbs.get(verb):
                groups.setdefault(operation.get("tags", ["other"])[0], []).append(_shown(schema, verb, path, operation))
    return groups


def _shown(schema: dict[str, Any], verb: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": p["name"], "in": p["in"], "type": _type(p.get("schema", {})), "about": p.get("description", ""), "must": p.get("required")}
        for p in operation.get("parameters", [])
    ]
    answers = {status: _content(schema, answer) for status, answer in operation.get("responses", {}).items()}
    return {
        "verb": verb.upper(), "path": path, "about": operation.get("description") or operation.get("summary", ""),
        "parameters": parameters, "body": _content(schema, operation.get("requestBody", {})), "answers": answers,
    }  # fmt: skip


def _content(schema: dict[str, Any], holder: dict[str, Any]) -> list[dict[str, Any]]:
    """Each media type with the fields of its body."""
    found = []
    for media, content in holder.get("content", {}).items():
        model = _resolved(schema, content.get("schema", {}))
        must = model.get("required", [])
        fields = [
            {"name": name, "type": _type(field), "about": field.get("description", ""), "must": name in must}
            for name, field in model.get("properties", {}).items()
        ]
        found.append({"media": media, "fields": fields})
    return found


def _resolved(schema: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    if reference := model.get("$ref"):
        resolved: dict[str, Any] = schema["components"]["schemas"][reference.rsplit("/", 1)[1]]
        return resolved
    return model


def _type(field: dict[str, Any]) -> str:
    if reference := field.get("$ref"):
        return str(reference.rsplit("/", 1)[1])
    if options := field.get("anyOf"):
        return " | ".join(_type(o) for o in options)
    if field.get("type") == "array":
        return f"[{_type(field.get('items', {}))}]"
    if words := field.get("enum"):
        return " | ".join(str(w) for w in words)
    return str(field.get("format") or field.get("type", "any"))
