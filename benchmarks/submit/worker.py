"""A worker: runs ``execute`` of one create operator after the other, each up to its deferral, as a task does."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time

from airflow_provider_backup.operators.rds import RdsCreateBackupOperator
from benchmarks.answers import Answers
from tests.airflow.task_runs import Deferred, TaskRun


def main() -> None:
    """Start a backup of each instance that a line of standard input names; say how long each took, and the errors."""
    parser = argparse.ArgumentParser(prog="benchmarks.submit.worker")
    parser.add_argument("number", type=int)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    answers = Answers()
    answers.say("ready")
    instances = json.loads(sys.stdin.readline())
    seconds, errors = [], []
    for number, instance_id in enumerate(instances):
        began = time.monotonic()
        operator = RdsCreateBackupOperator(
            task_id=f"backup_{options.number}_{number}", instance_id=instance_id, deferrable=True
        )
        try:
            ended = TaskRun(operator).execute()
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
        else:
            if not isinstance(ended, Deferred):
                errors.append(f"not deferred: {ended}")
        seconds.append(time.monotonic() - began)
    answers.say(json.dumps({"seconds": seconds, "errors": errors}))


if __name__ == "__main__":
    main()
