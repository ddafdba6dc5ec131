"""What the search with hostile answers found, each by itself, so that it stays repaired."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from multidict import CIMultiDict

from airflow_provider_backup.cloud.auth.endpoints import service_url
from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import (
    LONGEST_MESSAGE,
    BackupError,
    BadRequestError,
    UnexpectedResponseError,
    Violation,
)
from airflow_provider_backup.cloud.http.error_parsing import error_from_response
from airflow_provider_backup.cloud.operations import status as life_cycle
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from airflow_provider_backup.cloud.services.cbr.models import VaultResourceCreate
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.services.vbs.models import Backup as VbsBackup
from airflow_provider_backup.cloud.services.vbs.states import to_state
from tests.cloud.clients import settings_for
from tests.cloud.fuzzing.limits import in_time
from tests.cloud.fuzzing.values import nested
from tests.cloud.unruly_server import UnrulyServer, answer

Call = Callable[[BackupCloud], Awaitable[Any]]
SERVER = VaultResourceCreate(id="1", type="OS::Nova::Server")
CHECKPOINT = OperationReference("csbs", "1", "checkpoint")


@pytest_asyncio.fixture
async def cloud(unruly: UnrulyServer) -> AsyncIterator[BackupCloud]:
    async with BackupCloud(settings_for(unruly.url)) as cloud:
        yield cloud


# ----------------------------------------------------------------------------------------- answers that were a surprise


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (lambda cloud: cloud.cbr.vaults.add_resources("v", [SERVER]), [1]),
        (lambda cloud: cloud.cbr.vaults.add_resources("v", [SERVER]), {"add_resource_ids": 7}),
        (lambda cloud: cloud.cbr.vaults.remove_resources("v", ["1"]), "words"),
        (lambda cloud: cloud.csbs.checkpoint_items.count(), {"count": 1e999}),
        (lambda cloud: cloud.cbr.policies.get("p"), {"policy": {"id": "p", "name": nested(300)}}),
    ],
)
async def test_it_is_an_unexpected_response(cloud: BackupCloud, unruly: UnrulyServer, call: Call, body: Any) -> None:
    unruly.then(answer(json.dumps(body).encode()))
    with pytest.raises(UnexpectedResponseError):
        await call(cloud)


async def test_a_size_beyond_all_measure_is_no_size(cloud: BackupCloud, unruly: UnrulyServer) -> None:
    item = {"id": "1", "checkpoint_id": "1", "status": "available", "extend_info": {"size": 10**400}}
    unruly.then(answer({"checkpoint_items": [item, {**item, "id": "2", "extend_info": {"size": 5}}]}))
    assert (await cloud.csbs.observe(CHECKPOINT)).size_mb == 5


@pytest.mark.parametrize(
    ("progress", "read"), [("9" * 5000, None), (nested(50), None), ("²", None), ("60%", 60), (7, 7), (None, None)]
)
def test_any_progress_of_a_disk_is_read_or_left_out(progress: Any, read: int | None) -> None:
    backup = parsed(VbsBackup, {"id": "1", "service_metadata": {"progress": progress}})
    assert to_state(backup).progress == read


def test_a_time_that_stands_for_none_is_none() -> None:
    # A minute before it is before the beginning of the calendar.
    assert parsed(VbsBackup, {"id": "1", "created_at": "0001-01-01T00:00:00Z"}).created_at is None
    oldest = parsed(VbsBackup, {"id": "1", "created_at": "1970-01-01T00:00:00Z"}).created_at
    assert oldest == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_description_that_is_deep_json_stays_a_text() -> None:
    deep = '{"a":' * 5000
    assert parsed(VbsBackup, {"id": "1", "description": deep}).description == deep


@pytest.mark.parametrize("href", ["http://[::1?marker=2", "?marker=2", "https://x.example/p?marker=2#end"])
async def test_the_link_to_the_next_page_need_not_be_an_address(
    cloud: BackupCloud, unruly: UnrulyServer, href: str
) -> None:
    unruly.then(
        answer({"backups": [{"id": "1"}], "backups_links": [{"rel": "next", "href": href}]}),
        answer({"backups": [{"id": "2"}], "backups_links": 7}),
    )
    assert [backup.id async for backup in cloud.vbs.backups.list()] == ["1", "2"]
    assert "marker=2" in unruly.received[1].target


def test_endpoints_of_a_catalog_that_are_no_list_count_as_none() -> None:
    settings = settings_for("https://cloud.example", cloud="otc", endpoints=())
    for endpoints in (7, "words", {"url": "x"}, [7, {"interface": "public", "url": {"a": 1}}]):
        url = service_url(SERVICES["cbr"], settings, [{"type": "cbr", "endpoints": endpoints}])
        assert url == "https://cbr.eu-de.otc.t-systems.com"


# ------------------------------------------------------------------------------------------ texts that nobody can keep


async def test_a_name_that_no_database_can_keep_is_replaced(cloud: BackupCloud, unruly: UnrulyServer) -> None:
    unruly.then(answer(b'{"backup": {"id": "1", "status": "available", "name": "a\\u0000b\\ud800c\xff"}}'))
    assert (await cloud.vbs.backups.get("1")).name == "a\ufffdb\ufffdc\ufffd"


def test_the_words_of_a_refusal_can_be_kept_and_are_short() -> None:
    body = {"error_code": "x\ud800" * 1000, "error_msg": "no\0 \udfff" + "y" * 100_000, "request_id": "a\nb\ud800"}
    error = error_from_response("cbr", 400, CIMultiDict(), json.dumps(body).encode())
    assert str(error).encode()
    assert "\0" not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 1000
    assert error.request_id == "a\ufffdb\ufffd"


def test_a_request_id_of_bytes_that_are_no_text_can_be_written_down() -> None:
    error = error_from_response("cbr", 400, CIMultiDict({"X-Request-Id": "r\udcff"}), b"{}")
    assert error.request_id == "r\ufffd"
    assert str(error).encode()


def test_a_message_has_an_end() -> None:
    assert len(BackupError("x" * 10**6).message) == LONGEST_MESSAGE
    assert BackupError("a\0b\ud800", next_step="c\0").args == ("a\ufffdb\ufffd",)
    assert str(BackupError("a\0b\ud800", next_step="c\0")) == "a\ufffdb\ufffd Next step: c\ufffd"


async def test_the_request_id_stands_in_a_message_however_long(cloud: BackupCloud, unruly: UnrulyServer) -> None:
    deep = json.loads('{"children": [' * 25 + '{"id": []}' + "]}" * 25)
    unruly.then(answer({"backup": deep}, X_Request_Id="req-9"))
    with pytest.raises(UnexpectedResponseError, match=r"\(request id req-9\)\.$"):
        await cloud.cbr.backups.get("1")


def test_a_value_of_any_depth_can_be_named() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    assert "deeply nested" in str(Violation("field", "rule", value))


def test_a_status_of_any_length_is_logged_short(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger=life_cycle.__name__):
        assert phase_of("z" * 10**6) is Phase.IN_PROGRESS
    assert len(caplog.text) < 500


# --------------------------------------------------------------------------------------------- what took its time


@pytest.mark.parametrize("words", [" " * 2_000_000, ", " * 1_000_000, "canonical " * 200_000, "\n\t" * 1_000_000])
def test_a_refusal_of_millions_of_blanks_is_read_at_once(words: str) -> None:
    body = json.dumps({"error_code": "x", "error_msg": words}).encode()
    with in_time(5):
        assert isinstance(error_from_response("cbr", 400, CIMultiDict(), body), BadRequestError)


def test_what_follows_the_canonical_request_stays_hidden_behind_any_number_of_blanks() -> None:
    words = "wrong" + " " * 100 + "canonical   request GET / x-security-token:VERY-SECRET"
    body = json.dumps({"error_code": "APIGW.0301", "error_msg": words}).encode()
    assert "SECRET" not in str(error_from_response("cbr", 401, CIMultiDict(), body))
