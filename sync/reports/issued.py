"""What calendar files have told so far, so that the next one takes back what is gone and moves what has moved.

Called by `closedwon report calendar` when it writes an .ics of today. A calendar that imported a file knows an entry by
its UID and believes the higher SEQUENCE: so an entry that is not in the plan any more comes as cancelled until its day
has passed, and one that changed has a higher SEQUENCE, whatever it was that moved it. The same store gives the same
bytes: what was issued is kept, and only what differs from it has the moment of now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sync.core.model import StoreApi
from sync.reports.page import Dated

KIND = "calendar issued"
GONE = "It is not planned any more."


def issue(
    store: StoreApi, key: str, reader: str, dates: Iterable[Dated], *, day: date, now: datetime
) -> tuple[Dated, ...]:
    """Return the entries of a file for a reader, and keep them as issued; `day` is the file's."""
    planned = tuple(dates)
    while True:
        kept = next((each.value for each in store.kept(KIND, key) if each.name == reader), None)
        before = {uid: _read(uid, values) for uid, values in (kept or {}).items()}
        told = {each.uid: _told(each, before.get(each.uid), now) for each in planned}
        told |= {uid: _taken_back(each, day, now) for uid, each in before.items() if uid not in told}
        values = {uid: _written(each) for uid, each in told.items()}
        if values == (kept or {}) or _keep(store, key, reader, kept, values):
            shown = {each.uid for each in planned}
            gone = sorted((each.start, uid) for uid, each in told.items() if uid not in shown and each.end >= day)
            return (*(told[each.uid] for each in planned), *(told[uid] for _, uid in gone))


def _keep(store: StoreApi, key: str, reader: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    """Keep what was issued; False where somebody else issued a file meanwhile: then it is to be worked out anew."""
    if old is None:
        return store.keep_once(KIND, key, reader, new)
    return store.replace(KIND, key, reader, old=old, new=new)


def _told(each: Dated, before: Dated | None, now: datetime) -> Dated:
    """Return an entry with a SEQUENCE above the one that it had when it was another."""
    if before is None:
        return each
    if replace(each, revision=before.revision, revised=before.revised) == before:
        return before
    return replace(each, revision=max(each.revision, before.revision + 1), revised=now)


def _taken_back(before: Dated, day: date, now: datetime) -> Dated:
    """Return an entry that is not planned any more; one whose day has passed stays as it was."""
    if before.cancelled or before.end < day:
        return before
    return replace(before, revision=before.revision + 1, revised=now, cancelled=True, note=GONE)


def _written(each: Dated) -> dict[str, Any]:
    return {
        "name": each.name,
        "start": each.start.isoformat(),
        "end": each.end.isoformat(),
        "revision": each.revision,
        "revised": each.revised.isoformat(),
        "note": each.note,
        "cancelled": each.cancelled,
        "begins": each.begins.isoformat() if each.begins else "",
        "minutes": each.minutes,
    }


def _read(uid: str, values: Mapping[str, Any]) -> Dated:
    return Dated(
        uid=uid,
        name=values["name"],
        start=date.fromisoformat(values["start"]),
        end=date.fromisoformat(values["end"]),
        revision=values["revision"],
        revised=datetime.fromisoformat(values["revised"]),
        note=values["note"],
        cancelled=values["cancelled"],
        begins=datetime.fromisoformat(values["begins"]) if values["begins"] else None,
        minutes=values["minutes"],
    )
