"""The registry: every cloud service that the client speaks to, a line each."""

from airflow_provider_backup.cloud.services.cbr.manifest import MANIFEST as CBR
from airflow_provider_backup.cloud.services.csbs.manifest import MANIFEST as CSBS
from airflow_provider_backup.cloud.services.gaussdb.manifest import MANIFEST as GAUSSDB
from airflow_provider_backup.cloud.services.rds.manifest import MANIFEST as RDS
from airflow_provider_backup.cloud.services.taurusdb.manifest import MANIFEST as TAURUSDB
from airflow_provider_backup.cloud.services.vbs.manifest import MANIFEST as VBS

SERVICES = {definition.name: definition for definition in (VBS, CSBS, CBR, RDS, GAUSSDB, TAURUSDB)}
"""All services by name."""
