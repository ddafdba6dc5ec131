"""One service's address with verbs: paths, queries, bodies, and where requests go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import (
    BadRequestError,
    ConfigurationError,
    InvalidRequestError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.service_api import Query, query_pairs
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import CloudSettings
from tests.cloud.clients import PASSWORD, open_api, settings_for
from tests.cloud.unruly_server import PROJECT_ID, UnrulyServer, answer, fault, running

# ------------------------------------------------------------------------------------------------------------- queries


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ({}, []),
        ({"name": None}, []),
        ({"name": ""}, [("name", "")]),
        ({"limit": 0}, [("limit", "0")]),
        ({"all": True, "own": False}, [("all", "true"), ("own", "false")]),
        ({"id": ["a", "b"]}, [("id", "a"), ("id", "b")]),
        ({"id": []}, []),
        ({"id": ("a",)}, [("id", "a")]),
        ({"name": "ä &=+"}, [("name", "ä &=+")]),
    ],
)
def test_a_query_is_written_as_services_read_it(query: Query, pairs: list[tuple[str, str]]) -> None:
    assert query_pairs(query) == pairs


values = st.none() | st.text() | st.integers() | st.booleans() | st.lists(st.text()) | st.tuples(st.text())


@given(st.dictionaries(st.text(), values))
def test_a_query_keeps_every_value_in_its_order(query: dict[str, Any]) -> None:
    pairs = query_pairs(query)
    for name, value in query.items():
        expected = [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
        found = [text for other, text in pairs if other == name]
        assert found == [json.dumps(each) if isinstance(each, bool) else str(each) for each in expected]
    assert list(dict.fromkeys(name for name, _ in pairs)) == [name for name in query if query[name] not in (None, [])]


# --------------------------------------------------------------------------------------------------------- paths, verbs


@pytest.mark.parametrize("service", SERVICES)
async def test_every_service_is_asked_below_its_version_and_the_project(unruly: UnrulyServer, service: str) -> None:
    async with open_api(settings_for(unruly.url), service) as api:
        await api.get("backups", query={"limit": 10})
    version = SERVICES[service].version
    assert unruly.received[0].target == f"/{version}/{PROJECT_ID}/backups?limit=10"


async def test_another_version_can_be_asked_for(unruly: UnrulyServer) -> None:
    async with open_api(settings_for(unruly.url), "vbs") as api:
        await api.get("jobs", "j", version="v1")
    assert unruly.received[0].target == f"/v1/{PROJECT_ID}/jobs/j"


async def test_every_piece_of_a_path_is_encoded(unruly: UnrulyServer) -> None:
    async with open_api(settings_for(unruly.url)) as api:
        await api.get("policies", "a/b ?#%ä")
    assert unruly.received[0].target == f"/v3/{PROJECT_ID}/policies/a%2Fb%20%3F%23%25%C3%A4"


@pytest.mark.parametrize("segment", ["", ".", ".."])
@pytest.mark.parametrize("verb", ["get", "post", "put", "delete"])
async def test_an_id_that_would_change_the_path_is_refused_before_anything_is_sent(
    unruly: UnrulyServer, verb: str, segment: str
) -> None:
    async with open_api(settings_for(unruly.url, PASSWORD)) as api:
        with pytest.raises(InvalidRequestError, match="nothing was sent"):
            await getattr(api, verb)("policies", segment)
    assert not unruly.received
    assert not unruly.token_requests


@pytest.mark.parametrize("verb", ["post", "put", "delete"])
async def test_a_body_is_sent_as_json(unruly: UnrulyServer, verb: str) -> None:
    async with open_api(settings_for(unruly.url)) as api:
        assert await getattr(api, verb)("policies", body={"name": "ä"}) == {"fine": True}
    (received,) = unruly.received
    assert (received.method, received.headers["Content-Type"]) == (verb.upper(), "application/json")
    assert received.body == '{"name": "ä"}'.encode()


@pytest.mark.parametrize("verb", ["get", "post", "put", "delete"])
async def test_without_a_body_there_is_no_content_type(unruly: UnrulyServer, verb: str) -> None:
    unruly.then(answer(None, 204))
    async with open_api(settings_for(unruly.url)) as api:
        assert await getattr(api, verb)("policies", "p", query={"x": None}) is None
    (received,) = unruly.received
    assert (received.method, received.target) == (verb.upper(), f"/v3/{PROJECT_ID}/policies/p")
    assert (received.headers.get("Content-Type"), received.body) == (None, b"")


async def test_an_empty_object_is_a_body(unruly: UnrulyServer) -> None:
    async with open_api(settings_for(unruly.url)) as api:
        await api.post("policies", body={})
    assert unruly.received[0].body == b"{}"


@pytest.mark.parametrize(
    ("service", "language"), [("rds", "en-us"), ("gaussdb", "en-us"), ("taurusdb", "en-us"), ("cbr", None)]
)
async def test_databases_are_asked_for_english_words(unruly: UnrulyServer, service: str, language: str | None) -> None:
    async with open_api(settings_for(unruly.url), service) as api:
        await api.get("backups")
    assert unruly.received[0].headers.get("X-Language") == language


async def test_the_codes_of_the_service_are_known(unruly: UnrulyServer) -> None:
    unruly.then(fault(400, "BackupService.6125"))
    async with open_api(settings_for(unruly.url)) as api:
        with pytest.raises(ResourceBusyError):
            await api.post("checkpoints", body={})


async def test_a_post_is_called_harmless_by_the_caller(unruly: UnrulyServer) -> None:
    unruly.then(fault(503, "503"))
    async with open_api(settings_for(unruly.url)) as api:
        assert await api.post("query", repeatable=True) == {"fine": True}


async def test_the_gateway_without_such_a_path_does_not_count_as_a_missing_resource(unruly: UnrulyServer) -> None:
    unruly.then(fault(404, "APIGW.0101", "The API does not exist"))
    async with open_api(settings_for(unruly.url)) as api:
        with pytest.raises(BadRequestError, match="check endpoint, region, cloud"):
            await api.delete("policies", "p")


# --------------------------------------------------------------------------------------------------------------- where


async def test_the_catalog_shows_where_a_service_is(unruly: UnrulyServer) -> None:
    async with running() as service:
        url = f"{service.url}/v3/{PROJECT_ID}"
        unruly.catalog = [{"type": "cbr", "endpoints": [{"interface": "public", "region_id": "eu-de", "url": url}]}]
        async with open_api(settings_for(unruly.url, PASSWORD, endpoints=(), project_id=None)) as api:
            await api.get("policies")
        assert [each.target for each in service.received] == [f"/v3/{PROJECT_ID}/policies"]
        assert service.tokens == ["TOKEN-1"]


async def test_a_service_is_looked_for_where_the_latest_token_says(unruly: UnrulyServer) -> None:
    def cbr_at(service: UnrulyServer) -> list[dict[str, Any]]:
        endpoint = {"interface": "public", "region_id": "eu-de", "url": f"{service.url}/v3/{PROJECT_ID}"}
        return [{"type": "cbr", "endpoints": [endpoint]}]

    async with running() as before, running() as after:
        unruly.catalog = cbr_at(before)
        async with open_api(settings_for(unruly.url, PASSWORD, endpoints=(), project_id=None)) as api:
            await api.get("policies")
            unruly.catalog = cbr_at(after)
            before.then(fault(401, "APIGW.0301", "Incorrect IAM authentication information"))
            await api.get("policies")
            await api.get("policies")
        assert before.tokens == ["TOKEN-1", "TOKEN-1", "TOKEN-2"]
        assert after.tokens == ["TOKEN-2"]


async def test_a_catalog_that_would_send_the_token_unprotected_is_refused(unruly: UnrulyServer) -> None:
    url = "http://cbr.example/v3"
    unruly.catalog = [{"type": "cbr", "endpoints": [{"interface": "public", "region_id": "eu-de", "url": url}]}]
    async with open_api(settings_for(unruly.url, PASSWORD, endpoints=())) as api:
        with pytest.raises(ConfigurationError, match="would send credentials unprotected"):
            await api.get("policies")


async def test_plain_http_to_another_machine_is_refused_before_a_token_is_fetched(unruly: UnrulyServer) -> None:
    endpoints = CloudSettings.endpoint_pairs({"cbr": "http://cbr.example"})
    async with open_api(settings_for(unruly.url, PASSWORD, endpoints=endpoints, project_id=None)) as api:
        with pytest.raises(ConfigurationError, match="would send credentials unprotected"):
            await api.get("policies")
    assert not unruly.token_requests


async def test_the_project_is_looked_up_when_it_is_not_given(unruly: UnrulyServer) -> None:
    unruly.then(answer({"projects": [{"id": "found"}]}))
    async with open_api(settings_for(unruly.url, project_id=None)) as api:
        await api.get("policies")
        await api.get("policies")
    assert [each.target for each in unruly.received[1:]] == ["/v3/found/policies"] * 2


async def test_a_prefix_of_an_endpoint_stays(unruly: UnrulyServer) -> None:
    endpoints = CloudSettings.endpoint_pairs({"taurusdb": f"{unruly.url}/mysql/v3/{PROJECT_ID}"})
    async with open_api(settings_for(unruly.url, endpoints=endpoints), "taurusdb") as api:
        await api.get("backups")
    assert unruly.received[0].target == f"/mysql/v3/{PROJECT_ID}/backups"
