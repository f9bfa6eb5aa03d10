"""The Jira Cloud connector: `JiraConnector`, registered as `jira`, and its settings."""

from connectors.jira.connector import JiraConnector
from connectors.jira.settings import JiraSettings

__all__ = ["JiraConnector", "JiraSettings"]
