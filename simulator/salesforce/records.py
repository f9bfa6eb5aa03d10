"""Single records over REST: read, create, change, delete, upsert by external id, and the feeds of changed ids.

Called by `rest`. Statuses follow API 46 and later, where an upsert that changes a record answers 200 with a body.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from simulator.salesforce.calls import Call
from simulator.salesforce.ids import canonical
from simulator.salesforce.problems import Problem, not_found
from simulator.salesforce.schema import Field, ObjectType
from simulator.salesforce.store import Row
from simulator.salesforce.values import keep, seconds_of, stamp
from simulator.wire import Response, json_response

NO_CONTENT = Response(204)


def create(call: Call, kind: ObjectType) -> Response:
    """POST /sobjects/X."""
    fields = plain(call.body())
    call.spoil(0)
    record_id = call.org.insert(kind.name, fields, api=True)
    answer = {"id": record_id, "success": True, "errors": []}
    return json_response(201, answer, {"Location": f"{call.base}/sobjects/{kind.name}/{record_id}"})


def one(call: Call, kind: ObjectType, record_id: str) -> Response:
    """GET, PATCH or DELETE /sobjects/X/{id}."""
    row = _found(call, kind, record_id)
    method = call.request.method
    if method in {"GET", "HEAD"}:
        return read(call, kind, row)
    if method == "DELETE":
        call.spoil(0)
        call.org.delete(kind.name, row.id)
        return NO_CONTENT
    if method != "PATCH":
        raise method_not_allowed(method)
    fields = plain(call.body())
    if any(name.lower() == "id" for name in fields):
        raise Problem("INVALID_FIELD", "The Id field should not be specified in the sobject data.", fields=["Id"])
    _check_unmodified(call, row)
    call.spoil(0)
    call.org.update(kind.name, row.id, fields, api=True)
    return NO_CONTENT


def read(call: Call, kind: ObjectType, row: Row) -> Response:
    """Show a record as committed: a GET by id sees what queries may not see yet."""
    wanted = call.request.arg("fields")
    schema = call.org.schema
    fields = schema.visible_fields(kind)
    if wanted is not None:
        fields = []
        for name in filter(None, (part.strip() for part in wanted.split(","))):
            field = schema.visible(kind, name)
            if field is None:
                raise Problem("INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")
            fields.append(field)
    shown: dict[str, Any] = {"attributes": {"type": kind.name, "url": f"{call.base}/sobjects/{kind.name}/{row.id}"}}
    shown |= {"Id": row.id} | {field.name: row.values[field.name] for field in fields}
    return json_response(200, shown)


def upsert(call: Call, kind: ObjectType, name: str, value: str) -> Response:
    """GET, PATCH or DELETE /sobjects/X/Ext__c/{value}."""
    field = external_id(call, kind, name)
    key = keep(field, value)
    rows = call.org.matches(kind, field, key)
    if len(rows) > 1:
        return json_response(300, [f"{call.base}/sobjects/{kind.name}/{row.id}" for row in rows])
    method = call.request.method
    if method in {"GET", "DELETE"}:
        if not rows:
            raise not_found()
        return one(call, kind, rows[0].id)
    if method != "PATCH":
        raise method_not_allowed(method)
    fields = plain(call.body())
    if any(given.lower() in {"id", field.name.lower()} for given in fields):
        raise Problem(
            "INVALID_FIELD", f"The {field.name} field should not be specified in the sobject data.", fields=[field.name]
        )
    call.spoil(0)
    if not rows and call.flag("updateOnly"):
        raise not_found()
    record_id, created = put(call, kind, field, key, fields)
    answer = {"id": record_id, "success": True, "errors": [], "created": created}
    return json_response(201 if created else 200, answer)


def put(call: Call, kind: ObjectType, field: Field, key: Any, fields: Mapping[str, Any]) -> tuple[str, bool]:
    """Change the one record with that key or make it; returns its id and whether it is new; raises Problem."""
    rows = call.org.matches(kind, field, key)
    if len(rows) > 1:
        raise Problem("DUPLICATE_EXTERNAL_ID", f"{field.name}: more than one record found for external id field")
    if rows:
        call.org.update(kind.name, rows[0].id, fields, api=True)
        return rows[0].id, False
    return call.org.insert(kind.name, {**fields, field.name: key}, api=True), True


def external_id(call: Call, kind: ObjectType, name: str) -> Field:
    """Return the external id field that a path names; raises Problem 404."""
    field = call.org.schema.visible(kind, name)
    if field is None or not field.external_id:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return field


def updated(call: Call, kind: ObjectType) -> Response:
    """GET /sobjects/X/updated: ids whose SystemModstamp lies in the window, as far as commits are visible."""
    start, end = _window(call, days=30)
    covered = min(end, call.org.store.oldest_pending() or end)
    rows = call.org.store.table(kind.name).rows.values()
    ids = [row.id for row in rows if row.seen and not row.deleted and start <= row.seen["SystemModstamp"] < end]
    return json_response(200, {"ids": ids, "latestDateCovered": covered})


def deleted(call: Call, kind: ObjectType) -> Response:
    """GET /sobjects/X/deleted: records that went to the recycle bin in the window and are still there."""
    start, end = _window(call, days=15)
    rows = call.org.store.table(kind.name).rows.values()
    gone = [
        {"id": row.id, "deletedDate": row.values["SystemModstamp"]}
        for row in rows
        if row.deleted and start <= row.values["SystemModstamp"] < end
    ]
    earliest = stamp(int((call.org.store.clock.now() - timedelta(days=15)).timestamp()))
    return json_response(200, {"deletedRecords": gone, "earliestDateAvailable": earliest, "latestDateCovered": end})


def plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's fields without its attributes."""
    return {name: value for name, value in body.items() if name != "attributes"}


