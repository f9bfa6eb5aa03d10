"""The suite as a pytest class, one test method for each sentence; needs no pytest itself.

    class TestMine(ConnectorConformance):
        @pytest.fixture
        def rig(self) -> Rig:
            return MyRig()

A sentence that speaks of a capability which the connector does not declare is skipped; none is for any other reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

from connectors.conformance import changing, creating, existing, hearing, manners, reading, unknown, values
from connectors.conformance.suite import SENTENCES, NotAsked, Sentence

if TYPE_CHECKING:
    from connectors.conformance.rig import Rig

MODULES = (creating, unknown, values, reading, changing, existing, hearing, manners)
"""Where the sentences stand; importing them is what fills SENTENCES."""


def _method(one: Sentence) -> Callable[[Any, Rig], None]:
    def test(self: Any, rig: Rig) -> None:
        del self
        try:
            one.run(rig)
        except NotAsked as why:
            raise SkipTest(str(why)) from None

    test.__name__ = f"test_{one.name}"
    test.__qualname__ = f"ConnectorConformance.{test.__name__}"
    test.__doc__ = one.text
    return test


class ConnectorConformance:
    """Derive a class whose name begins with Test and give it a fixture `rig`: a new Rig for each test."""


for _sentence in SENTENCES:
    setattr(ConnectorConformance, f"test_{_sentence.name}", _method(_sentence))
