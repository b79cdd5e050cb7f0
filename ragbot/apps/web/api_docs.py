"""The page at `/api/docs`: the OpenAPI description as plain HTML.

Swagger UI and Redoc load their scripts from another host, which the page's
security policy forbids and a machine without a network cannot reach.
"""

from __future__ import annotations

from html import escape
from typing import Any

Schema = dict[str, Any]


def page(description: Schema) -> str:
    """Return a page that lists every route of an OpenAPI description."""
    schemas = description.get("components", {}).get("schemas", {})
    operations = "".join(
        _operation(path, method, operation, schemas)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{escape(description['info']['title'])}: HTTP</title>"
        "<style>body{font:1rem/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "td,th{text-align:start;padding:.2rem .8rem .2rem 0;vertical-align:top}"
        "code{white-space:pre-wrap}</style>"
        f"<h1>{escape(description['info']['title'])}</h1>"
        f"<p>{escape(description['info'].get('description', ''))} The same for programs: "
        f"<a href='openapi.json'>openapi.json</a>.</p>{operations}</html>"
    )


def _operation(path: str, method: str, operation: Schema, schemas: Schema) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    body = content.get("application/json", {}).get("schema")
    answer = operation["responses"]["200"].get("content", {}).get("application/json", {})
    says = "".join(
        f"<p>{escape(part)}</p>" for part in operation.get("description", "").split("\n\n")
    )
    return (
        f"<h2><code>{method.upper()} {escape(path)}</code></h2>{says}"
        f"{_fields('Takes', body, schemas)}{_fields('Returns', answer.get('schema'), schemas)}"
    )


def _fields(heading: str, schema: Schema | None, schemas: Schema) -> str:
    known = schemas.get(_name(schema or {}), {})
    required = known.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{escape(_type(field))}"
        f"<td>{'required' if heading == 'Takes' and name in required else ''}"
        f"<td>{escape(field.get('description', ''))}"
        for name, field in known.get("properties", {}).items()
    )
    return f"<h3>{heading}</h3><table>{rows}</table>" if rows else ""


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _type(schema: Schema) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        item = schema["items"] if "items" in schema else schema["prefixItems"][0]
        return f"list of {_type(item)}"
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    return _name(schema) or str(schema.get("type", "any"))
