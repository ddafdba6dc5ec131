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
    "CSBS.6000": (400, "server do not exist"),
    "CSBS.6003": (400, "Resource (%s) type (%s) is not support protection."),
    "CSBS.6004": (400, "Server (%s) is already in service."),
    "CSBS.6005": (400, "Server (%s) is already in service."),
    "CSBS.6006": (400, "Server (%s) status (%s) is not allowed to protect."),
    "CSBS.6007": (400, "No volume attached to the server (%s) for protect."),
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
