"""Reads config.yaml: where the store is, which connections there are, which mapping and templates are used.

Called by `sync.wiring` and `closedwon doctor`. Every mistake is reported at once as file:line:column with its repair.
Secrets stand here by reference only (`{env: NAME}` or `{file: PATH}`); a literal one is refused unless the connection
speaks to this machine (the simulator's secrets are no secrets). It opens nothing and calls nobody.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

import sqlalchemy as sa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, create_model, model_validator

from connectors.registry import ConnectorClass, UnknownConnector, installed, load
from mappings.load import DEFAULT_MAPPINGS, DEFAULT_TEMPLATES
from mappings.reading import Place, Problems, Source, suggest
from sync.config_parts import LOOPBACK, UNKNOWN, Cron, Strict, Zone, follow, host, is_reference, is_secret
from sync.notices_config import NoticesDoc, resolve_channels
from sync.traces_config import TracesDoc

BUILT_IN = "builtin:"
BUILT_IN_MAPPINGS: Mapping[str, Path] = {"default": DEFAULT_MAPPINGS}
BUILT_IN_TEMPLATES: Mapping[str, Path] = {path.stem: path for path in DEFAULT_TEMPLATES}
STORES = "Write sqlite:///closedwon.db for a file, or postgresql://user@host/database"


def public_address(text: str) -> str:
    """Check where vendors reach the receiver, "" for nowhere; raises ValueError. It ends without a slash."""
    parts = urlsplit(text)
    if text and (
        not parts.hostname
        or parts.query
        or parts.username
        or (parts.scheme != "https" and parts.hostname not in LOOPBACK)
    ):
        raise ValueError("write the receiver's public address, https://hooks.acme.com: vendors call nothing else")
    return text.rstrip("/")


Address: TypeAlias = Annotated[str, AfterValidator(public_address)]


class BrakesDoc(Strict):
    """When a batch is stopped before it writes; see docs/operations.md."""

    changed_share: float = Field(default=0.5, gt=0, le=1, description="Share of known records that may change at once.")
    missing_share: float = Field(default=0.2, gt=0, le=1, description="Share of known records that may be missing.")
    floor: int = Field(default=100, ge=1, description="Up to this many records no share counts.")


class EngineDoc(Strict):
    """How the engine behaves. Seconds throughout. `engine: procrastinate` alone names the runner."""

    runner: Literal["embedded", "procrastinate"] = Field(
        default="embedded", description="What starts work: each process by itself, or jobs that many hosts share."
    )
    batch: int = Field(default=1000, ge=1, le=5000, description="Onboardings that share vendor calls.")
    lease_seconds: float = Field(default=900, gt=0, description="How long a worker may hold an onboarding.")
    settle_seconds: float = Field(
        default=60, ge=0, description="How long a vendor may still commit a request after it dropped the connection."
    )
    patience_seconds: float = Field(
        default=180, ge=0, description="How long a command waits for onboardings that must be looked at again."
    )
    brakes: BrakesDoc = Field(default_factory=BrakesDoc)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"runner": value} if isinstance(value, str) else value


class PaceDoc(Strict):
    """Our own pace in front of a vendor's limit."""

    per_minute: float = Field(default=0, ge=0, description="Calls a minute; 0 leaves the pace to the vendor's answers.")
    burst: float = Field(default=10, ge=1, description="Calls that may follow each other at once.")
    shared: bool = Field(default=False, description="Whether all processes on this store share the pace.")
    reserve: int = Field(
        default=0, ge=0, description="Calls of the vendor's daily allotment that are left to other programs."
    )


class SchedulesDoc(Strict):
    """When the daemon does what: cron expressions of five fields, in `zone`. An empty one is never due."""

    sweep: Cron = Field(default="* * * * *", description="Asking every vendor what changed.")
    full: Cron = Field(default="17 2 * * 6", description="Looking at every onboarding, changed or not.")
    rollups: Cron = Field(default="17 5 * * *", description="Bringing to the CRM what changes as days pass.")
    verify: Cron = Field(default="47 4 * * 0", description="Comparing everything with everything.")
    cleanup: Cron = Field(default="37 3 * * *", description="Forgetting events that were settled a month ago.")
    notices: Cron = Field(default="*/15 * * * *", description="Telling people what is due, where `notices` says whom.")
    webhooks: Cron = Field(default="23 * * * *", description="Looking after the webhooks, where `receiver.url` is set.")
    zone: Zone = Field(default="UTC", description="The time zone of the expressions, as in Europe/Amsterdam.")


