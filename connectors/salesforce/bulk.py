"""Upserts by Bulk API 2.0, for batches too large for Collections to be polite.

Used by `writing`, which sends what a job leaves undone by Collections. Raw calls and not the SDK's `bulk2`: that one
never signs in again, sleeps without end and hides which record failed (simple-salesforce 1.12.10, #619, #739).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from connectors.base import Failed, Ref, Write, WriteResult, Written
from connectors.errors import ConnectorError, TryLater
from connectors.salesforce import failures
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.failures import Said
from connectors.salesforce.values import wire

JOB_CALLS = 6
"""Calls of a job that is done at the first look: open, upload, close, look, and two tables of results."""
_NULL = "#N/A"
"""What empties a field in Bulk 2.0; an empty cell leaves it as it was."""
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 15.0


class JobFailed(Exception):
    """The job ended without looking at its records (a column that is not there, say); nothing was changed."""


class BulkUpsert:
    """Runs one upsert job after another against one object."""

    def __init__(self, client: SalesforceClient, *, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._sleep = sleep

    def run(self, object_name: str, key_field: str, writes: Sequence[Write]) -> Iterator[WriteResult]:
        """Upsert these in one job and yield each one's result; raises ConnectorError or JobFailed, then nothing was.

        Keys must not repeat. What the job did not come to is Failed with TryLater.
        """
        job = self._open(object_name, key_field)
        try:
            self._client.call(
                "PUT", f"{job}/batches", raw=_table(key_field, writes), headers={"Content-Type": "text/csv"}, text=True
            )
            self._client.call("PATCH", job, body={"state": "UploadComplete"})
            self._wait(job)
        except ConnectorError:
            # A job left behind could land hours later, over newer values.
            with suppress(ConnectorError):
                self._client.call("PATCH", job, body={"state": "Aborted"})
            raise
        yield from self._results(job, key_field, writes)

    def _open(self, object_name: str, key_field: str) -> str:
        body = {
            "operation": "upsert",
            "object": object_name,
            "externalIdFieldName": key_field,
            "contentType": "CSV",
            "lineEnding": "LF",
        }
        # Repeating this leaves at worst an empty job behind, which Salesforce clears away after a week.
        return f"jobs/ingest/{self._client.call('POST', 'jobs/ingest', body=body).need('id')}"

    def _wait(self, job: str) -> None:
        waited, pause = 0.0, _FIRST_PAUSE
        while waited < self._client.settings.bulk_wait:
            state = self._client.call("GET", job).need("state")
            if state == "JobComplete":
                return
            if state in {"Failed", "Aborted"}:
                raise JobFailed
            self._sleep(pause)
            waited += pause
            pause = min(pause * 2, _LONGEST_PAUSE)
        raise TryLater(
            "Salesforce has not finished a bulk job in time; it was given up. It is tried again by itself; raise "
            "`bulk_wait` if the org's queue is long.",
            code="SF-BULK-01",
            delay=60.0,
        )

    def _results(self, job: str, key_field: str, writes: Sequence[Write]) -> Iterator[WriteResult]:
        done = self._column(f"{job}/successfulResults", key_field, "sf__Id")
        bad = self._column(f"{job}/failedResults", key_field, "sf__Error")
        for write in writes:
            key = write.write_key
            if key in done:
                yield Written(write, Ref(done[key]), url=self._client.settings.link(done[key]))
            elif key in bad:
                yield Failed(write, failures.explain_record(_said(bad[key]), key=key))
            else:
                yield Failed(write, _left_over(key))

    def _column(self, path: str, key_field: str, name: str) -> dict[str, str]:
        """Read one column of a table of results, by key."""
        content = self._client.call("GET", path, text=True).content
        table = csv.DictReader(io.StringIO(content.decode("utf-8", "replace"), newline=""))
        if not {key_field, name} <= set(table.fieldnames or ()):
            raise failures.strange()
        return {row[key_field]: row[name] for row in table}


def _table(key_field: str, writes: Sequence[Write]) -> bytes:
    names = [key_field, *dict.fromkeys(name for write in writes for name in write.fields if name != key_field)]
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(names)
    for write in writes:
        table.writerow([write.write_key, *(_cell(write, name) for name in names[1:])])
    return out.getvalue().encode("utf-8")


def _cell(write: Write, name: str) -> str:
    if name not in write.fields:
        return ""
    value = wire(write.fields[name])
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NULL if value is None or value == "" else str(value)


def _said(text: str) -> Said:
    """Read a result's error, `CODE:message:Field__c --`."""
    code, _, rest = text.partition(":")
    message, _, field = rest.removesuffix("--").strip().rpartition(":")
    return Said(200, code, message or rest, tuple(name for name in field.split(",") if name.strip()))


def _left_over(key: str) -> TryLater:
    return TryLater(
        "A bulk job ended before it came to this record. It is tried again by itself.",
        code="SF-BULK-02",
        delay=5.0,
        scope=f"record:{key}",
    )
