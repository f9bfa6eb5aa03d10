"""Bulk API 2.0: jobs that take or give CSV, done some time after they are asked for.

Called by `rest` under /jobs. A job's data is worked through at once when its time has come, so all its records share
one stamp. An empty cell leaves a field as it is, `#N/A` empties it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.salesforce.calls import Call
from simulator.salesforce.ids import canonical, mint
from simulator.salesforce.plans import Json
from simulator.salesforce.problems import Problem, not_found
from simulator.salesforce.records import external_id, method_not_allowed, put
from simulator.salesforce.values import keep
from simulator.wire import Response, json_response

DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
MOST_BYTES = 150_000_000


@dataclass
class Job:
    """One job, of either kind."""

    id: str
    kind: str
    request: dict[str, Any]
    created: str
    api_version: float
    state: str
    data: bytes | None = None
    error: str | None = None
    columns: list[str] = field(default_factory=list)
    good: list[dict[str, str]] = field(default_factory=list)
    bad: list[dict[str, str]] = field(default_factory=list)
    undone: list[dict[str, str]] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)

    def shown(self, version: str) -> Json:
        """Return the job as the API shows it."""
        common: Json = {
            "id": self.id,
            "operation": self.request["operation"],
            "object": self.request.get("object"),
            "state": self.state,
            "createdDate": self.created,
            "systemModstamp": self.created,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": self.api_version,
            "lineEnding": self.request.get("lineEnding", "LF"),
            "columnDelimiter": self.request.get("columnDelimiter", "COMMA"),
            "jobType": "V2Query" if self.kind == "query" else "V2Ingest",
        }
        if self.kind == "query":
            return common | {"numberRecordsProcessed": len(self.rows), "retries": 0, "totalProcessingTime": 1}
        done = len(self.good) + len(self.bad)
        counts = {"numberRecordsProcessed": done, "numberRecordsFailed": len(self.bad), "retries": 0}
        more: Json = {"contentUrl": f"services/data/{version}/jobs/ingest/{self.id}/batches", "totalProcessingTime": 1}
        if self.error:
            more["errorMessage"] = self.error
        if self.request.get("externalIdFieldName"):
            more["externalIdFieldName"] = self.request["externalIdFieldName"]
        return common | counts | more


class Jobs:
    """All jobs. `seconds` tells how long after it was asked for a job is done."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.jobs: dict[str, Job] = {}
        self.seconds = seconds
        self.made = 0

    def route(self, call: Call) -> Response:
        """Answer a call under /jobs; raises Problem."""
        match call.path[1:]:
            case ("ingest" | "query" as kind,):
                return self._all(call, kind)
            case ("ingest" | "query" as kind, job_id):
                return self._one(call, self._job(kind, job_id))
            case ("ingest", job_id, "batches"):
                return _upload(call, self._job("ingest", job_id))
            case ("ingest", job_id, part):
                return _outcome(self._job("ingest", job_id), part)
            case ("query", job_id, "results"):
                return _results(call, self._job("query", job_id))
            case _:
                raise not_found()

    def _job(self, kind: str, job_id: str) -> Job:
        job = self.jobs.get(canonical(job_id) or "")
        if job is None or job.kind != kind:
            raise not_found()
        return job

    def _all(self, call: Call, kind: str) -> Response:
        if call.request.method == "GET":
            shown = [job.shown(call.version) for job in self.jobs.values() if job.kind == kind]
            return json_response(200, {"done": True, "records": shown, "nextRecordsUrl": None})
        if call.request.method != "POST":
            raise method_not_allowed(call.request.method)
        body = call.body()
        state = "Open" if kind == "ingest" else "UploadComplete"
        check = _check_ingest if kind == "ingest" else _check_query
        request = check(call, body)
        self.made += 1
        job = Job(mint("750", self.made), kind, request, call.org.store.now(), float(call.version[1:]), state)
        self.jobs[job.id] = job
        if kind == "query":
            self._later(call, job, _extract)
        return json_response(200, job.shown(call.version))

    def _one(self, call: Call, job: Job) -> Response:
        if call.request.method == "DELETE":
            del self.jobs[job.id]
            return Response(204)
        if call.request.method == "PATCH":
            self._move(call, job, call.body().get("state"))
        return json_response(200, job.shown(call.version))

    def _move(self, call: Call, job: Job, state: Any) -> None:
        """Take a job a step on: its data is complete, or nobody wants it any more."""
        if state == "Aborted" and job.state in {"Open", "UploadComplete", "InProgress"}:
            job.state = state
        elif state == "UploadComplete" and job.state == "Open" and job.kind == "ingest":
            job.state = state
            self._later(call, job, _ingest)
        else:
            raise Problem("INVALIDJOBSTATE", f"Job {job.id} cannot go from {job.state} to {state}")

    def _later(self, call: Call, job: Job, work: Callable[[Call, Job], None]) -> None:
        def do() -> None:
            if job.state not in {"UploadComplete", "InProgress"}:
                return
            try:
                work(call, job)
            except Problem as problem:
                _fail(job, f"{problem.code}: {problem.message}")

        job.state = "InProgress" if self.seconds() > 0 else "UploadComplete"
        call.org.store.clock.call_in(self.seconds(), do)


