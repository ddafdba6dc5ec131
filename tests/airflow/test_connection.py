"""The connection: every field, the older type, and a test that says what is wrong."""

from __future__ import annotations

import asyncio
import json
import traceback
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import BackupError, ConfigurationError
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    CloudSettings,
    NetworkSettings,
    PasswordCredentials,
)
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import UnknownConnectionError
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.hooks.connection import settings_from_connection
from airflow_provider_backup.hooks.connection_fields import EXTRA_FIELDS
from tests.airflow.conftest import CONNECTION, ChangeLimits


def read(extra: Any = None, **fields: Any) -> CloudSettings:
    given = {"login": "AK", "password": "SK", "host": None, **fields}
    return settings_from_connection(**given, extra=extra if isinstance(extra, str) else json.dumps(extra or {}))


def test_login_and_password_are_an_access_key_without_a_domain() -> None:
    settings = read({"region": "eu-de", "security_token": "T"})

    assert settings.credentials == AccessKeyCredentials("AK", "SK", "T")


def test_login_and_password_are_those_of_an_iam_user_with_a_domain() -> None:
    assert read({"region": "eu-de", "domain": "D"}).credentials == PasswordCredentials("AK", "SK", "D")


def test_every_field_reaches_the_client() -> None:
    settings = read(
        {
            "region": "eu-de",
            "project_name": "eu-de_team1",
            "cloud": "otc",
            "endpoints": {"rds": "https://rds.example", "cbr": "https://cbr.example"},
            "proxy": "http://proxy:3128",
            "ca_bundle": "/ca.pem",
            "client_certificate": "/c.pem",
            "client_key": "/k.pem",
            "client_key_password": "P",
            "total_timeout": 30,
            "connect_timeout": "5",
            "attempts": 3,
            "retry_wait": 0.5,
            "requests_at_once": "7",
            "throttle_timeout": 60,
            "allow_plain_http": "true",
        },
        host="https://iam.example/v3",
    )

    assert (settings.region, settings.project_name, settings.cloud) == ("eu-de", "eu-de_team1", "otc")
    assert settings.auth_url == "https://iam.example/v3"
    assert settings.endpoints == (("cbr", "https://cbr.example"), ("rds", "https://rds.example"))
    assert settings.network == NetworkSettings(
        total_timeout=30,
        connect_timeout=5,
        attempts=3,
        retry_wait=0.5,
        requests_at_once=7,
        throttle_timeout=60,
        proxy="http://proxy:3128",
        ca_bundle="/ca.pem",
        client_certificate="/c.pem",
        client_key="/k.pem",
        client_key_password="P",
        allow_plain_http=True,
    )


def test_endpoints_may_be_the_text_of_a_json_object() -> None:
    assert read({"region": "r", "endpoints": '{"cbr": "https://c"}'}).endpoints == (("cbr", "https://c"),)


def test_a_connection_of_the_older_type_works_unchanged() -> None:
    settings = read({"region": "ap-southeast-1", "project_id": "0f3c"})

    assert settings == CloudSettings(AccessKeyCredentials("AK", "SK"), "ap-southeast-1", project_id="0f3c")


def test_region_and_project_of_the_task_win() -> None:
    extra = {"region": "eu-de", "project_id": "old", "project_name": "eu-de_x"}
    settings = read(extra, region="eu-nl", project_id="new")

    assert (settings.region, settings.project_id, settings.project_name) == ("eu-nl", "new", None)


