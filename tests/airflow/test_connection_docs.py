"""The documented table of connection fields is the one that the model gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_provider_backup.hooks.connection_fields import ConnectionFields

PAGE = Path(__file__).parents[2] / "docs" / "connection.md"
TYPES = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}


def kind_of(name: str, schema: dict[str, Any]) -> str:
    """Return type, bounds and secrecy of a field in words."""
    if name == "endpoints":
        return "JSON object"
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    kind = TYPES[schema["type"]]
    if "minimum" in schema:
        kind += f" from {schema['minimum']:g}"
    if "maximum" in schema:
        kind += f" to {schema['maximum']:g}"
    return kind if ConnectionFields.model_fields[name].repr else f"{kind}, secret"


def table() -> str:
    """Return the table of all fields as Markdown."""
    schemas = ConnectionFields.model_json_schema(by_alias=False)["properties"]
    lines = ["| field | type | default | description |", "|---|---|---|---|"]
    for name, field in ConnectionFields.model_fields.items():
        # What the form leaves out (auth_url) has no schema; it is text.
        schema = schemas.get(name, {"type": "string"})
        kind = kind_of(name, {**schema.get("anyOf", [{}])[0], **schema})
        default = schema.get("default")
        shown = "" if default is None else f"`{default:g}`" if isinstance(default, float) else f"`{default}`".lower()
        lines.append(f"| `{field.alias or name}` | {kind} | {shown} | {field.description} |")
    return "\n".join(lines)


def test_the_documented_fields_types_defaults_and_descriptions_are_those_of_the_model() -> None:
    expected = f"\n\n{table()}\n\n"

    assert expected in PAGE.read_text(), f"docs/connection.md should have this table:{expected}"


def test_every_field_has_a_title_and_a_description_that_is_a_sentence() -> None:
    for name, field in ConnectionFields.model_fields.items():
        assert field.title, name
        assert (field.description or "").endswith("."), name
