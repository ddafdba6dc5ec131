"""How requests to the database services are read: the wire contract, with the services' own code for each field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from aiohttp import web
from pydantic import ValidationError

from airflow_provider_backup.cloud.schema.base import RequestModel, violations_of
from airflow_provider_backup.cloud.services.databases.models import PageQuery
from airflow_provider_backup.emulator.core.service import ServiceError

RequestT = TypeVar("RequestT", bound=RequestModel)
QueryT = TypeVar("QueryT", bound=PageQuery)
T = TypeVar("T")

BAD_PARAMETER = "DBS.280001"
_QUERY_CODES = {"limit": "DBS.280439", "offset": "DBS.280440", "backup_type": "DBS.201004", "request": "DBS.280416"}
_DASHED = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def checked_fields(model: type[RequestT], values: Mapping[str, Any], codes: Mapping[str, str]) -> RequestT:
    """Hold a request against the wire contract; unknown members and nulls are ignored, as real services do.

    :param model: the request's model.
    :param values: its members by wire name.
    :param codes: the service's code for each field that fails; ``request`` is for rules about several fields.
    :raises ServiceError: 400 with the code of the first field that breaks a rule.
    """
    known = {field.alias or name for name, field in model.model_fields.items()}
    given = {name: value for name, value in values.items() if name in known and value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        violations = violations_of(error)
        code = codes.get(violations[0].field.partition(".")[0], BAD_PARAMETER)
        raise ServiceError(400, code, "; ".join(map(str, violations))) from None


def checked_query(model: type[QueryT], request: web.Request) -> QueryT:
    """Read a list's filters; an empty value counts as not given."""
    return checked_fields(model, {name: value for name, value in request.query.items() if value}, _QUERY_CODES)


def page_of(rows: Sequence[T], query: PageQuery) -> Sequence[T]:
    """Cut one page out; beyond the end it is empty."""
    return rows[query.offset : query.offset + query.page_size]


def refuse_malformed_instance_id(identifier: str) -> None:
    """Refuse what cannot be an instance's id: 32 hex digits with ``in`` and two digits, or a dashed id."""
    if not re.fullmatch(rf"[0-9a-f]{{32}}in[0-9]{{2}}|{_DASHED}", identifier):
        raise ServiceError(400, "DBS.280404", f"Invalid instance ID {identifier!r}.")


def refuse_malformed_backup_id(identifier: str) -> None:
    """Refuse what cannot be a backup's id: 32 hex digits with ``br`` and two digits, or a dashed id."""
    if not re.fullmatch(rf"[0-9a-f]{{32}}br[0-9]{{2}}|{_DASHED}", identifier):
        raise ServiceError(400, "DBS.280124", f"Invalid backup ID {identifier!r}.")


def backup_ids_of(body: Mapping[str, Any]) -> list[str]:
    """Return the ids of a request that deletes several backups, 1 to 50."""
    identifiers = body.get("backup_ids")
    if (
        not isinstance(identifiers, list)
        or not 1 <= len(identifiers) <= 50
        or not all(isinstance(identifier, str) for identifier in identifiers)
    ):
        raise ServiceError(400, BAD_PARAMETER, "backup_ids must hold 1 to 50 backup IDs.")
    return identifiers