@pytest.mark.parametrize(
    ("extra", "fields", "text"),
    [
        ({}, {}, "region"),
        ({"region": "r"}, {"login": ""}, "no login"),
        ({"region": "r"}, {"password": None}, "no login or no password"),
        ("{", {}, "not JSON"),
        ("[]", {}, "not a JSON object"),
        ({"region": "r", "cloud": "aws"}, {}, "'cloud' must be 'huaweicloud', 'otc'"),
        ({"region": "r", "endpoints": "{"}, {}, "'endpoints' must be a JSON object"),
        ({"region": "r", "endpoints": {"s3": "https://x"}}, {}, "but not s3"),
        ({"region": "r", "total_timeout": "long"}, {}, "'total_timeout' must be a valid number"),
        ({"region": "r", "attempts": 0}, {}, "'attempts' must be greater than or equal to 1"),
        ({"region": "r", "requests_at_once": 0}, {}, "'requests_at_once' must be greater than or equal to 1"),
        ({"region": "r", "throttle_timeout": -1}, {}, "'throttle_timeout' must be greater than or equal to 0"),
    ],
)
def test_a_wrong_field_is_named(extra: Any, fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        read(extra, **fields)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = scalars | st.lists(scalars) | st.dictionaries(st.sampled_from(["cbr", "iam", "x"]), scalars)
TEXTS = [
    "region",
    "project_id",
    "project_name",
    "domain",
    "security_token",
    "auth_url",
    "proxy",
    "ca_bundle",
    "client_certificate",
    "client_key",
    "client_key_password",
    "installation",
]
NUMBERS = ["total_timeout", "connect_timeout", "attempts", "retry_wait", "requests_at_once", "throttle_timeout"]


def refusal(extra: Any = None, **fields: Any) -> str:
    """Return what reading says."""
    with pytest.raises(ConfigurationError) as caught:
        read(extra, **fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "kind"), [(1, "a number"), (True, "a truth value"), ([1], "a list"), ({}, "an object")]
)
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_field_that_holds_something_else_is_refused_by_name(name: str, value: Any, kind: str) -> None:
    assert f"'{name}' must be text (given: {kind})" in refusal({"region": "r", name: value})


@pytest.mark.parametrize("name", ["login", "password", "host", "schema"])
def test_a_standard_field_that_is_no_text_is_refused_by_name(name: str) -> None:
    assert f"'{name}' must be text (given: a number)" in refusal({"region": "r"}, **{name: 123456})


@pytest.mark.parametrize("value", [True, [1], {}, "many", "nan", "Infinity", "-1", float("nan"), 10**400])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_field_that_holds_something_else_is_refused_by_name(name: str, value: Any) -> None:
    if name in ("attempts", "requests_at_once") and value == 10**400:
        return  # more patience than time, but a number
    assert f"'{name}' must be" in refusal({"region": "r", name: value})


@pytest.mark.parametrize("name", ["attempts", "requests_at_once"])
def test_a_count_that_is_no_whole_number_is_refused(name: str) -> None:
    assert f"'{name}' must be a valid integer" in refusal({"region": "r", name: 2.5})


@pytest.mark.parametrize("value", [20, "20", " 20\n", 20.0])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_may_be_written_as_text(name: str, value: Any) -> None:
    assert getattr(read({"region": "r", name: value}).network, name) == 20


@pytest.mark.parametrize(
    ("value", "means"), [(True, True), ("true", True), ("True ", True), ("1", True), (False, False), ("false", False)]
)
def test_a_truth_value_may_be_written_as_text(value: Any, means: bool) -> None:
    assert read({"region": "r", "allow_plain_http": value}).network.allow_plain_http is means


@pytest.mark.parametrize("value", ["maybe", 2, [], {}])
def test_what_is_no_truth_value_is_refused_by_name(value: Any) -> None:
    assert "'allow_plain_http' must be a valid boolean" in refusal({"region": "r", "allow_plain_http": value})


@pytest.mark.parametrize("empty", [None, "", " ", "\n"])
@pytest.mark.parametrize("name", sorted(EXTRA_FIELDS - {"region"}))
def test_an_empty_extra_field_counts_as_not_given(name: str, empty: Any) -> None:
    assert read({"region": "r", name: empty}) == read({"region": "r"})


@pytest.mark.parametrize("name", TEXTS)
def test_blanks_and_line_breaks_around_a_text_are_cut_off(name: str) -> None:
    rest = {"region": "r"} | ({"client_certificate": "/c.pem"} if name.startswith("client_key") else {})
    value = "https://iam.example" if name == "auth_url" else "value"

    assert read({**rest, name: f" \t{value}\r\n"}) == read({**rest, name: value})


