"""Backups on Huawei Cloud, Open Telekom Cloud and their sister clouds, taken and waited for from Apache Airflow."""

__version__ = "0.1.0"
