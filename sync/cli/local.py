"""The commands that need no vendor: the simulator, and the demo that runs on it.

Both are imported when they are called: a daemon that runs for months need not keep three vendors in memory.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from mappings.reading import Mistake, Problems
from sync.cli.common import JsonOption, err, print_json
from sync.cli.exits import Exit, Stop


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(demo)
    app.command()(simulator)


def demo(
    svg: Annotated[Path | None, typer.Option(help="Also draw what was shown as a picture into this file.")] = None,
    json: JsonOption = False,
) -> None:
    """Tell the whole story in under a minute, on the simulator: nothing to configure, nothing left behind.

    The last line on stdout is one JSON object.

    Example: closedwon demo --svg demo.svg

    Exit codes: 0 nothing is doubled, unequal or written twice · 7 something is.
    """
    from sync.demo import run_demo  # noqa: PLC0415 - see above

    result = run_demo(svg=svg, quiet=json)
    print_json(result)
    if result["duplicates"] or result["unequal"] or result["second_run_writes"]:
        raise Stop("The demo did not end as it should: see the numbers above.", Exit.UNEQUAL, "UNEQUAL-01", told=True)


def simulator(
    load: Annotated[Path | None, typer.Option(help="A folder of CSV exports to fill Salesforce with.")] = None,
    columns: Annotated[
        Path | None, typer.Option(help="YAML that says which column is which; docs/your-own-deals.md.")
    ] = None,
    load_history: Annotated[
        Path | None,
        typer.Option(help="A CSV of past tasks and hours to fill Jira with; docs/simulator.md."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is left to chance.")] = 0,
    faults: Annotated[
        Path | None, typer.Option(help="JSON list of fault rules to begin with; docs/simulator.md.")
    ] = None,
    port: Annotated[
        int, typer.Option(help="First of four ports on 127.0.0.1: control, salesforce, jira, smartsheet.")
    ] = 8700,
    pubsub: Annotated[
        bool, typer.Option("--pubsub", help="Also serve Salesforce's Pub/Sub API, on the port after these four.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Serve Salesforce, Jira and Smartsheet on this machine until Ctrl-C, for trials, tests and training.

    Example: closedwon simulator --load exports/ --columns exports/columns.yaml

    Exit codes: 0 ended by Ctrl-C · 2 usage, or a port is taken · 3 a file cannot be used.
    """
    from simulator.app import Simulator  # noqa: PLC0415 - see above
    from simulator.effort import load_history as load_work  # noqa: PLC0415
    from simulator.load import Unloadable, load_folder  # noqa: PLC0415

    names = ("control", "salesforce", "jira", "smartsheet", *(["pubsub"] if pubsub else []))
    ports = {name: port + number if port else 0 for number, name in enumerate(names)}
    try:
        local = Simulator(seed=seed, ports=ports)
    except ImportError as error:
        text = f"--pubsub needs {error.name}: install the extra, pip install 'closedwon[cdc]'."
        raise Stop(text, Exit.CONFIG, "EXTRA-01") from None
    try:
        loaded = load_folder(local.salesforce, load, columns) if load else None
        worked = load_work(local.jira, load_history) if load_history else None
    except Unloadable as error:
        raise Stop(str(error), Exit.CONFIG, "LOAD-01") from None
    for rule in _rules(faults) if faults else []:
        local.world.faults.add(**rule)
    with local, suppress(KeyboardInterrupt):
        urls = local.urls
        told = {"urls": urls, "loaded": loaded.as_json() if loaded else None}
        told |= {"worked": worked.as_json()} if worked else {}
        if json:
            print_json(told)
        else:
            for name in names:
                err.print(f"{name:>10}  {urls[name]}")
            if loaded:
                err.print(loaded.sentence(), markup=False)
            if worked:
                err.print(worked.sentence(), markup=False)
            err.print("Ctrl-C ends it; nothing is kept.")
        local.wait()


def _rules(path: Path) -> list[dict[str, Any]]:
    """Read a file of fault rules; raises Problems."""
    from simulator.faults import Rule  # noqa: PLC0415 - see above

    known = {field.name for field in fields(Rule)} - {"hits"}
    try:
        rules = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        what = f"this is no JSON: {error.msg}"
        raise Problems([Mistake(str(path), error.lineno, error.colno, what, "See docs/simulator.md, Faults")]) from None
    sound = isinstance(rules, list) and all(isinstance(rule, dict) and "fault" in rule for rule in rules)
    strange = sorted({name for rule in rules for name in rule} - known) if sound else []
    if not sound or strange:
        what = (
            f"unknown parts of a rule: {', '.join(strange)}" if strange else "this is no list of rules with a `fault`"
        )
        raise Problems([Mistake(str(path), 1, 1, what, f"A rule may have: {', '.join(sorted(known))}")])
    return list(rules)