def test_blanks_and_line_breaks_around_credentials_and_addresses_are_cut_off() -> None:
    extra = {"region": "r", "domain": "D", "endpoints": {"cbr": "https://cbr.example\n"}}
    settings = read(extra, login=" me ", password=" secret\n", host="https://iam.example/v3\n")

    assert settings.credentials == PasswordCredentials("me", "secret", "D")
    assert (settings.auth_url, settings.endpoints) == ("https://iam.example/v3", (("cbr", "https://cbr.example"),))


@pytest.mark.parametrize("value", ["a\nb", "a\0b", "a\ud800b", "a\x1bb"])
@pytest.mark.parametrize("name", [*TEXTS, "login", "password", "host"])
def test_a_line_break_inside_a_text_is_refused_by_name_without_the_text(name: str, value: str) -> None:
    fields = {name: value} if name in ("login", "password", "host") else {}
    told = refusal({"region": "r"} | ({name: value} if not fields else {}), **fields)

    assert f"'{name}' must be one line of text (given: text)" in told


@pytest.mark.parametrize(
    ("unknown", "known"), [("regoin", "region"), ("project", "project_id"), ("Region", "region"), ("timeout", None)]
)
def test_a_field_that_does_not_exist_is_named_with_the_one_that_is_meant(unknown: str, known: str | None) -> None:
    told = refusal({"region": "r", unknown: "x"})

    assert f"extra fields that do not exist: {unknown!r}" in told
    assert known is None or f"(do you mean {known!r}?)" in told


def test_fields_of_other_packages_may_be_in_a_connection_of_the_older_type() -> None:
    assert read({"region": "r", "obs_bucket": "b"}, conn_type="huaweicloud").region == "r"


@pytest.mark.parametrize("type_", ["huaweicloud", "huaweicloud_backup"])
def test_the_field_names_of_older_forms_count(type_: str) -> None:
    assert read({f"extra__{type_}__region": "eu-de"}, conn_type=type_).region == "eu-de"


def test_a_field_that_is_there_twice_with_different_values_is_refused_by_name() -> None:
    assert "'region' twice" in refusal({"region": "eu-de", "extra__huaweicloud_backup__region": "eu-nl"})
    assert read({"region": "eu-de", "extra__huaweicloud_backup__region": "eu-de"}).region == "eu-de"


@pytest.mark.parametrize("type_", ["aws", "http", "huaweicloud_other"])
def test_a_connection_of_another_type_says_so(type_: str) -> None:
    told = refusal({}, conn_type=type_)

    assert f"The connection is of type {type_!r}" in told
    assert "'huaweicloud_backup'" in told


@pytest.mark.parametrize(
    ("fields", "auth_url"),
    [
        ({"host": "iam.example", "port": 8443, "schema": "v3"}, "https://iam.example:8443/v3"),
        ({"host": "iam.example", "port": "8443"}, "https://iam.example:8443"),
        ({"host": "iam.example", "schema": "https"}, "https://iam.example"),
        ({"host": "127.0.0.1", "port": 8780, "schema": "http"}, "http://127.0.0.1:8780"),
        ({"host": "https://iam.example:8443/v3", "port": 8443, "schema": "v3"}, "https://iam.example:8443/v3"),
        ({"host": "https://iam.example/v3", "schema": ""}, "https://iam.example/v3"),
    ],
)
def test_port_and_schema_of_a_uri_complete_the_host(fields: dict[str, Any], auth_url: str) -> None:
    assert read({"region": "r"}, **fields).auth_url == auth_url


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"host": "https://iam.example:1", "port": 2}, "'port' contradicts its host"),
        ({"host": "https://iam.example/v3", "schema": "v2"}, "'schema' contradicts its host"),
        ({"host": "https://iam.example", "schema": "http"}, "'schema' contradicts its host"),
        ({"port": 443}, "'port' and 'schema' belong to a host"),
        ({"schema": "v3"}, "'port' and 'schema' belong to a host"),
        ({"host": "h", "port": 99999}, "'port' must be less than or equal to 65535"),
        ({"host": "h", "port": True}, "'port' must be a number"),
    ],
)
def test_port_and_schema_that_cannot_be_used_are_refused_by_name(fields: dict[str, Any], text: str) -> None:
    assert text in refusal({"region": "r"}, **fields)


