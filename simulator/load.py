"""Fills the simulated Salesforce from CSV exports, so that users try their own deals without touching their org.

Called by `closedwon simulator --load` and by tests. A small YAML says which column means what (docs/your-own-deals.md).
A row that does not fit is left out with its reason and stops nothing else; a deal comes in whole, with its lines, or
not at all. Nothing is guessed but spelling: names are matched without regard to case, spaces and punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.exports import COLUMNS_FILE, NAME_PARTS, Columns, Row, Table, Unfit, Unloadable, read_columns, rows
from simulator.salesforce import Salesforce
from simulator.salesforce.ids import canonical
from simulator.salesforce.objects import STAGES
from simulator.salesforce.org import Org
from simulator.salesforce.problems import Problem

__all__ = ["Loaded", "Unloadable", "load_folder"]

EXAMPLES = 10
REASONS = 12
LONGEST_NAME = 120
ANY_STAGE = "*"
_PREFIXES = ("001", "005", "006", "01t")
_DEAL_ONLY = ("name", "account", "owner", "stage", "close_date", "amount")
_WORD = re.compile(r"[^\W_]+")


@dataclass
class Loaded:
    """What came in, what did not, and what was added because the deals speak of it."""

    counts: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def leave(self, table: str, line: int, unfit: Unfit) -> None:
        """Note a row that does not fit; each reason is shown by its first row before any is shown twice."""
        why = f"{table}: {unfit.why}"
        self.left_out[why] += 1
        if self.left_out[why] == 1 and len(self.examples) < EXAMPLES:
            self.examples.append(f"{table} line {line}: {unfit}")

    def as_json(self) -> dict[str, Any]:
        """Return the counts for `--json`."""
        return {
            "loaded": dict(self.counts),
            "added": dict(self.added),
            "left_out": dict(self.left_out),
            "examples": self.examples,
        }

    def sentence(self) -> str:
        """Return the counts in words, a line for each reason and each example."""
        done = ", ".join(f"{count} {name}" for name, count in self.counts.items() if count)
        lines = [f"Loaded {done or 'nothing'}."]
        if self.added:
            more = ", ".join(f"{count} {name}" for name, count in self.added.items())
            lines.append(f"Added as the deals spell them: {more}.")
        reasons = self.left_out.most_common()
        lines += [f"Left out {count} × {why}." for why, count in reasons[:REASONS]]
        if len(reasons) > REASONS:
            lines.append(f"Left out for {len(reasons) - REASONS} other reasons; --json lists all.")
        return "\n".join([*lines, *(f"  {example}" for example in self.examples)])


def load_folder(salesforce: Salesforce, folder: Path, columns: Path | None = None) -> Loaded:
    """Load a folder of CSV files into the org; raises Unloadable when it cannot be read at all."""
    return _Loader(salesforce.org, folder, read_columns(columns or folder / COLUMNS_FILE)).run()


class _Book:
    """The records of one kind by all that a deal may call them: Id, name, e-mail, code."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._known: dict[str, set[str]] = {}

    def note(self, record: str, *names: str) -> None:
        """Enter a record under its names."""
        for name in filter(None, map(_slug, names)):
            self._known.setdefault(name, set()).add(record)

    def find(self, name: str) -> str | None:
        """Return the record of that name; raises Unfit where several bear it."""
        found = self._known.get(_slug(name), set())
        if len(found) > 1:
            raise Unfit(f"several {self.what} bear the same name; map the column that holds their Id", repr(name))
        return next(iter(found), None)


