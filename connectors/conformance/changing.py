"""Sentences on change feeds and time entries: nothing lost, nothing told for ever, nothing that costs when idle."""

# ruff: noqa: D103 - the name of a sentence is what it says, as with tests

from __future__ import annotations

from connectors.base import Capability, Connector, Kind, Ref, TimeEntry
from connectors.conformance.bench import CLOSED, Bench, equal, expect
from connectors.conformance.suite import sentence

TASKS, TIME, DEALS = Capability.TASKS, Capability.TIME, Capability.DEALS
STEP = 30.0
"""Seconds between two sweeps."""
SETTLED = 1800.0
"""Seconds after which every overlap of every feed is over."""


def _subject(bench: Bench) -> Ref:
    """Return what people edit at this vendor: a task, else a deal."""
    if TASKS in bench.connector.capabilities:
        return bench.made(Kind.TASK)[0].ref
    return Ref(bench.rig.win_deal(CLOSED))


def _is_told(touched: frozenset[str], ref: Ref) -> bool:
    return ref.id in touched or bool(ref.container and ref.container in touched)


def _settle(bench: Bench) -> str:
    """Begin, and sweep until all that happened before is old news; return the cursor."""
    cursor = bench.connector.changes("").cursor
    for _ in range(3):
        bench.rig.advance(SETTLED)
        cursor = bench.connector.changes(cursor).cursor
    return cursor


@sentence()
def no_news_costs_one_call_and_touches_nothing(bench: Bench) -> None:
    subjects = [_subject(bench) for _ in range(3)]
    cursor = _settle(bench)
    for _ in range(3):
        changes, calls = bench.cost(lambda cursor=cursor: bench.connector.changes(cursor))  # type: ignore[misc]
        equal(
            (calls, changes.touched, changes.deals), (1, frozenset(), ()), f"a sweep over {len(subjects)} quiet records"
        )
        cursor = changes.cursor
        bench.rig.advance(STEP)


@sentence()
def a_persons_edit_is_told_until_its_cursor_is_kept_and_then_no_more(bench: Bench) -> None:
    subject = _subject(bench)
    start = _settle(bench)
    bench.rig.person_edits(subject)
    bench.rig.advance(STEP)
    told = bench.connector.changes(start)
    expect(_is_told(told.touched, subject), "a person's edit is no news")
    expect(_is_told(bench.connector.changes(start).touched, subject), "an edit is told once, whoever kept the cursor")
    bench.restart()
    expect(_is_told(bench.connector.changes(start).touched, subject), "a restart forgets an edit that nobody kept")
    cursor = bench.connector.changes(start).cursor
    for _ in range(20):
        bench.rig.advance(STEP)
        changes = bench.connector.changes(cursor)
        expect(not _is_told(changes.touched, subject), "an edit is told again after its cursor was kept")
        cursor = changes.cursor


@sentence()
def an_edit_between_two_looks_is_never_lost_however_feeds_lag(bench: Bench) -> None:
    subjects = [_subject(bench) for _ in range(6)]
    cursor = _settle(bench)
    lag = bench.rig.lag()
    open_: list[Ref] = []
    for number in range(30):
        if number % 3 == 1 and subjects:
            open_.append(subjects.pop())
            bench.rig.person_edits(open_[-1])
        bench.rig.advance(STEP / (1 + number % 4))
        changes = bench.connector.changes(cursor)
        cursor = changes.cursor
        open_ = [ref for ref in open_ if not _is_told(changes.touched, ref)]
        if number % 7 == 6:  # noqa: PLR2004 - now and then the process is a new one
            bench.restart()
    for _ in range(3):
        bench.rig.advance(max(lag, STEP))
        changes = bench.connector.changes(cursor)
        cursor = changes.cursor
        open_ = [ref for ref in open_ if not _is_told(changes.touched, ref)]
    equal(open_, [], "edits that no sweep told of")


@sentence(TASKS)
def an_edit_beside_a_write_of_ours_is_told(bench: Bench) -> None:
    (made, other) = bench.made(Kind.TASK, 2)
    cursor = _settle(bench)
    bench.done([bench.update(made, bench.plain(Kind.TASK))])
    bench.rig.person_edits(other.ref)
    bench.done([bench.update(made, bench.plain(Kind.TASK))])
    bench.rig.advance(STEP)
    expect(_is_told(bench.connector.changes(cursor).touched, other.ref), "an edit among our own writes is no news")


@sentence()
def what_we_write_ourselves_is_news_once_at_most(bench: Bench) -> None:
    start = _settle(bench)
    made = bench.made(bench.rig.keyed[-1], 3)
    times = dict.fromkeys((one.ref for one in made), 0)
    cursor = start
    for _ in range(25):
        bench.rig.advance(STEP)
        changes = bench.connector.changes(cursor)
        cursor = changes.cursor
        for ref in times:
            times[ref] += _is_told(changes.touched, ref)
    expect(max(times.values()) <= 1, f"our own writes are told {max(times.values())} times")


