"""The commands that look: doctor, status, verify; and release, which a person says after having looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from connectors.base import Finding, Level
from sync.backfill.running import standings
from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, err, out, plant, print_json, wake
from sync.cli.connections import condition, show_condition
from sync.cli.exits import Exit, Stop
from sync.cli.notices import failing_channels
from sync.cli.workers import is_gone
from sync.doctor import examine, metadata, package
from sync.engine.reconcile import BRAKE
from sync.proofs import keep_proof
from sync.verify import verify as run_verify
from sync.wiring import real_now

MARKS = {Level.OK: "[green]ok  [/green]", Level.WARNING: "[yellow]look[/yellow]", Level.ERROR: "[red]mend[/red]"}


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(doctor)
    app.command()(status)
    app.command()(verify)
    app.command()(release)


def doctor(
    config: ConfigOption = DEFAULT_CONFIG,
    missing: Annotated[bool, typer.Option("--missing", help="Only what is not right, with its repair.")] = False,
    write_package: Annotated[
        Path | None,
        typer.Option("--write-package", help="Write a package.xml of just what Salesforce lacks to this file."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check files, sign-in, permissions, fields, picklists and columns, and print the exact repair for each finding.

    With --missing only what is not right is shown, and the metadata that would bring what Salesforce lacks.

    Example: closedwon doctor --missing --write-package package.xml

    Exit codes: 0 sound (warnings apart) · 3 a file is wrong · 6 the store cannot be reached · 7 something is to
    mend.
    """
    with plant(config) as opened:
        findings = list(examine(opened))
    counts = {str(level): sum(finding.level is level for finding in findings) for level in Level}
    shown = [each for each in findings if not missing or each.level is not Level.OK]
    members = metadata(findings)
    if write_package and members:
        write_package.write_text(package(members), encoding="utf-8")
    if json:
        package_json = {"metadata": members, "deploy": _deploy(write_package) if members else ""} if missing else {}
        print_json({"findings": [_finding(each) for each in shown], "counts": counts, **package_json})
    else:
        _show_findings(shown)
        if missing or write_package:
            _show_metadata(members, write_package)
    if counts[Level.ERROR]:
        text = f"{counts[Level.ERROR]} of {len(findings)} checks need mending: do what stands after each arrow."
        raise Stop(text, Exit.UNEQUAL, "DOCTOR-01", told=True)


def _show_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        out.print(f"{MARKS[finding.level]} {escape(finding.message)}")
        if finding.repair and finding.level is not Level.OK:
            out.print(f"     → {escape(finding.repair)}  [dim]{finding.code}[/dim]")


def _show_metadata(members: Mapping[str, Sequence[str]], file: Path | None) -> None:
    if not members:
        out.print("Nothing is missing that our Salesforce metadata would bring.")
        return
    out.print("Our Salesforce metadata would bring what is missing:")
    for kind, names in members.items():
        out.print(f"  {kind}: {', '.join(names)}", markup=False, soft_wrap=True)
    out.print(f"     → {_deploy(file)}", markup=False, soft_wrap=True)


def _deploy(file: Path | None) -> str:
    """Say how to deploy it; the metadata's folder is where the Salesforce CLI has to be run."""
    name = file.resolve() if file else "PACKAGE.XML"
    return f"cd deploy/salesforce && sf project deploy start --manifest {name} --dry-run"


def _finding(each: Finding) -> dict[str, str]:
    names = ("code", "message", "repair", "missing")
    return {"level": str(each.level)} | {name: getattr(each, name) for name in names}


def status(
    config: ConfigOption = DEFAULT_CONFIG,
    limit: Annotated[int, typer.Option(min=1, help="How many held-back entries to list.")] = 20,
    json: JsonOption = False,
) -> None:
    """Show what is there, what waits, what is held back and why, and whether a brake is engaged. Calls no vendor.

    Example: closedwon status --json

    Exit codes: 0 shown, whatever it shows · 3 configuration · 6 the store cannot be reached.
    """
    with plant(config) as opened:
        store = opened.store
        counts = store.counts()
        brake = store.cursor("engine", BRAKE)
        held = store.quarantined(limit=limit)
        work = store.work_items(limit=limit)
        connections = condition(opened)
        channels = failing_channels(opened)
        backfills = standings(store, now=real_now(), gone=is_gone)
    if json:
        print_json(
            {
                "counts": counts,
                "brake": brake,
                "held": [_entry(q) for q in held],
                "work": [_work(w) for w in work],
                "connections": connections,
                "notice_channels": [each.as_json() for each in channels],
                "backfills": [each.as_json() for each in backfills],
            }
        )
        return
    if brake:
        out.print(f"[red]Brake engaged:[/red] {escape(brake)}")
    out.print(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts.items()))
    if held:
        table = Table("Deal", "Item", "Where", "Code", "What to do", title="Held back")
        for q in held:
            table.add_row(*map(escape, (q.key, q.item, f"{q.connection} {q.field}".strip(), q.code, q.message)))
        out.print(table)
    for each in backfills:
        out.print(each.line(), markup=False)
    show_condition(connections)
    for channel in channels:
        out.print(f"{channel.words[:1].upper()}{channel.words[1:]}. {channel.repair}.", markup=False)
    for item in work:
        out.print(f"Waiting: {item.key} until {item.not_before or 'now'} {item.error}", markup=False)


def _entry(q: Any) -> dict[str, Any]:
    names = ("key", "item", "connection", "field", "code", "message", "since")
    return {name: getattr(q, name) for name in names} | {"severity": str(q.severity)}


def _work(item: Any) -> dict[str, Any]:
    names = ("key", "requested", "done", "priority", "not_before", "attempts", "failures", "owner", "error")
    return {name: getattr(item, name) for name in names}


def verify(config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Read everything anew from all sides and compare it: what is unequal, doubled, lacking or astray, with examples.

    Example: closedwon verify --json

    Exit codes: 0 all equal · 3 configuration · 5 not authorised · 6 a vendor cannot be reached · 7 not equal.
    """
    with plant(config) as opened, err.status("Comparing everything with everything…"):
        proof = run_verify(store=opened.store, connections=opened.connections, context=opened.engine.context())
        keep_proof(opened.store, proof)
        calls = opened.calls()
    if json:
        print_json({**proof.as_json(), "calls": calls})
    else:
        out.print(
            f"Compared {proof.compared} records ({proof.fields} fields) of {proof.onboardings} onboardings: "
            f"{proof.unequal} unequal, {proof.duplicates} duplicates, {proof.lacking} lacking, {proof.strays} astray, "
            f"{proof.held} held back."
        )
        for example in proof.examples:
            out.print(f"  {example}", markup=False)
    if not proof.sound:
        text = (
            "The sides do not agree. `closedwon reconcile --all` brings values together; of records that exist "
            "more than once, delete all but the one that our links lead to."
        )
        raise Stop(text, Exit.UNEQUAL, "UNEQUAL-01", told=True)


def release(config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Release an engaged brake: the next batch passes once. Look at `closedwon plan` first.

    Example: closedwon release && closedwon reconcile --changed

    Exit codes: 0 released, or nothing was to release · 3 configuration · 6 the store cannot be reached.
    """
    with plant(config) as opened:
        text = opened.engine.release_brake()
        if text:
            wake(opened)
    if json:
        print_json({"released": bool(text), "brake": text})
    else:
        out.print(f"Released: {text}" if text else "No brake was engaged.", markup=False)
