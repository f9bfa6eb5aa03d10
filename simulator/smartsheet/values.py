"""What a cell accepts: each column type's strict and lenient reading of a value, as the vendor's cell reference says.

Called by `rows` for every cell of a write and by `people`. It stores nothing.

Strict is the default. Text beyond 4,000 characters is cut without a word. Numbers come back as floats. Formulas are
kept but not computed: their value reads `#UNSUPPORTED`, which is the one thing here that the vendor would not say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from simulator.smartsheet.errors import Problem
from simulator.smartsheet.state import Cell, Column, State

LONGEST_TEXT = 4_000
LARGEST_NUMBER = 9_007_199_254_740_992
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MONEY = re.compile(r"([$€£]?)(-?\d{1,3}(?:,\d{3})*(?:\.\d+)?|-?\d+(?:\.\d+)?)(%?)")
_MULTIPLE = {"MULTI_PICKLIST": "MULTI_PICKLIST", "MULTI_CONTACT_LIST": "MULTI_CONTACT"}
_CONTENT = frozenset({"value", "objectValue", "formula", "hyperlink"})
_NOT_MODELLED = ("linkInFromCell", "image")


def only_looks(given: Mapping[str, Any]) -> bool:
    """Tell whether a write changes a cell's format and nothing else; formats are taken and not kept."""
    return "format" in given and _CONTENT.isdisjoint(given)


def read_cell(given: Mapping[str, Any], column: Column, state: State) -> Cell | None:
    """Return the cell that a write asks for, None for an empty one; raises Problem."""
    for name in _NOT_MODELLED:
        if given.get(name) is not None:
            raise Problem(1032, f"cell.{name}")
    if _CONTENT.isdisjoint(given):
        raise Problem(1012, "cell.value")
    if column.system:
        raise Problem(1046, column.title)
    value, rich = given.get("value"), given.get("objectValue")
    if value is not None and rich is not None:
        raise Problem(1130)
    formula = given.get("formula")
    if formula is not None:
        if not isinstance(formula, str) or not formula.startswith("="):
            raise Problem(1031, formula, "formula")
        return Cell(value="#UNSUPPORTED", display="#UNSUPPORTED", formula=formula)
    if rich is not None:
        return _from_object(rich, column, state)
    if value is None or value == "":
        return None
    if not isinstance(value, (str, int, float)):
        raise Problem(1038)
    if column.type in _MULTIPLE:
        raise Problem(1235)
    strict = given.get("strict", True) is not False
    cell = _READERS[column.type](value, column, strict, {**given, "state": state})
    link = given.get("hyperlink")
    return Cell(cell.value, cell.display, hyperlink=link) if link else cell


def _refuse(value: object, column: Column) -> Problem:
    return Problem(1042, column.id, value, column.type)


def _plain(value: str | float) -> Cell:
    """Keep a value as it is, with the text that a person sees."""
    if isinstance(value, bool):
        return Cell(value=value)
    if isinstance(value, str):
        return Cell(value=value[:LONGEST_TEXT], display=value[:LONGEST_TEXT])
    return Cell(value=float(value), display=str(int(value)) if value == int(value) else repr(float(value)))


def _text_or_number(value: Any, column: Column, strict: bool, _: Mapping[str, Any]) -> Cell:  # noqa: FBT001
    if isinstance(value, bool):
        if strict:
            raise _refuse(value, column)
        return _plain("true" if value else "false")
    if not isinstance(value, str):
        if abs(value) > LARGEST_NUMBER:
            if strict:
                raise Problem(1148, value)
            return _plain(str(value))
        return _plain(value)
    match = None if strict else _MONEY.fullmatch(value.strip())
    if match is None:
        return _plain(value)
    number = float(match[2].replace(",", ""))
    return Cell(value=number / 100 if match[3] else number, display=value.strip())


def _day(value: Any, column: Column, strict: bool, _: Mapping[str, Any]) -> Cell:  # noqa: FBT001
    if isinstance(value, str):
        try:
            if len(value) == 10:
                return Cell(value=date.fromisoformat(value).isoformat())
            if not strict:
                return Cell(value=datetime.fromisoformat(value).date().isoformat())
        except ValueError:
            pass
    if strict or column.validation:
        raise _refuse(value, column)
    return _plain(value)


def _tick(value: Any, column: Column, strict: bool, _: Mapping[str, Any]) -> Cell:  # noqa: FBT001
    if isinstance(value, bool):
        return Cell(value=value)
    if strict or column.validation:
        raise _refuse(value, column)
    said = str(value).strip().lower()
    return Cell(value=said in {"true", "1", "1.0"}) if said in {"true", "false", "0", "1", "1.0"} else _plain(value)


