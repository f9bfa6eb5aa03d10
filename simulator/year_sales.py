"""Sales through a simulated year: deals are won on business days, and many change their minds afterwards.

Driven by `simulator.year`. It wins the deals and later amends them: lines come and go, the close date, the owner and
the deal's name change, the stage bounces, a deal is cloned and the clone deleted, split in two, deleted and taken back
out of the bin.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from simulator.app import Simulator
from simulator.salesforce.people import person
from simulator.year_people import REFUSED, SALES, SALES_DESK, later

Act = Callable[[date], object]
Line = Mapping[str, Any]

_SAAS = ("SSO", "Integration", "Training", "Services")
_CARRIER = ("Circuit", "Internet Access", "Voice", "Equipment")
_COPIED = ("AccountId", "Name", "CloseDate", "Contracted_Hours__c", "Kickoff_Notes__c", "Type")
_LINE_COPIED = ("OpportunityId", "Product2Id", "Quantity", "UnitPrice")


class Sales:
    """The sales team and its calendar."""

    def __init__(self, simulator: Simulator, *, seed: int, onboardings: int, first: date, selling_days: int) -> None:
        self.won: list[str] = []
        """Deals that somebody has to bring live, parts of split ones included, in the order in which they were won."""
        self.done: Counter[str] = Counter()
        """Amendments by kind."""
        self._simulator = simulator
        self._dice = random.Random(f"sales {seed}")
        self._due: dict[date, list[Act]] = {}
        self._undo: dict[date, list[Act]] = {}
        self._kinds: Mapping[str, Callable[[str, date], None]] = {
            "line added": self._add_line,
            "line removed": self._remove_line,
            "quantity": self._change_quantity,
            "close date": self._move_close_date,
            "owner": self._change_owner,
            "contracted hours": self._change_hours,
            "bounce": self._bounce,
            "clone": self._clone,
            "split": self._split,
            "deletion": self._delete_for_a_while,
            "rename": self._rename,
            "other fields": self._change_other_fields,
        }
        self._deck: list[str] = []
        for number in range(onboardings):
            day = first + timedelta(days=self._dice.randrange(selling_days) if number else 0)
            self._due.setdefault(later(day - timedelta(days=1), 1), []).append(self._winning(number))

    def live(self, day: date) -> None:
        """Do what is due on a day."""
        for act in (*self._due.pop(day, ()), *self._undo.pop(day, ())):
            with suppress(*REFUSED):
                act(day)

    def rest(self, day: date) -> None:
        """Finish what was begun: win again what was reopened, take back what was deleted, delete the last clones."""
        for due in sorted(self._undo):
            for act in self._undo.pop(due):
                with suppress(*REFUSED):
                    act(day)

    def _winning(self, number: int) -> Act:
        def win(day: date) -> None:
            dice = self._dice
            carrier = dice.random() < 0.25
            lines = _carrier_lines(dice) if carrier else _saas_lines(dice)
            deal = {
                "name": f"Order {number + 1}",
                "account": f"Customer {number + 1:03}",
                "close_date": day.isoformat(),
                "hours": dice.choice((40, 80, 120, 200)),
                "owner": dice.choice(SALES),
                "lines": lines,
            }
            key = self._crm("win_deal", **deal)["id"]
            self.won.append(key)
            self._plan_amendments(key, day)

        return win

    def _plan_amendments(self, deal: str, won: date) -> None:
        for _ in range(self._dice.choice((0, 0, 1, 1, 2))):
            day = later(won, self._dice.randint(1, 60))
            self._due.setdefault(day, []).append(self._amending(self._next_kind(), deal))

    def _next_kind(self) -> str:
        """Draw from a deck, so that each kind comes up before any comes up again."""
        if not self._deck:
            self._deck = self._dice.sample(sorted(self._kinds), k=len(self._kinds))
        return self._deck.pop()

    def _amending(self, kind: str, deal: str) -> Act:
        def amend(day: date) -> None:
            row = self._deal(deal)
            if row["IsDeleted"] or not row["IsWon"]:
                return  # somebody is at it already
            self._kinds[kind](deal, day)
            self.done[kind] += 1

        return amend

    # -- amendments

    def _add_line(self, deal: str, _: date) -> None:
        carrier = self._lines(deal, least=1)[0]["ProductCode"].split("-")[0] in _CARRIER_CODES
        made = _line(self._dice, self._dice.choice(_CARRIER if carrier else _SAAS), self._dice.randint(10, 99))
        self._crm("add_line", id=deal, **made)

    def _remove_line(self, deal: str, _: date) -> None:
        self._crm("remove_line", id=self._dice.choice(self._lines(deal, least=2))["Id"])

    def _change_quantity(self, deal: str, _: date) -> None:
        change = {"object": "OpportunityLineItem", "id": self._dice.choice(self._lines(deal, least=1))["Id"]}
        self._crm("edit_record", **change, fields={"Quantity": self._dice.randint(1, 5)})

    def _move_close_date(self, deal: str, _: date) -> None:
        closed = date.fromisoformat(str(self._deal(deal)["CloseDate"])[:10])
        moved = closed + timedelta(days=self._dice.randint(-5, 20))
        self._crm("edit_deal", id=deal, fields={"CloseDate": moved.isoformat()})

    def _change_owner(self, deal: str, _: date) -> None:
        with self._simulator.salesforce.org.store.transaction():
            owner = person(self._simulator.salesforce.org, self._dice.choice(SALES))
        self._crm("edit_deal", id=deal, fields={"OwnerId": owner})

    def _bounce(self, deal: str, day: date) -> None:
        """Take a deal back to negotiation, to win it again within days."""
        self._crm("reopen_deal", id=deal)
        self._undo_later(day, lambda _: self._crm("edit_deal", id=deal, fields={"StageName": "Closed Won"}))

    def _clone(self, deal: str, day: date) -> None:
        """Clone a deal by mistake, won and with its lines; somebody deletes the clone within days."""
        clone = self._copy(deal, self._lines(deal))
        self._undo_later(day, lambda _: self._crm("delete_deal", id=clone))

    def _change_hours(self, deal: str, _: date) -> None:
        """Sell more hours, or fewer."""
        self._crm("edit_deal", id=deal, fields={"Contracted_Hours__c": self._dice.choice((30, 60, 100, 160, 240))})

    def _split(self, deal: str, _: date) -> None:
        """Make two deals of one: the second takes the first's last line along."""
        lines = self._lines(deal, least=2)
        second = self._copy(deal, lines[-1:])
        self._crm("remove_line", id=lines[-1]["Id"])
        self.won.append(second)

    def _delete_for_a_while(self, deal: str, day: date) -> None:
        self._crm("delete_deal", id=deal)
        self._undo_later(day, lambda _: self._crm("undelete_deal", id=deal))

    def _rename(self, deal: str, _: date) -> None:
        self._crm("edit_deal", id=deal, fields={"Name": f"{self._deal(deal)['Name']} (final)"})

    def _change_other_fields(self, deal: str, _: date) -> None:
        """Write what only sales read."""
        self._crm("edit_deal", id=deal, fields={"NextStep": "Renewal in a year", "LeadSource": "Web"})

    def _undo_later(self, day: date, act: Act) -> None:
        self._undo.setdefault(later(day, self._dice.randint(1, 6)), []).append(act)

    # -- the CRM

    def _copy(self, deal: str, lines: Sequence[Mapping[str, Any]]) -> str:
        fields = {name: self._deal(deal)[name] for name in _COPIED}
        fields |= {"StageName": "Negotiation/Review"}
        made = str(self._crm("create_record", object="Opportunity", fields=fields)["id"])
        for line in lines:
            copied = {name: line[name] for name in _LINE_COPIED} | {"OpportunityId": made}
            self._crm("create_record", object="OpportunityLineItem", fields=copied)
        self._crm("edit_deal", id=made, fields={"StageName": "Closed Won"})
        return made

    def _deal(self, deal: str) -> Mapping[str, Any]:
        return next(
            row for row in self._simulator.salesforce.org.rows("Opportunity", deleted=True) if row["Id"] == deal
        )

    def _lines(self, deal: str, *, least: int = 0) -> list[Mapping[str, Any]]:
        """Return a deal's lines; raises LookupError where there are too few for what somebody wants to do."""
        rows: Iterator[Mapping[str, Any]] = self._simulator.salesforce.org.children(
            "OpportunityLineItem", "OpportunityId", deal
        )
        found = [row for row in rows if not row["IsDeleted"]]
        if len(found) < least:
            raise LookupError(f"the deal has {len(found)} lines")
        return found

    def _crm(self, action: str, **args: Any) -> dict[str, Any]:
        return self._simulator.salesforce.act(action, {"by": SALES_DESK, **args})


def _saas_lines(dice: random.Random) -> list[Line]:
    wanted = [family for family in _SAAS if dice.random() < 0.45]
    return [_line(dice, family, number) for number, family in enumerate(("Subscription", *wanted), 1)]


def _carrier_lines(dice: random.Random) -> list[Line]:
    sites = [dice.choice(_CARRIER[:2]) for _ in range(dice.randint(1, 3))]
    more = [family for family in _CARRIER[2:] if dice.random() < 0.4]
    return [_line(dice, family, number) for number, family in enumerate((*sites, *more), 1)]


def _line(dice: random.Random, family: str, number: int) -> Line:
    code = f"{family.upper().replace(' ', '_')}-{number}"
    more = {"family": family, "code": code}
    return {"product": f"{family} {number}", "quantity": dice.randint(1, 3), "price": 100 * dice.randint(1, 90), **more}


_CARRIER_CODES = frozenset(family.upper().replace(" ", "_") for family in _CARRIER)
