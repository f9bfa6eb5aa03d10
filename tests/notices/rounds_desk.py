"""What the tests of a round of notices share: rules, onboardings that stand somehow, and rounds on a real store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from dossier_desk import dossier_of, task

from mappings.calendar import BusinessCalendar
from mappings.practice import CourtRules
from sync.core.court import courts
from sync.core.dossier import Task
from sync.core.notices import Doubt, Notice, NoticeRules, Quality, Standing
from sync.notices.rounds import Quiet, Round

CALENDAR = BusinessCalendar("US")
NY = ZoneInfo("America/New_York")
RULES = NoticeRules(
    people=(("manager", "boss@us.com"), ("operator", "ops@us.com")),
    domains=frozenset({"us.com"}),
)
SOUND = Quality
NEVER = Quiet(time(0), time(0), NY)
MANAGER = task("call", owner="cleo@us.com", role="onboarding_manager")
LAUNCH = task("launch", date(2026, 12, 1), date(2026, 12, 1), milestone=True)

Rounds = Callable[..., Round]


def standing(*tasks: Task, **changes: Any) -> Standing:
    known = dossier_of(MANAGER, *tasks, LAUNCH, launch_item="launch", target_launch=date(2026, 12, 1))
    today = changes.pop("today", date(2026, 11, 16))
    return replace(Standing(known, courts(known, CourtRules(), CALENDAR, today)), **changes)


def doubting(text: str, incident: str) -> Callable[[], Quality]:
    return lambda: Quality((Doubt(text, incident),))


def subjects(notices: list[Notice]) -> list[str]:
    return [notice.subject for notice in notices]
