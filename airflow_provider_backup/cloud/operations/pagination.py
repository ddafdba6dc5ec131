"""Lists that are read page by page come to an end, whatever the service says."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_backup.cloud.errors import UnexpectedResponseError

MOST_PAGES = 10_000
"""More pages than any list has: 1,000,000 rows where pages are smallest (databases section 4)."""


def page_numbers(title: str) -> Iterator[int]:
    """Count the pages of a list from 1, for the loop that reads them.

    :param title: what is listed, for the message.
    :raises UnexpectedResponseError: there are more than :data:`MOST_PAGES`, each with something new.
    """
    yield from range(1, MOST_PAGES + 1)
    raise UnexpectedResponseError(
        f"The list of {title} does not end: {MOST_PAGES} pages were read and there are more",
        next_step="Narrow the list down with filters; when there cannot be so many, tell the provider's support.",
    )
