"""The application: commands gathered, errors turned into one sentence and one exit code.

Called by the console script. A defect of our own prints its place but never a value, since values may be secret.
"""

from __future__ import annotations

import functools
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from sync import logs
from sync.cli import (
    amendments,
    backfill,
    daemon,
    forecast,
    health,
    hours,
    local,
    look,
    notices,
    plans,
    receiver,
    report,
    run,
    scope,
    up,
    upgrade,
)
from sync.cli.common import err, print_json
from sync.cli.exits import Ending, Exit, explain
from sync.cli.memory import collect_rarely

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help=(
        "Turns closed-won Salesforce deals into onboarding plans in Jira and Smartsheet, keeps both equal, and brings "
        "completion and hours back to the CRM.\n\nStart with [bold]closedwon demo[/bold]; then "
        "[bold]closedwon doctor[/bold], [bold]closedwon plan[/bold], [bold]closedwon backfill[/bold]."
    ),
    epilog="Exit codes: 0 done · 1 defect · 2 usage · 3 configuration · 4 refused · 5 not authorised · 6 unfinished · "
    "7 unequal · 8 something held back · 9 cancelled · 130 interrupted. See docs/commands.md.",
)
local.register(app)
look.register(app)
hours.register(app)
forecast.register(app)
health.register(app)
notices.register(app)
scope.register(app)
report.register(app)
plans.register(app)
amendments.register(app)
upgrade.register(app)
run.register(app)
backfill.register(app)
daemon.register(app)
receiver.register(app)
up.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"closedwon {version('closedwon')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    log_level: Annotated[
        logs.LogLevel,
        typer.Option("--log-level", envvar="CLOSEDWON_LOG", help="JSON lines on stderr, of this level and above."),
    ] = logs.LogLevel.WARNING,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and end.")
    ] = False,
) -> None:
    del version
    logs.configure(log_level)
    logs.begin(context.invoked_subcommand or "")


@functools.cache
def _command() -> Callable[..., Any]:
    """Return the commands as the library below typer has them, made once: it looks at every option of each."""
    return typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (the process's own, if none is given) and return its exit code. Raises nothing."""
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    began = time.perf_counter()
    collect_rarely()
    logs.configure(logs.LogLevel.WARNING)  # until the command line says otherwise
    logs.begin("")
    ending: Ending | None = None
    try:
        code = _command()(words, standalone_mode=False, prog_name="closedwon") or 0
    except SystemExit as error:
        code = int(error.code or 0)
    except BaseException as error:  # noqa: BLE001 - the one place where every error ends
        ending = explain(error) or _defect(error)
        _show(ending, error, as_json="--json" in words)
        code = int(ending.exit)
    if code == Exit.INTERRUPTED and ending is None:  # typer's own answer to Ctrl-C
        text = "Interrupted. What was done stays done; run the same command again to go on."
        ending = Ending("INTERRUPTED-01", text, Exit.INTERRUPTED)
        _show(ending, None, as_json="--json" in words)
    logs.run(code, time.perf_counter() - began, ending.code if ending else "")
    return code


def _defect(error: BaseException) -> Ending:
    """Tell the place of a defect; its text may quote a value, so it is left out."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} in {frame.name}, {frame.filename.rpartition('/')[2]}:{frame.lineno}"
    text = f"A defect of Closedwon: {place}. Nothing acknowledged is lost. Please report this line."
    return Ending("DEFECT-01", text, Exit.BROKEN)


def _show(ending: Ending, error: BaseException | None, *, as_json: bool) -> None:
    if as_json and not ending.told:
        print_json({"error": {"code": ending.code, "message": ending.message, "exit": int(ending.exit)}})
    show = getattr(error, "show", None)
    if isinstance(error, TyperException) and show is not None:
        show(file=sys.stderr)
    else:
        err.print(f"{ending.code}: {ending.message}", markup=False)
