"""Pure decisions: merge, plan, guard, roll-up, calendar. No I/O, no clock, no randomness, no logging."""
