"""A query made ready to run: which rows, in which order, and how each is shown.

Built by `queries` for each statement. Rows are found through an index where the condition names an id, a reference or
an external id; otherwise all rows of the object are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from simulator.salesforce.evaluate import Scope, Test, not_queryable
from simulator.salesforce.problems import Problem
from simulator.salesforce.schema import TEXTS, Field, ObjectType
from simulator.salesforce.soql import at
from simulator.salesforce.store import Row, Store
from simulator.salesforce.tree import Among, Both, Compare, Condition, Order, Path, Query
from simulator.salesforce.values import Values

Json: TypeAlias = dict[str, Any]
Render: TypeAlias = Callable[[Values], Any]
_HINT = (
    "If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship "
    "name. Please reference your WSDL or the describe call for the appropriate names."
)


class Plan:
    """One checked query. `parent` is given for a child query: rows then come by their reference to a parent row."""

    def __init__(
        self,
        text: str,
        query: Query,
        store: Store,
        base: str,
        *,
        deleted: bool,
        parent: ObjectType | None = None,
        nest: Callable[[Plan, list[str]], Json | None] | None = None,
    ) -> None:
        self.text = text
        self.query = query
        self.store = store
        self.base = base
        self.deleted = deleted
        self.nest = nest
        self.name = query.source
        self.link: Field | None = None
        self.kind = self._source(parent)
        self.table = store.table(self.kind.name)
        self._joins: dict[Query, frozenset[Any]] = {}
        self.scope = Scope(text, store, self.kind, self._semi_join)
        if query.offset > 2000:
            raise Problem("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        self.test: Test | None = self.scope.test(query.where) if query.where else None
        self.sorts = [self._sort(order) for order in query.order]
        self.paths = [column for column in query.columns if isinstance(column, Path)]
        self.children = len(query.columns) - len(self.paths)
        self.render = self._renderer()

    def ids(self) -> list[str]:
        """Run the query and return the ids of its rows, in order."""
        return self._finish(self._candidates())

    def ids_under(self, parent_id: str) -> list[str]:
        """Run a child query for one parent row."""
        link = self.link
        assert link is not None
        rows = self.table.holding(link.name, parent_id, exact=True)
        return self._finish(row for row in rows if row.seen is not None and row.seen[link.name] == parent_id)

    def shown(self, row_id: str) -> Json | None:
        """Return a row as it is now, or None when it is no longer to be seen."""
        row = self.table.rows.get(row_id)
        if row is None or row.seen is None or (row.seen["IsDeleted"] and not self.deleted):
            return None
        record: Json = self.render(row.seen)
        return record

    def column(self) -> Callable[[Values], Any]:
        """Return the getter of the only column, for a semi-join; raises Problem."""
        if len(self.query.columns) != 1 or not isinstance(self.query.columns[0], Path):
            raise not_queryable("The inner select of a semi join must have exactly one column")
        path = self.query.columns[0]
        if self.scope.resolve(path)[1].type not in {"id", "reference"}:
            raise at(self.text, path.at, "The inner select field in a semi join must be an ID or reference field")
        return self.scope.getter(path)

    def _source(self, parent: ObjectType | None) -> ObjectType:
        if parent is None:
            return self.store.schema.typed(self.query.source)
        found = self.store.schema.child(parent, self.query.source)
        if found is None or self.store.schema.visible(found[0], found[1].name) is None:
            message = f"Didn't understand relationship '{self.query.source}' in FROM part of query call. {_HINT}"
            raise at(self.text, self.query.source_at, message, "INVALID_TYPE")
        kind, self.link = found
        self.name = self.link.children
        return kind

    def _finish(self, candidates: Iterable[Row]) -> list[str]:
        test, deleted = self.test, self.deleted
        rows = [
            seen
            for row in candidates
            if (seen := row.seen) is not None and (deleted or not seen["IsDeleted"]) and (test is None or test(seen))
        ]
        for sort in reversed(self.sorts):
            rows = sort(rows)
        if self.query.offset:
            rows = rows[self.query.offset :]
        if self.query.limit is not None:
            rows = rows[: self.query.limit]
        return [seen["Id"] for seen in rows]

    def _candidates(self) -> Iterator[Row]:
        where = self.query.where
        for part in where.parts if isinstance(where, Both) else (where,):
            found = None if part is None else self._keyed(part)
            if found is not None:
                # Distinct and in the table's order, as a scan would give them.
                return iter(sorted({row.id: row for row in found}.values(), key=lambda row: row.id))
        return iter(self.table.rows.values())

    def _keyed(self, part: Condition) -> Iterator[Row] | None:
        """Return the rows that one condition leaves over, when an index knows them."""
        if not isinstance(part, Compare | Among) or len(part.path.parts) != 1:
            return None
        field = self.scope.field(part.path)
        if part.op not in {"=", "IN"} or (field.name != "Id" and field.name not in self.table.index):
            return None
        if isinstance(part, Compare):
            wanted: Iterable[Any] = (self.scope.value(field, part.value),)
        elif isinstance(part.values, Query):
            wanted = self._semi_join(part.values)
        else:
            wanted = [self.scope.value(field, literal) for literal in part.values]
        wanted = list(wanted)
        if None in wanted:
            return None
        if field.name == "Id":
            return (row for key in wanted if (row := self.table.rows.get(key)) is not None)
        return (row for key in wanted for row in self.table.holding(field.name, key, exact=field.exact))

    def _semi_join(self, query: Query) -> frozenset[Any]:
        if query not in self._joins:
            plan = Plan(self.text, query, self.store, self.base, deleted=False)
            get = plan.column()
            seen = (plan.table.rows[row_id].seen for row_id in plan.ids())
            self._joins[query] = frozenset(get(values) for values in seen if values is not None) - {None}
        return self._joins[query]

    def _sort(self, order: Order) -> Callable[[list[Values]], list[Values]]:
        field, get = self.scope.field(order.path), self.scope.getter(order.path)
        fold = field.type in TEXTS and not field.exact

        def sort(rows: list[Values]) -> list[Values]:
            keyed = [(get(values), values) for values in rows]
            empty = [values for key, values in keyed if key is None]
            full = [(key.lower() if fold else key, values) for key, values in keyed if key is not None]
            full.sort(key=lambda pair: pair[0], reverse=order.descending)
            ordered = [values for _, values in full]
            return ordered + empty if order.nulls_last else empty + ordered

        return sort

    def _renderer(self) -> Render:
        """Build the function that shows a row, relationships nested, columns in the order of the text."""
        chosen: dict[tuple[str, ...], Path | Plan] = {}
        for column in self.query.columns:
            if isinstance(column, Path):
                key = tuple(part.lower() for part in column.parts)
                self.scope.resolve(column)
            else:
                child = Plan(
                    self.text, column, self.store, self.base, deleted=self.deleted, parent=self.kind, nest=self.nest
                )
                key = (child.name.lower(),)
            if key in chosen:
                raise Problem("INVALID_FIELD", f"duplicate field selected: {key[-1]}")
            chosen[key] = column if isinstance(column, Path) else child
        return self._nested(self.kind, list(chosen.items()))

    def _nested(self, kind: ObjectType, columns: list[tuple[tuple[str, ...], Path | Plan]]) -> Render:
        parts: dict[str, Render] = {}
        for key, column in columns:
            if isinstance(column, Plan):
                parts[column.name] = self._children(column)
            elif len(key) == 1:
                name = kind.fields[key[0]].name
                parts[name] = _get(name)
            else:
                reference = kind.by_relationship(key[0])
                assert reference is not None
                if reference.relationship not in parts:
                    deeper = [(other[1:], one) for other, one in columns if other[0] == key[0] and len(other) > 1]
                    parts[reference.relationship] = self._upwards(reference, deeper)
        return _record(kind.name, f"{self.base}/sobjects/{kind.name}/", tuple(parts.items()))

    def _upwards(self, reference: Field, columns: list[tuple[tuple[str, ...], Path | Plan]]) -> Render:
        rows = self.store.table(reference.refers_to).rows
        inner = self._nested(self.store.schema.typed(reference.refers_to), columns)

        def render(values: Values) -> Any:
            row = rows.get(values[reference.name])
            return None if row is None or row.seen is None else inner(row.seen)

        return render

    def _children(self, child: Plan) -> Render:
        nest = self.nest
        assert nest is not None
        return lambda values: nest(child, child.ids_under(values["Id"]))


def _get(name: str) -> Render:
    return lambda values: values[name]


def _record(kind: str, base: str, parts: tuple[tuple[str, Render], ...]) -> Render:
    def render(values: Values) -> Json:
        record: Json = {"attributes": {"type": kind, "url": base + values["Id"]}}
        for name, part in parts:
            record[name] = part(values)
        return record

    return render