class HealthDoc(Strict):
    """Where the daemon tells how it is: /healthz, /readyz and /metrics."""

    host: str = Field(default="127.0.0.1", description="The address to listen on; 0.0.0.0 in a container.")
    port: int = Field(default=9464, ge=0, le=65535, description="The port; 0 takes any that is free.")


class ReceiverDoc(Strict):
    """Where the receiver listens, and where the vendors reach it."""

    url: Address = Field(default="", description="The public address, https://hooks.acme.com, without /hooks.")
    host: str = Field(default="127.0.0.1", description="The address to listen at; a proxy with TLS stands before it.")
    port: int = Field(default=8780, ge=0, le=65535, description="The port; 0 takes any that is free.")


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """One configured connection: its connector's class, its validated settings, its pace."""

    name: str
    connector: str
    factory: ConnectorClass
    settings: BaseModel
    pace: PaceDoc


@dataclass(frozen=True, slots=True)
class Config:
    """Everything config.yaml says, with paths made absolute."""

    file: Path
    store: SecretStr
    mapping: Path
    templates: tuple[Path, ...]
    connections: Mapping[str, ConnectionConfig]
    engine: EngineDoc
    schedules: SchedulesDoc
    health: HealthDoc
    receiver: ReceiverDoc
    traces: TracesDoc
    notices: NoticesDoc | None = None


