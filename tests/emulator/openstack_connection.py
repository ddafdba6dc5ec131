"""The connection of openstacksdk and otcextensions to a local cloud, for the tests with other people's clients."""

from __future__ import annotations

import openstack
from otcextensions import sdk as otc

from airflow_provider_backup.emulator.threaded import RunningCloud


def otc_connection(cloud: RunningCloud) -> openstack.connection.Connection:
    """Return a connection with user and password that finds its endpoints in the catalog.

    :param cloud: where to log in.
    """
    place = cloud.describe()
    connection = openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        region_name=place["region"],
        auth={
            "auth_url": cloud.auth_url,
            "username": place["user"],
            "password": place["password"],
            "user_domain_name": place["domain"],
            "project_name": place["project_name"],
        },
    )
    otc.register_otc_extensions(connection)
    return connection
