"""Reads the deals that a person names with --deal, and says at once what is wrong with a name."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import DealQuery, Record
from mappings.translate import is_won
from sync.cli.exits import Exit, Stop
from sync.wiring import Plant

ID_LENGTH = 18


def whole_id(key: str) -> str:
    """Return the Id if it has the form of one; raises Stop."""
    if len(key) != ID_LENGTH or not key.isalnum() or not key.isascii():
        text = (
            f"{key!r} is no 18-character Id of a deal. Copy it from the address of the deal's page; reports show 15 "
            "characters, which do not tell capitals from small letters."
        )
        raise Stop(text, Exit.USAGE, "DEAL-ID-01")
    return key


def read_deals(opened: Plant, ids: Sequence[str]) -> dict[str, Record]:
    """Read these deals from the CRM; raises Stop unless each is there, and won or planned already."""
    keys = tuple(dict.fromkeys(map(whole_id, ids)))
    found = {record.ref.id: record for record in opened.connections[opened.crm].deals(DealQuery(ids=keys))}
    planned = {key for key, onboarding in opened.store.load(keys).items() if onboarding.base}
    missing = [key for key in keys if key not in found and key not in planned]
    if missing:
        text = (
            f"{opened.crm} shows no deal {', '.join(missing)}. Check the Id, and that the integration user may see it."
        )
        raise Stop(text, Exit.USAGE, "DEAL-ID-02")
    still_open = [key for key in keys if key not in planned and not is_won(found[key], opened.mappings)]
    if still_open:
        text = f"{', '.join(still_open)} is not won, so there is nothing to plan. Win the deal first, or name another."
        raise Stop(text, Exit.USAGE, "DEAL-OPEN-01")
    return {key: found[key] for key in keys if key in found}
