"""The commands around webhooks: the receiver that hears them, and their registration at the vendors."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from connectors.events import Events, Hook
from sync import logs
from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, err, out, plant, print_json
from sync.cli.exits import Exit, Stop
from sync.cli.guarded import Guarded, guarded, leave
from sync.cli.workers import free_the_dead
from sync.config import load_config, public_address
from sync.engine import Report
from sync.hooks import Upkeep, address, hearing, targets_of
from sync.receiver import MAX_BODY, Hands, Receiver, Tallies, doors_of
from sync.receiver.listening import listening, streams_of
from sync.store import StoreUnavailable
from sync.usage import Usage
from sync.wiring import Plant, real_now
from sync.work import runner_for

GRACE_SECONDS = 8.0
"""What is begun gets so long to its end; SIGTERM ends the receiver within ten seconds."""
_PATH_SHOWN = "HOOK_PATH"
"""Stands for the secret path wherever an address is shown."""

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="CLOSEDWON_HOOKS_URL",
        help="Where the vendors reach the receiver (`receiver.url`): https://hooks.acme.com, without /hooks.",
    ),
]
ConnectionOption = Annotated[
    list[str] | None, typer.Option("--connection", help="Only this connection; may be given several times.")
]

webhooks = typer.Typer(
    no_args_is_help=True,
    help="Register the vendors' webhooks, see whether they are well, renew or remove them.\n\n"
    "Example: closedwon webhooks install --url https://hooks.acme.com",
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(receiver)
    for command in (install, status, renew, remove):
        webhooks.command()(command)
    app.add_typer(webhooks, name="webhooks")


HostOption = Annotated[
    str | None, typer.Option(help="Address to listen at (`receiver.host`, 127.0.0.1); put a proxy with TLS before it.")
]
PortOption = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port to listen at (`receiver.port`, 8780); 0 takes any.")
]
MaxBodyOption = Annotated[int, typer.Option(min=1024, help="Longest body that is read, in bytes.")]


def receiver(
    config: ConfigOption = DEFAULT_CONFIG,
    host: HostOption = None,
    port: PortOption = None,
    accept_only: Annotated[
        bool, typer.Option("--accept-only", help="Leave the work to a daemon on the same store.")
    ] = False,
    max_body: MaxBodyOption = MAX_BODY,
    json: JsonOption = False,
) -> None:
    """Hear the vendors' webhooks until told to stop: each is on disk before it is acknowledged, then brought about.

    Connections hear when their settings name a hook_path; Salesforce's change events are fetched where they name
    `cdc`. The rest is found by the daemon's sweeps or by `reconcile --changed`, as is whatever a vendor failed to tell.
    Ctrl-C or SIGTERM ends it within ten seconds. `up` is this and the daemon in one.

    Example: closedwon receiver --port 8780

    Exit codes: 0 stopped as told · 2 usage, or the port is taken · 3 configuration · 6 the store cannot be reached, or
    stopped while a vendor still had not answered (what it does is looked up by the next one).
    """
    began = time.perf_counter()
    loaded = load_config(config)
    made = guarded(loaded)
    opened = made.plant
    free_the_dead(opened.store)
    doors = doors_of(opened.connections)
    streams = streams_of(opened.connections)
    if not doors and not streams:
        opened.close()
        raise deaf()
    usage = made.usage()
    hands = None if accept_only else hands_of(made, usage)
    kept = hands.wake if hands else runner_for(loaded.engine.runner, loaded.store.get_secret_value()).ring
    served = Receiver(
        doors=doors,
        store=opened.store,
        host=loaded.receiver.host if host is None else host,
        port=loaded.receiver.port if port is None else port,
        max_body=max_body,
        kept=kept,
        told=tell_deliveries,
        healthy=lambda: hands is None or hands.alive,
    )

    def tell() -> None:
        if json:
            print_json({"url": served.url, "connections": sorted(doors), "streams": [each.name for _, each in streams]})
        else:
            heard = [*sorted(doors), *(each.name for _, each in streams)]
            err.print(f"Hearing {', '.join(heard)} at {served.url}/hooks/; Ctrl-C ends it.", markup=False)

    if hands:
        hands.start()
    try:
        with listening(streams, opened.engine, opened.store, kept=kept):
            served.serve(ready=tell)
    finally:
        ended = hands is None or hands.stop(GRACE_SECONDS, made.shut)
        logs.spend(opened.calls())
        if not ended:
            leave(time.perf_counter() - began)
        with suppress(StoreUnavailable):
            usage.end()
        opened.close()


def install(
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    connection: ConnectionOption = None,
    json: JsonOption = False,
) -> None:
    """Register a webhook wherever one lacks, and put right what is there; run it again whenever plans were made.

    The receiver must be reachable meanwhile: Smartsheet challenges it.

    Example: closedwon webhooks install --url https://hooks.acme.com

    Exit codes: 0 all are well · 2 usage · 3 configuration · 5 not authorised · 6 unfinished · 7 not all are well.
    """
    _each(config, url, connection, json, lambda events, at, targets: events.install(at, targets), steps=True)


def status(
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    connection: ConnectionOption = None,
    json: JsonOption = False,
) -> None:
    """Show the webhooks that are registered, and what has none; changes nothing.

    Example: closedwon webhooks status --url https://hooks.acme.com

    Exit codes: 0 all are well · 2 usage · 3 configuration · 5 not authorised · 6 unfinished · 7 not all are well.
    """
    _each(config, url, connection, json, lambda events, at, targets: events.hooks(at, targets))


def renew(
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    connection: ConnectionOption = None,
    json: JsonOption = False,
) -> None:
    """Enable what a vendor disabled, and give all webhooks the present secret path and secret.

    Example: closedwon webhooks renew --url https://hooks.acme.com

    Exit codes: 0 all are well · 2 usage · 3 configuration · 5 not authorised · 6 unfinished · 7 not all are well.
    """
    _each(config, url, connection, json, lambda events, at, _targets: events.renew(at))


def remove(
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    connection: ConnectionOption = None,
    json: JsonOption = False,
) -> None:
    """Take back all webhooks that call this receiver; sweeps go on finding what changed.

    Example: closedwon webhooks remove --url https://hooks.acme.com

    Exit codes: 0 done · 2 usage · 3 configuration · 5 not authorised · 6 unfinished.
    """
    _each(config, url, connection, json, lambda events, at, _targets: events.remove(at), wanted=False)


def _each(
    config: Path,
    url: str | None,
    only: Sequence[str] | None,
    json: bool,
    act: Callable[[Events, str, Sequence[str]], Iterable[Hook]],
    *,
    wanted: bool = True,
    steps: bool = False,
) -> None:
    """Do one thing at each connection that hears, show its webhooks as they come, and end by how they are."""
    base = "" if url is None else _base(url)
    found: dict[str, list[Hook]] = {}
    by_hand: dict[str, str] = {}
    with plant(config) as opened:
        base = base or opened.config.receiver.url or _base("")
        upkeep = Upkeep(connections=opened.connections, store=opened.store, url=base, now=real_now)
        for name, events in _chosen(opened, only).items():
            found[name] = []
            for hook in act(events, base + address(name, events), targets_of(opened.store, name)):
                found[name].append(hook)
                if not json:
                    _show(name, hook)
            if base == opened.config.receiver.url:
                upkeep.note(name)
            if steps and (text := events.steps(f"{base}/hooks/{name}/{_PATH_SHOWN}")):
                by_hand[name] = f"{text}\n{_PATH_SHOWN} stands for the connection's hook_path."
    if json:
        print_json(
            {
                "webhooks": {name: [_as_json(hook) for hook in hooks] for name, hooks in found.items()},
                "by_hand": by_hand,
            }
        )
    else:
        for name, text in by_hand.items():
            out.print(f"{name}: {text}", markup=False)
    unsound = sum(1 for hooks in found.values() for hook in hooks if not hook.sound)
    if wanted and unsound:
        text = f"{unsound} webhooks are lacking or not well: see above. `closedwon webhooks install` puts them right."
        raise Stop(text, Exit.UNEQUAL, "HOOKS-01", told=True)


def hands_of(made: Guarded, usage: Usage) -> Hands:
    """Make the worker that brings about what comes, where no daemon does; it keeps what it uses of each quota."""
    opened = made.plant

    def told(report: Report, seconds: float) -> None:
        logs.batch(report, opened.calls(), seconds)
        with suppress(StoreUnavailable):  # which the worker tells
            usage.note()

    return Hands(opened.engine, opened.store, now=real_now, begin=opened.urgency.set, told=told)


def tell_deliveries(news: Tallies) -> None:
    """Log what came in the last minute, a line for each connection."""
    by_connection: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for (connection, outcome), count in news.items():
        by_connection[connection][outcome] = count
    for connection, outcomes in by_connection.items():
        logs.happened("deliveries", grave=outcomes.keys() != {"accepted"}, connection=connection, **outcomes)


def _base(url: str) -> str:
    try:
        if base := public_address(url):
            return base
    except ValueError:
        pass
    text = (
        "--url (or `receiver.url` in the configuration) must be the receiver's public address, https://hooks.acme.com: "
        "vendors call nothing else."
    )
    raise Stop(text, Exit.USAGE, "USAGE-02")


def _chosen(opened: Plant, only: Sequence[str] | None) -> dict[str, Events]:
    able = hearing(opened.connections)
    strange = [name for name in only or () if name not in able]
    if strange:
        text = (
            f"{', '.join(strange)} does not hear: those that do are {', '.join(able) or 'none'}. Set hook_path for it."
        )
        raise Stop(text, Exit.CONFIG, "HOOKS-02")
    if not able:
        raise deaf()
    return {name: events for name, events in able.items() if not only or name in only}


def deaf() -> Stop:
    """Return the ending of a command that has nobody to hear."""
    return Stop("No connection hears: give those that shall a hook_path (docs/receiver.md).", Exit.CONFIG, "HOOKS-02")


def _show(name: str, hook: Hook) -> None:
    where = f" for {hook.target}" if hook.target else ""
    elsewhere = "" if hook.here else ", at an address of before"
    out.print(f"{name}: webhook {hook.id or '-'}{where}: {hook.state}{elsewhere}", markup=False)


def _as_json(hook: Hook) -> dict[str, Any]:
    return {"id": hook.id, "target": hook.target, "state": hook.state, "sound": hook.sound}
