"""Who asks, where, and how patiently: what is refused at once, and what stays secret."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    CloudSettings,
    NetworkSettings,
    PasswordCredentials,
)

PASSWORD = PasswordCredentials("me", "VERY-SECRET", "account")
TEMPORARY_KEY = AccessKeyCredentials("AK", "VERY-SECRET-KEY", "VERY-SECRET-TOKEN")


@pytest.mark.parametrize("credentials", [PASSWORD, TEMPORARY_KEY])
def test_no_secret_is_in_the_text_of_settings(credentials: PasswordCredentials | AccessKeyCredentials) -> None:
    network = NetworkSettings(proxy="http://me:VERY-SECRET@proxy:3128")
    settings = CloudSettings(credentials, region="eu-de", network=network)
    assert "SECRET" not in f"{settings} {settings!r} {credentials} {network}"


@pytest.mark.parametrize("credentials", [PASSWORD, TEMPORARY_KEY])
def test_equal_settings_are_equal_keys(credentials: PasswordCredentials | AccessKeyCredentials) -> None:
    def settings() -> CloudSettings:
        endpoints = CloudSettings.endpoint_pairs({"cbr": "https://a", "vbs": "https://b"})
        return CloudSettings(credentials, region="eu-de", endpoints=endpoints)

    assert settings() == settings()
    assert hash(settings()) == hash(settings())
    assert pickle.loads(pickle.dumps(settings())) == settings()


def test_other_credentials_make_other_settings() -> None:
    changed = dataclasses.replace(PASSWORD, password="other")
    assert CloudSettings(PASSWORD, region="eu-de") != CloudSettings(changed, region="eu-de")


def test_endpoints_are_the_same_in_whatever_order_they_are_given() -> None:
    assert CloudSettings.endpoint_pairs({"b": "2", "a": "1"}) == CloudSettings.endpoint_pairs({"a": "1", "b": "2"})


def test_a_missing_region_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="No region is set. Next step: Set the region"):
        CloudSettings(PASSWORD, region="")


@pytest.mark.parametrize("region", ["eu de", "eu-de\n", "evil.example/", "a@b", "a:1", "a?b", "a#b", "ü"])
def test_a_region_that_would_change_the_address_is_refused(region: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a region"):
        CloudSettings(PASSWORD, region=region)


@pytest.mark.parametrize("region", ["eu-de", "cn-north-4", "my-kualalumpur-1", "RegionOne", "eu-de_team1"])
def test_a_region_id_is_accepted(region: str) -> None:
    assert CloudSettings(PASSWORD, region=region).region == region


@pytest.mark.parametrize("project_id", ["", "a/b", "..", "a b", "a\n"])
def test_a_project_id_that_would_change_the_address_is_refused(project_id: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the id of a project"):
        CloudSettings(PASSWORD, region="eu-de", project_id=project_id)


@pytest.mark.parametrize("wrong", ["", " ", "SECRET\n", "SECRET\r\nX-Evil: 1", "SEC RET", "SECRETÄ", "SECRET\0"])
@pytest.mark.parametrize(
    ("name", "field"),
    [("access key", "access_key"), ("secret key", "secret_key"), ("security token", "security_token")],
)
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(name: str, field: str, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=f"The {name} is empty, or holds") as caught:
        dataclasses.replace(TEMPORARY_KEY, **{field: wrong})
    assert "SECRET" not in str(caught.value)


def test_a_permanent_key_needs_no_security_token() -> None:
    assert AccessKeyCredentials("AK", "SK").security_token is None


def test_a_password_may_hold_any_letter() -> None:
    assert PasswordCredentials("Jürgen", " pässword\n", "Firma AG").password == " pässword\n"


def test_a_user_at_a_screen_waits_some_seconds_and_no_longer_than_asked_for() -> None:
    settings = CloudSettings(PASSWORD, region="eu-de")
    hurried = settings.impatient()
    assert hurried.network == NetworkSettings(total_timeout=15, attempts=2, throttle_timeout=10)
    assert dataclasses.replace(hurried, network=settings.network) == settings
    fast = CloudSettings(
        PASSWORD, region="eu-de", network=NetworkSettings(total_timeout=5, attempts=1, throttle_timeout=0)
    )
    assert fast.impatient() == fast