class _Loader:
    def __init__(self, org: Org, folder: Path, plan: Columns) -> None:
        self.org = org
        self.folder = folder
        self.plan = plan
        self.loaded = Loaded()
        self.people = _Book("people")
        self.accounts = _Book("accounts")
        self.products = _Book("products")
        self.list_prices: dict[str, float] = {}
        self.lines: dict[str, list[Row]] = {}
        self.stages = {_slug(theirs): ours for theirs, ours in plan.opportunities.stages.items() if theirs != ANY_STAGE}

    def run(self) -> Loaded:
        """Load people, accounts, products, then each deal with its lines."""
        for user in self.org.rows("User"):
            self.people.note(user["Id"], user["Email"], user["Name"])
        self._all("people", self.plan.people, self._person)
        self._all("accounts", self.plan.accounts, self._account)
        self._all("products", self.plan.products, self._product)
        for row in self._readable("lines", self.plan.lines):
            self.lines.setdefault(_key(row.text("deal")), []).append(row)
        for deal in self._deals():
            self._one("opportunities", deal, self._deal)
        for orphans in self.lines.values():
            for row in orphans:
                self.loaded.leave("lines", row.line, Unfit("their deal did not come in", repr(row.text("deal"))))
        return self.loaded

    def _all(self, name: str, table: Table | None, keep: Callable[[Row], None]) -> None:
        for row in self._readable(name, table):
            self._one(name, [row], lambda rows: keep(rows[0]))

    def _readable(self, name: str, table: Table | None) -> Iterable[Row]:
        for row in rows(self.folder, table) if table else ():
            if isinstance(row, Row):
                yield row
            else:
                self.loaded.leave(name, *row)

    def _one(self, name: str, given: list[Row], keep: Callable[[list[Row]], None]) -> None:
        """Keep what some rows say, or note each of them as left out."""
        try:
            keep(given)
            self.loaded.counts[name] += 1
        except (Problem, Unfit) as error:
            unfit = (
                error if isinstance(error, Unfit) else Unfit(f"Salesforce refuses it with {error.code}", error.message)
            )
            for row in given:
                self.loaded.leave(name, row.line, unfit)

    def _person(self, row: Row) -> None:
        self._add_person(row.text("name"), row.text("email"), row.text("id"))

    def _add_person(self, name: str, email: str, record: str = "") -> str:
        shown = name or email.partition("@")[0].replace(".", " ").title()
        if not shown:
            raise Unfit("neither name nor e-mail")
        address = email or f"{_local_part(shown)}@{self.plan.mail_domain}"
        first, _, last = shown.rpartition(" ")
        fields = {"FirstName": first or None, "LastName": last, "Email": address, "Username": address}
        made = self.org.insert("User", fields | _own_id(record, "005"))
        self.people.note(made, record, name, address)
        return made

    def _account(self, row: Row) -> None:
        name, record = row.text("name"), row.text("id")
        if not record and self.accounts.find(name):
            raise Unfit("the same name again", repr(name))
        details = {"Industry": row.text("industry") or None, "Website": row.text("website") or None}
        self._add_account(name, record, details)

    def _add_account(self, name: str, record: str = "", details: Mapping[str, Any] | None = None) -> str:
        made = self.org.insert("Account", {"Name": name, **(details or {}), **_own_id(record, "001")})
        self.accounts.note(made, record, name)
        return made

    def _product(self, row: Row) -> None:
        name, record = row.text("name"), row.text("id")
        if not record and self.products.find(name):
            raise Unfit("the same name again", repr(name))
        made = self._add_product(name, row.text("code"), row.text("family"), record)
        if (price := row.number("price")) is not None:
            self.list_prices[made] = price

    def _add_product(self, name: str, code: str = "", family: str = "", record: str = "") -> str:
        fields = {"Name": name, "ProductCode": code or "-".join(name.upper().split()), "Family": family or None}
        made = self.org.insert("Product2", fields | {"IsActive": True} | _own_id(record, "01t"))
        self.products.note(made, record, name, code)
        return made

    def _deals(self) -> Iterable[list[Row]]:
        """Return the rows of each deal: rows that share an Id are one deal with several lines."""
        deals: dict[str, list[Row]] = {}
        for number, row in enumerate(self._readable("opportunities", self.plan.opportunities)):
            deals.setdefault(_key(row.text("id")) or f"#{number}", []).append(row)
        return deals.values()

    def _deal(self, given: list[Row]) -> None:
        """Insert one deal with its lines. What is missing stays empty: what a plan needs is for the engine to say."""
        first, key = given[0], _key(given[0].text("id"))
        for name in _DEAL_ONLY:
            if len({row.text(name) for row in given}) > 1:
                raise Unfit("rows of one Id differ in what belongs to the deal", f"{name} of {first.text('id')!r}")
        if len(given) > 1 and not all(row.text("product") for row in given):
            raise Unfit("several rows of one Id, which have no products to tell them apart", repr(first.text("id")))
        fields = self._fields(first)
        sold = [row for row in [*given, *self.lines.get(key, [])] if row.text("product")]
        lines = _lines(sold, fields["Amount"])
        fields["AccountId"] = self._named(self.accounts, first.text("account"), self._add_account)
        fields["OwnerId"] = self._named(self.people, first.text("owner"), self._add_owner)
        products = [self._named(self.products, row.text("product"), self._add_product) for row in sold]
        with self.org.store.transaction():
            deal = self.org.insert("Opportunity", {name: value for name, value in fields.items() if value is not None})
            for product, line in zip(products, lines, strict=True):
                listed = {} if "TotalPrice" in line else {"UnitPrice": self.list_prices.get(str(product), 0.0)}
                self.org.insert("OpportunityLineItem", {"OpportunityId": deal, "Product2Id": product, **line, **listed})
        self.lines.pop(key, None)

    def _fields(self, row: Row) -> dict[str, Any]:
        """Return what a row says of its deal, people and things aside."""
        closed, launch = row.day("close_date"), row.day("target_launch")
        if closed is None:
            raise Unfit("no close date, which Salesforce demands")
        parts = {part: row.text(part) for part in NAME_PARTS}
        name = row.text("name") or self.plan.opportunities.name.format_map(parts)
        return {
            "Name": name.strip()[:LONGEST_NAME] or "Unnamed",
            "StageName": self._stage(row.text("stage")),
            "CloseDate": closed.isoformat(),
            "Amount": row.number("amount"),
            "Contracted_Hours__c": row.number("contracted_hours"),
            "Target_Launch__c": launch.isoformat() if launch else None,
            "Type": row.text("type") or None,
            "Kickoff_Notes__c": row.lines("notes") or None,
            **_own_id(row.text("id"), "006"),
        }

    def _stage(self, theirs: str) -> str:
        """Return Salesforce's stage; raises Unfit for one that nobody has said the meaning of."""
        stages = self.plan.opportunities.stages
        if (found := self.stages.get(_slug(theirs)) or _OWN_STAGES.get(_slug(theirs)) or stages.get(ANY_STAGE)) is None:
            raise Unfit("stage is not known; say what it means under opportunities.stages", repr(theirs))
        return found

    def _named(self, book: _Book, name: str, add: Callable[[str], str]) -> str | None:
        """Return the record that a deal calls by a name, which is added as spelt where nobody listed it."""
        if not name:
            return None
        if (found := book.find(name)) is not None:
            return found
        if _whole_id(name):
            raise Unfit(f"an Id that is none of the {book.what}; map `id` in their file", repr(name))
        added = add(name)
        self.loaded.added[book.what] += 1
        return added

    def _add_owner(self, name: str) -> str:
        return self._add_person("", name) if "@" in name else self._add_person(name, "")


