"""Exports as people have them: what comes in, what is left out and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.load import Loaded, Unloadable, load_folder
from simulator.salesforce import Salesforce

Load = Callable[..., Loaded]
DATA = Path(__file__).parent / "data"
TITLES = "Id,Account,Owner,Stage,Closed,Amount,Product,Quantity\n"
COLUMNS = """
opportunities:
  file: deals.csv
  columns: {id: Id, account: Account, owner: Owner, stage: Stage, close_date: Closed, amount: Amount, product: Product, quantity: Quantity}
"""


def deals(salesforce: Salesforce) -> dict[str, dict[str, Any]]:
    return {deal["Name"]: deal for deal in salesforce.org.rows("Opportunity")}


def lines_of(salesforce: Salesforce, deal: dict[str, Any]) -> list[tuple[str, float, float]]:
    products = {row["Id"]: row["Name"] for row in salesforce.org.rows("Product2")}
    lines = salesforce.org.children("OpportunityLineItem", "OpportunityId", deal["Id"])
    return [(products[line["Product2Id"]], line["Quantity"], line["TotalPrice"]) for line in lines]


def name_of(salesforce: Salesforce, kind: str, record: str | None) -> str | None:
    return next((row["Name"] for row in salesforce.org.rows(kind) if row["Id"] == record), None)


def one(rows: str, **changes: str) -> dict[str, str | bytes]:
    return {"columns.yaml": COLUMNS + changes.get("more", ""), "deals.csv": TITLES + rows}


def test_exports_of_data_loader_come_in_with_their_ids_people_lines_and_notes(salesforce: Salesforce) -> None:
    loaded = load_folder(salesforce, DATA / "data_loader")
    assert dict(loaded.counts) == {"people": 2, "accounts": 2, "products": 2, "opportunities": 4}
    assert not loaded.added
    deal = deals(salesforce)["Platform for Lumen Bakeries"]
    assert deal["Id"] == "0065e00000A1bCdAAJ"
    assert (deal["IsWon"], deal["CloseDate"], deal["Amount"]) == (True, "2026-10-02", 125_000.0)
    assert (deal["Contracted_Hours__c"], deal["Target_Launch__c"], deal["Type"]) == (
        140.0,
        "2027-01-29",
        "New Customer",
    )
    assert deal["Kickoff_Notes__c"] == 'Their CFO said:\n"no launch in December".\nAsk for the seasonal plan, first.'
    assert name_of(salesforce, "Account", deal["AccountId"]) == "Lumen Bakeries"
    assert name_of(salesforce, "User", deal["OwnerId"]) == "Inès Marchetti"
    assert lines_of(salesforce, deal) == [("Platform", 1.0, 105_000.0), ("ERP connector", 2.0, 20_000.0)]


def test_a_moment_counts_as_its_day(salesforce: Salesforce) -> None:
    load_folder(salesforce, DATA / "data_loader")
    assert deals(salesforce)["Renewal, Lumen Bakeries"]["CloseDate"] == "2026-10-09"


def test_ids_that_differ_in_case_alone_are_two_deals(salesforce: Salesforce) -> None:
    load_folder(salesforce, DATA / "data_loader")
    ids = {deal["Id"] for deal in salesforce.org.rows("Opportunity")}
    assert {"0065e00000A1bCfAAJ", "0065e00000a1bCFAAY"} <= ids


def test_a_deal_without_an_account_comes_in_so_that_the_engine_can_say_what_it_lacks(salesforce: Salesforce) -> None:
    load_folder(salesforce, DATA / "data_loader")
    assert deals(salesforce)["Pilot without an account"]["AccountId"] is None


def test_a_line_of_a_deal_that_is_not_there_is_left_out_by_its_line(salesforce: Salesforce) -> None:
    loaded = load_folder(salesforce, DATA / "data_loader")
    assert dict(loaded.left_out) == {"lines: their deal did not come in": 1}
    assert loaded.examples == ["lines line 5: their deal did not come in: '0065e00000ZZZZZAA5'"]


def test_a_report_with_bom_semicolons_and_european_dates_and_numbers_comes_in(salesforce: Salesforce) -> None:
    load_folder(salesforce, DATA / "report")
    deal = deals(salesforce)["Plattform Brücke AG"]
    assert (deal["StageName"], deal["CloseDate"], deal["Amount"]) == ("Closed Won", "2026-10-28", 54_500.0)
    assert deal["Contracted_Hours__c"] == 120.5
    assert lines_of(salesforce, deal) == [("Plattform", 1.0, 48_500.0), ("SSO; mit SCIM", 2.0, 6_000.0)]
    assert name_of(salesforce, "User", deal["OwnerId"]) == "Jörg Weiß"


def test_people_without_an_email_get_one_of_the_given_domain(salesforce: Salesforce) -> None:
    load_folder(salesforce, DATA / "report")
    assert "jorg.weiss@seller.example" in {user["Email"] for user in salesforce.org.rows("User")}


def test_a_line_break_in_a_name_becomes_a_blank(salesforce: Salesforce) -> None:
    load_folder(salesforce, DATA / "report")
    assert 'Leitung für "Haus am Fluss"' in deals(salesforce)


def test_a_line_without_a_price_takes_the_amount(salesforce: Salesforce) -> None:
    load_folder(salesforce, DATA / "report")
    deal = deals(salesforce)['Leitung für "Haus am Fluss"']
    assert (deal["Amount"], lines_of(salesforce, deal)) == (1_200.0, [("Plattform", 1.0, 1_200.0)])


def test_every_row_of_a_report_that_does_not_fit_is_named_by_its_line_and_reason(salesforce: Salesforce) -> None:
    loaded = load_folder(salesforce, DATA / "report")
    assert set(deals(salesforce)) == {"Plattform Brücke AG", 'Leitung für "Haus am Fluss"', "Noch offen"}
    assert sorted(loaded.examples) == sorted(
        [
            "opportunities line 10: more cells than columns (is a cell with a delimiter in it unquoted?): '0065e00000R2aag Zu viele Zellen Brücke A'",
            "opportunities line 16: a single cell, as in the lines that reports end with: 'Gewonnene Opportunitys Q4'",
            "opportunities line 6: no close date, which Salesforce demands",
            "opportunities line 7: close_date is no date of the form %d.%m.%Y: '11/30/2026'",
            "opportunities line 8: stage is not known; say what it means under opportunities.stages: '7 - In Klärung'",
            "opportunities line 9: amount is no number: 'auf Anfrage'",
            "opportunities line 11: rows of one Id differ in what belongs to the deal: amount of '0065e00000R2aah'",
            "opportunities line 13: Salesforce refuses it with FIELD_INTEGRITY_EXCEPTION: Quantity must be nonzero.",
        ]
    )
    assert sum(loaded.left_out.values()) == 11


def test_a_deal_that_is_refused_leaves_nothing_of_itself_behind(salesforce: Salesforce, load: Load) -> None:
    loaded = load(one("1,Acme,,Closed Won,2026-10-01,50,Platform,1\n2,Acme,,Closed Won,2026-10-01,50,Platform,0\n"))
    assert loaded.counts["opportunities"] == 1
    assert len(salesforce.org.rows("Opportunity")) == len(salesforce.org.rows("OpportunityLineItem")) == 1


def test_names_are_matched_without_regard_to_case_spaces_and_punctuation(salesforce: Salesforce, load: Load) -> None:
    rows = "1,ACME corp.,ada winter,closed won,2026-10-01,50,GTXPro,1\n"
    more = "accounts: {file: a.csv, columns: {name: N}}\npeople: {file: p.csv, columns: {name: N}}\nproducts: {file: g.csv, columns: {name: N}}\n"
    loaded = load(
        one(rows, more=more) | {"a.csv": "N\nAcme Corp\n", "p.csv": "N\nAda Winter\n", "g.csv": "N\nGTX Pro\n"}
    )
    assert not loaded.added
    assert lines_of(salesforce, deals(salesforce)["ACME corp. GTXPro"])[0][0] == "GTX Pro"


def test_an_owner_may_be_named_by_email(salesforce: Salesforce, load: Load) -> None:
    rows = "1,Acme,ADA@seller.example,Closed Won,2026-10-01,1,P,1\n2,Acme,ben.ode@seller.example,Closed Won,2026-10-02,1,Q,1\n"
    more = "people: {file: p.csv, columns: {name: N, email: E}}\n"
    loaded = load(one(rows, more=more) | {"p.csv": "N,E\nAda Winter,ada@seller.example\n"})
    owners = [name_of(salesforce, "User", deal["OwnerId"]) for deal in deals(salesforce).values()]
    assert owners == ["Ada Winter", "Ben Ode"]
    assert loaded.added["people"] == 1


def test_what_deals_speak_of_and_nobody_listed_is_added_and_told(load: Load) -> None:
    loaded = load(one("1,Acme,Ada Winter,Closed Won,2026-10-01,50,Platform,1\n"))
    assert dict(loaded.added) == {"accounts": 1, "people": 1, "products": 1}
    assert "Added as the deals spell them: 1 accounts, 1 people, 1 products." in loaded.sentence()


def test_a_name_that_two_accounts_bear_is_not_guessed(load: Load) -> None:
    more = "accounts: {file: a.csv, columns: {id: I, name: N}}\n"
    accounts = "I,N\n0015e00000X9yZaAAJ,Acme\n0015e00000X9yZbAAJ,ACME\n"
    loaded = load(one("1,Acme,,Closed Won,2026-10-01,50,P,1\n", more=more) | {"a.csv": accounts})
    assert loaded.examples == [
        "opportunities line 2: several accounts bear the same name; map the column that holds their Id: 'Acme'"
    ]


def test_an_id_that_no_file_explains_is_not_taken_for_a_name(load: Load) -> None:
    loaded = load(one("1,0015e00000X9yZaAAJ,,Closed Won,2026-10-01,50,P,1\n"))
    assert "an Id that is none of the accounts; map `id` in their file: '0015e00000X9yZaAAJ'" in loaded.examples[0]


def test_the_same_account_twice_comes_in_once(salesforce: Salesforce, load: Load) -> None:
    more = "accounts: {file: a.csv, columns: {name: N}}\n"
    loaded = load(one("1,Acme,,Closed Won,2026-10-01,50,P,1\n", more=more) | {"a.csv": "N\nAcme\nacme\n"})
    assert loaded.examples == ["accounts line 3: the same name again: 'acme'"]
    assert len(salesforce.org.rows("Account")) == 1


def test_the_same_deal_twice_is_left_out_whole(salesforce: Salesforce, load: Load) -> None:
    loaded = load(one("1,Acme,,Closed Won,2026-10-01,50,,\n1,Acme,,Closed Won,2026-10-01,50,,\n"))
    assert sum(loaded.left_out.values()) == 2
    assert "several rows of one Id" in loaded.examples[0]
    assert not deals(salesforce)


def test_lines_without_prices_share_the_amount_to_the_cent(salesforce: Salesforce, load: Load) -> None:
    rows = "".join(f"1,Acme,,Closed Won,2026-10-01,100,{product},1\n" for product in "PQR")
    load(one(rows))
    (deal,) = deals(salesforce).values()
    assert deal["Amount"] == 100.0
    assert [total for _, _, total in lines_of(salesforce, deal)] == [33.33, 33.33, 33.34]


def test_without_an_amount_a_line_costs_its_list_price(salesforce: Salesforce, load: Load) -> None:
    more = "products: {file: g.csv, columns: {name: N, price: P}}\n"
    load(one("1,Acme,,Closed Won,2026-10-01,,Platform,2\n", more=more) | {"g.csv": 'N,P\nPlatform,"$1,250.50"\n'})
    (deal,) = deals(salesforce).values()
    assert lines_of(salesforce, deal) == [("Platform", 2.0, 2501.0)]


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1054", ".", 1054.0),
        ("$1,054.50", ".", 1054.5),
        ("USD 12,000", ".", 12_000.0),
        ("12 000,50 €", ",", 12_000.5),
        ("1.234,50", ",", 1234.5),
        ("CHF 1'234.50", ".", 1234.5),
        ("(500.00)", ".", -500.0),
        ("-$7.25", ".", -7.25),
        ("1.0E7", ".", 10_000_000.0),
        ("£.5", ".", 0.5),
    ],
)
def test_amounts_are_read_as_people_write_them(
    salesforce: Salesforce, load: Load, text: str, decimal: str, value: float
) -> None:
    columns = COLUMNS.replace("deals.csv", f'deals.csv\n  decimal: "{decimal}"')
    load({"columns.yaml": columns, "deals.csv": f'{TITLES}1,Acme,,Closed Won,2026-10-01,"{text}",,\n'})
    (deal,) = deals(salesforce).values()
    assert deal["Amount"] == value


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1.234,50", '; `decimal: ","` reads it'),
        ("12,5", '; `decimal: ","` reads it'),
        ("1-2", ""),
        ("n/a", ""),
        ("1,23,4", ""),
    ],
)
def test_an_amount_that_could_mean_two_things_is_not_guessed(load: Load, text: str, hint: str) -> None:
    loaded = load(one(f'1,Acme,,Closed Won,2026-10-01,"{text}",,\n'))
    assert loaded.examples == [f"opportunities line 2: amount is no number: {text!r}{hint}"]


def test_every_other_stage_may_be_given_one_meaning(salesforce: Salesforce, load: Load) -> None:
    load(
        one(
            "1,Acme,,Odd,2026-10-01,1,,\n2,Beta,,Signed,2026-10-01,1,,\n",
            more='  stages: {Signed: Closed Won, "*": Prospecting}\n',
        )
    )
    assert [deal["StageName"] for deal in deals(salesforce).values()] == ["Prospecting", "Closed Won"]


def test_an_export_without_stages_may_say_what_its_deals_are(salesforce: Salesforce, load: Load) -> None:
    columns = 'opportunities:\n  file: deals.csv\n  columns: {account: Account, close_date: Closed}\n  stages: {"*": Closed Won}\n'
    load({"columns.yaml": columns, "deals.csv": "Account,Closed\nAcme,2026-10-01\n"})
    assert [deal["IsWon"] for deal in deals(salesforce).values()] == [True]


def test_lines_are_counted_as_an_editor_counts_them(load: Load) -> None:
    loaded = load(one('1,"Ac\nme",,Closed Won,2026-10-01,1,,\n2,Acme,,Closed Won,,1,,\n'))
    assert loaded.examples == ["opportunities line 4: no close date, which Salesforce demands"]


def test_one_reason_is_told_once_however_many_rows_it_strikes(load: Load) -> None:
    loaded = load(one("".join(f"{n},Acme,,Closed Won,{n},1,,\n" for n in range(40)) + "x,Acme,,?,2026-10-01,1,,\n"))
    assert loaded.left_out["opportunities: close_date is no date of the form %Y-%m-%d"] == 40
    assert len(loaded.examples) == 2


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("opportunities: [", "broken YAML: "),
        ("opportunities: {file: deals.csv}", "opportunities.columns: Field required"),
        (COLUMNS + "peple: {}\n", "peple: Extra inputs are not permitted"),
        (COLUMNS.replace("amount:", "amout:"), "opportunities has no 'amout' (did you mean 'amount'?)"),
        (COLUMNS.replace("close_date: Closed, ", ""), "opportunities needs the column close_date"),
        (COLUMNS.replace("Amount,", "Betrag,"), "has no column 'Betrag'. It has: Id, Account, Owner"),
        (COLUMNS.replace("Amount,", "amounts,"), "has no column 'amounts' (did you mean 'Amount'?)"),
        (COLUMNS.replace("deals.csv", "deal.csv"), "deal.csv: No such file or directory. Check `file`"),
        (COLUMNS.replace("deals.csv", "deals.csv\n  encoding: utf-99"), "no such encoding; usual ones are"),
        (COLUMNS.replace("deals.csv", "deals.csv\n  encoding: utf-16"), "is not utf-16. Set `encoding`"),
        (COLUMNS.replace("deals.csv", 'deals.csv\n  delimiter: ";"'), "look parted by ',': set `delimiter: ','`"),
        (COLUMNS.replace("deals.csv", 'deals.csv\n  dates: "%d/%m"'), "must name day, month and year"),
        (COLUMNS.replace("deals.csv", 'deals.csv\n  name: "{customer}"'), "may hold {account}, {product}, {id}"),
        (COLUMNS.replace("deals.csv", "deals.csv\n  stages: {Won: Won}"), "Won is no stage of the simulated org"),
    ],
)
def test_a_mistake_in_the_columns_file_is_told_with_its_repair(load: Load, columns: str, told: str) -> None:
    with pytest.raises(Unloadable) as caught:
        load({"columns.yaml": columns, "deals.csv": TITLES + "é,,,,,,,\n"})
    assert told in str(caught.value)


def test_a_folder_without_a_columns_file_is_told_where_to_learn_of_it(load: Load) -> None:
    with pytest.raises(Unloadable, match=r"Write one as docs/your-own-deals.md shows"):
        load({"deals.csv": TITLES})


def test_a_column_title_that_occurs_twice_is_not_guessed(load: Load) -> None:
    with pytest.raises(Unloadable, match="has the column Amount more than once"):
        load({"columns.yaml": COLUMNS, "deals.csv": TITLES.strip() + ",Amount\n"})


def test_a_quote_that_never_closes_is_told_with_its_line(load: Load) -> None:
    with pytest.raises(Unloadable, match=r"deals.csv line 3: unexpected end of data. Check the quotes"):
        load(one('1,Acme,,Closed Won,2026-10-01,1,,\n2,"Acme,,Closed Won,2026-10-01,1,,\n3,B,,,,,,\n'))


def test_a_file_in_utf16_comes_in_when_told(salesforce: Salesforce, load: Load) -> None:
    columns = COLUMNS.replace("deals.csv", "deals.csv\n  encoding: utf-16")
    load({"columns.yaml": columns, "deals.csv": (TITLES + "1,Ünal,,Closed Won,2026-10-01,1,,\n").encode("utf-16")})
    assert "Ünal" in deals(salesforce)


def test_blanks_around_a_columns_title_do_not_matter(salesforce: Salesforce, load: Load) -> None:
    load(
        {
            "columns.yaml": COLUMNS,
            "deals.csv": TITLES.replace("Amount", " Amount ") + "1,Acme,,Closed Won,2026-10-01,7,,\n",
        }
    )
    assert [deal["Amount"] for deal in deals(salesforce).values()] == [7.0]


def test_ids_of_fifteen_characters_are_those_of_eighteen_and_differ_by_case(salesforce: Salesforce, load: Load) -> None:
    rows = "0065e00000A1bCf,0015e00000X9yZa,,Closed Won,2026-10-01,1,,\n0065e00000a1bCF,0015e00000x9yZA,,Closed Won,2026-10-01,2,,\n"
    more = "accounts: {file: a.csv, columns: {id: I, name: N}}\nlines: {file: l.csv, columns: {deal: D, product: P}}\n"
    accounts = "I,N\n0015e00000X9yZaAAJ,Upper\n0015e00000x9yZA,Lower\n"
    load(one(rows, more=more) | {"a.csv": accounts, "l.csv": "D,P\n0065e00000A1bCfAAJ,Sold\n"})
    found = {deal["Id"]: deal for deal in salesforce.org.rows("Opportunity")}
    assert set(found) == {"0065e00000A1bCfAAJ", "0065e00000a1bCFAAY"}
    assert [name_of(salesforce, "Account", deal["AccountId"]) for deal in found.values()] == ["Upper", "Lower"]
    assert [len(lines_of(salesforce, deal)) for deal in found.values()] == [1, 0]


def test_somebody_whom_the_org_knows_already_is_not_added_again(salesforce: Salesforce, load: Load) -> None:
    loaded = load(one("1,Acme,closedwon@example.com,Closed Won,2026-10-01,1,,\n"))
    assert loaded.added["people"] == 0
    assert [name_of(salesforce, "User", deal["OwnerId"]) for deal in deals(salesforce).values()] == [
        "Closedwon Integration"
    ]
