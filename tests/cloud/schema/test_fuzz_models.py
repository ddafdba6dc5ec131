"""Whatever a service answers, every response model (found by looking) reads it or refuses it with a typed error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_backup.cloud.schema.answers import parsed, parsed_list
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.schema.json_decoding import read_json
from tests.cloud.fuzzing.limits import in_time, typed_errors
from tests.cloud.fuzzing.models import look_at, response_models
from tests.cloud.fuzzing.values import NASTY, any_text, json_values

MODELS = response_models()


def owner(model: type[ResponseModel]) -> str:
    """Return the name of the service that a model belongs to, or of its module when it is no service's."""
    _, _, inside = model.__module__.partition(".services.")
    return inside.partition(".")[0] or model.__module__.rpartition(".")[2]


each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{owner(model)}-{model.__name__}")


def wire_names(model: type[ResponseModel]) -> list[str]:
    """Return the names that a service uses for a model's fields."""
    return [str(field.alias or name) for name, field in model.model_fields.items()]


def bodies(model: type[ResponseModel]) -> st.SearchStrategy[Any]:
    """Bodies that get far: known names with hostile values, unknown names among them."""
    names = wire_names(model)
    known = st.dictionaries(st.sampled_from(names) if names else any_text, json_values, max_size=len(names) + 1)
    return st.tuples(known, st.dictionaries(any_text, json_values, max_size=2)).map(lambda both: both[0] | both[1])


def read(model: type[ResponseModel], body: Any) -> None:
    """Read a body as it comes over the wire, and as no wire can bring it."""
    with in_time(20), typed_errors():
        parsed(model, body)
    try:
        received = read_json(json.dumps(body).encode())
    except ValueError:
        return  # told as something that is not JSON
    with in_time(20), typed_errors():
        look_at(parsed(model, received))


def test_the_models_of_all_services_are_found() -> None:
    assert len(MODELS) > 60
    assert {owner(model) for model in MODELS} >= {
        "vbs",
        "csbs",
        "cbr",
        "rds",
        "gaussdb",
        "taurusdb",
        "databases",
        "tokens",
    }


@each_model
def test_every_hostile_value_in_every_field_is_read_or_refused(model: type[ResponseModel]) -> None:
    for value in NASTY:
        read(model, value)
        for name in wire_names(model):
            # An id is what most models cannot do without.
            read(model, {"id": "1", "job_id": "1", name: value})


@each_model
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_body_is_read_or_refused(model: type[ResponseModel], data: st.DataObject) -> None:
    body = data.draw(bodies(model) | json_values)
    read(model, body)
    with in_time(20), typed_errors():
        parsed(model, {"it": body}, "it")
    with in_time(20), typed_errors():
        parsed_list(model, {"them": [body]}, "them")
