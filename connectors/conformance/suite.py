"""The sentences of the contract, how one is run, and what a run of all of them found.

Each sentence is a function of a Bench that raises Broken where the connector breaks it. Sentences are told which
capabilities they speak of; a connector without them is not asked. Nothing else skips one: what a connector declares,
it is held to. Needs nothing but the standard library, so that it runs without a test framework.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.base import Capability
from connectors.conformance.bench import Bench, Broken
from connectors.conformance.rig import Rig

Check = Callable[[Bench], None]


class NotAsked(Exception):
    """The connector does not declare the capability that a sentence speaks of."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One claim of the contract. `needs` are capabilities, all of which a connector must declare to be asked."""

    name: str
    check: Check
    needs: frozenset[Capability] = frozenset()

    @property
    def text(self) -> str:
        """The claim in words."""
        return self.name.replace("_", " ")

    def run(self, rig: Rig) -> None:
        """Hold a connector to this; raises Broken, or NotAsked."""
        bench = Bench(rig)
        try:
            lacking = self.needs - bench.connector.capabilities
            if lacking:
                raise NotAsked(f"the connector does not declare {', '.join(sorted(lacking))}")
            self.check(bench)
        finally:
            bench.close()


@dataclass
class Findings:
    """What a run found: sentences kept, broken (with the reason) and not asked."""

    kept: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    not_asked: list[str] = field(default_factory=list)


SENTENCES: list[Sentence] = []
"""All sentences, in the order of the modules that hold them."""


def sentence(*needs: Capability) -> Callable[[Check], Check]:
    """Make a function a sentence of the suite; its name is the claim."""

    def keep(check: Check) -> Check:
        SENTENCES.append(Sentence(check.__name__, check, frozenset(needs)))
        return check

    return keep


def examine(new_rig: Callable[[], Rig]) -> Findings:
    """Hold a connector to every sentence, each on a new rig, and say what was found; never raises."""
    findings = Findings()
    for one in SENTENCES:
        try:
            one.run(new_rig())
        except NotAsked:
            findings.not_asked.append(one.name)
        except Broken as broken:
            findings.broken[one.name] = str(broken)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises where it must not, is its finding
            findings.broken[one.name] = f"{type(error).__name__}: {error}"
        else:
            findings.kept.append(one.name)
    return findings
