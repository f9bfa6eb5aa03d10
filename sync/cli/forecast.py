"""The command `forecast`: when onboardings launch, what their hours come to, and how well such forecasts have held.

It asks no vendor: everything comes from the store, or from a file. It changes nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from mappings.calendar import BusinessCalendar
from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, err, plant, print_json
from sync.cli.exits import Exit, Stop
from sync.cli.forecast_shown import Tested, forecast_json, show_all, show_one, show_tested
from sync.core.backtest import Scored, backtest, scores
from sync.core.dossier import Dossier
from sync.core.effort import BadHistory, read_effort
from sync.core.forecast import Forecast
from sync.core.judgement import Basis, judge
from sync.core.pace import DAYS, HOURS, enough
from sync.core.replay import latest, replay
from sync.engine.dossiers import dossiers
from sync.engine.lessons import lessons
from sync.wiring import Plant

_EACH = ("measure", "task", "group", "day", "actual", "p50", "p80", "estimate", "mean_ratio")
_FEWEST = 30
"""A breakdown by stretch or group is shown from so many forecasts on."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("forecast")(show_forecast)


def show_forecast(
    deal: Annotated[list[str] | None, typer.Argument(help="Only these deals; left out: all that are open.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    backtesting: Annotated[
        bool, typer.Option("--backtest", help="Forecast the past from what was known then, and count what held.")
    ] = False,
    history: Annotated[
        Path | None, typer.Option("--history", help="With --backtest: a CSV file of past tasks instead of the store.")
    ] = None,
    hours_per_day: Annotated[
        float, typer.Option(min=0.5, max=24, help="With --history: hours that the naive way calls a day.")
    ] = 8.0,
    each: Annotated[
        Path | None, typer.Option("--each", help="With --backtest: write every forecast to this CSV.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Forecast launches and hours: P50 comes as likely as not, P80 with four chances in five. Calls no vendor.

    It learns from the onboardings that launched, and says "not enough data" before 30 of their tasks are finished.
    For each open onboarding: target, P50, P80, the chance to meet the target, what its hours come to; for single deals
    also the chain of tasks that holds the launch up, the causes, and the business days lost by court.

    With --backtest each finished onboarding is forecast at 25, 50 and 75 % of its life from what was known then.
    Coverage is the share of outcomes that were not above the forecast: P50 should have about 50 %, P80 about 80 %.

    Example: closedwon forecast --backtest --history tasks.csv

    Exit codes: 0 shown, also where there is not enough data · 2 no such plan · 3 configuration, or a file that is no
    history · 6 the store cannot be reached.
    """
    if not backtesting and (history or each):
        raise Stop("--history and --each belong to --backtest: add it.", Exit.USAGE, "FORECAST-02")
    if backtesting and deal:
        text = "--backtest looks at all of the past: leave the deals out."
        raise Stop(text, Exit.USAGE, "FORECAST-02")
    if not backtesting:
        with plant(config) as opened:
            _show(opened, deal, as_json=json)
        return
    if history is not None:
        tested = _test_file(history, hours_per_day)
    else:
        with plant(config) as opened:
            tested = _test_own(opened)
    if each is not None:
        _write_each(each, tested)
        err.print(f"Written: {each}", markup=False)
    if json:
        print_json(tested.as_json())
    else:
        show_tested(tested)


def _show(opened: Plant, deals: Sequence[str] | None, *, as_json: bool) -> None:
    keys = list(dict.fromkeys(deals)) if deals else None
    context = opened.engine.context()
    calendar, today = context.mappings.calendar, context.today
    experience = lessons(opened.store, calendar, today, keep=False).experience
    basis = Basis(context.mappings, today, experience)
    found: list[tuple[Dossier, Forecast]] = []
    for known in dossiers(opened.store, keys):
        if keys is None and not _is_open(known):
            continue
        found.append((known, judge(known, basis).forecast))
    if lacking := sorted(set(keys or ()) - {known.key for known, _ in found}):
        text = f"No plan is known for {', '.join(lacking)}. `closedwon forecast` lists those that have one."
        raise Stop(text, Exit.USAGE, "FORECAST-01")
    if as_json:
        learned = {"tasks": experience.tasks, "launches": experience.launches, "why_not": enough(experience.tasks)}
        shown = [forecast_json(*pair) for pair in found]
        print_json({"as_of": today, "learned_from": learned, "onboardings": shown})
    elif keys is None:
        show_all(found, today)
    else:
        for pair in found:
            show_one(*pair)


def _is_open(known: Dossier) -> bool:
    return known.actual_launch is None and any(task.open for task in known.tasks)


def _test_own(opened: Plant) -> Tested:
    past = latest(dossiers(opened.store))
    lived = replay(past, opened.engine.context().mappings.calendar)
    return Tested(
        source="the store",
        basis={"launches": lived.experience.launches, "tasks": lived.experience.tasks},
        why_not="" if lived.launches else enough(lived.experience.tasks) or "not enough data (launches too few)",
        forecasts={"launch": lived.launches, "hours": lived.hours},
        scores={
            "launch": scores(lived.launches, 0.0, smallest=_FEWEST),
            "hours": scores(lived.hours, 0.0, smallest=_FEWEST),
        },
    )


def _test_file(path: Path, hours_per_day: float) -> Tested:
    calendar = BusinessCalendar()
    try:
        past = read_effort(path.read_bytes(), calendar=calendar, hours_per_day=hours_per_day)
    except BadHistory as error:
        raise Stop(f"{path}: {error}", Exit.CONFIG, "HISTORY-01") from None
    measures = (HOURS, DAYS)
    forecasts = {measure.name: backtest(past.tasks, measure, calendar) for measure in measures}
    return Tested(
        source=str(path),
        basis={"rows": past.rows, "tasks": len(past.tasks), **past.left_out},
        why_not="" if forecasts[HOURS.name] else enough(len(past.tasks)) or "not enough data (all begun at once)",
        forecasts=forecasts,
        scores={measure.name: scores(forecasts[measure.name], measure.hair) for measure in measures},
    )


def _write_each(path: Path, tested: Tested) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_EACH)
        for measure, forecasts in tested.forecasts.items():
            writer.writerows(_rows(measure, forecasts))


def _rows(measure: str, forecasts: Iterable[Scored]) -> Iterable[tuple[object, ...]]:
    for one in forecasts:
        said = (one.said.p50, one.said.p80, one.estimate, one.mean_ratio)
        yield measure, one.task, one.group, one.day, one.actual, *said
