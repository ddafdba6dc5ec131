"""The vendor's own schemas as judges of the local cloud: of its answers, and of what it lets pass in requests.

They are the models of the vendor's SDKs, which are generated from the vendor's API definitions: ``openapi_types`` and
``attribute_map`` name the members, and a constructor sets those that are required without looking whether they came.
"""

from __future__ import annotations

import copy
import inspect
import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from huaweicloudsdkcore.client import Client
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.utils.http_utils import sanitize_for_serialization

BEYOND_THE_SCHEMA = {
    # CBR section 7.1: OTC has it here; the vendor's examples of answers have progress.
    r"(.*\.)?backups?(\[\])?\.(children\[\]\.)?extend_info\.(incremental|progress)",
    # CBR section 5.2: named by the vendor's page of the answer, not by the SDK's model.
    r"(.*\.)?vaults?(\[\])?\.(backup_name_prefix|cbc_delete_count|demand_billing|frozen)",
    # CBR section 6.1: in the vendor's example of reading a checkpoint.
    r"checkpoint\.vault\.provider_id",
    # CBR section 7.4: terraform reads it from the answer to a restore; the SDK's model of that is empty.
    r"job_id",
    # Databases section 10: in the vendor's example of a job.
    r"job\.entities",
}
"""Members of answers that the SDK's models do not have, but the vendor's pages do: regular expressions of paths."""

ADDED = " is not in the vendor's schema"
"""The end of a sentence about a member that is too much."""

_SET_IN_ANY_CASE = re.compile(r"^ {8}self\.(?!_|discriminator)(\w+) = \w+$", re.MULTILINE)
_required: dict[type[Any], frozenset[str]] = {}
_PLAIN_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "datetime": (str,),
    "object": (object,),
}


def differences(model: type[Any], answer: Any, path: str = "") -> Iterator[str]:
    """Say where an answer differs from the vendor's model of it: missing, invented, or of another type.

    :param model: a class of the vendor's SDK.
    :param answer: the decoded JSON.
    :param path: where the answer stands in a larger one.
    :return: sentences that begin with the path of the member.
    """
    if not isinstance(answer, dict):
        yield f"{path or 'the answer'} is not an object but {answer!r}"
        return
    attributes = {wire_name: attribute for attribute, wire_name in _member(model, "attribute_map").items()}
    for wire_name, attribute in attributes.items():
        if attribute in required(model) and wire_name not in answer:
            yield f"{path}{wire_name} is missing"
    for wire_name, value in answer.items():
        if wire_name not in attributes:
            yield f"{path}{wire_name}{ADDED}"
        elif value is not None:
            type_name = _member(model, "openapi_types")[attributes[wire_name]]
            yield from _of_type(model, type_name, value, f"{path}{wire_name}")


def required(model: type[Any]) -> frozenset[str]:
    """Return the attributes that a model's constructor sets in any case.

    :param model: a class of the vendor's SDK.
    """
    if model not in _required:
        _required[model] = frozenset(_SET_IN_ANY_CASE.findall(inspect.getsource(model)))
    return _required[model]


def model_beside(model: type[Any], name: str) -> type[Any]:
    """Return another model of the SDK that a model is from."""
    found: type[Any] = getattr(sys.modules[model.__module__.rpartition(".model.")[0]], name)
    return found


def undocumented(found: str) -> bool:
    """Whether a sentence of :func:`differences` is about more than what the vendor's pages have beyond the SDK."""
    path = found.removesuffix(ADDED)
    return path == found or not any(re.fullmatch(each, path) for each in BEYOND_THE_SCHEMA)


def judged_exchanges(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Judge all that the vendor's SDK exchanges with the local cloud from now on.

    Each answer is held against the SDK's model of it. Before each request with a body, the same is sent once for each
    member that the vendor's schema requires, without that member: none of these may be accepted.

    :return: a list that gets a sentence for each fault.
    """
    faults: list[str] = []
    deserialize, send = Client.deserialize, Client.do_http_request

    def judged_answer(self: Any, response: Any, response_type: Any, *rest: Any) -> Any:
        if response.content and isinstance(response_type, str):
            model = getattr(self.model_package, response_type)
            found = differences(model, json.loads(response.content))
            faults.extend(f"{response_type}: {each}" for each in found if undocumented(each))
        return deserialize(self, response, response_type, *rest)

    def judged_request(self: Any, *, body: Any = None, **request: Any) -> Any:
        for member, incomplete in _incomplete(body) if hasattr(body, "openapi_types") else ():
            try:
                send(self, body=incomplete, **copy.deepcopy(request))
                faults.append(f"{request['method']} {request['resource_path']} is accepted without {member}")
            except ClientRequestException:
                continue
        return send(self, body=body, **request)

    monkeypatch.setattr(Client, "deserialize", judged_answer)
    monkeypatch.setattr(Client, "do_http_request", judged_request)
    return faults


def _incomplete(body: Any) -> Iterator[tuple[str, Any]]:
    """Return a request once without each of its required members, with the path of the member."""
    for path in _required_paths(body):
        changed = copy.deepcopy(sanitize_for_serialization(body))
        holder = changed
        for part in path[:-1]:
            holder = holder[part]
        del holder[path[-1]]
        yield ".".join(map(str, path)), changed


def _required_paths(value: Any) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from ((number, *rest) for rest in _required_paths(item))
    elif hasattr(value, "openapi_types"):
        for attribute, wire_name in value.attribute_map.items():
            member = getattr(value, attribute)
            if member is not None:
                if attribute in required(type(value)):
                    yield (wire_name,)
                yield from ((wire_name, *rest) for rest in _required_paths(member))


def _member(model: type[Any], name: str) -> dict[str, str]:
    members: dict[str, str] = getattr(model, name)
    return members


def _of_type(model: type[Any], name: str, value: Any, path: str) -> Iterator[str]:
    if inner := re.fullmatch(r"list\[(.+)\]", name):
        if not isinstance(value, list):
            yield f"{path} is not a list but {value!r}"
            return
        for item in value:
            yield from _of_type(model, inner[1], item, f"{path}[]")
    elif name in _PLAIN_TYPES:
        if not isinstance(value, _PLAIN_TYPES[name]) or (isinstance(value, bool) and name not in ("bool", "object")):
            yield f"{path} is not {name} but {value!r}"
        elif name == "datetime" and not _is_time(str(value)):
            yield f"{path} is not a time but {value!r}"
    elif not name.startswith("dict("):
        yield from differences(model_beside(model, name), value, f"{path}.")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
