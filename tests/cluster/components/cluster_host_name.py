"""A host name for each component, as if it ran on a machine of its own; Airflow's ``[core] hostname_callable``.

This module is imported by every component: nothing else belongs here.
"""

import os


def host_name() -> str:
    """Return the name that the component was started with."""
    return os.environ.get("COMPONENT_NAME", "elsewhere")
