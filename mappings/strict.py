"""The base of all models of our YAML files: an unknown key is an error, never ignored.

Used by the modules that say what may stand in a file. It holds nothing else, so that each of them may stand alone.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Base: an unknown key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
