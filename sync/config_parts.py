"""What the sections of config.yaml are made of: strict models, cron expressions, time zones, references to secrets.

Used by `sync.config` and by the modules of single sections. A secret is never quoted in what is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

from mappings.reading import Source

UNKNOWN = "-"
"""Stands for a secret that could not be had, so that the rest of the file can be checked."""
CRON_FIELDS = 5
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Strict(BaseModel):
    """Base: an unknown key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _cron(text: str) -> str:
    if text and (len(text.split()) != CRON_FIELDS or not croniter.is_valid(text)):
        raise ValueError("write minute, hour, day, month and weekday, as in 30 2 * * 1-5; or nothing")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("there is no such time zone here; write one as in Europe/Amsterdam") from error
    return name


Cron: TypeAlias = Annotated[str, AfterValidator(_cron)]
Zone: TypeAlias = Annotated[str, AfterValidator(_zone)]


def host(address: Any) -> str:
    """Return an address's host; "" where it has none that can be read."""
    try:
        return urlsplit(str(address)).hostname or ""
    except ValueError:
        return ""


def is_secret(annotation: Any) -> bool:
    """Tell whether a setting of this type may stand in the file by reference only."""
    return annotation is SecretStr or SecretStr in get_args(annotation)


def is_reference(value: Any) -> bool:
    """Tell whether a setting that need not be secret (a proxy's address) is kept elsewhere all the same."""
    return isinstance(value, dict) and len(value) == 1 and not {"env", "file"}.isdisjoint(value)


def follow(
    source: Source,
    place: tuple[str, ...],
    value: Any,
    folder: Path,
    environment: Mapping[str, str],
    *,
    literal: bool,
) -> str:
    """Follow a reference to a secret; what is wrong is reported and an empty text returned."""
    if isinstance(value, dict) and len(value) == 1:
        (kind, name), *_ = value.items()
        if kind == "env":
            found, lacking = environment.get(str(name)), f"the environment has no {name}"
            repair = f"Set it before starting: export {name}=…"
        elif kind == "file":
            found, lacking = _read_secret(folder / str(name))
            lacking, repair = f"secret file {name}: {lacking}", "Check its path, permissions and content"
        if kind in {"env", "file"}:
            if not found:
                source.report(place, lacking, repair)
            return found or UNKNOWN
    if isinstance(value, str) and literal:
        return value
    source.report(place, "a secret may not stand in this file", "Refer to it: {env: NAME} or {file: PATH}")
    return UNKNOWN


def _read_secret(path: Path) -> tuple[str, str]:
    """Return a secret file's text, and what to say if that is empty."""
    try:
        return path.read_text(encoding="utf-8").strip(), "is empty"
    except OSError as error:
        return "", str(error.strerror)
    except UnicodeDecodeError:
        return "", "is no UTF-8 text"
