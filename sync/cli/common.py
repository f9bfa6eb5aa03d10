"""What all commands share: options, opening the plant, printing. Results go to stdout, everything else to stderr.

Used by the command modules of this package only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from connectors.base import Meter
from sync import logs
from sync.cli.exits import Exit, Stop
from sync.cli.workers import free_the_dead
from sync.config import Config, load_config
from sync.engine import Engine, Report
from sync.store import Store, StoreUnavailable
from sync.usage import leave
from sync.wiring import Plant, assemble, real_now
from sync.work import ring_once

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="CLOSEDWON_CONFIG", help="The configuration file.", show_default=True),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout instead of text.")]
DealOption = Annotated[
    list[str] | None, typer.Option("--deal", help="Only this deal (its 18-character Id); may be given several times.")
]
SinceOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Deals whose close date is this day or later.")
]
UntilOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Deals whose close date is this day or earlier.")
]
DEFAULT_CONFIG = Path("config.yaml")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def as_it_is(_name: str, meter: Meter) -> Meter:
    """Put nothing around a connection's meter."""
    return meter


@contextmanager
def plant(
    config: Path | Config, *, around: Callable[[str, Meter], Meter] = as_it_is, looking: bool = False
) -> Iterator[Plant]:
    """Open everything that a configuration names, and close it whatever happens.

    `around` may put something around each connection's meter. `looking`: nothing is written, to the store neither.
    """
    began = time.perf_counter()
    loaded = load_config(config) if isinstance(config, Path) else config

    def tell(report: Report) -> None:
        logs.batch(report, opened.calls(), time.perf_counter() - began)

    opened = assemble(loaded, progress=tell, around=around, looking=looking)
    try:
        if not looking:
            free_the_dead(opened.store)
        yield opened
    finally:
        logs.spend(opened.calls())
        if not looking:
            with suppress(StoreUnavailable):  # what went wrong is told already
                leave(opened.store, opened.paces, real_now())
        opened.close()


def wake(opened: Plant) -> None:
    """Have daemons on the same store look now: this command leaves them something to do."""
    ring_once(opened.config.engine.runner, opened.config.store.get_secret_value())


def print_json(data: dict[str, Any]) -> None:
    """Print one JSON object in one line."""
    typer.echo(orjson.dumps(data, default=str).decode())


def day(moment: datetime | None) -> date | None:
    """Return the day that an option names."""
    return moment.date() if moment else None


def known_keys(engine: Engine) -> list[str]:
    """Return the keys of all onboardings that have a plan."""
    keys: list[str] = []
    while page := engine.store.keys(after=keys[-1] if keys else ""):
        keys += page
    return keys


def finish(report: Report, store: Store, *, unread: int = 0) -> None:
    """End a run by what it left: nothing, work that could not be finished, or records held back.

    `unread` is how many connections could not be asked what changed.
    """
    if unread:
        who = "1 connection" if unread == 1 else f"{unread} connections"
        text = f"{who} could not be asked what changed (see above). Run the command again later; nothing is lost."
        raise Stop(text, Exit.UNFINISHED, "UNFINISHED-02", told=True)
    if report.waiting:
        why = next((item.error for item in store.work_items() if item.error), "`closedwon status` shows which.")
        text = f"{_onboardings(report.waiting)} still waiting. {why} Run the command again later; nothing is lost."
        raise Stop(text, Exit.UNFINISHED, "UNFINISHED-01", told=True)
    if report.held:
        text = f"{_onboardings(report.held)} partly held back: see `closedwon status`."
        raise Stop(text, Exit.HELD, "HELD-01", told=True)


def _onboardings(count: int) -> str:
    return "1 onboarding is" if count == 1 else f"{count} onboardings are"


def show_report(report: Report, calls: dict[str, int], *, as_json: bool) -> None:
    """Print what a run did."""
    if as_json:
        print_json({**report.as_json(), "calls": calls})
        return
    out.print(f"Looked at [bold]{report.looked}[/bold] onboardings; {report.planned} got a new plan.")
    for name, count in calls.items():
        done = [f"{report.created[name]} created", f"{report.updated[name]} updated"]
        if report.adopted[name]:
            done.append(f"{report.adopted[name]} found again")
        out.print(f"  {name}: {', '.join(done)}; {count} calls")
    out.print(f"Roll-ups written: {report.rollups}. Conflicts settled: {report.conflicts}. Held back: {report.held}.")
    for note in dict.fromkeys(report.notes):
        err.print(f"[yellow]{escape(note)}[/yellow]")
