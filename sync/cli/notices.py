"""The command `notices`, and what the daemon needs to send them: the office that the configuration describes.

It asks no vendor. Apprise is imported where there are notices to send, and nowhere else.
"""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, out, plant, print_json
from sync.cli.exits import Exit, Stop
from sync.core.notices import Notice
from sync.notices.pauses import Failing, failing
from sync.notices_config import NoticesDoc
from sync.wiring import Plant

if TYPE_CHECKING:
    from sync.notices.office import Office
    from sync.notices.post import Post
    from sync.notices.rounds import Quiet, Sent


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("notices")(notices)


def notices(
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Tell people what is due: hours crossing a threshold, launches at risk, overdue tasks, what is not proven.

    Each is told once, by the channels of config.yaml's section `notices`; the daemon does it by itself on its schedule.
    What rests on data that is not proven is held back, and why. Calls no vendor.

    Example: closedwon notices --dry-run

    Exit codes: 0 sent, or nothing due · 3 configuration, or no section `notices` · 6 the store cannot be reached, or a
    channel did not take something (it is tried again) · 8 some are held back.
    """
    with plant(config, looking=dry_run) as opened:
        office = office_of(opened)
        if office is None:
            text = f"{opened.config.file.name} has no section `notices`: docs/notices.md shows how to write one."
            raise Stop(text, Exit.CONFIG, "NOTICE-03")
        done = office.run(dry=dry_run, patient=False)
        broken = failing_channels(opened)
    if json:
        print_json({"dry_run": dry_run, **done.as_json(), "channels": [each.as_json() for each in broken]})
    else:
        _show(done, dry=dry_run)
        for each in broken:
            out.print(f"{each.words[:1].upper()}{each.words[1:]}. {each.repair}.", markup=False)
    _finish(done)


def failing_channels(opened: Plant) -> tuple[Failing, ...]:
    """Tell which channels of the configuration take nothing at present; also for `status`."""
    doc = opened.config.notices
    return failing(opened.store, doc.channels) if doc else ()


def office_of(opened: Plant) -> Office | None:
    """Make what sends notices; None where the configuration wants none. Raises Stop for an address that is none."""
    doc = opened.config.notices
    if doc is None:
        return None
    from sync.notices.office import Office  # noqa: PLC0415
    from sync.notices.post import BadChannel  # noqa: PLC0415
    from sync.notices.quality import Gates  # noqa: PLC0415
    from sync.notices.rounds import Round  # noqa: PLC0415
    from sync.notices.standings import Standings  # noqa: PLC0415

    calendar, courts = opened.mappings.calendar, opened.mappings.courts
    try:
        post = _post(doc)
    except BadChannel as error:
        raise Stop(str(error), Exit.CONFIG, "NOTICE-02") from None
    quiet = _quiet(doc)
    now = opened.engine.now
    return Office(
        store=opened.store,
        connections=tuple(opened.connections),
        rounds=Round(
            store=opened.store, post=post, rules=doc.rules(courts.domains), quiet=quiet, calendar=calendar, now=now
        ),
        standings=Standings(store=opened.store, hours=opened.mappings.hours, courts=courts, calendar=calendar),
        quiet=quiet,
        gates=Gates(timedelta(days=doc.proof_days), timedelta(minutes=doc.heard_minutes)),
        now=now,
    )


def _post(doc: NoticesDoc) -> Post:
    from sync.notices.post import Channel, Post  # noqa: PLC0415

    channels = [Channel(name, address, doc.handles.get(name, {})) for name, address in doc.channels.items()]
    return Post(channels, doc.routes_by_kind())


def _quiet(doc: NoticesDoc) -> Quiet:
    from sync.notices.rounds import Quiet  # noqa: PLC0415

    return Quiet(
        time.fromisoformat(doc.quiet.begin),
        time.fromisoformat(doc.quiet.end),
        ZoneInfo(doc.zone),
        {address: ZoneInfo(zone) for address, zone in doc.zones.items()},
        time.fromisoformat(doc.digest),
    )


def _show(done: Sent, *, dry: bool) -> None:
    lists = (
        ("Would be sent" if dry else "Sent", done.sent),
        ("Waiting for the reader's quiet hours, or for the time of the digest", done.waiting),
        ("Held back", done.held),
        ("No channel knows whom to reach", done.unread),
        ("No channel took it; it is tried again", done.failed),
    )
    for title, found in lists:
        if found:
            out.print(f"{title}:")
            for notice in found:
                _print(notice)
    for each in done.owed:
        out.print(f"Still to be taken by {', '.join(each.channels)}; the other channels have it:", markup=False)
        _print(each.notice)
    if not done.owed and not any(found for _, found in lists):
        out.print("Nothing is due.")


def _print(notice: Notice) -> None:
    out.print(f"  {notice.kind} to {notice.to or 'all who read the channel'}: {notice.subject}", markup=False)
    for line in notice.lines:
        out.print(f"      {line}", markup=False)
    if notice.why_held:
        out.print(f"      Held back: {notice.why_held}.", markup=False)


def _finish(done: Sent) -> None:
    if refused := [name for name, count in sorted(done.refused.items()) if count]:
        text = (
            f"Channel {', '.join(refused)} did not take something. See that its address is right and that it can be "
            "reached; what it did not take is tried again by it alone."
        )
        raise Stop(text, Exit.UNFINISHED, "NOTICE-01", told=True)
    if done.held:
        text = f"{len(done.held)} held back: what stands with each says why, and `closedwon verify` what to mend."
        raise Stop(text, Exit.HELD, "NOTICE-04", told=True)
