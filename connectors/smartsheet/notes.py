"""What we keep about each sheet between calls: its column ids, and up to which version its edits are no news.

Called by `plans`, `rows` and `reading`; kept in the connector's Memory. It never calls Smartsheet.

Columns are kept by id, so that a column which a person renames keeps working.

*Versions.* Smartsheet counts every edit of a sheet, and an answer to a write tells the new count. A note's `quiet`
says: all edits up to here were ours, or were reported to the engine by `changes` and the engine kept the cursor of that
report. Reading a sheet does not make its edits quiet: a preview reads too, and in a shared sheet a read serves one
onboarding while the edit concerns another. `run` is a stretch of our own edits that began after an edit of somebody
else's; it becomes quiet as soon as that edit is reported. So no edit of a person is ever taken for an echo, and in the
worst case an echo costs one read.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from connectors.base import Memory

UNSEEN = -1
"""No edit of this sheet is known to be old news; a new sheet's count begins at 0."""


@dataclass(frozen=True, slots=True)
class SheetNote:
    """What is remembered of one sheet: `columns` maps our title to (column id, type)."""

    columns: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    url: str = ""
    quiet: int = UNSEEN
    run: tuple[int, int] | None = None

    def titles(self) -> dict[int, str]:
        """Map column ids to our titles."""
        return {column: title for title, (column, _) in self.columns.items()}

    def at(self, url: str) -> SheetNote:
        """Note where a person opens the sheet."""
        return replace(self, url=url or self.url)

    def wrote(self, version: int) -> SheetNote:
        """Note that one of our writes made this version."""
        if version == self.quiet + 1:
            return replace(self, quiet=version)
        if self.run is not None and version == self.run[1] + 1:
            return replace(self, run=(self.run[0], version))
        return replace(self, run=(version, version)) if version > self.quiet else self

    def reported(self, version: int) -> SheetNote:
        """Note that the engine durably knows of all edits up to this version."""
        quiet, run = max(self.quiet, version), self.run
        if run is not None and run[0] <= quiet + 1:
            quiet, run = max(quiet, run[1]), None
        return replace(self, quiet=quiet, run=run)

    def learned(self, columns: Iterable[Mapping[str, Any]], wanted: Iterable[str]) -> SheetNote:
        """Take over the sheet's present columns: by the id we know, else by title; what is in neither way is gone."""
        present = tuple(columns)
        by_id = {column["id"]: column for column in present}
        by_title = {column["title"]: column for column in present}
        found: dict[str, tuple[int, str]] = {}
        for title in wanted:
            known = by_id.get(self.columns[title][0]) if title in self.columns else None
            column = known or by_title.get(title)
            if column is not None:
                found[title] = (column["id"], column["type"])
        return replace(self, columns=found)


class Notebook:
    """The notes of all sheets, kept in Memory; one lock per sheet, which also keeps its writes serial.

    `shared` tells that several onboardings live in one sheet, so that another process may write to it too; a sheet of
    one onboarding is written to by whoever holds that onboarding.
    """

    def __init__(self, memory: Memory, *, shared: bool = False) -> None:
        self._memory = memory
        self._shared = shared
        self._master = threading.Lock()
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def lock(self, sheet: str) -> threading.RLock:
        """Return the sheet's lock: Smartsheet wants the writes to one sheet one after the other."""
        with self._master:
            return self._locks[sheet]

    @contextmanager
    def alone(self, sheet: str) -> Iterator[None]:
        """Hold the sheet against threads, and other processes where it is shared; raises what `Memory.alone` does."""
        with self.lock(sheet), self._memory.alone(f"sheet/{sheet}") if self._shared else nullcontext():
            yield

    def read(self, sheet: str) -> SheetNote | None:
        """Return the sheet's note, None when it is not known to us."""
        text = self._memory.get(f"sheet/{sheet}")
        if text is None:
            return None
        raw = orjson.loads(text)
        run = raw["run"]
        return SheetNote(
            columns={title: (column, kind) for title, (column, kind) in raw["columns"].items()},
            url=raw["url"],
            quiet=raw["quiet"],
            run=(run[0], run[1]) if run else None,
        )

    def keep(self, sheet: str, note: SheetNote) -> None:
        """Keep the sheet's note durably, unless it is what was known."""
        text = orjson.dumps(note, option=orjson.OPT_SORT_KEYS).decode()
        if text != self._memory.get(f"sheet/{sheet}"):
            self._memory.put(f"sheet/{sheet}", text)

    def wrote(self, sheet: str, version: object) -> None:
        """Note a version that our write made; an answer without one leaves the note, at the price of one more read."""
        with self.lock(sheet):
            note = self.read(sheet)
            if note is not None and isinstance(version, int):
                self.keep(sheet, note.wrote(version))

    def reported(self, sheet: str, version: int) -> None:
        """Note that the engine durably knows of the sheet's edits up to this version."""
        with self.lock(sheet):
            note = self.read(sheet)
            if note is not None:
                self.keep(sheet, note.reported(version))
