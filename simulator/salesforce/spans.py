"""What SOQL's words for times mean: `TODAY`, `LAST_MONTH`, `LAST_N_DAYS:7` as a first day and the day after the last.

Called by `evaluate`. The org's time zone is UTC, weeks begin on Sunday as in an org of the default locale, fiscal
years are not modelled. Source: SOQL reference, date formats and date literals.
"""

from __future__ import annotations

from datetime import date, timedelta


def span(word: str, count: int, today: date) -> tuple[date, date]:
    """Return the first day of a span and the first day after it."""
    day = timedelta(days=1)
    fixed = {
        "TODAY": (0, 1),
        "YESTERDAY": (-1, 0),
        "TOMORROW": (1, 2),
        "LAST_90_DAYS": (-90, 1),
        "NEXT_90_DAYS": (1, 91),
    }
    if word in fixed:
        first, end = fixed[word]
        return today + first * day, today + end * day
    if word == "LAST_N_DAYS":
        # The n days before, and today up to now.
        return today - count * day, today + day
    parts = word.split("_")
    if parts[-1] == "AGO":
        unit, first, end = parts[1], -count, -count + 1
    elif parts[1] == "N":
        unit, first, end = parts[2], *((-count, 0) if parts[0] == "LAST" else (1, count + 1))
    else:
        unit, first = parts[1], {"LAST": -1, "THIS": 0, "NEXT": 1}[parts[0]]
        end = first + 1
    return _begin(unit.rstrip("S"), today, first), _begin(unit.rstrip("S"), today, end)


def _begin(unit: str, today: date, steps: int) -> date:
    """Return the first day of the unit that lies so many steps from the one that holds today."""
    if unit == "DAY":
        return today + timedelta(days=steps)
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=steps)
    width = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    months = today.year * 12 + (today.month - 1) // width * width + steps * width
    return date(months // 12, months % 12 + 1, 1)
