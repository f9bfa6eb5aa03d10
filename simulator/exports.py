"""Reads exports of a CRM: the columns file, and the rows of the CSV files that it names.

Called by `simulator.load` only. A file that cannot be read as a table at all raises Unloadable; a row or a cell that
does not fit raises Unfit or is reported with its line, so that the rows beside it still count. It knows no Salesforce.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from simulator.salesforce.objects import STAGES

COLUMNS_FILE = "columns.yaml"
GUIDE = "docs/your-own-deals.md"
NAME_PARTS = ("account", "product", "id", "close_date")


class Unloadable(ValueError):
    """The folder, a file or the columns file cannot be used; the message says what to do."""


class Unfit(ValueError):
    """A row does not fit. `why` is the same for all rows of its kind, `detail` is this row's own."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why = why
        self.detail = detail


class Strict(BaseModel):
    """Base: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Table(Strict):
    """One CSV file: how it is written, and which of its columns is which."""

    file: str
    columns: dict[str, str] = Field(description="Our name: the column's title.")
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"
    decimal: Literal[".", ","] = Field(default=".", description="What stands before the decimals of a number.")
    dates: str = Field(default="%Y-%m-%d", description="How dates are written, as strptime has it.")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError("no such encoding; usual ones are utf-8-sig, cp1252 and utf-16") from None
        return value

    @field_validator("dates")
    @classmethod
    def _whole_date(cls, value: str) -> str:
        probe = datetime(2026, 11, 23)  # noqa: DTZ001 - a day has no time zone
        try:
            same = datetime.strptime(probe.strftime(value), value) == probe  # noqa: DTZ007 - same
        except ValueError:
            same = False
        if not same:
            raise ValueError('must name day, month and year, such as "%m/%d/%Y" or "%d.%m.%Y"')
        return value


class Deals(Table):
    """The opportunities' file."""

    name: str = Field(default="{account} {product}", description="Name of a deal without a column `name`.")
    stages: dict[str, str] = Field(
        default_factory=dict, description='Their stage: Salesforce\'s stage; "*" stands for every other.'
    )

    @field_validator("name")
    @classmethod
    def _known_parts(cls, value: str) -> str:
        try:
            value.format_map(dict.fromkeys(NAME_PARTS, ""))
        except (LookupError, ValueError, AttributeError):
            raise ValueError(f"may hold {', '.join(f'{{{part}}}' for part in NAME_PARTS)} and nothing else") from None
        return value

    @field_validator("stages")
    @classmethod
    def _known_stages(cls, value: dict[str, str]) -> dict[str, str]:
        known = [name for name, _, _ in STAGES]
        if unknown := sorted(set(value.values()) - set(known)):
            raise ValueError(f"{', '.join(unknown)} is no stage of the simulated org; it has {', '.join(known)}")
        return value


class Columns(Strict):
    """The whole columns file."""

    opportunities: Deals
    lines: Table | None = None
    accounts: Table | None = None
    products: Table | None = None
    people: Table | None = None
    mail_domain: str = Field(default="example.com", description="Domain for people who have a name but no e-mail.")


@dataclass(frozen=True, slots=True)
class Known:
    """The columns that a table may have, and sets of which it needs at least one."""

    names: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...] = ()


