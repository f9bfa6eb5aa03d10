"""Gathers dossiers from the store: everything that is known of onboardings, page by page.

Called by the commands that explain (hours, forecast, reports), by notices and by roll-ups. It asks no vendor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sync.core.dossier import Dossier, dossier
from sync.core.records import RecordsStore

PAGE = 200


def dossiers(store: RecordsStore, keys: Sequence[str] | None = None) -> Iterator[Dossier]:
    """Yield the dossiers of these onboardings, or of all that have a plan, in order; unknown keys are left out."""
    for page in _pages(store, keys):
        known, histories, logged = store.load(page), store.histories(page), store.logged(page)
        for key in page:
            if known[key].base:
                yield dossier(known[key], history=histories.get(key, ()), logged=logged.get(key, ()))


def _pages(store: RecordsStore, keys: Sequence[str] | None) -> Iterator[Sequence[str]]:
    if keys is not None:
        for start in range(0, len(keys), PAGE):
            yield keys[start : start + PAGE]
        return
    after = ""
    while page := store.keys(after=after, limit=PAGE):
        yield page
        after = page[-1]
