"""The registry: every cloud service, a line each.

Clients, hooks, provider info and the local cloud find the services here, and each service's manifest says the rest. The
order is that of the ports of the local cloud, so that new services come last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.cloud.services.registered_service import RegisteredService

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.cbr.service import CbrService
    from airflow_provider_backup.cloud.services.csbs.service import CsbsService
    from airflow_provider_backup.cloud.services.gaussdb.service import GaussDbService
    from airflow_provider_backup.cloud.services.rds.service import RdsService
    from airflow_provider_backup.cloud.services.taurusdb.service import TaurusDbService
    from airflow_provider_backup.cloud.services.vbs.service import VbsService


class RegisteredServices:
    """The services by the names of their packages, each with the type of its client."""

    vbs: RegisteredService[VbsService] = RegisteredService()
    csbs: RegisteredService[CsbsService] = RegisteredService()
    cbr: RegisteredService[CbrService] = RegisteredService()
    rds: RegisteredService[RdsService] = RegisteredService()
    gaussdb: RegisteredService[GaussDbService] = RegisteredService()
    taurusdb: RegisteredService[TaurusDbService] = RegisteredService()


SERVICES = {
    name: entry.manifest for name, entry in vars(RegisteredServices).items() if isinstance(entry, RegisteredService)
}
"""The manifests of all services by name."""
