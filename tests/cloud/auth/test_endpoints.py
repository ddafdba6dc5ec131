"""Where each service lives: explicit endpoint, catalog, host pattern (access section 3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.auth.endpoints import auth_url, refuse_plain_http, service_url, without_version
from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import CloudSettings, NetworkSettings, PasswordCredentials

PROJECT = "7d41a2b3c4d5e6f708192a3b4c5d6e7f"
json_values = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["url", "region", "x"]), inner),
    max_leaves=6,
)


def settings(**given: Any) -> CloudSettings:
    endpoints = CloudSettings.endpoint_pairs(given.pop("endpoints", {}))
    credentials = PasswordCredentials("me", "secret", "account")
    return CloudSettings(credentials, **{"region": "eu-de", "cloud": "otc"} | given, endpoints=endpoints)


def entry(kind: str, url: str, *, region: str | None = "eu-de", interface: str = "public") -> dict[str, Any]:
    return {"type": kind, "endpoints": [{"interface": interface, "region_id": region, "url": url}]}


# Access section 3.1.
HOSTS = [
    ("huaweicloud", "cn-north-4", "iam", "iam.cn-north-4.myhuaweicloud.com"),
    ("huaweicloud", "cn-north-4", "cbr", "cbr.cn-north-4.myhuaweicloud.com"),
    ("huaweicloud", "cn-north-4", "csbs", "csbs.cn-north-4.myhuaweicloud.com"),
    ("huaweicloud", "cn-north-4", "vbs", "vbs.cn-north-4.myhuaweicloud.com"),
    ("huaweicloud", "cn-north-4", "rds", "rds.cn-north-4.myhuaweicloud.com"),
    ("huaweicloud", "cn-north-4", "gaussdb", "gaussdb-opengauss.cn-north-4.myhuaweicloud.com"),
    ("huaweicloud", "cn-north-4", "taurusdb", "gaussdb.cn-north-4.myhuaweicloud.com"),
    ("huaweicloud", "eu-west-101", "iam", "iam.eu-west-101.myhuaweicloud.eu"),
    ("huaweicloud", "eu-west-101", "rds", "rds.eu-west-101.myhuaweicloud.eu"),
    ("huaweicloud", "eu-west-101", "cbr", "cbr.eu-west-101.myhuaweicloud.com"),
    ("otc", "eu-nl", "iam", "iam.eu-nl.otc.t-systems.com"),
    ("otc", "eu-nl", "cbr", "cbr.eu-nl.otc.t-systems.com"),
    ("otc", "eu-de", "csbs", "csbs.eu-de.otc.t-systems.com"),
    ("otc", "eu-de", "vbs", "vbs.eu-de.otc.t-systems.com"),
    ("otc", "eu-de", "rds", "rds.eu-de.otc.t-systems.com"),
    ("otc", "eu-de", "gaussdb", "gaussdb.eu-de.otc.t-systems.com"),
    ("otc", "eu-de", "taurusdb", "gaussdb-mysql.eu-de.otc.t-systems.com"),
    ("otc-swiss", "eu-ch2", "iam", "iam-pub.eu-ch2.sc.otc.t-systems.com"),
    ("otc-swiss", "eu-ch2", "cbr", "cbr.eu-ch2.sc.otc.t-systems.com"),
    ("flexibleengine", "eu-west-0", "iam", "iam.eu-west-0.prod-cloud-ocb.orange-business.com"),
    ("flexibleengine", "eu-west-0", "vbs", "vbs.eu-west-0.prod-cloud-ocb.orange-business.com"),
    *(
        ("huaweicloud", region, "gaussdb", f"gaussdb.{region}.myhuaweicloud.com")
        for region in "cn-east-2 cn-east-4 cn-east-5 cn-north-12 ap-southeast-5 tr-west-1 me-east-1 af-north-1".split()
    ),
    *(
        ("huaweicloud", region, "taurusdb", f"gaussdbformysql.{region}.myhuaweicloud.com")
        for region in "tr-west-1 ap-southeast-1 ap-southeast-2 cn-north-11 me-east-1".split()
    ),
    *(
        ("huaweicloud", region, "taurusdb", f"gaussdb-mysql.{region}.myhuaweicloud.com")
        for region in "af-south-1 cn-east-5 la-north-2 cn-southwest-3".split()
    ),
]


@pytest.mark.parametrize(("cloud", "region", "service", "host"), HOSTS)
def test_cloud_and_region_tell_the_host(cloud: str, region: str, service: str, host: str) -> None:
    place = settings(cloud=cloud, region=region)
    if service == "iam":
        assert auth_url(place) == f"https://{host}/v3"
    else:
        assert service_url(SERVICES[service], place) == f"https://{host}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_custom_cloud_has_no_host_pattern(service: str) -> None:
    with pytest.raises(ConfigurationError, match=f"no known address of {service}.*Set the endpoint of {service}"):
        service_url(SERVICES[service], settings(cloud="custom"))


def test_a_custom_cloud_needs_an_auth_url() -> None:
    with pytest.raises(ConfigurationError, match="Set the endpoint of iam in the connection, or the auth URL"):
        auth_url(settings(cloud="custom"))


@pytest.mark.parametrize(
    "given_url",
    [
        "https://iam.example",
        "https://iam.example/",
        "https://iam.example/v3",
        "https://iam.example/v3/",
        "https://iam.example/v3.0",
        "https://iam.example/v3/auth/tokens",
        "iam.example",
        " iam.example/v3 ",
    ],
)
@pytest.mark.parametrize("place", ["auth_url", "endpoints"])
def test_every_way_to_write_the_auth_url_is_understood(place: str, given_url: str) -> None:
    given_place: Any = given_url if place == "auth_url" else {"iam": given_url}
    assert auth_url(settings(**{place: given_place})) == "https://iam.example/v3"


def test_an_explicit_endpoint_goes_before_catalog_and_pattern() -> None:
    place = settings(endpoints={"cbr": "https://cbr.example/v3/p"})
    assert service_url(SERVICES["cbr"], place, [entry("cbr", "https://other")]) == "https://cbr.example"


def test_the_catalog_goes_before_the_pattern() -> None:
    assert service_url(SERVICES["cbr"], settings(), [entry("cbr", f"https://cbr.x/v3/{PROJECT}")]) == "https://cbr.x"


# Access section 3.3.
@pytest.mark.parametrize(
    ("service", "kind", "url", "base"),
    [
        ("vbs", "vbsv2", f"https://vbs.x/v2/{PROJECT}", "https://vbs.x"),
        ("vbs", "vbs", "https://vbs.x/v2/", "https://vbs.x"),
        ("csbs", "data-protect", f"https://csbs.x/v1/{PROJECT}", "https://csbs.x"),
        ("cbr", "cbr", f"https://cbr.x/v3/{PROJECT}", "https://cbr.x"),
        ("rds", "rdsv3", f"https://rds.x/v3/{PROJECT}", "https://rds.x"),
        ("taurusdb", "gaussdb-mysql", f"https://gm.x/v3/{PROJECT}", "https://gm.x"),
        ("taurusdb", "gaussdb-mysql", f"https://gm.x/mysql/v3/{PROJECT}", "https://gm.x/mysql"),
        ("gaussdb", "gaussdb-opengauss", f"https://g.x/v3/{PROJECT}", "https://g.x"),
        ("cbr", "cbr", "https://cbr.x/v3/$(tenant_id)s", "https://cbr.x"),
    ],
)
def test_every_recorded_form_of_a_catalog_entry_is_read(service: str, kind: str, url: str, base: str) -> None:
    assert service_url(SERVICES[service], settings(), [entry(kind, url)]) == base


def test_the_better_type_of_a_catalog_wins_in_any_order() -> None:
    catalog = [entry("vbs", "https://second/v2/"), entry("vbsv2", "https://first/v2/p")]
    assert service_url(SERVICES["vbs"], settings(), catalog) == "https://first"


@pytest.mark.parametrize("region", ["eu-de", "*", None])
def test_an_entry_of_this_region_or_of_all_regions_counts(region: str | None) -> None:
    assert service_url(SERVICES["cbr"], settings(), [entry("cbr", "https://c", region=region)]) == "https://c"


@pytest.mark.parametrize(
    "other",
    [
        entry("cbr", "https://c", region="eu-nl"),
        entry("cbr", "https://c", interface="internal"),
        entry("cbr", ""),
        entry("rds", "https://c"),
        {"type": "cbr"},
        {"type": "cbr", "endpoints": None},
        {"type": "cbr", "endpoints": ["https://c"]},
    ],
)
def test_an_entry_that_does_not_fit_is_passed_over(other: dict[str, Any]) -> None:
    assert service_url(SERVICES["cbr"], settings(), [other]) == "https://cbr.eu-de.otc.t-systems.com"


@given(st.lists(st.dictionaries(st.sampled_from(["type", "name"]), st.just("cbr") | json_values)), json_values)
def test_any_catalog_is_survived(catalog: list[dict[str, Any]], endpoint: Any) -> None:
    broken = [*catalog, {"type": "cbr", "endpoints": [endpoint]}]
    assert service_url(SERVICES["cbr"], settings(), broken) == "https://cbr.eu-de.otc.t-systems.com"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "https://",
        "https://host:99999",
        "https://[::1",
        "https://ho st",
        "https://host/?x=1",
        "https://me:VERY-SECRET@host",
        "https://me:VERY-SECRET@host:99999",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    for place in (settings(auth_url=url), settings(endpoints={"iam": url})):
        with pytest.raises(ConfigurationError, match="must be a plain web address.*https://host") as caught:
            auth_url(place)
        assert "VERY-SECRET" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="must be a plain web address"):
        service_url(SERVICES["cbr"], settings(endpoints={"cbr": url}))


@pytest.mark.parametrize("url", ["http://cbr.example", "http://10.0.0.1:80", "http://127.0.0.1.evil.example"])
def test_plain_http_to_another_machine_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="would send credentials unprotected.*allow_plain_http"):
        refuse_plain_http(url, settings())
    with pytest.raises(ConfigurationError, match="would send credentials unprotected"):
        service_url(SERVICES["cbr"], settings(endpoints={"cbr": url}))
    with pytest.raises(ConfigurationError, match="would send credentials unprotected"):
        service_url(SERVICES["cbr"], settings(), [entry("cbr", url)])
    with pytest.raises(ConfigurationError, match="would send credentials unprotected"):
        auth_url(settings(auth_url=url))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8780", "http://localhost", "http://[::1]:80", "HTTP://LOCALHOST"])
def test_plain_http_to_this_machine_is_allowed(url: str) -> None:
    assert refuse_plain_http(url, settings()) == url


def test_plain_http_is_allowed_by_name() -> None:
    place = settings(network=NetworkSettings(allow_plain_http=True))
    assert refuse_plain_http("http://cbr.example", place) == "http://cbr.example"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://h/v3", "https://h"),
        ("https://h/v3/", "https://h"),
        ("https://h/v2/p/", "https://h"),
        ("https://h/v3.1/p", "https://h"),
        ("https://h/mysql/v3/p", "https://h/mysql"),
        ("https://h", "https://h"),
        ("https://v3", "https://v3"),
        ("https://v3/v3", "https://v3"),
        ("https://v2.example/vbsv2", "https://v2.example/vbsv2"),
    ],
)
def test_version_and_project_are_cut_off(url: str, base: str) -> None:
    assert without_version(url) == base
    assert without_version(base) == base
