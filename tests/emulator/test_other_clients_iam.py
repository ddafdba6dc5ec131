"""Other people's clients log in to the local cloud, unmodified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keystoneauth1.exceptions
import pytest
from huaweicloudsdkcbr.v1 import CbrClient
from huaweicloudsdkcbr.v1.region.cbr_region import CbrRegion
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.client import ClientBuilder
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from huaweicloudsdkcore.region.region import Region
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from airflow_provider_backup.emulator.core.accounts import (
    ACCESS_KEY,
    DOMAIN_ID,
    DOMAIN_NAME,
    PASSWORD,
    PROJECT_ID,
    PROJECT_NAME,
    REGION,
    SECRET_KEY,
    USER_ID,
    USER_NAME,
)
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.openstack_connection import otc_connection


@pytest.fixture(autouse=True)
def nothing_of_the_person_who_runs_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The vendor's SDK writes an id into the home directory; openstacksdk reads clouds.yaml and OS_* variables.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fresh_project_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    # The vendor's SDK remembers project and account ids per key for the whole process.
    monkeypatch.setattr(BasicCredentials, "_CACHE", {})
    monkeypatch.setattr(GlobalCredentials, "_CACHE", {})


def password_login(cloud: RunningCloud, **changes: Any) -> v3.Password:
    values = {
        "auth_url": cloud.auth_url,
        "username": USER_NAME,
        "password": PASSWORD,
        "user_domain_name": DOMAIN_NAME,
        "project_name": PROJECT_NAME,
    }
    return v3.Password(**(values | changes))


def test_keystoneauth_logs_in_with_the_name_of_the_project(backup_cloud: RunningCloud) -> None:
    session = Session(auth=password_login(backup_cloud))
    assert (session.get_token() or "").startswith("MII")
    assert session.get_project_id() == PROJECT_ID
    assert session.get_user_id() == USER_ID


def test_keystoneauth_logs_in_with_ids(backup_cloud: RunningCloud) -> None:
    login = v3.Password(
        auth_url=backup_cloud.auth_url,
        user_id=USER_ID,
        password=PASSWORD,
        project_id=PROJECT_ID,
    )
    assert Session(auth=login).get_project_id() == PROJECT_ID


def test_keystoneauth_logs_in_to_the_account(backup_cloud: RunningCloud) -> None:
    session = Session(auth=password_login(backup_cloud, project_name=None, domain_id=DOMAIN_ID))
    assert (session.get_token() or "").startswith("MII")
    assert session.get_project_id() is None


def test_keystoneauth_reports_that_the_password_is_wrong(backup_cloud: RunningCloud) -> None:
    session = Session(auth=password_login(backup_cloud, password="wrong"))
    with pytest.raises(keystoneauth1.exceptions.Unauthorized, match="The username or password is wrong"):
        session.get_token()


def test_keystoneauth_reports_that_a_project_does_not_exist(backup_cloud: RunningCloud) -> None:
    session = Session(auth=password_login(backup_cloud, project_name="eu-fr"))
    with pytest.raises(keystoneauth1.exceptions.NotFound, match="Could not find project: eu-fr"):
        session.get_token()


def test_keystoneauth_gets_a_new_token_when_its_own_was_revoked(backup_cloud: RunningCloud) -> None:
    session = Session(auth=password_login(backup_cloud))
    first = session.get_token()
    backup_cloud.revoke_tokens()
    response = session.get(backup_cloud.auth_url + "/auth/projects")
    assert response.status_code == 200
    assert session.get_token() != first


@pytest.mark.parametrize(
    ("service_type", "service", "path"),
    [
        ("vbs", "vbs", "/v2/"),
        ("vbsv2", "vbs", f"/v2/{PROJECT_ID}"),
        ("data-protect", "csbs", f"/v1/{PROJECT_ID}"),
        ("cbr", "cbr", f"/v3/{PROJECT_ID}"),
        ("rdsv3", "rds", f"/v3/{PROJECT_ID}"),
        ("gaussdb-opengauss", "gaussdb", f"/v3/{PROJECT_ID}"),
        ("gaussdb-mysql", "taurusdb", f"/v3/{PROJECT_ID}"),
    ],
)
def test_keystoneauth_finds_the_services_in_the_catalog(
    backup_cloud: RunningCloud, service_type: str, service: str, path: str
) -> None:
    session = Session(auth=password_login(backup_cloud))
    found = session.get_endpoint(service_type=service_type, region_name=REGION, interface="public", skip_discovery=True)
    assert found == backup_cloud.url(service) + path


def test_openstacksdk_logs_in(backup_cloud: RunningCloud) -> None:
    connection = otc_connection(backup_cloud)
    assert connection.current_project_id == PROJECT_ID
    assert (connection.auth_token or "").startswith("MII")


@pytest.mark.parametrize(
    ("proxy", "service", "path"),
    [
        ("volume_backup", "vbs", f"/v2/{PROJECT_ID}"),
        ("csbs", "csbs", f"/v1/{PROJECT_ID}"),
        ("cbr", "cbr", f"/v3/{PROJECT_ID}"),
        ("rds", "rds", f"/v3/{PROJECT_ID}"),
        ("gaussdb", "taurusdb", f"/v3/{PROJECT_ID}"),
    ],
)
def test_otcextensions_finds_the_services_in_the_catalog(
    backup_cloud: RunningCloud, proxy: str, service: str, path: str
) -> None:
    found = getattr(otc_connection(backup_cloud), proxy).get_endpoint()
    assert found.replace("%(project_id)s", PROJECT_ID) == backup_cloud.url(service) + path


@pytest.mark.usefixtures("fresh_project_cache")
def test_the_vendor_sdk_finds_the_project_of_a_region_with_a_signed_request(
    backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", backup_cloud.url("iam"))
    credentials = BasicCredentials(ACCESS_KEY, SECRET_KEY)
    region = Region(REGION, backup_cloud.url("cbr"))
    CbrClient.new_builder().with_credentials(credentials).with_region(region).build()
    assert credentials.project_id == PROJECT_ID


@pytest.mark.usefixtures("fresh_project_cache")
def test_the_vendor_sdk_is_pointed_at_the_local_cloud_by_its_environment_alone(
    backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", backup_cloud.auth_url)
    monkeypatch.setenv("HUAWEICLOUD_SDK_REGION_CBR_EU_DE", backup_cloud.url("cbr"))
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", ACCESS_KEY)
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", SECRET_KEY)
    client = CbrClient.new_builder().with_region(CbrRegion.value_of(REGION)).build()
    assert client.get_credentials().project_id == PROJECT_ID


@pytest.mark.usefixtures("fresh_project_cache")
def test_the_vendor_sdk_reports_that_a_project_does_not_exist(backup_cloud: RunningCloud) -> None:
    credentials = BasicCredentials(ACCESS_KEY, SECRET_KEY).with_iam_endpoint(backup_cloud.url("iam"))
    region = Region("eu-fr", backup_cloud.url("cbr"))
    with pytest.raises(SdkException, match="Failed to get project id of region 'eu-fr'"):
        CbrClient.new_builder().with_credentials(credentials).with_region(region).build()


@pytest.mark.usefixtures("fresh_project_cache")
@pytest.mark.parametrize(
    ("access_key", "secret_key", "text"),
    [(ACCESS_KEY, "wrong", "verify aksk signature fail"), ("NOBODY", SECRET_KEY, "ak NOBODY not exist")],
)
def test_the_vendor_sdk_reads_what_is_wrong_with_a_key(
    backup_cloud: RunningCloud, access_key: str, secret_key: str, text: str
) -> None:
    credentials = BasicCredentials(access_key, secret_key).with_iam_endpoint(backup_cloud.url("iam"))
    region = Region(REGION, backup_cloud.url("cbr"))
    with pytest.raises(SdkException, match=text) as refused:
        CbrClient.new_builder().with_credentials(credentials).with_region(region).build()
    assert "APIGW.0301" in str(refused.value)


@pytest.mark.usefixtures("fresh_project_cache")
def test_the_vendor_sdk_finds_the_account_with_a_signed_request(backup_cloud: RunningCloud) -> None:
    credentials = GlobalCredentials(ACCESS_KEY, SECRET_KEY).with_iam_endpoint(backup_cloud.url("iam"))
    region = Region(REGION, backup_cloud.url("cbr"))
    ClientBuilder(CbrClient, "GlobalCredentials").with_credentials(credentials).with_region(region).build()
    assert credentials.domain_id == DOMAIN_ID


@pytest.mark.usefixtures("fresh_project_cache")
def test_the_vendor_sdk_signs_with_a_temporary_key(backup_cloud: RunningCloud) -> None:
    session = Session(auth=password_login(backup_cloud))
    answer = session.post(
        backup_cloud.url("iam") + "/v3.0/OS-CREDENTIAL/securitytokens",
        json={"auth": {"identity": {"methods": ["token"], "token": {"duration_seconds": 900}}}},
    ).json()["credential"]
    credentials = (
        BasicCredentials(answer["access"], answer["secret"])
        .with_security_token(answer["securitytoken"])
        .with_iam_endpoint(backup_cloud.url("iam"))
    )
    region = Region(REGION, backup_cloud.url("cbr"))
    CbrClient.new_builder().with_credentials(credentials).with_region(region).build()
    assert credentials.project_id == PROJECT_ID
