"""Opens SQLite or PostgreSQL alike and lends out transactions; used by `sync.store.store` and the migrations only.

SQLite is set up for many processes on one file: WAL, writers queue for their turn at BEGIN (so a transaction that
began can always finish), and every commit is flushed to the disk (docs/decisions/0003-store.md gives the figures).
Values never appear in an error's text. No table is known here.
"""

from __future__ import annotations

import functools
import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

import sqlalchemy as sa
import tenacity
from sqlalchemy.dialects import postgresql, sqlite

BUSY_SECONDS = 30
"""How long a writer waits for another process's transaction before it gives up."""

STUCK_SECONDS = 60
"""After how long without a statement PostgreSQL ends a transaction, because its process stands still."""

CHUNK = 900
"""Values in one IN list; older SQLite libraries take at most 999 in a statement."""

Row: TypeAlias = sa.Row[*tuple[Any, ...]]

_Item = TypeVar("_Item")


class StoreUnavailable(Exception):
    """The database cannot be used now. The transaction is undone, or (should its end have got lost) kept as a whole.

    Whoever asked may ask again: every method of the store may be repeated. The message says what to do.
    """


class Database:
    """One engine with its pool; safe to share between threads. `open` is the way to make one."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        is_sqlite = engine.dialect.name == "sqlite"
        # A reader sees one moment throughout its statements on both databases.
        snapshot = {} if is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine.execution_options(**snapshot)
        self._writer = engine.execution_options(closedwon_begin="BEGIN IMMEDIATE")
        # Threads of one process queue here fairly; SQLite's own waiting is by sleeping and looking again.
        self._turn = threading.Lock() if is_sqlite else nullcontext()

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect to `sqlite:///file` or `postgresql://…`; raises ValueError for anything else."""
        parsed = sa.make_url(url)
        match parsed.get_backend_name():
            case "sqlite":
                return cls(_sqlite(parsed))
            case "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
                engine = sa.create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
                sa.event.listen(engine, "connect", _bound)
                return cls(engine)
        raise ValueError(
            "The store's address must begin with sqlite:/// or postgresql://; change `store` in config.yaml"
        )

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Lend a connection in a read-only view of one moment."""
        with _explained(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Lend a connection in one transaction: committed to disk at the end, or undone by an exception."""
        with self._turn, _explained(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def upsert(connection: sa.Connection, table: sa.Table) -> sa.Executable:
    """Return an INSERT that replaces the row of the same primary key."""
    return _upsert(connection.dialect.name, table)


def insert_new(connection: sa.Connection, table: sa.Table) -> sa.Executable:
    """Return an INSERT that leaves a row of the same primary key as it is."""
    return _insert_new(connection.dialect.name, table)


def insert(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT, which both databases spell alike."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def write_many(connection: sa.Connection, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute a statement once for each row; all rows have the same names, which are the statement's parameters.

    What SQLAlchemy does anew for each row costs several times what the database does; here it is done once for all. The
    statement must be one that lives on (of a module, or cached), since what was prepared is kept by it.
    """
    if rows:
        prepared = _prepare_many(connection.dialect, statement, tuple(rows[0]))
        connection.exec_driver_sql(prepared.text, [prepared.values(row) for row in rows])


def any_of(column: sa.Column[str]) -> sa.ColumnElement[bool]:
    """Say that a column is one of the values given as the parameter `any_of`: at most CHUNK of them."""
    return column.in_(sa.bindparam("any_of", expanding=True))


def chunks(items: Iterable[_Item], size: int = CHUNK) -> Iterator[tuple[_Item, ...]]:
    """Cut items into tuples that fit into an IN list."""
    iterator = iter(items)
    while chunk := tuple(itertools.islice(iterator, size)):
        yield chunk


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as the driver takes it. Where the driver counts parameters, `order` names them one by one."""

    text: str
    constants: Mapping[str, Any]
    converters: Mapping[str, Callable[[Any], Any]]
    order: tuple[str, ...] | None

    def values(self, row: Mapping[str, Any]) -> Any:
        """Return one row's parameters."""
        given = {**self.constants, **row}
        for name, convert in self.converters.items():
            given[name] = convert(given[name])
        return given if self.order is None else tuple(map(given.__getitem__, self.order))


@functools.lru_cache(maxsize=256)
def _prepare_many(dialect: sa.Dialect, statement: sa.Executable, names: tuple[str, ...]) -> _Prepared:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
    binds = {name: bind for bind, name in compiled.bind_names.items()}
    converters = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()}
    return _Prepared(
        text=str(compiled),
        constants={name: bind.value for name, bind in binds.items() if name not in names},
        converters={name: convert for name, convert in converters.items() if convert is not None},
        order=tuple(compiled.positiontup) if compiled.positional else None,
    )


@functools.cache
def _insert_new(dialect: str, table: sa.Table) -> sa.Executable:
    return insert(dialect, table).on_conflict_do_nothing()


@functools.cache
def _upsert(dialect: str, table: sa.Table) -> sa.Executable:
    statement = insert(dialect, table)
    changes = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=[*table.primary_key], set_=changes)


def _sqlite(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise ValueError(
            "A store in memory would forget its plans and double them; name a file: sqlite:///closedwon.db"
        )
    file = Path(url.database)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)  # it tells of customers; SQLite gives its side files the same mode
    engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _bound(connection: Any, _record: object) -> None:
    # A process that stands still in a transaction would keep its rows from whoever takes them over.
    connection.execute(f"SET idle_in_transaction_session_timeout = '{STUCK_SECONDS}s'")
    connection.commit()


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; `_begin` does
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")


def _is_busy(error: BaseException) -> bool:
    """Tell whether waiting helps: a full disk stays full, a file of another kind stays one."""
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorname.startswith("SQLITE_BUSY")


@tenacity.retry(
    retry=tenacity.retry_if_exception(_is_busy),
    stop=tenacity.stop_after_delay(BUSY_SECONDS),
    wait=tenacity.wait_random(0.005, 0.05),
    reraise=True,
)
def _use_wal(connection: Any) -> None:
    # The first switch of a new file needs it alone, and SQLite does not wait its busy time for that.
    connection.execute("PRAGMA journal_mode=WAL")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("closedwon_begin", "BEGIN"))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        if not (isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or error.connection_invalidated):
            raise
        raise StoreUnavailable(
            f"The store's database did not answer ({error.orig}); nothing is left by half. "
            "See that it runs, has space on its disk and may be written to, then start again"
        ) from error
