"""Which addresses belong to this machine alone."""

from __future__ import annotations

import pytest

from airflow_provider_backup.emulator.loopback import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "::ffff:127.0.0.1"])
def test_an_address_of_this_machine_is_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "2001:db8::1", "fe80::1%eth0", "", "example.org"])
def test_an_address_that_others_can_have_or_reach_is_not(host: str) -> None:
    assert not is_loopback(host)
