"""The documented refusals: code, HTTP status and wording (CSBS section 10)."""

from __future__ import annotations

from airflow_provider_backup.emulator.core.service import ServiceError

_REFUSALS = {
    "CSBS.0001": (400, "Service over limit"),
    "CSBS.1001": (500, "The policy is executing backup."),
    "CSBS.2003": (400, "item in executing"),
    "CSBS.2004": (400, "item in plan executing"),
    "CSBS.3000": (404, "plan not found"),
    "CSBS.3001": (404, "Checkpoint_item (%s) is not found."),
    "CSBS.4000": (400, "checkpoint item not available"),
    "CSBS.6000": (400, "server do not exist"),
    "CSBS.6003": (400, "Resource (%s) type (%s) is not support protection."),
    "CSBS.6004": (400, "Server (%s) is already in service."),
    "CSBS.6005": (400, "Server (%s) is already in service."),
    "CSBS.6006": (400, "Server (%s) status (%s) is not allowed to protect."),
    "CSBS.6007": (400, "No volume attached to the server (%s) for protect."),
    "CSBS.6013": (400, "Resource (%s) type (%s) is not support restoration."),
    "CSBS.6014": (400, "Volume(s) (%s) not found in target server."),
    "CSBS.6015": (400, "The server is restoring."),
    "CSBS.6017": (400, "Can not find backup(s) (%s) in checkpoint item (%s)."),
    "CSBS.6018": (400, "Not assign backup(s) (%s) to volume(s), partial restore is not supported."),
    "CSBS.6020": (400, "No volume attached to the server (%s) for restore."),
    "CSBS.6023": (500, "Can not restore data volume to system volume. server id is (%s)."),
    "CSBS.6024": (400, "Target volume (%s) size (%s) small than volume backup (%s) size (%s)."),
    "CSBS.6025": (400, "The AZ of local checkpoint item (%s) is not support to restore the resource (%s)."),
    "CSBS.6030": (500, "auto plan executing"),
    "CSBS.6032": (500, "plan has no resource backup"),
    "CSBS.9001": (400, "provider invalid"),
    "CSBS.9007": (400, "duplicate service name"),
}


def refusal(code: str, *values: str) -> ServiceError:
    """Return a refusal in the service's own words.

    :param code: the service's code.
    :param values: what goes into its message.
    """
    status, template = _REFUSALS[code]
    return ServiceError(status, code, template % values if values else template)
