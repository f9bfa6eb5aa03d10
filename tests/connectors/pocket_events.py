"""The part of the pocket connector that hears events; its steps are methods, so that tests can break one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

import orjson
from pocket_hooks import HELLO, SIGNATURE, THANKS, Registration
from pocket_vendor import Pocket
from pydantic import SecretStr

from connectors.conformance import At
from connectors.events import Accepted, Event, Hook, Reply, check_signature, event_id, same_but_path, unreadable

T = TypeVar("T")

HOOK_PATH = SecretStr("pocket-0123456789-secret-path")
HOOK_SECRET = SecretStr("pocket-hook-secret")
_WORD = re.compile(r"[\w-]{1,40}")


class PocketEvents:
    """What `PocketConnector.events` returns: itself."""

    path = HOOK_PATH
    media_types = frozenset({"application/json"})
    vendor: Pocket
    call: Callable[..., Any]

    def events(self) -> Self:
        return self

    # --- believing

    def accept(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        if word := headers.get(HELLO, ""):
            return Accepted(self.reply(self.word(word)))
        self.prove(headers, body)
        return Accepted(self.reply(THANKS), (self.event(body),))

    def word(self, given: str) -> bytes:
        if not _WORD.fullmatch(given):
            raise unreadable("A word came that Pocket does not say")
        return given.encode()

    def prove(self, headers: Mapping[str, str], body: bytes) -> None:
        check_signature(HOOK_SECRET, body, headers.get(SIGNATURE, ""))

    def event(self, body: bytes) -> Event:
        try:
            told = self.read(body)
            return Event(event_id(str(told["id"]), body), (str(told["record"]),))
        except (ValueError, TypeError, KeyError):
            raise unreadable("Pocket sent an event that is none") from None

    def read(self, body: bytes) -> Mapping[str, Any]:
        told: Mapping[str, Any] = orjson.loads(body)
        return told

    def reply(self, body: bytes) -> Reply:
        return Reply(body=body)

    # --- registering

    def hooks(self, url: str, targets: Sequence[str]) -> tuple[Hook, ...]:
        ours = tuple(self.hook(one, url) for one in self.ours(url))
        lacking = set(targets) - {hook.target for hook in ours}
        return (*ours, *(Hook("", target, "none", active=False) for target in sorted(lacking)))

    def install(self, url: str, targets: Sequence[str]) -> Iterator[Hook]:
        there = self.watched(url)
        for target in targets:
            if target in there:
                yield self.mended(there[target], url)
            else:
                made = self.call(At.CREATE, lambda t=target: self.hooks_there.register(url, t, self.secret))
                yield self.hook(made, url)

    def renew(self, url: str, ids: Collection[str] | None = None) -> Iterator[Hook]:
        yield from (self.changed(one, url) for one in self.ours(url) if ids is None or one.id in ids)

    def remove(self, url: str) -> Iterator[Hook]:
        gone = self.removable(url)
        self.call(At.UPDATE, lambda: self.hooks_there.remove(one.id for one in gone))
        yield from (Hook(one.id, one.target, "gone", active=False) for one in gone)

    def steps(self, url: str) -> str:
        del url
        return ""

    @property
    def secret(self) -> str:
        return HOOK_SECRET.get_secret_value()

    @property
    def hooks_there(self) -> Any:
        return self.vendor.hooks

    def watched(self, url: str) -> dict[str, Registration]:
        return {one.target: one for one in self.ours(url)}

    def ours(self, url: str) -> list[Registration]:
        return [one for one in self.everybodys() if same_but_path(url, one.url)]

    def everybodys(self) -> list[Registration]:
        listed: Iterable[Registration] = self.call(At.READ, self.hooks_there.listed)
        return list(listed)

    def removable(self, url: str) -> list[Registration]:
        return self.ours(url)

    def mended(self, hook: Registration, url: str) -> Hook:
        return self.hook(hook, url) if hook.on and hook.url == url else self.changed(hook, url)

    def changed(self, hook: Registration, url: str) -> Hook:
        return self.hook(self.call(At.UPDATE, lambda: self.hooks_there.change(hook, url)), url)

    def hook(self, one: Registration, url: str) -> Hook:
        ended = one.ends is not None and one.ends <= self.vendor.clock.now()
        state = "on" if one.on else "ended" if ended else "off"
        return Hook(one.id, one.target, state, one.on, one.url == url, dropped=ended, ends=one.ends)