def test_two_different_addresses_of_the_identity_service_are_refused() -> None:
    assert "'auth_url' contradicts its host" in refusal({"region": "r", "auth_url": "a.example"}, host="b.example")


def test_a_security_token_of_an_iam_user_is_refused() -> None:
    told = refusal({"region": "r", "domain": "D", "security_token": "VERY-SECRET"})

    assert "'security_token'" in told
    assert "VERY-SECRET" not in told


@pytest.mark.parametrize(
    ("extra", "fields"),
    [
        ({"endpoints": {"cbr": "https://me:VERY-SECRET@cbr.example"}}, {}),
        ({"endpoints": {"cbr": "me:VERY-SECRET@cbr.example"}}, {}),
        ({"endpoints": '{"cbr": "https://me:VERY-SECRET@cbr.example"}'}, {}),
        ({"endpoints": '{"cbr": "https://me:VERY-SECRET@cbr.example"'}, {}),
        ({"endpoints": "https://me:VERY-SECRET@cbr.example"}, {}),
        ({"endpoints": ["https://me:VERY-SECRET@cbr.example"]}, {}),
        ({"endpoints": {"cbr": ["https://me:VERY-SECRET@cbr.example"]}}, {}),
        ({"endpoints": {"s3": "https://me:VERY-SECRET@cbr.example"}}, {}),
        ({"auth_url": "https://me:VERY-SECRET@iam.example"}, {}),
        ({"auth_url": {"url": "https://me:VERY-SECRET@iam.example"}}, {}),
        ({"proxy": ["http://me:VERY-SECRET@proxy"]}, {}),
        ({"security_token": ["VERY-SECRET"]}, {}),
        ({"client_key_password": ["VERY-SECRET"]}, {}),
        ({}, {"password": ["VERY-SECRET"]}),
        ({}, {"host": "https://me:VERY-SECRET@iam.example"}),
    ],
)
def test_a_refused_field_does_not_repeat_a_password(extra: dict[str, Any], fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"'({'|'.join([*extra, *fields])})[.a-z3]*' m") as caught:
        read({"region": "r", **extra}, **fields)
    assert "VERY-SECRET" not in "".join(traceback.format_exception(caught.value))


@given(st.dictionaries(st.sampled_from(sorted(EXTRA_FIELDS)), json_values), json_values, json_values)
def test_whatever_the_fields_hold_settings_are_made_or_the_refusal_is_typed(extra: Any, login: Any, host: Any) -> None:
    with suppress(ConfigurationError):
        read({"region": "r", **extra}, login=login, host=host)


def test_deep_json_is_refused() -> None:
    assert "not JSON" in refusal("[" * 100_000)
    assert "'endpoints' must be a JSON object" in refusal({"region": "r", "endpoints": "[" * 100_000})


def test_the_project_of_the_connection_does_not_count_in_another_region() -> None:
    extra = {"region": "eu-de", "project_id": "of-eu-de", "project_name": "eu-de_x"}
    elsewhere = read(extra, region="eu-nl")

    assert (elsewhere.region, elsewhere.project_id, elsewhere.project_name) == ("eu-nl", None, None)
    assert read(extra, region="eu-de") == read(extra)


def test_the_project_of_a_connection_without_a_region_counts_in_the_region_of_the_task() -> None:
    assert read({"project_id": "p"}, region="eu-nl").project_id == "p"


def test_an_endpoint_of_the_connections_region_is_refused_in_another_region() -> None:
    extra = {"region": "eu-de", "endpoints": {"cbr": "https://cbr.eu-de.otc.t-systems.com"}}

    with pytest.raises(ConfigurationError, match="endpoint of cbr is one of its region 'eu-de'"):
        read(extra, region="eu-nl")
    private = {"region": "eu-de", "endpoints": {"cbr": "https://cbr.example"}}
    assert read(private, region="eu-nl").endpoints == (("cbr", "https://cbr.example"),)


@pytest.mark.parametrize("argument", ["region", "project_id"])
@pytest.mark.parametrize("value", [5, True, ["eu-de"]])
def test_an_argument_that_is_no_text_is_refused_by_name(argument: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"The argument '{argument}' must be text"):
        read({"region": "r"}, **{argument: value})