def _lines(sold: list[Row], amount: float | None) -> list[dict[str, Any]]:
    """Return the deal's lines. Those without a price share what the others leave of the amount: so it stays true."""
    totals = [_total(row) for row in sold]
    open_lines = [place for place, total in enumerate(totals) if total is None]
    if amount is not None and open_lines:
        rest = amount - sum(total for total in totals if total is not None)
        share = round(rest / len(open_lines), 2)
        for place in open_lines:
            totals[place] = share
        totals[open_lines[-1]] = round(rest - share * (len(open_lines) - 1), 2)
    lines = []
    for row, total in zip(sold, totals, strict=True):
        service = row.day("service_date")
        line = {
            "Quantity": _quantity(row),
            "TotalPrice": total,
            "ServiceDate": service.isoformat() if service else None,
            "Description": row.text("description") or None,
        }
        lines.append({name: value for name, value in line.items() if value is not None})
    return lines


def _total(row: Row) -> float | None:
    total, unit = row.number("total_price"), row.number("unit_price")
    return total if total is not None or unit is None else unit * _quantity(row)


def _quantity(row: Row) -> float:
    quantity = row.number("quantity")
    return 1.0 if quantity is None else quantity


def _slug(name: str) -> str:
    """Return a name without case, spaces and punctuation, so that `GTXPro` is `GTX Pro`; an Id in whole."""
    return _whole_id(name) or re.sub(r"[\W_]+", "", name).casefold()


def _local_part(name: str) -> str:
    """Make the first half of an e-mail from a name: `Jörg Weiß` is jorg.weiss."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return ".".join(_WORD.findall("".join(letter for letter in letters if not unicodedata.combining(letter))))


def _whole_id(text: str) -> str | None:
    """Return Salesforce's Id of a record in its 18 characters; None when the text is none."""
    return canonical(text) if text[:3] in _PREFIXES else None


def _key(deal: str) -> str:
    """Return what tells a deal from others: its Id, in whole where it is one of Salesforce's."""
    return _whole_id(deal) or deal


def _own_id(text: str, prefix: str) -> dict[str, str]:
    """Keep a record's Id where it is one of Salesforce's for that object, so that users find theirs again."""
    whole = _whole_id(text)
    return {"Id": whole} if whole and whole.startswith(prefix) else {}


_OWN_STAGES = {_slug(name): name for name, _, _ in STAGES}
