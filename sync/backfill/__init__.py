"""Turns the deals of a past time into plans, watched, paced, paused and foretold.

Called by `closedwon backfill`, the demo, the bench and the tests. `run` is the main path; `selection` and `where` say
which deals, `share` how fast, `running` who watches and stops it, `outlook` what it would cost.
"""

from sync.backfill.run import backfill, carry_out
from sync.backfill.selection import Selection
from sync.backfill.where import BadCondition, Where

__all__ = ["BadCondition", "Selection", "Where", "backfill", "carry_out"]
