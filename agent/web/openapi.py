"""The OpenAPI 3.1 document of the JSON API, made from the table of operations and the types of its bodies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from courtyard.agent.web.operation import Operation, Problem

REFERENCE = "#/components/schemas/{name}"
REFUSALS = {
    "401": "Nobody is logged in, or the token is unknown.",
    "403": "This account or token may not do this.",
    "404": "There is no such thing.",
    "409": "It cannot be done now; the text says why.",
    "413": "The body is too large.",
    "422": "The body is not as described.",
    "429": "Too many failed tries.",
}


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The document as plain data."""
    types = [each for operation in operations for each in (operation.gives, operation.takes) if each is not None]
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template=REFERENCE)
    described = iter(schemas)
    paths: dict[str, Any] = {}
    for operation in operations:
        gives = next(described)
        takes = next(described) if operation.takes is not None else None
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, gives, takes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Courtyard",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "courtyard_session"},
            },
        },
    }


def _operation(operation: Operation, gives: dict[str, Any], takes: dict[str, Any] | None) -> dict[str, Any]:
    in_path = [(name, "path", "") for name in re.findall(r"{(\w+)}", operation.path)]
    in_query = [(name, "query", text) for name, text in operation.query]
    described: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{operation.method.lower()}{operation.path.removeprefix('/api/v1')}").strip(
            "_"
        ),
        "summary": operation.summary,
        "description": f"Needs the permission `{operation.permission}`.",
        "parameters": [
            {"name": name, "in": where, "required": where == "path", "description": text, "schema": {"type": "string"}}
            for name, where, text in in_path + in_query
        ],
        "responses": {"200": {"description": "As asked.", "content": _json(gives)}}
        | {
            status: {"description": text, "content": _json({"$ref": REFERENCE.format(name="Problem")})}
            for status, text in REFUSALS.items()
        },
    }
    if takes is not None:
        described["requestBody"] = {"required": True, "content": _json(takes)}
    return described


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
