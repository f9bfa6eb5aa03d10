"""A plan as its people see it at the vendors: which tasks there are, where each stands, and what has to come first.

Used by `simulator.year_work`. People follow the links on the deal's onboarding in the CRM, read Jira's pages and the
sheet, and know nothing of who made them. They take it that what was planned to end before a task begins has to be
done before it; what is planned later does not hold it up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from simulator.app import Simulator
from simulator.jira.issues import Issue
from simulator.people import RENAMED
from simulator.smartsheet.state import Row, Sheet
from simulator.year_people import business_days

START_FIELD = "customfield_10015"
_OVER = frozenset({"Done", "Cancelled"})


@dataclass(slots=True, eq=False)
class Piece:
    """One task as people see it. `issue` and `row` are its ids where it stands; `begins` and `due` as first planned."""

    name: str
    begins: date
    due: date
    issue: int | None = None
    row: int | None = None
    milestone: bool = False
    gates: list[Piece] = field(default_factory=list)
    days: int = 0
    """Business days that its people will need; drawn when they begin."""
    worked: int = 0
    left: int = 0
    """Seconds that are still going to be logged on it."""

    @property
    def planned_days(self) -> int:
        """The business days that the plan gives it."""
        return max(1, business_days(self.begins, self.due))


class SeenPlan:
    """One onboarding's epic and sheet."""

    def __init__(self, simulator: Simulator, deal: str, epic: int, sheet: int) -> None:
        self._issues = simulator.jira.site.issues.by_id
        self._sheets = simulator.smartsheet.state.sheets
        self.epic = epic
        self.sheet = sheet
        self._deal = deal
        self.pieces: list[Piece] = []
        self._known: set[int] = set()

    @classmethod
    def find(cls, simulator: Simulator, deal: str) -> SeenPlan | None:
        """Follow the links of a deal's onboarding; None while there are none."""
        for row in simulator.salesforce.org.children("Onboarding__c", "Opportunity__c", deal):
            if row["Plan_Id__c"] and row["Sheet_Id__c"] and not row["IsDeleted"]:
                plan = cls(simulator, deal, int(row["Plan_Id__c"]), int(row["Sheet_Id__c"]))
                return plan if plan.here else None
        return None

    @property
    def here(self) -> bool:
        """Tell whether both the epic and the sheet are there."""
        return self.epic in self._issues and self.sheet in self._sheets

    def look(self) -> None:
        """Take in tasks that were added since the last look."""
        new = [piece for piece in self._seen() if not {piece.issue, piece.row} & self._known]
        self._known |= {number for piece in new for number in (piece.issue, piece.row) if number is not None}
        self.pieces += new
        for piece in new:
            piece.gates = [other for other in self.pieces if other.due < piece.begins]

    def _seen(self) -> list[Piece]:
        sheet = self._sheets[self.sheet]
        rows: dict[Any, Row] = {}
        for one in sheet.rows.values():
            if self._is_ours(one) and self.cell(one, "Start"):
                rows.setdefault(self.cell(one, "Task"), one)  # what somebody copied stands behind
        found = []
        for number in sorted(self._issues[self.epic].children):
            issue = self._issues[number]
            row = rows.pop(issue.summary, None)
            begins, due = _day(issue.values.get(START_FIELD)), _day(issue.values.get("duedate"))
            if begins and due:
                milestone = issue.type.name == "Milestone"
                found.append(Piece(issue.summary, begins, due, number, row.id if row else None, milestone))
        for name, row in rows.items():
            begins, due = _day(self.cell(row, "Start")), _day(self.cell(row, "Due"))
            if begins and due and self.cell(row, "Audience") == "Customer":
                found.append(Piece(str(name), begins, due, row=row.id))
        return sorted(found, key=lambda piece: (piece.begins, piece.due, piece.name))

    def _is_ours(self, row: Row) -> bool:
        """Tell whether a row is of this plan: in a sheet that many share, parts of a split deal even have one name."""
        shared = any(column.title.removesuffix(RENAMED) == "Deal" for column in self.the_sheet().columns)
        return not shared or str(self.cell(row, "Closedwon key")).startswith(self._deal)

    def cell(self, row: Row, title: str) -> Any:
        """Return what stands in a row's column, whatever an admin has renamed it to; None for nothing."""
        number = self.column(title)
        cell = row.cells.get(number) if number is not None else None
        return cell.value if cell else None

    def column(self, title: str) -> int | None:
        """Return a column's id by the title that it was made with."""
        columns = self._sheets[self.sheet].columns
        return next((each.id for each in columns if each.title.removesuffix(RENAMED) == title), None)

    def issue(self, piece: Piece) -> Issue | None:
        """Return a piece's issue; None where it has none, or has it no more."""
        return self._issues.get(piece.issue) if piece.issue is not None else None

    def row(self, piece: Piece) -> Row | None:
        """Return a piece's row; None where it has none, or has it no more."""
        return self._sheets[self.sheet].rows.get(piece.row) if piece.row is not None else None

    def done(self, piece: Piece) -> bool:
        """Tell whether a piece is over for those who look at where it is worked on: Jira, else the sheet."""
        issue, row = self.issue(piece), self.row(piece)
        if issue is not None:
            return issue.status.category.key == "done"
        return row is None or str(self.cell(row, "Status")) in _OVER or self.cell(row, "Done") is True

    def start_of(self, piece: Piece) -> date:
        """Return the day on which a piece is to begin by now, as first planned where nobody says."""
        issue, row = self.issue(piece), self.row(piece)
        found = _day(issue.values.get(START_FIELD)) if issue else _day(self.cell(row, "Start")) if row else None
        return found or piece.begins

    def due_of(self, piece: Piece) -> date:
        """Return the day by which a piece is to be done by now, as first planned where nobody says."""
        issue, row = self.issue(piece), self.row(piece)
        found = _day(issue.values.get("duedate")) if issue else _day(self.cell(row, "Due")) if row else None
        return found or piece.due

    def the_sheet(self) -> Sheet:
        """Return the sheet."""
        return self._sheets[self.sheet]


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    return date.fromisoformat(value[:10]) if isinstance(value, str) and len(value) >= 10 else None
