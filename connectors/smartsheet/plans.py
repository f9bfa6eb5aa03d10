"""Plans in sheets of their own: makes, renames and looks them up, by names that can be found again.

Called by `connector` in the layout `sheet_per_onboarding`; `portfolio` does the same for shared sheets. It never
touches a row.

A sheet's name ends in its write key (or a digest of a long one), because Smartsheet has no unique field for sheets and
allows a name any number of times: after an unknown outcome the workspace is listed and the name's end is the proof.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.base import Create, Failed, Fields, Kind, Record, Ref, Update, Wanted, WriteResult, Written
from connectors.errors import ConnectorError, Refused
from connectors.smartsheet.client import Client
from connectors.smartsheet.failures import halts
from connectors.smartsheet.notes import Notebook
from connectors.smartsheet.sheets import Sheets

ROWS = 500
"""Rows of one call (blog "Bulk operations at scale")."""

NAME = "name"
"""The one native field of a PLAN."""

NAME_LENGTH = 24
"""Characters of a plan's name that a sheet's name of 50 holds beside its tag."""

_TAG_LENGTH = 23
_SEPARATOR = " · "
_WRITE_KEY = re.compile(r"\S+:\S+")


def sheet_name(name: str, write_key: str) -> str:
    """Return the sheet's name: the plan's, cut, then the tag of its write key; 50 characters at most."""
    return f"{plan_name(name)}{_SEPARATOR}{_tag(write_key)}"


def plan_name(name: str) -> str:
    """Return a plan's name as a sheet can hold it."""
    return " ".join(name.split())[:NAME_LENGTH].rstrip()


def shown_name(sheet: str) -> str:
    """Return the plan's name from a sheet's name; a person may have renamed the sheet altogether."""
    head, separator, _ = sheet.rpartition(_SEPARATOR)
    return plan_name(head if separator else sheet)


def shown_key(sheet: str) -> str:
    """Return the write key that a sheet's name ends in; "" where a person took it away or it is only a digest."""
    _, separator, tag = sheet.rpartition(_SEPARATOR)
    return "" if not separator or tag.startswith("#") else tag


def _tag(write_key: str) -> str:
    if len(write_key) <= _TAG_LENGTH:
        return write_key
    return "#" + hashlib.sha256(write_key.encode()).hexdigest()[: _TAG_LENGTH - 1]


class OwnSheets:
    """Plans in sheets of their own; safe for several threads."""

    def __init__(self, client: Client, notebook: Notebook, sheets: Sheets) -> None:
        self._client = client
        self._notebook = notebook
        self._sheets = sheets

    def shown(self, name: str) -> str:
        """Return a plan's name as it would be read back."""
        return plan_name(name)

    def write(self, writes: Sequence[Create | Update]) -> Iterator[WriteResult]:
        """Carry writes out, a call each; never raises for a vendor's failure, and stops at one that concerns all."""
        halted: ConnectorError | None = None
        for write in writes:
            try:
                if halted is not None:
                    raise halted
                yield self._create(write) if isinstance(write, Create) else self._rename(write)
            except ConnectorError as error:
                halted = error if halts(error) else halted
                yield Failed(write, error)

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Look sheets up by the end of their names: one listing of the workspace for all that are wanted.

        What is not there may have been moved by a person since (a store that was lost asks for old plans): only for
        such a plan the list of all sheets is read as well.
        """
        ends = {_tag(want.write_key): want.write_key for want in wanted}
        if not ends:
            return
        found: dict[str, Record] = {}
        for listing in (self._sheets.in_workspace, self._sheets.everywhere):
            for sheet in listing():
                tag = sheet["name"].rpartition(_SEPARATOR)[2]
                if tag in ends:
                    found[str(sheet["id"])] = _record(sheet, ends[tag])
            if {record.write_key for record in found.values()} == set(ends.values()):
                break
        yield from found.values()

    def price(self, creates: Sequence[Create]) -> int:
        """Return the calls for these: a sheet each, and its rows by 500."""
        rows = Counter(create.write_key.rpartition(":")[0] for create in creates if create.kind is Kind.TASK)
        return sum(1 for c in creates if c.kind is Kind.PLAN) + sum(-(-count // ROWS) for count in rows.values())

    def inventory(self, read: Callable[[str], Iterable[Record]]) -> Iterator[Record]:
        """Read every sheet that is named as ours are, wherever it lies, with its keyed rows."""
        for listed in self._sheets.all():
            if _WRITE_KEY.fullmatch(key := shown_key(listed["name"])):
                yield _record(listed, key)
                yield from (row for row in read(str(listed["id"])) if row.write_key)

    def _create(self, create: Create) -> Written:
        name = str(create.fields.get(NAME) or "")
        body = self._sheets.make(sheet_name(name, create.write_key))
        return Written(
            create,
            Ref(str(body["id"])),
            fields={NAME: shown_name(body.get("name", name))},
            version=str(body.get("version", 0)),
            url=body.get("permalink", ""),
        )

    def _rename(self, update: Update) -> Written:
        unknown = set(update.fields) - {NAME}
        if unknown:
            raise Refused("A sheet has only a name. Map nothing else of a plan.", code="SS-NAME-02", field=min(unknown))
        wanted = sheet_name(str(update.fields.get(NAME) or ""), update.write_key)
        with self._notebook.lock(update.ref.id):
            answer = self._client.put(f"/sheets/{update.ref.id}", {"name": wanted})
            self._notebook.wrote(update.ref.id, answer.body.get("version"))
        result: Mapping[str, Any] = answer.body.get("result") or {}
        fields: Fields = {NAME: shown_name(result.get("name", wanted))}
        return Written(update, update.ref, fields=fields, url=result.get("permalink", ""))


def _record(sheet: Mapping[str, Any], write_key: str) -> Record:
    return Record(
        kind=Kind.PLAN,
        ref=Ref(str(sheet["id"])),
        fields={NAME: shown_name(sheet["name"])},
        write_key=write_key,
        url=sheet.get("permalink", ""),
    )
