"""Jira's durations: `1w 2d 3h 30m` to seconds and back, by the site's working day and week.

Called by `values`, `render` and `api_worklogs`. Days and weeks depend on site settings, which is why seconds are the
only safe currency for a client.
"""

from __future__ import annotations

import re

HOURS_PER_DAY = 8
DAYS_PER_WEEK = 5
_UNITS = {"w": DAYS_PER_WEEK * HOURS_PER_DAY * 3600, "d": HOURS_PER_DAY * 3600, "h": 3600, "m": 60}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([wdhm]?)", re.IGNORECASE)
_WHOLE = re.compile(r"\s*(?:\d+(?:\.\d+)?\s*[wdhm]?\s*)+", re.IGNORECASE)


def parse_duration(text: str) -> int | None:
    """Return seconds, or None for what is no duration; a number without a unit means minutes."""
    if not _WHOLE.fullmatch(text):
        return None
    return int(sum(float(number) * _UNITS[unit.lower() or "m"] for number, unit in _PART.findall(text)))


def format_duration(seconds: int) -> str:
    """Return the shortest text for whole minutes, `0m` for nothing."""
    parts = []
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0m"
