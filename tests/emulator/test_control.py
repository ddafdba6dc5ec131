"""Making the local cloud misbehave from another process."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from airflow_provider_backup.emulator.running import RunningCloud


def post(cloud: RunningCloud, path: str, body: Any = None) -> int:
    request = urllib.request.Request(cloud.url("iam") + path, data=json.dumps(body or {}).encode(), method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_failure_is_planned_for_the_next_backup_of_a_service(backup_cloud: RunningCloud) -> None:
    assert post(backup_cloud, "/_control/failures", {"service": "rds", "reason": "disk full"}) == 204
    assert backup_cloud.state.started("cbr")["failure"] is None
    assert backup_cloud.state.started("rds")["failure"] == "disk full"
    assert backup_cloud.state.started("rds")["failure"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"service": "nope", "reason": "x"},
        {"service": ["rds"], "reason": "x"},
        {"service": "rds"},
        {"service": "rds", "reason": 1},
    ],
)
def test_a_failure_needs_a_known_service_and_a_reason(backup_cloud: RunningCloud, body: Any) -> None:
    assert post(backup_cloud, "/_control/failures", body) == 400


def test_all_tokens_can_be_revoked(backup_cloud: RunningCloud) -> None:
    assert post(backup_cloud, "/_control/tokens/revoke") == 204
