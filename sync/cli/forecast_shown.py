"""How forecasts and back-tests are shown: tables for people, plain values for `--json`. Used by `forecast` only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from mappings.hours import Terms
from sync.cli.common import out
from sync.core.backtest import Score, Scored
from sync.core.dossier import Dossier
from sync.core.forecast import Forecast

COUNTED_AS = "Coverage is the share of outcomes that were not above the forecast (actual ≤ forecast), no tie broken."
_UNITS = {
    "launch": "business days to launch; the naive ways are the target as it stands, and the mean delay so far",
    "hours": "hours at completion; the naive ways are the estimate as it stands, and the mean ratio so far",
    "days": "working days, first and last counted; the naive ways are the estimate in days, and the mean ratio so far",
}


@dataclass(frozen=True, slots=True)
class Tested:
    """A back-test: what it was made on, by measure each forecast and the scores; `why_not` where there is none."""

    source: str
    basis: Mapping[str, int]
    why_not: str
    forecasts: Mapping[str, Sequence[Scored]]
    scores: Mapping[str, Sequence[Score]]

    def as_json(self) -> dict[str, Any]:
        """Return everything but the single forecasts."""
        return {
            "source": self.source,
            "basis": dict(self.basis),
            "why_not": self.why_not,
            "counted_as": COUNTED_AS,
            "scores": {name: [asdict(score) for score in found] for name, found in self.scores.items()},
        }


def show_tested(tested: Tested) -> None:
    """Print a back-test."""
    basis = ", ".join(f"{count} {name}" for name, count in tested.basis.items())
    out.print(f"History: {tested.source}: {basis}.", markup=False)
    if tested.why_not:
        out.print(f"Not forecast: {tested.why_not}.", markup=False)
        return
    for name, found in tested.scores.items():
        if not found:
            continue
        columns = ("Count", "P50", "P80", "By a hair", "Error", "Naive", "Mean ratio")
        table = Table("Of", *columns, title=f"{name.capitalize()}: {_UNITS[name]}", title_justify="left")
        for score in found:
            table.add_row(*_score_row(score))
        out.print(table)
    out.print(f"P50, P80: coverage, which should be 50 and 80 %. {COUNTED_AS}")
    out.print("Error: mean absolute error of P50, beside that of the two naive ways, in the unit above.")
    out.print("By a hair: P50 was said to lie just below many equal outcomes, and the outcome was one of them.")


def _score_row(score: Score) -> tuple[str, ...]:
    shares = (f"{share:.1%}" for share in (score.p50, score.p80, score.p50_hair))
    errors = (f"{error:.2f}" for error in (score.error, score.error_estimate, score.error_mean_ratio))
    return (escape(score.name), str(score.count), *shares, *errors)


def show_all(found: Sequence[tuple[Dossier, Forecast]], today: date) -> None:
    """Print a line for each onboarding."""
    columns = ("Target", "P50", "P80", "In time", "Hours P50 / P80", "Contracted", "Lost by court")
    deal = Column("Deal", no_wrap=True)  # to be copied from here
    table = Table(deal, "Title", *columns, title=f"Forecasts on {today}")
    for known, forecast in found:
        table.add_row(*map(escape, (known.key, known.title, *_line(known, forecast))))
    out.print(table)
    if reasons := sorted({forecast.why_not for _, forecast in found if forecast.why_not}):
        out.print("\n".join(f"Not forecast: {reason}." for reason in reasons), markup=False)


def _line(known: Dossier, forecast: Forecast) -> tuple[str, ...]:
    target = str(forecast.target or "–")
    if not forecast.enough or forecast.launched:
        return (
            target,
            f"launched {forecast.launched}" if forecast.launched else "–",
            "–",
            "–",
            "–",
            _contracted(known),
            "",
        )
    chance = "–" if forecast.in_time is None else f"{forecast.in_time:.0%}"
    hours = f"{forecast.hours_p50:g} / {forecast.hours_p80:g}"
    return (target, str(forecast.p50), str(forecast.p80), chance, hours, _contracted(known), _lost(forecast))


def show_one(known: Dossier, forecast: Forecast) -> None:
    """Print everything of one onboarding."""
    out.print(f"{known.key} {known.title}", style="bold", markup=False)
    if forecast.launched:
        out.print(f"  Launched on {forecast.launched}; the target was {forecast.target or 'not set'}.")
        return
    if not forecast.enough:
        out.print(f"  Not forecast: {forecast.why_not}.", markup=False)
        return
    chance = "" if forecast.in_time is None else f"; the target of {forecast.target} is met with {forecast.in_time:.0%}"
    out.print(f"  Launch: P50 {forecast.p50}, P80 {forecast.p80}{chance}.", markup=False)
    out.print(f"  Hours: P50 {forecast.hours_p50:g}, P80 {forecast.hours_p80:g}; contracted {_contracted(known)}.")
    out.print(f"  Business days lost on the way to the launch: {_lost(forecast) or 'none'}.")
    for cause in forecast.causes:
        when = "will typically take" if cause.open else "took"
        out.print(f"  - {cause.name}: {when} {_days(cause.days)} more than planned ({cause.court})", markup=False)
    if forecast.critical:
        out.print("  What holds the launch up, in this order:")
    for link in forecast.critical:
        out.print(f"    {link.ends}  {link.name}", markup=False)
    out.print(f"  Learned from {forecast.tasks} finished tasks and {forecast.launches} launches.")


def forecast_json(known: Dossier, forecast: Forecast) -> dict[str, Any]:
    """Return a forecast as plain values."""
    return {
        **asdict(forecast),
        "title": known.title,
        "contracted_hours": Terms.of(known.plan, known.deal).total,
        "lost": {str(court): days for court, days in forecast.lost.items()},
        "enough": forecast.enough,
    }


def _contracted(known: Dossier) -> str:
    contracted = Terms.of(known.plan, known.deal).total
    return "–" if contracted is None else f"{contracted:g}"


def _lost(forecast: Forecast) -> str:
    return ", ".join(f"{court} {days}" for court, days in forecast.lost.items())


def _days(count: int) -> str:
    return "1 business day" if count == 1 else f"{count} business days"
