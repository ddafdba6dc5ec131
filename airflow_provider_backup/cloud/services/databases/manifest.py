"""What statuses and error codes of the database services mean (databases sections 2 and 12)."""

from airflow_provider_backup.cloud.errors import (
    ApiDuplicateNameError,
    ApiError,
    ApiNotFoundError,
    ApiResourceBusyError,
    AuthenticationError,
    BadRequestError,
    PermissionDeniedError,
    QuotaExceededError,
)
from airflow_provider_backup.cloud.manifest import StatusWords, classify, codes
from airflow_provider_backup.cloud.operations.status import phase_reader

STATUSES = StatusWords(in_progress="building pending")

phase_of = phase_reader(STATUSES)
"""Return the phase of a status of any of the services."""

HEADERS = {"X-Language": "en-us"}

NO_SUCH_INSTANCE = codes("DBS", "200002 200013 200045 200408 200602 201028 290005 290011")
"""What the services say of an instance that they do not know."""

ERROR_CLASSES: dict[str, type[ApiError]] = classify(
    {
        ApiResourceBusyError: codes(
            "DBS",
            "200011 200018 200019 200047 200076 200080 200463 200611 201014 201015 201202 201205 201206 201208 212006 "
            "212033 216011 280011 280343 280816 01010337 01280030 05000084 06020003",
        )
        + " RDS.3004",
        ApiDuplicateNameError: codes("DBS", "201201 201209 200022"),
        ApiNotFoundError: NO_SUCH_INSTANCE + " " + codes("DBS", "200543 201010 201203 290013"),
        QuotaExceededError: codes("DBS", "200046 200316 290003") + " RDS.3003",
        # These come with 409, but nothing runs that would end.
        BadRequestError: codes("DBS", "200402 280406"),
        # A dead token that comes with 403.
        AuthenticationError: codes("DBS", "280056"),
        PermissionDeniedError: codes("DBS", "200010 200044 200604 201003 280015 280020"),
    }
)
