"""Reading deals: whole ones with their lines and links, and what changed since a cursor.

Used by `connector`. It never writes and never decides which deals matter.
"""

from __future__ import annotations

import itertools
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson

from connectors.base import Changes, DealQuery, Deals, Fields, Kind, Record, Ref, Wanted
from connectors.errors import Refused
from connectors.salesforce import soql
from connectors.salesforce.client import Page, SalesforceClient
from connectors.salesforce.soql import Names
from connectors.salesforce.values import member, pick

_DIGEST = 8
"""Bytes by which a reported row is remembered."""
_REMEMBERED = 20_000
"""Rows that a cursor remembers at most; one forgotten is reported again, which costs a look."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the changes were read, by Salesforce's clock, and which rows of the overlap were reported."""

    at: datetime
    seen: frozenset[bytes] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor's text; raises Refused for one that is not ours."""
        moment, _, seen = text.partition("|")
        try:
            packed = b64decode(seen, validate=True)
            at = datetime.fromisoformat(moment).astimezone(UTC)
        except ValueError:
            raise Refused(
                "The cursor of this connection's changes is damaged. Run `closedwon reconcile --all` to begin anew.",
                code="SF-CURSOR-01",
            ) from None
        return cls(at, frozenset(packed[n : n + _DIGEST] for n in range(0, len(packed), _DIGEST)))

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ}|{b64encode(b''.join(sorted(self.seen)[:_REMEMBERED])).decode()}"


