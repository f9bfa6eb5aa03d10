"""sObject Collections: up to 200 records in one call, each with a result of its own, or all of them or none.

Called by `rest`. A body that cannot be read as records (a wrong JSON type, an unknown column) refuses the whole call;
what is wrong with a record's data fails that record. Source: "If the request isn't well formed, the API returns 400".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

from simulator.salesforce.calls import Call
from simulator.salesforce.ids import canonical
from simulator.salesforce.problems import Problem
from simulator.salesforce.records import external_id, method_not_allowed, plain, put
from simulator.salesforce.schema import ObjectType
from simulator.salesforce.values import keep
from simulator.wire import Response, json_response

MOST_RECORDS = 200
MOST_CHUNKS = 10
_WHOLE = frozenset({"JSON_PARSER_ERROR", "INVALID_FIELD", "INVALID_TYPE"})
_ROLLED_BACK = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
    "fields": [],
}

Result: TypeAlias = dict[str, Any]
Save: TypeAlias = Callable[[dict[str, Any]], Result]


class _Undo(Exception):
    """Ends the transaction of a call that was all or none."""


def collections(call: Call) -> Response:
    """POST, PATCH or DELETE /composite/sobjects."""
    method = call.request.method
    if method == "DELETE":
        records = [{"id": one} for one in (call.request.arg("ids") or "").split(",") if one]
        return _run(call, records, lambda record: _delete(call, record), all_or_none=call.flag("allOrNone"))
    saves: dict[str, Save] = {
        "POST": lambda record: _create(call, record),
        "PATCH": lambda record: _update(call, record),
    }
    if method not in saves:
        raise method_not_allowed(method)
    body = call.body()
    records = _records(body)
    _check_chunks(records)
    _check_distinct([str(record.get("id", record.get("Id", ""))) for record in records] if method == "PATCH" else [])
    return _run(call, records, saves[method], all_or_none=body.get("allOrNone") is True)


def upserts(call: Call, kind: ObjectType, name: str) -> Response:
    """PATCH /composite/sobjects/X/Ext__c: records of one type, each with its external id in its body."""
    if call.request.method != "PATCH":
        raise method_not_allowed(call.request.method)
    field = external_id(call, kind, name)
    body = call.body()
    records = _records(body)
    for record in records:
        if _type(record).lower() != kind.name.lower():
            raise Problem("INVALID_TYPE", f"All records must be of type {kind.name}")

    def save(record: dict[str, Any]) -> Result:
        fields = {given: value for given, value in plain(record).items() if given.lower() != field.name.lower()}
        key = next((keep(field, value) for given, value in record.items() if given.lower() == field.name.lower()), None)
        if key is None:
            raise Problem("MISSING_ARGUMENT", f"{field.name} not specified", fields=[field.name])
        record_id, created = put(call, kind, field, key, fields)
        return {"id": record_id, "success": True, "errors": [], "created": created}

    keys = [str(value) for record in records for given, value in record.items() if given.lower() == field.name.lower()]
    _check_distinct(keys if field.exact else [key.lower() for key in keys])
    return _run(call, records, save, all_or_none=body.get("allOrNone") is True)


def _run(call: Call, records: list[dict[str, Any]], save: Save, *, all_or_none: bool) -> Response:
    """Save record after record; results stand in the order of the records."""
    if len(records) > MOST_RECORDS:
        message = f"record limit reached. cannot submit more than {MOST_RECORDS} records into this call"
        raise Problem("EXCEEDED_ID_LIMIT", message)
    results: list[Result] = []
    with suppress(_Undo), call.org.store.transaction():
        for place, record in enumerate(records):
            results.append(_result(call, place, record, save))
        if all_or_none:
            _check_all(results)
    if all_or_none and not all(result["success"] for result in results):
        results = [{"success": False, "errors": [_ROLLED_BACK]} if result["success"] else result for result in results]
    return json_response(200, results)


def _check_all(results: list[Result]) -> None:
    if not all(result["success"] for result in results):
        raise _Undo


def _result(call: Call, place: int, record: dict[str, Any], save: Save) -> Result:
    try:
        call.spoil(place)
        with call.org.store.transaction():
            return save(record)
    except Problem as problem:
        if problem.code in _WHOLE:
            raise
        return {"success": False, "errors": [problem.row_error()]}


def _create(call: Call, record: dict[str, Any]) -> Result:
    record_id = call.org.insert(_type(record), plain(record), api=True)
    return {"id": record_id, "success": True, "errors": []}


def _update(call: Call, record: dict[str, Any]) -> Result:
    fields = plain(record)
    record_id = fields.pop("id", None) or fields.pop("Id", None)
    if not isinstance(record_id, str):
        raise Problem("MISSING_ARGUMENT", "Id not specified in an update call", fields=["Id"])
    call.org.update(_type(record), record_id, fields, api=True)
    return {"id": canonical(record_id), "success": True, "errors": []}


def _delete(call: Call, record: dict[str, Any]) -> Result:
    full = canonical(record["id"])
    kinds = call.org.schema.objects.values()
    kind = next((one for one in kinds if full is not None and full.startswith(one.prefix)), None)
    if kind is None or full is None:
        raise Problem("MALFORMED_ID", f"malformed id {record['id']}")
    call.org.delete(kind.name, full)
    return {"id": full, "success": True, "errors": []}


def _records(body: dict[str, Any]) -> list[dict[str, Any]]:
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise Problem("JSON_PARSER_ERROR", "The records property must be a list of records")
    return records


def _type(record: dict[str, Any]) -> str:
    attributes = record.get("attributes")
    if not isinstance(attributes, dict) or not isinstance(attributes.get("type"), str):
        raise Problem("INVALID_TYPE", "Include a type attribute with each record")
    return str(attributes["type"])


def _check_chunks(records: list[dict[str, Any]]) -> None:
    """Count runs of one type; raises Problem beyond ten."""
    types = [_type(record).lower() for record in records]
    chunks = sum(1 for place, name in enumerate(types) if place == 0 or name != types[place - 1])
    if chunks > MOST_CHUNKS:
        message = "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking."
        raise Problem("LIMIT_EXCEEDED", message)


def _check_distinct(keys: list[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key and key in seen:
            raise Problem("DUPLICATE_VALUE", f"Duplicate id specified: {key}")
        seen.add(key)
