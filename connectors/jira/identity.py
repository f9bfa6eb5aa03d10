"""How an issue carries our write key, and how it is recognised again.

Used by creates, look-ups and reads. The entity property is the identity: it is set in the create's own POST, readable
at once, and not copied when a person clones an issue. The labels are for people and for Jira's search: a clone has
them too.
See docs/decisions/0005-finding-creates-in-jira.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

PROPERTY = "closedwon"
"""Key of the entity property."""

PREFIX = "cw-"
"""What our per-record labels begin with."""

_MAX = 255
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


def label_of(write_key: str) -> str:
    """Return a deterministic label: no spaces, at most 255 characters (the vendor's limits)."""
    label = PREFIX + _UNFIT.sub("-", write_key)
    if len(label) <= _MAX:
        return label
    digest = hashlib.sha256(write_key.encode()).hexdigest()[:16]
    return f"{label[: _MAX - len(digest) - 1]}-{digest}"


def property_of(write_key: str) -> dict[str, Any]:
    """Return the entity property for a create."""
    return {"key": PROPERTY, "value": {"key": write_key}}


def write_key_of(issue: Mapping[str, Any]) -> str:
    """Return the write key of an issue read with `properties=[PROPERTY]`; "" where it has none."""
    properties = issue.get("properties")
    value = properties.get(PROPERTY) if isinstance(properties, Mapping) else None
    key = value.get("key") if isinstance(value, Mapping) else None
    return key if isinstance(key, str) else ""


def with_ours(labels: Iterable[str], *, write_key: str, common: str) -> list[str]:
    """Return these labels and ours."""
    return sorted({*labels, common, label_of(write_key)})


def without_ours(labels: Iterable[str], *, common: str) -> tuple[str, ...]:
    """Return the labels that people gave."""
    return tuple(label for label in labels if label != common and not label.startswith(PREFIX))


def number_of(key: object, project: str) -> int:
    """Return the number of an issue key of this project, `ONB-17` to 17; 0 for any other (an issue that was moved)."""
    prefix, _, number = str(key).rpartition("-")
    return int(number) if prefix == project and number.isdecimal() else 0
