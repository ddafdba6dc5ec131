"""The pages of VBS's lists (VBS sections 3.5 and 5)."""

from airflow_provider_backup.cloud.operations.pagination import LinkPages, OffsetPages

BACKUP_PAGES = LinkPages(page_size=1000)
"""1,000 rows are the most that a page may have."""

SHARE_PAGES = LinkPages(page_size=1000)
"""The pages of shared backups."""

TASK_PAGES = OffsetPages(page_size=100, total_member="count")
