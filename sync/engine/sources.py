"""What plans were made from, kept in the store: templates' texts, the rules deals were read by, people's decisions.

Used by `sync.engine.reconcile`, and by the commands that decide about amendments. A template's text is kept once per
name and version, the first time that a plan made from it is looked at, so that the plan can be worked out again after
the file has moved on. It decides nothing about values: that is `sync.core.amendment`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.base import Fields
from mappings.load import Problems, kept_template
from mappings.model import Deal, MappingSet
from mappings.templates import Template
from sync.core.amend import GONE
from sync.core.amendment import parts_of
from sync.core.model import StoreApi
from sync.core.planned import Decision, Plan
from sync.core.sold import NOW, recalled
from sync.core.twins import Kin, mark_of, print_of, products
from sync.engine.observe import Observed
from sync.engine.outcome import Result

TEMPLATE, RULES, DECISION = "template", "deal rules", "amendment"
"""Kinds of documents."""

_KIN = 50
"""How many deals of an account, the newest, a new one is held against."""

DECIDED = "decided"
"""The one name of an onboarding's decision."""


class Sources:
    """Reads each source once, and keeps it once."""

    def __init__(self, store: StoreApi, mappings: MappingSet, templates: Sequence[Template]) -> None:
        self._store = store
        self._mappings = mappings
        self._configured = {(one.name, one.version): one for one in templates}
        self._pinned: dict[tuple[str, str], Template] = {}
        self._rules: dict[str, Mapping[str, str]] = {mappings.read_digest: mappings.read_by}
        self._kept: set[tuple[str, str]] = set()
        self.unplanned: dict[bytes, tuple[str, ...]] = {}
        """What was found sold and not planned, as `sync.core.scope` keeps it."""
        self.supposed: dict[str, Decision] = {}
        """Decisions that a preview supposes."""

    def pinned(self, name: str, version: str) -> Template | None:
        """Return a template as it was when plans were first made from it; None where that cannot be told any more."""
        place = (name, version)
        if place not in self._pinned:
            text = self.kept_text(name, version)
            configured = self._configured.get(place)
            if configured is not None and text in {"", configured.source}:
                self._pinned[place] = configured
            elif text:
                try:
                    self._pinned[place] = kept_template(f"{name} {version}", text, self._mappings)
                except Problems:  # it speaks of fields that the mapping no longer has
                    return None
            else:
                return None
        return self._pinned[place]

    def versions(self, name: str) -> tuple[str, ...]:
        """Return all versions of a template that are kept or configured, in order."""
        kept = {document.name.rpartition("@") for document in self._store.kept(TEMPLATE, "")}
        known = {version for place, _, version in kept if place == name}
        return tuple(sorted(known | {version for place, version in self._configured if place == name}))

    def kept_text(self, name: str, version: str) -> str:
        """Return the text that is kept of a template; "" for none."""
        kept = {document.name: document.value for document in self._store.kept(TEMPLATE, "")}
        return str(kept.get(f"{name}@{version}", {}).get("text", ""))

    def changed(self) -> tuple[Template, ...]:
        """Return the configured templates whose text changed without a new version."""
        texts = {document.name: document.value.get("text") for document in self._store.kept(TEMPLATE, "")}
        return tuple(
            one
            for (name, version), one in self._configured.items()
            if one.source.strip() != str(texts.get(f"{name}@{version}", one.source)).strip()
        )

    def rules(self, digest: str) -> Mapping[str, str] | None:
        """Return the rules by which remembered deals were read; None for those that nobody kept."""
        if digest not in self._rules:
            found = next((d.value for d in self._store.kept(RULES, "") if d.name == digest), None)
            if found is None:
                return None
            self._rules[digest] = {name: str(said) for name, said in found.items()}
        return self._rules[digest]

    def keep(self, plans: Iterable[Plan]) -> None:
        """Keep what these plans are made from, before anything of them is."""
        for place in {(each.template, each.template_version) for each in plans if each.template} - self._kept:
            configured = self._configured.get(place)
            if configured is not None and configured.source:
                self._store.keep_once(TEMPLATE, "", "@".join(place), {"text": configured.source})
                digest = self._mappings.read_digest
                self._store.keep_once(RULES, "", digest, dict(self._mappings.read_by))
            self._kept.add(place)

    def inform(self, seen: Observed) -> Observed:
        """Put people's decisions, and a new deal's kin, beside what was observed."""
        self._introduce(seen)
        keys = [key for key, s in seen.snapshots.items() if s.deal and (s.onboarding.base or s.kin)]
        if keys:
            for document in self._store.kept(DECISION, keys[0] if len(keys) == 1 else None):
                if document.key in seen.snapshots:
                    snapshot = seen.snapshots[document.key]
                    seen.snapshots[document.key] = replace(snapshot, decision=decision_of(document.value))
            for key in self.supposed.keys() & seen.snapshots.keys():
                seen.snapshots[key] = replace(seen.snapshots[key], decision=self.supposed[key])
        return seen

    def _introduce(self, seen: Observed) -> None:
        """Put the onboardings of its account beside each new deal that sells something."""
        fresh = {
            key: mark_of(s.deal.account)
            for key, s in seen.snapshots.items()
            if s.deal and s.deal.lines and not (s.onboarding.base or s.onboarding.bindings or s.onboarding.intents)
        }
        marks = [*filter(None, fresh.values())]
        accounts = self._store.of_accounts(marks) if marks else {}
        for key, mark in fresh.items():
            others = [*accounts.get(mark, {}).items()][-_KIN:]
            deal = seen.snapshots[key].deal
            assert deal is not None
            kin = [self._kin(deal, other, fields, seen) for other, fields in others if other != key]
            seen.snapshots[key] = replace(seen.snapshots[key], kin=tuple(one for one in kin if one))

    def _kin(self, deal: Deal, key: str, fields: Fields, seen: Observed) -> Kin | None:
        """Return another deal with the products that left it: seen at this very look, or held since an earlier one."""
        other = recalled(key, fields)
        snapshot = seen.snapshots.get(key)
        here = snapshot.deal if snapshot is not None else None
        now = print_of(here) if here is not None else str(fields.get(NOW) or "")
        if other is None or not (products(deal) <= products(other) or print_of(deal) == now):
            return None
        if here is not None:
            return Kin(other, products(other) - products(here), now)
        held = (parts_of(entry) for entry in self._store.load([key])[key].held)
        reasons = [str(reason) for parts in held for reason in parts.get("reasons", ())]
        names = {reason.removeprefix(GONE) for reason in reasons if reason.startswith(GONE)}
        gone = frozenset(line.code or line.product for line in other.lines if line.product in names)
        return Kin(other, gone, now)

    def forget(self, results: Iterable[Result], decided: Collection[str]) -> None:
        """Forget decisions that were carried out: a later diff asks anew."""
        for result in results:
            if result.plan.key in decided and result.amended and result.base:
                self._store.forget(DECISION, result.plan.key, DECIDED)


def decide(store: StoreApi, key: str, decision: Decision) -> None:
    """Keep a decision for the next look at its onboarding."""
    value = {
        "by": decision.by,
        "reason": decision.reason,
        "applied": sorted(decision.applied),
        "left": sorted(decision.left),
        "upgrade": decision.upgrade,
        "own": decision.own,
        "belongs": decision.belongs,
    }
    store.keep(DECISION, key, DECIDED, value)


def decision_of(value: Mapping[str, Any]) -> Decision:
    """Return what `decide` kept."""
    return Decision(
        by=str(value.get("by", "")),
        reason=str(value.get("reason", "")),
        applied=frozenset(value.get("applied", ())),
        left=frozenset(value.get("left", ())),
        upgrade=str(value.get("upgrade", "")),
        own=bool(value.get("own")),
        belongs=bool(value.get("belongs")),
    )
