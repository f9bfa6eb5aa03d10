"""What goes wrong, when: the fault book that the server asks before and after each request.

Filled by tests, the control API, the demo and `closedwon simulator --faults`. It decides; the server carries out.

A rule names a vendor, an endpoint pattern (`fnmatch`, as `Vendor.endpoint` spells it), a fault, and how often:
`skip` matching calls first, then `times` hits (None = for ever), each with `probability`. Faults every vendor has:

    drop_before    the connection is cut before the request is handled
    drop_after     the request is committed, then the connection is cut without an answer
    late_commit    the connection is cut now and the request is committed `seconds` later
    delay          the answer comes `seconds` later (real time)
    status         any answer: `status`, `body` (JSON) and `headers`
    html           a gateway's HTML page with `status` (default 502)
    truncate       the request is committed and half of the answer arrives
    kill_before    process `pid` gets SIGKILL before the request is handled
    kill_after     process `pid` gets SIGKILL after the commit and before the answer

Every other name is looked up with the vendor (`Vendor.fault`). With `after: true` the request is committed first.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass
class Rule:
    """One scripted or random fault; see the module's text for the meaning of each part."""

    fault: str
    vendor: str = "*"
    endpoint: str = "*"
    skip: int = 0
    times: int | None = 1
    probability: float = 1.0
    after: bool = False
    args: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    def matches(self, vendor: str, endpoint: str) -> bool:
        """Tell whether this rule speaks of that call and has hits left."""
        live = self.times is None or self.hits < self.times
        return live and fnmatchcase(vendor, self.vendor) and fnmatchcase(endpoint, self.endpoint)


class FaultBook:
    """All rules and the seeded dice."""

    def __init__(self, seed: int = 0) -> None:
        self.rules: list[Rule] = []
        self.hits: dict[str, int] = {}
        self._dice = random.Random(seed)

    def add(self, fault: str, **parts: Any) -> Rule:
        """Add a rule by its parts and return it; raises TypeError for an unknown part."""
        rule = Rule(fault=fault, **parts)
        self.rules.append(rule)
        return rule

    def clear(self, seed: int | None = None) -> None:
        """Forget all rules and, when a seed is given, throw the dice anew."""
        self.rules.clear()
        self.hits.clear()
        if seed is not None:
            self._dice = random.Random(seed)

    def draw(self, vendor: str, endpoint: str) -> Rule | None:
        """Return the first rule that strikes at this call, and count it."""
        for rule in self.rules:
            if not rule.matches(vendor, endpoint):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if rule.probability < 1.0 and self._dice.random() >= rule.probability:
                continue
            rule.hits += 1
            self.hits[rule.fault] = self.hits.get(rule.fault, 0) + 1
            return rule
        return None

    def dump(self) -> list[Mapping[str, Any]]:
        """Return the rules as JSON-able data."""
        return [asdict(rule) for rule in self.rules]