def test_a_connection_as_a_uri_works(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    about = json.loads(cloud.connection_json(with_access_key=True))
    extra = about["extra"] | {"endpoints": json.dumps(about["extra"]["endpoints"]), "attempts": 1}
    host = about["host"].removeprefix("http://").removesuffix("/v3")
    credentials = f"{about['login']}:{quote(about['password'], safe='')}"
    monkeypatch.setenv(CONNECTION, f"huaweicloud-backup://{credentials}@{host}/http?{urlencode(extra)}")

    works, text = BackupCloudHook().test_connection()

    assert works, text


@pytest.mark.parametrize("with_access_key", [False, True])
def test_testing_a_right_connection_names_the_project(
    cloud: RunningCloud, with_access_key: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, cloud.connection_json(with_access_key=with_access_key))

    works, text = BackupCloudHook().test_connection()

    assert works
    assert cloud.describe()["project_id"] in text


@pytest.mark.parametrize(
    ("with_access_key", "changes", "extra", "text"),
    [
        (False, {"password": "wrong"}, {}, "Check user, password and account"),
        (False, {"login": "nobody"}, {}, "Check user, password and account"),
        (False, {}, {"domain": "elsewhere"}, "Check user, password and account"),
        (False, {}, {"region": "mars"}, "mars"),
        (False, {}, {"project_id": "f" * 32}, "project"),
        (False, {"host": "http://127.0.0.1:9/v3"}, {}, "No connection to 127.0.0.1:9"),
        (True, {"password": "wrong"}, {}, "verify aksk signature fail"),
        (True, {"login": "NOKEY"}, {}, "not exist"),
        (False, {}, {"domain": ""}, "without domain, login and password count as an access key"),
        (True, {}, {"region": "mars"}, "0 projects are named 'mars'"),
        (True, {}, {"project_id": "f" * 32}, "has no project f"),
        (True, {"host": "http://127.0.0.1:9/v3"}, {}, "No connection to 127.0.0.1:9"),
    ],
)
def test_testing_a_wrong_connection_says_what_is_wrong(
    cloud: RunningCloud,
    monkeypatch: pytest.MonkeyPatch,
    with_access_key: bool,
    changes: dict[str, str],
    extra: dict[str, str],
    text: str,
) -> None:
    connection = json.loads(cloud.connection_json(with_access_key=with_access_key, attempts=1))
    connection["extra"] |= extra
    monkeypatch.setenv(CONNECTION, json.dumps(connection | changes))

    works, told = BackupCloudHook().test_connection()

    assert not works
    assert text in told


def test_a_wrong_region_of_the_task_does_not_say_that_the_connection_names_no_project(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = cloud.describe()["project_id"]
    monkeypatch.setenv(CONNECTION, cloud.connection_json(with_access_key=False, project_id=project_id))

    works, text = BackupCloudHook(region="mars").test_connection()

    assert not works
    assert "region ('mars': its own project is meant, as no project_id or project_name applies)" in text


def without_endpoints(cloud: RunningCloud, **endpoints: str) -> str:
    connection = json.loads(cloud.connection_json(with_access_key=True, attempts=1))
    connection["extra"]["endpoints"] = endpoints
    return json.dumps(connection)


def test_testing_a_connection_that_leads_to_no_service_says_what_every_task_would_say(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, without_endpoints(cloud))

    works, text = BackupCloudHook().test_connection()

    assert not works
    assert f"{', '.join(SERVICES)} cannot be reached: The cloud is 'custom' and has no" in text


def test_testing_a_connection_that_leads_to_some_services_names_the_others(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, without_endpoints(cloud, rds=cloud.url("rds")))

    works, text = BackupCloudHook().test_connection()

    assert works
    assert f"no address of {', '.join(name for name in SERVICES if name != 'rds')}" in text


def test_testing_a_connection_with_an_endpoint_that_no_request_may_go_to_says_so(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, without_endpoints(cloud, rds="http://rds.example", cbr=cloud.url("cbr")))

    works, text = BackupCloudHook().test_connection()

    assert not works
    assert "rds cannot be reached: 'http://rds.example' would send credentials unprotected" in text


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        ({"password": "wrong-password"}, {}),
        ({"host": "http://127.0.0.1:9/v3"}, {}),
        ({"host": "http://iam.example/v3"}, {}),
        ({}, {"region": ""}),
        ({}, {"region": "mars"}),
        ({}, {"regoin": "eu-de"}),
        ({"conn_type": "aws"}, {}),
    ],
)
@pytest.mark.parametrize("with_access_key", [False, True])
async def test_errors_about_credentials_region_and_endpoints_name_the_connection(
    cloud: RunningCloud,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    extra: dict[str, str],
    with_access_key: bool,
) -> None:
    connection = json.loads(cloud.connection_json(with_access_key=with_access_key, attempts=1))
    connection["extra"] |= extra
    monkeypatch.setenv("AIRFLOW_CONN_PRODUCTION", json.dumps(connection | changes))

    async def ask(service: Any) -> None:
        async for _ in service.policies.list():
            return

    with pytest.raises(BackupError, match=r" Connection: production\.") as plain:
        await asyncio.to_thread(CbrHook("production").run, ask)
    with pytest.raises(type(plain.value), match=r" Connection: production\."):
        async with CbrHook("production").open() as cbr:
            await ask(cbr)


