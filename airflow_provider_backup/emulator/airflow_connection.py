"""The Airflow connection that points at the local cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_backup.cloud.services.registry import SERVICES


def connection_json(cloud: Mapping[str, Any], *, with_access_key: bool = False, **extra: Any) -> str:
    """Return the connection as Airflow reads it from ``AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT``.

    :param cloud: what the local cloud says of itself when it is ready.
    :param with_access_key: sign with the access key and name the endpoints, in place of user, password and catalog.
    :param extra: further extra fields of the connection, such as ``attempts``.
    """
    if with_access_key:
        login, password = cloud["ak"], cloud["sk"]
        fields = {"endpoints": {name: cloud[name] for name in SERVICES if name in cloud}}
    else:
        login, password = cloud["user"], cloud["password"]
        fields = {"domain": cloud["domain"]}
    return json.dumps(
        {
            "conn_type": "huaweicloud_backup",
            "host": cloud["iam"],
            "login": login,
            "password": password,
            "extra": {"cloud": "custom", "region": cloud["region"], **fields, **extra},
        }
    )
