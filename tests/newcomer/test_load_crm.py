"""A whole CRM's export: one that nobody here wrote, where it is at hand, and one of the same size that is made here."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from simulator.load import Loaded, load_folder
from simulator.salesforce import Salesforce
from simulator.server import World

ROOT = Path(__file__).parents[2]
CRM = ROOT.parent / "shared" / "data" / "crm"
COLUMNS = ROOT / "docs" / "examples" / "crm-columns.yaml"
ROWS = 8_800


@pytest.fixture(scope="module")
def crm() -> tuple[Salesforce, Loaded, float]:
    if not CRM.is_dir():
        pytest.skip("the public CRM export is not beside this checkout, and is not part of it")
    salesforce = Salesforce(World())
    start = time.process_time()
    loaded = load_folder(salesforce, CRM, COLUMNS)
    return salesforce, loaded, time.process_time() - start


def test_all_won_deals_of_the_public_export_arrive_won_and_whole(crm: tuple[Salesforce, Loaded, float]) -> None:
    org = crm[0].org
    won = [deal for deal in org.rows("Opportunity") if deal["IsWon"]]
    assert len(won) == 4238
    assert all(deal["AccountId"] and deal["Amount"] is not None for deal in won)
    owners = {user["Id"] for user in org.rows("User")} - {org.integration_user}
    assert all(deal["OwnerId"] in owners for deal in won)
    lines = {line["OpportunityId"]: line for line in org.rows("OpportunityLineItem")}
    assert all(lines[deal["Id"]]["TotalPrice"] == deal["Amount"] for deal in won)


def test_the_public_exports_misspelt_product_is_the_listed_one(crm: tuple[Salesforce, Loaded, float]) -> None:
    org = crm[0].org
    products = {row["Id"]: row["Name"] for row in org.rows("Product2")}
    sold = Counter(products[line["Product2Id"]] for line in org.rows("OpportunityLineItem"))
    assert len(products) == 7
    assert sold["GTX Pro"] > 700
    assert not crm[1].added


def test_the_public_exports_deals_without_a_close_date_are_left_out_with_one_reason(
    crm: tuple[Salesforce, Loaded, float],
) -> None:
    assert dict(crm[1].left_out) == {"opportunities: no close date, which Salesforce demands": 2089}
    assert crm[1].counts["opportunities"] == ROWS - 2089
    assert crm[2] < 10


def test_8800_deals_with_lines_load_in_less_than_ten_seconds(tmp_path: Path) -> None:
    with (tmp_path / "deals.csv").open("w", encoding="utf-8") as file:
        file.write("Id,Account,Owner,Stage,Closed,Amount,Product\n")
        for number in range(ROWS):
            who = f"Account {number % 85},Owner {number % 35}"
            file.write(f"D{number},{who},Closed Won,2026-{number % 12 + 1:02}-15,{number}.50,Product {number % 7}\n")
    titles = (
        "{id: Id, account: Account, owner: Owner, stage: Stage, close_date: Closed, amount: Amount, product: Product}"
    )
    (tmp_path / "columns.yaml").write_text(
        f"opportunities:\n  file: deals.csv\n  columns: {titles}\n", encoding="utf-8"
    )
    start = time.process_time()
    loaded = load_folder(Salesforce(World()), tmp_path)
    assert time.process_time() - start < 10
    assert loaded.counts["opportunities"] == ROWS
    assert not loaded.left_out
