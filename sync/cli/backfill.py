"""The command that plans what was won in the past, and those by which another terminal pauses, resumes or cancels it.

`closedwon backfill` alone runs one; `closedwon backfill pause` speaks to the one that runs (docs/decisions/0015).
"""

from __future__ import annotations

import os
import shlex
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from connectors.base import DealQuery, Meter
from sync.backfill.meant import counted
from sync.backfill.outlook import Stopwatch, Way, describe, look_ahead
from sync.backfill.run import carry_out
from sync.backfill.running import Running, Standing, State, Wish, forget, standings, tell
from sync.backfill.selection import Selection
from sync.backfill.shadow import shadow as run_shadow
from sync.backfill.share import Shares
from sync.backfill.where import Where
from sync.cli.backfill_shown import Bar, show_outlook, show_shadow
from sync.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    DealOption,
    JsonOption,
    SinceOption,
    as_it_is,
    day,
    finish,
    out,
    plant,
    print_json,
    show_report,
)
from sync.cli.deals import read_deals
from sync.cli.exits import Exit, Stop
from sync.cli.workers import is_gone
from sync.config import Config, load_config
from sync.core.model import Priority
from sync.engine import Report
from sync.wiring import Plant, real_now

_DAY = "%Y-%m-%d"

backfills = typer.Typer(invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    backfills.callback()(backfill)
    for command in (pause, resume, cancel):
        backfills.command()(command)
    app.add_typer(backfills, name="backfill")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which deals a person asked for, and how."""

    config: Path
    since: datetime | None
    until: datetime | None
    deals: tuple[str, ...]
    where: str | None
    limit: int | None
    rate: float | None
    adopt: bool
    json: bool

    def command(self) -> str:
        """Return the command line that asks for the same deals."""
        words = ["closedwon", "backfill"]
        words += ["--won-since", f"{self.since:{_DAY}}"] if self.since else []
        words += ["--until", f"{self.until:{_DAY}}"] if self.until else []
        words += [word for deal in self.deals for word in ("--deal", deal)]
        words += ["--where", self.where] if self.where else []
        words += ["--limit", str(self.limit)] if self.limit else []
        words += ["--adopt"] if self.adopt else []
        words += ["--rate", f"{self.rate:g}"] if self.rate else []
        return shlex.join(words)

    def select(self, opened: Plant) -> Selection:
        """Set the engine up and open the stream of these deals; raises Stop and BadCondition before that."""
        if self.adopt and not opened.engine.recogniser.able:
            text = "The mapping does not say by what an existing plan is known. Add `match` to `plan` and `task` there."
            raise Stop(text, Exit.CONFIG, "ADOPT-02")
        opened.engine.recogniser.adopting = self.adopt
        where = Where.compile(self.where, opened.mappings) if self.where else None
        ids = tuple(read_deals(opened, self.deals)) if self.deals else ()
        query = DealQuery(ids, day(self.since), day(self.until))
        return Selection(opened.connections[opened.crm], query, where=where, limit=self.limit)


def backfill(
    context: typer.Context,
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    won_since: SinceOption = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", "--won-until", formats=[_DAY], help="Deals whose close date is this day or earlier."),
    ] = None,
    deal: DealOption = None,
    where: Annotated[
        str | None, typer.Option(help="Only deals that meet this condition: CEL over `deal` and `lines`.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many deals, oldest first.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, max=1.0, help="At most this share of each connection's pace and daily allotment."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; show what would be made, its price and its time.")
    ] = False,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Write nothing; show where what is there differs from what would be made.")
    ] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take over plans that are there already, as the mapping's `match` says.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make plans for deals that were won in the past. Stop it at any time: the same command goes on where it stopped.

    While it runs, another terminal can say `closedwon backfill pause`, `resume` or `cancel`; `closedwon status` shows
    how far it is. A pause and a cancel are heard between two batches.

    Where the mapping says by what an existing plan is known (`match`), --dry-run shows what is there; with --adopt that
    is taken over and only what lacks is made; without it, it is held back. A second plan is never made.

    Example: closedwon backfill --won-since 2026-01-01 --where 'deal.amount > 50000.0' --dry-run

    Exit codes: 0 done · 2 usage · 3 configuration · 4 a brake is engaged · 5 not authorised · 6 unfinished ·
    7 --shadow found differences · 8 something held back · 9 cancelled · 130 interrupted.
    """
    asked = Asked(config, won_since, until, tuple(deal or ()), where, limit, rate, adopt, json)
    chosen = bool(won_since or until or deal)
    if context.invoked_subcommand is not None:
        if chosen or where or limit or rate or dry_run or adopt or shadow:
            word = context.invoked_subcommand
            raise Stop(f"`{word}` takes no deals: say `closedwon backfill {word}`.", Exit.USAGE, "USAGE-02")
        return
    if not chosen:
        raise Stop("Say which deals: --won-since YYYY-MM-DD, or --deal ID.", Exit.USAGE, "USAGE-02")
    if shadow and (dry_run or adopt):
        raise Stop("--shadow writes nothing: say it alone, without --dry-run and --adopt.", Exit.USAGE, "USAGE-02")
    if shadow:
        _shadow(asked)
    elif dry_run:
        _foretell(asked)
    else:
        _run(asked)


def _run(asked: Asked) -> None:
    loaded = load_config(asked.config)
    shares = Shares(asked.rate, loaded.connections, sleep=time.sleep) if asked.rate else None
    with Bar() as bar, plant(loaded, around=shares.around if shares else as_it_is) as opened:
        if shares:
            shares.check(opened.crm)
        opened.urgency.set(Priority.BACKFILL)
        deals = asked.select(opened)
        with _running(opened, asked, bar) as running, counted(opened.engine, deals) if asked.adopt else nullcontext():

            def go_on() -> bool:
                return running.go_on() and not (shares and shares.used_up)

            def progress(seen: int, total: int | None, report: Report) -> None:
                bar.move(seen, total)
                running.progress(seen, total, report)

            report = carry_out(opened.engine, deals, progress=progress, go_on=go_on)
        show_report(report, opened.calls(), as_json=asked.json)
        if running.cancelled:
            text = f"Cancelled after {deals.read} deals. What was done stays done; the same command goes on from there."
            raise Stop(text, Exit.CANCELLED, "CANCELLED-01", told=True)
        if shares and shares.used_up:
            text = f"The share of today's calls is used up after {deals.read} deals. Run the same command tomorrow."
            raise Stop(text, Exit.UNFINISHED, "RATE-02", told=True)
        finish(report, opened.store)
        _refuse_unanswered(deals)


def _foretell(asked: Asked) -> None:
    loaded = load_config(asked.config)
    watches: dict[str, Stopwatch] = {}

    def measured(name: str, meter: Meter) -> Meter:
        watches[name] = Stopwatch(meter)
        return watches[name]

    with Bar() as bar, plant(loaded, around=measured, looking=True) as opened:
        if asked.rate:
            Shares(asked.rate, loaded.connections, sleep=time.sleep).check(opened.crm)
        opened.urgency.set(Priority.BACKFILL)
        deals = asked.select(opened)
        with counted(opened.engine, deals) if opened.engine.recogniser.able else nullcontext():
            outlook = look_ahead(opened.engine, deals, progress=lambda seen, total, _report: bar.move(seen, total))
        ways = _ways(loaded, opened, watches, asked.rate or 1.0)
        told = describe(outlook, ways=ways, looked=opened.calls(), crm=opened.crm)
    told["unanswered"] = deals.unanswered
    if asked.json:
        print_json(told)
    else:
        show_outlook(told)
    _refuse_unanswered(deals)


def _shadow(asked: Asked) -> None:
    """Look from a store of our own, which is gone afterwards."""
    loaded = load_config(asked.config)
    with tempfile.TemporaryDirectory(prefix="closedwon-shadow-") as folder, Bar() as bar:
        beside = replace(loaded, store=SecretStr(f"sqlite:///{folder}/shadow.db"))
        with plant(beside) as opened:
            opened.urgency.set(Priority.BACKFILL)
            deals = replace(asked, adopt=True).select(opened)
            with counted(opened.engine, deals):
                found = run_shadow(opened.engine, deals, progress=lambda seen, total, _report: bar.move(seen, total))
            calls = opened.calls()
    if asked.json:
        print_json({**found.as_json(), "unanswered": deals.unanswered, "calls": calls})
    else:
        show_shadow(found)
    if not found.equal:
        text = "What is there differs from what Closedwon would have made; nothing was written. See docs/backfill.md."
        raise Stop(text, Exit.UNEQUAL, "SHADOW-01", told=True)
    _refuse_unanswered(deals)


def _ways(loaded: Config, opened: Plant, watches: dict[str, Stopwatch], share: float) -> dict[str, Way]:
    return {
        name: Way(one.pace.per_minute * share, watches[name].latency, opened.paces[name].remaining)
        for name, one in loaded.connections.items()
    }


def _refuse_unanswered(deals: Selection) -> None:
    """Never be green about deals that nobody could tell whether they were meant."""
    if deals.unanswered:
        text = f"Deals left out, since --where has no answer for them: {deals.unanswered}. The first: {deals.why}"
        raise Stop(text, Exit.HELD, "WHERE-02", told=True)


@contextmanager
def _running(opened: Plant, asked: Asked, bar: Bar) -> Iterator[Running]:
    """Stand in the store while it runs; what dead backfills of this machine left there is taken away."""
    for each in standings(opened.store, now=real_now(), gone=is_gone):
        if each.state is State.DEAD:
            forget(opened.store, each.id)
    owner = f"{socket.gethostname()}:{os.getpid()}"
    standing = Standing(uuid.uuid4().hex[:6], asked.command(), owner, State.RUNNING, real_now())
    with Running(opened.store, standing, now=real_now, show=bar.say) as running:
        yield running


NameArgument = Annotated[
    str | None, typer.Argument(metavar="ID", help="Which one, as `closedwon status` shows it; the one that runs.")
]


def pause(name: NameArgument = None, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Hold a running backfill after its present batch, until `closedwon backfill resume`.

    Example: closedwon backfill pause

    Exit codes: 0 told · 2 there is none to tell · 3 configuration · 6 the store cannot be reached.
    """
    _tell(config, name, Wish.PAUSE, json=json)


def resume(name: NameArgument = None, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Let a paused backfill go on.

    Example: closedwon backfill resume

    Exit codes: 0 told · 2 there is none to tell · 3 configuration · 6 the store cannot be reached.
    """
    _tell(config, name, Wish.RESUME, json=json)


def cancel(name: NameArgument = None, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """End a backfill after its present batch; it ends with exit code 9. Takes away what a dead one left.

    Example: closedwon backfill cancel

    Exit codes: 0 told · 2 there is none to tell · 3 configuration · 6 the store cannot be reached.
    """
    _tell(config, name, Wish.CANCEL, json=json)


def _tell(config: Path, name: str | None, wish: Wish, *, json: bool) -> None:
    with plant(config, looking=True) as opened:
        each = _meant(standings(opened.store, now=real_now(), gone=is_gone), name, wish)
        if each.state is State.DEAD:
            forget(opened.store, each.id)
        else:
            tell(opened.store, each.id, wish)
        now = next((s for s in standings(opened.store, now=real_now(), gone=is_gone) if s.id == each.id), None)
    if json:
        print_json({"told": str(wish), "backfill": now.as_json() if now else None})
    else:
        out.print(now.line() if now else f"Backfill {each.id} was dead; it is forgotten.", markup=False)


def _meant(known: tuple[Standing, ...], name: str | None, wish: Wish) -> Standing:
    """Find the backfill that is meant; raises Stop where there is none, or one too many."""
    fitting = [each for each in known if name in {None, each.id}]
    living = [each for each in fitting if each.state is not State.DEAD]
    if wish is Wish.CANCEL and not living:
        living = fitting
    if len(living) == 1:
        return living[0]
    if living:
        text = f"There are {len(living)}: say which, `closedwon backfill {wish} {living[0].id}`."
    elif fitting:
        text = f"Its process is gone. `{fitting[0].command}` goes on where it stopped."
    else:
        text = "There is no such backfill under way. `closedwon status` shows those that are."
    raise Stop(text, Exit.USAGE, "BACKFILL-01")
