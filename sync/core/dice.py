"""Luck that anyone can repeat: numbers from 0 to 1 that a text alone decides.

Used by `sync.core.forecast` and `sync.core.launch`, where the standard library's generators may not be imported: the
core has no chance in it. It is SplitMix64 (Steele, Lea and Flood 2014), which is quick, even, and no secret.
"""

from __future__ import annotations

import hashlib

_WORD = (1 << 64) - 1
_STRIDE = 0x9E3779B97F4A7C15
_UNIT = 2.0**-53


class Dice:
    """Throws the same numbers, in the same order, for the same seed."""

    def __init__(self, seed: str) -> None:
        self._state = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest())

    def throw(self) -> float:
        """Return the next number; 0 may come, 1 never does."""
        return self.throws(1)[0]

    def throws(self, number: int) -> list[float]:
        """Return the next so many numbers: at once, since a forecast takes thousands."""
        state, thrown = self._state, []
        for _ in range(number):
            state = mixed = (state + _STRIDE) & _WORD
            mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
            mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _WORD
            thrown.append(((mixed ^ (mixed >> 31)) >> 11) * _UNIT)
        self._state = state
        return thrown
