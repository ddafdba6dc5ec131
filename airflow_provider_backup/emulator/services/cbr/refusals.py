"""The documented refusals: code, HTTP status and wording (CBR section 14.2)."""

from __future__ import annotations

from airflow_provider_backup.emulator.core.service import ServiceError

INVALID = "BackupService.9900"
"""The code for a parameter that fails the check."""

_REFUSALS = {
    "0001": (400, "There is nothing to back up."),
    "1005": (400, "Backups cannot be copied from the region %s to the region %s."),
    "1011": (400, "The project %s is not one of the region %s."),
    "2001": (400, "The disk %s is smaller than the backup."),
    "2002": (400, "The resource %s is being backed up."),
    "2003": (400, "The backup is not one of the server %s."),
    "2005": (400, "The backup %s is %s and cannot be restored."),
    "2008": (400, "The status of the server %s forbids a restore."),
    "2010": (400, "The resource %s is being restored."),
    "2011": (400, "The disk %s is %s: only a disk that is detached can be restored."),
    "2013": (400, "The backup %s of a data disk cannot be restored to the system disk %s."),
    "6000": (404, "The policy %s does not exist."),
    "6001": (400, "The number of policies has reached its quota of %s."),
    "6002": (404, "The policy %s is not bound to the vault %s."),
    "6003": (400, "The destination region cannot be changed while the policy is bound to a vault."),
    "6100": (400, "A vault holds %s resources at most."),
    "6101": (400, "The capacity of %s GB is not possible: %s GB are used."),
    "6102": (400, "The vault does not take resources of the type %s."),
    "6103": (400, "The resource %s is in the vault %s already."),
    "6104": (400, "The resource %s stands twice in the request."),
    "6105": (404, "The vault %s does not exist."),
    "6110": (400, "The vault %s is locked, which cannot be undone."),
    "6114": (400, "The vault %s is full."),
    "6116": (400, "Resources of the type %s are not supported."),
    "6119": (400, "The vault %s takes no copies: its protect_type is not replication."),
    "6120": (400, "The vault %s does not exist in the region %s."),
    "6122": (400, "Backups of the type %s cannot be copied."),
    "6124": (400, "The vault %s receives copies only: it cannot be backed up to."),
    "6125": (400, "A backup of the vault %s is running."),
    "6127": (400, "The policy %s does not fit the vault %s."),
    "6128": (400, "The vault %s is not for copies of %s."),
    "6129": (400, "The vault %s is full."),
    "6130": (400, "The backup %s is being copied to the region %s."),
    "6134": (400, "The resource %s is being removed."),
    "6135": (400, "The resource %s is not in the vault."),
    "6200": (404, "The backup %s does not exist."),
    "6201": (400, "The backup %s cannot be deleted."),
    "6203": (400, "The backup %s is running."),
    "6204": (400, "An image was made from the backup %s."),
    "6217": (404, "The restore point %s does not exist."),
    "6206": (400, "The metadata of the backup %s cannot be read while it is %s."),
    "6215": (400, "The status of the resource %s forbids a backup."),
    "6216": (400, "The backup %s is in use."),
    "6220": (400, "The vault %s is locked: its automatic backups cannot be deleted by hand."),
    "6302": (404, "The resource %s does not exist."),
    "6500": (404, "The operation log %s does not exist."),
    "6600": (400, "A vault has %s tags at most."),
    "6601": (404, "The vault has no tag %s."),
    "6700": (400, "Backups of the type %s cannot be shared."),
    "6701": (400, "A backup is shared with %s projects at most."),
    "6702": (400, "The backup %s is %s and cannot be shared."),
    "6703": (400, "The backup %s is shared with the project %s already."),
    "6704": (400, "A backup cannot be shared with the project %s."),
    "6705": (404, "The backup %s is not shared with the project %s."),
    "6706": (400, "The project %s cannot answer so: the sharing is %s."),
    "6707": (400, "The backup %s is a copy and cannot be shared."),
    "6713": (400, "The vault %s is not for servers."),
    "7000": (404, "The disk %s does not exist."),
    "7001": (400, "The status of the disk %s forbids a backup."),
    "7100": (404, "The server %s does not exist."),
    "7101": (400, "The status of the server %s forbids a backup."),
    "7201": (400, "The disk %s is not attached to the server."),
    "9900": (400, "The parameter check failed: %s"),
}


def refusal(number: str, *values: object) -> ServiceError:
    """Return a refusal.

    :param number: the code without its prefix ``BackupService.``.
    :param values: what goes into its message.
    """
    status, template = _REFUSALS[number]
    return ServiceError(status, f"BackupService.{number}", template % values)
