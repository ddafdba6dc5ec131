"""The connection form, built from :class:`~airflow_provider_backup.hooks.connection_fields.ConnectionFields`.

Airflow 3.x reads it from the provider info, Airflow 2.11 from methods of the hook.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_backup.hooks.connection_fields import EXTRA_FIELDS, ConnectionFields

_HIDDEN = ("schema", "port")
_RULES = ("enum", "minimum", "minLength", "examples")


def conn_fields() -> dict[str, dict[str, Any]]:
    """Return the extra fields as provider info declares them under ``conn-fields`` (Airflow 3.x).

    Each field that may be empty has ``null`` among its types: the form takes a field without it for required.
    """
    described = ConnectionFields.model_json_schema()["properties"]
    return {
        name: {
            "label": field["title"],
            "description": field["description"],
            "schema": _schema(field, is_secret=not ConnectionFields.model_fields[name].repr),
        }
        for name, field in described.items()
        if name in EXTRA_FIELDS
    }


def ui_field_behaviour() -> dict[str, Any]:
    """Return labels of the standard fields as provider info declares them under ``ui-field-behaviour`` (3.x)."""
    fields = ConnectionFields.model_fields
    return {
        "hidden-fields": list(_HIDDEN),
        "relabeling": {name: fields[name].title for name in ("host", "login", "password")},
        "placeholders": {"host": f"{(fields['host'].examples or [''])[0]} (empty: the cloud's own)"},
    }


def form_widgets() -> dict[str, Any]:
    """Return the extra fields as widgets of the form of Airflow 2.11."""
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
    from flask_babel import lazy_gettext
    from wtforms import BooleanField, IntegerField, StringField
    from wtforms.validators import Optional

    # Airflow 2.11 accepts no other field classes, and drops the whole hook if one is used.
    classes = {"integer": IntegerField, "boolean": BooleanField}
    widgets = {}
    for name, field in conn_fields().items():
        schema = field["schema"]
        is_required = isinstance(schema["type"], str)
        field_class = StringField if is_required else classes.get(schema["type"][0], StringField)
        # In words only: Airflow 2.11 has one form for all types, and a validator would reject connections of other
        # types.
        label = f"{field['label']} (required)" if is_required else field["label"]
        options: dict[str, Any] = {"description": field["description"], "default": schema.get("default")}
        if field_class is not BooleanField:
            is_secret = schema.get("format") == "password"
            options["widget"] = BS3PasswordFieldWidget() if is_secret else BS3TextFieldWidget()
            options["validators"] = [Optional()]
        widgets[name] = field_class(lazy_gettext(label), **options)
    return widgets


def field_behaviour() -> dict[str, Any]:
    """Return labels of the standard fields with the keys that Airflow 2.11 reads."""
    return {key.replace("-", "_"): value for key, value in ui_field_behaviour().items()}


def _schema(field: dict[str, Any], *, is_secret: bool) -> dict[str, Any]:
    """Return what the form needs of the JSON schema of one field."""
    form: dict[str, Any] = {"type": _form_type(field)}
    if field.get("default") is not None:
        form["default"] = field["default"]
    form |= {rule: field[rule] for rule in _RULES if rule in field}
    return form | ({"format": "password"} if is_secret else {})


def _form_type(field: dict[str, Any]) -> str | list[str]:
    if field.get("minLength"):
        return "string"  # required
    kinds = field.get("type") or field["anyOf"][0]["type"]
    return [*([kinds] if isinstance(kinds, str) else kinds), "null"]
