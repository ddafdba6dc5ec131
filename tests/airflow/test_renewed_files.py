"""Files that a connection names (authorities, client certificate, key) count with their content."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_backup.cloud.http import tls as tls_module
from airflow_provider_backup.cloud.settings import FileVersion
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.conftest import CONNECTION, ChangeLimits
from tests.airflow.service_matrix import finish_backups, started
from tests.cloud.certificates import Certificate, new_certificate, new_key_pair


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """A file for each field that names one."""
    pair = new_key_pair(tmp_path, "client")
    (tmp_path / "ca.pem").write_text(Path(pair.certificate).read_text())
    return {"ca_bundle": f"{tmp_path}/ca.pem", "client_certificate": pair.certificate, "client_key": pair.key}


def renew(path: str, source: str) -> None:
    """Put another file in the place of one, as what renews certificates does."""
    shutil.copy(source, f"{path}.new")
    os.replace(f"{path}.new", path)


@pytest.fixture
def no_memory(change_limits: ChangeLimits) -> None:
    """Let connections be looked up each time."""
    change_limits(connection_memory=0.0)


@pytest.mark.usefixtures("no_memory")
@pytest.mark.parametrize("field", ["ca_bundle", "client_certificate", "client_key"])
async def test_a_renewed_file_makes_other_settings_and_an_unchanged_one_the_same(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, files: dict[str, Any], field: str
) -> None:
    monkeypatch.setenv(CONNECTION, cloud.connection_json(**files))
    before = await BackupCloudHook().recent_settings()
    assert await BackupCloudHook().recent_settings() == before

    renew(files[field], files[field])

    assert await BackupCloudHook().recent_settings() != before


@pytest.mark.usefixtures("no_memory")
async def test_a_file_that_is_missing_is_left_to_the_request_that_needs_it(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, cloud.connection_json(ca_bundle="/nowhere/ca.pem"))
    assert (await BackupCloudHook().recent_settings()).network.file_versions == (None,)


@pytest.mark.usefixtures("no_memory")
async def test_files_are_looked_at_off_the_event_loop(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, files: dict[str, Any]
) -> None:
    threads: list[threading.Thread] = []
    version_of = tls_module._version_of

    def noted(path: str) -> FileVersion:
        threads.append(threading.current_thread())
        return version_of(path)

    monkeypatch.setattr(tls_module, "_version_of", noted)
    monkeypatch.setenv(CONNECTION, cloud.connection_json(**files))
    await BackupCloudHook().recent_settings()

    assert len(threads) == len(files)
    assert threading.main_thread() not in threads


@pytest.fixture
def server_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """What the local cloud shows at first."""
    return new_certificate(tmp_path_factory.mktemp("old"), "cloud.example")


@pytest.fixture
def tls_cloud(server_certificate: Certificate) -> Iterator[RunningCloud]:
    """A local cloud that speaks https."""
    cloud = RunningCloud(backup_seconds=0.05)
    cloud._cloud._tls = server_certificate.server
    with cloud:
        yield cloud


async def event_of(arguments: dict[str, Any]) -> Any:
    """Run a trigger to its event."""
    async for event in BackupTrigger(**arguments).run():
        return event.payload


def test_a_running_wait_continues_with_a_renewed_file(
    tls_cloud: RunningCloud,
    server_certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text(Path(server_certificate.bundle).read_text())
    monkeypatch.setenv(CONNECTION, tls_cloud.connection_json(attempts=2, retry_wait=0.05, ca_bundle=str(bundle)))
    arguments = started(tls_cloud, "rds").trigger_arguments | {"poll_interval": 0.1}

    async def renewed_meanwhile() -> Any:
        waiting = asyncio.create_task(event_of(arguments))
        await asyncio.sleep(0.3)
        other = new_certificate(tmp_path, "cloud.example")
        renew(str(bundle), other.bundle)
        tls_cloud._cloud._tls = other.server
        await asyncio.to_thread(tls_cloud.restart)
        finish_backups(tls_cloud)
        return await asyncio.wait_for(waiting, 20)

    event = asyncio.run(renewed_meanwhile())

    assert (event["outcome"], event.get("phase")) == ("over", "good"), event
