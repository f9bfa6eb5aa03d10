"""What the mapping file says of amendments: which changes of a deal reach its plan at once, which wait for a person.

Used by `mappings.load`, asked by `sync.core.amendment`. Plain data: what an amendment is, `sync.core.amend` says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from mappings.document import AmendmentsDoc, ObjectsDoc

Policy: TypeAlias = Literal["apply", "review"]


@dataclass(frozen=True, slots=True)
class AmendmentRules:
    """By matter, whether a change is applied at once or shown to a person first; see `sync.core.amend.Matter`."""

    tasks_added: Policy = "review"
    tasks_dropped: Policy = "review"
    dates: Policy = "review"
    owners: Policy = "apply"
    hours: Policy = "apply"
    texts: Policy = "apply"

    def applies(self, matter: str) -> bool:
        """Tell whether changes of this matter need nobody's consent."""
        return bool(getattr(self, matter) == "apply")


def amendment_rules(doc: AmendmentsDoc) -> AmendmentRules:
    """Return what the file says."""
    return AmendmentRules(**doc.model_dump())


def fingerprints(doc: ObjectsDoc) -> dict[str, str]:
    """Name how each field of deals and lines is read, so that a changed rule is never taken for a changed deal."""
    found = {}
    for word, part in (("deal", doc.deal), ("lines", doc.lines)):
        for name, rule in part.fields.items():
            said = {**rule.model_dump(mode="json"), "direction": None, "authority": None, "required": None}
            found[f"{word}.{name}"] = _digest(said)
    return found


def digest_of(prints: Mapping[str, str]) -> str:
    """Name all of them together."""
    return _digest(dict(prints))


def _digest(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]