def _check_ingest(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    operation = body.get("operation")
    if not isinstance(operation, str) or operation not in OPERATIONS:
        raise Problem("API_ERROR", f"Unable to parse operation: {operation}")
    kind = call.org.schema.find(str(body.get("object")))
    if kind is None:
        raise Problem("INVALIDENTITY", f"Unable to find object: {body.get('object')}")
    if body.get("contentType", "CSV") != "CSV" or str(body.get("columnDelimiter", "COMMA")) not in DELIMITERS:
        raise Problem("API_ERROR", "Only CSV with a known columnDelimiter is supported")
    if operation == "upsert":
        external_id(call, kind, str(body.get("externalIdFieldName")))
    return {**body, "object": kind.name}


def _check_query(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("operation") not in ("query", "queryAll"):
        raise Problem("API_ERROR", f"Unable to parse operation: {body.get('operation')}")
    plan = call.queries.plan(str(body.get("query")), call.base, deleted=body.get("operation") == "queryAll")
    if plan.query.count or plan.children:
        raise Problem("API_ERROR", "Aggregate and nested queries are not supported in the Bulk API")
    return {**body, "object": plan.kind.name}


def _upload(call: Call, job: Job) -> Response:
    if call.request.method != "PUT":
        raise method_not_allowed(call.request.method)
    if not call.request.headers.get("content-type", "").startswith("text/csv"):
        raise Problem("UNSUPPORTED_MEDIA_TYPE", "Content-Type must be text/csv", status=415)
    if job.state != "Open" or job.data is not None:
        raise Problem("INVALIDJOBSTATE", "Found multiple contents for job, or the job is closed")
    if len(call.request.body) > MOST_BYTES:
        raise Problem("EXCEEDED_MAX_SIZE_REQUEST", "The content is larger than 150 MB", status=413)
    job.data = call.request.body
    return Response(201)


def _ingest(call: Call, job: Job) -> None:
    """Work through an ingest job: record by record, each for itself."""
    text = (job.data or b"").decode("utf-8-sig")
    if job.request.get("lineEnding", "LF") == "LF" and "\r\n" in text:
        _fail(job, "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF")
        return
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=DELIMITERS[_delimiter(job)])
    job.columns = list(reader.fieldnames or [])
    records = list(reader)
    kind = call.org.schema.typed(job.request["object"])
    unknown = [name for name in job.columns if call.org.schema.visible(kind, name) is None]
    if unknown:
        job.undone = records
        _fail(job, f"InvalidBatch : Field name not found : {unknown[0]}")
        return
    for place, record in enumerate(records):
        try:
            call.spoil(place)
            with call.org.store.transaction():
                record_id, created = _save(call, job, record)
            job.good.append({"sf__Id": record_id, "sf__Created": str(created).lower()} | record)
        except Problem as problem:
            error = f"{problem.code}:{problem.message}:{', '.join(problem.fields)} --"
            job.bad.append({"sf__Id": record.get("Id", ""), "sf__Error": error} | record)
    job.state = "JobComplete"


def _save(call: Call, job: Job, record: Mapping[str, str]) -> tuple[str, bool]:
    """Save one record of a job; returns its id and whether it is new; raises Problem."""
    operation, name = job.request["operation"], job.request["object"]
    kind = call.org.schema.typed(name)
    fields: dict[str, Any] = {
        key: None if value == "#N/A" else value for key, value in record.items() if value and key is not None
    }
    if operation == "insert":
        return call.org.insert(name, fields, api=True), True
    if operation == "upsert":
        key_field = external_id(call, kind, job.request["externalIdFieldName"])
        key = keep(key_field, fields.pop(key_field.name, None))
        if key is None:
            raise Problem("MISSING_ARGUMENT", f"{key_field.name} not specified", fields=[key_field.name])
        return put(call, kind, key_field, key, fields)
    record_id = str(fields.pop("Id", ""))
    row = call.org.row(kind, record_id)
    if operation == "update":
        call.org.update(name, row.id, fields, api=True)
    else:
        call.org.delete(name, row.id)
        if operation == "hardDelete":
            call.org.store.purge(row)
    return row.id, False


def _extract(call: Call, job: Job) -> None:
    """Work through a query job."""
    plan = call.queries.plan(job.request["query"], call.base, deleted=job.request["operation"] == "queryAll")
    job.columns = [".".join(column.parts) for column in plan.paths]
    getters = [plan.scope.getter(column) for column in plan.paths]
    for row_id in plan.ids():
        seen = plan.table.rows[row_id].seen
        assert seen is not None
        cells = [_cell(get(seen)) for get in getters]
        job.rows.append(dict(zip(job.columns, cells, strict=True)))
    job.state = "JobComplete"


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _outcome(job: Job, part: str) -> Response:
    """Answer with the records of a job that succeeded, failed or were not reached."""
    match part.lower():
        case "successfulresults":
            return _csv(job, ["sf__Id", "sf__Created", *job.columns], job.good)
        case "failedresults":
            return _csv(job, ["sf__Id", "sf__Error", *job.columns], job.bad)
        case "unprocessedrecords":
            return _csv(job, job.columns, job.undone)
        case _:
            raise not_found()


def _results(call: Call, job: Job) -> Response:
    """Answer with a page of a query job's rows; the locator of the next stands in a header, `null` at the end."""
    if job.state != "JobComplete":
        raise Problem("INVALIDJOBSTATE", f"Results are not available while the job is {job.state}")
    most, locator = call.request.arg("maxRecords"), call.request.arg("locator") or "0"
    start = int(locator) if locator.isdigit() else 0
    end = start + int(most) if most and most.isdigit() else len(job.rows)
    page = _csv(job, job.columns, job.rows[start:end])
    following = str(end) if end < len(job.rows) else "null"
    return page.with_headers(Sforce_NumberOfRecords=str(len(job.rows[start:end])), Sforce_Locator=following)


def _csv(job: Job, columns: list[str], rows: list[dict[str, str]]) -> Response:
    out = io.StringIO()
    ending = "\r\n" if job.request.get("lineEnding") == "CRLF" else "\n"
    writer = csv.DictWriter(
        out,
        columns,
        delimiter=DELIMITERS[_delimiter(job)],
        lineterminator=ending,
        quoting=csv.QUOTE_ALL,
        extrasaction="ignore",
    )
    writer.writeheader()
    writer.writerows(rows)
    return Response(200, out.getvalue().encode(), {"Content-Type": "text/csv"})


def _delimiter(job: Job) -> str:
    return str(job.request.get("columnDelimiter", "COMMA"))


def _fail(job: Job, message: str) -> None:
    job.state, job.error = "Failed", message
