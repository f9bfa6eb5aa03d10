"""Our three connectors keep every sentence of the contract, Smartsheet in both layouts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jira_rig import JiraRig
from salesforce_rig import SalesforceRig
from simulated_rig import Served
from smartsheet_rig import PortfolioRig, SmartsheetRig

from connectors.conformance import ConnectorConformance, Rig
from simulator.jira import Jira
from simulator.salesforce import Salesforce
from simulator.smartsheet import Smartsheet


@pytest.fixture(scope="module")
def salesforce() -> Iterator[Served]:
    served = Served(Salesforce)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def jira() -> Iterator[Served]:
    served = Served(Jira)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def smartsheet() -> Iterator[Served]:
    served = Served(Smartsheet)
    yield served
    served.stop()


class TestSalesforce(ConnectorConformance):
    @pytest.fixture
    def rig(self, salesforce: Served) -> Rig:
        return SalesforceRig(salesforce)


class TestJira(ConnectorConformance):
    @pytest.fixture
    def rig(self, jira: Served) -> Rig:
        return JiraRig(jira)


class TestSmartsheet(ConnectorConformance):
    @pytest.fixture
    def rig(self, smartsheet: Served) -> Rig:
        return SmartsheetRig(smartsheet)


class TestSmartsheetPortfolio(ConnectorConformance):
    @pytest.fixture
    def rig(self, smartsheet: Served) -> Rig:
        return PortfolioRig(smartsheet)