def load_config(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Load a configuration; raises Problems with every mistake at its place."""
    source = Source.read(path)
    if not isinstance(source.data, dict):
        if not source.mistakes:
            source.report((), "the file is no mapping", "Start from the config.yaml that comes with Closedwon")
        raise Problems(source.mistakes)
    classes = _classes(source)
    _resolve_secrets(source, classes, path.parent, environment)
    resolve_channels(source, path.parent, environment)
    _check_store(source)
    _check_addresses(source, classes)
    _check_built_ins(source)
    doc: Any = source.check(_document(classes), {})
    if doc is not None and doc.engine.runner == "procrastinate":
        _check_scale(source, doc.store.get_secret_value())
    if doc is None or source.mistakes:
        raise Problems(source.mistakes)
    return _config(path, doc, classes)


def _classes(source: Source) -> dict[str, ConnectorClass]:
    """Find the class of each connection that names one; the rest is reported."""
    found: dict[str, ConnectorClass] = {}
    sections = source.data.get("connections")
    for name, section in sections.items() if isinstance(sections, dict) else ():
        kind = section.get("connector") if isinstance(section, dict) else None
        if not isinstance(kind, str):
            source.report(
                ("connections", name), f"{name} names no connector", f"Add connector: {' | '.join(installed())}"
            )
            continue
        try:
            found[name] = load(kind)
        except UnknownConnector:
            place = ("connections", name, "connector")
            source.report(place, f"there is no connector {kind!r}", suggest(kind, installed()))
    return found


def _document(classes: Mapping[str, ConnectorClass]) -> type[BaseModel]:
    """Build the model of this very file, so that each connection is checked by its connector's own settings."""
    sections: dict[str, Any] = {
        name: (
            create_model(f"{name}_connection", __base__=cls.Settings, connector=(str, ...), pace=(PaceDoc, PaceDoc())),
            ...,
        )
        for name, cls in classes.items()
    }
    connections = create_model("Connections", __config__=ConfigDict(extra="ignore"), **sections)
    return create_model(
        "ConfigDocument",
        __base__=Strict,
        store=(SecretStr, SecretStr("sqlite:///closedwon.db")),
        mapping=(str, BUILT_IN + "default"),
        templates=(list[str], [BUILT_IN + path.stem for path in DEFAULT_TEMPLATES]),
        connections=(connections, ...),
        engine=(EngineDoc, EngineDoc()),
        schedules=(SchedulesDoc, SchedulesDoc()),
        health=(HealthDoc, HealthDoc()),
        receiver=(ReceiverDoc, ReceiverDoc()),
        traces=(TracesDoc, TracesDoc()),
        notices=(NoticesDoc | None, None),
    )


def _resolve_secrets(
    source: Source, classes: Mapping[str, ConnectorClass], folder: Path, environment: Mapping[str, str]
) -> None:
    data = source.data
    if isinstance(data.get("store"), str | dict):
        literal = not _has_password(data["store"])
        data["store"] = follow(source, ("store",), data["store"], folder, environment, literal=literal)
    for name, cls in classes.items():
        section = data["connections"][name]
        local = host(section.get("url")) in LOOPBACK
        for key, field in cls.Settings.model_fields.items():
            place, secret = ("connections", name, key), is_secret(field.annotation)
            if key in section and (secret or is_reference(section[key])):
                section[key] = follow(source, place, section[key], folder, environment, literal=local or not secret)


def _has_password(store: Any) -> bool:
    """Tell whether an address holds a password for another machine."""
    try:
        password = urlsplit(store).password if isinstance(store, str) else None
    except ValueError:
        return True
    return bool(password) and host(store) not in LOOPBACK


def _check_store(source: Source) -> None:
    """Say what is wrong with the store's address, which is never quoted, since it may hold a password."""
    value = source.data.get("store")
    if not isinstance(value, str) or value == UNKNOWN:
        return
    try:
        url = sa.make_url(value)
    except sa.exc.ArgumentError:
        source.report(("store",), "this is no address of a database", STORES)
        return
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        source.report(("store",), f"a store cannot live in {url.get_backend_name()}", STORES)
    elif url.get_backend_name() == "sqlite" and (not url.database or url.database == ":memory:"):
        source.report(("store",), "a store in memory would forget its plans and double them", STORES)


def _check_scale(source: Source, store: str) -> None:
    """Say what work at scale lacks."""
    place = ("engine", "runner")
    if store.startswith("sqlite"):
        what = "procrastinate shares work by way of PostgreSQL, and the store is an SQLite file"
        source.report(place, what, "Let `store` name a PostgreSQL, or write engine: embedded")
    if importlib.util.find_spec("procrastinate") is None:
        what = "procrastinate is not installed here"
        source.report(place, what, "Install it: pip install 'closedwon[scale]'; or write engine: embedded")


def _check_addresses(source: Source, classes: Mapping[str, ConnectorClass]) -> None:
    """Find addresses that no request could be sent to; what else a url must be, its connector says."""
    for name in classes:
        try:
            _ = urlsplit(str(source.data["connections"][name].get("url", ""))).port
        except ValueError:
            place = ("connections", name, "url")
            source.report(
                place, "this is no whole address", "Write it as a browser shows it: https://host, or https://host:port"
            )


def _check_built_ins(source: Source) -> None:
    """Name the built-in files that there are where one is meant that is not."""
    named: list[tuple[Place, Any, Mapping[str, Path]]] = [(("mapping",), source.data.get("mapping"), BUILT_IN_MAPPINGS)]
    templates = source.data.get("templates")
    for number, template in enumerate(templates if isinstance(templates, list) else ()):
        named.append((("templates", number), template, BUILT_IN_TEMPLATES))
    for place, value, known in named:
        if isinstance(value, str) and value.startswith(BUILT_IN) and value.removeprefix(BUILT_IN) not in known:
            source.report(place, f"there is no {value}", suggest(value, [BUILT_IN + name for name in known]))


def _config(path: Path, doc: Any, classes: Mapping[str, ConnectorClass]) -> Config:
    folder = path.resolve().parent
    connections = {}
    for name, cls in classes.items():
        section = getattr(doc.connections, name)
        settings = cls.Settings.model_validate(section.model_dump(exclude={"connector", "pace"}))
        connections[name] = ConnectionConfig(name, section.connector, cls, settings, section.pace)
    return Config(
        file=path,
        store=_at_home(doc.store, folder),
        mapping=_built_in(doc.mapping, folder, BUILT_IN_MAPPINGS),
        templates=tuple(_built_in(template, folder, BUILT_IN_TEMPLATES) for template in doc.templates),
        connections=connections,
        engine=doc.engine,
        schedules=doc.schedules,
        health=doc.health,
        receiver=doc.receiver,
        traces=doc.traces,
        notices=doc.notices,
    )


def _at_home(store: SecretStr, folder: Path) -> SecretStr:
    """Seat a relative SQLite file beside the configuration: started elsewhere, we would begin with an empty store."""
    url = sa.make_url(store.get_secret_value())
    if url.get_backend_name() != "sqlite" or url.database is None:
        return store
    return SecretStr(url.set(database=str(folder / url.database)).render_as_string(hide_password=False))


def _built_in(name: str, folder: Path, known: Mapping[str, Path]) -> Path:
    """Resolve `builtin:NAME` or a path relative to the configuration's own folder."""
    if name.startswith(BUILT_IN):
        return known.get(name.removeprefix(BUILT_IN), folder / name)
    return folder / name
