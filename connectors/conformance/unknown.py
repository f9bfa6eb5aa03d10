"""Sentences on writes whose answer did not come: nothing is doubled, nothing is lost, and look-ups tell the truth."""

# ruff: noqa: D103 - the name of a sentence is what it says, as with tests

from __future__ import annotations

from connectors.base import Failed, Kind, Write, Written
from connectors.conformance.bench import Bench, equal, expect
from connectors.conformance.rig import LATE, At, Break
from connectors.conformance.suite import sentence
from connectors.errors import TryLater, Unknown


def _settled(bench: Bench, write: Write, mark: str) -> None:
    """Do as the engine does after a failed write: look up, write again only what is not there; then there is one."""
    found = bench.find(write, mark)
    expect(len(found) <= 1, f"one write of {write.write_key} is found {len(found)} times")
    equal(len(found), bench.rig.count(write.write_key), f"records of {write.write_key}: found, and at the vendor")
    if not found:
        (written,) = bench.done([write])
        found = bench.find(write, mark)
        equal([record.ref for record in found], [written.ref], "refs as found, and as written")
    expect(all(record.write_key == write.write_key for record in found), "a record is found without its write key")
    bench.once(write)


def _broken(bench: Bench, kind: Kind, how: Break) -> tuple[Write, str, bool]:
    """Write one record while its call is broken; return it, the mark, and whether its outcome was left open."""
    bench.made(kind)  # the connection is warm: the call that breaks is the create's own
    (write,) = bench.fresh(kind)
    mark = bench.connector.mark()
    bench.rig.break_next(how, At.CREATE)
    (result,) = bench.write([write])
    bench.rig.heal()
    if isinstance(result, Failed):
        expect(isinstance(result.error, Unknown | TryLater), f"a broken call ({how}) is answered with {result.error!r}")
    return write, mark, isinstance(result, Failed)


@sentence()
def a_commit_whose_answer_was_lost_is_unknown_then_found_and_never_doubled(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        for how in (Break.COMMIT_THEN_DROP, Break.TRUNCATE):
            bench.restart(forget=True)
            write, mark, open_ = _broken(bench, kind, how)
            bench.once(write)
            if open_:
                equal(len(bench.find(write, mark)), 1, f"records found after {how}")
            _settled(bench, write, mark)


@sentence()
def nothing_is_said_to_be_undone_that_was_done(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        for how in (Break.COMMIT_THEN_DROP, Break.TRUNCATE):
            (write,) = bench.fresh(kind)
            bench.rig.break_next(how, At.CREATE)
            error = bench.failure(write)
            bench.rig.heal()
            expect(
                error is None or isinstance(error, Unknown),
                f"a {kind} was made ({how}) and its write is answered with {error!r}",
            )


@sentence()
def a_write_that_never_arrived_is_not_found_and_can_be_made(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        for how in (Break.DROP_BEFORE, Break.HTML):
            write, mark, open_ = _broken(bench, kind, how)
            bench.once(write, times=0 if open_ else 1)
            _settled(bench, write, mark)


@sentence()
def a_commit_that_comes_late_is_found_once_it_came(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        write, mark, _ = _broken(bench, kind, Break.LATE_COMMIT)
        bench.rig.advance(LATE + 1)
        equal(len(bench.find(write, mark)), 1, "records found after a late commit")
        bench.once(write)


@sentence()
def a_broken_batch_is_settled_record_by_record(bench: Bench) -> None:
    kind = bench.rig.keyed[-1]
    bench.made(kind)
    writes = bench.fresh(kind, 5)
    mark = bench.connector.mark()
    bench.rig.break_next(Break.COMMIT_THEN_DROP, At.CREATE)
    open_ = [result.write for result in bench.write(writes) if isinstance(result, Failed)]
    found = list(bench.connector.find([bench.wanted(write, mark) for write in writes]))
    equal({record.write_key for record in found}, {write.write_key for write in writes}, "keys found of a broken batch")
    equal(len(found), len(writes), f"records found of a broken batch, {len(open_)} of which were open")


@sentence()
def find_sees_what_no_index_shows_yet(bench: Bench) -> None:
    bench.rig.lag()
    for kind in bench.rig.keyed:
        (write,) = bench.fresh(kind)
        mark = bench.connector.mark()
        (written,) = bench.done([write])
        equal([record.ref for record in bench.find(write, mark)], [written.ref], f"a {kind} looked up at once")


@sentence()
def find_returns_every_double(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        (write,) = bench.fresh(kind)
        mark = bench.connector.mark()
        (written,) = bench.done([write])
        bench.rig.double(kind, write.write_key, written.ref)
        bench.once(write, times=2)
        found = bench.find(write, mark)
        equal(len({record.ref for record in found}), 2, f"doubles of a {kind} found")
        expect(written.ref in {record.ref for record in found}, "the first of two doubles is not found")


@sentence()
def find_returns_nothing_that_was_not_wanted(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        (other,) = bench.made(kind)
        (write,) = bench.fresh(kind)
        equal(bench.find(write, bench.connector.mark()), [], f"what is found for a {kind} that was never written")
        bench.once(other.write)


@sentence()
def a_mark_from_before_is_enough_for_a_process_that_forgot_all_else(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        mark = bench.connector.mark()
        (write,) = bench.fresh(kind)
        (written,) = bench.done([write])
        for forget in (False, True):
            bench.restart(forget=forget)
            found = [record.ref for record in bench.find(write, mark)]
            equal(found, [written.ref], f"a {kind} looked up after a restart, notes {'lost' if forget else 'kept'}")


@sentence()
def a_process_that_forgot_all_makes_no_double_beside_what_it_finds(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        write, mark, _ = _broken(bench, kind, Break.COMMIT_THEN_DROP)
        bench.restart(forget=True)
        _settled(bench, write, mark)


@sentence()
def writes_never_raise_whatever_the_vendor_does(bench: Bench) -> None:
    for how in Break:
        kind = bench.rig.keyed[-1]
        (made,) = bench.made(kind)
        change = made.write if kind is Kind.ONBOARDING else bench.update(made, bench.plain(kind))
        writes = [*bench.fresh(kind, 2), change]
        bench.rig.break_next(how)
        try:
            results = bench.write(writes)
        finally:
            bench.rig.heal()
        expect(all(isinstance(result, Written | Failed) for result in results), f"results under {how}: {results!r}")
        bench.rig.advance(LATE + 1)
