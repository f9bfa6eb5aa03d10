"""Decides which notices are due: what, to whom, in which words, and what is held back. Pure.

Called by `sync.notices` with everything that is known: `find` looks at onboardings one after the other, `due` then says
whether what was found may be told. Every notice carries the marks of what it tells (`tells`), which are kept once it
was sent: what was told is not told again. Nothing that rests on data which is not proven is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from mappings.calendar import BusinessCalendar
from mappings.practice import Court
from sync.core.court import Courts
from sync.core.dossier import Dossier, Task

OWNER, COORDINATOR, MANAGER, OPERATOR = "owner", "coordinator", "manager", "operator"


class NoticeKind(StrEnum):
    """What a notice is about."""

    HOURS = "hours"
    RISK = "risk"
    OVERDUE = "overdue"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Rung:
    """After so many business days overdue, somebody more is told: `owner`, `coordinator`, `manager` or an address."""

    days: int
    to: str


@dataclass(frozen=True, slots=True)
class NoticeRules:
    """Who is told what. `people` gives the addresses of coordinator, manager and operator where no plan names them.

    `coordinator_roles` are the templates' roles whose owner is an onboarding's coordinator, the first that is filled.
    Customers (people outside `domains`) are told of their own tasks, and only with `tell_customers`.
    """

    hours: tuple[float, ...] = (0.7, 0.85, 1.0)
    ladder: tuple[Rung, ...] = (Rung(1, OWNER), Rung(5, COORDINATOR), Rung(10, MANAGER))
    people: tuple[tuple[str, str], ...] = ()
    coordinator_roles: tuple[str, ...] = ("onboarding_manager", "order_manager")
    domains: frozenset[str] = frozenset()
    tell_customers: bool = False
    unattributed_share: float = 0.05
    """From this share of an onboarding's logged time on, its hours and risks are not told: they would be wrong."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One onboarding at this moment. Hours are hours; `period` names the allotment that they belong to."""

    known: Dossier
    courts: Courts
    contracted_hours: float | None = None
    used_hours: float = 0.0
    period: str = ""
    unattributed_share: float = 0.0
    launch_p50: date | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the data is not proven, in words. `incident` names this trouble: it is told once, the next one anew."""

    text: str
    incident: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What is known of the data itself; without doubts it is sound."""

    doubts: tuple[Doubt, ...] = ()

    @property
    def unproven(self) -> str:
        """Say what is not proven, "" where all is."""
        return "; ".join(doubt.text for doubt in self.doubts)


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person (an address) or to the channel of its kind ("")."""

    kind: NoticeKind
    to: str
    subject: str
    lines: tuple[str, ...]
    tells: tuple[str, ...]
    key: str = ""
    why_held: str = ""

    @property
    def news(self) -> tuple[str, ...]:
        """The marks of what it tells; the last of a digest's only says that the day had its digest."""
        return self.tells[:-1] if self.kind is NoticeKind.OVERDUE else self.tells

    def lacked(self, has: Callable[[str], bool]) -> bool:
        """Tell whether it is due to a reader of whom `has` tells which marks he has."""
        news = any(not has(mark) for mark in self.news)
        return news and (self.kind is NoticeKind.UNPROVEN or not has(self.tells[-1]))


