"""The transforms: how a canonical value looks at a vendor, and back.

Built by `mappings.rules` from what a mapping file says; applied through `mappings.translate` only. Each is a small
frozen value with `put` (canonical to native) and `get` (native to canonical). On its domain `get(put(x)) == x`; where a
vendor's field holds less than ours (a checkbox over a status, a name cut at 50 characters) the lens law in
`translate.read` keeps what we knew. Nothing here knows a vendor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from connectors.base import Value
from mappings.conditions import Condition, NotEvaluated, Scope, visible
from mappings.model import Transform, Untranslatable

SECONDS_PER_HOUR = 3600
EMPTY: tuple[Value, ...] = (None, "", ())


def is_empty(value: Value) -> bool:
    """Tell whether a native value is what vendors show for an empty field; an unticked checkbox is empty too."""
    return value is None or value is False or value in ("", ())


@dataclass(frozen=True, slots=True)
class Identity:
    """Hands values through unchanged."""

    def put(self, value: Value) -> Value:
        """Return the value."""
        return value

    def get(self, native: Value) -> Value:
        """Return the value."""
        return native


@dataclass(frozen=True, slots=True)
class Text:
    """Text without blanks around it; empty text is None. Numbers become their text."""

    def put(self, value: Value) -> Value:
        """Return the text."""
        return None if value is None else str(value)

    def get(self, native: Value) -> Value:
        """Return the text, trimmed."""
        if native is None:
            return None
        return str(native).strip() or None


@dataclass(frozen=True, slots=True)
class Number:
    """A number rounded to `digits` decimals; the text of a number, as sheets hold it, is read as one."""

    digits: int = 2

    def put(self, value: Value) -> Value:
        """Return the number, rounded."""
        return None if value is None else _rounded(value, self.digits)

    def get(self, native: Value) -> Value:
        """Return the number, rounded."""
        return None if native in EMPTY else _rounded(native, self.digits)


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours with two decimals here, whole seconds there."""

    def put(self, value: Value) -> Value:
        """Return seconds."""
        return None if value is None else round(_number(value) * SECONDS_PER_HOUR)

    def get(self, native: Value) -> Value:
        """Return hours."""
        return None if native in EMPTY else round(_number(native) / SECONDS_PER_HOUR, 2)


@dataclass(frozen=True, slots=True)
class Percent:
    """Percent from 0 to 100 here, a share from 0 to 1 there (as a sheet's percent column holds it)."""

    def put(self, value: Value) -> Value:
        """Return the share."""
        return None if value is None else round(_number(value) / 100, 4)

    def get(self, native: Value) -> Value:
        """Return percent with two decimals."""
        return None if native in EMPTY else round(_number(native) * 100, 2)


@dataclass(frozen=True, slots=True)
class Day:
    """A date; a moment is read as its day, ISO text as the date it names."""

    def put(self, value: Value) -> Value:
        """Return the date."""
        return value

    def get(self, native: Value) -> Value:
        """Return the date."""
        if native in EMPTY:
            return None
        if isinstance(native, datetime):
            return native.date()
        if isinstance(native, date):
            return native
        try:
            return date.fromisoformat(str(native)[:10])
        except ValueError:
            raise Untranslatable(
                f"{native!r} is no date: enter it as YYYY-MM-DD or pick it from the calendar", code="MAP-DATE-01"
            ) from None


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false; an empty field is false."""

    def put(self, value: Value) -> Value:
        """Return the boolean."""
        return bool(value)

    def get(self, native: Value) -> Value:
        """Return the boolean."""
        if isinstance(native, str) and native.lower() in {"true", "false"}:
            return native.lower() == "true"
        if isinstance(native, bool) or native in EMPTY:
            return bool(native)
        raise Untranslatable(f"{native!r} is neither true nor false: correct it at the vendor", code="MAP-BOOLEAN-01")


@dataclass(frozen=True, slots=True)
class Choice:
    """A value map. Of several native values for one canonical value the first is written and all are read."""

    values: Mapping[str, tuple[str, ...]]
    where: str = ""
    """Connection and field, for the operator's message."""
    _canonical: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Turn the map round; the file's first word for a native value wins, and the loader refuses a second one."""
        turned: dict[str, str] = {}
        for canonical, natives in self.values.items():
            for native in natives:
                turned.setdefault(native.casefold(), canonical)
        object.__setattr__(self, "_canonical", turned)

    def put(self, value: Value) -> Value:
        """Return the first native value."""
        natives = self.values.get(str(value), ())
        return natives[0] if natives else None

    def get(self, native: Value) -> Value:
        """Return the canonical value."""
        if native in EMPTY:
            return None
        found = self._canonical.get(str(native).strip().casefold())
        if found is None:
            raise Untranslatable(
                f"{native!r} at {self.where} is mapped to nothing: add it to this field's `values` in the mapping "
                "file, or undo the rename at the vendor",
                code="MAP-VALUE-01",
            )
        return found


@dataclass(frozen=True, slots=True)
class Checkbox:
    """One canonical value ticked, all others unticked; unticking gives `false`."""

    true: str
    false: str

    def put(self, value: Value) -> Value:
        """Tell whether the box is ticked."""
        return value == self.true

    def get(self, native: Value) -> Value:
        """Return what the box says."""
        return self.true if native is True else self.false


