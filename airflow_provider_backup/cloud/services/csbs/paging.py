"""The pages of CSBS's lists (CSBS section 6.5)."""

from airflow_provider_backup.cloud.operations.pagination import MarkerPages

PAGES = MarkerPages(page_size=1000)
"""1,000 rows are what the service itself takes without ``limit``."""