@dataclass(frozen=True, slots=True)
class _Late:
    """A task of the customer's that is overdue, and somebody who is to know. Holds no dossier: there may be many."""

    key: str
    title: str
    task: Task
    days: int
    to: str
    mark: str


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be sent now, and what is held back with the reason in `why_held`."""

    send: tuple[Notice, ...] = ()
    held: tuple[Notice, ...] = field(default=())


def find(
    standings: Iterable[Standing],
    *,
    rules: NoticeRules,
    calendar: BusinessCalendar,
    today: date,
    day_of: Callable[[str], date],
    told: AbstractSet[str],
) -> tuple[Notice, ...]:
    """Find what is to be told on a day and was not, given the marks of all that was told.

    `day_of` says what day it is where a person lives, who has one digest a day. Keeps no standing: there may be many.
    """
    found: list[Notice] = []
    late: list[_Late] = []
    for standing in standings:
        own = [*_hours(standing, rules, told), *_risk(standing, rules, calendar, told)]
        if own and standing.unattributed_share >= rules.unattributed_share:
            reason = f"{standing.unattributed_share:.0%} of its logged time belongs to no task"
            own = [replace(notice, why_held=reason) for notice in own]
            own += _unattributed(standing, reason, rules, told)
        found += own
        late += _late(standing, rules, calendar, today)
    return (*found, *_digests(late, day_of, told))


def due(found: Iterable[Notice], quality: Quality, *, rules: NoticeRules, told: AbstractSet[str]) -> Due:
    """Decide what of it may be told now. Of what is not proven only the operator is told."""
    send: list[Notice] = list(_unproven(quality, rules, told))
    held: list[Notice] = []
    for notice in found:
        doubts = "" if notice.kind is NoticeKind.UNPROVEN else quality.unproven
        why = "; ".join(filter(None, (notice.why_held, doubts)))
        (held if why else send).append(replace(notice, why_held=why))
    return Due(tuple(send), tuple(held))


def _hours(standing: Standing, rules: NoticeRules, told: AbstractSet[str]) -> Iterator[Notice]:
    """Tell the highest threshold that was crossed; those below it are told with it."""
    known, contracted = standing.known, standing.contracted_hours
    if not contracted:
        return
    share = standing.used_hours / contracted
    crossed = [level for level in sorted(rules.hours) if share >= level]
    marks = tuple(f"hours:{known.key}:{standing.period}:{level:g}" for level in crossed)
    if not marks or marks[-1] in told:
        return
    left = contracted - standing.used_hours
    yield Notice(
        NoticeKind.HOURS,
        _coordinator(known, rules),
        f"{known.account or known.title}: {share:.0%} of the contracted hours are used",
        (
            f"{standing.used_hours:g} of {contracted:g} hours; {left:g} are left.",
            *_links(known),
        ),
        marks,
        known.key,
    )


def _risk(
    standing: Standing, rules: NoticeRules, calendar: BusinessCalendar, told: AbstractSet[str]
) -> Iterator[Notice]:
    """Tell once for each target launch that its forecast lies behind it; a target that was moved is a new one."""
    known, target, forecast = standing.known, standing.known.target_launch, standing.launch_p50
    if target is None or forecast is None or forecast <= target or known.actual_launch is not None:
        return
    mark = risk_mark(known)
    if mark in told:
        return
    lost = {court: days for court in Court if (days := standing.courts.lost(court))}
    yield Notice(
        NoticeKind.RISK,
        _coordinator(known, rules),
        f"{known.account or known.title}: the launch on {target} is at risk",
        (
            f"The forecast is {forecast}, {_days(calendar.between(target, forecast))} later.",
            *(f"Lost so far with {court}: {_days(days)}." for court, days in sorted(lost.items())),
            *_links(known),
        ),
        (mark,),
        known.key,
    )


def risk_mark(known: Dossier) -> str:
    """Return the mark of the risk that the present target launch is missed."""
    return f"risk:{known.key}:{known.target_launch}"


def _late(standing: Standing, rules: NoticeRules, calendar: BusinessCalendar, today: date) -> Iterator[_Late]:
    """Find who is to know of which task: each rung of the ladder that its days have reached."""
    for task in standing.known.tasks:
        clock = standing.courts.clocks.get(task.item)
        days = task.days_overdue(calendar, today)
        if days is None or clock is None or clock.now is not Court.CUSTOMER:
            continue
        for rung in rules.ladder:
            to = _person(rung.to, task, standing.known, rules)
            if days >= rung.days and to:
                known = standing.known
                mark = f"overdue:{known.key}:{task.item}:{task.due_target}:{rung.days}:{to}"
                yield _Late(known.key, known.account or known.title, task, days, to, mark)


def _digests(late: Sequence[_Late], day_of: Callable[[str], date], told: AbstractSet[str]) -> Iterator[Notice]:
    """Gather one digest per person and day with all that is overdue, for whom there is something new in it."""
    people: defaultdict[str, list[_Late]] = defaultdict(list)
    for each in late:
        people[each.to].append(each)
    for person, theirs in sorted(people.items()):
        new = tuple(dict.fromkeys(each.mark for each in theirs if each.mark not in told))
        digest = f"digest:{person}:{day_of(person)}"
        if not new or digest in told:
            continue
        tasks = {(each.key, each.task.item): each for each in theirs}
        ordered = sorted(tasks.values(), key=lambda each: (-each.days, each.title, each.task.item))
        yield Notice(
            NoticeKind.OVERDUE,
            person,
            f"{len(ordered)} {'task of a customer is' if len(ordered) == 1 else 'tasks of customers are'} overdue",
            tuple(
                f"{each.title}: {each.task.name}, due {each.task.due_target}, "
                f"{_days(each.days)} overdue" + (f" ({each.task.urls[0]})" if each.task.urls else "")
                for each in ordered
            ),
            (*new, digest),
        )


def _unattributed(standing: Standing, reason: str, rules: NoticeRules, told: AbstractSet[str]) -> Iterator[Notice]:
    """Tell the operator that something about an onboarding cannot be told, or it would wait unseen."""
    known = standing.known
    mark = f"unattributed:{known.key}:{standing.period}"
    if mark not in told:
        yield Notice(
            NoticeKind.UNPROVEN,
            dict(rules.people).get(OPERATOR, ""),
            f"{known.account or known.title}: its hours and risks are not told",
            (f"{reason}: `closedwon hours {known.key}` lists it with what to do.", *_links(known)),
            (mark,),
            known.key,
        )


def _unproven(quality: Quality, rules: NoticeRules, told: AbstractSet[str]) -> Iterator[Notice]:
    new = tuple(mark for doubt in quality.doubts if (mark := f"unproven:{doubt.incident}") not in told)
    if new:
        yield Notice(
            NoticeKind.UNPROVEN,
            dict(rules.people).get(OPERATOR, ""),
            "The plans are not proven equal",
            (
                *(f"{doubt.text}." for doubt in quality.doubts),
                "Hours, risks and overdue tasks are not told until this is mended: `closedwon verify` shows how it is.",
            ),
            new,
        )


def _person(who: str, task: Task, known: Dossier, rules: NoticeRules) -> str:
    """Return an address; "" for nobody, and for a customer where customers are not told."""
    to = task.owner.lower() if who == OWNER else _coordinator(known, rules) if who == COORDINATOR else who
    to = dict(rules.people).get(to, to)
    if "@" not in to:
        return ""
    outside = bool(rules.domains) and to.rpartition("@")[2] not in rules.domains
    theirs = rules.tell_customers and task.audience != "internal"
    return "" if outside and not theirs else to


def _coordinator(known: Dossier, rules: NoticeRules) -> str:
    for role in rules.coordinator_roles:
        for task in known.tasks:
            if task.role == role and task.owner:
                return task.owner.lower()
    return dict(rules.people).get(COORDINATOR, "")


def quiet_until(now: datetime, zone: ZoneInfo, begin: time, end: time) -> datetime | None:
    """Return when a person's quiet hours end, None when it is not quiet; equal times mean no quiet hours.

    Wall clock times of the person's zone: a night in which clocks change is as long as it is.
    """
    local = now.astimezone(zone)
    wall = local.time().replace(tzinfo=None)
    if begin == end:
        return None
    quiet = begin <= wall < end if begin < end else wall >= begin or wall < end
    if not quiet:
        return None
    day = local.date() if wall < end else date.fromordinal(local.date().toordinal() + 1)
    return datetime.combine(day, end, zone).astimezone(now.tzinfo)


def _links(known: Dossier) -> tuple[str, ...]:
    return tuple(url for _, url in sorted(known.links.items()))


def _days(count: int) -> str:
    return f"{count} business day{'' if count == 1 else 's'}"
