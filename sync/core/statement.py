"""One onboarding's hours as people ask for them: what was agreed, used, left, and when it will be used up.

Put together from a dossier by `closedwon hours` and reports. Pure: the same dossier, rules and day give the same
statement. Everything in it can be traced to the entries of its ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mappings.hours import SECONDS_PER_HOUR, HourRules, Terms
from sync.core.allotment import Balance, balance
from sync.core.burn import Burn, Exhaustion, burn, exhaustion, seconds_at_completion
from sync.core.dossier import Dossier
from sync.core.hours import TO_FIX, Bucket, Ledger, Placed, ledger_of

WHAT_TO_DO = {
    Bucket.UNATTRIBUTED: "Move it to a task of the plan if it was worked for this onboarding.",
    Bucket.OUT_OF_PERIOD: "Correct its day, or the contract's term.",
    Bucket.REJECTED: "Correct or delete the entry where it was made.",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """The hours of one onboarding on a day. Hours are hours; None: not known."""

    dossier: Dossier
    terms: Terms
    ledger: Ledger
    balance: Balance
    burn: Burn
    at_completion: float
    exhaustion: Exhaustion

    @property
    def contracted(self) -> float | None:
        """Hours of the whole term, or what was granted by now where the term has no end."""
        return hours(self.balance.granted) if self.terms.total is None else self.terms.total

    @property
    def to_fix(self) -> tuple[Placed, ...]:
        """The entries that a person should look into."""
        return self.ledger.in_(*TO_FIX)

    def name_of(self, item: str) -> str:
        """Return a task's name by its item."""
        return next((task.name for task in self.dossier.tasks if task.item == item), item)


def statement(dossier: Dossier, rules: HourRules, today: date) -> Statement:
    """Return the statement of one onboarding."""
    terms = Terms.of(dossier.plan, dossier.deal)
    ledger = ledger_of(dossier, rules, today)
    at_completion = seconds_at_completion(dossier.tasks, ledger)
    return Statement(
        dossier,
        terms,
        ledger,
        balance(ledger, terms, today),
        burn(ledger, today),
        at_completion / SECONDS_PER_HOUR,
        exhaustion(ledger, terms, at_completion=at_completion, today=today),
    )


def hours(seconds: int | None) -> float | None:
    """Return seconds as hours, to the hundredth; None stays None."""
    return None if seconds is None else round(seconds / SECONDS_PER_HOUR, 2)
