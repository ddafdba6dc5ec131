"""What Airflow finds when it looks for this provider."""

from __future__ import annotations

import importlib
import json
from importlib.metadata import distribution
from pathlib import Path

import airflow
import jsonschema
import pytest
from airflow.providers_manager import ProvidersManager

from airflow_provider_backup import __version__
from airflow_provider_backup.cloud.settings import NetworkSettings
from airflow_provider_backup.get_provider_info import get_provider_info
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.hooks.connection_fields import EXTRA_FIELDS
from airflow_provider_backup.hooks.connection_form import conn_fields
from airflow_provider_backup.version_compat import AIRFLOW_3

SECRETS = {"security_token", "proxy", "client_key_password"}


def test_the_provider_info_is_valid_by_airflows_own_schema() -> None:
    schema = json.loads((Path(airflow.__path__[0]) / "provider_info.schema.json").read_text())

    jsonschema.validate(get_provider_info(), schema)


def test_the_package_name_is_that_of_the_distribution() -> None:
    found = distribution("airflow-provider-backup")

    assert get_provider_info()["package-name"] == found.metadata["Name"]
    assert found.version == __version__


def test_airflow_finds_the_provider_and_its_connection_type() -> None:
    manager = ProvidersManager()  # type: ignore[no-untyped-call,unused-ignore]

    assert manager.providers["airflow-provider-backup"].version == __version__
    hook = manager.hooks["huaweicloud_backup"]
    assert hook is not None
    assert hook.hook_class_name == "airflow_provider_backup.hooks.base.BackupCloudHook"
    assert hook.hook_name == "Huawei Cloud Backup"


@pytest.mark.parametrize("layer", ["hooks", "operators", "sensors", "triggers"])
def test_every_module_that_is_listed_can_be_imported(layer: str) -> None:
    modules = {module for entry in get_provider_info()[layer] for module in entry["python-modules"]}

    assert [importlib.import_module(module).__name__ for module in sorted(modules)] == sorted(modules)


@pytest.mark.skipif(AIRFLOW_3, reason="3.x builds its form from the provider info")
def test_the_form_of_airflow_2_has_every_field_and_hides_secrets() -> None:
    from flask import Flask
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget
    from flask_babel import Babel
    from wtforms import Form

    application = Flask(__name__)
    Babel(application)
    with application.test_request_context():
        widgets = BackupCloudHook.get_connection_form_widgets()
        form = type("ConnectionForm", (Form,), widgets)()

        assert set(widgets) == set(conn_fields())
        for name in widgets:
            assert isinstance(form[name].widget, BS3PasswordFieldWidget) is (name in SECRETS)
            assert str(form[name].label.text).endswith(" (required)") is (name == "region")
        assert form["retry_wait"].default == NetworkSettings().retry_wait
    assert set(BackupCloudHook.get_ui_field_behaviour()) == {"hidden_fields", "relabeling", "placeholders"}


def test_the_form_of_airflow_3_names_every_extra_field_with_a_description_and_requires_the_region_only() -> None:
    fields = get_provider_info()["connection-types"][0]["conn-fields"]

    # The form has the host in place of auth_url.
    assert set(fields) == EXTRA_FIELDS - {"auth_url"}
    for name, field in fields.items():
        assert field["label"]
        assert field["description"].endswith(".")
        # The form takes a field for required when its type is one that is not null.
        assert ("null" in field["schema"]["type"]) is (name != "region")


def test_the_form_of_airflow_3_hides_secrets() -> None:
    fields = get_provider_info()["connection-types"][0]["conn-fields"]

    assert {name for name, field in fields.items() if field["schema"].get("format") == "password"} == SECRETS


def test_the_form_of_airflow_3_has_the_bounds_and_defaults_of_the_client() -> None:
    fields = get_provider_info()["connection-types"][0]["conn-fields"]
    schemas = {name: field["schema"] for name, field in fields.items()}

    assert schemas["retry_wait"] == {"type": ["number", "null"], "default": NetworkSettings().retry_wait, "minimum": 0}
    assert schemas["attempts"] == {"type": ["integer", "null"], "default": NetworkSettings().attempts, "minimum": 1}
    assert schemas["cloud"]["enum"] == ["huaweicloud", "otc", "otc-swiss", "flexibleengine", "custom"]
    assert schemas["cloud"]["default"] == "huaweicloud"
    assert schemas["allow_plain_http"] == {"type": ["boolean", "null"], "default": False}
    assert schemas["endpoints"] == {"type": ["string", "object", "null"]}
