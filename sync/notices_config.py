"""The section `notices` of config.yaml: by which channels people are told, of what, when, and who is who.

Read by `sync.config`, used by `sync.cli.notices`. Nothing of apprise is imported here, so that whoever wants no notices
pays nothing for them. A channel's address is a secret and stands here by reference only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, SecretStr

from mappings.reading import Source, suggest
from sync.config_parts import LOOPBACK, Strict, Zone, follow, host
from sync.core.notices import COORDINATOR, MANAGER, OPERATOR, OWNER, NoticeKind, NoticeRules, Rung

_ROLES = frozenset({OWNER, COORDINATOR, MANAGER})


def _time(text: str) -> str:
    try:
        time.fromisoformat(text)
    except ValueError:
        raise ValueError("this is no time of day; write one as in '18:30', with quotes") from None
    return text


def _email(text: str) -> str:
    if "@" not in text:
        raise ValueError("this is no e-mail address; write one as in ada@example.com")
    return text.lower()


def _rung(text: str) -> str:
    if text not in _ROLES and "@" not in text:
        raise ValueError("nobody is meant; write owner, coordinator, manager or an e-mail address")
    return text.lower()


TimeOfDay: TypeAlias = Annotated[str, AfterValidator(_time)]
Email: TypeAlias = Annotated[str, AfterValidator(_email)]
Share: TypeAlias = Annotated[float, Field(gt=0)]


class QuietDoc(Strict):
    """When nobody is disturbed; the same time twice is never."""

    begin: TimeOfDay = Field(default="18:00", description="From this time of day on.")
    end: TimeOfDay = Field(default="08:00", description="Until this one.")


class RungDoc(Strict):
    """A step of the ladder."""

    days: int = Field(ge=0, description="Business days that a task is overdue.")
    to: Annotated[str, AfterValidator(_rung)] = Field(description="owner, coordinator, manager, or an address.")


class RoutesDoc(Strict):
    """By which channels each kind goes; a kind without any is not told."""

    hours: tuple[str, ...] = Field(default=(), description="Hours that cross a threshold of what was contracted.")
    risk: tuple[str, ...] = Field(default=(), description="A launch whose forecast lies behind its target.")
    overdue: tuple[str, ...] = Field(default=(), description="The digest of the customers' overdue tasks.")
    unproven: tuple[str, ...] = Field(default=(), description="What is not proven, and holds the others back.")


class PeopleDoc(Strict):
    """Who is who where no plan says it."""

    coordinator: Email | None = Field(default=None, description="Who is told where a plan names no coordinator.")
    manager: Email | None = Field(default=None, description="Who is told when nothing else helped.")
    operator: Email | None = Field(default=None, description="Who mends what is not proven.")


class NoticesDoc(Strict):
    """Whom to tell what; see docs/notices.md."""

    channels: dict[str, SecretStr] = Field(description="Addresses as apprise has them, by a name of your own.")
    routes: RoutesDoc = Field(description="By which channels each kind goes.")
    handles: dict[str, dict[Email, str]] = Field(
        default_factory=dict, description="By channel: how people are called there, by e-mail."
    )
    people: PeopleDoc = Field(default_factory=PeopleDoc)
    coordinator_roles: tuple[str, ...] = Field(
        default=NoticeRules().coordinator_roles, description="Roles whose owner coordinates; the first that is filled."
    )
    tell_customers: bool = Field(default=False, description="Whether customers are told of their own overdue tasks.")
    zone: Zone = Field(default="UTC", description="The time zone of people who are not in `zones`.")
    zones: dict[Email, Zone] = Field(default_factory=dict, description="Where people live, by e-mail.")
    quiet: QuietDoc = Field(default_factory=QuietDoc)
    digest: TimeOfDay = Field(default="08:30", description="From when on the day's digest comes.")
    hours: tuple[Share, ...] = Field(default=NoticeRules().hours, description="Shares of the contracted hours.")
    ladder: tuple[RungDoc, ...] = Field(
        default=tuple(RungDoc(days=rung.days, to=rung.to) for rung in NoticeRules().ladder),
        description="Who is told of an overdue task after how many business days.",
    )
    unattributed_share: float = Field(
        default=0.05, gt=0, description="From this share of time on no task on, an onboarding's hours are held back."
    )
    proof_days: int = Field(default=8, ge=0, description="How old the last proof may be; 0 asks for none.")
    heard_minutes: int = Field(default=120, ge=1, description="How long ago each vendor may have been heard.")

    def rules(self, domains: frozenset[str]) -> NoticeRules:
        """Return who is told what; `domains` are ours, and people elsewhere are customers."""
        people = {COORDINATOR: self.people.coordinator, MANAGER: self.people.manager, OPERATOR: self.people.operator}
        return NoticeRules(
            hours=self.hours,
            ladder=tuple(Rung(rung.days, rung.to) for rung in self.ladder),
            people=tuple((role, address) for role, address in people.items() if address),
            coordinator_roles=self.coordinator_roles,
            domains=domains,
            tell_customers=self.tell_customers,
            unattributed_share=self.unattributed_share,
        )

    def routes_by_kind(self) -> dict[str, tuple[str, ...]]:
        """Return the channels of each kind."""
        return {kind: getattr(self.routes, kind) for kind in NoticeKind}


def resolve_channels(source: Source, folder: Path, environment: Mapping[str, str]) -> None:
    """Put the channels' secrets in place of their references, and find routes and handles that lead nowhere."""
    section = source.data.get("notices")
    channels = section.get("channels") if isinstance(section, dict) else None
    if not isinstance(section, dict) or not isinstance(channels, dict):
        return
    for name, value in channels.items():
        local = host(value) in LOOPBACK
        channels[name] = follow(source, ("notices", "channels", name), value, folder, environment, literal=local)
    routes: Any = section.get("routes")
    for kind, names in routes.items() if isinstance(routes, dict) else ():
        for number, name in enumerate(names if isinstance(names, list) else ()):
            if name not in channels:
                place = ("notices", "routes", kind, number)
                source.report(place, f"there is no channel {name!r}", suggest(str(name), channels))
    handles: Any = section.get("handles")
    for name in handles if isinstance(handles, dict) else ():
        if name not in channels:
            source.report(("notices", "handles", name), f"there is no channel {name!r}", suggest(str(name), channels))
