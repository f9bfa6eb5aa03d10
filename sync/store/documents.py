"""Small documents by kind, onboarding and name. Called by `sync.store.store` only.

For parts that keep a few values and ask nothing of them: a running backfill, an override, a notice that was sent. What
is searched, summed up or guarded by a fence has a table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from sync.core.model import Document
from sync.store.database import insert, upsert
from sync.store.schema import documents


def keep(connection: sa.Connection, kind: str, key: str, name: str, value: Mapping[str, Any], now: datetime) -> None:
    """Insert or replace a document."""
    connection.execute(upsert(connection, documents), _row(kind, key, name, value, now))


def keep_once(
    connection: sa.Connection, kind: str, key: str, name: str, value: Mapping[str, Any], now: datetime
) -> bool:
    """Insert a document unless there is one; tell whether it was inserted."""
    statement = insert(connection.dialect.name, documents).on_conflict_do_nothing().returning(documents.c.name)
    return connection.scalar(statement, _row(kind, key, name, value, now)) is not None


def replace(
    connection: sa.Connection,
    *,
    kind: str,
    key: str,
    name: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Replace a document that is still as it was read; tell whether it was."""
    done = connection.execute(
        sa.update(documents)
        .where(*_named(kind, key, name), documents.c.value == _text(old))
        .values(value=_text(new), at=now)
    )
    return done.rowcount == 1


def forget(connection: sa.Connection, kind: str, key: str, name: str) -> None:
    """Delete a document; none is no error."""
    connection.execute(sa.delete(documents).where(*_named(kind, key, name)))


def kept(connection: sa.Connection, kind: str, key: str | None) -> tuple[Document, ...]:
    """List the documents of a kind, of one onboarding or of all, in order of key and name."""
    query = sa.select(documents).where(documents.c.kind == kind).order_by(documents.c.key, documents.c.name)
    if key is not None:
        query = query.where(documents.c.key == key)
    return tuple(
        Document(row.kind, row.key, row.name, orjson.loads(row.value), row.at) for row in connection.execute(query)
    )


def _named(kind: str, key: str, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return documents.c.kind == kind, documents.c.key == key, documents.c.name == name


def _row(kind: str, key: str, name: str, value: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {"kind": kind, "key": key, "name": name, "value": _text(value), "at": now}


def _text(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
