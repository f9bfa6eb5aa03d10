"""What is remembered of onboardings: their base, bindings and intents. Called by `sync.store.store` only.

Reads take any number of keys in a handful of statements, writes go out as batches in the order of their keys.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from connectors.base import Fields, Kind, Ref
from sync.core.model import PLAN_ITEM, Binding, BindingState, Commit, Intent, Onboarding
from sync.core.twins import mark_of
from sync.store import ledger, quarantine
from sync.store.codec import decode_fields, decode_items, encode_fields, encode_items
from sync.store.database import Row, any_of, chunks, insert, insert_new, upsert, write_many
from sync.store.schema import bindings, intents, onboardings

# Looked up for every binding that is loaded; calling the enumeration costs three times as much.
_KINDS = {kind.value: kind for kind in Kind}
_STATES = {state.value: state for state in BindingState}

_BINDING = tuple(
    bindings.c[name] for name in ("key", "item", "connection", "kind", "ref_id", "container", "url", "state")
)
_INTENT = tuple(intents.c[name] for name in Intent.__dataclass_fields__)

_SAVED = sa.select(onboardings).where(any_of(onboardings.c.key))
_BINDINGS = sa.select(*_BINDING).where(any_of(bindings.c.key)).order_by(*bindings.primary_key)
_INTENTS = sa.select(*_INTENT).where(any_of(intents.c.key)).order_by(*intents.primary_key)

_AT = bindings.c.connection == sa.bindparam("at")
_KEYS_OF = (
    sa.select(bindings.c.ref_id, bindings.c.key).where(any_of(bindings.c.ref_id), _AT).distinct(),
    sa.select(bindings.c.container, bindings.c.key).where(any_of(bindings.c.container), _AT).distinct(),
)

_END_INTENT = sa.delete(intents).where(
    intents.c.key == sa.bindparam("key"),
    intents.c.item == sa.bindparam("item"),
    intents.c.connection == sa.bindparam("connection"),
)

_MARK_MISSING = (
    sa.update(bindings)
    .where(
        bindings.c.key == sa.bindparam("at_key"),
        bindings.c.item == sa.bindparam("at_item"),
        bindings.c.connection == sa.bindparam("at_connection"),
        bindings.c.ref_id == sa.bindparam("at_ref"),
    )
    .values(state=BindingState.MISSING.value)
)

HAS_PLAN = sa.exists().where(bindings.c.key == onboardings.c.key, bindings.c.item == PLAN_ITEM)
"""True for an onboarding whose plan exists at some connection."""


def load(connection: sa.Connection, keys: Iterable[str]) -> dict[str, Onboarding]:
    """Return what is remembered of these keys; see `StoreApi.load`."""
    found: dict[str, Onboarding] = {}
    for chunk in chunks(dict.fromkeys(keys)):
        rows = {row.key: row for row in connection.execute(_SAVED, {"any_of": chunk})}
        bound = _bindings(connection, chunk)
        opened = _intents(connection, chunk)
        tracked = ledger.tracked(connection, chunk)
        held = quarantine.held(connection, chunk)
        for key in chunk:
            row = rows.get(key)
            found[key] = Onboarding(
                key=key,
                template=(row.template or "") if row else "",
                template_version=(row.template_version or "") if row else "",
                deal=decode_fields(row.deal) if row else {},
                base=decode_items(row.base) if row else {},
                rollup=decode_fields(row.rollup) if row else {},
                bindings=tuple(bound.get(key, ())),
                intents=tuple(opened.get(key, ())),
                tracked=tracked.get(key, {}),
                held=tuple(held.get(key, ())),
            )
    return found


def keys(connection: sa.Connection, after: str, limit: int) -> tuple[str, ...]:
    """Page through keys; see `StoreApi.keys`."""
    query = sa.select(onboardings.c.key).where(onboardings.c.key > after, HAS_PLAN)
    return tuple(connection.scalars(query.order_by(onboardings.c.key).limit(limit)))


def of_accounts(connection: sa.Connection, marks: Iterable[str]) -> dict[str, dict[str, Fields]]:
    """Map accounts to remembered deals by key; see `StoreApi.of_accounts`."""
    found: defaultdict[str, dict[str, Fields]] = defaultdict(dict)
    asked = (onboardings.c.account, onboardings.c.key, onboardings.c.deal)
    query = sa.select(*asked).where(any_of(onboardings.c.account)).order_by(onboardings.c.key)
    for chunk in chunks(sorted(set(marks))):
        for mark, key, deal in connection.execute(query, {"any_of": chunk}).all():
            found[mark][key] = decode_fields(deal)
    return dict(found)


def save(connection: sa.Connection, commits: Iterable[Commit]) -> None:
    """Write what the commits say of their onboardings; None leaves what was."""
    rows = [row for commit in commits if (row := _row(commit))]
    write_many(connection, _save(connection.dialect.name), rows)


def open_intents(connection: sa.Connection, opened: Iterable[Intent]) -> None:
    """Write intents ahead; see `StoreApi.open_intents`."""
    rows = [_unopened(intent) for intent in sorted(opened, key=lambda intent: (intent.connection, intent.write_key))]
    write_many(connection, insert_new(connection, intents), rows)


def bind(connection: sa.Connection, bound: Iterable[Binding]) -> None:
    """Write bindings and end their intents; see `StoreApi.bind`."""
    rows = [_unbound(binding) for binding in sorted(bound, key=lambda b: (b.key, b.item, b.connection))]
    if not rows:
        return
    named = [{"key": key} for key in dict.fromkeys(row["key"] for row in rows)]
    write_many(connection, insert_new(connection, onboardings), named)
    write_many(connection, upsert(connection, bindings), rows)
    write_many(connection, _END_INTENT, [{name: row[name] for name in ("key", "item", "connection")} for row in rows])


def drop_intents(connection: sa.Connection, at: str, write_keys: Iterable[str]) -> None:
    """Forget intents; see `StoreApi.drop_intents`."""
    for chunk in chunks(sorted(set(write_keys))):
        connection.execute(sa.delete(intents).where(intents.c.connection == at, intents.c.write_key.in_(chunk)))


def mark_missing(connection: sa.Connection, missing: Iterable[Binding]) -> None:
    """Turn bindings into tombstones, unless they were bound to another record meanwhile."""
    rows = [
        {"at_key": b.key, "at_item": b.item, "at_connection": b.connection, "at_ref": b.ref.id}
        for b in sorted(missing, key=lambda b: (b.key, b.item, b.connection))
    ]
    if rows:
        connection.execute(_MARK_MISSING, rows)


def keys_of(connection: sa.Connection, at: str, ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Map vendor ids to keys; see `StoreApi.keys_of`."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for chunk in chunks(dict.fromkeys(ids)):
        for query in _KEYS_OF:
            for vendor_id, key in connection.execute(query, {"at": at, "any_of": chunk}).all():
                found[vendor_id].add(key)
    return {vendor_id: frozenset(keys) for vendor_id, keys in found.items()}


def bindings_of(connection: sa.Connection, at: str, after: str, limit: int) -> tuple[Binding, ...]:
    """Page through one connection's bindings; see `StoreApi.bindings_of`."""
    ordered = sa.select(*_BINDING).where(bindings.c.connection == at).order_by(bindings.c.key, bindings.c.item)
    rows = connection.execute(ordered.where(bindings.c.key > after).limit(limit + 1)).all()
    if len(rows) > limit:
        # The last key may go on behind the page: leave it to the next, or take it whole when it is all there is.
        cut = rows[-1].key
        rows = [row for row in rows if row.key != cut] or connection.execute(ordered.where(bindings.c.key == cut)).all()
    return tuple(_bound(row) for row in rows)


