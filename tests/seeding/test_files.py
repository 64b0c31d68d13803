"""The files of the sample by themselves: every row names its source, and nothing in them contradicts another."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from market import identifiers
from market.households.rules import HouseholdStatus
from market.seeding.reading import Sample, Table, fen, read

SEED = Path(__file__).parent.parent.parent / "seed"
FILES = sorted(SEED.glob("*.csv"))
COUNTED = {
    "quantity",
    "measure",
    "weight",
    "households",
    "people",
    "share_bp",
    "head_count",
    "percent",
    "accepted",
    "area_mu",
    "validity_days",
}
FANGSHAN = "1411281012010001"
SOURCE = re.compile(r"\binvented\b|^domain\.md §\d|^Ministry order|^GB/T 2260$")
TRADE = ["orders", "order_lines", "acceptances", "returns", "receipts", "bank_lines", "matches", "disbursements"]
LISTS = ["pay_lists", "distributions", "second_distributions"]


@pytest.fixture(scope="module")
def sample() -> Sample:
    return read(SEED)


def states_an_amount(row: dict[str, str]) -> bool:
    return any(column in COUNTED or column.endswith("_yuan") for column in row)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_row_with_an_amount_says_what_is_printed_and_what_is_invented(path: Path) -> None:
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert rows
    unsaid = [row for row in rows if states_an_amount(row) and not SOURCE.search(row.get("source", ""))]
    assert not unsaid


def test_no_amount_of_the_trade_is_passed_off_as_printed(sample: Sample) -> None:
    for table in [*TRADE, *LISTS]:
        assert all("invented" in row["source"] for row in getattr(sample, table))


def test_every_file_is_loaded_and_all_of_them_are_small() -> None:
    assert {path.stem for path in FILES} == set(Sample.__dataclass_fields__)
    assert sum(path.stat().st_size for path in FILES) < 2 * 1024**2


def test_names_are_given_once_and_codes_are_sound(sample: Sample) -> None:
    named: list[tuple[Table, str]] = [
        (sample.organisations, "organisation"),
        (sample.registers, "register"),
        (sample.organisations, "name"),
        (sample.members, "login"),
        (sample.households, "household"),
        (sample.products, "product"),
        (sample.lots, "lot"),
        (sample.orders, "order"),
        (sample.disbursements, "evidence"),
        (sample.distributions, "distribution"),
        (sample.second_distributions, "reference"),
        (sample.bank_accounts, "number"),
        (sample.bank_lines, "bank_reference"),
        (sample.refunds, "refund"),
        (sample.settlements, "settlement"),
    ]
    for table, column in named:
        assert max(Counter(row[column] for row in table).values()) == 1, column
    assert all(identifiers.is_credit_code(row["credit_code"]) for row in sample.organisations)
    assert all(row["household"][:12] == row["village_code"] for row in sample.households)
    assert {row["status"] for row in sample.households} == set(HouseholdStatus)


def test_a_township_keeps_its_code_when_it_is_renamed(sample: Sample) -> None:
    names = [row["name"] for row in sample.regions if row["code"] == "141122106"]
    assert names == ["洪相乡", "洪相镇"]


def test_no_number_of_a_person_can_be_anybodys(sample: Sample) -> None:
    for person in sample.people:
        assert identifiers.is_resident_id(person["resident_id"])
        assert person["resident_id"][14:17] == "000", "serials begin with 001"
        assert re.fullmatch(r"(07760\d{6})?", person["phone"]), "no subscriber's number begins with 0"
        assert re.fullmatch(r"(0000\d{12})?", person["bank_account"]), "no card or account begins with four zeros"


def test_the_household_of_fangshan_is_as_printed_and_has_no_baseline(sample: Sample) -> None:
    for year in ("2025", "2026"):
        own = {
            row["kind"]: row["amount_yuan"]
            for row in sample.account_items
            if row["household"] == FANGSHAN and row["occurred_on"].startswith(year)
        }
        own.pop("gift", None)
        assert own == {
            "veteran": "6720.00",
            "grain_to_green": "12150.00",
            "farmland": "1621.40",
            "pension": "1296.00",
        }
    assert FANGSHAN not in {row["household"] for row in sample.household_baselines}


def test_what_was_counted_in_qingyang_is_as_printed(sample: Sample) -> None:
    counted = {
        row["title"]: (int(row["households"]), int(row["people"]))
        for row in sample.published_figures
        if row["households"]
    }
    unstable, marginal, both = counted["脱贫不稳定户"], counted["边缘易致贫户"], counted["监测对象合计"]
    assert both == (unstable[0] + marginal[0], unstable[1] + marginal[1]) == (5_846, 22_137)


def test_wang_village_is_as_printed(sample: Sample) -> None:
    (lot,) = (row for row in sample.lots if row["lot"] == "sp-2024")
    given = [row for row in sample.contributions if row["lot"] == "sp-2024"]
    assert (lot["quantity"], lot["unit"], lot["area_mu"]) == ("900000", "jin", "180")
    assert sum(int(row["measure"]) for row in given) == 900_000
    assert {row["unit_price_yuan"] for row in given} == {"1.20"}
    assert len({row["household"] for row in given}) == len(given) == 31
    assert sum(fen(row["unit_price_yuan"]) * int(row["measure"]) for row in given) == 108_000_000
