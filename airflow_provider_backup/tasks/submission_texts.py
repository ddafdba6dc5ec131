"""Log messages and next steps of submitting and adopting an operation."""

from __future__ import annotations

_BEGINNINGS = {"backup": "Backing up", "restore": "Restoring", "replication": "Replicating"}

FOUND_BY_RECORD = "Adopting %s, which is recorded for this task."
FOUND_AGAIN = "Adopting %s, which belongs to this task."
ADOPTED = "Adopting %s: %s."
FAILED_AT_ONCE = "Found %s, which this request started and which failed."
OF_ANOTHER = (
    "Adopting %s, which has the key of this task, although the task has not submitted one yet: another Airflow with "
    "the same DAG may have submitted it, or this DAG run was created again. The task never deletes it "
    "(delete_on_kill). If several Airflows use this cloud project, set a different 'installation' in each connection."
)
OF_AN_EARLIER_RUN = (
    "Not adopting %s: it has the key of this task, but started before this DAG run. A deleted run of the same id, or "
    "another Airflow, submitted it."
)
OF_A_FAILED_TRY = "The %s of an earlier try cannot be used: %s Submitting a new one."

UNCLEAR = "The request got no clear answer; searching for its %s before sending it again: %s"
SENT_ONCE_MORE = "No such %s was found, and the connection was closed; sending the request again."

NAMES_ARE_USED_UP = (
    "The service accepts each name once, and all names of this task belong to backups that failed or that an earlier "
    "run of the same id took. Delete those that are not needed."
)
NAME_IS_TAKEN = (
    "The service accepts each name once. Choose another one for each backup, for instance with "
    "{{ dag_run.start_date | ts_nodash }}, or adopt the backup of that name with if_exists='adopt'."
)
NAME_IS_LOST = (
    "The service accepts each name once, and this one belongs to a backup that failed or is of another resource. "
    "Choose another name, or delete that backup."
)
NOT_PROVED = (
    "Check in the cloud whether it started. If it did not, clear the task, which submits it again; otherwise wait "
    "until it has finished."
)
REPEATED = (
    "An earlier try may have submitted a %s of %s, and what became of it cannot be proved; submitting it again "
    "(on_uncertain is 'repeat')."
)


def beginning(operation: str) -> str:
    """Return the words with which the log of a task begins, to be followed by what the operation is about.

    :param operation: the name of the operation, such as ``restore``.
    """
    return _BEGINNINGS.get(operation, f"Starting a {operation} of")
