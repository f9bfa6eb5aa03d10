"""Sentences on values: what was written is what comes back, and `normalise` told so beforehand."""

# ruff: noqa: D103 - the name of a sentence is what it says, as with tests

from __future__ import annotations

from datetime import date, datetime

from connectors.base import Fields, Kind, Update, Upsert, Write, Written
from connectors.conformance.bench import Bench, equal, expect
from connectors.conformance.suite import sentence


def _compare(bench: Bench, written: Written, fields: Fields, what: str) -> None:
    wanted = bench.connector.normalise(written.write.kind, fields)
    equal(set(wanted), set(fields), "fields that normalise returns")
    _same(bench.read(written).fields, wanted, f"{what}, read back")
    if written.fields is not None:
        _same(written.fields, wanted, f"{what}, in the write's own result")


def _same(seen: Fields, wanted: Fields, what: str) -> None:
    for name, value in wanted.items():
        expect(name in seen, f"{what}: {name} is missing")
        equal(seen[name], value, f"{what}: {name}")
        expect(
            isinstance(seen[name], bool) is isinstance(value, bool), f"{what}: {name} is {seen[name]!r}, not {value!r}"
        )
        expect(
            isinstance(seen[name], datetime) is isinstance(value, datetime) or not isinstance(value, date),
            f"{what}: {name} is {seen[name]!r}, where {value!r} is of another kind",
        )


@sentence()
def written_values_come_back_as_normalise_says(bench: Bench) -> None:
    bench.connector.describe()
    for kind in bench.rig.keyed:
        for number, sample in enumerate(bench.rig.samples(kind)):
            (write,) = bench.fresh(kind, fields=sample)
            (written,) = bench.done([write])
            _compare(bench, written, write.fields, f"sample {number} of a new {kind}")


@sentence()
def updated_values_come_back_as_normalise_says(bench: Bench) -> None:
    bench.connector.describe()
    for kind in bench.rig.keyed:
        (made,) = bench.made(kind)
        deal = made.write.write_key
        for number, sample in enumerate(bench.rig.samples(kind)):
            fields = bench.of_deal(sample, deal)
            write: Write = (
                Upsert(deal, kind, fields)
                if kind is Kind.ONBOARDING
                else Update(made.write.write_key, kind, made.ref, fields)
            )
            (written,) = bench.done([write])
            equal(written.ref.id, made.ref.id, "id of an updated record")
            result = Written(made.write, made.ref, written.fields)
            _compare(bench, result, fields, f"sample {number} as an update of a {kind}")


@sentence()
def what_is_normal_stays_as_it_is(bench: Bench) -> None:
    bench.connector.describe()
    for kind in bench.rig.keyed:
        for sample in bench.rig.samples(kind):
            once, calls = bench.cost(lambda kind=kind, sample=sample: bench.connector.normalise(kind, sample))  # type: ignore[misc]
            equal(calls, 0, "calls that normalise makes")
            equal(bench.connector.normalise(kind, once), once, f"a normal {kind}, made normal again")


@sentence()
def what_is_read_is_normal(bench: Bench) -> None:
    bench.connector.describe()
    for kind in bench.rig.keyed:
        for sample in bench.rig.samples(kind):
            (made,) = bench.made(kind, fields=sample)
            names = set(sample)
            seen = {name: value for name, value in bench.read(made).fields.items() if name in names}
            equal(dict(bench.connector.normalise(kind, seen)), seen, f"a {kind} as read, made normal")


@sentence()
def reading_twice_shows_the_same(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        (made,) = bench.made(kind)
        equal(bench.read(made), bench.read(made), f"a {kind} read twice")
