"""The pages of the database services' lists (databases sections 4 and 11)."""

from airflow_provider_backup.cloud.operations.pagination import OffsetPages

PAGES = OffsetPages(page_size=100, total_member="total_count")
"""100 rows are the most that a page may have."""
