"""Adds tasks that people agreed on to an onboarding: to what is remembered of it, and to nothing else.

Called by `closedwon report minutes --take`. The new tasks join the base under a claim of the onboarding, in one
transaction that leaves it dirty. The next look finds tasks that no side shows yet and brings them about as it does any
other: guarded, written ahead, under their write keys. No vendor is asked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.base import Fields
from sync.core.model import Claim, Commit, Event, Priority, StoreApi

ACTION = "action"
"""The kind of document that keeps the words in which an action was agreed on."""
_LEASE_SECONDS = 60.0
_TEXT = "text"


class Busy(Exception):
    """Somebody else acts on the onboarding at this moment; nothing was written. Ask again."""


class Differs(Exception):
    """An item was agreed on before in other words; nothing was written. The arguments are the item and those words."""


@dataclass(frozen=True, slots=True)
class Added:
    """The items that joined the plan now with their names, and those that it had."""

    names: Mapping[str, str]
    known: tuple[str, ...]


def add_tasks(store: StoreApi, key: str, tasks: Mapping[str, Fields], *, owner: str) -> Added:
    """Add tasks, by item, to an onboarding that has a plan. Those that it has stay as people have left them.

    Raises Busy while another worker has the onboarding, and Differs where an item's name is not the one it had when it
    was agreed on.
    """
    words = {each.name: each.value[_TEXT] for each in store.kept(ACTION, key)}
    for item, fields in tasks.items():
        if words.get(item, fields["name"]) != fields["name"]:
            raise Differs(item, words[item])
    store.request([key], Priority.LIVE)
    claims = store.claim(owner, limit=1, lease_seconds=_LEASE_SECONDS, keys=[key])
    if not claims:
        raise Busy(key)
    return _add(store, claims[0], tasks)


def _add(store: StoreApi, claim: Claim, tasks: Mapping[str, Fields]) -> Added:
    key = claim.key
    base = store.load([key])[key].base
    new = {item: fields for item, fields in tasks.items() if item not in base}
    for item, fields in new.items():
        store.keep_once(ACTION, key, item, {_TEXT: fields["name"]})
    events = tuple(Event(key, item, "name", "None", repr(f["name"]), "engine", "created") for item, f in new.items())
    commit = Commit(claim, base={**base, **new} if new else None, events=events, done=False)
    if store.commit([commit]):
        raise Busy(key)
    names = {item: str(fields["name"]) for item, fields in new.items()}
    return Added(names, tuple(item for item in tasks if item not in new))