@sentence(DEALS)
def changed_deals_come_as_they_are_now(bench: Bench) -> None:
    old = bench.rig.win_deal(CLOSED)
    cursor = _settle(bench)
    bench.rig.person_edits(Ref(old))
    new = bench.rig.win_deal(CLOSED)
    bench.rig.advance(STEP)
    changes = bench.connector.changes(cursor)
    told = {record.ref.id for record in changes.deals}
    expect({old, new} <= told, "an edited and a new deal are not both among the changed deals")
    expect(told <= changes.touched, "a changed deal is not among the touched ids")


@sentence(DEALS)
def a_deleted_deal_is_told_as_deleted(bench: Bench) -> None:
    deal = bench.rig.win_deal(CLOSED)
    cursor = _settle(bench)
    bench.rig.person_deletes(Kind.DEAL, Ref(deal))
    bench.rig.advance(STEP)
    told = {record.ref.id: record.deleted for record in bench.connector.changes(cursor).deals}
    equal(told.get(deal), True, "a deleted deal, as told")


class _Ledger:
    """Time entries as an engine keeps them: what is told replaces what was, what is removed goes."""

    def __init__(self) -> None:
        self.entries: dict[str, TimeEntry] = {}
        self.cursor = ""

    def read(self, connector: Connector) -> None:
        changes = connector.time_changes(self.cursor)
        self.cursor = changes.cursor
        self.entries.update((entry.id, entry) for entry in changes.entries)
        for name in changes.removed:
            self.entries.pop(name, None)

    def sums(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for entry in self.entries.values():
            found[entry.record_id] = found.get(entry.record_id, 0) + entry.seconds
        return found


@sentence(TIME)
def logged_time_adds_up_through_edits_moves_and_deletes(bench: Bench) -> None:
    first, second = (one.ref for one in bench.made(Kind.TASK, 2))
    ledger = _Ledger()
    pause = max(bench.rig.lag(), 60.0) + STEP

    def agree(after: str) -> None:
        for _ in range(2):
            bench.rig.advance(pause)
            ledger.read(bench.connector)
        held = {ref.id: bench.rig.seconds(ref) for ref in (first, second)}
        equal({number: ledger.sums().get(number, 0) for number in held}, held, f"seconds by record, after {after}")

    kept = bench.rig.log_time(first, 3600)
    moved = bench.rig.log_time(first, 1800)
    gone = bench.rig.log_time(second, 900)
    agree("three entries")
    bench.rig.edit_time(kept, 7200)
    agree("an edit")
    bench.rig.move_time(moved, second)
    agree("a move")
    bench.rig.delete_time(gone)
    agree("a delete")
    equal(sum(ledger.sums().values()), 9000, "seconds in all")
    fresh = _Ledger()
    fresh.read(bench.connector)
    equal(fresh.sums(), ledger.sums(), "seconds by record, read from the beginning")


@sentence(TIME)
def time_entries_read_in_full_are_what_the_vendor_holds(bench: Bench) -> None:
    first, second = (one.ref for one in bench.made(Kind.TASK, 2))
    kept, moved = bench.rig.log_time(first, 3600), bench.rig.log_time(first, 1800)
    gone = bench.rig.log_time(second, 900)
    _settle(bench)
    bench.rig.edit_time(kept, 7200)
    bench.rig.move_time(moved, second)
    bench.rig.delete_time(gone)
    asked = {one.id: (one.record_id, one.seconds) for one in bench.connector.time_entries([kept, moved, gone])}
    told = {kept: (first.id, 7200), moved: (second.id, 1800)}
    equal(asked, told, "entries asked for by id, just after they changed")
    bench.rig.advance(2 * max(bench.rig.lag(), 60.0))
    whole = {one.id: (one.record_id, one.seconds) for one in bench.connector.time_entries()}
    equal(whole, told, "all entries, after the vendor's lag")
    equal(list(bench.connector.time_entries([])), [], "what no ids give")


@sentence(TIME)
def time_logged_between_two_looks_is_never_lost(bench: Bench) -> None:
    (made,) = bench.made(Kind.TASK)
    lag = max(bench.rig.lag(), 60.0)
    ledger = _Ledger()
    for number in range(20):
        bench.rig.log_time(made.ref, 60 + number)
        bench.rig.advance(7.0 + number)
        ledger.read(bench.connector)
        if number % 6 == 5:  # noqa: PLR2004 - now and then the process is a new one
            bench.restart()
    bench.rig.advance(2 * lag)
    ledger.read(bench.connector)
    equal(ledger.sums(), {made.ref.id: sum(60 + number for number in range(20))}, "seconds logged over many sweeps")


@sentence(TIME)
def no_new_time_costs_two_calls(bench: Bench) -> None:
    (made,) = bench.made(Kind.TASK)
    bench.rig.log_time(made.ref, 600)
    ledger = _Ledger()
    for _ in range(3):
        bench.rig.advance(SETTLED)
        ledger.read(bench.connector)
    changes, calls = bench.cost(lambda: bench.connector.time_changes(ledger.cursor))
    expect(calls <= 2, f"a look at no new time takes {calls} calls")  # noqa: PLR2004 - the contract's own number
    equal((changes.entries, changes.removed), ((), ()), "time entries when there is no news")
