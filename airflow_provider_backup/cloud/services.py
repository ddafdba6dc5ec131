"""The registry: every cloud service that the client speaks to, a line each."""

from airflow_provider_backup.cloud.cbr.definition import DEFINITION as CBR
from airflow_provider_backup.cloud.csbs.definition import DEFINITION as CSBS
from airflow_provider_backup.cloud.gaussdb.definition import DEFINITION as GAUSSDB
from airflow_provider_backup.cloud.rds.definition import DEFINITION as RDS
from airflow_provider_backup.cloud.taurusdb.definition import DEFINITION as TAURUSDB
from airflow_provider_backup.cloud.vbs.definition import DEFINITION as VBS

SERVICES = {definition.name: definition for definition in (VBS, CSBS, CBR, RDS, GAUSSDB, TAURUSDB)}
"""All services by name."""
