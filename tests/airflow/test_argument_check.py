"""Arguments are checked once, after the constructors of all classes of an operator."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.operators.rds import RdsCreateBackupOperator


class NamedByTheConstructor(RdsCreateBackupOperator):
    """What a DAG author may write: an argument is set after the constructor of the base class."""

    def __init__(self, *, later_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = later_name


class Counting(RdsCreateBackupOperator):
    """Counts its checks."""

    checks = 0

    def check_arguments(self) -> None:
        """Count."""
        super().check_arguments()
        type(self).checks += 1


def test_a_subclass_is_checked_with_what_its_own_constructor_sets() -> None:
    with pytest.raises(InvalidRequestError, match="name: "):
        NamedByTheConstructor(task_id="wrong", instance_id="id", later_name="5 is no first letter")

    assert NamedByTheConstructor(task_id="right", instance_id="id", later_name="good-name").name == "good-name"


def test_an_operator_is_checked_once() -> None:
    Counting.checks = 0
    Counting(task_id="backup", instance_id="id")
    assert Counting.checks == 1
