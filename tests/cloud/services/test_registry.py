"""What the lower layers know of each service: version, and the class of every code that the status does not tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from multidict import CIMultiDict

from airflow_provider_backup.cloud.errors import (
    ApiDuplicateNameError,
    ApiError,
    ApiNotFoundError,
    ApiResourceBusyError,
    AuthenticationError,
    BadRequestError,
    PermissionDeniedError,
    QuotaExceededError,
    ServerError,
)
from airflow_provider_backup.cloud.http.error_parsing import error_from_response
from airflow_provider_backup.cloud.manifest import classify, codes
from airflow_provider_backup.cloud.services.account_services import AccountServices
from airflow_provider_backup.cloud.services.registered_service import RegisteredService
from airflow_provider_backup.cloud.services.registry import SERVICES, RegisteredServices

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.service_api import ServiceApi


class FakeApi:
    """Stands where the way to a service would."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Any:
        return lambda *_arguments, **_options: self


# Service, status, codes, class. Sources: CBR section 14.2, CSBS section 10, VBS section 6.2 (which gives no status),
# databases section 12.
CODES: list[tuple[str, int, str, type[ApiError]]] = [
    ("cbr", 400, codes("BackupService", "1001 2002 2010 6123 6125 6130 6134 6203 7200 7302"), ApiResourceBusyError),
    ("cbr", 500, "BackupService.0002", ApiResourceBusyError),
    (
        "cbr",
        404,
        codes("BackupService", "4001 6000 6002 6105 6200 6217 6302 6402 6500 6501 6601 6705"),
        ApiNotFoundError,
    ),
    ("cbr", 404, codes("BackupService", "7000 7100 7202"), ApiNotFoundError),
    ("cbr", 400, "BackupService.6105", ApiNotFoundError),
    ("cbr", 400, codes("BackupService", "6001 6100 6114 6129 6133 6142 6600 6701 7303 8300"), QuotaExceededError),
    ("cbr", 403, "BackupService.8600", PermissionDeniedError),
    ("cbr", 400, codes("BackupService", "0001 6101 6103 6113 6127 6201 6216 9900"), BadRequestError),
    ("cbr", 500, codes("BackupService", "1006 6132 6207 9910 9998"), ServerError),
    ("csbs", 500, codes("CSBS", "1001 1002 2001 6030"), ApiResourceBusyError),
    ("csbs", 400, codes("CSBS", "2003 2004 6005 6015 6031"), ApiResourceBusyError),
    ("csbs", 404, codes("CSBS", "3000 3001 6040 7001"), ApiNotFoundError),
    ("csbs", 400, "CSBS.6000", ApiNotFoundError),
    ("csbs", 400, codes("CSBS", "0001 7000 9006"), QuotaExceededError),
    ("csbs", 400, "CSBS.9007", ApiDuplicateNameError),
    ("csbs", 500, codes("CSBS", "6019 6023 6032 8001 8008 8009"), BadRequestError),
    ("csbs", 400, codes("CSBS", "6003 6007 6010 8007 9001") + " BackupService.4008", BadRequestError),
    ("csbs", 403, "CSBS.9009", PermissionDeniedError),
    ("csbs", 500, codes("CSBS", "5001 9998 9999"), ServerError),
    ("vbs", 400, codes("VolumeBackup", "0013 0206") + " AutoBackup.0225", ApiResourceBusyError),
    ("vbs", 400, codes("VolumeBackup", "0021 0111 0207") + " AutoBackup.0205 common.0011", ApiNotFoundError),
    ("vbs", 400, codes("AutoBackup", "0216 1100"), ApiNotFoundError),
    ("vbs", 400, codes("VolumeBackup", "0040 0050 0071 0072 0073 0074 0075 0076 0077 0078 0079"), QuotaExceededError),
    ("vbs", 400, codes("VolumeBackup", "0080 0081 0082 0083 0084"), QuotaExceededError),
    ("vbs", 400, codes("AutoBackup", "0203 0204 0215 0217 0218"), QuotaExceededError),
    ("vbs", 400, codes("VolumeBackup", "0041 0042 0044") + " AutoBackup.0213", PermissionDeniedError),
    ("vbs", 400, codes("AutoBackup", "0002 0003"), AuthenticationError),
    ("vbs", 400, codes("VolumeBackup", "0002 0012 0053") + " AutoBackup.0107", BadRequestError),
    ("vbs", 503, "VolumeBackup.0900", ServerError),
]
for _database in ("rds", "gaussdb", "taurusdb"):
    CODES += [
        (
            _database,
            409,
            codes("DBS", "200011 200019 200047 201202 201205 212006 280011") + " RDS.3004",
            ApiResourceBusyError,
        ),
        (_database, 400, codes("DBS", "200018 200076 201014 201206 201208 280343 06020003"), ApiResourceBusyError),
        (_database, 409, codes("DBS", "201201 201209 200022"), ApiDuplicateNameError),
        (
            _database,
            404,
            codes("DBS", "200002 200013 200045 200408 200602 201010 201028 290005 290011"),
            ApiNotFoundError,
        ),
        (_database, 400, codes("DBS", "200543 201203"), ApiNotFoundError),
        (_database, 413, codes("DBS", "200046 290003") + " RDS.3003", QuotaExceededError),
        (_database, 409, "DBS.200316", QuotaExceededError),
        (_database, 403, codes("DBS", "200010 200044 200604 201003 280015 280020"), PermissionDeniedError),
        (_database, 403, "DBS.280056", AuthenticationError),
        (_database, 409, codes("DBS", "200402 280406"), BadRequestError),
        (_database, 400, codes("DBS", "200001 201004 201204 201210 201218 280124 280404"), BadRequestError),
        (_database, 422, "DBS.212019", BadRequestError),
        (_database, 500, codes("DBS", "108000 111205 200005 280228 290015"), ServerError),
    ]