def method_not_allowed(method: str) -> Problem:
    """Build the refusal of a method that a resource does not know."""
    return Problem("METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed.", status=405)


def _found(call: Call, kind: ObjectType, record_id: str) -> Row:
    full = canonical(record_id)
    if full is None or not full.startswith(kind.prefix):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {record_id}")
    row = call.org.store.table(kind.name).rows.get(full)
    if row is None:
        raise not_found()
    if row.deleted:
        raise Problem("ENTITY_IS_DELETED", "entity is deleted", status=404)
    return row


def _check_unmodified(call: Call, row: Row) -> None:
    """Honour If-Unmodified-Since, to the second; raises Problem 412 or 400."""
    header = call.request.headers.get("if-unmodified-since")
    if header is None:
        return
    try:
        limit = parsedate_to_datetime(header)
    except ValueError as error:
        raise Problem("INVALID_HEADER", f"Invalid value for If-Unmodified-Since: {header}") from error
    if seconds_of(row.values["LastModifiedDate"]) > int(limit.replace(tzinfo=limit.tzinfo or UTC).timestamp()):
        raise Problem("PRECONDITION_FAILED", "The record has been modified since the given date", status=412)


def _window(call: Call, *, days: int) -> tuple[str, str]:
    moments = []
    for name in ("start", "end"):
        text = call.request.arg(name)
        try:
            # A plus sign that was not encoded arrives as a blank.
            moments.append(seconds_of((text or "").strip().replace(" ", "+")))
        except ValueError as error:
            message = f"'{name}': '{text}' is not a valid value for the type xsd:dateTime"
            raise Problem("INVALID_REPLICATION_DATE", message) from error
    start, end = moments
    oldest = call.org.store.clock.now() - timedelta(days=days)
    if end - start < 60:
        raise Problem("INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate")
    if datetime.fromtimestamp(start, UTC) < oldest:
        raise Problem("INVALID_REPLICATION_DATE", f"startDate before org replication enabled date (max {days} days)")
    return stamp(start), stamp(end)
