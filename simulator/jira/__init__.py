"""A Jira Cloud site: REST v2 and v3, JQL over a lagging index, workflows, worklogs, bulk operations, webhooks.

Facts and their sources stand beside the code that models them. Imports nothing of Closedwon's other packages.
"""

from simulator.jira.vendor import Jira

__all__ = ["Jira"]