_LINE = ("product", "quantity", "unit_price", "total_price")
TABLES: Mapping[str, Known] = {
    "opportunities": Known(
        (
            *("id", "name", "account", "owner", "stage", "close_date", "amount", "type"),
            *("contracted_hours", "target_launch", "notes", *_LINE),
        ),
        (("close_date",),),
    ),
    "lines": Known(("deal", *_LINE, "service_date", "description"), (("deal",), ("product",))),
    "accounts": Known(("id", "name", "industry", "website"), (("name",),)),
    "products": Known(("id", "name", "code", "family", "price"), (("name",),)),
    "people": Known(("id", "name", "email"), (("name", "email"),)),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row under our names, with the line of its file on which it begins."""

    line: int
    cells: Mapping[str, str]
    table: Table

    def text(self, name: str) -> str:
        """Return a cell as one line of text; empty where there is no such column."""
        return " ".join(self.cells.get(name, "").split())

    def lines(self, name: str) -> str:
        """Return a cell with the line breaks in it."""
        return "\n".join(self.cells.get(name, "").splitlines())

    def number(self, name: str) -> float | None:
        """Return a number; None where the cell is empty; raises Unfit."""
        text = self.text(name)
        if not text:
            return None
        found = _number(text, self.table.decimal)
        if found is None:
            other = "," if self.table.decimal == "." else "."
            hint = f'; `decimal: "{other}"` reads it' if _number(text, other) is not None else ""
            raise Unfit(f"{name} is no number", f"{text!r}{hint}")
        return found

    def day(self, name: str) -> date | None:
        """Return a day; None where the cell is empty; raises Unfit. Of a moment as Data Loader writes it, its day."""
        text = self.text(name)
        if not text:
            return None
        form = self.table.dates
        if _MOMENT.match(text):
            text, form = text[:10], "%Y-%m-%d"
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            raise Unfit(f"{name} is no date of the form {form}", repr(text)) from None


_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T")
_SCIENTIFIC = re.compile(r"-?\d(?:\.\d+)?E[+-]?\d{1,2}", re.IGNORECASE)
_PLAIN = {
    ".": re.compile(r"(?:\d+|\d{1,3}(?:[,'’ ]\d{3})+)(?:\.\d+)?|\.\d+"),
    ",": re.compile(r"(?:\d+|\d{1,3}(?:[.'’ ]\d{3})+)(?:,\d+)?|,\d+"),
}


def _number(text: str, decimal: str) -> float | None:
    """Read a number with currency, thousands and a sign, `(1,200.00)` being negative; None when it is none."""
    if _SCIENTIFIC.fullmatch(text):
        return float(text)
    plain = re.sub(r"\s", " ", text)
    negative = plain.startswith("(") and plain.endswith(")")
    plain = re.sub(r"^[A-Z]{3}(?=[ \d.,-])|(?<=[ \d])[A-Z]{3}$|[()\u20a0-\u20cf$£¥¢]|R\$|\bkr\b\.?", "", plain).strip()
    if plain[:1] in "-\u2212+":
        negative, plain = negative or plain[0] != "+", plain[1:].strip()
    if not _PLAIN[decimal].fullmatch(plain):
        return None
    digits = re.sub(rf"[^\d{re.escape(decimal)}]", "", plain).replace(decimal, ".")
    return -float(digits) if negative else float(digits)


def read_columns(path: Path) -> Columns:
    """Read the columns file; raises Unloadable with every mistake."""
    try:
        data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        plan = Columns.model_validate(data)
    except OSError as error:
        raise Unloadable(f"{path}: {error.strerror}. Write one as {GUIDE} shows.") from None
    except UnicodeDecodeError:
        raise Unloadable(f"{path} is not UTF-8. Save it as such.") from None
    except YAMLError as error:
        raise Unloadable(f"{path}: broken YAML: {_yaml(error)}. Check indentation and quotes.") from None
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise Unloadable(f"{path}: {what}. {GUIDE} shows what may stand there.") from None
    if mistakes := [mistake for name in TABLES for mistake in _misnamed(name, getattr(plan, name))]:
        raise Unloadable(f"{path}: {'; '.join(mistakes)}. {GUIDE} shows what may stand there.")
    return plan


def _yaml(error: YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{getattr(error, 'problem', None) or 'it cannot be read'}{place}"


def _misnamed(name: str, table: Table | None) -> Iterator[str]:
    if table is None:
        return
    known = TABLES[name]
    for column in table.columns:
        if column not in known.names:
            yield f"{name} has no {column!r}{_near(column, known.names)}; known are {', '.join(known.names)}"
    for choice in known.needed:
        if not set(choice) & set(table.columns):
            yield f"{name} needs the column {' or '.join(choice)}"


def _near(wrong: str, known: Any) -> str:
    near = difflib.get_close_matches(wrong.lower(), {one.lower(): one for one in known}, n=1)
    return f" (did you mean {next(one for one in known if one.lower() == near[0])!r}?)" if near else ""


def rows(folder: Path, table: Table) -> Iterator[Row | tuple[int, Unfit]]:
    """Yield a file's rows, or line and reason of a row that is none; raises Unloadable."""
    path = folder / table.file
    try:
        with path.open(encoding=table.encoding, newline="") as file:
            yield from _rows(path, csv.reader(file, delimiter=table.delimiter, strict=True), table)
    except OSError as error:
        raise Unloadable(f"{path}: {error.strerror}. Check `file` in the columns file.") from None
    except UnicodeError:
        raise Unloadable(f"{path} is not {table.encoding}. Set `encoding`, say to cp1252 or utf-16.") from None


def _rows(path: Path, reader: Any, table: Table) -> Iterator[Row | tuple[int, Unfit]]:
    line = 1
    try:
        titles = [title.strip() for title in next(reader, [])]
        places = _places(path, titles, table)
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) > len(titles) or len(cells) == 1 < len(titles):
                yield line, _misshapen(cells, titles)
            elif cells:
                # Some programs leave out the empty cells at the end of a row.
                whole = [cell.strip() for cell in cells] + [""] * (len(titles) - len(cells))
                yield Row(line, {name: whole[place] for name, place in places.items()}, table)
            line = reader.line_num + 1
    except csv.Error as error:
        raise Unloadable(f"{path} line {line}: {error}. Check the quotes there; a quote inside is doubled.") from None


def _misshapen(cells: list[str], titles: list[str]) -> Unfit:
    shown = " ".join(cells)[:40]
    if len(cells) > len(titles):
        return Unfit("more cells than columns (is a cell with a delimiter in it unquoted?)", repr(shown))
    return Unfit("a single cell, as in the lines that reports end with", repr(shown))


def _places(path: Path, titles: list[str], table: Table) -> dict[str, int]:
    """Return where each of our columns stands; raises Unloadable naming all that are missing or doubled."""
    missing = [title for title in table.columns.values() if title not in titles]
    if missing:
        near = ", ".join(f"{title!r}{_near(title, titles)}" for title in missing)
        other = next((mark for mark in ",;\t|" if mark != table.delimiter and mark in titles[0]), "") if titles else ""
        hint = f" Its cells look parted by {other!r}: set `delimiter: {other!r}`." if len(titles) == 1 and other else ""
        raise Unloadable(f"{path} has no column {near}. It has: {', '.join(titles) or 'none'}.{hint}")
    doubled = [title for title in table.columns.values() if titles.count(title) > 1]
    if doubled:
        raise Unloadable(f"{path} has the column {', '.join(doubled)} more than once. Rename one of them in the file.")
    return {ours: titles.index(theirs) for ours, theirs in table.columns.items()}
