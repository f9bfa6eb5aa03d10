"""Turns records into canonical values and back: the one place where a vendor's field meets ours.

Called by `sync.engine` and the reports. Pure. It never decides which side wins (`sync.core` does) and never raises for
one bad field: that field becomes a Problem and the others go on. Only a deal that cannot become a plan raises HeldBack.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from connectors.base import Fields, Record, Value
from mappings.conditions import NotEvaluated, Scope, visible
from mappings.lines import numbers
from mappings.model import (
    Check,
    Deal,
    FieldRule,
    Given,
    HeldBack,
    Lens,
    Line,
    MappingSet,
    ObjectMapping,
    Problem,
    Untranslatable,
)
from mappings.transforms import is_empty

WORDS = frozenset({"text", "choice", "user"})
"""Types whose empty value is "" in a Deal and a Line; other empty values are None, and absent in expressions."""


def put(lens: Lens, value: Value) -> Value:
    """Return the native value that shows this canonical one."""
    return lens.transform.put(value)


def read(lens: Lens, native: Value, base: Value) -> Value:
    """Return the canonical value that this native one means, given the one that was last agreed on.

    The lens law: a native value that shows the base *is* the base, however lossy the lens. So an unticked box over
    `blocked` stays `blocked`. Raises Untranslatable.
    """
    return base if _same(native, lens.transform.put(base)) else lens.transform.get(native)


def to_canonical(
    mapping: ObjectMapping, connection: str, fields: Fields, base: Fields | None = None
) -> tuple[dict[str, Value], tuple[Problem, ...]]:
    """Read a record. A field that the record does not show, or that no rule translates, is absent from the answer.

    Where several lenses show one field the first that differs from the base speaks: it is the one somebody touched.
    """
    known = base or {}
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    for rule, lenses in mapping.by_connection.get(connection, ()):
        shown = [lens for lens in lenses if lens.reads and lens.field in fields]
        if not shown:
            continue
        try:
            values[rule.name] = _read_all(shown, fields, known.get(rule.name))
        except Untranslatable as error:
            problems.append(Problem(rule.name, error.code, error.message))
    return values, tuple(problems)


def to_native(mapping: ObjectMapping, connection: str, canonical: Fields) -> dict[str, Value]:
    """Return what to write for these canonical values at a connection; fields that we never write there are absent."""
    return {
        lens.field: lens.transform.put(canonical[rule.name])
        for rule, lenses in mapping.by_connection.get(connection, ())
        if rule.name in canonical
        for lens in lenses
        if lens.writes
    }


def corrections(mapping: ObjectMapping, connection: str, fields: Fields, canonical: Fields) -> dict[str, Value]:
    """Return the native fields of an existing record that do not show these canonical values yet, with what to write.

    This is what an update sends: it leaves `In Review` alone where `in_progress` is meant, and makes a second lens
    follow the first (a ticked box moves the status column beside it). Fields written once only, fields that the record
    does not show and fields that we never write are left out.
    """
    return {
        lens.field: lens.transform.put(canonical[rule.name])
        for rule, lenses in mapping.by_connection.get(connection, ())
        if rule.name in canonical
        for lens in lenses
        if lens.writes and not lens.once and lens.field in fields
        if not shows(lens, fields[lens.field], canonical[rule.name])
    }


def shows(lens: Lens, native: Value, value: Value) -> bool:
    """Tell whether a native value already stands for this canonical value."""
    if _same(native, lens.transform.put(value)):
        return True
    try:
        return lens.reads and lens.transform.get(native) == value
    except Untranslatable:
        return False


def is_won(record: Record, mappings: MappingSet) -> bool:
    """Tell whether the mapping counts this deal as won; a deal too bare to tell is not."""
    if record.deleted or mappings.won_when is None:
        return not record.deleted
    values, _ = to_canonical(mappings.deal, _crm(mappings), record.fields)
    try:
        return mappings.won_when.test(_scope(record.ref.id, _plain(mappings.deal, values), ()))
    except NotEvaluated:
        return False


def deal_from(record: Record, mappings: MappingSet) -> Deal:
    """Read a deal with its lines; raises HeldBack where it lacks what a plan needs or fails one of the checks."""
    crm = _crm(mappings)
    values, problems = to_canonical(mappings.deal, crm, record.fields)
    needed = {*mappings.required, "close_date"}
    _refuse_problems(needed, problems, mappings)
    for name in needed:
        if is_empty(values.get(name)):
            raise HeldBack(f"The deal has no {_label(mappings, name)}: fill it in there.", code="DEAL-REQUIRED-01")
    values = _plain(mappings.deal, values)
    lines = tuple(_line(fields, mappings, crm) for fields in record.lines)
    _check(mappings, record.ref.id, values, lines)
    closed, amount = values["close_date"], values.get("amount")
    assert isinstance(closed, date)
    return Deal(
        key=record.ref.id,
        name=str(values.get("name") or record.ref.id),
        account=str(values.get("account") or ""),
        owner=str(values.get("owner") or ""),
        close_date=closed,
        amount=float(amount) if isinstance(amount, int | float) else None,
        fields=values,
        lines=lines,
    )


def scope_of(deal: Deal) -> dict[str, Any]:
    """Return what expressions and texts see of a deal: `deal` and `lines`."""
    shown: Fields = {
        "key": deal.key,
        "name": deal.name,
        "account": deal.account,
        "owner": deal.owner,
        "close_date": deal.close_date,
        "amount": deal.amount,
    }
    return {
        "deal": visible({**deal.fields, **shown}),
        "lines": _numbered(deal.lines, deal.given),
    }


def scope_of_record(record: Record, mappings: MappingSet) -> Scope:
    """Return the same for a deal that may yet lack what a plan needs; raises HeldBack for a line that has no sense."""
    crm = _crm(mappings)
    values, _ = to_canonical(mappings.deal, crm, record.fields)
    words: Fields = dict.fromkeys(("name", "account", "owner"), "")
    lines = tuple(_line(fields, mappings, crm) for fields in record.lines)
    return _scope(record.ref.id, {**words, **_plain(mappings.deal, values)}, lines)


def _numbered(lines: tuple[Line, ...], given: tuple[Given, ...] = ()) -> list[dict[str, Any]]:
    """Show lines with a `number` among those of the same product, and a `label` that tells them apart."""
    shown = []
    for line, (number, total) in zip(lines, numbers(lines, given), strict=True):
        label = f"{line.product} ({number} of {total})" if total > 1 else line.product
        named: Fields = {"number": number, "label": label}
        shown.append(visible({**line.fields, **_own(line), **named}))
    return shown


def _own(line: Line) -> Fields:
    return {
        "product": line.product,
        "code": line.code,
        "family": line.family,
        "quantity": line.quantity,
        "price": line.price,
    }


def _read_all(lenses: list[Lens], fields: Fields, base: Value) -> Value:
    values = [read(lens, fields[lens.field], base) for lens in lenses]
    return next((value for value in values if value != base), base)


def _same(native: Value, expected: Value) -> bool:
    return native == expected or (is_empty(native) and is_empty(expected))


def _crm(mappings: MappingSet) -> str:
    return next(iter(mappings.deal.by_connection))


def _line(fields: Fields, mappings: MappingSet, crm: str) -> Line:
    values, problems = to_canonical(mappings.lines, crm, fields)
    for problem in problems:
        if problem.field == "quantity":
            raise HeldBack(f"A product line's quantity: {problem.message}", code=problem.code)
    quantity, price = values.get("quantity"), values.get("price")
    return Line(
        product=str(values.get("product") or values.get("code") or ""),
        code=str(values.get("code") or ""),
        family=str(values.get("family") or ""),
        quantity=float(quantity) if isinstance(quantity, int | float) else 1.0,
        price=float(price) if isinstance(price, int | float) else 0.0,
        fields=_plain(mappings.lines, values),
        id=str(fields.get("Id") or ""),
    )


def _refuse_problems(needed: set[str], problems: tuple[Problem, ...], mappings: MappingSet) -> None:
    for problem in problems:
        if problem.field in needed:
            raise HeldBack(f"The deal's {_label(mappings, problem.field)}: {problem.message}", code=problem.code)


def _check(mappings: MappingSet, key: str, values: Fields, lines: tuple[Line, ...]) -> None:
    if not mappings.checks:
        return
    scope = _scope(key, values, lines)
    for check in mappings.checks:
        if not _holds(check, scope):
            raise HeldBack(check.message, code="DEAL-CHECK-01")


def _holds(check: Check, scope: Scope) -> bool:
    try:
        return check.condition.test(scope)
    except NotEvaluated as error:
        raise HeldBack(f"A check of the handoff cannot be made: {error}", code="DEAL-CHECK-02") from None


def _scope(key: str, values: Fields, lines: tuple[Line, ...]) -> Scope:
    return Scope.of({"deal": visible({**values, "key": key}), "lines": _numbered(lines)})


def _plain(mapping: ObjectMapping, values: Fields) -> dict[str, Value]:
    """Give every rule a value, empty words as "", so that `deal.region == "EMEA"` is false and not an error."""
    return {
        rule.name: ("" if rule.type in WORDS else None) if is_empty(values.get(rule.name)) else values[rule.name]
        for rule in mapping.rules
    }


def _label(mappings: MappingSet, name: str) -> str:
    rule: FieldRule = mappings.deal.rule(name)
    return f"{name.replace('_', ' ')} ({rule.lenses[0].field})"
