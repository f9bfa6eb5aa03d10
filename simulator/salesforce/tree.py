"""What a SOQL text says, as data: built by `soql`, read by `evaluate` and `plans`. It knows no schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Path:
    """A field, or a walk along references to one: `Account.Owner.Name`. `at` is its place in the text."""

    parts: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in a condition. `kind` is string, number, boolean, null, date, datetime or span.

    A span is a word for a time, `TODAY` or `LAST_N_DAYS` with `count`. `raw` of a string still has its backslashes.
    """

    kind: str
    raw: str
    at: int
    count: int = 0


@dataclass(frozen=True, slots=True)
class Compare:
    """`path op value`; op is one of = != < <= > >= LIKE."""

    path: Path
    op: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Among:
    """`path IN (…)`, `NOT IN`, `INCLUDES` or `EXCLUDES`, over literals or over what a query returns."""

    path: Path
    op: str
    values: tuple[Literal, ...] | Query


@dataclass(frozen=True, slots=True)
class Both:
    """All of the parts (`AND`)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any of the parts (`OR`)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """Not the part."""

    part: Condition


Condition: TypeAlias = Compare | Among | Both | Either | Negated


@dataclass(frozen=True, slots=True)
class Order:
    """One key of ORDER BY."""

    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole SELECT. `source` is an object, or in a child query a relationship; `count` stands for COUNT()."""

    columns: tuple[Path | Query, ...]
    count: bool
    source: str
    source_at: int
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int
