"""Exit codes, and how an error becomes one sentence and one code. Used by every command; prints nothing itself."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from typer.exceptions import TyperException

from connectors.errors import ConnectorError, NotAuthorised, Refused
from mappings.reading import Problems
from sync.backfill.share import NoPace
from sync.backfill.where import BadCondition
from sync.core.guard import Unsafe
from sync.plan_file import Moved
from sync.store import StoreTooNew, StoreUnavailable
from sync.wiring import Unwired
from sync.work import NoJobs


class Exit(IntEnum):
    """What a command's exit code means; documented in docs/commands.md."""

    OK = 0
    BROKEN = 1
    """A defect of Closedwon itself; the report names the place."""
    USAGE = 2
    """The command line is wrong."""
    CONFIG = 3
    """A file is wrong, or does not fit what a vendor has; every mistake is listed with its place."""
    REFUSED = 4
    """Nothing was written: the plan is stale, or a brake is engaged."""
    NOT_AUTHORISED = 5
    """A connection's credentials or permissions do not suffice."""
    UNFINISHED = 6
    """A vendor or the store could not be reached or asked us to wait; run again, nothing is lost."""
    UNEQUAL = 7
    """`verify` found differences or duplicates, or `doctor` found errors."""
    HELD = 8
    """Everything else is done, but some records are held back; `closedwon status` shows which and why."""
    CANCELLED = 9
    """A person ended the backfill from another terminal; what was done stays done, and the same command goes on."""
    INTERRUPTED = 130
    """Ctrl-C; what was done stays done, and the next run goes on from there."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command that did not simply succeed ends: a stable code, the operator's sentence, the exit code.

    `told` says that the result is on stdout already, so that with --json nothing more may follow there.
    """

    code: str
    message: str
    exit: Exit
    told: bool = False


class Stop(Exception):
    """End the command like this."""

    def __init__(self, message: str, exit_code: Exit, code: str, *, told: bool = False) -> None:
        super().__init__(message)
        self.ending = Ending(code, message, exit_code, told)


def explain(error: BaseException) -> Ending | None:
    """Return the ending for an error that an operator can act upon; None for our own defects."""
    for kind, explained in _ENDINGS:
        if isinstance(error, kind):
            ending: Ending | None = explained(error)
            return ending
    return None


def _problems(error: Problems) -> Ending:
    count = len(error.mistakes)
    return Ending("FILES-01", f"{count} problem{'s' if count > 1 else ''}; nothing was started.\n{error}", Exit.CONFIG)


def _connector(error: ConnectorError) -> Ending:
    if isinstance(error, NotAuthorised):
        return Ending(error.code, error.message, Exit.NOT_AUTHORISED)
    if isinstance(error, Refused):
        hint = (
            "" if "closedwon doctor" in error.message else " `closedwon doctor` compares the mapping with the vendor."
        )
        return Ending(error.code, error.message + hint, Exit.CONFIG)
    return Ending(error.code, f"{error.message} Run the command again later; nothing is lost.", Exit.UNFINISHED)


def _database(error: SQLAlchemyError) -> Ending:
    del error  # its text quotes statements
    text = (
        "The store's database answers, but not as our store. Check `store` in config.yaml: it must name a database of "
        "Closedwon's own (or a new, empty one), and its user must be the owner of it."
    )
    return Ending("STORE-03", text, Exit.CONFIG)


def _system(error: OSError) -> Ending | None:
    if error.errno == errno.EADDRINUSE:
        text = (
            "A port is taken already. End what listens there, or choose others: `--port 9700`, or `--port 0` for any."
        )
        return Ending("PORT-01", text, Exit.USAGE)
    if error.filename is None:
        return None
    return Ending("FILES-03", f"{error.filename}: {error.strerror}. Check the path and its permissions.", Exit.CONFIG)


_ENDINGS: tuple[tuple[type[BaseException], Callable[[Any], Ending | None]], ...] = (
    (Stop, lambda error: error.ending),
    (TyperException, lambda error: Ending("USAGE-01", error.format_message(), Exit.USAGE)),
    (Problems, _problems),
    (BadCondition, lambda error: Ending("WHERE-01", f"{error}", Exit.USAGE)),
    (NoPace, lambda error: Ending("RATE-01", str(error), Exit.CONFIG)),
    (Unwired, lambda error: Ending("WIRING-01", str(error), Exit.CONFIG)),
    (Moved, lambda error: Ending("APPLY-01", str(error), Exit.REFUSED)),
    (Unsafe, lambda error: Ending(error.code, str(error), Exit.REFUSED)),
    (ConnectorError, _connector),
    (StoreTooNew, lambda error: Ending("STORE-02", f"{error}.", Exit.CONFIG)),
    (NoJobs, lambda error: Ending("JOBS-01", str(error), Exit.CONFIG)),
    (StoreUnavailable, lambda error: Ending("STORE-01", f"{error}.", Exit.UNFINISHED)),
    (SQLAlchemyError, _database),
    (OSError, _system),
)
