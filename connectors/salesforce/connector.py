"""Our contract over Salesforce: reads deals, reports their changes and takes the roll-ups of onboardings.

Built by the registry from the entry point `salesforce`, called by `sync.engine` and `sync.doctor`. It holds the parts
together and does nothing of its own; see `reading`, `writing`, `catalog` and `check`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import ClassVar

import orjson
from pydantic import BaseModel

from connectors.base import (
    Capability,
    Changes,
    DealQuery,
    Deals,
    Fields,
    Finding,
    Kind,
    Memory,
    Meter,
    PlanRefs,
    Record,
    Schema,
    TimeChanges,
    TimeEntry,
    Wanted,
    Write,
    WriteResult,
)
from connectors.errors import ConnectorError
from connectors.salesforce import check
from connectors.salesforce.catalog import Catalog, Survey, scales_of
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.events import SalesforceEvents
from connectors.salesforce.reading import Reader
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.soql import Names
from connectors.salesforce.values import stored
from connectors.salesforce.writing import Writer
from connectors.streams import Stream

_SCALES = "scales"
"""Name of the note that keeps the number fields' digits, so that `normalise` needs no call."""


class SalesforceConnector:
    """One Salesforce org.

    `fields` names the mapped fields by kind; a deal's and a line's may be relationship paths (`Account.Name`).
    `choices` names, by field of the onboarding object, the values that the mapping writes, for `check`. `columns` is
    other vendors' business and is ignored.
    """

    Settings: ClassVar[type[BaseModel]] = SalesforceSettings
    capabilities: frozenset[Capability] = frozenset({Capability.DEALS})

    def __init__(
        self,
        settings: SalesforceSettings,
        *,
        name: str,
        fields: Mapping[Kind, tuple[str, ...]],
        columns: tuple[object, ...] = (),
        choices: Mapping[str, tuple[str, ...]] | None = None,
        memory: Memory,
        meter: Meter,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        del columns
        self.name = name
        self._settings = settings
        self._names = Names(*(tuple(fields.get(kind, ())) for kind in (Kind.DEAL, Kind.LINE, Kind.ONBOARDING)))
        self._choices = choices or {}
        self._memory = memory
        self._client = SalesforceClient(settings, meter=meter, clock=clock, sleep=sleep)
        self._catalog = Catalog(self._client)
        self._reader = Reader(self._client, self._names)
        self._writer = Writer(self._client, sleep=sleep)
        self._clock = clock
        self._scales: Mapping[str, Mapping[str, int]] | None = None

    def deals(self, query: DealQuery) -> Deals:
        """Stream won deals by close date, or those with these ids (won or not); see the contract."""
        self._scales = None  # another process may have described the org since the last look
        return self._reader.deals(query)

    def changes(self, cursor: str) -> Changes:
        """Report changed deals, won or not, in one call; see the contract."""
        return self._reader.changes(cursor)

    def time_changes(self, cursor: str) -> TimeChanges:
        """Salesforce has no time entries."""
        raise NotImplementedError

    def time_entries(self, ids: Sequence[str] | None = None) -> Iterator[TimeEntry]:
        """Salesforce has no time entries."""
        raise NotImplementedError

    def containers(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Salesforce has no time entries."""
        raise NotImplementedError

    def fetch(self, plans: Sequence[PlanRefs]) -> Iterator[Record]:
        """Salesforce holds no plans."""
        raise NotImplementedError

    def mark(self) -> str:
        """Return "": an upsert by a unique key needs no note."""
        return ""

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Look onboarding records up by their key; see the contract."""
        if not self._settings.onboarding_object:
            return iter(())
        return self._reader.onboardings(item for item in wanted if item.kind is Kind.ONBOARDING)

    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        """Upsert onboarding records and update mapped fields, 200 a call; see the contract."""
        return self._writer.write(writes)

    def price(self, writes: Sequence[Write]) -> int:
        """Return how many calls: one for 200 records of a kind, six and more for a bulk job."""
        return self._writer.price(writes)

    def inventory(self) -> Iterator[Record]:
        """Read every onboarding record that carries a key of ours, 2,000 a call."""
        return self._reader.everything() if self._settings.onboarding_object else iter(())

    def normalise(self, kind: Kind, fields: Fields) -> Fields:
        """Return the values as Salesforce keeps them; numbers are rounded once `describe` was called, ever."""
        scales = self._scales
        if scales is None:
            scales = self._scales = orjson.loads(self._memory.get(_SCALES) or "{}")
        return stored(fields, scales.get(kind.value, {}))

    def describe(self) -> Schema:
        """Read the opportunity, its lines, the onboarding object and what mapped paths lead to."""
        survey = Survey(self._catalog)
        deal = survey.object("Opportunity")
        objects = {Kind.DEAL: survey.schema(deal, self._names.deal)}
        scales = {Kind.DEAL.value: scales_of(deal)}
        if self._names.line:
            lines = survey.schema(survey.object("OpportunityLineItem"), self._names.line)
            objects[Kind.LINE] = lines
        if self._settings.onboarding_object:
            onboarding = survey.object(self._settings.onboarding_object)
            objects[Kind.ONBOARDING] = survey.schema(onboarding, self._names.onboarding)
            scales[Kind.ONBOARDING.value] = scales_of(onboarding)
        note = orjson.dumps(scales, option=orjson.OPT_SORT_KEYS).decode()
        if self._memory.get(_SCALES) != note:
            self._memory.put(_SCALES, note)
        self._scales = scales
        return Schema(objects)

    def check(self) -> Iterable[Finding]:
        """Check sign-in, objects, fields, the external id, picklists and the allotment; see the contract."""
        yield from check.findings(self._client, Survey(self._catalog), self._names, self._choices)
        cdc = self._settings.cdc
        if cdc is not None:
            from connectors.salesforce.pubsub import findings  # noqa: PLC0415 - as in `streams`

            with suppress(ConnectorError):  # the sign-in's, which has been told of
                yield from findings(cdc, self._client)

    def events(self) -> SalesforceEvents | None:
        """Return what hears outbound messages and callouts, where the settings name their path."""
        settings = self._settings
        if settings.hook_path is None:
            return None
        return SalesforceEvents(
            path=settings.hook_path,
            secret=settings.hook_secret,
            org=settings.url,
            client=self._client,
            memory=self._memory,
            clock=self._clock,
        )

    def streams(self) -> Sequence[Stream]:
        """Return the streams of change events, where the settings name topics."""
        cdc = self._settings.cdc
        if cdc is None:
            return ()
        # Only whoever listens needs the libraries that come with the extra.
        from connectors.salesforce.pubsub import ChangeStream  # noqa: PLC0415

        return tuple(ChangeStream(topic, cdc, client=self._client, clock=self._clock) for topic in cdc.topics)

    def close(self) -> None:
        """Close the session."""
        self._client.close()
