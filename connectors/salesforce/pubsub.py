"""Change Data Capture: a stream of what changed in Salesforce, fetched over the Pub/Sub API, as hints of which deals.

Built by `connector` where the settings ask for it, run by `sync.receiver`. Of an event only ids are taken. What the
stream cannot tell (an overflow, a replay id that has expired, an event that cannot be read) it says is missed, with a
cursor from which `Reader.changes` shows it again. It keeps nothing and never waits between attempts.

Sources: Change Data Capture guide, "ChangeEventHeader Fields", "Gap Events", "Overflow Events"; Pub/Sub API guide,
"Pull Subscription and Flow Control", "Event Message Durability", "Retry Long-Lived RPC Calls".
"""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import fastavro
import grpc
import orjson

from connectors.base import Finding, Level
from connectors.errors import ConnectorError, TryLater
from connectors.events import MOST_IDS, Event, event_id
from connectors.salesforce import pubsub_wire as wire
from connectors.salesforce import soql
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.reading import Cursor
from connectors.salesforce.settings import CdcSettings
from connectors.salesforce.token import Token
from connectors.streams import Heard

MOST_REQUESTED = 100
"""Events that may be outstanding; Salesforce allows no more."""
OURS = "client=closedwon"
"""How `Sforce-Call-Options` of our own writes comes back in a change's origin."""
DEAL, LINE = "Opportunity", "OpportunityLineItem"

_TOP_UP = MOST_REQUESTED // 2
_OVERFLOW = "GAP_OVERFLOW"
_DEALS_OF_LINES = f"SELECT Id, OpportunityId FROM {LINE}"  # noqa: S608 - no value in it


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream goes on: after this replay id, or at the earliest event there is where it is empty.

    `at` is when what stands there was committed: what is lost is lost since then.
    """

    at: datetime
    replay_id: bytes = b""

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """Read a place's text; None for what is none of ours, which is then taken for lost."""
        at, _, replay_id = text.partition("/")
        try:
            return cls(datetime.fromisoformat(at).astimezone(UTC), bytes.fromhex(replay_id))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ}/{self.replay_id.hex()}"


@dataclass(frozen=True, slots=True)
class Change:
    """What one event tells: records of one object, and the deal where a line's event names it."""

    id: str
    object: str
    records: tuple[str, ...]
    at: datetime
    deal: str = ""
    lost: bool = False
    """Whether it stands for changes that it does not name."""