@dataclass(frozen=True, slots=True)
class User:
    """A person: lower-case e-mail here, the connection's own id there. `ids` None: the connection uses e-mails too."""

    ids: Mapping[str, str] | None
    where: str = ""
    _emails: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Turn the map round."""
        object.__setattr__(self, "_emails", {native: email for email, native in (self.ids or {}).items()})

    def put(self, value: Value) -> Value:
        """Return the native id; None (nobody) for a person whom the connection does not know, see UserMap.unmapped."""
        if value in EMPTY:
            return None
        email = str(value).strip().lower()
        return email if self.ids is None else self.ids.get(email)

    def get(self, native: Value) -> Value:
        """Return the e-mail address."""
        if native in EMPTY:
            return None
        if self.ids is None:
            return str(native).strip().lower()
        email = self._emails.get(str(native))
        if email is None:
            raise Untranslatable(
                f"the person {native!r} at {self.where} is not in the user map: add them under `users`",
                code="MAP-USER-01",
            )
        return email


@dataclass(frozen=True, slots=True)
class Listed:
    """Several texts, in order; `separator` "" where the vendor's field is a list itself."""

    separator: str = ""

    def put(self, value: Value) -> Value:
        """Return the list, joined where there is a separator."""
        items = value if isinstance(value, tuple) else ()
        return (self.separator.join(items) or None) if self.separator else items

    def get(self, native: Value) -> Value:
        """Return the items, trimmed, empty ones left out."""
        if native in EMPTY:
            return ()
        items = native if isinstance(native, tuple) else str(native).split(self.separator or None)
        return tuple(item for item in (part.strip() for part in items) if item)


@dataclass(frozen=True, slots=True)
class Affix:
    """Text that wears a prefix and a suffix at the vendor; a person who drops them loses nothing."""

    prefix: str = ""
    suffix: str = ""

    def put(self, value: Value) -> Value:
        """Put both on."""
        return None if value is None else f"{self.prefix}{value}{self.suffix}"

    def get(self, native: Value) -> Value:
        """Take both off, where they are."""
        if native in EMPTY:
            return None
        return str(native).removeprefix(self.prefix).removesuffix(self.suffix)


@dataclass(frozen=True, slots=True)
class Truncate:
    """Text cut to what the vendor's field holds; reading gives what is there."""

    length: int

    def put(self, value: Value) -> Value:
        """Cut, and mark the cut with an ellipsis."""
        text = None if value is None else str(value)
        return text if text is None or len(text) <= self.length else text[: self.length - 1].rstrip() + "…"

    def get(self, native: Value) -> Value:
        """Return the text."""
        return native


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same native value; cannot be read."""

    value: Value

    def put(self, value: Value) -> Value:
        """Return the constant."""
        del value
        return self.value

    def get(self, native: Value) -> Value:
        """Return nothing: the loader refuses to read through a constant."""
        del native
        return None


@dataclass(frozen=True, slots=True)
class Computed:
    """What an expression makes of the native value; cannot be written."""

    expression: Condition

    def put(self, value: Value) -> Value:
        """Return nothing: the loader refuses to write through an expression."""
        del value
        return None

    def get(self, native: Value) -> Value:
        """Return the expression's answer."""
        try:
            answer = self.expression.value(Scope.of({"native": visible({"native": native}).get("native")}))
        except NotEvaluated as error:
            raise Untranslatable(str(error), code="MAP-COMPUTED-01") from None
        if isinstance(answer, list):
            return tuple(str(item) for item in answer)
        if answer is None or isinstance(answer, bool | int | float | str):
            return answer
        raise Untranslatable(f"`{self.expression.text}` gives {answer!r}, no plain value", code="MAP-COMPUTED-01")


@dataclass(frozen=True, slots=True)
class Filled:
    """A field that is never empty: one that somebody emptied is held back, and its emptiness goes nowhere."""

    inner: Transform
    where: str = ""

    def put(self, value: Value) -> Value:
        """Return what the inner transform puts."""
        return self.inner.put(value)

    def get(self, native: Value) -> Value:
        """Return what the inner transform gets; raises Untranslatable when that is nothing."""
        value = self.inner.get(native)
        if value is None:
            raise Untranslatable(f"{self.where} was emptied and must not be: fill it in again", code="MAP-EMPTY-01")
        return value


@dataclass(frozen=True, slots=True)
class Chain:
    """Transforms in a row, in the order of writing."""

    links: tuple[Transform, ...]

    def put(self, value: Value) -> Value:
        """Apply all, first to last."""
        for link in self.links:
            value = link.put(value)
        return value

    def get(self, native: Value) -> Value:
        """Apply all, last to first."""
        for link in reversed(self.links):
            native = link.get(native)
        return native


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Untranslatable(f"{value!r} is no number: correct it at the vendor", code="MAP-NUMBER-01")
    try:
        number = float(value)
    except ValueError:
        raise Untranslatable(f"{value!r} is no number: enter digits only", code="MAP-NUMBER-01") from None
    if not math.isfinite(number):
        raise Untranslatable(f"{value!r} is no number: correct it at the vendor", code="MAP-NUMBER-01")
    return number


def _rounded(value: Value, digits: int) -> float:
    # Adding 0.0 turns -0.0 into 0.0, which vendors do anyway and people cannot tell apart.
    return round(_number(value), digits) + 0.0
