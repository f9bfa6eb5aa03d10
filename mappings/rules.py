"""Builds lenses and rules from a checked mapping document, and refuses those which could lose or invent values.

Used by `mappings.load` only. Every refusal is reported at its place in the file; building goes on, so that one run
shows them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from connectors.base import Kind
from mappings.conditions import BadExpression, Condition
from mappings.document import FieldDoc, LensDoc, ObjectDoc
from mappings.model import LEDGER, VIRTUAL, ColumnSpec, FieldRule, Lens, Match, ObjectMapping, Transform, UserMap
from mappings.reading import Place, Source, suggest
from mappings.transforms import (
    Affix,
    Chain,
    Checkbox,
    Choice,
    Computed,
    Constant,
    Day,
    Filled,
    Hours,
    Identity,
    Listed,
    Number,
    Percent,
    Text,
    Truncate,
    Truth,
    User,
)

DEFAULTS = {
    "text": "text",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "choice": "values",
    "user": "user",
    "list": "list",
}
"""The transform of each type where the file names none."""

FITTING = {
    "text": {"identity", "text", "constant", "cel"},
    "number": {"identity", "number", "hours_from_seconds", "percent", "constant", "cel"},
    "boolean": {"identity", "boolean", "constant", "cel"},
    "date": {"identity", "date", "constant", "cel"},
    "choice": {"values", "checkbox", "constant", "cel"},
    "user": {"user", "identity", "constant"},
    "list": {"list", "identity", "constant"},
}
"""The transforms which a type can wear."""


TO_LEDGER = f"to {LEDGER} only"


class Builder:
    """Builds the object mappings of one file; `names` are the connections that the file declares, None: any."""

    def __init__(self, source: Source, *, names: Collection[str] | None, users: UserMap) -> None:
        self._source, self._users = source, users
        self._names = None if names is None else {*names, *VIRTUAL}

    def build(self, kind: Kind, doc: ObjectDoc, place: Place) -> ObjectMapping:
        """Return the mapping of one kind of record."""
        rules = (
            self._rule(name, field, field.direction or doc.direction, (*place, "fields", name))
            for name, field in doc.fields.items()
        )
        mapping = ObjectMapping(kind, tuple(rules), self._matches(kind, doc, place))
        self._refuse_shared_fields(mapping, place)
        return mapping

    def _matches(self, kind: Kind, doc: ObjectDoc, place: Place) -> dict[str, Match]:
        """Return how existing records are known again; only plans and tasks can be."""
        if doc.match and kind not in {Kind.PLAN, Kind.TASK}:
            self._source.report((*place, "match"), f"a {kind} is never matched", "Match plans and tasks", key=True)
            return {}
        known = {name for name in doc.match if self.known(name, (*place, "match", name))}
        return {n: Match(m.field, Condition.compile(m.equals)) for n, m in doc.match.items() if n in known}

    def columns(self, doc: ObjectDoc, place: Place) -> dict[str, tuple[ColumnSpec, ...]]:
        """Return the columns to create, by connection."""
        found: dict[str, list[ColumnSpec]] = {}
        for field in doc.fields.values():
            for connection, lenses in field.at.items():
                found.setdefault(connection, []).extend(_column(lens) for lens in lenses if lens.column)
        for connection, columns in found.items():
            primaries = sum(column.primary for column in columns)
            if columns and primaries != 1:
                self._source.report(
                    (*place, "fields"),
                    f"{primaries} columns at {connection} are primary",
                    "Mark exactly one column with `primary: true`",
                )
        return {connection: tuple(columns) for connection, columns in found.items() if columns}

    def known(self, name: str, place: Place, *, virtual: bool = False) -> bool:
        """Report a connection that the file does not declare."""
        if self._names is None or (name in self._names and (virtual or name not in VIRTUAL)):
            return True
        allowed = self._names if virtual else self._names - set(VIRTUAL)
        self._source.report(place, f"there is no connection {name!r}", suggest(name, allowed))
        return False

    def _rule(self, name: str, doc: FieldDoc, direction: str, place: Place) -> FieldRule:
        only = direction.split()[1] if direction != "both" else ""
        if only:
            self.known(only, (*place, "direction"), virtual=True)
        if doc.type == "choice" and not doc.values:
            self._source.report(place, f"{name!r} is a choice without values", "List all of them under `values`")
        lenses = tuple(
            self._lens(doc, lens, connection, direction, (*place, "at", connection, *step))
            for connection, docs in doc.at.items()
            if self.known(connection, (*place, "at", connection), virtual=True)
            for step, lens in _steps(docs, listed=self._source.is_list((*place, "at", connection)))
        )
        timed = direction == TO_LEDGER
        if timed:
            self._refuse_odd_hours(doc, place)
        return FieldRule(name, doc.type, lenses, self._authority(name, doc, lenses, only, direction, place), timed)

    def _refuse_odd_hours(self, doc: FieldDoc, place: Place) -> None:
        """Report a column of hours that could not be told apart, or that holds no hours."""
        columns = [lens for docs in doc.at.values() for lens in docs]
        if doc.type != "number" or any(lens.transform not in {None, "number"} for lens in columns):
            self._source.report(place, "hours that people enter are plain numbers", "Say `type: number`, no transform")
        if len(columns) != 1 or set(doc.at) & set(VIRTUAL):
            self._source.report(
                (*place, "at"),
                "hours that people enter stand in one column",
                "Name that column alone, and give each column a field of its own",
                key=True,
            )
        if place[1] != "task":
            self._source.report(place, "only tasks have hours that people enter", "Move the field to `task`")

    def _authority(
        self, name: str, doc: FieldDoc, lenses: tuple[Lens, ...], only: str, direction: str, place: Place
    ) -> tuple[str, ...]:
        known = [c for n, c in enumerate(doc.authority) if self.known(c, (*place, "authority", n), virtual=True)]
        if known or doc.authority:
            return tuple(known)
        if direction.startswith("from"):
            return (only,)
        readers = tuple(dict.fromkeys(lens.connection for lens in lenses if lens.reads))
        if len(readers) > 1:
            self._source.report(
                place,
                f"{name!r} is read at {' and '.join(readers)}, and nothing says which of them wins a conflict",
                f"Add `authority: [{', '.join(readers)}]`, the winner first",
            )
        return readers

    def _lens(self, rule: FieldDoc, doc: LensDoc, connection: str, direction: str, place: Place) -> Lens:
        reads, writes = _flags(direction, connection)
        reads = reads and not doc.once
        name = doc.transform or DEFAULTS[rule.type]
        if name not in FITTING[rule.type]:
            self._source.report(
                (*place, "transform"),
                f"transform {name!r} does not fit a field of type {rule.type!r}",
                f"Use one of: {', '.join(sorted(FITTING[rule.type]))}",
            )
        self._refuse_one_way(name, reads=reads, writes=writes, place=place)
        transform = self._transform(name, rule, doc, connection, place)
        if name == "values":
            self._refuse_ambiguous(rule, doc, reads=reads, writes=writes, place=place)
        if rule.required and reads:
            transform = Filled(transform, f"{connection}.{doc.field}")
        column = doc.column.type if doc.column else ""
        return Lens(connection, doc.field, transform, reads, writes, column, doc.once)

    def _transform(self, name: str, rule: FieldDoc, doc: LensDoc, connection: str, place: Place) -> Transform:
        where = f"{connection}.{doc.field}"
        plain: dict[str, Transform] = {
            "identity": Identity(),
            "text": Text(),
            "number": Number(doc.digits),
            "hours_from_seconds": Hours(),
            "percent": Percent(),
            "date": Day(),
            "boolean": Truth(),
            "values": Choice({key: tuple(natives) for key, natives in (doc.values or {}).items()}, where),
            "user": User(self._users.ids.get(connection), where),
            "list": Listed(doc.separator),
            "constant": Constant(doc.value),
        }
        self._refuse_missing_options(name, doc, place)
        if name == "checkbox":
            for key, value in (("true", doc.true), ("false", doc.false)):
                if value is not None and value not in rule.values:
                    self._source.report((*place, key), f"{value!r} is none of the values", suggest(value, rule.values))
            return Checkbox(doc.true or "", doc.false or "")
        if name == "cel":
            return self._computed(doc, place)
        links = [plain[name]]
        if doc.prefix or doc.suffix:
            links.append(Affix(doc.prefix, doc.suffix))
        if doc.truncate:
            links.append(Truncate(doc.truncate))
        return links[0] if len(links) == 1 else Chain(tuple(links))

    def _computed(self, doc: LensDoc, place: Place) -> Transform:
        try:
            expression = Condition.compile(doc.expression or "native")
        except BadExpression:  # reported already, when the document was checked
            return Identity()
        for name in sorted(expression.names() - {"native"}):
            self._source.report((*place, "expression"), f"unknown variable {name!r}", "Here only `native` is known")
        return Computed(expression)

    def _refuse_missing_options(self, name: str, doc: LensDoc, place: Place) -> None:
        needs = {"checkbox": ("true", "false"), "constant": ("value",), "cel": ("expression",), "values": ("values",)}
        for option in needs.get(name, ()):
            if getattr(doc, option) is None:
                self._source.report(place, f"transform {name!r} needs {option!r}", f"Add `{option}:` to this field")
        for owner, options in needs.items():
            for option in options:
                if owner != name and getattr(doc, option) is not None:
                    self._source.report(
                        (*place, option),
                        f"{option!r} means nothing to transform {name!r}",
                        f"Remove it, or say `transform: {owner}`",
                        key=True,
                    )

    def _refuse_one_way(self, name: str, *, reads: bool, writes: bool, place: Place) -> None:
        if name == "constant" and reads:
            what, direction = "cannot be read back", "to"
        elif name == "cel" and writes:
            what, direction = "cannot be written", "from"
        else:
            return
        connection = place[place.index("at") + 1]
        self._source.report(
            place,
            f"transform {name!r} {what}, so the map has no inverse",
            f"Say `direction: {direction} {connection} only`",
        )

    def _refuse_ambiguous(self, rule: FieldDoc, doc: LensDoc, *, reads: bool, writes: bool, place: Place) -> None:
        """Report a two-way value map without an inverse, and values of ours that have no word there."""
        values = doc.values or {}
        for ours in values:
            if ours not in rule.values:
                self._source.report(
                    (*place, "values", ours), f"{ours!r} is none of the values", suggest(ours, rule.values), key=True
                )
        missing = [ours for ours in rule.values if ours not in values]
        if writes and missing and doc.values is not None:
            self._source.report(
                (*place, "values"), f"nothing to write for {', '.join(missing)}", "Give each a native value here"
            )
        owner: dict[str, str] = {}
        for ours, natives in values.items():
            for native in natives:
                first = owner.setdefault(native.casefold(), ours)
                if first != ours and reads:
                    self._source.report(
                        (*place, "values", ours),
                        f"{native!r} stands for both {first!r} and {ours!r}, so the map has no inverse",
                        "Keep it under one of them, or make the field's direction one-way",
                    )

    def _refuse_shared_fields(self, mapping: ObjectMapping, place: Place) -> None:
        """Two of our fields that write one native field would overwrite each other for ever."""
        written = Counter(
            (lens.connection, lens.field) for rule in mapping.rules for lens in rule.lenses if lens.writes
        )
        for (connection, field), count in written.items():
            if count > 1:
                names = [r.name for r in mapping.rules for x in r.at(connection) if x.field == field and x.writes]
                self._source.report(
                    (*place, "fields", names[-1], "at", connection),
                    f"{field!r} at {connection} is written by {' and '.join(names)}",
                    "Map it to one of them, or make the others `from`",
                )


def _flags(direction: str, connection: str) -> tuple[bool, bool]:
    """Return (reads, writes) of a lens. `from X only`: X is read, all others are written; `to X only`: X is written."""
    if direction == "both":
        return True, True
    if direction == TO_LEDGER:
        return True, False  # people's own column: we only read it
    word, name, _ = direction.split()
    if word == "from":
        return connection == name, connection != name
    return connection != name, True


def _steps(docs: list[LensDoc], *, listed: bool) -> Iterator[tuple[Place, LensDoc]]:
    """Pair lenses with their place; a single one stands in the file without a list around it."""
    return (((number,) if listed else (), doc) for number, doc in enumerate(docs))


def _column(lens: LensDoc) -> ColumnSpec:
    doc = lens.column
    assert doc is not None
    options = doc.options
    if not options and doc.type == "PICKLIST":
        options = [natives[0] for natives in (lens.values or {}).values()]
    return ColumnSpec(lens.field, doc.type, tuple(options), doc.primary, doc.hidden, doc.locked)