async def test_an_unknown_connection_id_is_named_with_the_next_step() -> None:
    text = r"Airflow has no connection 'absent'\. Next step: Create it with type huaweicloud_backup"

    with pytest.raises(UnknownConnectionError, match=text):
        await asyncio.to_thread(BackupCloudHook("absent").get_conn)
    with pytest.raises(UnknownConnectionError, match=text):
        await asyncio.to_thread(BackupCloudHook("absent").run_in_cloud, lambda cloud: cloud.project_id())
    with pytest.raises(UnknownConnectionError, match=text):
        async with BackupCloudHook("absent").open_cloud():
            pass
    works, told = await asyncio.to_thread(BackupCloudHook("absent").test_connection)
    assert not works
    assert "no connection 'absent'" in told


def test_an_unknown_connection_id_is_still_caught_as_the_error_of_airflow() -> None:
    with pytest.raises(AirflowNotFoundException):
        BackupCloudHook("absent").get_conn()


def test_another_region_without_anything_that_knows_its_project_is_refused() -> None:
    extra = {"region": "eu-de", "project_id": "p", "cloud": "custom", "endpoints": {"cbr": "https://cbr.example"}}

    with pytest.raises(ConfigurationError, match="'project_id' belongs to its region 'eu-de'"):
        read(extra, region="eu-nl")
    assert read(extra, region="eu-nl", project_id="q").project_id == "q"
    assert read(extra, host="iam.example", region="eu-nl").project_id is None


def test_testing_a_connection_to_a_failing_cloud_takes_some_seconds_only(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, cloud.connection_json(attempts=7, retry_wait=0.1))
    cloud.misbehave("server_error", service="iam", status=503)

    works, text = BackupCloudHook().test_connection()

    assert not works
    assert "503" in text
    assert cloud.requests["iam", "POST", "/v3/auth/tokens"] == 2


def test_a_hook_runs_an_action_of_its_service_from_plain_code(cloud: RunningCloud) -> None:
    async def names(cbr: Any) -> list[str]:
        return [policy.name async for policy in cbr.policies.list()]

    assert CbrHook().run(names) == []


async def test_a_hook_opens_its_service_in_async_code(cloud: RunningCloud) -> None:
    async with CbrHook().open() as cbr:
        assert [policy async for policy in cbr.policies.list()] == []


async def test_equal_connections_share_one_client_and_an_edited_one_gets_its_own(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, change_limits: ChangeLimits
) -> None:
    change_limits(connection_memory=0.0)
    async with BackupCloudHook().open_cloud() as first, BackupCloudHook().open_cloud() as second:
        monkeypatch.setenv(CONNECTION, cloud.connection_json(attempts=4))
        async with BackupCloudHook().open_cloud() as edited:
            assert first is second
            assert edited is not first
            await first.project_id()
            await second.project_id()

    assert cloud.requests["iam", "POST", "/v3/auth/tokens"] == 1
