"""Every report once more, the slow way: from raw rows, one by one, in plain Python."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from market.reports.queries import Filters
from market.reports.rules import COLUMNS, Dimension

TABLES = (
    "organisations",
    "orders",
    "order_lines",
    "acceptances",
    "acceptance_lines",
    "returns",
    "return_lines",
    "ledger_accounts",
    "ledger_entries",
    "ledger_transfers",
    "payments",
    "disbursements",
    "evidence_uses",
    "receipts",
)
FURTHER = {"accrued": 1, "recognised": 2, "disbursed": 3, "confirmed": 4}

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
Figures = dict[str, int]


def raw_rows(connection: sa.Connection) -> Rows:
    """Read every row of the tables that count."""
    return {
        name: [dict(row) for row in connection.execute(sa.text(f"SELECT * FROM {name}")).mappings()] for name in TABLES
    }


class SlowReport:
    """A report of everything, by dimension and filters."""

    def __init__(self, rows: Rows, dimension: Dimension, filters: Filters) -> None:
        self.dimension, self.filters = dimension, filters
        self.bodies = {row["id"]: row for row in rows["organisations"]}
        self.orders = {row["id"]: row for row in rows["orders"]}
        self.order_of = {row["id"]: self.orders[row["order_id"]] for row in rows["order_lines"]}
        self.accounts = {row["id"]: row for row in rows["ledger_accounts"]}
        self.figures: dict[str | None, Figures] = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
        self.sets: dict[tuple[str | None, str], set[Any]] = defaultdict(set)
        self.earned: dict[tuple[str | None, Any, bool], int] = defaultdict(int)
        self.total: Figures = dict.fromkeys(COLUMNS, 0)
        self._sales(rows)
        self._book(rows)
        self._count()

    def _in_window(self, day: Any) -> bool:
        return bool(self.filters.period_from <= day <= self.filters.period_to)

    def _wanted(self, supplier_id: Any, order: Mapping[str, Any] | None) -> bool:
        filters, county = self.filters, self.bodies[supplier_id]["region_code"]
        if filters.supplier_id is not None and supplier_id != filters.supplier_id:
            return False
        if filters.county is not None and not county.startswith(filters.county):
            return False
        return filters.channel is None or (order is not None and order["channel_code"] == filters.channel)

    def _key(self, day: Any, supplier_id: Any, order: Mapping[str, Any] | None, mechanism: str | None) -> str | None:
        match self.dimension:
            case Dimension.CHANNEL:
                return order["channel_code"] if order else None
            case Dimension.MONTH:
                return f"{day.year}-{day.month:02d}"
            case Dimension.REGION:
                return str(self.bodies[supplier_id]["region_code"])[:6]
            case Dimension.COOPERATIVE:
                return str(supplier_id)
            case Dimension.BUYER:
                return str(order["buyer_id"]) if order else None
            case Dimension.MECHANISM:
                return mechanism

    def _add(self, key: str | None, column: str, fen: int) -> None:
        self.figures[key][column] += fen
        self.total[column] += fen

    def _sales(self, rows: Rows) -> None:
        """Count what was sold, or came back, when its income is in the book; what brought none, when it happened."""
        booked_on = {entry["source"]: entry["effective_on"] for entry in rows["ledger_entries"]}
        accepted_on = {row["id"]: row["accepted_on"] for row in rows["acceptances"]}
        returned_on = {row["id"]: row["returned_on"] for row in rows["returns"]}
        for line in rows["acceptance_lines"]:
            day = booked_on.get(f"acceptance:{line['id']}", accepted_on[line["acceptance_id"]])
            self._sale(day, line, line["accepted_fen"], line["accepted_net_fen"])
        for line in rows["return_lines"]:
            day = booked_on.get(f"return:{line['id']}", returned_on[line["return_id"]])
            self._sale(day, line, -line["amount_fen"], -line["net_fen"])

    def _sale(self, day: Any, line: Mapping[str, Any], fen: int, net_fen: int) -> None:
        order = self.order_of[line["order_line_id"]]
        if self._in_window(day) and self._wanted(order["supplier_id"], order):
            key = self._key(day, order["supplier_id"], order, None)
            self._add(key, "sale_fen", fen)
            self._add(key, "sale_net_fen", net_fen)
            if line.get("accepted_milli"):
                self.sets[key, "orders"].add(order["id"])

    def _book(self, rows: Rows) -> None:
        for move in rows["ledger_transfers"]:
            if self._in_window(move["effective_on"]):
                self._leg(move, self.accounts[move["credit_account_id"]], move["amount_fen"])
                self._leg(move, self.accounts[move["debit_account_id"]], -move["amount_fen"])

    def _leg(self, move: Mapping[str, Any], account: Mapping[str, Any], fen: int) -> None:
        kind, step = account["kind"], account["step"]
        if kind not in ("household", "collective", "retained", "pool", "suspense"):
            return
        ahead = step == "advance"
        order = None if ahead else self.order_of[move["order_line_id"]]
        supplier_id = account["counterpart_id"] or account["owner_id"]
        if not self._wanted(supplier_id, order):
            return
        key = self._key(move["effective_on"], supplier_id, order, None if ahead else move["mechanism"])
        if ahead:
            self._add(key, "advance_fen", fen)
        elif step in ("top_up", "top_up_paid"):
            self._add(key, "top_up_fen", fen)
            self._add(key, "top_up_paid_fen", fen if step == "top_up_paid" else 0)
        elif kind in ("retained", "pool", "suspense"):
            self._add(key, f"{kind}_fen", fen)
        else:
            prefix = kind if kind == "collective" else "assisted" if move["assisted"] else "ordinary"
            for name, reach in FURTHER.items():
                self._add(key, f"{prefix}_{name}_fen", fen if FURTHER[step] >= reach else 0)
            if kind == "household":
                self.earned[key, account["owner_id"], move["assisted"]] += fen

    def _count(self) -> None:
        whole: dict[tuple[Any, bool], int] = defaultdict(int)
        for (key, owner, assisted), fen in self.earned.items():
            whole[owner, assisted] += fen
            if fen > 0:
                self.sets[key, "households"].add(owner)
                self.sets[key, "assisted_households" if assisted else "ordinary_households"].add(owner)
        for (key, column), members in self.sets.items():
            self.figures[key][column] = len(members)
        reached = {(owner, assisted) for (owner, assisted), fen in whole.items() if fen > 0}
        self.total["households"] = len({owner for owner, _ in reached})
        self.total["assisted_households"] = sum(assisted for _, assisted in reached)
        self.total["ordinary_households"] = sum(not assisted for _, assisted in reached)
        self.total["orders"] = len(set().union(*(ids for (_, name), ids in self.sets.items() if name == "orders")))
