"""Record ids: 15 case-sensitive characters, of which three tell the object, and three more that make 18 case-safe.

Used wherever an id is minted or read. Source of the suffix: five characters each give one of 32 by their capitals.
"""

from __future__ import annotations

import re
from functools import lru_cache

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_FORM = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?")
_POD = "Wx"
_FIRST = 38_421_905_377
"""Counters start high enough for letters of both cases to occur, since cutting an id to 15 must be able to hurt."""


def suffix(short: str) -> str:
    """Return the three characters that make a 15-character id case-safe."""
    return "".join(
        _CHECK[sum(1 << place for place, char in enumerate(short[start : start + 5]) if char.isupper())]
        for start in (0, 5, 10)
    )


def mint(prefix: str, number: int) -> str:
    """Return the 18-character id of the `number`-th record under a key prefix; they sort in the order of minting."""
    digits = ""
    number += _FIRST
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    short = f"{prefix}{_POD}0{digits.rjust(9, '0')}"
    return short + suffix(short)


@lru_cache(maxsize=200_000)
def canonical(text: str) -> str | None:
    """Return the 18-character form of a 15- or 18-character id, or None when it is neither."""
    if not _FORM.fullmatch(text):
        return None
    full = text[:15] + suffix(text[:15])
    return full if len(text) == 15 or text == full else None
