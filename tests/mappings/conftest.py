"""What the tests of `mappings` share: the files that come with Closedwon, and small deals to try them on."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from connectors.base import Kind, Record, Ref, Value
from mappings.load import DEFAULT_MAPPINGS, DEFAULT_TEMPLATES, Mistake, Problems, load_mappings, load_templates
from mappings.model import Deal, MappingSet
from mappings.templates import Template
from mappings.translate import deal_from

SOFTWARE = {"Product2.Name": "Core", "ProductCode": "CORE", "Product2.Family": "Software", "Quantity": 1.0}
INTEGRATION = {"Product2.Name": "SAP link", "ProductCode": "INT-SAP", "Product2.Family": "Integration", "Quantity": 2.0}
CIRCUIT = {"Product2.Name": "Fibre 1G", "ProductCode": "DIA-1G", "Product2.Family": "Internet Access", "Quantity": 1.0}


@pytest.fixture(scope="session")
def default() -> MappingSet:
    return load_mappings(DEFAULT_MAPPINGS)


@pytest.fixture(scope="session")
def templates(default: MappingSet) -> dict[str, Template]:
    return {template.name: template for template in load_templates(DEFAULT_TEMPLATES, default)}


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    def make(lines: tuple[dict[str, Value], ...] = (SOFTWARE, INTEGRATION), **fields: Value) -> Record:
        full: dict[str, Value] = {
            "Name": "Acme rollout",
            "Account.Name": "Acme",
            "Owner.Email": "Zoe@Example.com",
            "CloseDate": date(2026, 3, 2),
            "Amount": 1000.0,
            "StageName": "Closed Won",
            "IsWon": True,
            "Contracted_Hours__c": None,
            "Target_Launch__c": None,
        }
        full |= {name.replace("__dot__", "."): value for name, value in fields.items()}
        return Record(Kind.DEAL, Ref("0065e00000AbCdEAAV"), full, lines=lines)

    return make


@pytest.fixture
def make_deal(default: MappingSet, make_record: Callable[..., Record]) -> Callable[..., Deal]:
    return lambda *args, **fields: deal_from(make_record(*args, **fields), default)


@pytest.fixture
def mistakes_in(tmp_path: Path, default: MappingSet) -> Callable[..., list[Mistake]]:
    """Load a text as mapping file (or template file) and return the mistakes found, [] when there are none."""

    def load(text: str, kind: str = "mappings") -> list[Mistake]:
        path = tmp_path / f"{kind}.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            if kind == "mappings":
                load_mappings(path)
            else:
                load_templates([path], default)
        except Problems as problems:
            return list(problems.mistakes)
        return []

    return load