CODES += [
    ("rds", 400, "DBS.280214", ApiNotFoundError),
    ("taurusdb", 400, "DBS.280214", ApiNotFoundError),
    ("gaussdb", 400, "DBS.280214", BadRequestError),
]
EVERY_CODE = [
    pytest.param(service, status, code, error_class, id=f"{service} {status} {code}")
    for service, status, several, error_class in CODES
    for code in several.split()
]


@pytest.mark.parametrize(("service", "status", "code", "error_class"), EVERY_CODE)
def test_every_code_becomes_the_class_that_says_what_to_do(
    service: str, status: int, code: str, error_class: type[ApiError]
) -> None:
    body = json.dumps({"error_code": code, "error_msg": "words"}).encode()
    error = error_from_response(service, status, CIMultiDict(), body, SERVICES[service].error_classes)
    assert type(error) is error_class
    assert error.next_step


def test_the_registry_holds_every_service_under_its_name() -> None:
    assert list(SERVICES)[:6] == ["vbs", "csbs", "cbr", "rds", "gaussdb", "taurusdb"]
    assert all(name == manifest.name for name, manifest in SERVICES.items())


def test_the_full_title_has_the_abbreviation_unless_the_title_is_short() -> None:
    assert SERVICES["cbr"].full_title == "Cloud Backup and Recovery (CBR)"
    assert SERVICES["gaussdb"].full_title == "GaussDB"


@pytest.mark.parametrize("name", SERVICES)
def test_the_attribute_of_an_account_is_the_client_that_its_annotation_and_the_manifest_name(name: str) -> None:
    account = AccountServices(lambda service: cast("ServiceApi", FakeApi(service)))
    client = getattr(account, name)

    assert f"{type(client).__module__}.{type(client).__name__}" == SERVICES[name].client
    assert RegisteredServices.__annotations__[name] == f"RegisteredService[{type(client).__name__}]"
    assert client.name == name
    assert getattr(account, name) is client


def test_a_package_without_a_manifest_cannot_be_registered() -> None:
    with pytest.raises((ModuleNotFoundError, RuntimeError)):
        type("Services", (), {"nothing": RegisteredService()})


@pytest.mark.parametrize(
    ("service", "version"),
    [("vbs", "v2"), ("csbs", "v1"), ("cbr", "v3"), ("rds", "v3"), ("gaussdb", "v3"), ("taurusdb", "v3")],
)
def test_every_service_has_the_version_of_its_paths(service: str, version: str) -> None:
    assert SERVICES[service].version == version


def test_codes_are_looked_up_by_their_whole_text() -> None:
    assert classify({ApiNotFoundError: codes("A", "1 2"), ServerError: "B.3"}) == {
        "A.1": ApiNotFoundError,
        "A.2": ApiNotFoundError,
        "B.3": ServerError,
    }
