"""The main path: observe, plan, guard, apply, record, report, for a batch of onboardings at a time."""

from sync.engine.reconcile import Engine
from sync.engine.report import Report
from sync.engine.settings import Settings
from sync.engine.sweep import look_back

__all__ = ["Engine", "Report", "Settings", "look_back"]
