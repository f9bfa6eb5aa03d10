"""The rig for the pocket vendor, which a connector of its own kind may be put on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime

from pocket_connector import PocketConnector
from pocket_events import HOOK_PATH, HOOK_SECRET
from pocket_hooks import SIGNATURE, nobody, seal
from pocket_vendor import SOMEBODY, TOKEN, Entry, Pocket

from connectors.base import Connector, DictMemory, Fields, Kind, Ref
from connectors.conformance import DEAL, Answering, At, Break, Delivery

FIELDS = {Kind.DEAL: ("name", "closed"), Kind.PLAN: ("name", "due"), Kind.TASK: ("name", "state", "due")}


class PocketRig:
    """A pocket vendor with one connector on it."""

    keyed: tuple[Kind, ...] = (Kind.ONBOARDING, Kind.PLAN, Kind.TASK)
    fields = FIELDS

    def __init__(self, connector: type[PocketConnector] = PocketConnector) -> None:
        self.vendor = Pocket()
        self.memory = DictMemory()
        self._connector = connector
        self._edits = 0

    def build(self) -> Connector:
        self.memory = DictMemory()
        return self.reopen()

    def reopen(self) -> Connector:
        return self._connector(self.vendor, fields=self.fields, memory=self.memory, sleep=self.advance)

    def secrets(self) -> Sequence[str]:
        return (TOKEN, HOOK_PATH.get_secret_value(), HOOK_SECRET.get_secret_value())

    def notes(self) -> Mapping[str, str]:
        return self.memory.notes

    def now(self) -> datetime:
        return self.vendor.clock.now()

    def advance(self, seconds: float) -> None:
        self.vendor.clock.advance(seconds)

    def lag(self) -> float:
        self.vendor.lag = 90.0
        return self.vendor.lag

    def break_next(self, how: Break, at: At | None = None, *, retry_after: str | None = None) -> None:
        if how is Break.SIGNED_OUT:
            self.vendor.tokens.clear()
        else:
            self.vendor.faults.append((how, at, retry_after))

    def heal(self) -> None:
        self.vendor.faults.clear()
        self.vendor.tokens.add(TOKEN)

    def calls(self) -> int:
        return self.vendor.calls

    def sign_ins(self) -> int:
        return 0

    def count(self, write_key: str) -> int:
        return len(self.vendor.keyed(write_key))

    def samples(self, kind: Kind) -> Sequence[Fields]:
        extra: Fields = {"deal": DEAL} if kind is Kind.ONBOARDING else {}
        plain = {"name": "Kick-off", "state": "open", "due": date(2026, 12, 1), "hours": 2.5, "ticked": False, **extra}
        return (
            plain,
            {**plain, "name": "  Ünïcödé 漢字 🚀 much longer than it may be ", "hours": 0, "ticked": True},
            {**plain, "name": "   ", "due": None},
            {**dict.fromkeys(plain), **extra},
        )

    def refused(self, kind: Kind) -> Fields | None:
        return {**self.samples(kind)[0], "state": "no such state"}

    def double(self, kind: Kind, write_key: str, ref: Ref) -> None:
        self.vendor.add(kind, self.samples(kind)[0], key=write_key, plan=ref.container, who=SOMEBODY)

    def person_edits(self, ref: Ref) -> None:
        self._edits += 1
        self.vendor.change(ref.id, {"name": f"edited {self._edits}"}, who=SOMEBODY)

    def person_deletes(self, kind: Kind, ref: Ref) -> None:
        self.vendor.remove(ref.id)

    def person_plans(self, name: str, tasks: Sequence[str]) -> Ref:
        plan = self.vendor.add(Kind.PLAN, {"name": name}, who=SOMEBODY)
        for task in tasks:
            self.vendor.add(Kind.TASK, {"name": task}, plan=plan.id, who=SOMEBODY)
        return Ref(plan.id)

    def sending(self) -> PocketRig:
        return self

    @contextmanager
    def listening(self, answer: Answering) -> Iterator[str]:
        self.vendor.hooks.post = lambda url, delivery: answer(delivery)
        yield "https://hooks.test/pocket"
        self.vendor.hooks.post = nobody

    def by_hand(self, url: str) -> None:
        """All is done by `install`."""

    def deliver(self) -> None:
        self.vendor.hooks.deliver()

    def sealed(self, body: bytes) -> Sequence[Delivery]:
        return [seal(HOOK_SECRET.get_secret_value(), body)]

    def altered(self, delivery: Delivery) -> Sequence[Delivery]:
        return [Delivery(delivery.headers, delivery.body.replace(b'"record":"T', b'"record":"D'))]

    def forged(self, delivery: Delivery) -> Sequence[Delivery]:
        unsigned = {name: value for name, value in delivery.headers.items() if name != SIGNATURE}
        return [seal("another-secret", delivery.body), Delivery(unsigned, delivery.body)]

    def addresses(self) -> Sequence[str]:
        return [hook.url for hook in self.vendor.hooks.all.values()]

    def other_registers(self, url: str, target: str) -> None:
        self.vendor.hooks.register(url, target, "theirs")

    def switch_off(self) -> None:
        for hook in self.vendor.hooks.all.values():
            hook.on = False

    def win_deal(self, closed: date, *, lines: int = 1, won: bool = True) -> str:
        deal: Fields = {"name": "Northwind", "closed": closed, "won": won}
        return self.vendor.add(Kind.DEAL, deal, lines=lines, who=SOMEBODY).id

    def log_time(self, ref: Ref, seconds: int) -> str:
        return self.vendor.log(Entry(f"T{len(self.vendor.entries)}", ref.id, seconds, self.now()))

    def seconds(self, ref: Ref) -> int:
        return sum(entry.seconds for entry in self.vendor.entries.values() if entry.item == ref.id)

    def edit_time(self, entry: str, seconds: int) -> None:
        self.vendor.log(replace(self.vendor.entries[entry], seconds=seconds))

    def move_time(self, entry: str, ref: Ref) -> None:
        self.vendor.log(replace(self.vendor.entries[entry], item=ref.id))

    def delete_time(self, entry: str) -> None:
        self.edit_time(entry, 0)
