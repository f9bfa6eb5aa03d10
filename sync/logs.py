"""Logs for machines: one JSON line per run and per batch on stderr, with counts, calls and seconds, and nothing else.

Called by the commands and the daemon. `run`, `batch` and `happened` are the only ways to write a line, so no line can
hold a record's value or a secret. Libraries are kept from writing their own: what they warn of is told by its place in
their code alone, since their texts quote requests.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import Any

import structlog

from sync.engine.report import Report

NAME = "closedwon"
CAPPED = ("jira", "smartsheet", "simple_salesforce", "requests", "urllib3")
"""Loggers of the vendors' SDKs and their transport."""


class LogLevel(StrEnum):
    """What is told, and everything graver."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class _Handler(logging.StreamHandler[Any]):
    """Ours, so that configuring again replaces it and nobody else's."""


def configure(level: LogLevel) -> None:
    """Send log lines of this level and above to stderr as JSON; everything below it is not even made."""
    # The Smartsheet SDK obeys this variable and would print every request with its body and its token.
    os.environ.pop("LOG_CFG", None)
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(old)
    handler = _Handler(sys.stderr)
    handler.addFilter(_ours_or_grave)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_place_only, structlog.stdlib.add_log_level, _stamp],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root.addHandler(handler)
    logging.getLogger(NAME).setLevel(level.upper())
    for name in CAPPED:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            _stamp,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def begin(command: str) -> None:
    """Name the command in every line from here on."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(command=command)


def spend(calls: Mapping[str, int]) -> None:
    """Remember what a command cost, for the line that tells its end."""
    structlog.contextvars.bind_contextvars(calls=dict(calls))


def batch(report: Report, calls: Mapping[str, int], seconds: float) -> None:
    """Tell where a run stands after a batch; a warning when another worker took over what this one held."""
    log = structlog.stdlib.get_logger(NAME)
    tell = log.warning if report.lost_leases else log.info
    numbers = {name: value for name, value in report.as_json().items() if name != "notes"}
    tell("batch", **numbers, calls=dict(calls), seconds=round(seconds, 3))


def happened(event: str, *, grave: bool = False, **facts: float | str) -> None:
    """Tell of something that is no batch, by numbers, codes and names of connections or jobs only."""
    log = structlog.stdlib.get_logger(NAME)
    tell = log.warning if grave else log.info
    tell(event, **facts)


def run(exit_code: int, seconds: float, code: str = "") -> None:
    """Tell how a command ended; `code` is the stable code of its error, if any."""
    log = structlog.stdlib.get_logger(NAME)
    failed = {"code": code} if code else {}
    log.info("run", exit=exit_code, **failed, seconds=round(seconds, 3))


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _ours_or_grave(record: logging.LogRecord) -> bool:
    """Keep the cap even where an SDK sets the levels of its loggers itself, as Jira's does."""
    return record.name == NAME or record.levelno >= logging.WARNING


def _place_only(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace a library's text, which may quote a request, by where it was written."""
    record: logging.LogRecord = event["_record"]
    return {**event, "event": "library", "logger": record.name, "place": f"{record.filename}:{record.lineno}"}
