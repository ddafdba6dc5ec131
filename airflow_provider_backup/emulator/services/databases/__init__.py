"""RDS, GaussDB and TaurusDB of the local cloud: one shared code, a file each for what differs.

Automatic backup policies are kept but never run; each instance has one automatic backup from the start.
"""

from airflow_provider_backup.emulator.services.databases.gaussdb import EmulatedGaussDb
from airflow_provider_backup.emulator.services.databases.rds import EmulatedRds
from airflow_provider_backup.emulator.services.databases.taurusdb import EmulatedTaurusDb

__all__ = ["EmulatedGaussDb", "EmulatedRds", "EmulatedTaurusDb"]
