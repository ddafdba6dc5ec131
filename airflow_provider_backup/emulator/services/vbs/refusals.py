"""How VBS says no: its codes, the statuses that go with them, and its two forms of error bodies (VBS section 6)."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from airflow_provider_backup.cloud.schema.base import violations_of
from airflow_provider_backup.emulator.core.service import ServiceError

_MESSAGES = {
    "common.0011": "The job does not exist.",
    "AutoBackup.0000": "The request is empty.",
    "AutoBackup.0001": "The request has no scheduled_policy.",
    "AutoBackup.0006": "The ID of the backup policy is empty.",
    "AutoBackup.0008": "The request cannot be read.",
    "AutoBackup.0104": "The status must be ON or OFF.",
    "AutoBackup.0105": "Whether the first backup of the month stays must be Y or N.",
    "AutoBackup.0203": "No more backup policies can be created.",
    "AutoBackup.0205": "The backup policy does not exist.",
    "AutoBackup.0206": "The status of the disk is invalid.",
    "AutoBackup.0207": "The list of resources is empty.",
    "AutoBackup.0209": "The ID of a resource is empty.",
    "AutoBackup.0211": "The type of a resource is invalid.",
    "AutoBackup.0221": "The request contains < or >.",
    "AutoBackup.0222": "The query is not supported.",
    "AutoBackup.0225": "The backup policy is being executed.",
    "AutoBackup.1100": "The backup policy does not exist.",
    "AutoBackup.1400": "The resource is invalid.",
    "VolumeBackup.0002": "The request is malformed.",
    "VolumeBackup.0005": "The name of a backup must not start with auto.",
    "VolumeBackup.0007": "The name is empty.",
    "VolumeBackup.0010": "The ID of the disk is empty.",
    "VolumeBackup.0011": "The ID of the disk is malformed.",
    "VolumeBackup.0012": "The disk is neither available nor in use.",
    "VolumeBackup.0013": "The previous backup of the disk is not finished.",
    "VolumeBackup.0020": "The snapshot does not exist.",
    "VolumeBackup.0021": "The disk does not exist.",
    "VolumeBackup.0089": "The backup is not available.",
    "VolumeBackup.0110": "The backup cannot be found.",
    "VolumeBackup.0125": "The backup cannot be deleted in its present state.",
    "VolumeBackup.0111": "The backup does not exist.",
    "VolumeBackup.0202": "The disk has failed.",
    "VolumeBackup.0205": "The disk is not available: it must be detached, and no restore may run on it.",
    "VolumeBackup.0206": "The disk is being backed up.",
    "VolumeBackup.0207": "The disk does not exist.",
    "VolumeBackup.0208": "The ID of the disk is wrong.",
    "VolumeBackup.0209": "The disk is smaller than the backup.",
    "VolumeBackup.0210": "The request for a restore is malformed.",
    "VolumeBackup.0040": "The disk has as many backups as it may have.",
}
# The vendor gives no statuses for its codes; these follow the generic tables (VBS section 6.1).
_NOT_FOUND = {
    "common.0011",
    "AutoBackup.0205",
    "AutoBackup.1100",
    "VolumeBackup.0021",
    "VolumeBackup.0110",
    "VolumeBackup.0111",
    "VolumeBackup.0207",
}
_NATIVE_FAULTS = {400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 413: "overLimit"}

_POLICY_CODES = {
    "name": "AutoBackup.0102",
    "start_time": "AutoBackup.0103",
    "enabled": "AutoBackup.0104",
    "keep_first_backup_of_month": "AutoBackup.0105",
    "frequency": "AutoBackup.0106",
    "week_frequency": "AutoBackup.0106",
    "retention_num": "AutoBackup.0107",
    "retention_day": "AutoBackup.0107",
    "time_zone": "AutoBackup.0226",
    "tags": "AutoBackup.0214",
}
_BACKUP_CODES = {
    "volume_id": "VolumeBackup.0010",
    "name": "VolumeBackup.0004",
    "description": "VolumeBackup.0006",
    "tags": "VolumeBackup.0049",
}
# Some broken rules of a field have a code of their own: too short, too long, missing.
_PRECISE_CODES = {
    ("AutoBackup.0102", "missing"): "AutoBackup.0101",
    ("AutoBackup.0102", "string_too_short"): "AutoBackup.0101",
    ("AutoBackup.0102", "string_too_long"): "AutoBackup.0101",
    ("AutoBackup.0214", "too_long"): "AutoBackup.0215",
    ("VolumeBackup.0004", "missing"): "VolumeBackup.0007",
    ("VolumeBackup.0004", "string_too_short"): "VolumeBackup.0007",
    ("VolumeBackup.0004", "string_too_long"): "VolumeBackup.0003",
    ("VolumeBackup.0049", "too_long"): "VolumeBackup.0050",
}


def refusal(code: str) -> ServiceError:
    """Return the refusal with one of the vendor's codes."""
    return ServiceError(404 if code in _NOT_FOUND else 400, code, _MESSAGES[code])


def native_refusal(status: int, message: str) -> ServiceError:
    """Return the refusal of a native call; its code is the status."""
    return ServiceError(status, str(status), message)


def policy_refusal(error: ValidationError) -> ServiceError:
    """Return the refusal for the first rule that a policy breaks."""
    return _refusal_of(error, _POLICY_CODES, "AutoBackup.0001")


def backup_refusal(error: ValidationError) -> ServiceError:
    """Return the refusal for the first rule that a new backup breaks."""
    return _refusal_of(error, _BACKUP_CODES, "VolumeBackup.0002")


def _refusal_of(error: ValidationError, codes: dict[str, str], otherwise: str) -> ServiceError:
    detail, violation = error.errors()[0], violations_of(error)[0]
    field = next((str(part) for part in detail["loc"] if part in codes), "")
    code = codes.get(field, otherwise)
    return ServiceError(400, _PRECISE_CODES.get((code, detail["type"]), code), str(violation))


def error_body(status: int, code: str, message: str) -> dict[str, Any]:
    """Return an error body; a code that is a number belongs to a native call."""
    if code.isdigit():
        return {_NATIVE_FAULTS.get(status, "computeFault"): {"code": status, "message": message}}
    return {"error": {"code": code, "message": message}}
