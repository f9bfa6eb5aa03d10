"""Memory does not grow with the number of deals: what one batch needs is all that is ever held."""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest
from office import Office

MEASURE = """
import gc, json, sys, tracemalloc
from datetime import date
from pathlib import Path
import connectors.salesforce.client as client
from connectors.base import DealQuery
from sync.backfill import Selection, carry_out
from sync.config import load_config
from sync.wiring import assemble

client.PAGE = 200  # the smallest page that Salesforce gives, so that a few hundred deals are several pages
plant = assemble(load_config(Path("config.yaml")))
kept = {}

def weigh(seen, total, report):
    gc.collect()
    kept[seen] = tracemalloc.get_traced_memory()[0]

tracemalloc.start()
deals = Selection(plant.connections[plant.crm], DealQuery(won_since=date(2020, 1, 1)))
report = carry_out(plant.engine, deals, progress=weigh)
print(json.dumps({"planned": report.planned, "kept": kept}))
"""
PAGE, PAGES = 200, 4


@pytest.mark.slow
def test_four_times_as_many_deals_leave_no_more_in_memory(office: Office) -> None:
    office.configure(sheets={"layout": "portfolio"}, engine={"batch": 50})
    for number in range(PAGES * PAGE):
        office.win(f"Customer {number}")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=office.folder, capture_output=True, text=True, timeout=300, check=True
    )
    told = orjson.loads(done.stdout)
    assert told["planned"] == PAGES * PAGE
    # In the midst of the second and of the last page, where as much of a page is held; 400 held deals weigh 475 kB.
    first, last = told["kept"][str(PAGE + 150)], told["kept"][str((PAGES - 1) * PAGE + 150)]
    assert last < first + 200_000, told["kept"]
