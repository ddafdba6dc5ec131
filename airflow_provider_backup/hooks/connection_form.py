"""The form of the connection type, written once for the UI of 3.x (provider info) and of 2.11 (hook methods)."""

from __future__ import annotations

from typing import Any, get_args

from airflow_provider_backup.cloud.settings import CloudName, NetworkSettings

_NETWORK = NetworkSettings()

FIELDS: dict[str, dict[str, Any]] = {
    "region": {
        "label": "Region",
        "description": "Region id, such as eu-de. It names the project too when neither project field is set.",
        "schema": {"type": "string", "minLength": 1},
    },
    "cloud": {
        "label": "Cloud",
        "description": "Which cloud the host names follow; custom uses only host, catalog and endpoints.",
        "schema": {"type": ["string", "null"], "default": "huaweicloud", "enum": list(get_args(CloudName))},
    },
    "domain": {
        "label": "Account (domain)",
        "description": "Name of the account, for login and password of an IAM user; empty for an access key.",
        "schema": {"type": ["string", "null"]},
    },
    "project_id": {
        "label": "Project id",
        "description": "32 hex digits; looked up by name when empty.",
        "schema": {"type": ["string", "null"]},
    },
    "project_name": {
        "label": "Project name",
        "description": "Only for a project that is not the region's own, such as eu-de_team1.",
        "schema": {"type": ["string", "null"]},
    },
    "security_token": {
        "label": "Security token",
        "description": "Only for a temporary access key.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "endpoints": {
        "label": "Endpoints",
        "description": 'JSON object of explicit base URLs: {"cbr": "https://...", "rds": "https://..."}.',
        "schema": {"type": ["string", "object", "null"]},
    },
    "installation": {
        "label": "Installation",
        "description": "Name of this Airflow. Only where another one with the same DAGs uses the same project.",
        "schema": {"type": ["string", "null"]},
    },
    "proxy": {
        "label": "Proxy",
        "description": "URL of a proxy; empty follows the environment (HTTPS_PROXY, NO_PROXY).",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "ca_bundle": {
        "label": "CA bundle",
        "description": "Path of a PEM file with the authorities to trust instead of the system's.",
        "schema": {"type": ["string", "null"]},
    },
    "client_certificate": {
        "label": "Client certificate",
        "description": "Path of a PEM file with the certificate to show to servers that demand one.",
        "schema": {"type": ["string", "null"]},
    },
    "client_key": {
        "label": "Client key",
        "description": "Path of the PEM file with the private key; empty when it is in the certificate's file.",
        "schema": {"type": ["string", "null"]},
    },
    "client_key_password": {
        "label": "Client key password",
        "description": "Only for an encrypted key.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "total_timeout": {
        "label": "Request timeout (s)",
        "description": "Seconds for one request with its answer.",
        "schema": {"type": ["number", "null"], "default": _NETWORK.total_timeout, "minimum": 0.1},
    },
    "connect_timeout": {
        "label": "Connect timeout (s)",
        "description": "Seconds to get a connection.",
        "schema": {"type": ["number", "null"], "default": _NETWORK.connect_timeout, "minimum": 0.1},
    },
    "attempts": {
        "label": "Attempts",
        "description": "How often a request that is safe to repeat is tried.",
        "schema": {"type": ["integer", "null"], "default": _NETWORK.attempts, "minimum": 1},
    },
    "retry_wait": {
        "label": "Retry wait (s)",
        "description": "Seconds before the second try; the pause doubles each time.",
        "schema": {"type": ["number", "null"], "default": _NETWORK.retry_wait, "minimum": 0},
    },
    "requests_at_once": {
        "label": "Requests at once",
        "description": "How many requests of one process may be under way to one service.",
        "schema": {"type": ["integer", "null"], "default": _NETWORK.requests_at_once, "minimum": 1},
    },
    "throttle_timeout": {
        "label": "Throttle timeout (s)",
        "description": "Seconds to bear with a service that refuses all requests for their rate.",
        "schema": {"type": ["number", "null"], "default": _NETWORK.throttle_timeout, "minimum": 0},
    },
    "allow_plain_http": {
        "label": "Allow plain http",
        "description": "Send credentials unprotected to hosts other than this machine. For tests only.",
        "schema": {"type": ["boolean", "null"], "default": False},
    },
}
"""The extra fields, in the form that provider info calls ``conn-fields``."""

BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["schema", "port"],
    "relabeling": {
        "host": "Auth URL",
        "login": "Access key (AK) or IAM user",
        "password": "Secret key (SK) or password",
    },
    "placeholders": {"host": "https://iam.eu-de.otc.t-systems.com/v3 (empty: the cloud's own)"},
}
"""What the standard fields are called, in the form that provider info calls ``ui-field-behaviour``."""


def form_widgets() -> dict[str, Any]:
    """Return the extra fields as the form widgets that the UI of Airflow 2.11 shows."""
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
    from flask_babel import lazy_gettext
    from wtforms import BooleanField, IntegerField, StringField
    from wtforms.validators import Optional

    # 2.11 takes no other classes of fields, and drops the whole hook when it meets one.
    classes = {"integer": IntegerField, "boolean": BooleanField}
    widgets = {}
    for name, field in FIELDS.items():
        schema = field["schema"]
        is_required = isinstance(schema["type"], str)
        field_class = StringField if is_required else classes.get(schema["type"][0], StringField)
        # In words only: the form of 2.11 is one for all types, and a validator would stop connections of other types.
        label = f"{field['label']} (required)" if is_required else field["label"]
        options: dict[str, Any] = {"description": field["description"], "default": schema.get("default")}
        if field_class is not BooleanField:
            secret = schema.get("format") == "password"
            options["widget"] = BS3PasswordFieldWidget() if secret else BS3TextFieldWidget()
            options["validators"] = [Optional()]
        widgets[name] = field_class(lazy_gettext(label), **options)
    return widgets


def field_behaviour() -> dict[str, Any]:
    """Return what the standard fields are called, with the keys that Airflow 2.11 reads."""
    return {key.replace("-", "_"): value for key, value in BEHAVIOUR.items()}