@functools.cache
def _save(dialect: str) -> sa.Executable:
    statement = insert(dialect, onboardings)
    changes = {
        column.name: sa.func.coalesce(statement.excluded[column.name], column)
        for column in onboardings.c
        if not column.primary_key
    }
    return statement.on_conflict_do_update(index_elements=[onboardings.c.key], set_=changes)


def _bindings(connection: sa.Connection, keys: Sequence[str]) -> dict[str, list[Binding]]:
    bound: defaultdict[str, list[Binding]] = defaultdict(list)
    for row in connection.execute(_BINDINGS, {"any_of": keys}).all():
        bound[row[0]].append(_bound(row))
    return bound


def _intents(connection: sa.Connection, keys: Sequence[str]) -> dict[str, list[Intent]]:
    opened: defaultdict[str, list[Intent]] = defaultdict(list)
    for row in connection.execute(_INTENTS, {"any_of": keys}):
        opened[row.key].append(Intent(**{**row._mapping, "kind": _KINDS[row.kind]}))  # noqa: SLF001 - its public name
    return opened


def _bound(row: Row) -> Binding:
    key, item, connection, kind, ref_id, container, url, state = row
    return Binding(key, item, connection, _KINDS[kind], Ref(ref_id, container), url, _STATES[state])


def _unbound(binding: Binding) -> dict[str, str]:
    return {
        "key": binding.key,
        "item": binding.item,
        "connection": binding.connection,
        "kind": binding.kind.value,
        "ref_id": binding.ref.id,
        "container": binding.ref.container,
        "url": binding.url,
        "state": binding.state.value,
    }


def _unopened(intent: Intent) -> dict[str, Any]:
    return {
        "connection": intent.connection,
        "write_key": intent.write_key,
        "key": intent.key,
        "item": intent.item,
        "kind": intent.kind.value,
        "mark": intent.mark,
        "opened_at": intent.opened_at,
        "name": intent.name,
    }


def _row(commit: Commit) -> dict[str, str | None] | None:
    values = {
        "template": commit.template,
        "template_version": commit.template_version,
        "deal": None if commit.deal is None else encode_fields(commit.deal),
        "base": None if commit.base is None else encode_items(commit.base),
        "rollup": None if commit.rollup is None else encode_fields(commit.rollup),
        "account": None if commit.deal is None else mark_of(str(commit.deal.get("account") or "")),
    }
    return None if set(values.values()) == {None} else {"key": commit.claim.key, **values}
