"""A stage with a receiver on it: simulated vendors that send real webhooks over real HTTP to a real receiver."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sync.demo.stage import Stage
from sync.receiver import Hands, Receiver, address, doors_of, hearing

PATHS = {name: f"{name}-0123456789-secret-path" for name in ("crm", "tracker", "sheets")}
JIRA_SECRET = "It's a Secret to Everybody"
CALLOUT_SECRET = "callout-secret-0123456789"
HEARING: dict[str, Any] = {
    "crm": {"hook_path": PATHS["crm"], "hook_secret": CALLOUT_SECRET},
    "tracker": {"hook_path": PATHS["tracker"], "hook_secret": JIRA_SECRET},
    "sheets": {"hook_path": PATHS["sheets"]},
}
TEMPLATE = """
name: small
version: "1"
title: "{{ deal.account }}: {{ deal.name }}"
launch_after_kickoff: 60
roles: {engineer: ada@example.com}
phases: [Work]
groups:
  - phase: Work
    tasks:
      - {key: prepare, name: "Prepare {{ deal.account }}", audience: both, role: engineer, start: kickoff, days: 2, hours: 2}
      - {key: finish, name: "Finish {{ deal.account }}", audience: both, role: engineer, start: kickoff, days: 5, hours: 3}
"""


@contextmanager
def serving(stage: Stage, *, working: bool = True, **options: Any) -> Iterator[Receiver]:
    """Run a receiver, and a worker on the stage's engine, until the block ends."""
    with ExitStack() as stack:
        wake = stack.enter_context(hands_of(stage)).wake if working else lambda: None
        receiver = Receiver(
            doors=doors_of(stage.plant.connections), store=stage.plant.store, **{"kept": wake, **options}
        )
        thread = threading.Thread(target=receiver.serve, daemon=True)
        thread.start()
        until(lambda: receiver.serving)
        try:
            yield receiver
        finally:
            receiver.stop()
            thread.join(timeout=10)
            assert not thread.is_alive()


@contextmanager
def hands_of(stage: Stage) -> Iterator[Hands]:
    """Run a worker until the block ends."""
    hands = Hands(stage.plant.engine, stage.plant.store, now=stage.clock.now)
    hands.start()
    try:
        yield hands
    finally:
        assert hands.stop(10)


def install(stage: Stage, receiver: Receiver, connection: str) -> None:
    """Have a vendor send its webhooks to the receiver."""
    events = hearing(stage.plant.connections)[connection]
    sheets = sorted({b.ref.id for b in stage.plant.store.bindings_of(connection) if b.item == "plan"})
    hooks = list(events.install(url_of(stage, receiver, connection), sheets))
    assert hooks
    assert all(hook.sound for hook in hooks)


def subscribe(stage: Stage, receiver: Receiver) -> None:
    """Have Salesforce send an outbound message for every change of a deal."""
    args = {"object": "Opportunity", "url": url_of(stage, receiver, "crm"), "fields": ["StageName"]}
    act(stage, "salesforce", "add_outbound_message", **args)


def planned(stage: Stage) -> int:
    """How many onboardings have a plan."""
    return stage.plant.store.counts()["onboardings"]


def sweep(stage: Stage) -> None:
    """Look at what changed, and wait for it: the receiver's own worker may be the one that takes it up."""
    stage.sweep()
    until(lambda: idle(stage))


def idle(stage: Stage) -> bool:
    """Whether all that was accepted has been dealt with."""
    return not stage.plant.store.take_events(1) and stage.plant.store.counts()["dirty"] == 0


def url_of(stage: Stage, receiver: Receiver, connection: str) -> str:
    return receiver.url + address(connection, hearing(stage.plant.connections)[connection])


def act(stage: Stage, vendor: str, action: str, **args: Any) -> None:
    """Have a person do something at a vendor."""
    with stage.simulator.world.lock:
        stage.simulator.vendors[vendor].act(action, args)


def until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait for another thread's doing."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