def _person(value: Any, column: Column, strict: bool, given: Mapping[str, Any]) -> Cell:  # noqa: FBT001
    if not isinstance(value, str) or (strict and not _EMAIL.fullmatch(value)):
        raise _refuse(value, column)
    if column.validation and not given.get("overrideValidation"):
        known = {str(contact.get("email", "")).lower() for contact in column.contacts}
        if known and value.lower() not in known:
            raise _refuse(value, column)
    name = given.get("displayName", given.get("displayValue"))
    if name is None:
        user = given["state"].users.get(value.lower())
        name = user.name if user else value
    return Cell(value=value[:LONGEST_TEXT], display=name or value)


def _choice(value: Any, column: Column, strict: bool, given: Mapping[str, Any]) -> Cell:  # noqa: FBT001
    if isinstance(value, str) and (value in column.options or (column.symbol and not column.options)):
        return Cell(value=value, display=value)
    if strict or (column.validation and not given.get("overrideValidation")):
        raise _refuse(value, column)
    return _plain(value)


def _span(value: Any, column: Column, strict: bool, _: Mapping[str, Any]) -> Cell:  # noqa: FBT001
    """Read a DURATION, `3d` or `1w 2d 4h` in the sheet's locale."""
    if isinstance(value, str) and re.fullmatch(r"[e~]?\s*(\d+(\.\d+)?\s*[wdhms]{1,2}\s*)+|\d+(\.\d+)?", value):
        return _plain(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _plain(f"{value:g}d")
    if strict:
        raise _refuse(value, column)
    return _plain(value)


def _only_object(_value: Any, _column: Column, _strict: bool, _: Mapping[str, Any]) -> Cell:  # noqa: FBT001
    raise Problem(1235)


_READERS: Mapping[str, Callable[[Any, Column, bool, Mapping[str, Any]], Cell]] = {
    "TEXT_NUMBER": _text_or_number,
    "DATE": _day,
    "CHECKBOX": _tick,
    "CONTACT_LIST": _person,
    "PICKLIST": _choice,
    "DURATION": _span,
    "ABSTRACT_DATETIME": _only_object,
    "DATETIME": _only_object,
    "PREDECESSOR": _only_object,
}


def _from_object(rich: Any, column: Column, state: State) -> Cell:
    """Read an objectValue; its type must be that of the column."""
    if not isinstance(rich, dict):
        return _READERS.get(column.type, _only_object)(rich, column, True, {"state": state})
    kind = rich.get("objectType")
    if kind == "MULTI_PICKLIST" and column.type == "MULTI_PICKLIST":
        values = rich.get("values")
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise Problem(1031, values, "objectValue.values")
        for value in values:
            if value not in column.options:
                raise _refuse(value, column)
        return Cell(value=", ".join(values), display=", ".join(values), object_value=rich)
    if kind == "MULTI_CONTACT" and column.type == "MULTI_CONTACT_LIST":
        return _people(rich, state)
    if kind == "CONTACT" and column.type in {"CONTACT_LIST", "MULTI_CONTACT_LIST"}:
        name = rich.get("name")
        return _person(rich.get("email"), column, True, {"displayName": name, "state": state})
    if kind == "DATE" and column.type in {"DATE", "ABSTRACT_DATETIME"}:
        return _day(rich.get("value"), column, True, {})
    if kind == "ABSTRACT_DATETIME" and column.type == "ABSTRACT_DATETIME":
        return Cell(value=rich.get("value"), object_value=rich)
    if kind == "PREDECESSOR_LIST" and column.type == "PREDECESSOR":
        before = _objects(rich, "predecessors")
        told = ", ".join(f"{item.get('rowNumber', '')}{item.get('type', 'FS')}" for item in before)
        return Cell(value=told, display=told, object_value=rich)
    raise _refuse(kind, column)


def _objects(rich: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects that an objectValue lists under a name; raises Problem 1008."""
    items = rich.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Problem(1008, f"objectValue.{name} must be a list of objects")
    return items


def _people(rich: Mapping[str, Any], state: State) -> Cell:
    contacts = []
    for contact in _objects(rich, "values"):
        email = str(contact.get("email", ""))
        if not _EMAIL.fullmatch(email):
            raise Problem(1031, email, "objectValue.values.email")
        user = state.users.get(email.lower())
        name = contact.get("name") or (user.name if user else email)
        contacts.append({"objectType": "CONTACT", "email": email, "name": name})
    shown = ", ".join(contact["name"] for contact in contacts)
    return Cell(value=shown, display=shown, object_value={"objectType": "MULTI_CONTACT", "values": contacts})
