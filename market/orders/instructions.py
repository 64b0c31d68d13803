"""How an order is paid: into which account, how much, and what to write on the transfer; or online."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.banking.models import BankAccount
from market.banking.queries import accounts_to_pay_into, waiting_under
from market.banks.rules import identification_code, printed_code
from market.channels.rules import FundsModel
from market.orders import queries
from market.orders.funding import payable_fen
from market.orders.models import Order, OrderGroup, OrderLine


class Instruction(NamedTuple):
    """What a payer is told; nowhere to pay if nothing is due, no account if it is paid online or none is registered."""

    funds_model: FundsModel
    amount_due_fen: int
    account: BankAccount | None = None
    remark: str | None = None
    waiting_fen: int = 0
    online_payment: str | None = None


class Billed(NamedTuple):
    """An order group that is to be paid, by its id and number, one way."""

    id: UUID
    number: str
    model: FundsModel


def instructions(session: orm.Session, group: Billed, due_fen: Mapping[UUID, int]) -> dict[UUID, Instruction]:
    """Return how the orders of a group are paid, by supplier, in one statement however many there are."""
    if group.model is FundsModel.STRIPE:
        route = f"/v1/order-groups/{group.id}/online-payments"
        return {each: Instruction(group.model, fen, online_payment=route) for each, fen in due_fen.items()}
    remark = printed_code(identification_code(group.number))
    accounts = accounts_to_pay_into(session, group.model, due_fen)
    return {each: Instruction(group.model, fen, accounts.get(each), remark) for each, fen in due_fen.items()}


def instruction(session: orm.Session, order: Order, group: OrderGroup, lines: list[OrderLine]) -> Instruction:
    """Return how an order is paid, as it stands now."""
    due_fen = payable_fen(order, lines, queries.dealt_with(session, [line.id for line in lines]))
    if due_fen == 0:
        return Instruction(order.funds_model, due_fen)
    billed = Billed(group.id, group.number, order.funds_model)
    told = instructions(session, billed, {order.supplier_id: due_fen})[order.supplier_id]
    if told.account is None:
        return told
    return told._replace(waiting_fen=waiting_under(session, told.account, identification_code(group.number)))
