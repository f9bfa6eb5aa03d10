"""Floors: imports go downwards only. The same rule as import-linter's, by the standard library alone, in a second."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("connectors", "mappings", "sync", "simulator")
FLOORS = (
    ("connectors.asking", 0),
    ("connectors.base", 0),
    ("connectors.describing", 0),
    ("connectors.errors", 0),
    ("connectors.events", 0),
    ("connectors.existing", 0),
    ("connectors.host", 0),
    ("connectors.http", 0),
    ("connectors.pace", 0),
    ("connectors.records", 0),
    ("connectors.registry", 0),
    ("connectors.streams", 0),
    ("connectors.writes", 0),
    ("connectors.conformance", 2),
    ("connectors", 1),
    ("mappings", 1),
    ("sync.core", 2),
    ("sync.store", 3),
    ("sync.config", 3),
    ("sync.config_parts", 3),
    ("sync.notices_config", 3),
    ("sync.traces_config", 3),
    ("sync.engine", 4),
    ("sync.work", 4),
    ("sync.wiring", 6),
    ("sync.cli", 7),
    ("sync.demo", 7),
    ("sync.doctor", 7),
    ("sync", 5),
)
PURE = frozenset(
    {"os", "time", "random", "logging", "socket", "pathlib", "threading", "sqlite3", "requests", "structlog"}
)
MAY_SERVE_THE_SIMULATOR = ("sync.demo", "sync.cli")


def floor_of(module: str) -> int:
    return next(floor for prefix, floor in FLOORS if module == prefix or module.startswith(prefix + "."))


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def modules() -> dict[str, set[str]]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = imports_of(path)
    return found


def ours(imported: set[str], *packages: str) -> set[str]:
    return {name for name in imported if name.split(".")[0] in packages}


def test_imports_go_downwards_only() -> None:
    breaches = [
        f"{name} (floor {floor_of(name)}) imports {target} (floor {floor_of(target)})"
        for name, imported in modules().items()
        if not name.startswith("simulator")
        for target in ours(imported, "connectors", "mappings", "sync")
        if floor_of(target) > floor_of(name)
    ]
    assert breaches == []


def test_no_vendor_package_knows_another() -> None:
    breaches = [
        f"{name} imports {target}"
        for name, imported in modules().items()
        for target in imported
        if name.startswith("connectors.") and target.startswith("connectors.")
        if (mine := name.split(".")[1]) in {"salesforce", "jira", "smartsheet"}
        if (other := target.split(".")[1]) in {"salesforce", "jira", "smartsheet"} and other != mine
    ]
    assert breaches == []


def test_the_simulator_and_the_rest_do_not_know_each_other() -> None:
    found = modules()
    assert [
        n for n, i in found.items() if n.startswith("simulator") and ours(i, "connectors", "mappings", "sync")
    ] == []
    assert [
        n
        for n, i in found.items()
        if not n.startswith(("simulator", *MAY_SERVE_THE_SIMULATOR)) and ours(i, "simulator")
    ] == []


def test_the_core_does_no_input_or_output_and_has_no_clock() -> None:
    breaches = {n: sorted(i & PURE) for n, i in modules().items() if n.startswith("sync.core") and i & PURE}
    assert breaches == {}
    reads_the_clock = [
        path.name
        for path in (ROOT / "sync" / "core").glob("*.py")
        if ".now(" in (text := path.read_text(encoding="utf-8")) or ".today(" in text
    ]
    assert reads_the_clock == []
