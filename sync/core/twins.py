"""Whether a new deal is one that has its plan already: copied, or split off. Pure.

Called by `sync.core.plan` before a first plan is made, and by `sync.core.together` for new deals of one batch. It errs
towards asking: of a copy no second plan is made until a person says that it is a deal of its own. It only ever looks
at deals of the same account.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from mappings.model import Deal
from sync.core.model import Quarantine, Severity

TWIN_FIELD = "twin"
"""Stands for a field in what is held back about a deal that another one may be."""

Likeness: TypeAlias = tuple[str, str, frozenset[tuple[str, int]]]
"""What two deals that are copies of each other share."""

_COPY = re.compile(r"^(copy of|clone of)\s+|[\s\-(\[]+(copy|clone|cloned|kopie)[\s\d)\]]*$")


@dataclass(frozen=True, slots=True)
class Kin:
    """An onboarding of the same account: what its plan was made from, and which products left its deal since."""

    deal: Deal
    gone: frozenset[str] = frozenset()
    now: str = ""
    """The print of its deal as it is by now, where its plan does not follow that: a person decides, or decided."""


def mark_of(account: str) -> str:
    """Name an account by what people call it, whatever the case; "" for none."""
    folded = " ".join(account.split()).casefold()
    return hashlib.sha256(folded.encode()).hexdigest()[:16] if folded else ""


def products(deal: Deal) -> frozenset[str]:
    """Name what a deal sells."""
    return frozenset(line.code or line.product for line in deal.lines)


def likeness(deal: Deal) -> Likeness | None:
    """Name what copies have in common: account, name and lines; None for a deal that is never taken for one."""
    mark = mark_of(deal.account)
    return (mark, _name(deal), frozenset(_sold(deal).items())) if mark and deal.lines else None


def print_of(deal: Deal) -> str:
    """Return what a copy of a deal has in common with it, its account aside, as short text that can be kept."""
    said = repr((_name(deal), sorted(_sold(deal).items())))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def twin(deal: Deal, kin: Iterable[Kin]) -> Quarantine | None:
    """Return what holds a new deal back, or None: it has lines, and an older deal of its account has or had them."""
    sold = _sold(deal)
    for other in kin if sold else ():
        if products(deal) <= other.gone:
            return _held(deal, "SPLIT-01", f"What it sells was taken off deal {other.deal.key} ({other.deal.name})")
        if print_of(deal) in {print_of(other.deal), other.now}:
            text = f"It has the name, the account and the lines of deal {other.deal.key}, which has its plan"
            return _held(deal, "CLONE-01", text)
    return None


def _held(deal: Deal, code: str, text: str) -> Quarantine:
    choice = (
        f"so no second plan is made. If it is an onboarding of its own, say `closedwon amendments own {deal.key}`; "
        f"if not, `closedwon amendments reject {deal.key} --reason TEXT`."
    )
    return Quarantine(deal.key, "", "", TWIN_FIELD, code, f"{text}, {choice}", Severity.HELD)


def _sold(deal: Deal) -> Counter[str]:
    sold: Counter[str] = Counter()
    for line in deal.lines:
        sold[line.code or line.product] += round(line.quantity * 1000)
    return sold


def _name(deal: Deal) -> str:
    return _COPY.sub("", " ".join(deal.name.split()).casefold())
