"""One suite that every connector passes, ours and third parties' alike; see docs/writing-a-connector.md.

With pytest:

    class TestMine(ConnectorConformance):
        @pytest.fixture
        def rig(self) -> Rig:
            return MyRig()

Without: `examine(MyRig)` returns Findings. It is run by tests only, never by the engine.
"""

from __future__ import annotations

from connectors.conformance.bench import Bench, Broken
from connectors.conformance.mixin import MODULES, ConnectorConformance
from connectors.conformance.rig import DEAL, LATE, At, Break, Rig
from connectors.conformance.sending import Answering, Delivery, Sending
from connectors.conformance.suite import SENTENCES, Findings, NotAsked, Sentence, examine

__all__ = [
    "DEAL",
    "LATE",
    "MODULES",
    "SENTENCES",
    "Answering",
    "At",
    "Bench",
    "Break",
    "Broken",
    "ConnectorConformance",
    "Delivery",
    "Findings",
    "NotAsked",
    "Rig",
    "Sending",
    "Sentence",
    "examine",
]
