"""The whole simulator in one object: one world, the three vendors and the control API, each on its own port.

Built by `closedwon simulator`, the demo and tests:

    with Simulator() as simulator:
        print(simulator.urls["jira"])

It wires and serves; it knows no vendor's rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from simulator.clock import Clock
from simulator.control import Control
from simulator.jira import Jira
from simulator.salesforce import Salesforce
from simulator.server import App, Servers, World
from simulator.smartsheet import Smartsheet
from simulator.wire import Vendor

if TYPE_CHECKING:
    from simulator.salesforce.pubsub import PubSub

CAPTURED = ("Opportunity", "OpportunityLineItem")
"""What Change Data Capture is switched on for where the Pub/Sub API is opened."""


class Simulator:
    """Three vendors that share a clock, a fault book and a courier.

    `ports` maps vendors' names and `control` to ports (0, the default, is any free one); `options` maps vendors' names
    to keyword arguments of their classes. A port for `pubsub` (0 again is any) opens Salesforce's Pub/Sub API with
    Change Data Capture of deals and their lines; without one it is not there.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        ports: Mapping[str, int] | None = None,
        clock: Clock | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.world = World(clock=clock, seed=seed)
        given = options or {}
        wanted = ports or {}
        captured = {"cdc_objects": list(CAPTURED)} if "pubsub" in wanted else {}
        self.salesforce = Salesforce(self.world, **captured | dict(given.get("salesforce", {})))
        self.jira = Jira(self.world, **given.get("jira", {}))
        self.smartsheet = Smartsheet(self.world, **given.get("smartsheet", {}))
        self.vendors: dict[str, Vendor] = {each.name: each for each in (self.salesforce, self.jira, self.smartsheet)}
        self.control = Control(self.world, self.vendors)
        apps = {name: (App(vendor, self.world), wanted.get(name, 0)) for name, vendor in self.vendors.items()}
        aside = World(clock=self.world.clock)
        aside.lock = self.world.lock
        apps["control"] = (App(self.control, aside), wanted.get("control", 0))
        self._servers = Servers(apps)
        self._pubsub = _pubsub(self.salesforce, wanted["pubsub"]) if "pubsub" in wanted else None

    @property
    def urls(self) -> dict[str, str]:
        """Base URLs by vendor's name, and of `control` and, if it is open, `pubsub`."""
        urls = {name: self._servers.url(name) for name in self._servers.ports}
        return urls | ({"pubsub": self._pubsub.url} if self._pubsub else {})

    def start(self) -> None:
        """Serve, and return once every port answers."""
        self._servers.start()
        if self._pubsub:
            self._pubsub.start()

    def stop(self) -> None:
        """Stop serving and sending."""
        if self._pubsub:
            self._pubsub.stop()
        self._servers.stop()
        self.world.courier.stop()

    def wait(self) -> None:
        """Block until the servers end (Ctrl-C in a terminal)."""
        self._servers.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _pubsub(salesforce: Salesforce, port: int) -> PubSub:
    """Open the Pub/Sub API, whose libraries only whoever asks for it needs to have."""
    from simulator.salesforce.pubsub import PubSub  # noqa: PLC0415

    return PubSub(salesforce, port=port)