class Reader:
    """Reads deals and onboarding records of one org."""

    def __init__(self, client: SalesforceClient, names: Names) -> None:
        self._client = client
        self._settings = client.settings
        self._names = names

    def deals(self, query: DealQuery) -> Deals:
        """Stream whole deals: those with these ids, won or not, or those won in these days."""
        start = soql.select_deals(self._names, self._settings)
        if query.ids:
            ids = soql.ids_only(query.ids)
            texts = soql.chunked_in(start, "Id", ids, " ORDER BY Id")
            found = (page for text in texts for page in self._client.query(text))
            return Deals(self._whole(found), total=len(ids))
        pages = self._client.query(start + soql.won_between(query.won_since, query.won_until))
        first = next(pages)
        return Deals(self._whole(itertools.chain([first], pages)), total=first.total)

    def _whole(self, pages: Iterable[Page]) -> Iterator[Record]:
        return (self._deal(row) for page in pages for row in page.records)

    def everything(self) -> Iterator[Record]:
        """Stream every onboarding record that carries a key of ours."""
        settings = self._settings
        start = soql.select_onboardings(self._names, settings)
        found = self._onboardings([start + soql.all_onboardings(settings)])
        return (record for record in found if not settings.on_deal or _is_filled(record.fields))

    def onboardings(self, wanted: Iterable[Wanted]) -> Iterator[Record]:
        """Look onboarding records up by their key; without lag, as the key is a unique index."""
        settings = self._settings
        keys = tuple(dict.fromkeys(item.write_key for item in wanted))
        start = soql.select_onboardings(self._names, settings)
        if settings.on_deal:
            keys = soql.ids_only(keys)
        return self._onboardings(soql.chunked_in(start, settings.key_field, keys, " ORDER BY Id"))

    def _onboardings(self, texts: Iterable[str]) -> Iterator[Record]:
        settings = self._settings
        for text in texts:
            for page in self._client.query(text):
                for row in page.records:
                    yield Record(
                        Kind.ONBOARDING,
                        Ref(row["Id"]),
                        {name: pick(row, name) for name in self._names.onboarding},
                        write_key=str(member(row, settings.key_field) or ""),
                        version=str(row["SystemModstamp"]),
                        url=settings.link(row["Id"]),
                    )

    def changes(self, cursor: str) -> Changes:
        """Report deals that changed since the cursor, removed and un-won ones too, each state of one once."""
        if not cursor:
            return Changes(str(Cursor(self._now())))
        last = Cursor.parse(cursor)
        horizon = timedelta(seconds=self._settings.overlap_seconds)
        text = soql.select_changes(self._names) + soql.changed_since(last.at - horizon)
        moment: datetime | None = None
        news: list[Record] = []
        rows: dict[bytes, datetime] = {}
        for page in self._client.query(text, deleted=True):
            # The first page's clock: what changes while later pages are read belongs to the next look.
            moment = moment or page.moment
            for row in page.records:
                digest = blake2b(orjson.dumps(row), digest_size=_DIGEST).digest()
                rows[digest] = datetime.fromisoformat(row["SystemModstamp"])
                if digest not in last.seen:
                    news.append(self._light(row))
        at = max(last.at, moment or max(rows.values(), default=last.at))
        # Stamps are whole seconds: a row of this very second may change once more under the same stamp.
        settled = frozenset(
            digest for digest, stamp in rows.items() if at - horizon <= stamp < at.replace(microsecond=0)
        )
        return Changes(str(Cursor(at, settled)), frozenset(record.ref.id for record in news), tuple(news))

    def _now(self) -> datetime:
        """Ask Salesforce for its time; the newest stamp stands in where a proxy took the Date away."""
        text = "SELECT Id, SystemModstamp FROM Opportunity ORDER BY SystemModstamp DESC LIMIT 1"
        page = next(self._client.query(text))
        stamps = [datetime.fromisoformat(row["SystemModstamp"]) for row in page.records]
        return page.moment or max(stamps, default=datetime(1970, 1, 1, tzinfo=UTC))

    def _light(self, row: Mapping[str, Any]) -> Record:
        named = ("Id", "IsWon", "IsClosed", "CloseDate", *self._names.deal)
        return Record(
            Kind.DEAL,
            Ref(row["Id"]),
            {name: pick(row, name) for name in named},
            version=str(row["SystemModstamp"]),
            url=self._settings.link(row["Id"]),
            deleted=bool(row["IsDeleted"]),
        )

    def _deal(self, row: Mapping[str, Any]) -> Record:
        settings = self._settings
        named = ("Id", "IsWon", "IsClosed", "CloseDate", *self._names.deal)
        return Record(
            Kind.DEAL,
            Ref(row["Id"]),
            {name: pick(row, name) for name in named},
            version=str(row["SystemModstamp"]),
            url=settings.link(row["Id"]),
            lines=_flat(self._children(member(row, soql.LINES)), ("Id", *self._names.line)),
            links=self._links(row),
        )

    def _links(self, row: Mapping[str, Any]) -> tuple[Fields, ...]:
        """Return what a deal's roll-ups say, on records of their own or on the deal itself."""
        settings = self._settings
        linked = ("Id", settings.key_field, *self._names.onboarding)
        if settings.on_deal:
            own = {name: pick(row, name) for name in self._names.onboarding}
            return ({"Id": row["Id"], **own},) if _is_filled(own) else ()
        return _flat(self._children(member(row, settings.onboarding_relationship)), linked)

    def _children(self, nested: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
        """Stream a subquery's rows; it has pages of its own, which are not in the parent's."""
        while nested:
            yield from nested["records"]
            nested = None if nested["done"] else self._page(nested["nextRecordsUrl"])

    def _page(self, path: str) -> Mapping[str, Any]:
        answer = self._client.call("GET", path)
        if not answer.need("done"):
            answer.need("nextRecordsUrl")
        return {**answer.payload, "records": answer.need("records")}


def _flat(rows: Iterator[Mapping[str, Any]], names: tuple[str, ...]) -> tuple[Fields, ...]:
    return tuple({name: pick(row, name) for name in names} for row in rows)


def _is_filled(fields: Fields) -> bool:
    """Tell whether anything was ever rolled up into these fields."""
    return any(value is not None for value in fields.values())