class ChangeStream:
    """One topic's events. A context for one thread; `close` may be called by another."""

    def __init__(
        self, topic: str, cdc: CdcSettings, *, client: SalesforceClient, clock: Callable[[], datetime]
    ) -> None:
        self.name = topic
        self._cdc = cdc
        self._client = client
        self._clock = clock
        self._schemas: dict[str, Any] = {}
        self._closed = threading.Event()
        self._call: Any = None

    def hear(self, place: str) -> Iterator[Heard]:
        """Yield hints as they come; see the contract. Raises ConnectorError."""
        spent: Token | None = None
        if place and Place.parse(place) is None:
            heard = self._from_the_beginning(place)
            yield heard
            place = heard.place
        while not self._closed.is_set():
            token = self._client.sign_in(spent)
            try:
                for heard in self._session(token, Place.parse(place) if place else None):
                    yield heard
                    place, spent = heard.place, None
            except grpc.RpcError as error:
                if self._closed.is_set():
                    return
                if wire.code_of(error) in wire.BAD_REPLAY:
                    heard = self._from_the_beginning(place)
                    yield heard
                    place = heard.place
                elif wire.is_unauthenticated(error) and spent is None:
                    spent = token
                else:
                    raise wire.explain(error, self.name) from None
            else:
                return

    def close(self) -> None:
        """End `hear`."""
        self._closed.set()
        if self._call is not None:
            self._call.cancel()

    # One call of Subscribe.

    def _session(self, token: Token, place: Place | None) -> Iterator[Heard]:
        requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        requests.put(self._first(place))
        with wire.Line(self._cdc, self._client.settings, token) as line:
            call = self._call = line.subscribe(iter(requests.get, None))
            threading.Thread(target=_pump, args=(call, answers), name="cdc-answers", daemon=True).start()
            try:
                while not self._closed.is_set():
                    answer = self._next(answers)
                    if answer is None:
                        return
                    yield self._heard(line, answer, place)
                    # Only now: what was asked for is what Salesforce may send, so a slow disk slows the stream.
                    pending = answer.pending_num_requested
                    if pending <= _TOP_UP:
                        requests.put(wire.FetchRequest(topic_name=self.name, num_requested=MOST_REQUESTED - pending))
            finally:
                requests.put(None)
                call.cancel()

    def _first(self, place: Place | None) -> Any:
        if place is None:
            start: dict[str, Any] = {"replay_preset": wire.LATEST}
        elif not place.replay_id:
            start = {"replay_preset": wire.EARLIEST}
        else:
            start = {"replay_preset": wire.CUSTOM, "replay_id": place.replay_id}
        return wire.FetchRequest(topic_name=self.name, num_requested=MOST_REQUESTED, **start)

    def _next(self, answers: queue.SimpleQueue[Any]) -> Any:
        """Return the next answer, None at the stream's end; raises what ended it, TryLater when it fell silent."""
        try:
            answer = answers.get(timeout=self._cdc.silence_seconds)
        except queue.Empty:
            raise TryLater(
                f"Nothing came on the stream of {self.name} for {self._cdc.silence_seconds:.0f} s, not even a sign of "
                "life. It is opened again by itself.",
                code="SF-CDC-04",
                delay=0.5,
            ) from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    # What an answer tells.

    def _heard(self, line: wire.Line, answer: Any, place: Place | None) -> Heard:
        if not answer.events:
            return Heard(str(Place(self._clock(), answer.latest_replay_id)))
        known_until = place.at if place else self._clock()
        changes = [change for each in answer.events if (change := self._read(line, each, known_until))]
        until = max((change.at for change in changes), default=known_until)
        lost = min((change.at for change in changes if change.lost), default=None)
        return Heard(
            str(Place(until, answer.events[-1].replay_id)),
            tuple(event for event in self._events(changes) if event.ids),
            str(Cursor(lost)) if lost else "",
        )

    def _read(self, line: wire.Line, consumed: Any, known_until: datetime) -> Change | None:
        """Read an event; None for one that concerns no deal, or that our own write gave rise to."""
        try:
            record = self._record(line, consumed.event)
            header = record["ChangeEventHeader"]
            at = datetime.fromtimestamp(header["commitTimestamp"] / 1000, UTC)
            records = tuple(str(each) for each in header["recordIds"])
            kind, origin = header["changeType"], str(header["changeOrigin"] or "")
            told = consumed.event.id or f"{header['transactionKey']}:{header['sequenceNumber']}"
        except grpc.RpcError:
            raise
        except Exception:  # noqa: BLE001 - it might be about a deal: what cannot be read, for any reason, is lost
            return Change("", "", (), known_until, lost=True)
        if header["entityName"] not in {DEAL, LINE} or OURS in origin.rstrip("/").split(";"):
            return None
        lost = kind == _OVERFLOW or any(each.endswith("*") for each in records)
        deal = str(record.get("OpportunityId") or "")
        return Change(event_id(told, consumed.event.payload), header["entityName"], records, at, deal, lost)

    def _record(self, line: wire.Line, event: Any) -> Mapping[str, Any]:
        schema = self._schemas.get(event.schema_id)
        if schema is None:
            schema = fastavro.parse_schema(orjson.loads(line.schema(event.schema_id)))
            self._schemas[event.schema_id] = schema
        read = fastavro.schemaless_reader(io.BytesIO(event.payload), schema, None)
        if not isinstance(read, dict):
            raise TypeError(type(read))
        return read

    def _events(self, changes: Sequence[Change]) -> Iterator[Event]:
        """Turn changes into events of deals; a line's update names its deal nowhere, so that it is asked for."""
        unknown = [each for c in changes if c.object == LINE and not c.deal and not c.lost for each in c.records]
        deals = self._deals_of(unknown)
        for change in changes:
            if change.lost:
                continue
            if change.object == DEAL:
                ids = change.records
            else:
                ids = (change.deal,) if change.deal else tuple(deals[each] for each in change.records if each in deals)
            ids = tuple(dict.fromkeys(ids))
            for number, start in enumerate(range(0, len(ids), MOST_IDS)):
                yield Event(f"{change.id}#{number}" if number else change.id, ids[start : start + MOST_IDS])

    def _deals_of(self, lines: Sequence[str]) -> dict[str, str]:
        """Return the deals of lines, those in the recycle bin too; raises ConnectorError."""
        texts = soql.chunked_in(_DEALS_OF_LINES, "Id", soql.ids_only(lines), "")
        pages = (page for text in texts for page in self._client.query(text, deleted=True))
        return {str(row["Id"]): str(row["OpportunityId"]) for page in pages for row in page.records}

    def _from_the_beginning(self, place: str) -> Heard:
        """Say that all since a place is lost, and go on at the earliest event: what comes twice does no harm."""
        known = Place.parse(place)
        lost = known.at if known else datetime(1970, 1, 1, tzinfo=UTC)
        return Heard(str(Place(lost)), missed=str(Cursor(lost)))


def findings(cdc: CdcSettings, client: SalesforceClient) -> Iterator[Finding]:
    """Say of each topic whether it may be listened to, for `doctor`; raises ConnectorError where sign-in fails."""
    with wire.Line(cdc, client.settings, client.sign_in()) as line:
        for topic in cdc.topics:
            try:
                if line.may_subscribe(topic):
                    yield Finding(Level.OK, "SF-CDC-00", f"Change events of {topic} can be listened to.")
                    continue
                error: ConnectorError = wire.closed(topic)
            except grpc.RpcError as failure:
                error = wire.explain(failure, topic)
            yield Finding(
                Level.ERROR, error.code, error.message, "See docs/receiver.md, Change events from Salesforce."
            )


def _pump(call: Any, answers: queue.SimpleQueue[Any]) -> None:
    """Carry a call's answers over, its end as None and its failure as itself: only so can waiting have a limit."""
    try:
        for answer in call:
            answers.put(answer)
    except grpc.RpcError as error:
        answers.put(error)
    else:
        answers.put(None)
