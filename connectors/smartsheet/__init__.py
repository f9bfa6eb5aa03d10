"""Smartsheet, where coordinators and customers work: plans are sheets, tasks are rows."""

from connectors.smartsheet.columns import ColumnSpec
from connectors.smartsheet.connector import SmartsheetConnector
from connectors.smartsheet.settings import Layout, SmartsheetSettings

__all__ = ["ColumnSpec", "Layout", "SmartsheetConnector", "SmartsheetSettings"]
