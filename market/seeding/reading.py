"""Reading the files of the sample: UTF-8 with a header; days, yuan and yes or no as a person writes them."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from market import quantities
from market.quantities import MILLI_OF, Unit

Row = Mapping[str, str]
Table = Sequence[Row]

_FEN_OF_YUAN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The rows of every file, each field as the name of its file says."""

    regions: Table
    channels: Table
    certification_policies: Table
    categories: Table
    monitoring_lines: Table
    organisations: Table
    members: Table
    households: Table
    household_statuses: Table
    enrolments: Table
    people: Table
    consents: Table
    plans: Table
    plan_pools: Table
    plan_shares: Table
    registers: Table
    share_schemes: Table
    share_modes: Table
    holdings: Table
    entitlements: Table
    listed_households: Table
    applications: Table
    reviews: Table
    batches: Table
    objections: Table
    certificate_changes: Table
    products: Table
    lots: Table
    lot_inputs: Table
    contributions: Table
    baselines: Table
    lot_events: Table
    orders: Table
    order_lines: Table
    acceptances: Table
    returns: Table
    receipts: Table
    bank_accounts: Table
    bank_lines: Table
    matches: Table
    refunds: Table
    settlements: Table
    disbursements: Table
    pay_lists: Table
    distributions: Table
    second_distributions: Table
    account_items: Table
    item_checks: Table
    household_baselines: Table
    published_figures: Table


def read(folder: Path) -> Sample:
    """Return the sample of a folder; raises `OSError` for a missing file."""
    return Sample(**{name: _rows(folder / f"{name}.csv") for name in Sample.__dataclass_fields__})


def _rows(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def day(text: str) -> date:
    """Return the day that a field names; raises `ValueError`."""
    return date.fromisoformat(text)


def maybe_day(text: str) -> date | None:
    """Return the day that a field names, or None for an empty one."""
    return day(text) if text else None


def fen(yuan: str) -> int:
    """Return the fen of a decimal number of yuan; raises `QuantityError` for a part of a fen."""
    return quantities.parse(yuan, _FEN_OF_YUAN)


def milli(quantity: str, unit: str) -> int:
    """Return the milli-units of a quantity in a fixed unit; raises `QuantityError`."""
    return quantities.parse(quantity, MILLI_OF[Unit(unit)])


def maybe_count(text: str) -> int | None:
    """Return the whole number that a field names, or None for an empty one."""
    return int(text) if text else None


def yes(text: str) -> bool:
    """Return what `yes` or `no` says."""
    return {"yes": True, "no": False}[text]
