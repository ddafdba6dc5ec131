"""Log lines and next steps of submitting an operation and of finding it again."""

from __future__ import annotations

FOUND_BY_RECORD = "Found %s of this task again by its record; no second one is taken."
FOUND_AGAIN = "Found %s of this task again; no second one is taken."
ADOPTED = "Adopting %s, no other one is taken: %s."
FAILED_AT_ONCE = "Found %s, which this request began and which failed."
OF_ANOTHER = (
    "Found %s under the key of this task, which has not submitted one yet: another Airflow with the same DAG may have "
    "submitted it, or this DAG run was made again. The task adopts it, and never deletes it (delete_on_kill). If "
    "several Airflows use this cloud project, give each connection its own 'installation'."
)
OF_AN_EARLIER_RUN = (
    "%s has the key of this task, but began before this DAG run did: it was taken by a run of the same id that was "
    "deleted, or by another Airflow. The task does not adopt it."
)
OF_A_FAILED_TRY = "The %s of an earlier try cannot be used. %s A fresh one is submitted."

UNCLEAR = "The request got no clear answer; looking for its %s first: %s"
SENT_ONCE_MORE = "There is no such %s, and the connection is gone: sending the request once more."

NAMES_ARE_USED_UP = (
    "The service takes each name once, and all names of this task belong to backups that failed or that an earlier run "
    "of the same id took. Delete those that are not needed."
)
NAME_IS_TAKEN = (
    "The service takes each name once. Choose another one for each backup, for instance with "
    "{{ dag_run.start_date | ts_nodash }}, or adopt the backup of that name with if_exists='adopt'."
)
NAME_IS_LOST = (
    "The service takes each name once, and what has this one is not running or good, or is of another resource. Choose "
    "another name, or delete that backup."
)
NOT_PROVED = (
    "Look in the cloud what became of it. When it did not start, clear the task, which submits it again; otherwise "
    "wait until it is over."
)
