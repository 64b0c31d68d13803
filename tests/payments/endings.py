"""How a tale of payments ended, in names that are the same however and whenever its news arrived."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.cash.rules import PLATFORM
from market.orders.models import Order, OrderLine
from market.payments.models import (
    Dispute,
    OnlinePayment,
    ProviderCall,
    ProviderEvent,
    ProviderMovement,
    Refund,
)
from market.settlements.models import Settlement

Ending = Mapping[str, Any]

BALANCES = """
SELECT a.book, a.kind, a.step, a.owner_id, a.counterpart_id,
       (SELECT coalesce(sum(amount_fen), 0) FROM ledger_transfers WHERE credit_account_id = a.id)
       - (SELECT coalesce(sum(amount_fen), 0) FROM ledger_transfers WHERE debit_account_id = a.id) AS fen
FROM ledger_accounts a
"""


class Names:
    """What the things of a tale are called: ids differ from one telling to the next."""

    def __init__(self, session: orm.Session, orders: list[Order], people: Mapping[UUID, str]) -> None:
        """Name everything that there is."""
        self.session = session
        self.of: dict[Any, str] = {None: "", PLATFORM: "platform", **people}
        self.orders = {order.id: f"order {number}" for number, order in enumerate(orders)}
        self.groups = {order.group_id: self.orders[order.id] for order in orders}
        self.of |= self.orders
        self.of |= {line.id: f"line of {self.orders[line.order_id]}" for line in self._all(OrderLine)}
        self.sources: dict[str | None, str] = {}
        self.payments = list(self._of_groups())
        for payment in self.payments:
            self.sources[payment.charge_id] = f"charge for {self.groups[payment.group_id]}"
        by_id = {payment.id: payment for payment in self.payments}
        self.disputes = self._all(Dispute)
        for dispute in self.disputes:
            name = f"dispute of {self.groups[by_id[dispute.payment_id].group_id]}"
            self.of[dispute.id] = self.sources[dispute.provider_id] = name
        self.refunds = [refund for refund in self._all(Refund) if refund.order_id in self.orders]
        for refund in self.refunds:
            name = f"refund by {refund.route} of {refund.amount_fen} to {self.orders[refund.order_id]}"
            self.of[refund.id] = self.sources[refund.provider_id] = name
        self.settlements = self._all(Settlement)
        for number, settlement in enumerate(self.settlements):
            self.of[settlement.id] = f"settlement {number}"
        for call in self._all(ProviderCall):
            self.sources.setdefault(call.object_id, f"{call.operation} of {self.of.get(call.subject_id)}")
        self.of |= {account.id: f"account {account.purpose}" for account in self._all(BankAccount)}
        self.lines = self._all(BankLine)
        movements = {each.line_id: each for each in self._all(ProviderMovement)}
        for line in self.lines:
            seen = movements.get(line.id)
            source = self.sources.get(seen.source_id, "nothing known") if seen else "bank"
            self.of[line.id] = f"{seen.kind if seen else line.remark[:2]} of {line.amount_fen} by {source}"

    def _all(self, table: type[Any]) -> list[Any]:
        key = "line_id" if table is ProviderMovement else "id"
        return list(self.session.scalars(sa.select(table).order_by(getattr(table, key))))

    def _of_groups(self) -> Iterator[OnlinePayment]:
        yield from (payment for payment in self._all(OnlinePayment) if payment.group_id in self.groups)


def ending(session: orm.Session, orders: list[Order], people: Mapping[UUID, str]) -> Ending:
    """Return statuses, amounts, open lines and every account's balance, by name."""
    session.flush()
    session.expire_all()
    names = Names(session, orders, people)
    return {
        "orders": {names.of[order.id]: _order(order) for order in orders},
        "payments": sorted((names.groups[each.group_id], each.status, each.amount_fen) for each in names.payments),
        "refunds": sorted(
            (names.of[each.id], each.status, bool(each.left_line_id), bool(each.back_line_id)) for each in names.refunds
        ),
        "disputes": sorted((names.of[each.id], each.status, each.amount_fen) for each in names.disputes),
        "settlements": [_settlement(each) for each in names.settlements],
        "lines": sorted((names.of[each.id], each.open_fen, str(each.waiting)) for each in names.lines),
        "calls": _counted(session, ProviderCall.operation, ProviderCall.status),
        "events that wait": session.scalar(
            sa.select(sa.func.count()).select_from(ProviderEvent).where(ProviderEvent.status != "handled")
        ),
        "accounts": _balances(session, names),
    }


def _order(order: Order) -> tuple[Any, ...]:
    return (
        order.status,
        order.captured_fen,
        order.refunded_fen,
        order.settled_fen,
        order.settled_fee_fen,
        order.reserved_fen,
        order.paid_fen,
    )


def _settlement(settlement: Settlement) -> tuple[Any, ...]:
    return (
        settlement.status,
        settlement.gross_fen,
        settlement.fee_fen,
        settlement.netted_fen,
        settlement.reserved_fen,
        settlement.released_fen,
        settlement.amount_fen,
    )


def _counted(session: orm.Session, *columns: orm.InstrumentedAttribute[Any]) -> dict[Any, int]:
    return {
        tuple(row[:-1]): row[-1] for row in session.execute(sa.select(*columns, sa.func.count()).group_by(*columns))
    }


def _balances(session: orm.Session, names: Names) -> Counter[tuple[str, ...]]:
    """Sum the accounts by what they are; one at zero may as well not have been opened."""
    sums: Counter[tuple[str, ...]] = Counter()
    for row in session.execute(sa.text(BALANCES)):
        if row.fen:
            who = names.of.get(row.owner_id, "?"), names.of.get(row.counterpart_id, "?")
            sums[row.book, row.kind, row.step or "", *who] += int(row.fen)
    return sums


def differences(clean: Ending, chaotic: Ending) -> list[str]:
    """Return what is not the same, each thing by its name."""
    return [
        f"{what}: {clean[what]} when clean, {chaotic[what]} in chaos"
        for what in clean
        if what != "accounts" and clean[what] != chaotic[what]
    ] + [
        f"{' '.join(account)}: {clean['accounts'][account]} fen when clean, {chaotic['accounts'][account]} in chaos"
        for account in sorted(clean["accounts"].keys() | chaotic["accounts"].keys())
        if clean["accounts"][account] != chaotic["accounts"][account]
    ]
