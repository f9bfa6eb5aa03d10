"""Looks after the vendors' webhooks: where each calls us, whether it is well, and what makes it well again.

Called by the daemon's schedule `webhooks`, by `closedwon webhooks`, and by the receiver for its addresses. What a
vendor dropped is enabled again, what ends soon is renewed, and where `install` was run once, what new plans live in is
registered too. What a person switched off stays off and is told. What was found is kept in the store, so that every
process and `status` can tell it. It never registers the first webhook of a connection and never removes one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from connectors.base import Connector, Kind
from connectors.errors import ConnectorError, TryLater
from connectors.events import Events, Hearing, Hook
from sync import logs
from sync.core.model import Document, StoreApi
from sync.store import StoreUnavailable

DISABLED = "WEBHOOK-DISABLED-01"
"""One is switched off or calls another address, and enabling it is a person's to do."""
LACKING = "WEBHOOK-LACKING-01"
"""None is registered at all."""
KIND = "webhooks"
"""The store's documents about them, one for each connection."""

RENEWED_BEFORE = timedelta(days=7)
_AT_ONCE = 200
"""How many are registered in one look; at two calls each, a paced vendor is left room for its work."""


def hearing(connections: Mapping[str, Connector]) -> dict[str, Events]:
    """Return what hears, by connection: of those that can and are configured to."""
    able = {name: each.events() for name, each in connections.items() if isinstance(each, Hearing)}
    return {name: events for name, events in able.items() if events is not None}


def address(connection: str, events: Events) -> str:
    """Return the path that a vendor calls, `/hooks/tracker/…`; secret."""
    return f"/hooks/{connection}/{events.path.get_secret_value()}"


def targets_of(store: StoreApi, connection: str) -> tuple[str, ...]:
    """List what a connection's plans live in: epics, or sheets, of which several may share one."""
    found: dict[str, None] = {}
    after = ""
    while page := store.bindings_of(connection, after=after):
        found.update(dict.fromkeys(binding.ref.id for binding in page if binding.kind is Kind.PLAN))
        after = page[-1].key
    return tuple(found)


class Upkeep:
    """Looks after the webhooks of all connections that hear; `url` is where vendors reach the receiver."""

    def __init__(
        self, *, connections: Mapping[str, Connector], store: StoreApi, url: str, now: Callable[[], datetime]
    ) -> None:
        self._hearing = hearing(connections)
        self._store = store
        self._url = url
        self._now = now

    def look(self) -> bool:
        """Put right what may be; tell whether events may have been lost meanwhile, so that a sweep should follow.

        A vendor that cannot be asked is asked the next time: that it does not answer is told by the sweeps.
        """
        gaps = False
        for name, events in self._hearing.items():
            try:
                gaps |= self._tend(name, events)
            except TryLater:
                continue
            except ConnectorError as error:
                self._keep(name, (), error.code)
        return gaps

    def note(self, connection: str) -> None:
        """Keep how a connection's webhooks are after a person saw to them; raises ConnectorErrors."""
        events = self._hearing[connection]
        targets = targets_of(self._store, connection)
        hooks = events.hooks(self._url + address(connection, events), targets)
        self._keep(connection, hooks, _verdict(hooks, frozenset(targets)))

    def _tend(self, name: str, events: Events) -> bool:
        url = self._url + address(name, events)
        targets = targets_of(self._store, name)
        ours = frozenset(targets)
        hooks = {(hook.id, hook.target): hook for hook in events.hooks(url, targets)}
        ill = [hook for hook in hooks.values() if _mendable(hook, self._now(), ours)]
        lacking = [hook.target for hook in hooks.values() if not hook.id]
        registered = any(hook.id for hook in hooks.values())
        refusal = ""
        try:
            if ill:
                hooks |= {(h.id, h.target): h for h in events.renew(url, {hook.id for hook in ill})}
            if lacking and registered:
                for hook in events.install(url, lacking[:_AT_ONCE]):
                    hooks.pop(("", hook.target), None)
                    hooks[hook.id, hook.target] = hook
        except ConnectorError as error:
            # What was done before a failure is done; what was not is seen the next time, and told unless it will pass.
            refusal = "" if isinstance(error, TryLater) else error.code
        self._keep(name, tuple(hooks.values()), refusal or _verdict(tuple(hooks.values()), ours))
        return any(not hook.active for hook in ill) or (bool(lacking) and registered)

    def _keep(self, name: str, hooks: Sequence[Hook], code: str) -> None:
        before = next((known for known in self._store.kept(KIND, "") if known.name == name), None)
        was = before.value["code"] if before else ""
        if was != code:
            logs.happened("trouble" if code else "recovered", grave=bool(code), code=code, name=label(name))
        self._store.keep(KIND, "", name, {"code": code, "states": dict(Counter(hook.state for hook in hooks))})

    def troubles(self) -> dict[str, str]:
        """Return the codes of what is not well, as the last look of any process found it."""
        try:
            kept: tuple[Document, ...] = self._store.kept(KIND, "")
        except StoreUnavailable:
            return {}  # which the worker tells
        return {label(one.name): one.value["code"] for one in kept if one.name in self._hearing and one.value["code"]}


def label(connection: str) -> str:
    """Return the name under which trouble with a connection's webhooks is told."""
    return f"webhooks of {connection}"


def _mendable(hook: Hook, now: datetime, targets: Collection[str]) -> bool:
    """Tell whether a webhook may be enabled or renewed without asking anybody."""
    if not hook.id or (hook.target and hook.target not in targets):
        return False
    ends_soon = hook.ends is not None and hook.ends - now < RENEWED_BEFORE
    return (hook.dropped and not hook.active) or (ends_soon and hook.active)


def _verdict(hooks: Sequence[Hook], targets: Collection[str]) -> str:
    """Return the code of what a person must see to; "" when all is well.

    What watches something that no plan lives in any more is nobody's concern.
    """
    ours = [hook for hook in hooks if not hook.target or hook.target in targets]
    if any(hook.id and not hook.sound for hook in ours):
        return DISABLED
    return LACKING if ours and not any(hook.id for hook in ours) else ""
